"""The place of a job kept beside its stream: what no purge, age or limit of the events removes.

A stream counts its messages, and goes on counting when they are gone. So a note in a small stream of its own says "up
to message N the job's place is P" (`Kept`), and is worth as much as the messages themselves: if the events' stream has
had N messages, P is the place; if it has had more and still has all of these, they tell the rest by their IDs. If some
of these are gone too, nobody knows, and the job stops.

Notes are written after what they speak of is stored, twenty times a second, and before a run sends anything. So they
are true whoever dies, but for messages that the server itself has lost: their numbers are given again. That is why
every run notes where it begins, before it begins: a note voids those before it that speak of later messages. A run that
was taken over writes none any more, by the same fence as in the events' stream.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from udup.base.errors import UdupError
from udup.drivers.messages.nats.answers import Answers
from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import (
    NO_STREAM,
    WRONG_SEQUENCE,
    ApiError,
    Connection,
    Stored,
    refused,
    told,
)
from udup.drivers.messages.nats.frames import FENCE
from udup.drivers.messages.nats.place import Place
from udup.drivers.messages.nats.stream import StreamState

#: Notes that stay. More than one, for a server that has lost the last messages of the events and not of these.
_NOTES = 64

#: Seconds between notes, at least.
KEEP_SECONDS = 0.05

#: Seconds that a run which ends may take for its last note.
_END_SECONDS = 2.0


class Kept:
    """The notes of one sink. Of a run: `take` first, then `write`."""

    def __init__(self, connection: Connection, sink: NatsSink) -> None:
        self._connection, self._sink = connection, sink
        self._last: int | None = None  # number of the last note, None: this run writes none any more

    async def read(self, state: StreamState) -> Mapping[int, Place]:
        """Return the places that are known of the events' stream, by the number of messages that it had."""
        found: dict[int, Place] = {}
        name = self._sink.kept_stream
        try:
            answer = (await self._connection.ask(f"STREAM.INFO.{name}"))["state"]
            numbers = range(max(1, int(answer["first_seq"])), int(answer["last_seq"]) + 1)
            notes = await asyncio.gather(*(self._connection.message(name, each) for each in numbers[-_NOTES:]))
        except ApiError as error:
            if error.code == NO_STREAM:
                return found
            raise told(error, f"stream {name}", "cannot read the job's place") from error
        for note in notes:
            if note is not None and (said := _said(note, state)) is not None:
                at, place = said
                found = {number: each for number, each in found.items() if number < at}
                found[at] = place
        return found

    async def take(self, state: StreamState, place: Place) -> bool:
        """Note where a run begins. False if another run has noted something meanwhile."""
        self._last = await self._provide(state)
        try:
            await self._put(state.created, state.last, place)
        except ApiError as error:
            if error.code in WRONG_SEQUENCE:
                return False
            raise told(error, f"stream {self._sink.kept_stream}", "cannot keep the job's place") from error
        return True

    async def write(self, created: str, last: int, place: Place) -> None:
        """Note a place. Another run's note, or none that is answered, ends the notes of this run and nothing else."""
        if self._last is not None:
            with suppress(ApiError, UdupError):
                await self._put(created, last, place)

    async def _put(self, created: str, last: int, place: Place) -> None:
        expected, self._last = self._last, None
        said: dict[str, Any] = {"stream": created, "last": last, "position": place.position, "ids": list(place.ids)}
        if place.times:
            said["times"] = place.times
        data = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
        headers = {FENCE: str(expected)}
        try:
            self._last = await self._connection.publish(self._sink.kept_subject, data, headers)
        except ApiError as error:
            if error.code not in WRONG_SEQUENCE:
                self._last = expected  # it has no room now
            raise

    async def _provide(self, state: StreamState) -> int:
        """Return the number of the last note. The stream of notes is made if it is not there."""
        name, wanted = self._sink.kept_stream, _wanted(self._sink, state)
        try:
            answer = await self._connection.ask(f"STREAM.INFO.{name}")
        except ApiError as error:
            if error.code != NO_STREAM:
                raise told(error, f"stream {name}", "cannot look at it") from error
            answer = await self._change("CREATE", wanted)
        config = answer["config"]
        if config.get("subjects") != wanted["subjects"]:
            remedy = "write another Stream, or rename that one: it keeps the job's place"
            raise refused(self._sink.where, f"the stream {name} is there, and is another's", remedy)
        if config.get("num_replicas") != wanted["num_replicas"]:
            answer = await self._change("UPDATE", {**config, "num_replicas": wanted["num_replicas"]})
        return int(answer["state"]["last_seq"])

    async def _change(self, act: str, config: Mapping[str, Any]) -> dict[str, Any]:
        name = self._sink.kept_stream
        try:
            return await self._connection.ask(f"STREAM.{act}.{name}", config)
        except ApiError as error:
            raise told(
                error, self._sink.where, f"cannot make the stream {name}, which keeps the job's place"
            ) from error


class Keeper:
    """Notes what a run has stored, until it ends."""

    def __init__(self, kept: Kept, answers: Answers, created: str) -> None:
        self._kept, self._answers, self._created = kept, answers, created
        self._noted = 0
        self._ending = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())

    async def end(self) -> None:
        """Note the last of it, also where the stream has stopped in the middle of a unit."""
        self._ending.set()
        await asyncio.wait({self._task}, timeout=_END_SECONDS)
        self._task.cancel()

    async def _run(self) -> None:
        await self._note()
        is_last = False
        while not is_last:
            with suppress(TimeoutError, asyncio.TimeoutError):
                await asyncio.wait_for(self._ending.wait(), KEEP_SECONDS)
            is_last = self._ending.is_set()
            await self._note()

    async def _note(self) -> None:
        stored = self._answers.stored
        if stored is not None and stored[0] != self._noted:
            self._noted = stored[0]
            await self._kept.write(self._created, *stored)


async def remove(connection: Connection, sink: NatsSink) -> None:
    """Remove the notes of a job that is no more."""
    try:
        await connection.ask(f"STREAM.DELETE.{sink.kept_stream}")
    except ApiError as error:
        if error.code != NO_STREAM:
            raise told(error, sink.where, f"cannot delete the stream {sink.kept_stream}") from error


def _wanted(sink: NatsSink, state: StreamState) -> dict[str, Any]:
    return {
        "name": sink.kept_stream,
        "description": f"the place of the job in {sink.stream}",
        "subjects": [sink.kept_subject],
        "retention": "limits",
        "discard": "old",
        "max_msgs": _NOTES,
        "storage": state.config.get("storage", "file"),
        "num_replicas": state.config.get("num_replicas", 1),
        "metadata": dict(state.metadata),
    }


def _said(note: Stored, state: StreamState) -> tuple[int, Place] | None:
    """Return what a note says; None if it speaks of a stream that is gone, of the same name."""
    try:
        said = json.loads(note.data)
        if said["stream"] != state.created:
            return None
        return int(said["last"]), Place(said["position"], tuple(said["ids"]), said.get("times", {}))
    except (ValueError, KeyError, TypeError):
        return None  # somebody else's
