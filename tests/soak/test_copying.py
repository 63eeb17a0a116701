"""A short copy that is killed in every test run; `python -m tests.soak --copy 2000000` is the long one."""

from __future__ import annotations

import time
from pathlib import Path

from tests.soak.copying import MOST, KilledCopy
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer


def test_a_copy_that_is_killed_goes_on_where_it_was(programs: MysqlPrograms, tmp_path: Path) -> None:
    """A process of it, its document, and the node with all of its processes."""
    with (
        MysqlServer(programs, tmp_path / "source") as source,
        MysqlServer(programs, tmp_path / "target") as target,
        UdupNode(tmp_path / "node") as node,
    ):
        seed = str(time.time_ns())
        kills = (0.2, "worker"), (0.45, "document"), (0.7, "all")
        copy = KilledCopy(source, target, node, 100_000, seed, print, kills, workers=2, chunk_rows=2_000)
        assert copy.run() <= MOST, (seed, copy.copied)
        assert copy.killed == 3
