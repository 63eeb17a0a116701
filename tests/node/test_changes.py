"""A document for a job that is carried out is checked before the supervisor hears of it. No servers, no node."""

from __future__ import annotations

import copy
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from udup.actors.messages import Accepted, RegisterJob
from udup.base.errors import Refused, UdupError, Unavailable
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.jobs import DesiredState, IndexConflict, JobRecord, Stage, accept
from udup.jobs.plan import plan_of
from udup.jobs.start import DecidedStart
from udup.jobs.versions import EarlierDocument, Posted
from udup.node import actor_control, changes, servers, service, starts
from udup.node.changes import Change, ChangeChecks
from udup.node.ends import Ends
from udup.node.nats_server import NatsServer
from udup.node.servers import Asked, Servers
from udup.node.service import Control
from udup.pipeline.checks import BOTH, DEST, SRC, Check, Outcome
from udup.pipeline.ownership import Known
from udup.pipeline.ports import Beginning, End, JobPlan, Position, StartPoint
from udup.web.openapi.examples import job_document
from udup.web.ports import NotReady, NotThere, WouldNotStart

Json = dict[str, Any]

parse_position = GtidSet.parse

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
    executed: Position | UdupError | None = None  # what the checkpoint on the target says
    asked: list[str] = field(default_factory=list)

    def validate(self, plan: JobPlan, known: Known) -> list[Check]:
        self.plans.append(plan)
        self.known = known
        if self.until is not None:
            assert self.until.wait(30)
        if self.fails is not None:
            raise self.fails
        return self.checks

    def source(self, end: End) -> Any:
        return self

    def find_start(self, point: StartPoint) -> Beginning:
        return Beginning(f"{UUID}:1-7", UUID)

    def target(self, end: End) -> Any:
        drivers = self

        class Asked:
            def position(self, text: str) -> Position:
                return parse_position(text)

            def executed(self, job: str) -> Position | None:
                drivers.asked.append(f"{job} at {end.endpoint}")
                if isinstance(drivers.executed, UdupError):
                    raise drivers.executed
                return drivers.executed

        return Asked()


class Node:
    """A `Control` over records of its own; `sent` is what the supervisor was told."""

    def __init__(self, *records: JobRecord) -> None:
        self.records = {record.id: record for record in records}
        self.drivers = Looking()
        self.sent: list[RegisterJob] = []
        nats = "nats://127.0.0.1:4222"
        self.control = Control(self.ask, lambda: 0, self, self.drivers, "here", nats)  # type: ignore[arg-type]

    def ask(self, message: Any, _seconds: float) -> Accepted:
        self.sent.append(message)
        return Accepted(7, "one", "e")

    def ids(self) -> frozenset[str]:
        return frozenset(self.records)

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


def _ends(drivers: Looking) -> Ends:
    return Ends(Servers(drivers, Known, ""))  # type: ignore[arg-type]


def _asked() -> Asked:
    return Asked(*accept(_document()))


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
    checks = ChangeChecks(_ends(drivers), drivers, places=1, seconds=0.05)  # type: ignore[arg-type]
    change = Change(_asked())
    (fault,) = checks.faults(change)
    assert "did not answer in 0 s" in fault.problem and "10.0.0.5" in fault.where
    with pytest.raises(NotReady, match="as many documents"):
        checks.faults(change)
    assert drivers.until is not None
    drivers.until.set()
    for _ in range(200):
        try:
            assert checks.faults(change) == []
            break
        except NotReady:
            threading.Event().wait(0.01)
    else:
        raise AssertionError("the place is not given back")


def test_a_jobs_sessions_on_its_source_have_one_name_on_every_node_and_one_for_each_destination() -> None:
    document = _document()
    elsewhere, other = copy.deepcopy(document), copy.deepcopy(document)
    elsewhere["Tasks"][1]["Config"]["ConnectionConfig"]["Port"] += 1
    other["ID"] = "another"
    holders = [plan_of(accept(each)[0]).scope.holder for each in (document, document, elsewhere, other)]
    assert holders[0] == holders[1] and len(set(holders)) == 3 and all(holders)


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


# ---- What has no effect, and what cannot be reached ----

UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


def _beginning(gtid: str) -> Json:
    document = _document()
    document["Tasks"][0]["Config"]["Gtid"] = gtid
    return document


@pytest.mark.parametrize("stage", [Stage.RUNNING, Stage.PENDING, Stage.FAILED, Stage.COMPLETED])
@pytest.mark.parametrize(("before", "after"), [("", f"{UUID}:1-5"), (f"{UUID}:1-5", f"{UUID}:1-6")])
def test_another_gtid_for_a_job_that_has_begun_is_refused(stage: Stage, before: str, after: str) -> None:
    node = Node(JobRecord(id="one", document=accept(_beginning(before))[1], stage=stage, job_modify_index=42))
    node.drivers.executed = parse_position(f"{UUID}:1-9")
    with pytest.raises(WouldNotStart) as caught:
        node.control.register(_beginning(after), None)
    (fault,) = caught.value.faults
    assert fault.where == "Src 10.0.0.5:3306" and "Gtid has no effect any more: job one has begun" in fault.problem
    assert all((f"'{each}'" if each else "empty (a full copy)") in fault.problem for each in (before, after))
    assert "another ID" in fault.remedy and "udup job delete --purge one" in fault.remedy
    assert node.sent == []
    node.control.register(_beginning(after), None, check=False)
    assert len(node.sent) == 1, "who insists has it stored"


def _begins(**config: Any) -> Json:
    document = _document()
    document["Tasks"][0]["Config"].pop("Gtid", None)
    document["Tasks"][0]["Config"] |= config
    return document


