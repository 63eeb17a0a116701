"""What is found of a position in a stream of which messages are missing."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from udup.base.errors import Refused
from udup.drivers.messages.nats import place
from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import Connection, Stored
from udup.drivers.messages.nats.frames import ID, NOTE, OPERATION, POSITION, note_data
from udup.drivers.messages.nats.stream import StreamState
from udup.pipeline.ports.delivery import DeliveryPlan

SINK = NatsSink.of(DeliveryPlan("shop"))


class _Stream:
    """The messages that are left, by their numbers."""

    def __init__(self, *messages: Stored) -> None:
        self._messages = {each.sequence: each for each in messages}

    async def message(self, _stream: str, sequence: int) -> Stored | None:
        return self._messages.get(sequence)

    def find(self, last: int, **kept: place.Place) -> place.Place | None:
        """What is found when the stream has had `last` messages; `kept`: `at7` is a place beside it."""

        async def places(_: StreamState) -> dict[int, place.Place]:
            return {int(name.removeprefix("at")): each for name, each in kept.items()}

        state = StreamState({}, len(self._messages), 0, min(self._messages, default=last + 1), last)
        return asyncio.run(place.find(cast("Connection", self), SINK, state, places))


def _note(sequence: int, position: str, *ids: str) -> Stored:
    return Stored(sequence, "note", {OPERATION: NOTE}, note_data(position, ids, "job", "owner", 1))


def _event(sequence: int, position: str = "") -> Stored:
    return Stored(sequence, "event", {ID: f"id{sequence}", **({POSITION: position} if position else {})}, b"{}")


def test_the_last_position_counts_and_what_is_behind_it_is_told() -> None:
    stream = _Stream(_note(3, "old"), *(_event(number, "new" if number == 90 else "") for number in range(4, 200)))
    assert stream.find(199) == place.Place("new", tuple(f"id{number}" for number in range(91, 200)))


def test_what_is_before_the_position_may_be_missing() -> None:
    assert _Stream(_event(1), _note(7, "p", "a"), _event(8)).find(8) == place.Place("p", ("a", "id8"))


def test_when_what_is_behind_the_position_was_committed_is_told() -> None:
    first, second = (f"3e11fa47-71ca-11e1-9e33-c80aa9429562:{number}" for number in (7, 8))
    note = Stored(3, "note", {OPERATION: NOTE}, note_data("p", [f"{first}:s.t:0"], "job", "owner", 1, {first: 70}))
    begin = Stored(4, "event", {ID: f"{second}:begin"}, b'{"status":"BEGIN"}')
    row = Stored(5, "event", {ID: f"{second}:s.t:0"}, b'{"source":{"gtid":"%b","ts_us":80}}' % second.encode())
    found = _Stream(note, begin, row).find(5)
    assert found is not None and found.times == {first: 70, second: 80}


@pytest.mark.parametrize("left", [[], [8], [150], [8, 150]])
def test_a_position_of_which_later_ones_may_be_missing_is_none(left: list[int]) -> None:
    """As where the job was killed, and MaxAge has ended everything but the note that its run began with."""
    stream = _Stream(_note(7, "old"), *map(_event, left))
    with pytest.raises(Refused, match="position is lost"):
        stream.find(150)


def test_a_place_beside_the_stream_counts_where_all_behind_it_is_there() -> None:
    kept = {"at8": place.Place("p", ("a",)), "at3": place.Place("older")}
    assert _Stream().find(8, **kept) == place.Place("p", ("a",))
    assert _Stream(_note(3, "old"), _event(9), _event(10)).find(10, **kept) == place.Place("p", ("a", "id9", "id10"))
    assert _Stream(_event(5, "newer")).find(5, **kept) == place.Place("newer")
    for left, last in (([9, 11], 11), ([], 9), ([], 7), ([4], 5)):
        with pytest.raises(Refused, match="position is lost"):
            _Stream(*map(_event, left)).find(last, **kept)


def test_a_stream_that_says_it_had_no_message_is_not_taken_for_a_new_one() -> None:
    assert _Stream().find(0) is None
    assert _Stream().find(0, at0=place.Place(None)) is None
    with pytest.raises(Refused, match="the job has stored 8 there"):
        _Stream().find(0, at8=place.Place("p"))
