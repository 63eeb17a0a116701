"""What a stream has of a job: the last position in it, and the IDs of the messages behind that.

A position is in a header of a unit's last message, or in a message of its own (a note). Every run begins with a note
that says who it is; it moves the stream on by one message, so that whatever an earlier writer still has under way
meets a fence that does not fit any more.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from udup.drivers.messages.moments import moments
from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import Connection, Stored, refused
from udup.drivers.messages.nats.frames import ID, NOTE, OPERATION, POSITION
from udup.drivers.messages.nats.stream import StreamState

#: Messages that are asked for at once on the way back.
_AT_ONCE = 64

_NONE: Mapping[str, int] = {}


@dataclass(frozen=True)
class Place:
    """`position` None: the job has begun and no unit is stored whole. `ids` in the order of the stream; `times` of the
    transactions that they are of.
    """

    position: str | None
    ids: tuple[str, ...] = ()
    times: Mapping[str, int] = field(default_factory=dict)


#: What is kept beside a stream (`kept.py`): places, by how many messages the stream had.
KeptReader = Callable[[StreamState], Awaitable[Mapping[int, Place]]]


@dataclass(frozen=True)
class Writer:
    """Whose run a note is of. `number` tells it from later ones in a cluster, 0 where a node is alone."""

    job: str
    owner: str
    run: int
    number: int = 0

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Writer:
        """Return the writer that a note or an answer names."""
        return cls(said["job"], said["owner"], int(said["run"]), int(said.get("number", 0)))

    def is_behind(self, other: Writer) -> bool:
        """Whether the cluster has granted the other run after this one."""
        return 0 < self.number < other.number

    def __str__(self) -> str:
        return f"{self.owner or 'another owner'} (run {self.run})"


async def find(connection: Connection, sink: NatsSink, state: StreamState, kept: KeptReader) -> Place | None:
    """Return what the stream has had, None if nothing was ever written; `Refused` if the position is lost.

    Where a message is missing behind a position, that position is not the last one: an older one has outlived it. To
    go on from there would be to deliver what was delivered. Then a place that is kept beside the stream counts, if all
    that came after it is there.
    """
    if not state.had:
        await _check_new(sink, state, kept)
        return None
    behind: list[tuple[str, bytes]] = []  # ID and value
    async for message in _backwards(connection, sink.stream, state):
        if message is None:
            break
        if message.headers.get(OPERATION) == NOTE:
            said = json.loads(message.data)
            return _place(said["position"], behind, said["ids"], said.get("times", {}))
        if POSITION in message.headers:
            return _place(message.headers[POSITION], behind)
        behind.append((message.headers.get(ID, ""), message.data))
    places = await kept(state)
    for back in range(len(behind) + 1):
        if (found := places.get(state.last - back)) is not None:
            return _place(found.position, behind[:back], found.ids, found.times)
    raise refused(
        sink.where,
        f"the job's position is lost: of {state.had} messages that the stream has had, {state.messages} are left, and "
        "the last ones, which had the position, are not among them; the place that is kept beside them is older",
        "restore the stream; or delete it, then the job delivers from the beginning",
    )


async def _check_new(sink: NatsSink, state: StreamState, kept: KeptReader) -> None:
    """Raise `Refused` where the stream has never had a message, and the place that is kept says that it had."""
    if known := max(await kept(state), default=0):
        problem = f"the stream has had no message, as its server says, and the job has stored {known} there"
        raise refused(sink.where, problem, "restore the stream; or delete it, then the job delivers from the beginning")


def _place(
    position: str | None, behind: Sequence[tuple[str, bytes]], ids: Sequence[str] = (), times: Mapping[str, int] = _NONE
) -> Place:
    return Place(position, (*ids, *(each for each, _ in reversed(behind))), {**times, **moments(behind)})


async def writer(connection: Connection, sink: NatsSink) -> tuple[Writer, str] | None:
    """Return whose run has begun last, and when; None if that is not in the stream any more."""
    found = await connection.last_of(sink.stream, sink.position_subject)
    if found is None or found.headers.get(OPERATION) != NOTE:
        return None
    said = json.loads(found.data)
    return Writer.of(said), found.time


async def _backwards(connection: Connection, stream: str, state: StreamState) -> AsyncIterator[Stored | None]:
    """Yield the messages of the stream, the last first; None for one that is gone."""
    yield await connection.message(stream, state.last)
    for end in range(state.last - 1, state.first - 1, -_AT_ONCE):
        wanted = range(end, max(end - _AT_ONCE, state.first - 1), -1)
        for message in await asyncio.gather(*(connection.message(stream, each) for each in wanted)):
            yield message
