"""Cut-overs between servers in memory, made as a test wants them, whose engine waits for moments only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from tests.pipeline.cutover.small_cutover import World
from udup.pipeline.cutover import engine, fence


class Make(Protocol):
    def __call__(self, **options: Any) -> World: ...


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr(engine, "_FIRST_PAUSE", 0.002)
    monkeypatch.setattr(engine, "_LOOK_SECONDS", 0.002)
    monkeypatch.setattr(engine, "_LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(fence, "_SECONDS", 0.02)
    monkeypatch.setattr(fence, "_PAUSE", 0.002)
    worlds: list[World] = []

    def made(**options: Any) -> World:
        worlds.append(World(**options))
        return worlds[-1]

    yield made
    for world in worlds:
        world.close()
