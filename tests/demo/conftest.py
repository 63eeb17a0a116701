"""One demo at a time: each takes the default ports where they are free, as on a newcomer's machine."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Wait until no other process of the tests has a demo under way."""
    if request.node.get_closest_marker("server") is None and "demo" not in request.fixturenames:
        yield
        return
    with (Path(tempfile.gettempdir()) / "udup-tests-demo.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
