"""A stream of the node's own JetStream that cannot serve a job is told before the job hears of its new document."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.node.nats_clients import OWN
from udup.base.endpoint import Endpoint
from udup.drivers.registry import Registry
from udup.node.nats_server import NatsServer
from udup.node.own_sink import own_sink_checks
from udup.pipeline.checks import Outcome
from udup.pipeline.ports import DeliveryPlan, DeliverySettings, End, JobPlan, Scope
from udup.pipeline.selection.selection import Selection

SOURCE = End("MySQL", Endpoint("127.0.0.1", 1, "u", ""))


def _plan(job: str, prefix: str, host: str = "") -> JobPlan:
    delivery = DeliveryPlan(prefix, sink={"Stream": f"{OWN}_SINK"})
    return JobPlan(job, SOURCE, End("NATS", Endpoint(host, 0, "", ""), delivery=delivery), Scope(Selection()))


def _found(plan: JobPlan, url: str) -> list[tuple[Outcome, str]]:
    return [(each.outcome, each.found) for each in own_sink_checks(Registry(), plan, url)]


@pytest.fixture
def held(server: NatsServer) -> str:
    """The URL of a server on which job `a` has the stream, for the prefix `one`."""
    plan = _plan("a", "one").target

    async def take_over() -> None:
        assert plan.delivery is not None
        settings = DeliverySettings("a", 1, "owner", plan.delivery, server.url)
        delivery: Any = Registry().destination(plan).open_delivery(settings, lambda _number: None)
        try:
            await delivery.connect()
            await delivery.take_over()
        finally:
            await delivery.close()

    asyncio.run(take_over())
    return server.url


def test_its_own_stream_is_good_and_that_of_another_job_or_prefix_is_not(held: str) -> None:
    [(outcome, _)] = _found(_plan("a", "one"), held)
    assert outcome is Outcome.PASS
    for plan, told in ((_plan("b", "one"), "belongs to job 'a'"), (_plan("a", "two"), "made for the prefix 'one'")):
        found = _found(plan, held)
        assert {outcome for outcome, _ in found} == {Outcome.FAIL} and told in found[0][1]


def test_other_sinks_are_for_their_drivers_to_ask() -> None:
    assert _found(_plan("a", "one", "10.0.0.7"), "nats://127.0.0.1:1") == []


def test_a_server_that_is_away_is_a_fault() -> None:
    [(outcome, found)] = _found(_plan("a", "one"), "nats://127.0.0.1:1")
    assert outcome is Outcome.FAIL and "cannot connect" in found
