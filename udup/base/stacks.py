"""Where every thread of a process is, asked from outside: for an actor that hangs.

A process that offers this writes its Python stacks on SIGUSR2, from C, even when it is stuck in a long call or holds
the interpreter's lock. They go into a file in memory that whoever may look into `/proc/<pid>/fd` can read, so there is
nothing on disk to be removed, and nothing is left when the process dies.
"""

from __future__ import annotations

import faulthandler
import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from udup.base.errors import Transient

_NAME = "udup-stacks"

#: Seconds for the process to write, and seconds without growth after which it is done.
_WRITE_SECONDS, _QUIET_SECONDS = 3.0, 0.05

_offered = -1


def offer() -> None:
    """Have this process write its stacks when it is told to. A forked child must offer its own."""
    global _offered
    if _offered >= 0:
        faulthandler.unregister(signal.SIGUSR2)
        os.close(_offered)
    _offered = os.memfd_create(_NAME, os.MFD_CLOEXEC)
    # It is emptied by its reader, so each write must find the end for itself.
    fcntl.fcntl(_offered, fcntl.F_SETFL, fcntl.fcntl(_offered, fcntl.F_GETFL) | os.O_APPEND)
    faulthandler.register(signal.SIGUSR2, file=_offered, all_threads=True, chain=False)


def read(pid: int) -> str:
    """The stacks of all threads of a process that offers them. `Transient` if it does not, or does not write."""
    with _open(pid) as file:
        os.ftruncate(file.fileno(), 0)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGUSR2)
        _wait_until_written(file.fileno(), pid)
        file.seek(0)
        return file.read()


def _open(pid: int) -> TextIO:
    folder = Path(f"/proc/{pid}/fd")
    try:
        for entry in folder.iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                if str(entry.readlink()).startswith(f"/memfd:{_NAME}"):
                    return entry.open("r+", encoding="utf-8", errors="replace")
    except OSError as error:
        raise Transient(f"cannot look into process {pid}: {error.strerror}") from error
    raise Transient(f"process {pid} does not offer its stacks (yet)")


def _wait_until_written(descriptor: int, pid: int) -> None:
    end = time.monotonic() + _WRITE_SECONDS
    size, grown_at = 0, time.monotonic()
    while not size or time.monotonic() - grown_at < _QUIET_SECONDS:
        if time.monotonic() > end:
            raise Transient(f"process {pid} has not written its stacks in {_WRITE_SECONDS:.0f} s")
        time.sleep(0.01)
        now = os.fstat(descriptor).st_size
        if now != size:
            size, grown_at = now, time.monotonic()
