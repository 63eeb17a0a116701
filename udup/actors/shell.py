"""The shell of an actor that carries an engine: a mailbox, one thread, and nothing else.

The engine is a coroutine that runs in a thread of its own, on uvloop: what passes through an idle job takes a third
less than on asyncio's own loop. It speaks to its actor through a queue and an eventfd that
the actor watches, since sending from another thread loses messages. The watch must be renewed with every message that
is handled, and no exception may leave the handler, or Thespian runs it twice and drops the watch.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from setproctitle import setproctitle
from thespian.actors import ActorSystemMessage, ActorTypeDispatcher, ThespianWatch

from udup.actors.errors import failure_of
from udup.actors.messages import EngineEnded, Hello, Introduce, NodeSettings, Progress, RunEnded
from udup.base import logs, runtime, stacks
from udup.base.errors import Failure, Side
from udup.jobs.progress import EngineReport, TaskReport, shown_set
from udup.jobs.signs import SIGNS
from udup.pipeline.transport.link import token_of

#: prctl's number for "send me this signal when my parent dies".
_PR_SET_PDEATHSIG = 1

#: Seconds that an engine may take to end; then its process does.
STOP_SECONDS = 6.0

#: Seconds after which progress is reported even though nothing of it has changed, where it cannot be noted that the
#: last report holds (see also `udup.jobs.staleness`); and where it can, or nobody asks.
_STILL_SECONDS, _SELDOM_SECONDS = 10.0, 300.0

#: Reports taken from the engine at a time, so that messages are heard in between.
_BATCH = 200

#: The process that has begun: one that is forked from it begins as well.
_begun = 0

Engine = Callable[[Callable[[object], None]], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class _Said:
    """A report on its way from an engine's thread to its actor, and the run that it is of."""

    run: int
    report: object


def begin_process() -> None:
    """Begin an actor's own process: it dies with its parent, and leaves alone what it has inherited.

    To be called first in every actor's __init__, and once is enough for several in a process. Does nothing in one
    that was not forked for an actor.
    """
    global _begun
    if multiprocessing.parent_process() is not None and _begun != runtime.pid():
        _begun = runtime.pid()
        die_with_parent()
        gc.freeze()  # collecting it would write into each page that is shared with the parent


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return  # not a process of its own (Thespian's in-process base)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent.pid:
        runtime.end_process(1)  # the parent died before we could ask


class ShellActor(ActorTypeDispatcher):  # type: ignore[misc]
    """Base of all actors: dies with its parent, logs to standard error, survives its own errors."""

    role = "actor"

    def __init__(self) -> None:
        begin_process()
        # Threads pass the interpreter on to each other at every commit; 5 ms, the default, would be the latency.
        sys.setswitchinterval(0.0005)
        self.log = logs.logger(self.role)

    def configure(self, settings: NodeSettings, of: str = "") -> None:
        """Set up logs, stacks, and a name in the process list: the role, what it works for, where its node lives."""
        logs.configure(settings.log_level, settings.log_format)  # type: ignore[arg-type]
        stacks.offer()
        setproctitle(" ".join(part for part in ("udup", self.role, of, f"[{settings.data_dir}]") if part))

    def receiveMessage(self, message: object, sender: Any) -> Any:  # noqa: N802 - Thespian's name
        try:
            super().receiveMessage(message, sender)
        except Exception as error:
            self.log.exception("message_failed", message=type(message).__name__)
            self._tell_failed(error, message)
        return self.watch()

    def _tell_failed(self, error: Exception, message: object) -> None:
        try:
            self.failed(error, message)
        except Exception:
            self.log.exception("failure_not_told")

    def failed(self, error: Exception, message: object) -> None:
        """Tell whoever waits for what comes of a message that it could not be handled. It is logged already."""

    def watch(self) -> Any:
        return None


