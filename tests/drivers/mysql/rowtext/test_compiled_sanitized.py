"""The compiled reader with sanitizers: whatever an event says, no byte is read or written that is not its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drivers.mysql.rowtext.building import SANITIZED, build, compiler, preloaded

ROOT = Path(__file__).parents[4]

#: Changed events; the command line tries as many as it is told.
COUNT = 1200


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_changed_events_are_read_within_their_bounds(tmp_path: Path) -> None:
    if compiler() is None:
        pytest.skip("no compiler is there")
    # The sanitizer looks for what throws before Python loads that.
    sanitizer, standard = preloaded("libasan.so"), preloaded("libstdc++.so")
    if sanitizer is None or standard is None:
        pytest.skip("the compiler has no address sanitizer")
    path = build(tmp_path, SANITIZED)
    # Python's own allocator would hide where an object ends; it never gives back all that it has taken.
    settings = {
        "LD_PRELOAD": f"{sanitizer} {standard}",
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONPATH": str(ROOT),
    }
    command = [
        *("-m", "tests.drivers.mysql.rowtext.fuzz", str(COUNT), "--tables", "8"),
        *("--room", "128", "--library", str(path)),
    ]
    answer = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=400
    )
    assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-4000:]
    assert "'unchanged read'" in answer.stdout
