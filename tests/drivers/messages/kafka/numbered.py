"""Numbered events through a `Delivery`: units of them, and a process that writes them until it is killed.

Run as `numbered.py ADDRESS PREFIX MORE`: goes on from the position that it finds with so many events, and says
`writing` when it begins. Ends with 3 when it has been superseded.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing

from udup.base.errors import Superseded
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.delivery import KafkaDelivery
from udup.drivers.messages.kafka.reading import KafkaTail
from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings, Message, Unit
from udup.pipeline.ports.tail import START, Seen, TailRequest

GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


def message(prefix: str, number: int) -> Message:
    """Event `number`, in one of two tables, of one of seven rows."""
    table = f"shop.t{number % 2}"
    value = json.dumps({"n": number}).encode()
    return Message(f"{prefix}.{table}", b'{"id":%d}' % (number % 7), value, f"{GTID}:{number}:{table}:0", table=table)


def unit(prefix: str, number: int, first: int, end: int) -> Unit:
    """The events from `first` up to before `end`; the position says the next."""
    return Unit(number, [message(prefix, each) for each in range(first, end)], json.dumps({"next": end}))


def next_of(position: str | None) -> int:
    return int(json.loads(position)["next"]) if position else 0


def read_all(plan: DeliveryPlan) -> list[Seen]:
    """All committed messages of a job."""
    with closing(KafkaTail(KafkaSink.of(plan), TailRequest(START, follow=False))) as tail:
        found: list[Seen] = []
        while not tail.at_end:
            found += tail.read()
        return found


def assert_each_once_in_order(found: list[Seen], count: int) -> None:
    """Assert that the events 0 … count-1 are there once each, those of each row in order."""
    rows: dict[tuple[str, bytes | None], list[int]] = defaultdict(list)
    for each in found:
        rows[each.subject, each.key].append(json.loads(each.value or b"")["n"])
    for numbers in rows.values():
        assert numbers == sorted(numbers)
    assert sorted(number for numbers in rows.values() for number in numbers) == list(range(count))


def _units(prefix: str, first: int, until: int) -> Iterator[Unit]:
    chance, number = random.Random(), 0
    while first < until:
        end = min(until, first + chance.randint(1, 400))
        number += 1
        yield unit(prefix, number, first, end)
        first = end


async def write(address: str, prefix: str, more: int) -> int:
    plan = DeliveryPlan(prefix=prefix, sink={"Brokers": [address], "Partitions": 3})
    delivery = KafkaDelivery(KafkaSink.of(plan), DeliverySettings("job-1", 1, "node-1", plan), lambda number: None)
    await delivery.connect()
    try:
        found = await delivery.take_over()
        print("writing", flush=True)
        first = next_of(found.position)
        for each in _units(prefix, first, first + more):
            await delivery.send(each)
            await asyncio.sleep(0.001)
        await delivery.stored()
    except Superseded:
        return 3
    finally:
        await delivery.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
