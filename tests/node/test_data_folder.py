"""One server a data folder; and what a killed one leaves holds it only for a moment."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest

from udup.base.errors import ConfigError
from udup.node import data_lock


def test_a_folder_that_a_killed_servers_children_still_hold_is_waited_for(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("a+") as child:
        fcntl.flock(child, fcntl.LOCK_EX)
        release = threading.Timer(0.3, lambda: fcntl.flock(child, fcntl.LOCK_UN))
        release.start()
        try:
            with data_lock.lock_folder(tmp_path) as lock:
                lock.seek(0)
                assert lock.read() == str(os.getpid())
        finally:
            release.join()


def test_a_folder_that_another_server_holds_is_refused_with_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_lock, "LOCK_SECONDS", 0.2)
    with (
        data_lock.lock_folder(tmp_path),
        pytest.raises(ConfigError, match=f"in use by another Udup server .process {os.getpid()}"),
    ):
        data_lock.lock_folder(tmp_path)
