"""What a run's engines say never counts for the run after it: in the shells and in the supervisor's bookkeeping."""

from __future__ import annotations

import asyncio
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from thespian.actors import ChildActorExited

import udup.actors.applier
import udup.actors.shell
from udup.actors.applier import DestApplier
from udup.actors.extractor import SrcExtractor
from udup.actors.messages import Apply, Hello, Probe, Probed, Purge, Purged, Ready, RunEnded, StopRun, Work, WorkerReady
from udup.actors.run_state import Job
from udup.actors.worker import ApplyWorker
from udup.base.endpoint import Endpoint
from udup.base.errors import Fault
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.privileges import Privileges
from udup.jobs import JobRecord, accept
from udup.pipeline.apply.applier import TargetChecked, TargetReady
from udup.pipeline.apply.settings import ApplierSettings, WorkerSettings
from udup.pipeline.ownership import Owner
from udup.pipeline.ports import End
from udup.pipeline.selection.selection import Selection
from udup.sandbox.api import job_document

NOWHERE = End("MySQL", Endpoint("127.0.0.1", 1, "nobody", ""))

FACTS = ServerFacts("127.0.0.1:1", "'a'@'%'", (9, 7, 0), "9.7.0", False, {}, Privileges((), False), {}, frozenset())

SETTINGS = ApplierSettings(
    nats_url="",
    job="j",
    run=1,
    end=NOWHERE,
    workers=2,
    owner=Owner(""),
    selection=Selection(),
    start_after=None,
    drop_existing=False,
    window_messages=1,
)


class ScriptedApplier:
    """An engine that says at once what `script` holds for its run, and then waits, or ends with an error."""

    script: dict[int, list[object]] = {}

    def __init__(self, settings: ApplierSettings, target: object, tell: Callable[[object], None], report: Any) -> None:
        self._run, self._tell, self._report = settings.run, tell, report
        self.ready = asyncio.Event()

    def workers_are_ready(self) -> None:
        self.ready.set()

    def worker_failed(self, kind: str, text: str) -> None:
        raise AssertionError(f"{kind}: {text}")

    async def run(self) -> None:
        for said in self.script.get(self._run, []):
            if isinstance(said, Exception):
                raise said
            self._tell(said)
        await asyncio.Event().wait()