STARTS: dict[str, Json] = {
    "Gtid": {"Gtid": f"{UUID}:1-5"},
    "AutoGtid": {"AutoGtid": True},
    "GtidStart": {"GtidStart": f"{UUID}:6"},
    "BinlogFile": {"BinlogFile": "b.7", "BinlogPos": 4},
}


@pytest.mark.parametrize("stage", [Stage.PENDING, Stage.FAILED, Stage.COMPLETED])
@pytest.mark.parametrize("before", ["", *STARTS])
@pytest.mark.parametrize("after", STARTS)
def test_every_other_start_of_a_job_that_has_begun_is_refused_by_what_the_target_has(
    stage: Stage, before: str, after: str
) -> None:
    """Also where the supervisor knows nothing of it, as after a document before whose run has not reported yet."""
    decided = DecidedStart(at="now", position=f"{UUID}:1-5", server_uuid=UUID, time_ns=7)
    document = accept(_begins(**STARTS.get(before, {})))[1]
    node = Node(JobRecord(id="one", document=document, stage=stage, start=decided))
    node.drivers.executed = parse_position(f"{UUID}:1-9")
    document = _begins(**STARTS[after], ChunkSize=77)
    if before == after:
        node.control.register(document, None)
        assert len(node.sent) == 1
        return
    with pytest.raises(WouldNotStart, match=f"{after} has no effect any more: job one has begun"):
        node.control.register(document, None)
    assert node.sent == []
    node.drivers.executed = None
    node.control.register(document, None)
    assert len(node.sent) == 1, "nothing has begun"


@pytest.mark.parametrize("before", STARTS)
def test_a_job_that_has_begun_may_lose_its_start_and_is_made_no_copy_alone(before: str) -> None:
    decided = DecidedStart(at="now", position=f"{UUID}:1-5", server_uuid=UUID, time_ns=7)
    node = Node(JobRecord(id="one", document=accept(_begins(**STARTS[before]))[1], stage=Stage.RUNNING, start=decided))
    node.drivers.executed = parse_position(f"{UUID}:1-9")
    node.control.register(_begins(), None)
    assert len(node.sent) == 1
    with pytest.raises(WouldNotStart, match=rf"has begun without a copy \({before}\), and would be complete without"):
        node.control.register(_begins(SkipIncrementalCopy=True), None)
    assert len(node.sent) == 1


def test_a_start_and_a_check_together_end_before_a_client_gives_up() -> None:
    from udup.cli.client import ANSWER_SECONDS

    asked = max(service.LOOK_SECONDS, starts.START_SECONDS + service.LEAST_SECONDS)
    assert asked + actor_control.ASK_SECONDS < ANSWER_SECONDS
    assert asked + actor_control.ASK_SECONDS + service.OPEN_SECONDS <= ANSWER_SECONDS


def test_a_check_has_the_seconds_that_the_start_has_left() -> None:
    drivers = Looking(until=threading.Event())
    checks = ChangeChecks(_ends(drivers), drivers)  # type: ignore[arg-type]
    (fault,) = checks.faults(Change(_asked()), 0.05)
    assert "did not answer in 0 s" in fault.problem
    assert drivers.until is not None
    drivers.until.set()


@pytest.mark.parametrize("stage", [Stage.COPYING, Stage.FAILED])
def test_another_gtid_for_a_job_that_has_not_begun_is_taken(stage: Stage) -> None:
    node = Node(JobRecord(id="one", document=accept(_beginning(""))[1], stage=stage, job_modify_index=42))
    node.control.register(_beginning(f"{UUID}:1-5"), None)
    assert node.drivers.asked == ["one at udup@10.0.0.6:3306"]
    assert [sent.checked for sent in node.sent] == [42 if stage is Stage.COPYING else 0]


def test_a_gtid_that_says_the_same_otherwise_is_no_other() -> None:
    node = Node(JobRecord(id="one", document=accept(_beginning(f"{UUID}:1-5"))[1], stage=Stage.RUNNING))
    node.drivers.executed = parse_position(f"{UUID}:1-9")
    node.control.register(_beginning(f"{UUID.upper()}:1-3:4-5"), None)
    assert len(node.sent) == 1


def test_a_target_that_is_away_keeps_no_document_from_a_job_that_is_not_carried_out() -> None:
    node = Node(_record(Stage.FAILED))
    node.drivers.executed = Unavailable("away")
    node.control.register(_beginning(f"{UUID}:1-5"), None)
    assert len(node.sent) == 1


def _with_nats(address: str) -> Json:
    document = _document()
    document["Tasks"][1]["Config"]["NatsAddr"] = address
    return document


def test_a_nats_server_that_cannot_be_reached_is_a_fault_like_any_other() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        node = Node(_record())
        node.drivers.checks = BAD
        with pytest.raises(WouldNotStart) as caught:
            node.control.register(_with_nats(address), None)
        told = caught.value.faults[-1]
        assert f"NATS at nats://{address}" in told.problem and "NatsAddr" in told.remedy
        assert len(caught.value.faults) == 4 and node.sent == []
        checks = node.control.validate(_with_nats(address))
        assert [check.outcome for check in checks if check.name == "nats"] == [Outcome.FAIL]
    node.drivers.checks = list(GOOD)
    node.control.register(_with_nats("localhost:4222"), None)
    assert len(node.sent) == 1, "the node's own, by another name, is known to be there"


def test_a_nats_server_that_is_there_is_no_fault_and_its_password_is_not_shown(server_folder: Path) -> None:
    server = NatsServer(server_folder / "checked-nats", 0)
    server.start()
    try:
        (check,) = servers.nats_checks(server.url)
        assert (check.outcome, check.found) == (Outcome.PASS, f"nats://127.0.0.1:{server.port}")
    finally:
        server.stop()
    (check,) = servers.nats_checks(server.url)
    assert check.outcome is Outcome.FAIL
