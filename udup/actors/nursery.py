"""The nursery: a process that does nothing, and that the supervisor's children are forked from.

A fork shares each page of memory with its parent until one of them writes to it. The supervisor writes all the time: of
200 children each kept pages of its own that the supervisor had written to after it was born, 5 MB and more a process.
The nursery is forked from the supervisor before the first child, and sleeps between two births.

A child is born by two forks, the first of which ends at once, so the supervisor is given the child by the kernel (it is
a *subreaper* for that moment): the child's parent is the supervisor, whose death ends it and which is told when it
ends. Of the nursery nothing depends but births. When it is gone another one is made; when that fails too, or the kernel
does not play along, the supervisor forks by itself, as it did ever.

A child begins only when the supervisor, which knows its number by then, says so: a birth that is given up leaves none.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import pickle
import signal
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import process as processes
from pathlib import Path
from typing import Any

from setproctitle import setproctitle

from udup.base import logs, runtime
from udup.base.gaps import fill_gaps

#: prctl's numbers: who is given orphans, and which signal comes when the parent dies.
_PR_SET_CHILD_SUBREAPER, _PR_SET_PDEATHSIG = 36, 1

#: Seconds for a birth, on a machine that is very busy. Two of them must end before the supervisor is held for hung
#: (`pulse.HANGS_SECONDS`): it does nothing else meanwhile.
BIRTH_SECONDS = 6.0

#: Where Thespian's arguments of a new process have the descriptors to close and the way to make processes. The nursery
#: has closed the former, and the latter cannot be sent.
_DESCRIPTORS, _CONTEXT = -3, -2

_SIZE, _PID = struct.Struct("=I"), struct.Struct("=i")
_GO = b"g"


class NurseryGone(Exception):
    """Nobody was born: the nursery has died, or does not answer."""


def use_nursery(actor: Any, data_dir: str) -> None:
    """Have an actor's children be born in a nursery from now on, if the actor has a process of its own."""
    manager: Any = getattr(actor, "_myRef", None)
    plain = getattr(manager, "mpcontext", None)
    if multiprocessing.parent_process() is not None and plain is not None and not isinstance(plain, Births):
        manager.mpcontext = Births(plain, f"udup nursery [{data_dir}]")


class Births:
    """In the place of a context of `multiprocessing`, as far as Thespian uses it: it makes processes."""

    def __init__(self, plain: Any, title: str) -> None:
        self._plain, self._title = plain, title
        self._nursery: Nursery | None = None
        self._log = logs.logger("nursery")

    def Process(self, target: Callable[..., None], args: tuple[Any, ...], name: str) -> Any:  # noqa: N802 - its name
        return Born(self, target, args, name)

    def bear(self, target: Callable[..., None], args: tuple[Any, ...], name: str) -> Any:
        """Return a process that runs, of whatever kind."""
        request = pickle.dumps((target, (*args[:_DESCRIPTORS], [], None, *args[_CONTEXT + 1 :]), name))
        for _ in range(2):
            try:
                if self._nursery is None:
                    self._nursery = Nursery(self._plain, self._title)
                return _Watched(self._nursery.bear(request))
            except (NurseryGone, OSError) as error:
                self._log.warning("nursery_gone", error=str(error))
                self._close()
        own = (*args[:_CONTEXT], self._plain, *args[_CONTEXT + 1 :])
        child = self._plain.Process(target=target, args=own, name=name)
        child.start()
        return child

    def _close(self) -> None:
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None


class Born:
    """What Thespian uses of a process."""

    def __init__(self, births: Births, target: Callable[..., None], args: tuple[Any, ...], name: str) -> None:
        self._births, self._made, self.name = births, (target, args, name), name
        self._child: Any = None

    def start(self) -> None:
        self._child = self._births.bear(*self._made)
        del self._made
        known: set[Any] = processes._children  # type: ignore[attr-defined]
        known.discard(self._child)
        known.add(self)  # where Thespian takes it from

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    def is_alive(self) -> bool:
        return self._child is not None and bool(self._child.is_alive())

    def join(self, timeout: float | None = None) -> None:
        if self._child is not None:
            self._child.join(timeout)


