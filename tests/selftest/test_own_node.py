"""The folder of a self-test's own Udup server goes, also when its self-test was killed."""

from __future__ import annotations

import fcntl
from pathlib import Path

from udup.selftest.own_node import sweep


def test_a_folder_of_a_self_test_that_lives_is_left_alone(tmp_path: Path) -> None:
    for name in ("dead", "living"):
        (tmp_path / f"udup-selftest-{name}").mkdir()
        (tmp_path / f"udup-selftest-{name}" / "alive").touch()
    (tmp_path / "udup-selftest-being-made").mkdir()
    with (tmp_path / "udup-selftest-living" / "alive").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"udup-selftest-living", "udup-selftest-being-made"}
