"""The text that a sink keeps: what is long becomes short enough for a header, and comes back as it was."""

from __future__ import annotations

import json
import random

import pytest

from udup.base.errors import UdupError
from udup.drivers.fake.position import FakePosition
from udup.pipeline.deliver.place import PLAIN_MAX, OpenTransaction, Place

#: What JetStream's driver puts into a header; what is longer is a message of its own, for which each unit waits.
HEADER_BYTES = 32 << 10


def _with_gaps(count: int) -> Place:
    """Return a place whose executed transactions have so many gaps, as a server with many workers may leave."""
    chance, executed, at = random.Random(1), FakePosition(), 10_000_000
    for _ in range(count):
        for number in range(at, at := at + chance.randrange(1, 40)):
            executed.add("3e11fa47-71ca-11e1-9e33-c80aa9429562", number)
        at += chance.randrange(1, 4)
    return Place(executed)


def test_a_place_with_thousands_of_gaps_fits_into_a_header() -> None:
    place = _with_gaps(4000)
    text = place.text()
    assert len(str(place.executed)) > 2 * HEADER_BYTES
    assert len(text.encode()) < HEADER_BYTES and text.isprintable() and text.isascii()
    assert Place.parse(text, FakePosition.parse).executed == place.executed


def test_a_transaction_in_many_tables_fits_into_a_message() -> None:
    """Its rows are counted by table, and the counts lie with each of its units."""
    gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:7"
    counts = {f"tenant_{number:06}.orders": 1 for number in range(50_000)}
    place = Place(FakePosition(), begun={gtid: OpenTransaction(gtid, counts, 1_700_000_000_000_000)})
    text = place.text()
    assert len(text) < 1 << 18
    assert Place.parse(text, FakePosition.parse).begun == place.begun


def test_a_place_is_plain_as_long_as_it_is_short() -> None:
    text = _with_gaps(10).text()
    assert len(text) < PLAIN_MAX and json.loads(text)["gtids"]


@pytest.mark.parametrize(
    "text", ['{"form":3}', '{"form":2,"zlib":"00"}', '{"form":2,"zlib":"\\u00e9"}', '{"form":2}', "[]", ""]
)
def test_what_nobody_has_written_is_refused(text: str) -> None:
    with pytest.raises(UdupError, match="the sink's position"):
        Place.parse(text, FakePosition.parse)
