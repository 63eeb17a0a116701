"""Rows that are gathered where a job has row filters, so that what has to be asked about them is asked at once."""

from __future__ import annotations

from collections.abc import Callable

from udup.drivers.mysql.filters.shaper import Shapers
from udup.drivers.mysql.stream.known_tables import KnownTable

#: Bytes of a transaction's rows that are looked at together.
HELD_BYTES = 256 << 10


class HeldRows:
    """TABLE_MAPs and rows events of one transaction. `known` gives the table of an event, None where none is asked."""

    def __init__(self, shapers: Shapers, known: Callable[[bytes], KnownTable | None]) -> None:
        self._shapers = shapers
        self._known = known
        self._events: list[bytes] = []
        self._size = 0

    def add(self, event: bytes) -> bool:
        """Gather an event; return whether it is time to decide."""
        self._events.append(event)
        self._size += len(event)
        return self._size >= HELD_BYTES

    def decide(self, *, has_crc: bool) -> list[bytes]:
        """Ask what has to be asked, and return the events: the answers stand until `forget`."""
        events, self._events, self._size = self._events, [], 0
        if events:
            for event in events:
                if (known := self._known(event)) and known.shaper:
                    known.shaper.look_at(event, has_crc=has_crc)
            self._shapers.answer()
        return events

    def forget(self) -> None:
        self._shapers.forget()
