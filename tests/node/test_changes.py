"""A document for a job that is carried out is checked before the supervisor hears of it. No servers, no node."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from udup.actors.messages import Accepted, RegisterJob
from udup.base.errors import Refused, Unavailable
from udup.jobs import DesiredState, IndexConflict, JobRecord, Stage, accept
from udup.jobs.versions import EarlierDocument, Posted
from udup.node import changes
from udup.node.changes import ChangeChecks
from udup.node.service import Control
from udup.pipeline.checks import BOTH, DEST, SRC, Check, Outcome
from udup.pipeline.ownership import Known
from udup.pipeline.ports import JobPlan
from udup.web.openapi.examples import job_document
from udup.web.ports import NotReady, NotThere, WouldNotStart

Json = dict[str, Any]

GOOD = [Check(SRC, "connection", Outcome.PASS, "here"), Check(DEST, "engines", Outcome.WARN, "MyISAM")]
BAD = [
    *GOOD,
    Check(SRC, "privileges", Outcome.FAIL, "no SELECT", "GRANT it"),
    Check(DEST, "connection", Outcome.FAIL, "is away"),
    Check(BOTH, "release", Outcome.FAIL, "older"),
]


@dataclass
class Looking:
    """Drivers that answer a validation with `checks`; `plans` is what they were asked about."""

    checks: list[Check] = field(default_factory=lambda: list(GOOD))
    plans: list[JobPlan] = field(default_factory=list)
    known: Known | None = None
    fails: Exception | None = None
    until: threading.Event | None = None

    def validate(self, plan: JobPlan, known: Known) -> list[Check]:
        self.plans.append(plan)
        self.known = known
        if self.until is not None:
            assert self.until.wait(30)
        if self.fails is not None:
            raise self.fails
        return self.checks


class Node:
    """A `Control` over records of its own; `sent` is what the supervisor was told."""

    def __init__(self, *records: JobRecord) -> None:
        self.records = {record.id: record for record in records}
        self.drivers = Looking()
        self.sent: list[RegisterJob] = []
        self.control = Control(self.ask, lambda: 0, self, self.drivers, "here")  # type: ignore[arg-type]

    def ask(self, message: Any, _seconds: float) -> Accepted:
        self.sent.append(message)
        return Accepted(7, "one", "e")

    def job(self, job_id: str) -> JobRecord | None:
        return self.records.get(job_id)

    def jobs(self, _prefix: str) -> tuple[list[JobRecord], int]:
        return list(self.records.values()), 7

    def forget(self) -> None:
        """Nothing is remembered."""


def _document(workers: int = 4) -> Json:
    document = job_document() | {"ID": "one"}
    document["Tasks"][1]["Config"]["ParallelWorkers"] = workers
    return document


def _record(stage: Stage = Stage.RUNNING, **more: Any) -> JobRecord:
    return JobRecord(id="one", document=accept(_document())[1], stage=stage, job_modify_index=42, **more)


def test_a_document_that_could_start_is_stored_beside_the_one_that_it_was_checked_beside() -> None:
    node = Node(_record())
    node.control.register(_document(5), None)
    (sent,) = node.sent
    assert (sent.checked, sent.how, sent.enforce_index) == (42, "posted", None)
    (plan,) = node.drivers.plans
    assert plan.job == "one" and node.drivers.known == Known("here", frozenset({"one"}))


@pytest.mark.parametrize("stage", [Stage.PENDING, Stage.COPYING, Stage.CATCHING_UP, Stage.RUNNING])
def test_what_could_not_start_is_refused_with_all_faults_and_never_sent(stage: Stage) -> None:
    node = Node(_record(stage))
    node.drivers.checks = BAD
    with pytest.raises(WouldNotStart) as caught:
        node.control.register(_document(5), None)
    assert [(fault.where, fault.problem, fault.remedy) for fault in caught.value.faults] == [
        ("Src 10.0.0.5:3306", "no SELECT", "GRANT it"),
        ("Dest 10.0.0.6:3306", "is away", ""),
        ("Src 10.0.0.5:3306, Dest 10.0.0.6:3306", "older", ""),
    ]
    assert "a password" not in str(caught.value) and node.sent == []
    node.control.register(_document(5), None, check=False)
    assert [sent.checked for sent in node.sent] == [None]


@pytest.mark.parametrize(
    "record",
    [None, _record(Stage.FAILED), _record(Stage.COMPLETED), _record(Stage.RUNNING, desired=DesiredState.PAUSE)],
    ids=["new", "failed", "completed", "paused"],
)
def test_a_job_that_is_not_carried_out_asks_no_server(record: JobRecord | None) -> None:
    node = Node(*([record] if record else []))
    node.control.register(_document(5), None)
    assert node.drivers.plans == [] and [sent.checked for sent in node.sent] == [0]


def test_the_document_that_the_job_has_asks_no_server() -> None:
    node = Node(_record())
    node.control.register(_document() | {"Region": "eu", "Status": "running"}, None)
    assert node.drivers.plans == [] and [sent.checked for sent in node.sent] == [42]


def test_a_wrong_document_or_index_is_told_before_a_server_is_asked() -> None:
    node = Node(_record())
    with pytest.raises(IndexConflict):
        node.control.register(_document(5), 41)
    with pytest.raises(Refused, match="did you mean Name"):
        node.control.register(_document(5) | {"Nmae": 1}, None)
    assert node.drivers.plans == [] and node.sent == []


def test_an_error_of_the_look_is_the_requests_and_nothing_is_sent() -> None:
    node = Node(_record())
    node.drivers.fails = Unavailable("no memory")
    with pytest.raises(Unavailable, match="no memory"):
        node.control.register(_document(5), None)
    assert node.sent == []


def test_servers_that_do_not_answer_hold_a_request_for_a_bounded_time_and_others_are_turned_away() -> None:
    drivers = Looking(until=threading.Event())
    checks = ChangeChecks(drivers, places=1, seconds=0.05)  # type: ignore[arg-type]
    plan = changes_plan()
    (fault,) = checks.faults(plan, Known())
    assert "did not answer in 0 s" in fault.problem and "10.0.0.5" in fault.where
    with pytest.raises(NotReady, match="as many documents"):
        checks.faults(plan, Known())
    assert drivers.until is not None
    drivers.until.set()
    for _ in range(200):
        try:
            assert checks.faults(plan, Known()) == []
            break
        except NotReady:
            threading.Event().wait(0.01)
    else:
        raise AssertionError("the place is not given back")


def changes_plan() -> JobPlan:
    from udup.jobs.plan import plan_of

    return plan_of(accept(_document())[0])


# ---- Documents of before ----


def _with_history() -> JobRecord:
    earlier = tuple(EarlierDocument(number=number, document=accept(_document(number))[1]) for number in (2, 3))
    return _record(documents=earlier, posted=Posted(number=4))


def test_an_earlier_document_is_checked_and_sent_with_its_passwords_and_number() -> None:
    node = Node(_with_history())
    node.control.revert("one", None)
    node.control.revert("one", 2)
    assert [sent.how for sent in node.sent] == ["reverted to 3", "reverted to 2"]
    assert [sent.document["Tasks"][1]["Config"]["ParallelWorkers"] for sent in node.sent] == [3, 2]
    assert node.sent[0].document["Tasks"][0]["Config"]["ConnectionConfig"]["Password"] == "a password"
    assert [(sent.enforce_index, sent.checked) for sent in node.sent] == [(42, 42)] * 2
    assert len(node.drivers.plans) == 2


def test_an_earlier_document_that_could_not_start_is_refused() -> None:
    node = Node(_with_history())
    node.drivers.checks = BAD
    with pytest.raises(WouldNotStart, match="udup job revert one 2 --no-check"):
        node.control.revert("one", 2)
    with pytest.raises(WouldNotStart, match="udup job run --no-check"):
        node.control.register(_document(5), None)
    node.control.revert("one", 2, check=False)
    assert [sent.checked for sent in node.sent] == [None]


def test_a_document_that_is_not_kept_is_not_there() -> None:
    node = Node(_with_history())
    with pytest.raises(NotThere, match="no earlier document 9: kept are 2, 3"):
        node.control.revert("one", 9)
    with pytest.raises(NotThere, match="no earlier document: no earlier one is kept"):
        Node(_record()).control.revert("one", None)
    with pytest.raises(NotThere, match="job not found"):
        node.control.revert("nobody", None)


def test_a_check_ends_before_a_client_gives_up() -> None:
    from udup.cli.client import ANSWER_SECONDS

    assert changes.CHECK_SECONDS + 10 < ANSWER_SECONDS
