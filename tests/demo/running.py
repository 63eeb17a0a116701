"""A demo that runs: what it says, and what it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil


def started(script: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a demo by a few lines of Python, with everything that it makes in `folder`."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def leftovers(folder: Path) -> list[str]:
    """What is in the folder, and the processes that were started with a path in it.

    The file of reserved ports stays: all processes of a user share it.
    """
    found = [str(path) for path in folder.iterdir() if not path.name.startswith("udup-ports-")]
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            if process.pid != os.getpid() and str(folder) in " ".join(process.cmdline()):
                found.append(" ".join(process.cmdline()))
    return found


def wait_for_nothing(folder: Path, deadline: float = 30.0) -> None:
    end = time.monotonic() + deadline
    while left := leftovers(folder):
        assert time.monotonic() < end, left
        time.sleep(0.1)


def wait_for_line(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(f"the demo ended without a word of {word!r}")
