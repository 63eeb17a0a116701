"""How a job begins, as its document says it: what is taken, what contradicts itself, what an older version stored."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from tests.jobs.documents import UUID, seed, with_source
from udup.base.errors import Refused
from udup.jobs import JobProgress, JobRecord, accept, parse_job, to_api
from udup.jobs.document.gtid_text import gtid_set, is_one_gtid
from udup.jobs.plan import plan_of
from udup.jobs.start import DecidedStart, check_unchanged, kept_start
from udup.pipeline.ports import Beginning, StartPoint

CONFIG = "Tasks[0].Config."

GTID = f"{UUID}:7"

STARTS: dict[str, dict[str, Any]] = {
    "Gtid": {"Gtid": f"{UUID}:1-9"},
    "AutoGtid": {"AutoGtid": True},
    "GtidStart": {"GtidStart": GTID},
    "BinlogFile": {"BinlogFile": "binlog.000003", "BinlogPos": 157},
}


def _faults(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    with pytest.raises(Refused) as caught:
        accept(document)
    return {fault.where.removeprefix(CONFIG): (fault.problem, fault.remedy) for fault in caught.value.faults}


def _spec(**config: Any) -> Any:
    return accept(with_source(**config) | {"ID": "j"})[0]


@pytest.mark.parametrize(
    ("config", "point"),
    [
        ({}, None),
        ({"Gtid": f"{UUID}:1-9"}, None),
        ({"AutoGtid": "1"}, StartPoint()),
        ({"autogtid": True}, StartPoint()),
        ({"GtidStart": f" {UUID.upper()}:7 "}, StartPoint(gtid=GTID)),
        ({"GtidStart": f"{UUID}:tag:7"}, StartPoint(gtid=f"{UUID}:tag:7")),
        ({"BinlogFile": "mysql-bin.000012"}, StartPoint(file="mysql-bin.000012", offset=4)),
        ({"BinlogFile": "mysql-bin.000012", "BinlogPos": "157"}, StartPoint(file="mysql-bin.000012", offset=157)),
        ({"AutoGtid": False, "GtidStart": "", "BinlogFile": "", "BinlogPos": 0, "SkipIncrementalCopy": "0"}, None),
    ],
)
def test_a_document_says_where_its_job_begins(config: dict[str, Any], point: StartPoint | None) -> None:
    spec = _spec(**config)
    assert spec.begins_at == point and not spec.copy_alone
    plan = plan_of(spec)
    assert plan.start_at == point and plan.start_after == (config.get("Gtid") or None)


def test_a_place_beyond_4_gib_is_one() -> None:
    assert _spec(BinlogFile="b.1", BinlogPos=1 << 33).begins_at == StartPoint(file="b.1", offset=1 << 33)


@pytest.mark.parametrize("first", STARTS)
@pytest.mark.parametrize("second", STARTS)
def test_two_starts_are_refused_by_the_names_of_both(first: str, second: str) -> None:
    if first == second:
        accept(with_source(**STARTS[first]))
        return
    ((where, (problem, remedy)),) = _faults(with_source(**STARTS[first], **STARTS[second])).items()
    assert {where, remedy.removeprefix(f"keep {where} or ")} == {first, second}
    assert first in problem and second in problem and "begins at one place" in problem


def test_three_starts_are_two_faults() -> None:
    assert len(_faults(with_source(**STARTS["Gtid"], **STARTS["AutoGtid"], **STARTS["GtidStart"]))) == 2


@pytest.mark.parametrize(
    ("config", "where", "problem", "remedy"),
    [
        ({"GtidStart": f"{UUID}:1-9"}, "GtidStart", f"one transaction, got '{UUID}:1-9'", "a set"),
        ({"GtidStart": f"{UUID}:1,{UUID}:2"}, "GtidStart", "one transaction", ""),
        ({"GtidStart": "binlog.000001:4"}, "GtidStart", "one transaction", ""),
        ({"GtidStart": [GTID]}, "GtidStart", "must be text, got a list", ""),
        ({"BinlogPos": 4}, "BinlogPos", "the number 4 is an offset in a file, and none is named", "BinlogFile"),
        ({"BinlogFile": "b.1", "BinlogPos": 3}, "BinlogPos", "3 is in front of a file's first event", "leave it out"),
        ({"BinlogFile": "b.1", "BinlogPos": -1}, "BinlogPos", "must be 0…", ""),
        ({"BinlogFile": "b.1", "BinlogPos": "x"}, "BinlogPos", "must be a whole number", ""),
        ({"BinlogFile": "/var/lib/mysql/b.1"}, "BinlogFile", "not the name of a log file", "SHOW BINARY LOGS"),
        ({"BinlogFile": "binlog"}, "BinlogFile", "not the name of a log file", "SHOW BINARY LOGS"),
        ({"AutoGtid": "yes"}, "AutoGtid", "must be true or false", ""),
    ],
)
def test_a_start_that_is_none_is_refused_with_its_value_and_what_to_write(
    config: dict[str, Any], where: str, problem: str, remedy: str
) -> None:
    ((told, (said, do)),) = _faults(with_source(**config)).items()
    assert told == where and problem in said and remedy in do


@pytest.mark.parametrize("start", STARTS)
def test_a_copy_alone_begins_with_a_copy(start: str) -> None:
    ((where, (problem, remedy)),) = _faults(with_source(SkipIncrementalCopy=True, **STARTS[start])).items()
    assert where == "SkipIncrementalCopy" and start in problem and start in remedy
    assert _spec(SkipIncrementalCopy=True).copy_alone and plan_of(_spec(SkipIncrementalCopy=True)).copy_alone


def test_a_copy_alone_is_no_migration() -> None:
    for end in ({}, {"EndWhen": "finished"}):
        document = with_source(SkipIncrementalCopy=True) | {"Type": "migration"} | end
        ((where, (_, remedy)),) = _faults(document).items()
        assert where == "SkipIncrementalCopy" and '"Type": "synchronous"' in remedy


def test_a_migration_that_begins_now_has_to_be_told_its_end() -> None:
    document = with_source(AutoGtid=True) | {"Type": "migration"}
    ((where, (problem, remedy)),) = _faults(document).items()
    assert where == "AutoGtid" and "complete at once" in problem and '"EndWhen": "finished"' in remedy
    accept(document | {"EndWhen": "finished"})
    for start in ("Gtid", "GtidStart", "BinlogFile"):
        accept(with_source(**STARTS[start]) | {"Type": "migration"})


@pytest.mark.parametrize("key", ["AutoGtid", "GtidStart", "BinlogFile", "SkipIncrementalCopy"])
def test_a_start_belongs_to_the_source(key: str) -> None:
    document = seed()
    document["Tasks"][1]["Config"] |= STARTS.get(key, {key: True})
    faults = _faults(document)
    assert faults[f"Tasks[1].Config.{key}"] == ("is said in the Src's Config", "move it there")
    document = seed()
    document["Tasks"][1]["Config"] |= {"AutoGtid": False, "GtidStart": "", "Gtid": f"{UUID}:1-9"}
    accept(document)


def test_a_misspelt_start_is_told_the_right_one() -> None:
    assert _faults(with_source(AutoGtidd=True))["AutoGtidd"][1] == "did you mean AutoGtid?"


# ---- What is decided ----


def _decided(spec: Any, position: str = f"{UUID}:1-5") -> DecidedStart:
    assert spec.begins_at is not None
    return DecidedStart.of(spec.begins_at, Beginning(position, UUID), 1_000_000_000)


@pytest.mark.parametrize("start", ["AutoGtid", "GtidStart", "BinlogFile"])
def test_a_start_is_decided_once_and_kept_with_the_job(start: str) -> None:
    spec = _spec(**STARTS[start])
    assert kept_start(spec, None, None) == spec.begins_at
    decided = _decided(spec)
    again = _spec(**STARTS[start], ParallelWorkers=9)
    assert kept_start(again, spec, decided) is decided
    plan = plan_of(again, decided)
    assert plan.start_after == f"{UUID}:1-5" and plan.start_at is None
    record = JobRecord(id="j", document=with_source(**STARTS[start]), start=decided)
    assert JobRecord.from_json(record.to_json()).start == decided
    shown = to_api(record)["Start"]
    assert shown == {
        "At": str(spec.begins_at), "After": f"{UUID}:1-5", "Server": UUID, "Time": "1970-01-01T00:00:01Z"
    }  # fmt: skip


def test_an_empty_position_is_one_and_no_copy() -> None:
    spec = _spec(AutoGtid=True)
    assert plan_of(spec, _decided(spec, "")).start_after == ""


def test_another_start_is_decided_again_and_none_is_none() -> None:
    spec = _spec(AutoGtid=True)
    other = _spec(GtidStart=GTID)
    assert kept_start(other, spec, _decided(spec)) == StartPoint(gtid=GTID)
    assert kept_start(_spec(BinlogFile="b.1", BinlogPos=8), _spec(BinlogFile="b.1"), _decided(spec)) == StartPoint(
        file="b.1", offset=8
    )
    for without in (_spec(), _spec(Gtid=f"{UUID}:1")):
        assert kept_start(without, spec, _decided(spec)) is None


def test_a_job_that_has_begun_takes_no_other_start_but_may_lose_it() -> None:
    told = JobProgress(applied_gtid=f"{UUID}:1-5")
    before = _spec(AutoGtid=True)
    for start in ("Gtid", "GtidStart", "BinlogFile"):
        with pytest.raises(Refused) as caught:
            check_unchanged(_spec(**STARTS[start]), before, "j", told)
        (fault,) = caught.value.faults
        assert fault.where == f"{CONFIG}{start}" and f"goes on after {UUID}:1-5" in fault.problem
        assert "udup job delete --purge j" in fault.remedy
        check_unchanged(_spec(**STARTS[start]), before, "j", JobProgress())
        check_unchanged(_spec(**STARTS[start]), _spec(**STARTS[start], ParallelWorkers=2), "j", told)
    check_unchanged(_spec(), before, "j", told)
    check_unchanged(_spec(Gtid=f"{UUID.upper()}:1-9"), _spec(Gtid=f"{UUID}:1-9"), "j", told)


def test_a_job_that_has_begun_without_a_copy_does_not_become_a_copy_alone() -> None:
    alone, told = _spec(SkipIncrementalCopy=True), JobProgress(applied_gtid=f"{UUID}:1-5")
    for start in STARTS.values():
        with pytest.raises(Refused, match="SkipIncrementalCopy: job j has begun without a copy"):
            check_unchanged(alone, _spec(**start), "j", told)
        check_unchanged(alone, _spec(**start), "j", JobProgress())
    check_unchanged(alone, _spec(), "j", told)


def test_a_job_whose_copy_has_begun_does_not_go_on_without_one() -> None:
    with pytest.raises(Refused, match="its tables are half there"):
        check_unchanged(_spec(AutoGtid=True), _spec(), "j", JobProgress(copied_rows=1))
    check_unchanged(_spec(AutoGtid=True), _spec(), "j", JobProgress(copied_rows=0))


# ---- What an older version stored ----


@pytest.mark.parametrize("value", ["x:1", "", 7, [GTID], {"a": 1}])
def test_a_stored_start_that_nobody_looked_at_is_read_and_the_job_stays_one_that_copies(value: Any) -> None:
    spec = parse_job(with_source(GtidStart=value))
    assert spec.begins_at is None and plan_of(spec).start_after is None


def test_a_stored_start_that_was_passed_over_does_not_become_one() -> None:
    spec = parse_job(with_source(GtidStart=GTID))
    record = JobRecord(id="j", document=with_source(GtidStart=GTID))
    assert kept_start(spec, record.spec(), record.start) is None
    assert plan_of(spec, record.start).start_after is None


@pytest.mark.parametrize("text", ["0-1-42", "0-1-42,1-2-7", " 0-1-42 , 0-1-44:46"])
def test_a_set_of_mariadb_is_taken_as_its_users_write_it(text: str) -> None:
    assert gtid_set(text) == text.replace(" ", "")


@pytest.mark.parametrize("text", ["0-1", "0-1-0", "0-1-5:4", "4294967296-1-1", "0-1-1-1"])
def test_what_is_no_set_of_mariadb_is_told(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        gtid_set(text)


def test_one_transaction_of_mariadb_is_told_from_a_range() -> None:
    assert is_one_gtid("0-1-42")
    assert not is_one_gtid("0-1-42:44")
