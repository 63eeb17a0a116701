"""A sink is asked before a job starts, and told of its options; nothing is changed there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused, Unavailable
from udup.drivers.messages.sink_checks import sink_checks
from udup.pipeline.checks import Outcome
from udup.pipeline.ports import DeliveryPlan, DeliverySettings, End

PLAN = DeliveryPlan("shop1")
SINK = End("NATS", Endpoint("h", 4222, "", ""), delivery=PLAN)


@dataclass
class _Sink:
    """A destination and its delivery in one, which notes what is asked of it."""

    wrong: Exception | None = None
    options: Exception | None = None
    asked: list[str] = field(default_factory=list)
    where: str = "the sink"

    def open_encoder(self, settings: DeliverySettings) -> None:
        self.asked.append("encoder")
        if self.options:
            raise self.options

    def open_delivery(self, settings: DeliverySettings, on_stored: Callable[[int], None]) -> _Sink:
        assert (settings.job, settings.plan) == ("j", PLAN)
        return self

    async def connect(self) -> None:
        self.asked.append("connect")
        if self.wrong:
            raise self.wrong

    async def close(self) -> None:
        self.asked.append("close")


def _checks(sink: _Sink, end: End = SINK) -> list[tuple[Outcome, str, str]]:
    return [(check.outcome, check.found, check.remedy) for check in sink_checks(sink, "j", end)]  # type: ignore[arg-type]


def test_a_sink_that_can_serve_is_reached_and_left() -> None:
    sink = _Sink()
    assert _checks(sink) == [(Outcome.PASS, "the sink", "")]
    assert sink.asked == ["encoder", "connect", "close"]


def test_the_nodes_own_is_not_asked() -> None:
    sink = _Sink()
    assert _checks(sink, End("NATS", Endpoint("", 0, "", ""), delivery=PLAN))[0][0] is Outcome.PASS
    assert sink.asked == ["encoder"]


def test_every_fault_is_a_failed_check_with_its_remedy() -> None:
    refused = Refused([Fault("NatsConfig.Stream", "belongs to others", "name another"), Fault("Url", "is nothing")])
    found = _checks(sink := _Sink(wrong=refused))
    assert found[0] == (Outcome.FAIL, "NatsConfig.Stream: belongs to others", "name another")
    assert found[1][:2] == (Outcome.FAIL, "Url: is nothing") and found[1][2]
    assert sink.asked[-1] == "close"


@pytest.mark.parametrize(
    "sink", [_Sink(wrong=Unavailable("nobody listens")), _Sink(options=Unavailable("nobody listens"))]
)
def test_one_that_is_away_is_a_failed_check(sink: _Sink) -> None:
    [(outcome, found, remedy)] = _checks(sink)
    assert (outcome, found) == (Outcome.FAIL, "nobody listens") and remedy


def test_options_that_are_none_are_told_before_it_is_asked() -> None:
    sink = _Sink(options=Refused([Fault("Options.x", "Debezium has no such option", "leave it out")]))
    assert _checks(sink) == [(Outcome.FAIL, "Options.x: Debezium has no such option", "leave it out")]
    assert sink.asked == ["encoder"]
