"""A clock that goes on when a test says so."""

from __future__ import annotations

import pytest

from tests.pipeline.apply.clock import Clock
from udup.base import runtime


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(runtime, "now", lambda: clock.now)
    monkeypatch.setattr(runtime, "wall", lambda: clock.now + 1_000_000.0)
    return clock