class EngineActor(ShellActor):
    """An actor with an engine, made and introduced by its owner. At most one engine runs at a time.

    `side` is where its engine's errors come from that do not say so themselves.
    """

    side: Side = Side.NODE

    #: Whether a job's progress is as old as its last report is (`udup/jobs/signs.py`).
    shows_life = False

    def __init__(self) -> None:
        super().__init__()
        self.owner: Any = None
        self.node: NodeSettings
        self.job_id = ""
        self._events: deque[_Said] = deque()
        self.doorbell = runtime.doorbell()
        self._thread: runtime.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self.run = 0
        self._early: list[tuple[object, Any]] = []  # what has come before the introduction, and who sent it

    def receiveMessage(self, message: object, sender: Any) -> Any:  # noqa: N802 - Thespian's name
        """Handle a message; keep it until this actor is introduced, for what is sent to a new one may overtake that."""
        if not hasattr(self, "node") and not isinstance(message, (Introduce, ActorSystemMessage)):
            self._early.append((message, sender))
            return self.watch()
        super().receiveMessage(message, sender)
        while self._early and hasattr(self, "node"):
            super().receiveMessage(*self._early.pop(0))
        return self.watch()

    def receiveMsg_Introduce(self, message: Introduce, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self.owner, self.node, self.job_id = sender, message.settings, message.job_id
        number = f"{message.slot} " if message.slot else ""
        self.configure(message.settings, f"{number}of {message.job_id}" if message.job_id else "")
        self.send(sender, Hello(self.role, message.job_id, runtime.pid(), message.slot))

    def watch(self) -> Any:
        return ThespianWatch([self.doorbell])

    def start_engine(self, run: int, engine: Engine) -> None:
        """End the engine before, and run this one's coroutine; it is given a function by which to report."""
        self.stop_engine()
        self.run = run
        started = runtime.Event()
        self._thread = runtime.Thread(
            target=self._run_engine, args=(run, engine, started), name=f"{self.role}-engine", daemon=True
        )
        self._thread.start()
        started.wait()

    def stop_engine(self) -> None:
        """End the engine and wait for it. One that does not end takes the process with it: its parent is told."""
        thread, loop, task = self._thread, self._loop, self._task
        if thread is None:
            return
        if loop is not None and task is not None and not loop.is_closed():
            try:
                loop.call_soon_threadsafe(task.cancel)
            except RuntimeError:
                self.log.debug("engine_ended_by_itself")
        thread.join(STOP_SECONDS)
        if thread.is_alive():
            self.log.error("engine_stuck", seconds=STOP_SECONDS)
            runtime.end_process(70)
        self._thread = self._loop = self._task = None
        # Messages may have been handled before what it has said; the next engine must not be taken for its author.
        self._events.clear()

    def failed(self, error: Exception, message: object) -> None:
        """Tell the owner that the run has failed: it must not wait for an actor that has dropped a message."""
        if self.owner is not None:
            self.send(self.owner, self.run_ended(getattr(message, "run", self.run), Failure.of_machine(error)))

    def run_ended(self, run: int, failure: Failure | None = None) -> RunEnded:
        """Return what the owner is told of a run's end."""
        return RunEnded(self.role, run, None if failure is None else failure.at(self.side))

    def call_engine(self, function: Callable[..., object], *args: object) -> None:
        """Have the engine's loop call a function, unless the engine has ended."""
        if self._loop is not None and not self._loop.is_closed():
            with suppress(RuntimeError):  # it is closed in this very moment
                self._loop.call_soon_threadsafe(function, *args)

    def on_report(self, report: object) -> None:
        """Pass on to the owner what the present run's engine reports, on the actor's own thread, and its failure."""
        if not isinstance(report, EngineEnded):
            self.send(self.owner, report)
        elif report.failure is not None:
            self.send(self.owner, self.run_ended(report.run, report.failure))

    def receiveMsg_WatchMessage(self, _message: object, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        with suppress(BlockingIOError):  # woken for nothing
            runtime.quiet(self.doorbell)
        try:
            for _ in range(_BATCH):
                if not self._events:  # also where a report has ended the engine, and all that it had said
                    return
                said = self._events.popleft()
                if said.run == self.run:
                    self.on_report(said.report)
        finally:
            if self._events:
                runtime.ring(self.doorbell)

    def receiveMsg_ActorExitRequest(self, _message: object, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self.stop_engine()

    # ---- On the engine's thread ----

    def reporter(self, run: int, emit: Callable[[object], None]) -> Callable[[EngineReport | Mapping[str, Any]], None]:
        """Return what sends an engine's reports to the owner. An idle job reports the same every time: that is noted.

        An engine may report a mapping, with the names of `JobProgress`, as well.
        """
        last: dict[str, Any] = {}
        sent_at = made = 0.0
        token = token_of(self.job_id)

        def report(told: EngineReport | Mapping[str, Any]) -> None:
            nonlocal last, sent_at, made
            now, wall = runtime.now(), runtime.wall()
            values = dict(told) if isinstance(told, Mapping) else told.as_dict()
            values = {key: shown_set(each) if isinstance(each, str) else each for key, each in values.items()}
            holds = values == last
            is_noted = not self.shows_life or (holds and SIGNS.still(token, made, round(wall, 3)))
            if holds and now - sent_at < (_SELDOM_SECONDS if is_noted else _STILL_SECONDS):
                return
            last, sent_at, made = values, now, round(wall, 3)
            if self.shows_life:
                SIGNS.made(token, made)
            emit(Progress(self.role, run, TaskReport.of(values), wall))

        return report

    def _emit(self, run: int, report: object) -> None:
        self._events.append(_Said(run, report))
        runtime.ring(self.doorbell)

    def _run_engine(self, run: int, engine: Engine, started: runtime.Event) -> None:
        failure: Failure | None = None
        try:
            runtime.run_loop(self._main(run, engine, started))
        except asyncio.CancelledError:
            failure = None
        except BaseException as error:  # noqa: BLE001 - it is reported
            failure = failure_of(error, self.role, run)
        finally:
            started.set()
            self._emit(run, EngineEnded(run, failure))

    async def _main(self, run: int, engine: Engine, started: runtime.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        started.set()
        await engine(partial(self._emit, run))
