"""Child processes that the kernel kills when this process dies, however it dies.

Linux's PR_SET_PDEATHSIG does that, with a trap: the "parent" is the *thread* that started the child, so a server that a
worker thread starts would be killed when the worker ends (prctl(2)). Every child is therefore started by one
thread of this module, a daemon that lives as long as the process. On other systems than Linux a child outlives a
parent that is killed with SIGKILL.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

_PR_SET_PDEATHSIG = 1

_Request = tuple[Callable[[], "subprocess.Popen[bytes]"], "Future[subprocess.Popen[bytes]]"]

_guard = threading.Lock()
_starters: dict[int, queue.SimpleQueue[_Request]] = {}  # by process id: a fork does not take the thread along


def spawn(
    command: Sequence[str], output: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a child whose output is appended to a file. Ctrl-C on the terminal does not reach it (its own session).

    `environment`: all that it is given; None: this process's own.
    """
    started: Future[subprocess.Popen[bytes]] = Future()
    _starter().put((partial(_start, list(command), output, environment), started))
    return started.result()


def _starter() -> queue.SimpleQueue[_Request]:
    with _guard:
        if os.getpid() not in _starters:
            requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(requests,), name="child-starter", daemon=True).start()
            _starters[os.getpid()] = requests
        return _starters[os.getpid()]


def _serve(requests: queue.SimpleQueue[_Request]) -> None:
    while True:
        start, started = requests.get()
        try:
            started.set_result(start())
        except Exception as error:  # noqa: BLE001 -- it is raised again in the thread that asked
            started.set_exception(error)


def _start(command: list[str], output: Path, environment: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    with output.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
            preexec_fn=_die_with_parent(),
        )


def _die_with_parent() -> Callable[[], None] | None:
    """To run in the child before exec. What it needs is loaded here: little is safe between fork and exec."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel knew
            os._exit(1)

    return ask_kernel
