"""The lock of a data folder: one server at a time has it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from udup.base import runtime
from udup.base.errors import ConfigError

#: Seconds in which the processes of a server that was killed let go of its data folder.
LOCK_SECONDS = 5.0


def lock_folder(folder: Path) -> TextIO:
    """Take the data folder for this process alone; the lock ends with the process and its children, however they end.

    The children of one that was killed end a moment later than it did, on a busy machine a second or two: they are
    waited for.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (folder / "lock").open("a+")
    except OSError as error:
        raise ConfigError(f"data_dir: cannot use {folder}: {error.strerror}") from error
    try:
        _take(file)
    except OSError as error:
        file.seek(0)
        owner = file.read().strip()
        file.close()
        raise ConfigError(
            f"data_dir: {folder} is in use by another Udup server (process {owner or 'unknown'}); stop that one, or set"
            " data_dir to another folder"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _take(file: TextIO) -> None:
    until = runtime.now() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            if runtime.now() > until:
                raise
            runtime.sleep(0.05)