@contextmanager
def _shell(kind: type[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """An actor outside of any actor system, and what it sends."""
    shell = kind()
    sent: list[Any] = []
    shell.send = lambda _address, message: sent.append(message)
    shell.createActor = lambda kind: f"{kind.__name__} {len(sent)}"
    shell.owner, shell.node, shell.job_id = "owner", None, "j"
    try:
        yield shell, sent
    finally:
        shell.stop_engine()
        os.close(shell._eventfd)


@pytest.fixture
def applier(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[DestApplier, list[Any]]]:
    monkeypatch.setattr(udup.actors.applier, "Applier", ScriptedApplier)
    monkeypatch.setattr(ScriptedApplier, "script", {})
    with _shell(DestApplier) as made:
        yield made


def _said(shell: Any, seconds: float = 5.0) -> None:
    """Wait until the engine has said something that the actor has not heard."""
    assert select.select([shell._eventfd], [], [], seconds)[0], "the engine says nothing"


def _hear(shell: Any) -> None:
    shell.receiveMsg_WatchMessage(None, "self")


def _hear_until(shell: Any, heard: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not heard():
        assert time.monotonic() < end
        _said(shell)
        _hear(shell)


def _of(kind: type, sent: list[Any]) -> list[Any]:
    return [message for message in sent if isinstance(message, kind)]


@pytest.mark.parametrize("said", [TargetChecked(), TargetReady("x:1", FACTS), RuntimeError("gone")])
def test_what_a_superseded_run_has_said_and_nobody_has_heard_is_forgotten(
    applier: tuple[DestApplier, list[Any]], said: object
) -> None:
    """The next run is begun before the actor looks at what the engine before has said."""
    shell, sent = applier
    ScriptedApplier.script = {1: [said]}
    shell.receiveMsg_Apply(Apply(SETTINGS), "owner")
    _said(shell)
    shell.receiveMsg_StopRun(StopRun(1), "owner")
    shell.receiveMsg_Apply(Apply(replace(SETTINGS, run=2)), "owner")
    _hear(shell)
    assert not _of(Ready, sent) and not _of(Work, sent)
    assert [(ended.run, ended.kind) for ended in _of(RunEnded, sent)] == [(1, "")]


def test_a_run_that_follows_without_a_stop_hears_nothing_of_the_one_before(
    applier: tuple[DestApplier, list[Any]],
) -> None:
    shell, sent = applier
    ScriptedApplier.script = {1: [TargetChecked(), TargetReady("x:1", FACTS)], 2: [TargetReady("x:2", FACTS)]}
    shell.receiveMsg_Apply(Apply(SETTINGS), "owner")
    _said(shell)
    shell.receiveMsg_Apply(Apply(replace(SETTINGS, run=2)), "owner")
    _hear_until(shell, lambda: bool(_of(Ready, sent)))
    assert [(ready.run, ready.start_after) for ready in _of(Ready, sent)] == [(2, "x:2")]
    assert not _of(Work, sent)


def test_a_late_stop_and_a_late_worker_of_a_run_before_do_nothing(applier: tuple[DestApplier, list[Any]]) -> None:
    shell, sent = applier
    ScriptedApplier.script = {2: [TargetChecked()]}
    shell.receiveMsg_Apply(Apply(replace(SETTINGS, run=2)), "owner")
    _hear_until(shell, lambda: len(_of(Work, sent)) == 2)
    shell.receiveMsg_WorkerReady(WorkerReady(1, 1), "worker")
    shell.receiveMsg_WorkerReady(WorkerReady(2, 2), "worker")
    shell.receiveMsg_RunEnded(RunEnded("worker", 1, "Transient", "old"), "worker")
    shell.receiveMsg_StopRun(StopRun(1), "owner")
    assert shell._thread is not None and shell._thread.is_alive()
    engine: Any = shell._applier
    assert not engine.ready.is_set()
    shell.receiveMsg_WorkerReady(WorkerReady(2, 1), "worker")
    end = time.monotonic() + 5
    while not engine.ready.is_set():
        assert time.monotonic() < end
        time.sleep(0.005)
    assert not _of(RunEnded, sent)


def test_only_the_worker_that_has_the_slot_says_whose_process_it_is(applier: tuple[DestApplier, list[Any]]) -> None:
    shell, _ = applier
    shell.receiveMsg_Apply(Apply(SETTINGS), "owner")
    present = shell._workers[1]
    shell.receiveMsg_Hello(Hello("worker", "j", 11, 1), present)
    shell.receiveMsg_Hello(Hello("worker", "j", 10, 1), "one that was replaced")
    assert shell._pids == {1: 11}


def test_what_ends_the_engine_ends_its_reports_too(
    applier: tuple[DestApplier, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure is heard, and once."""
    shell, sent = applier
    monkeypatch.setattr(udup.actors.shell, "_BATCH", 100)
    ScriptedApplier.script = {1: [TargetReady(None, FACTS), RuntimeError("out of order")]}
    shell.receiveMsg_Apply(Apply(SETTINGS), "owner")
    assert shell._thread is not None
    shell._thread.join(5)
    shell._emit(1, TargetReady("after its end", FACTS))
    _hear(shell)
    assert [ready.start_after for ready in _of(Ready, sent)] == [None]
    [ended] = _of(RunEnded, sent)
    assert ended.run == 1 and "out of order" in ended.text


def test_a_report_that_cannot_be_handled_does_not_keep_back_the_next(
    applier: tuple[DestApplier, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, sent = applier
    ScriptedApplier.script = {1: [TargetChecked(), TargetReady(None, FACTS)]}
    monkeypatch.setattr(shell, "_start_workers", lambda: 1 / 0)
    shell.receiveMsg_Apply(Apply(SETTINGS), "owner")
    end = time.monotonic() + 5
    while len(shell._events) < 2:
        assert time.monotonic() < end
        time.sleep(0.005)
    with pytest.raises(ZeroDivisionError):
        _hear(shell)
    _hear_until(shell, lambda: bool(_of(Ready, sent)))


def test_a_purge_that_was_given_up_is_not_taken_for_the_next_ones(
    applier: tuple[DestApplier, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, sent = applier
    monkeypatch.setattr(udup.actors.applier, "purge", lambda _endpoint, _job: None)
    shell.receiveMsg_Purge(Purge(1, NOWHERE.endpoint, "j"), "owner")
    _said(shell)
    shell.receiveMsg_Apply(Apply(replace(SETTINGS, run=2)), "owner")
    _hear(shell)
    assert not _of(Purged, sent) and not _of(RunEnded, sent)
    shell.receiveMsg_Purge(Purge(3, NOWHERE.endpoint, "j"), "owner")
    _hear_until(shell, lambda: bool(_of(Purged, sent)))
    assert [purged.run for purged in _of(Purged, sent)] == [3]


def test_the_facts_of_a_source_belong_to_the_run_that_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udup.actors.extractor, "_look", lambda probe: Probed(probe.run, FACTS, ()))
    with _shell(SrcExtractor) as (shell, sent):
        shell.receiveMsg_Probe(Probe(1, NOWHERE.endpoint, Selection()), "owner")
        _said(shell)
        shell.receiveMsg_Probe(Probe(2, NOWHERE.endpoint, Selection()), "owner")
        shell.receiveMsg_StopRun(StopRun(1), "owner")
        _hear_until(shell, lambda: bool(_of(Probed, sent)))
        assert [probed.run for probed in _of(Probed, sent)] == [2]


def test_a_worker_is_ready_for_the_run_that_it_works_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class ReadyAtOnce:
        def __init__(self, _settings: WorkerSettings, _target: object, ready: Callable[[], None]) -> None:
            self._ready = ready

        async def run(self) -> None:
            self._ready()
            await asyncio.Event().wait()

    monkeypatch.setattr(udup.actors.worker, "Worker", ReadyAtOnce)
    settings = WorkerSettings("", "j", 1, 1, NOWHERE)
    with _shell(ApplyWorker) as (shell, sent):
        shell.receiveMsg_Work(Work(settings), "owner")
        _said(shell)
        shell.receiveMsg_StopRun(StopRun(1), "owner")
        shell.receiveMsg_Work(Work(replace(settings, run=2)), "owner")
        shell.receiveMsg_StopRun(StopRun(1), "owner")
        _hear_until(shell, lambda: bool(_of(WorkerReady, sent)))
        assert [ready.run for ready in _of(WorkerReady, sent)] == [2]


# ---- The supervisor's bookkeeping ----


def _job() -> Job:
    here = NOWHERE.endpoint
    spec, kept = accept({**job_document("j", here, replace(here, port=2), ["s"]), "ID": "j"})
    return Job(JobRecord(id=spec.id, document=kept), spec, "nats://127.0.0.1:1", 1 << 20)


def test_a_run_finds_nothing_of_what_was_said_in_the_one_before() -> None:
    job, new = _job(), _job()
    new.next_run()
    first = job.next_run()
    job.source = job.target = FACTS
    job.start_after, job.target_answered, job.extracting, job.proven = "x:1", True, True, True
    job.faults.append(Fault("here", "wrong"))
    job.progress = {"level": True, "applied_gtid": "x:1"}
    assert job.next_run() > first
    assert job.progress == {"level": False, "applied_gtid": "x:1"}, "shown, but nobody is level before it says so"
    said = ("source", "target", "start_after", "target_answered", "extracting", "draining", "outdated", "completing")
    assert {name: getattr(job, name) for name in said} == {name: getattr(new, name) for name in said}
    assert (job.proven, job.faults, job.stage) == (False, [], new.stage)


def test_a_target_that_refuses_is_not_judged_by_the_checkpoint_of_a_run_before() -> None:
    """It was purged in between: the source's log of long ago is no matter of the copy that follows."""
    uuid = "11111111-1111-1111-1111-111111111111"
    purged = replace(FACTS, variables={"gtid_executed": f"{uuid}:1-9", "gtid_purged": f"{uuid}:1-9"})
    job = _job()
    job.next_run()
    job.source, job.start_after = purged, f"{uuid}:1-5"
    assert any("has purged" in fault.problem for fault in job.all_faults())
    job.next_run()
    job.source, job.target_answered = purged, True
    job.faults.append(Fault("Dest", "the target refuses"))
    assert not any("has purged" in fault.problem for fault in job.all_faults())


def test_a_worker_that_died_for_a_run_before_does_not_end_the_next(applier: tuple[DestApplier, list[Any]]) -> None:
    shell, sent = applier
    shell.receiveMsg_Apply(Apply(SETTINGS), "owner")
    dead = shell._workers[1]
    shell.receiveMsg_ChildActorExited(ChildActorExited(dead), "system")
    assert [(ended.run, ended.kind) for ended in _of(RunEnded, sent)] == [(1, "Transient")]
    shell.receiveMsg_Apply(Apply(replace(SETTINGS, run=2)), "owner")
    shell.receiveMsg_ChildActorExited(ChildActorExited(dead), "system")  # told twice
    assert len(_of(RunEnded, sent)) == 1
