"""Events that are cut off or changed are told, or read as what they say: never beyond their end, never without one."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.drivers.mysql.rows.recording import read
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import HEADER_SIZE, EventType
from udup.drivers.mysql.binlog.table_map import table_id
from udup.drivers.mysql.rows.codec import RowCodec, RowCodecs
from udup.drivers.mysql.rows.errors import DamagedRows
from udup.drivers.mysql.rows.json_binary import parse
from udup.drivers.mysql.rows.json_encoding import encode
from udup.drivers.mysql.rows.json_patch import parse_patch
from udup.drivers.mysql.rows.table import parse_table
from udup.drivers.mysql.rows.values import Change, Json, JsonPatch

RECORDED = read()

#: Changed copies of each event; 240,000 were tried once.
MUTATIONS = 60

#: Seconds for one event at most, on the busiest machine: what has no end takes for ever.
LONGEST = 5.0


def events() -> list[tuple[RowCodec, bytes]]:
    """Rows events without their CRC, each with its table's codec; the longest document is left out."""
    codecs = RowCodecs()
    maps: dict[bytes, RowCodec] = {}
    found = []
    for event in RECORDED.events:
        if event[4] == EventType.TABLE_MAP:
            maps[table_id(event)] = codecs.of(event, has_crc=True)
        elif len(event) < 10_000:
            found.append((maps[table_id(event)], event[:-4]))
    return found


EVENTS = events()
TABLE_MAPS = sorted({event[:-4] for event in RECORDED.events if event[4] == EventType.TABLE_MAP})


def outcome(work: Callable[[], object]) -> str:
    """What became of it: any other error than Udup's own is one of this test's."""
    began = time.process_time()
    try:
        work()
    except Unsupported as error:
        assert "mysqlbinlog" in str(error) or "upgrade Udup" in str(error), error
        return type(error).__name__
    finally:
        assert time.process_time() - began < LONGEST
    return "read"


def read_and_write_again(codec: RowCodec, event: bytes) -> None:
    """What is read of an event says all of it: written and read again, it is the same."""
    values = codec.read(event, has_crc=False)
    if values.kind == EventType.PARTIAL_UPDATE_ROWS:
        return
    again = codec.read(codec.write(values, has_crc=False), has_crc=False)
    assert again.changes == values.changes and again.front.extra == values.front.extra


@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_an_event_that_is_cut_off_is_told(number: int) -> None:
    codec, event = EVENTS[number]
    whole = codec.read(event, has_crc=False).changes
    lengths = range(len(event)) if len(event) < 700 else random.Random(number).sample(range(len(event)), 300)
    told: Counter[str] = Counter()
    for length in lengths:
        cut = event[:length]
        told[outcome(lambda cut=cut: compared(codec.read(cut, has_crc=False).changes, whole))] += 1
        outcome(lambda more=event + bytes(length % 3 + 1): codec.read(more, has_crc=False))
    assert told["DamagedRows"] >= len(lengths) - len(whole)


def compared(found: list[Change], whole: list[Change]) -> None:
    """Between two rows an event may be cut: what is left of it are the rows before."""
    assert found == whole[: len(found)] and len(found) < len(whole)


@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_an_event_that_was_changed_is_told_or_read_as_it_is(number: int) -> None:
    codec, event = EVENTS[number]
    chance = random.Random(number)
    told: Counter[str] = Counter()
    for _ in range(MUTATIONS):
        changed = mutated(event, chance)
        told[outcome(lambda changed=changed: read_and_write_again(codec, changed))] += 1
    assert told["read"] and told.total() == MUTATIONS


def mutated(event: bytes, chance: random.Random) -> bytes:
    """One to three bytes behind the header are others."""
    data = bytearray(event)
    for _ in range(chance.randint(1, 3)):
        data[chance.randrange(HEADER_SIZE, len(data))] = chance.choice([0, 255, 128, chance.randrange(256)])
    return bytes(data)


@pytest.mark.parametrize("number", range(len(TABLE_MAPS)))
def test_a_table_map_that_was_cut_off_or_changed_is_told_or_read_as_it_is(number: int) -> None:
    table_map = TABLE_MAPS[number]
    chance = random.Random(number)
    told: Counter[str] = Counter()
    for length in range(len(table_map)):
        told[outcome(lambda length=length: parse_table(table_map[:length], has_crc=False))] += 1
    assert told["DamagedRows"]
    for _ in range(MUTATIONS):
        changed = mutated(table_map, chance)
        told[outcome(lambda changed=changed: parse_table(changed, has_crc=False))] += 1
    assert told["Unsupported"] + told["DamagedRows"] > len(table_map) // 2


def test_rows_are_not_read_by_another_tables_definition() -> None:
    told = Counter(
        outcome(lambda codec=codec, event=event: read_and_write_again(codec, event))
        for codec, _ in EVENTS
        for other, event in EVENTS
        if codec is not other
    )
    assert told["DamagedRows"] > 10 * told["read"]


def documents() -> list[bytes]:
    found = [
        value
        for codec, event in EVENTS
        for change in codec.read(event, has_crc=False).changes
        for row in change
        for value in row or ()
        if isinstance(value, Json) and len(value) > 1
    ]
    return [bytes(each) for each in found]


def test_a_document_that_was_changed_is_told_or_read_as_it_is() -> None:
    chance = random.Random(1)
    told: Counter[str] = Counter()
    for document in documents():
        for length in range(len(document)):
            told[outcome(lambda cut=document[:length]: Json(cut).text())] += 1
        for _ in range(MUTATIONS):
            data = bytearray(document)
            data[chance.randrange(len(data))] = chance.randrange(256)
            told[outcome(lambda data=data: Json(data).text())] += 1
    assert told["read"] and told["DamagedRows"]


def test_a_document_that_holds_itself_is_told() -> None:
    itself = b"\2" + b"\2\0\x0a\0" + b"\2\0\0" * 2
    with pytest.raises(DamagedRows, match=r"levels|overlap"):
        parse(itself)


def test_a_document_whose_members_are_the_same_bytes_is_told() -> None:
    """Ten arrays of ten arrays … on the same bytes would be a billion values."""
    inner = encode([1, 2, 3])[1:]
    levels = b"\2" + b"\x20\0\xff\0" + (b"\2" + (4 + 32 * 3).to_bytes(2, "little")) * 32 + inner.ljust(155, b"\0")
    with pytest.raises(DamagedRows, match="overlap"):
        parse(levels)


def test_a_patch_that_was_changed_is_told_or_read_as_it_is() -> None:
    patches = [
        bytes(value)
        for codec, event in EVENTS
        for _, after in codec.read(event, has_crc=False).changes
        for value in after or ()
        if isinstance(value, JsonPatch) and value
    ]
    assert patches
    chance = random.Random(2)
    told: Counter[str] = Counter()
    for patch in patches:
        for place in range(len(patch)):
            data = patch[:place] + bytes([chance.randrange(256)]) + patch[place + 1 :]
            told[outcome(lambda data=data: [change.steps for change in parse_patch(data)])] += 1
            told[outcome(lambda cut=patch[:place]: parse_patch(cut))] += 1
    assert told["read"] and told["DamagedRows"]
