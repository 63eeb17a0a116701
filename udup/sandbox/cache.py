"""The folder of the user's cache that keeps what is costly to make: MySQL's programs, empty data directories.

Whatever stands in it under its final name is complete: it is made under a name that starts with `partial-`, one
maker at a time (a file lock), and then renamed, which is atomic. A maker that is killed leaves a `partial-` folder,
and the next one removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from udup.base.errors import UdupError

#: Tells a person, in a line, what goes on and why it takes its time.
Say = Callable[[str], None]

_PARTIAL = "partial-"


def silent(_line: str) -> None:
    """The `Say` of callers without an audience."""


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/udup`, made if need be; `UdupError` if that cannot be."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        folder = Path(base).expanduser().absolute() / "udup"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        raise UdupError(
            f"cannot make the cache folder {base}/udup: {error} -- set XDG_CACHE_HOME to a folder that you may write"
        ) from error
    return folder


@contextmanager
def made_once(target: Path, say: Say) -> Iterator[Path | None]:
    """Makes `target` unless it is there: the body gets an empty folder to fill, or None if there is nothing to do.

    When the body ends well the folder becomes `target`; when it fails, or is interrupted, the folder goes.
    """
    with only_one_maker(target.parent, say):
        if target.exists():
            yield None
            return
        with partial_folder(target.parent) as folder:
            yield folder
            folder.rename(target)


@contextmanager
def partial_folder(parent: Path) -> Iterator[Path]:
    """A folder to work in, removed at the end unless it was renamed. Only under the lock of `only_one_maker`."""
    for stale in parent.glob(f"{_PARTIAL}*"):
        shutil.rmtree(stale)
    folder = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=parent))
    try:
        yield folder
    finally:
        if folder.exists():
            shutil.rmtree(folder)


@contextmanager
def only_one_maker(folder: Path, say: Say) -> Iterator[None]:
    """One process at a time; the kernel lets go of the lock when its holder dies."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that is filling {folder}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
