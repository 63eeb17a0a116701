"""The simulation is in force while a module of this folder is tested."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sim.install import installed


@pytest.fixture(scope="module", autouse=True)
def simulation() -> Iterator[None]:
    with installed():
        yield
