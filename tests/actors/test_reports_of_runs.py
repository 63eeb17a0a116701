"""What a run's engines say never counts for the run after it: the shells drop it."""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from thespian.actors import WatchMessage

import udup.actors.applier
import udup.actors.shell
from tests.actors.shells import FACTS, shell_of
from udup.actors.applier import DestApplier
from udup.actors.extractor import SrcExtractor
from udup.actors.messages import (
    Apply,
    EngineEnded,
    Probe,
    Probed,
    Purge,
    Purged,
    Ready,
    RunEnded,
    StopRun,
)
from udup.actors.worker import ApplyWorker
from udup.actors.worker_messages import Staffed, Work, WorkerFailed
from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Failure, FailureKind, Side, Unavailable
from udup.jobs.signs import SignsOfLife
from udup.pipeline.apply.crew import Seat
from udup.pipeline.apply.readiness import Staff, TargetReady
from udup.pipeline.apply.settings import ApplierSettings, WorkerSettings
from udup.pipeline.ownership import Owner
from udup.pipeline.ports import End, Scope
from udup.pipeline.selection.selection import Selection
from udup.pipeline.transport.link import token_of

NOWHERE = End("MySQL", Endpoint("127.0.0.1", 1, "nobody", ""))

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

    def __init__(self, settings: ApplierSettings, _target: object, tell: Callable[[object], None], report: Any) -> None:
        self._run, self._tell, self._report = settings.run, tell, report

    def worker_failed(self, failure: Failure) -> None:
        raise AssertionError(failure)

    async def run(self) -> None:
        for said in self.script.get(self._run, []):
            if isinstance(said, Exception):
                raise said
            self._tell(said)
        await asyncio.Event().wait()


@pytest.fixture
def applier(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[DestApplier, list[Any]]]:
    monkeypatch.setattr(udup.actors.applier, "Applier", ScriptedApplier)
    monkeypatch.setattr(ScriptedApplier, "script", {})
    with shell_of(DestApplier) as made:
        yield made


def _said(shell: Any, seconds: float = 5.0) -> None:
    """Wait until the engine has said something that the actor has not heard."""
    assert select.select([shell.doorbell], [], [], seconds)[0], "the engine says nothing"


def _hear(shell: Any) -> None:
    shell.receiveMsg_WatchMessage(None, "self")


