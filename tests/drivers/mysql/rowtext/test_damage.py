"""Events that are cut off or changed are refused, or read as what they say: as `rows/` reads them, and never beyond."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.drivers.mysql.rows.recording import read
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import HEADER_SIZE, EventType
from udup.drivers.mysql.binlog.table_map import table_id
from udup.drivers.mysql.rows.table import parse_table
from udup.drivers.mysql.rowtext.json_legacy import legacy_text
from udup.drivers.mysql.rowtext.options import Times, ValueOptions
from udup.drivers.mysql.rowtext.program import program_of
from udup.drivers.mysql.rowtext.table_text import GeneratedTableText
from udup.pipeline.ports.delivery import RowText, Template

#: Changed copies of each event; 100,000 were tried once.
MUTATIONS = 60

#: Seconds for one event at most, on the busiest machine: what has no end takes for ever.
LONGEST = 5.0

TEMPLATE = Template(b"<", b"|", b"#", b">")


def events() -> list[tuple[GeneratedTableText, bytes]]:
    """Rows events without their CRC, each with its table; the longest document is left out."""
    maps: dict[bytes, GeneratedTableText] = {}
    found = []
    for event in read().events:
        if event[4] == EventType.TABLE_MAP:
            table = parse_table(event, has_crc=True)
            options = ValueOptions(times=Times.ISOSTRING) if len(maps) % 2 else ValueOptions()
            maps[table_id(event)] = GeneratedTableText(table, program_of(table, options), has_crc=False)
        elif len(event) < 10_000:
            found.append((maps[table_id(event)], event[:-4]))
    return found


EVENTS = events()


def outcome(work: Callable[[], object]) -> str:
    """Return what became of it: any other error than Udup's own is one of this test's."""
    began = time.monotonic()
    try:
        work()
    except Unsupported as error:
        told = str(error)
        assert any(remedy in told for remedy in ("mysqlbinlog", "upgrade Udup", "binlog_row_image", "FULL")), error
        return type(error).__name__
    finally:
        assert time.monotonic() - began < LONGEST
    return "read"


def tried(text: GeneratedTableText, event: bytes) -> list[RowText]:
    """Return the rows: each is JSON, and both ways of reading them say the same."""
    found = text.rows(event)
    for row in found:
        for part in row:
            assert part is None or isinstance(json.loads(part), dict)
    values = text.values(event, TEMPLATE, 0)
    assert values is None or [key for key, _ in values] == [row.key for row in found]
    return found


@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_an_event_that_is_cut_off_is_told(number: int) -> None:
    text, event = EVENTS[number]
    whole = tried(text, event)
    lengths = range(len(event)) if len(event) < 300 else random.Random(number).sample(range(len(event)), 150)
    told: Counter[str] = Counter()
    for length in lengths:
        cut = event[:length]
        told[outcome(lambda cut=cut: _fewer(tried(text, cut), whole))] += 1
    assert told["DamagedRows"] >= len(lengths) - len(whole)


def _fewer(found: list[RowText], whole: list[RowText]) -> None:
    """Between two rows an event may be cut: what is left of it are the rows before."""
    assert found == whole[: len(found)] and len(found) < len(whole)


@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_an_event_that_was_changed_is_told_or_read_as_it_is(number: int) -> None:
    text, event = EVENTS[number]
    chance = random.Random(number)
    told: Counter[str] = Counter()
    for _ in range(MUTATIONS):
        changed = mutated(event, chance, HEADER_SIZE)
        told[outcome(lambda changed=changed: tried(text, changed))] += 1
    assert told["read"] and told.total() == MUTATIONS


def mutated(event: bytes, chance: random.Random, start: int) -> bytes:
    """Return it with one to three bytes that are others."""
    data = bytearray(event)
    for _ in range(chance.randint(1, 3)):
        data[chance.randrange(start, len(data))] = chance.choice([0, 255, 128, chance.randrange(256)])
    return bytes(data)


#: `[]` that holds itself: an offset may point anywhere.
ITSELF = bytes([2, 1, 0, 7, 0, 2, 0, 0])


@pytest.mark.parametrize("document", [ITSELF, b"\x0c\xff\xff\xff\xff\xff", b"\x0b\0", b"\x0e", b"\x0c\x01\xff"])
def test_a_document_that_is_none_is_told(document: bytes) -> None:
    with pytest.raises(Unsupported, match="a JSON document"):
        legacy_text(document)
