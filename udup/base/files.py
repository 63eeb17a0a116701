"""Files whose names come from elsewhere: a job, a setting. Opened without waiting, regular ones only, and bounded.

A name may lead to a FIFO, at which opening waits until somebody writes, to a terminal, or to a disk image of a
terabyte. What a job names is read by the processes of its own tasks, and by the request that posts it; never by the
JobSupervisor, which all jobs wait for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from udup.base.errors import UdupError


class Unreadable(UdupError):
    """A file that is not read; the message says why, without its name."""


def read_regular(path: str | os.PathLike[str], limit: int, *, whole: bool = True) -> bytes:
    """The first `limit` bytes of a regular file. Raises `Unreadable`, also if there are more and `whole` is wanted."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from error
    except ValueError as error:
        raise Unreadable("it is no path") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("it is no regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from error
    finally:
        os.close(descriptor)
    if whole and len(data) > limit:
        raise Unreadable(f"it has more than {limit} bytes")
    return data[:limit]


def inside(folder: str, path: str) -> str:
    """Where a path leads, with links followed, if that is in the folder; "" if not. Relative ones count from there."""
    if "\0" in path:
        return ""
    top = os.path.realpath(folder)
    found = os.path.realpath(os.path.join(top, path))  # noqa: PTH118 - realpath does not raise on odd names
    return found if os.path.commonpath([top, found]) == top else ""


@contextmanager
def in_memory(data: bytes) -> Iterator[str]:
    """A path under which this process finds the data, for libraries that take nothing but paths."""
    descriptor = os.memfd_create("udup", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(data)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
