"""The demo of a subscription ends with equal tables, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.demo.running import leftovers, started, wait_for_line, wait_for_nothing
from udup.sandbox.programs import MysqlPrograms

SCRIPT = """
import sys
from udup.demo import run_subscribe_demo
sys.exit(run_subscribe_demo(keep="keep" in sys.argv, rows=2_000, seconds=float(sys.argv[1]), rate=50))
"""

Demo = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def demo(programs: MysqlPrograms, tmp_path: Path) -> Demo:
    return partial(started, SCRIPT, tmp_path)


def test_tables_rebuilt_from_the_events_are_equal_and_nothing_is_left(demo: Demo, tmp_path: Path) -> None:
    process = demo("2")
    shown, _ = process.communicate(timeout=150)
    assert process.returncode == 0, shown
    assert re.search(r"^EQUAL: 13 tables, [\d,]+ rows$", shown, re.MULTILINE), shown
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} (insert|update|delete) ", shown, re.MULTILINE), shown
    assert not leftovers(tmp_path)


def test_ctrl_c_while_changes_pass_leaves_nothing(demo: Demo, tmp_path: Path) -> None:
    process = demo("60")
    wait_for_line(process, " update ")
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in shown
    assert not leftovers(tmp_path)


def test_kept_servers_say_how_to_read_and_how_to_end(demo: Demo, tmp_path: Path) -> None:
    process = demo("1", "keep")
    shown, _ = process.communicate(timeout=150)
    assert process.returncode == 0, shown
    told = re.search(r"python (examples/consume_nats.py) (\S+) --url (\S+)$", shown, re.MULTILINE)
    assert told, shown
    command = [sys.executable, *told.groups()[:2], "--url", told[3], "--no-follow"]
    read = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert '"demo.shop.orders"' in read.stdout
    end = re.search(r"^  kill (\d+)$", shown, re.MULTILINE)
    assert end, shown
    os.kill(int(end[1]), signal.SIGTERM)
    wait_for_nothing(tmp_path)
