"""Each event is delivered once and in order, whatever is killed."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.drivers.messages.kafka.broker import Broker
from tests.drivers.messages.kafka.numbered import assert_each_once_in_order, next_of, read_all, unit
from udup.base.errors import Transient
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.delivery import KafkaDelivery
from udup.drivers.messages.kafka.errors import Heard
from udup.drivers.messages.kafka.position import read_position
from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings

_ROOT = Path(__file__).parents[4]

_ENDLESS = 10**9


def _writer(broker: Broker, prefix: str, more: int) -> subprocess.Popen[str]:
    """A process that writes, and has begun."""
    command = [sys.executable, "-m", "tests.drivers.messages.kafka.numbered", broker.address, prefix, str(more)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def test_a_writer_killed_at_any_time_neither_loses_nor_doubles_an_event(broker: Broker, prefix: str) -> None:
    plan = broker.plan(prefix)
    for _ in range(5):
        writer = _writer(broker, prefix, _ENDLESS)
        time.sleep(random.uniform(0, 0.3))
        writer.kill()
        writer.wait()
    assert _writer(broker, prefix, 1000).wait(30) == 0
    assert_each_once_in_order(read_all(plan), _count(plan))


def test_a_writer_that_slept_while_another_took_over_delivers_nothing_more(broker: Broker, prefix: str) -> None:
    plan = broker.plan(prefix)
    sleeper = _writer(broker, prefix, _ENDLESS)
    time.sleep(random.uniform(0.05, 0.2))
    sleeper.send_signal(signal.SIGSTOP)
    assert _writer(broker, prefix, 1000).wait(30) == 0
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.wait(30) == 3
    assert_each_once_in_order(read_all(plan), _count(plan))


def test_a_broker_that_is_killed_and_started_again_has_each_event_once(own_broker: Broker, prefix: str) -> None:
    own_broker.start()
    asyncio.run(asyncio.wait_for(_write_over_a_kill(own_broker, own_broker.settings(prefix)), 90))
    assert_each_once_in_order(read_all(own_broker.plan(prefix)), 3000)


async def _write_over_a_kill(broker: Broker, settings: DeliverySettings) -> None:
    """Write 3000 events; the broker dies after the first thousand, and whatever ends a run begins the next."""
    killed, end = False, 0
    while end < 3000:
        delivery = KafkaDelivery(KafkaSink.of(settings.plan), settings, lambda number: None)
        try:
            await delivery.connect()
            end = next_of((await delivery.take_over()).position)
            for first in range(end, 3000, 100):
                if first >= 1000 and not killed:
                    await delivery.stored()
                await delivery.send(unit(settings.plan.prefix, first // 100 + 1, first, first + 100))
                if first >= 1000 and not killed:
                    killed = True
                    broker.kill()
                    await asyncio.to_thread(broker.start)
            await delivery.stored()
            end = 3000
        except Transient:
            await asyncio.sleep(0.1)
        finally:
            await delivery.close()
    assert killed


def _count(plan: DeliveryPlan) -> int:
    """The events that the sink has by its own position."""
    count = next_of(read_position(KafkaSink.of(plan), "job-1", Heard()).text)
    assert count >= 1000
    return count
