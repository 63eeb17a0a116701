"""A Udup server for the time of a self-test, in a folder that goes with it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from udup.sandbox.node import UdupNode

_PREFIX = "udup-selftest-"

#: A file in the folder, locked for as long as its self-test lives.
_ALIVE = "alive"


@contextmanager
def own_node() -> Iterator[UdupNode]:
    """Start a server; it ends with the body, and with this process however that ends. What a process that was killed
    has left in the folder of temporary files is removed first.
    """
    sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        folder = Path(name)
        with (folder / _ALIVE).open("w") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)
            with UdupNode(folder / "node") as node:
                yield node


def sweep(parent: Path) -> None:
    """Remove the folders of self-tests that live no more."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.stat().st_uid == os.getuid() and _is_left(folder / _ALIVE):
                shutil.rmtree(folder)


def _is_left(alive: Path) -> bool:
    """Return whether nobody holds the file; one that is about to be made is held."""
    try:
        with alive.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
