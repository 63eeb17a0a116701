"""Tables and events that both readers of rows are asked about, and whether they say the same."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.drivers.mysql.rows import definitions
from tests.drivers.mysql.rows.recording import read
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import HEADER_SIZE, EventType
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.binlog.table_map import table_id
from udup.drivers.mysql.rows.charsets import charset_of
from udup.drivers.mysql.rows.codec import RowCodec
from udup.drivers.mysql.rows.errors import DamagedRows
from udup.drivers.mysql.rows.events import RowsEvent, parse_front
from udup.drivers.mysql.rows.table import KeyPart, Table, parse_table
from udup.drivers.mysql.rows.values import ABSENT, Geometry, Row, Value
from udup.drivers.mysql.rowtext.compiled import KEY_CHANGED, CompiledRows, Library
from udup.drivers.mysql.rowtext.options import parse_options
from udup.drivers.mysql.rowtext.program import program_of
from udup.drivers.mysql.rowtext.table_text import GeneratedTableText
from udup.pipeline.ports.delivery import RowText, Template

#: Options that make of every type each text that it can have.
OPTIONS: Sequence[Mapping[str, str]] = (
    {},
    {"decimal.handling.mode": "string", "bigint.unsigned.handling.mode": "precise", "time.precision.mode": "isostring"},
    {"decimal.handling.mode": "double", "time.precision.mode": "connect", "binary.handling.mode": "hex"},
    {"time.precision.mode": "adaptive", "binary.handling.mode": "base64-url-safe", "enable.time.adjuster": "false"},
    {"time.precision.mode": "microseconds", "binary.handling.mode": "base64", "Values": "exact"},
    {"time.precision.mode": "nanoseconds", "json.string.formatting.mode": "database"},
    {"column.mask.with.null": r".*\.(c1|ti|v|lt)", "column.exclude.list": r".*\.(c2|si|tx|doc)"},
    {"column.mask.with.7.chars": r".*\.(c1|cl|e|s)"},
)

AROUND = Template(b'{"before":', ',"ä":'.encode(), b',"row":', b"}")

#: Collations of texts: two of UTF-8, some of one byte, among them one whose ASCII has other letters.
COLLATIONS = (255, 33, 8, 11, 51, 10, 63)


@dataclass(frozen=True)
class Case:
    """A table as both readers have it, and events of it without their CRC."""

    generated: GeneratedTableText
    compiled: CompiledRows
    events: Sequence[bytes]


def case_of(
    used: Library, table: Table, options: Mapping[str, str], events: Sequence[bytes], *, quirks: bool = False
) -> Case | None:
    """Return the case; None for a table that is not for the compiled reader under these options."""
    quirks = quirks or any(name.endswith(".chars") for name in options)  # a mask that fits no text is Debezium's alone
    program = program_of(table, parse_options(options, quirks=quirks))
    compiled = CompiledRows.of(program, used)
    return None if compiled is None else Case(GeneratedTableText(table, program, has_crc=False), compiled, events)


def compare(case: Case, event: bytes) -> str:
    """Assert that both readers say the same of an event; return what: `read`, `asked` (Python alone) or `refused`."""
    told = {_compare_rows(case, event), _compare_values(case, event)}
    return "refused" if "refused" in told else "asked" if "asked" in told else "read"


def _compare_rows(case: Case, event: bytes) -> str:
    found = case.compiled.rows(event, len(event))
    try:
        wanted = case.generated.rows(event)
    except Unsupported as error:
        assert found is None, (error, found, event.hex(), case.generated.program)
        return "refused"
    if found is None:
        return "asked"
    assert found == wanted, first_difference(found, wanted, event)
    return "read"


def _compare_values(case: Case, event: bytes) -> str:
    found = case.compiled.values(event, len(event), AROUND, 7)
    try:
        wanted = case.generated.values(event, AROUND, 7)
    except Unsupported as error:
        # Of a row behind one whose key has changed nothing is said.
        assert found is None or found == KEY_CHANGED, (error, found, event.hex(), case.generated.program)
        return "refused"
    if found is None:
        return "asked"
    assert (None if found == KEY_CHANGED else found) == wanted, (found, wanted, event.hex())
    return "read"


def first_difference(found: Sequence[RowText], wanted: Sequence[RowText], event: bytes) -> str:
    for one, other in zip(found, wanted, strict=False):
        if one != other:
            return f"\n{one}\n{other}\nof {event.hex()}"
    return f"{len(found)} rows, not {len(wanted)}, of {event.hex()}"


# ---- What a server has logged ----


def recorded() -> list[tuple[Table, list[bytes]]]:
    """Tables and their events, but for partial updates, which only Python reads."""
    tables: dict[bytes, Table] = {}
    found: dict[bytes, tuple[Table, list[bytes]]] = {}
    for event in read().events:
        if event[4] == EventType.TABLE_MAP:
            table = tables[table_id(event)] = _of_one_byte(parse_table(event, has_crc=True))
            found.setdefault(str(table).encode(), (table, []))
        elif event[4] != EventType.PARTIAL_UPDATE_ROWS:
            found[str(tables[table_id(event)]).encode()][1].append(event[:-4])
    return list(found.values())


def _of_one_byte(table: Table) -> Table:
    """The table with latin1 where it has UTF-16, which only Python reads."""
    columns = (
        replace(column, collation=8) if column.collation and charset_of(column.collation) == "utf16" else column
        for column in table.columns
    )
    return replace(table, columns=tuple(columns))


# ---- Any tables ----


@st.composite
def tables(draw: st.DrawFn) -> tuple[Table, list[definitions.Sample]]:
    """A table of any columns with names, a key of some of them or none, and what its values may be."""
    samples = [_named(draw, number, *sample) for number, sample in enumerate(draw(definitions.columns()))]
    places = draw(st.lists(st.integers(0, len(samples) - 1), max_size=3, unique=True))
    key = tuple(KeyPart(place) for place in places)
    return Table("s", "t", tuple(column for column, _ in samples), key), samples


def _named(
    draw: st.DrawFn, number: int, column: ColumnDefinition, values: st.SearchStrategy[Value]
) -> definitions.Sample:
    """The column with a name, and with what it takes for a text: members, a character set."""
    name = f"c{number}" if number % 4 else draw(st.text(definitions._TEXT, min_size=1, max_size=3)) + str(number)
    column = replace(column, name=name)
    if column.kind in (ColumnType.ENUM, ColumnType.SET) and column.members is None:
        width = column.metadata[0]
        count = min(8 * width, 64) if column.kind is ColumnType.SET else 255 if width == 1 else 300
        return replace(column, members=tuple(b'm"\xc3\xb6%d' % member for member in range(count))), values
    if column.kind is ColumnType.GEOMETRY and draw(st.booleans()):
        return replace(column, geometry=1), st.builds(_point, st.integers(0, 2**32 - 1), _COORDINATES, _COORDINATES)
    if column.collation == definitions.UTF8MB4 and column.members is None:
        is_char = column.kind is ColumnType.STRING
        return replace(column, collation=draw(st.sampled_from(COLLATIONS[:-1] if is_char else COLLATIONS))), values
    return column, values


_COORDINATES = st.floats(allow_nan=False, allow_infinity=False)


def _point(srid: int, x: float, y: float) -> Geometry:
    return Geometry(struct.pack("<IBIdd", srid, 1, 1, x, y))


@st.composite
def events(draw: st.DrawFn, table: Table, samples: Sequence[definitions.Sample]) -> bytes:
    """An event of any kind, with all columns or with some."""
    kind = draw(st.sampled_from([EventType.WRITE_ROWS, EventType.UPDATE_ROWS, EventType.DELETE_ROWS]))
    if draw(st.booleans()):
        kind = EventType[f"{kind.name}_V1"]
    before, after = (draw(definitions.rows(samples)) for _ in range(2))
    if draw(st.integers(0, 2)) == 0:
        before, after = _thinned(draw, before), _thinned(draw, after)
    elif draw(st.booleans()):
        after = [_with_key_of(table, one, other) for one, other in zip(before, after, strict=False)]
        before = before[: len(after)]
    changes = definitions.changes(kind, before, after)
    event = RowsEvent(definitions.front(kind), changes, draw(st.booleans()))
    return RowCodec(table).write(event, has_crc=False)


def _thinned(draw: st.DrawFn, rows: list[Row]) -> list[Row]:
    size = len(rows[0])
    there = draw(st.lists(st.booleans(), min_size=size, max_size=size).filter(any))
    return [tuple(value if kept else ABSENT for value, kept in zip(row, there, strict=True)) for row in rows]


def _with_key_of(table: Table, one: Row, other: Row) -> Row:
    """The second row with the first one's key, as most updates are."""
    return tuple(one[place] if place in table.key_columns else value for place, value in enumerate(other))


