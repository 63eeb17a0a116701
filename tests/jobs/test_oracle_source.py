"""A Src with Driver Oracle: what its document says, and what it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.jobs.documents import refused, seed
from udup.actors.cutover_rules import asked
from udup.base.errors import Refused
from udup.drivers.oracle import source as driver
from udup.drivers.registry import MYSQL, ORACLE, Registry
from udup.jobs import JobRecord, accept, parse_job
from udup.jobs.document import oracle
from udup.jobs.plan import plan_of
from udup.jobs.start import other_start
from udup.pipeline.checks import Outcome
from udup.pipeline.cutover.state import Options
from udup.pipeline.ownership import Known
from udup.pipeline.ports import StartPoint


def document(own: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    job = seed()
    job["Tasks"][0] |= {"Driver": "Oracle"}
    job["Tasks"][0]["Config"] |= {"OracleConfig": {"ServiceName": "ORCL"} if own is None else own, **config}
    return job


def test_the_driver_is_told_the_service_and_the_container() -> None:
    spec = parse_job(document({"serviceName": "ORCL", "PDB": "PDB1"}))
    end = plan_of(spec).source
    assert (end.driver, dict(end.settings)) == (ORACLE, {driver.SERVICE: "ORCL", driver.PDB: "PDB1"})
    assert Registry().source(end).where.endswith("/ORCL (PDB1)")
    assert spec.begins_at is None


def test_a_container_is_named_as_the_server_keeps_it() -> None:
    """It takes any case, and LogMiner names it in upper case: rows of `pdb1` would never come."""
    assert dict(plan_of(parse_job(document({"ServiceName": "ORCL", "Pdb": "pdb1"}))).source.settings)["Pdb"] == "PDB1"


def test_an_scn_is_where_the_job_begins() -> None:
    spec = parse_job(document({"ServiceName": "ORCL", "Scn": "4711"}))
    assert spec.begins_at == StartPoint(file=driver.SCN, offset=4711)
    assert oracle.SCN == driver.SCN
    other = other_start(parse_job(document({"ServiceName": "ORCL", "Scn": 5000})), spec)
    assert other is not None
    assert (other.path, other.said) == ("Tasks[0].Config.OracleConfig.Scn", "5000")


def test_a_document_is_shown_as_it_was_posted() -> None:
    assert accept(document({"ServiceName": "ORCL", "Scn": 7}))
    config = parse_job(document({"ServiceName": "ORCL", "Scn": 7})).source.config.oracle_config
    assert config is not None
    assert (config.service_name, config.pdb, config.scn) == ("ORCL", "", 7)


CONFIG = "Tasks[0].Config"


@pytest.mark.parametrize(
    ("job", "faults"),
    [
        (document({}), {f"{CONFIG}.OracleConfig.ServiceName": "is required with Driver Oracle"}),
        (document({"ServiceName": 'a"b'}), {f"{CONFIG}.OracleConfig.ServiceName": "is no name that Oracle allows"}),
        (document({"ServiceName": "x", "Scn": -1}), {f"{CONFIG}.OracleConfig.Scn": "must be 0…"}),
        (document({"ServiceName": "x", "Scn": 1}, AutoGtid=True), {f"{CONFIG}.OracleConfig.Scn": "is given together"}),
        (
            document({"ServiceName": "x", "Scn": 1}, SkipIncrementalCopy=True),
            {f"{CONFIG}.OracleConfig.Scn": "begins without a copy"},
        ),
        (document(BinlogFile="b.1"), {f"{CONFIG}.BinlogFile": "has no meaning for an Oracle source"}),
    ],
)
def test_what_contradicts_itself_is_told(job: dict[str, Any], faults: dict[str, str]) -> None:
    told = refused(job)
    assert told.keys() == faults.keys()
    assert all(told[where].startswith(problem) for where, problem in faults.items())


def test_its_changes_are_delivered_as_messages_too() -> None:
    job = document() | {"Type": "subscribe"}
    job["Tasks"][1] = {"Type": "Dest", "Driver": "NATS", "Config": {"Prefix": "ora", "NatsConfig": {"Stream": "ORA"}}}
    job["Tasks"][0]["Config"]["ConnectionConfig"] |= {"Host": "127.0.0.1", "Port": 1}
    plan = plan_of(parse_job(job))
    delivery = plan.target.delivery
    assert delivery is not None
    assert Registry().reader(plan.source, delivery).kind
    assert not Registry().delivery_faults(ORACLE, plan.target.driver, delivery)
    wrong = replace(plan, target=replace(plan.target, delivery=replace(delivery, values="odd")))
    checks = [*Registry().validate(wrong, Known())]
    assert {"experimental", "connection", "options"} <= {check.name for check in checks}
    assert {check.task for check in checks if check.name == "options" and check.outcome == Outcome.FAIL} == {"Dest"}


def test_the_key_is_of_this_driver_alone() -> None:
    job = document()
    job["Tasks"][0]["Driver"] = MYSQL
    assert list(refused(job)) == [f"{CONFIG}.OracleConfig"]


def test_oracle_is_no_target() -> None:
    job = seed()
    job["Tasks"][1]["Driver"] = "Oracle"
    assert refused(job) == {"Tasks[1].Driver": "Oracle is no target, only a source"}


def test_a_cut_over_is_refused_at_once() -> None:
    with pytest.raises(Refused, match="a source that a cut-over cannot close: Oracle"):
        asked(JobRecord(id="ora", document=document()), Options())


def test_a_validation_says_that_nobody_has_tried_it() -> None:
    """Also where the database cannot be reached, or the client library is not installed."""
    job = document()
    job["Tasks"][0]["Config"]["ConnectionConfig"] |= {"Host": "127.0.0.1", "Port": 1}
    job["Tasks"][1]["Config"]["ConnectionConfig"] |= {"Host": "127.0.0.1", "Port": 1}
    checks = Registry().validate(plan_of(parse_job(job)), Known())
    warned = [check.found for check in checks if check.outcome == Outcome.WARN]
    assert any("never run against an Oracle server" in each for each in warned)
    assert {check.task for check in checks if check.outcome == Outcome.FAIL} == {"Src", "Dest"}
