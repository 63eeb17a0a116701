"""One run's hold on Kafka, in an event loop: units wait here while the ones before are committed.

All that wait when a transaction has ended go into the next one together, up to a number of bytes: a commit takes some
milliseconds whatever it holds. The calls that block are made by threads of this run's own.

Tested against noida-db and the mock cluster of librdkafka, not against Apache Kafka itself: there what was read in its
documentation is relied on, ACLs, quotas, several brokers and replicas among it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from udup.base import runtime
from udup.base.errors import Transient, UdupError
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.readback import PlainWriter
from udup.drivers.messages.kafka.writer import Writer
from udup.pipeline.ports.delivery import DeliverySettings, FoundPlace, Unit

T = TypeVar("T")

#: Units that may wait, whatever they hold.
_WAITING_UNITS = 64


@dataclass(frozen=True)
class KafkaInfo:
    """A cluster: the brokers by which it was found, and its own ID."""

    address: str
    uuid: str
    folds_names: bool = False
    version_text: str = ""


class KafkaDelivery:
    """The `Delivery` for Kafka. An error that ends the run is raised by every call that follows."""

    def __init__(self, sink: KafkaSink, settings: DeliverySettings, on_stored: Callable[[int], None]) -> None:
        self._sink, self._on_stored = sink, on_stored
        self._writer = Writer(sink, settings) if sink.transactional else PlainWriter(sink, settings)
        self._pool = runtime.Pool(2, "udup-kafka")  # one writes, one checks
        self._waiting: deque[tuple[Unit, int]] = deque()
        self._waiting_bytes = 0
        self._storing = False
        self._error: UdupError | None = None
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def connect(self) -> KafkaInfo:
        return KafkaInfo(self._sink.where, await self._in_pool(self._writer.connect))

    async def take_over(self) -> FoundPlace:
        found = await self._in_pool(self._writer.take_over)
        self._task = asyncio.get_running_loop().create_task(self._store_groups())
        return found

    async def send(self, unit: Unit) -> None:
        """Hand over a unit. Return when there is room for another."""
        self._raise_error()
        size = sum([len(message.value or b"") + len(message.key or b"") for message in unit.messages])
        async with self._changed:
            self._waiting.append((unit, size))
            self._waiting_bytes += size
            self._changed.notify_all()
            await self._changed.wait_for(lambda: self._error is not None or self._has_room())
        self._raise_error()

    def _has_room(self) -> bool:
        return self._waiting_bytes < self._sink.group_bytes and len(self._waiting) < _WAITING_UNITS

    async def stored(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._error is not None or not (self._waiting or self._storing))
        self._raise_error()

    async def check(self) -> None:
        self._raise_error()
        await self._in_pool(self._writer.check)

    async def close(self) -> None:
        """End at once. What is not committed is not delivered: the next run does it again."""
        if self._writer.closing:
            return
        self._writer.closing = True
        if self._task is not None and not self._storing:
            self._task.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._in_pool(self._writer.close)
        self._pool.shutdown(wait=False)

    async def _store_groups(self) -> None:
        """Store what waits, group by group, to the run's end. Whatever ends it is raised by every call that follows.

        So does `on_stored`: who waits for a unit that nobody counts would wait for ever.
        """
        error: UdupError = Transient(f"the run that writes to Kafka at {self._sink.where} has ended")
        try:
            while not self._writer.closing:
                group = await self._next_group()
                await self._in_pool(self._writer.store, group)
                self._on_stored(group[-1].number)
                await self._note_stored()
        except UdupError as found:
            error = found
        except Exception as found:  # noqa: BLE001 - raised again by the next call
            error = UdupError(f"writing to Kafka at {self._sink.where}: {type(found).__name__}: {found}")
            error.__cause__ = found
        finally:
            self._error = error
            await self._note_stored()

    async def _next_group(self) -> list[Unit]:
        """Wait for units, and take those of the next transaction."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting)
            if self._sink.group_seconds and self._has_room():
                with suppress(TimeoutError):
                    full = self._changed.wait_for(lambda: not self._has_room())
                    await asyncio.wait_for(full, self._sink.group_seconds)
            self._storing = True
            group = self._take_group()
            self._changed.notify_all()
            return group

    async def _note_stored(self) -> None:
        async with self._changed:
            self._storing = False
            self._changed.notify_all()

    def _take_group(self) -> list[Unit]:
        """Take the units of the next transaction: one at least, others while they fit."""
        group: list[Unit] = []
        taken = 0
        while self._waiting and (not group or taken + self._waiting[0][1] <= self._sink.group_bytes):
            unit, size = self._waiting.popleft()
            group.append(unit)
            taken += size
        self._waiting_bytes -= taken
        return group

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    async def _in_pool(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call, *args)