def _hear_until(shell: Any, heard: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not heard():
        assert time.monotonic() < end
        _said(shell)
        _hear(shell)


def _kinds(sent: list[Any]) -> list[tuple[int, FailureKind | None]]:
    return [(ended.run, ended.failure and ended.failure.kind) for ended in _of(RunEnded, sent)]


def _of(kind: type, sent: list[Any]) -> list[Any]:
    return [message for message in sent if isinstance(message, kind)]


@pytest.mark.parametrize("said", [Staff((Seat(1, 1),)), TargetReady("x:1", FACTS), RuntimeError("gone")])
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
    assert not _of(Ready, sent) and not _of(Staffed, sent)
    assert _of(RunEnded, sent) == [RunEnded("applier", 1)]


def test_a_run_that_follows_without_a_stop_hears_nothing_of_the_one_before(
    applier: tuple[DestApplier, list[Any]],
) -> None:
    shell, sent = applier
    ScriptedApplier.script = {1: [Staff((Seat(1, 1),)), TargetReady("x:1", FACTS)], 2: [TargetReady("x:2", FACTS)]}
    shell.receiveMsg_Apply(Apply(SETTINGS), "owner")
    _said(shell)
    shell.receiveMsg_Apply(Apply(replace(SETTINGS, run=2)), "owner")
    _hear_until(shell, lambda: bool(_of(Ready, sent)))
    assert [(ready.run, ready.start_after) for ready in _of(Ready, sent)] == [(2, "x:2")]
    assert not _of(Staffed, sent)


def test_a_late_stop_and_a_late_worker_of_a_run_before_do_nothing(applier: tuple[DestApplier, list[Any]]) -> None:
    shell, sent = applier
    seats = (Seat(1, 1), Seat(2, 2))
    ScriptedApplier.script = {2: [Staff(seats)]}
    shell.receiveMsg_Apply(Apply(replace(SETTINGS, run=2)), "owner")
    _hear_until(shell, lambda: bool(_of(Staffed, sent)))
    assert _of(Staffed, sent) == [Staffed(2, seats)]
    for died in (False, True):
        shell.receiveMsg_WorkerFailed(WorkerFailed(1, Failure(FailureKind.TRANSIENT, "old"), died), "owner")
    shell.receiveMsg_StopRun(StopRun(1), "owner")
    assert shell._thread is not None and shell._thread.is_alive()
    assert not _of(RunEnded, sent)


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
    assert ended.run == 1 and ended.failure is not None and "out of order" in ended.failure.text


def test_a_report_that_cannot_be_handled_does_not_keep_back_the_next(
    applier: tuple[DestApplier, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, sent = applier
    ScriptedApplier.script = {1: [Staff(()), TargetReady(None, FACTS)]}
    monkeypatch.setattr(udup.actors.applier, "Staffed", lambda *_: 1 / 0)
    shell.receiveMsg_Apply(Apply(SETTINGS), "owner")
    end = time.monotonic() + 5
    while len(shell._events) < 2:
        assert time.monotonic() < end
        time.sleep(0.005)
    with pytest.raises(ZeroDivisionError):
        _hear(shell)
    _hear_until(shell, lambda: bool(_of(Ready, sent)))


def test_a_purge_that_was_given_up_is_not_taken_for_the_next_ones(
    applier: tuple[DestApplier, list[Any]],
) -> None:
    shell, sent = applier
    shell.receiveMsg_Purge(Purge(1, NOWHERE, "j"), "owner")
    _said(shell)
    shell.receiveMsg_Apply(Apply(replace(SETTINGS, run=2)), "owner")
    _hear(shell)
    assert not _of(Purged, sent) and not _of(RunEnded, sent)
    shell.receiveMsg_Purge(Purge(3, NOWHERE, "j"), "owner")
    _hear_until(shell, lambda: bool(_of(Purged, sent)))
    assert [purged.run for purged in _of(Purged, sent)] == [3]


def test_the_facts_of_a_source_belong_to_the_run_that_asked() -> None:
    with shell_of(SrcExtractor) as (shell, sent):
        shell.receiveMsg_Probe(Probe(1, NOWHERE, Scope(Selection())), "owner")
        _said(shell)
        shell.receiveMsg_Probe(Probe(2, NOWHERE, Scope(Selection())), "owner")
        shell.receiveMsg_StopRun(StopRun(1), "owner")
        _hear_until(shell, lambda: bool(_of(Probed, sent)))
        assert [probed.run for probed in _of(Probed, sent)] == [2]


def test_a_worker_that_died_for_a_run_before_does_not_end_the_next(applier: tuple[DestApplier, list[Any]]) -> None:
    shell, sent = applier
    died = WorkerFailed(1, Failure(FailureKind.TRANSIENT, "ApplyWorker 1 died"), died=True)
    shell.receiveMsg_Apply(Apply(SETTINGS), "owner")
    shell.receiveMsg_WorkerFailed(died, "owner")
    assert _kinds(sent) == [(1, FailureKind.TRANSIENT)]
    shell.receiveMsg_WorkerFailed(died, "owner")
    shell.receiveMsg_Apply(Apply(replace(SETTINGS, run=2)), "owner")
    shell.receiveMsg_WorkerFailed(died, "owner")
    assert len(_of(RunEnded, sent)) == 1


# ---- A message that cannot be handled ----


def test_an_applier_that_cannot_handle_a_message_ends_its_run_and_says_why(
    applier: tuple[DestApplier, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, sent = applier
    ScriptedApplier.script = {1: [Staff(())]}
    monkeypatch.setattr(udup.actors.applier, "Staffed", lambda *_: 1 / 0)
    shell.receiveMessage(Apply(SETTINGS), "owner")
    _said(shell)
    shell.receiveMessage(WatchMessage([]), "self")
    assert _kinds(sent) == [(1, FailureKind.INTERNAL)] and shell._thread is None
    assert "ZeroDivisionError" in _of(RunEnded, sent)[0].failure.text


def test_a_run_that_cannot_be_begun_has_failed_and_not_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    with shell_of(SrcExtractor) as (shell, sent):
        shell.run = 1
        monkeypatch.setattr(shell, "start_engine", lambda *_: 1 / 0)
        shell.receiveMessage(Probe(2, NOWHERE, Scope(Selection())), "owner")
        assert _kinds(sent) == [(2, FailureKind.INTERNAL)]


def test_a_worker_that_cannot_handle_its_orders_tells_its_applier(
    applier: tuple[DestApplier, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with shell_of(ApplyWorker) as (shell, sent):
        monkeypatch.setattr(shell, "start_engine", lambda *_: 1 / 0)
        shell.receiveMessage(Work(WorkerSettings("", "j", 1, 1, 1, NOWHERE)), "owner")
        [told] = _of(RunEnded, sent)
    supervised, _ = applier
    heard: list[Failure] = []
    supervised.receiveMsg_Apply(Apply(SETTINGS), "owner")
    end = time.monotonic() + 5
    while supervised._applier is None:
        assert time.monotonic() < end
        time.sleep(0.005)
    monkeypatch.setattr(supervised._applier, "worker_failed", heard.append)
    supervised.receiveMsg_WorkerFailed(WorkerFailed(told.run, told.failure, died=False), "owner")
    while not heard:
        assert time.monotonic() < end
        time.sleep(0.005)
    assert heard == [told.failure] and heard[0].kind is FailureKind.INTERNAL


def test_a_report_that_is_too_long_is_cut_and_says_so(applier: tuple[DestApplier, list[Any]]) -> None:
    shell, _ = applier
    told: list[Any] = []
    report = shell.reporter(1, told.append)
    long = ",".join(f"u:{number}" for number in range(20_000))
    report({"applied_gtid": long, "rows": 1})
    report({"applied_gtid": long, "rows": 1})
    assert len(told) == 1, "the same again is not sent"
    shown = told[0].report.progress.applied_gtid
    assert len(shown) < 66_000 and shown.endswith(f"… ({len(long):,} characters in all)")


def test_a_report_that_holds_is_noted_and_not_sent_again(
    applier: tuple[DestApplier, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, _ = applier
    signs, now = SignsOfLife(), [100.0]
    monkeypatch.setattr(udup.actors.shell, "SIGNS", signs)
    monkeypatch.setattr(runtime, "now", lambda: now[0])
    monkeypatch.setattr(runtime, "wall", lambda: now[0])
    token = token_of(shell.job_id)
    signs.admit(token)
    told: list[Any] = []
    report = shell.reporter(1, told.append)
    level = {"level": True, "lag_ms": 0}
    for now[0] in range(100, 400, 6):
        report(level)
    assert [each.at for each in told] == [100.0], "nobody is woken for it"
    assert signs.notes() == {token: (100.0, 394.0)}
    shown = {**level, "reported_at": 100.0}
    assert signs.refreshed(token, shown) == {"reported_at": 394.0, "current_until": 394.0}
    now[0] = 398.0
    report({"level": False, "lag_ms": 5000})
    assert [each.at for each in told] == [100.0, 398.0] and signs.notes() == {}, "what is another goes at once"


def test_a_job_without_a_place_for_notes_reports_often_enough(
    applier: tuple[DestApplier, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, _ = applier
    now = [100.0]
    monkeypatch.setattr(udup.actors.shell, "SIGNS", SignsOfLife())
    monkeypatch.setattr(runtime, "now", lambda: now[0])
    told: list[Any] = []
    report = shell.reporter(1, told.append)
    for now[0] in range(100, 160, 6):
        report({"level": True})
    assert len(told) == 5


@pytest.mark.parametrize(
    ("kind", "side"), [(SrcExtractor, Side.SOURCE), (DestApplier, Side.TARGET), (ApplyWorker, Side.TARGET)]
)
def test_a_failure_that_does_not_say_where_it_came_from_came_from_the_actors_own_server(
    kind: type[Any], side: Side
) -> None:
    with shell_of(kind) as (shell, sent):
        for error in (Unavailable("gone"), Unavailable("NATS is gone").of(Side.NATS)):
            shell._ended = False  # DestApplier's: its run goes on
            shell.on_report(EngineEnded(shell.run, Failure.of(error)))
    assert [ended.failure.side for ended in _of(RunEnded, sent)] == [side, Side.NATS]