def drawn(used: Library, count: int, number: int) -> list[Case]:
    """Cases of any tables; the same for the same number."""
    found: list[Case] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        table, samples = data.draw(tables())
        written = [data.draw(events(table, samples)) for _ in range(2)]
        options = OPTIONS[len(found) % len(OPTIONS)]
        try:
            case = case_of(used, table, options, written, quirks=data.draw(st.booleans()))
        except Unsupported as error:
            assert "mask" in str(error) and not isinstance(error, DamagedRows)
            return
        if case is not None:
            found.append(case)

    draw()
    return found


# ---- Damage ----


def mutated(event: bytes, chance: random.Random) -> bytes:
    """Bytes behind the header are others, or it ends too early, or bytes are there twice or not at all.

    Most of them are bytes of rows: other columns in the images take long, as functions are generated for them.
    """
    data = bytearray(event)
    _, rows_at = parse_front(event, len(event))
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        begin = rows_at if rows_at < len(data) and chance.random() < 0.95 else HEADER_SIZE
        place = chance.randrange(begin, len(data))
        how = chance.random()
        if how < 0.75:
            data[place] = chance.choice((0, 255, 128, 1, data[place] ^ 1 << chance.randrange(8), chance.randrange(256)))
        elif how < 0.85:
            del data[place : place + chance.randint(1, 4)]
        elif how < 0.95:
            data[place:place] = data[place : place + chance.randint(1, 4)]
        else:
            del data[place:]
        if len(data) <= HEADER_SIZE:
            break
    return bytes(data)


def damaged_events(cases: Sequence[Case], chance: random.Random) -> Iterator[tuple[Case, bytes]]:
    """Yield changed events of all cases, again and again; seldom one of the largest."""
    small = [(case, event) for case in cases for event in case.events if len(event) < 4000]
    large = [(case, event) for case in cases for event in case.events if len(event) >= 4000] or small
    while True:
        case, event = chance.choice(large if chance.random() < 0.002 else small)
        yield case, mutated(event, chance)
