"""Where a job begins is asked in the request's thread, before anything is stored. No servers, no node."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from udup.actors.messages import Accepted, RegisterJob
from udup.base.errors import Fault, Refused, Unavailable
from udup.jobs import JobProgress, JobRecord, Stage, accept
from udup.jobs.start import DecidedStart
from udup.node import servers
from udup.node.ends import Ends
from udup.node.servers import Servers
from udup.node.service import Control
from udup.node.starts import StartDecisions
from udup.pipeline.checks import DEST, SRC, Check, Outcome
from udup.pipeline.ownership import Known
from udup.pipeline.ports import Beginning, End, JobPlan, Position, StartPoint
from udup.web.openapi.examples import job_document
from udup.web.ports import NotReady, WouldNotStart

Json = dict[str, Any]

NOW = DecidedStart(at="now", position="u:1-5", server_uuid="u", time_ns=7)


@dataclass
class Asked:
    """Drivers and a source: `points` is what was asked where, `plans` what was validated."""

    points: list[StartPoint] = field(default_factory=list)
    plans: list[JobPlan] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    fails: Exception | None = None
    awaited: bool = False
    until: threading.Event | None = None

    def source(self, end: End) -> Asked:
        assert end.endpoint.host == "10.0.0.5"
        return self

    def find_start(self, point: StartPoint) -> Beginning:
        self.points.append(point)
        if self.until is not None:
            assert self.until.wait(30)
        if self.fails is not None:
            raise self.fails
        return Beginning(f"u:1-{5 + len(self.points)}", "u", self.awaited)

    def target(self, end: End) -> Asked:
        assert end.endpoint.host == "10.0.0.6"
        return self

    def executed(self, job: str) -> Position | None:
        return None

    def validate(self, plan: JobPlan, known: Known) -> list[Check]:
        self.plans.append(plan)
        return self.checks


class Node:
    def __init__(self, *records: JobRecord) -> None:
        self.records = {record.id: record for record in records}
        self.drivers = Asked()
        self.sent: list[RegisterJob] = []
        self.control = Control(self.ask, lambda: 0, self, self.drivers, "here")  # type: ignore[arg-type]

    def ask(self, message: Any, _seconds: float) -> Accepted:
        self.sent.append(message)
        return Accepted(7, "one", "e")

    def job(self, job_id: str) -> JobRecord | None:
        return self.records.get(job_id)

    def jobs(self, _prefix: str) -> tuple[list[JobRecord], int]:
        return list(self.records.values()), 7

    def ids(self) -> frozenset[str]:
        return frozenset(self.records)

    def forget(self) -> None:
        """Nothing is remembered."""


def _document(**config: Any) -> Json:
    document = job_document() | {"ID": "one"}
    document["Tasks"][0]["Config"].pop("Gtid", None)
    document["Tasks"][0]["Config"] |= config
    return document


def _record(stage: Stage = Stage.RUNNING, start: DecidedStart | None = NOW, **config: Any) -> JobRecord:
    document = accept(_document(**(config or {"AutoGtid": True})))[1]
    return JobRecord(id="one", document=document, stage=stage, job_modify_index=42, start=start)


def test_the_source_is_asked_before_anything_is_stored_and_the_answer_goes_with_the_document() -> None:
    node = Node()
    node.control.register(_document(AutoGtid=True), None)
    (sent,) = node.sent
    assert node.drivers.points == [StartPoint()] and sent.start is not None
    assert (sent.start.at, sent.start.position, sent.start.server_uuid) == ("now", "u:1-6", "u")
    assert sent.start.time_ns > 0


@pytest.mark.parametrize("config", [{}, {"SkipIncrementalCopy": True}])
def test_a_job_that_copies_asks_no_source(config: Json) -> None:
    node = Node()
    node.control.register(_document(**config), None)
    assert node.drivers.points == [] and [sent.start for sent in node.sent] == [None]


@pytest.mark.parametrize("stage", [Stage.FAILED, Stage.RUNNING, Stage.PENDING])
def test_what_is_decided_is_not_asked_again_and_is_what_the_change_is_checked_by(stage: Stage) -> None:
    node = Node(_record(stage))
    node.control.register(_document(AutoGtid=True, ChunkSize=9), None)
    assert node.drivers.points == [] and [sent.start for sent in node.sent] == [NOW]
    assert [(plan.start_after, plan.start_at) for plan in node.drivers.plans] == [("u:1-5", None)] * (
        stage is not Stage.FAILED
    )


def test_another_start_is_asked_for_and_checked_like_the_rest_of_the_document() -> None:
    node = Node(_record(Stage.PENDING))
    node.drivers.checks = [Check(SRC, "gtid_position", Outcome.FAIL, "purged", "copy")]
    with pytest.raises(WouldNotStart, match="purged"):
        node.control.register(_document(BinlogFile="b.7"), None)
    assert node.drivers.points == [StartPoint(file="b.7", offset=4)] and node.sent == []
    assert [plan.start_after for plan in node.drivers.plans] == ["u:1-6"]


def test_another_start_of_a_job_that_has_begun_is_refused_before_its_source_is_asked() -> None:
    record = _record(Stage.PAUSED).model_copy(update={"progress": JobProgress(applied_gtid="u:1-6")})
    node = Node(record)
    with pytest.raises(Refused, match="goes on after u:1-6"):
        node.control.register(_document(BinlogFile="b.7"), None)
    assert node.drivers.points == [] and node.sent == []


@pytest.mark.parametrize("end_when", ["level", "finished"])
def test_a_migration_that_would_end_without_the_transaction_that_it_begins_with_is_refused(end_when: str) -> None:
    node = Node()
    node.drivers.awaited = True
    gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:7"
    document = _document(GtidStart=gtid) | {"Type": "migration", "EndWhen": end_when}
    if end_when == "finished":
        node.control.register(document, None)
        assert len(node.sent) == 1
        return
    with pytest.raises(Refused, match=f"has not executed {gtid} yet: a migration that ends when level") as caught:
        node.control.register(document, None)
    assert '"EndWhen": "finished"' in caught.value.faults[0].remedy and node.sent == []
    node.control.register(_document(GtidStart=gtid), None)
    assert len(node.sent) == 1


def test_a_start_goes_with_the_incarnation_that_it_was_decided_beside() -> None:
    for record, beside in ((None, ""), (_record().model_copy(update={"incarnation": "i7"}), "i7")):
        node = Node(*([record] if record else []))
        node.control.register(_document(AutoGtid=True), None)
        assert [sent.beside for sent in node.sent] == [beside]


def test_a_start_that_an_older_version_passed_over_is_validated_as_the_copy_that_it_is() -> None:
    gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:7"
    node = Node(_record(start=None, GtidStart=gtid))
    node.control.validate(_document(GtidStart=gtid))
    assert [(plan.start_after, plan.start_at) for plan in node.drivers.plans] == [(None, None)]


def test_a_place_that_is_not_there_is_refused_and_nothing_is_stored() -> None:
    node = Node()
    node.drivers.fails = Refused([Fault("Src x: BinlogFile", "has purged its file b.1", "copy")])
    with pytest.raises(Refused, match="has purged its file"):
        node.control.register(_document(BinlogFile="b.1"), None)
    assert node.sent == []


def test_a_source_that_is_away_is_told_and_nothing_is_stored() -> None:
    node = Node()
    node.drivers.fails = Unavailable("cannot connect")
    for check in (True, False):
        with pytest.raises(NotReady, match="cannot connect -- nothing is stored: post the job again"):
            node.control.register(_document(AutoGtid=True), None, check=check)
    assert node.sent == []


def test_a_source_that_does_not_answer_holds_a_request_for_a_bounded_time_and_others_are_turned_away() -> None:
    drivers = Asked(until=threading.Event())
    decisions = StartDecisions(Ends(Servers(drivers, Known, "")), places=1, seconds=0.05)  # type: ignore[arg-type]
    source = servers.Asked(*accept(_document()), begins_at=StartPoint())
    with pytest.raises(NotReady, match=r"did not say in 0 s where the job begins \(now\) -- nothing is stored"):
        decisions.decide(source, StartPoint())
    with pytest.raises(NotReady, match="as many sources"):
        decisions.decide(source, StartPoint())
    assert drivers.until is not None
    drivers.until.set()


def test_a_validation_has_the_source_asked_only_for_what_is_not_decided() -> None:
    node = Node(_record())
    node.drivers.checks = [Check(DEST, "connection", Outcome.PASS, "here")]
    node.control.validate(_document(AutoGtid=True))
    node.control.validate(_document(GtidStart="3e11fa47-71ca-11e1-9e33-c80aa9429562:7"))
    node.control.validate(_document(SkipIncrementalCopy=True))
    told = [(plan.start_after, plan.start_at, plan.copy_alone) for plan in node.drivers.plans]
    gtid = StartPoint(gtid="3e11fa47-71ca-11e1-9e33-c80aa9429562:7")
    assert told == [("u:1-5", None, False), (None, gtid, False), (None, None, True)]
    assert node.drivers.points == [] and node.sent == []
