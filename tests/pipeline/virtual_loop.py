"""An event loop in virtual time, which counts how often it goes to sleep: what a quiet engine costs its machine."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

import pytest

from udup.base import runtime


class VirtualLoop(asyncio.SelectorEventLoop):
    """`wakes` counts how often time had to pass. What blocks is done at once, on the loop's own thread."""

    def __init__(self) -> None:
        self.clock, self.wakes = 1000.0, 0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.clock

    def run_in_executor(self, _executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whoever awaits it gets it
            done.set_exception(error)
        return done


class _Selector(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "everything waits for ever"
        if timeout > 0:
            self._loop.clock += timeout
            self._loop.wakes += 1
        return super().select(0)


def run_virtually(work: Callable[[VirtualLoop], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a coroutine in virtual time, which is that of everything it uses."""
    loop = VirtualLoop()
    with monkeypatch.context() as patch:
        patch.setattr(runtime, "now", loop.time)
        try:
            loop.run_until_complete(work(loop))
        finally:
            loop.close()