class _Watched:
    """A child that was born in the nursery."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended = False

    def is_alive(self) -> bool:
        if not self._ended:
            try:
                self._ended = os.waitpid(self.pid, os.WNOHANG)[0] == self.pid
            except ChildProcessError:
                self._ended = True
        return not self._ended

    def join(self, _timeout: float | None) -> None:
        """Do nothing: who is dead was taken from the process table when that was noticed."""


class Nursery:
    """The supervisor's end of it."""

    def __init__(self, plain: Any, title: str) -> None:
        """Fork it from this process, which has one thread."""
        own, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        parent = runtime.pid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                setproctitle(title)
                _keep(its, parent, plain)
            finally:
                runtime.end_process(1)
        its.close()
        own.settimeout(BIRTH_SECONDS)
        self._socket = own

    def bear(self, request: bytes) -> int:
        """Return the number of a new child, which has begun. Raises `NurseryGone`, and then there is none."""
        own, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with own:
            own.settimeout(BIRTH_SECONDS)
            _take_orphans(True)
            try:
                with its:
                    socket.send_fds(self._socket, [_SIZE.pack(len(request))], [its.fileno()])
                self._socket.sendall(request)
                said = _read(own, _PID.size)
                if said is None:
                    raise NurseryGone(f"the nursery, process {self.pid}, bore no child")
            except OSError as error:
                raise NurseryGone(f"the nursery, process {self.pid}, does not answer: {error}") from error
            finally:
                _take_orphans(False)
            pid = int(_PID.unpack(said)[0])
            try:
                own.sendall(_GO)
            except OSError as error:
                with suppress(ChildProcessError):
                    os.waitpid(pid, 0)
                raise NurseryGone(f"a child, process {pid}, died when it was born") from error
        return pid

    def close(self) -> None:
        """End it."""
        self._socket.close()
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def _take_orphans(wanted: bool) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


def _read(connection: socket.socket, size: int) -> bytes | None:
    """Return so many bytes, None if there are no more."""
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            return None
        data += part
    return data


# ---- In the nursery's process ----


def _keep(requests: socket.socket, supervisor: int, plain: Any) -> None:
    """Wait for requests, and have a child born for each, until the supervisor is gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        return
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    _leave_sockets(requests.fileno())
    gc.collect()
    gc.freeze()
    fill_gaps()
    while True:
        head, descriptors, _, _ = socket.recv_fds(requests, _SIZE.size, 1)
        if len(head) < _SIZE.size or not descriptors:
            return
        request = _read(requests, _SIZE.unpack(head)[0])
        if request is None:
            return
        between = os.fork()
        if between == 0:
            _bear(requests, descriptors[0], request, supervisor, plain)
        os.close(descriptors[0])
        os.waitpid(between, 0)


def _leave_sockets(but: int) -> None:
    """Close the supervisor's sockets: who has them open keeps their other ends from noticing that they are closed."""
    for entry in list(Path("/proc/self/fd").iterdir()):
        number = int(entry.name)
        with suppress(OSError):
            if number > 2 and number != but and str(entry.readlink()).startswith("socket:"):
                os.close(number)


def _bear(requests: socket.socket, descriptor: int, request: bytes, supervisor: int, plain: Any) -> None:
    """Fork the child and end, so that the supervisor is its parent."""
    code = 1
    try:
        ended, open_till_then = os.pipe()
        if os.fork() != 0:
            runtime.end_process(0)
        os.close(open_till_then)
        requests.close()
        os.read(ended, 1)  # what has forked this process is about to be gone
        os.close(ended)
        with socket.socket(fileno=descriptor) as channel:
            if not _adopted(supervisor):
                return
            channel.sendall(_PID.pack(runtime.pid()))
            if channel.recv(1) != _GO:
                return
        code = _live(request, supervisor, plain)
    finally:
        runtime.end_process(code)


def _adopted(supervisor: int) -> bool:
    """Wait for the supervisor to be the parent; return whether it is."""
    end = runtime.now() + BIRTH_SECONDS
    while os.getppid() != supervisor:
        if runtime.now() > end:
            return False
        os.sched_yield()
    return True


def _live(request: bytes, supervisor: int, plain: Any) -> int:
    """Run what was asked for, as a process that the supervisor has forked itself."""
    target, args, name = pickle.loads(request)  # from the supervisor alone: its end of the pair is open nowhere else
    child = plain.Process(target=target, args=(*args[:_CONTEXT], plain, *args[_CONTEXT + 1 :]), name=name)
    child._parent_pid = supervisor
    return int(child._bootstrap())
