"""Bugs to be planted: each shows that the simulation finds its kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

BUGS: dict[str, Any] = {}


@contextmanager
def planted(name: str) -> Iterator[None]:
    yield
