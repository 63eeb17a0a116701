"""Thespian's actor system, made safe: bound to loopback, no exit lost, nothing left behind.

* Messages are pickles, so whoever reaches an actor's port can run code in it; the TCP base binds to all interfaces
  whatever it is told. All listeners are pinned to 127.0.0.1 here, and messages are signed (`signing.py`).
* When several children die at once, the base forgets to report some of them; `_child_exited` corrects that.
* Of each message Thespian makes a text for its debug log, three times on its way, also when nobody keeps that log:
  of a message with a server's facts that is half of what the message costs. The texts name the message's class alone.
* Each look at its sockets costs Thespian something for each actor that it knows: with those of 100 jobs that was half
  of the supervisor's time. `polling.py` has it cost little.
* Every process dies with its parent (`shell.die_with_parent`), and a Guardian kills the admin process when the main
  process is gone, so `kill -9` of any of them leaves nothing.

Import this before any actor system is made. The system is started before any thread or socket exists: it forks.
"""

from __future__ import annotations

import encodings.ascii
import logging
import multiprocessing.popen_fork
import multiprocessing.util
import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Thespian reads both when it is imported.
os.environ["THESPIAN_BASE_IPADDR"] = "127.0.0.1"
os.environ.setdefault("THESPLOG_THRESHOLD", "ERROR")

import psutil
from thespian.actors import ActorSystem, InvalidActorAddress, ThespianWatch
from thespian.system import multiprocCommon, multiprocTCPBase, transport
from thespian.system.transport import IPBase

from udup.actors.polling import look_quickly
from udup.actors.shell import ShellActor, die_with_parent
from udup.actors.signing import sign_messages
from udup.base.errors import UdupError

#: What Thespian and Python load when a process is forked or a socket is opened; so it is there before the first fork.
LOADED_EARLY = (multiprocTCPBase, multiprocessing.popen_fork, multiprocessing.util, encodings.ascii)

LOOPBACK = "127.0.0.1"

#: Seconds for the actor system to answer at its start and at its end.
START_SECONDS, STOP_SECONDS = 10, 6

#: How often the actor system is begun, each time at another port.
_TRIES = 3

_guarded = False


def _child_exited(self: Any, child_address: Any) -> None:
    """Drop only the reported child, and only if it is dead; the others are reported in their turn."""
    self._child_procs = [
        child
        for child in getattr(self, "_child_procs", [])
        if not (getattr(child, "childRealAddr", None) == child_address and not self._checkChildLiveness(child))
    ]


def guard() -> None:
    """Apply the guards to Thespian; harmless when called again."""
    global _guarded
    if _guarded:
        return
    IPBase.IPActorAddress.bindArgs = property(lambda self: ((LOOPBACK, self.bindname[1]),))
    IPBase.thisSystem.add_local_addr(LOOPBACK)
    multiprocCommon.MultiProcReplicator._childExited = _child_exited
    transport.TransmitIntent.identify = _intent
    transport.ReceiveEnvelope.identify = _envelope
    look_quickly()
    sign_messages()
    _guarded = True


def _intent(self: Any) -> str:
    return f"{type(self.message).__name__} to {self.targetAddr}"


def _envelope(self: Any) -> str:
    return f"{type(self.message).__name__} from {self.sender}"


class _DyingFormatter(logging.Formatter):
    """Made in Thespian's logger process alone, which so dies with its parent like the actors."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        die_with_parent()


_LOG_DEFINITIONS = {
    "version": 1,
    "formatters": {"plain": {"()": _DyingFormatter}},
    "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "plain", "level": "ERROR"}},
    "root": {"handlers": ["err"], "level": "ERROR"},
}


@dataclass(frozen=True)
class Guard:
    """To the Guardian: the process to watch. Answered by `Guarding`."""

    main_pid: int


@dataclass(frozen=True)
class Guarding:
    admin_pid: int


class Guardian(ShellActor):
    """Kills the admin process, and with it all actors, when the main process dies."""

    role = "guardian"

    def __init__(self) -> None:
        super().__init__()
        self._pidfd = -1
        self._admin = os.getppid()

    def watch(self) -> Any:
        return ThespianWatch([self._pidfd]) if self._pidfd >= 0 else None

    def receiveMsg_Guard(self, message: Guard, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._pidfd = os.pidfd_open(message.main_pid)
        self.send(sender, Guarding(self._admin))

    def receiveMsg_WatchMessage(self, _message: object, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        os.kill(self._admin, signal.SIGKILL)


class Actors:
    """The actor system of one node."""

    def __init__(self, folder: Path) -> None:
        """Start it; its own log goes to `folder`. No thread may run yet."""
        guard()
        before = _children()
        os.environ["THESPLOG_FILE"] = str(folder / "thespian.log")
        self._system = _started()
        guardian = self._system.createActor(Guardian)
        answer = self._system.ask(guardian, Guard(os.getpid()), START_SECONDS)
        if not isinstance(answer, Guarding):
            self._system.shutdown()
            raise UdupError(f"the actor system did not start (its guardian answered {answer!r})")
        self.admin_pid = answer.admin_pid
        _reap_new_child(before)

    def create(self, actor: type) -> Any:
        return self._system.createActor(actor)

    def ask(self, address: Any, message: object, seconds: float) -> Any:
        """One question and its answer, from any thread; None if there is none in time."""
        with self._system.private() as context:
            return context.ask(address, message, seconds)

    def shutdown(self) -> None:
        """End every actor; what does not end is killed."""
        try:
            self._system.shutdown()
        finally:
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(self.admin_pid, signal.SIGKILL)


def _started() -> ActorSystem:
    """Return an actor system whose admin process answers.

    It does not if its port, which was free a moment before, was taken meanwhile, or on a machine that is very busy:
    then what was begun is ended, and another port tried.
    """
    tries = 0
    while True:
        before = _children()
        try:
            return ActorSystem(
                "multiprocTCPBase", {"Admin Port": _free_port()}, logDefs=_LOG_DEFINITIONS, transientUnique=True
            )
        except InvalidActorAddress:
            _end_sessions(_children() - before)
            tries += 1
            if tries == _TRIES:
                raise


def _end_sessions(leaders: set[int]) -> None:
    """Kill what these children began: each made a session of its own before it had the admin process as its child."""
    for pid in psutil.pids():
        with suppress(ProcessLookupError):
            if os.getsid(pid) in leaders:
                os.kill(pid, signal.SIGKILL)
    for pid in leaders:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def _reap_new_child(before: set[int]) -> None:
    """Take the one that the admin process was forked from: it has ended, and Thespian looks after it no more.

    It would stay in the process table for as long as the node lives.
    """
    for pid in _children() - before:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
