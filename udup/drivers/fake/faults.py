"""What goes wrong on command: calls that are cut, delayed, held or refused.

A call is three things: the way there, its carrying out at one instant, the way back. It can be cut before it is carried
out, and after it: then it has taken effect, and nobody is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from udup.base import runtime
from udup.base.errors import Transient

When = Literal["before", "after"]

#: Seconds that a held call waits at most, so that a forgotten gate ends a test and not the day.
_HOLD_SECONDS = 60.0

#: Seconds between looks whether the connection of a held call is still there.
_LOOK_SECONDS = 0.01


class Gate:
    """A call that stands still until it is released."""

    def __init__(self) -> None:
        self._reached, self._released = runtime.Event(), runtime.Event()

    def wait_until_reached(self, seconds: float = 10.0) -> bool:
        """Return whether a call stands here, at last after so long."""
        return self._reached.wait(seconds)

    @property
    def is_reached(self) -> bool:
        return self._reached.is_set()

    def release(self) -> None:
        self._released.set()

    def stand(self, is_alive: Callable[[], bool]) -> None:
        """In the call: until it is released, or its connection ends."""
        self._reached.set()
        end = runtime.now() + _HOLD_SECONDS
        while not self._released.wait(_LOOK_SECONDS) and is_alive():
            if runtime.now() > end:
                raise AssertionError("nobody has released a call that is held")


@dataclass
class _Rule:
    """`nth` counts matching calls from 1; None for every one."""

    call: str
    who: str
    when: When
    nth: int | None
    act: Callable[[Callable[[], bool]], None]
    seen: int = 0

    def meets(self, call: str, who: str, when: When) -> bool:
        if self.call not in (call, "*") or self.who not in (who, "") or self.when != when:
            return False
        self.seen += 1
        return self.nth is None or self.seen == self.nth


class Cut(Transient):
    """The connection was cut by a rule."""


@dataclass
class Faults:
    """The rules of one server. `fired` are those that came to something, for a test to see that they did.

    `call` is a port's name and its method, as `ApplySession.apply`, or `*`; `who` is the place of the connection in its
    job (`control`, `session1`, `inline`, `loader1`, `copy`, `log`, …), "" for any.
    """

    fired: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    _rules: list[_Rule] = field(default_factory=list)

    def cut(self, when: When, call: str, nth: int | None = 1, *, who: str = "") -> None:
        """Lose the connection before or after the call is carried out."""

        def act(_is_alive: object) -> None:
            raise Cut(f"the connection was lost {when} {call}")

        self._rules.append(_Rule(call, who, when, nth, act))

    def delay(self, call: str, seconds: float, nth: int | None = None, *, when: When = "before", who: str = "") -> None:
        self._rules.append(_Rule(call, who, when, nth, lambda _is_alive: runtime.sleep(seconds)))

    def refuse(self, call: str, error: Exception, nth: int | None = 1, *, when: When = "before", who: str = "") -> None:
        """Have the call raise this; the connection stays."""

        def act(_is_alive: object) -> None:
            raise error

        self._rules.append(_Rule(call, who, when, nth, act))

    def hold(self, call: str, nth: int | None = 1, *, when: When = "before", who: str = "") -> Gate:
        """Have the call stand still, before or after it was carried out, until its gate or its end releases it."""
        gate = Gate()
        self._rules.append(_Rule(call, who, when, nth, gate.stand))
        return gate

    def forget(self) -> None:
        """Nothing goes wrong from now on."""
        self._rules.clear()

    def meet(self, call: str, who: str, when: When, is_alive: Callable[[], bool] = lambda: True) -> None:
        """In the call, outside of the server's lock: whatever is to go wrong here does. `is_alive`: its connection."""
        if when == "before":
            self.calls[call] = self.calls.get(call, 0) + 1
        for rule in [rule for rule in self._rules if rule.meets(call, who, when)]:
            self.fired.append(f"{when} {call} {who}")
            rule.act(is_alive)
