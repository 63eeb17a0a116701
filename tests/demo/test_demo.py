"""The demo ends with equal sides, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.demo.running import leftovers, started, wait_for_line, wait_for_nothing
from udup.sandbox.programs import MysqlPrograms

SCRIPT = """
import sys
from udup.demo import run_demo
sys.exit(run_demo(keep="keep" in sys.argv, rows=2_000, seconds=float(sys.argv[1]), rate=50))
"""

Demo = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def demo(programs: MysqlPrograms, tmp_path: Path) -> Demo:
    return partial(started, SCRIPT, tmp_path)


def test_the_demo_ends_with_equal_sides_and_nothing_left(demo: Demo, tmp_path: Path) -> None:
    process = demo("2")
    shown, _ = process.communicate(timeout=150)
    assert process.returncode == 0, shown
    assert re.search(r"^EQUAL: 13 tables", shown, re.MULTILINE), shown
    assert not leftovers(tmp_path)


@pytest.mark.not_always
@pytest.mark.usefixtures("programs", "newest_mariadb")
@pytest.mark.parametrize("families", ["mariadb mysql", "mysql mariadb", "mariadb mariadb"])
def test_the_demo_ends_with_equal_sides_between_families(tmp_path: Path, families: str) -> None:
    script = SCRIPT.replace("rate=50", f"rate=50, families={tuple(families.split())!r}")
    process = started(script, tmp_path, "2")
    shown, _ = process.communicate(timeout=150)
    assert process.returncode == 0, shown
    names = {"mariadb": "MariaDB", "mysql": "MySQL"}
    for side, family in zip(("source", "target"), families.split(), strict=True):
        assert re.search(rf"^{side}: {names[family]} \d", shown, re.MULTILINE), shown


@pytest.mark.parametrize("moment", ["source:", "filling", "copying"])
def test_ctrl_c_leaves_nothing_at_any_moment(demo: Demo, tmp_path: Path, moment: str) -> None:
    process = demo("60")
    wait_for_line(process, moment)
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in shown
    assert not leftovers(tmp_path)


def test_kill_leaves_nothing_either(demo: Demo, tmp_path: Path) -> None:
    process = demo("60")
    wait_for_line(process, "copying")
    process.kill()
    process.communicate()
    wait_for_nothing(tmp_path)


def test_kept_servers_stay_until_they_are_told_to_end(demo: Demo, tmp_path: Path) -> None:
    process = demo("1", "keep")
    shown, _ = process.communicate(timeout=150)
    assert process.returncode == 0, shown
    assert leftovers(tmp_path)
    told = re.search(r"^  kill (\d+)$", shown, re.MULTILINE)
    assert told, shown
    os.kill(int(told.group(1)), signal.SIGTERM)
    wait_for_nothing(tmp_path)
