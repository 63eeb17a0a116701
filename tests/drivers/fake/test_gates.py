"""The gates of servers in memory keep to the contract."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drivers.contract.gates import GateContract, GatePair
from udup.base.errors import Unavailable
from udup.drivers.fake.gates import FakeSourceGate, FakeTargetGate
from udup.drivers.fake.server import FakeServer
from udup.pipeline.ownership import Claim


class FakeGatePair(GatePair):
    schema = "s"

    def __init__(self) -> None:
        self._old, self._new = FakeServer("alpha"), FakeServer("omega")
        self.old, self.new = FakeSourceGate(self._old), FakeTargetGate(self._new)
        self._old.log.create(("s", "t"))
        self._written = 0

    def application_writes(self) -> bool:
        self._written += 1
        try:
            self._old.log.write(lambda writing: writing.insert(("s", "t"), f"w{self._written}"))
        except Unavailable:
            return False
        return True

    def set_counters(self, old: int, new: int) -> None:
        self._old.counters["s", "t"] = old
        self._new.counters[self.new_schema, "t"] = new

    def new_counter(self) -> int:
        return self._new.counters[self.new_schema, "t"]

    def create_event(self, name: str, *, enabled: bool) -> None:
        self._old.events["s", name] = enabled
        self._new.events[self.new_schema, name] = False

    def enabled_events(self) -> tuple[set[str], set[str]]:
        return tuple({name for (_, name), on in each.events.items() if on} for each in (self._old, self._new))  # type: ignore[return-value]

    def create_trigger(self, name: str) -> None:
        self._old.triggers["s", name] = "t"

    def create_refused_trigger(self, name: str) -> None:
        self.create_trigger(name)
        self._new.refused_triggers.add(name)

    def triggers(self) -> list[str]:
        return [name for _, name in self._new.triggers]

    def begin_xa(self, xid: str) -> Any:
        self._old.xa_begun.append(xid)

    def end_xa(self, xid: str, begun: Any) -> None:
        self._old.xa_begun.remove(xid)

    def claim(self, job: str) -> None:
        for server in (self._old, self._new):
            server.claims["s", "t"] = Claim(("s", "t"), job, "", ("s", "t"), "", "")

    def claims(self) -> list[Claim]:
        return list(self._new.claims.values())


@pytest.fixture
def gates() -> FakeGatePair:
    return FakeGatePair()


class TestFakeGates(GateContract): ...
