"""The clock of tests whose time passes by their own word."""

from __future__ import annotations


class Clock:
    def __init__(self) -> None:
        self.now = 500.0
