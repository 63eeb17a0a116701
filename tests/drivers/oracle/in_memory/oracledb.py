"""What a node imports in the place of `oracledb` where this folder is in PYTHONPATH: a database in memory.

Each process has its own, with the same history: `story` of one seed. How much of it has happened says a file.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from tests.drivers.oracle.fake_oracle import Error
from tests.drivers.oracle.stories import story

SEED, PRESENT = "a job of a node", "UDUP_TEST_ORACLE_SCN"

told = story(Random(SEED))
told.server.visible = lambda: int(Path(os.environ[PRESENT]).read_text())


class defaults:  # noqa: N801 - as the client has it
    fetch_lobs = True


connect = told.server.connect

__all__ = ["Error", "connect", "defaults"]
