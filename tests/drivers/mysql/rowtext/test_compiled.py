"""The compiled reader says of every event what the generated one says, or leaves it to that."""

from __future__ import annotations

import json
import random
import shutil
import struct
from collections.abc import Sequence
from dataclasses import replace
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import udup
from tests.drivers.mysql.rows import definitions
from tests.drivers.mysql.rowtext.building import build, compiler
from tests.drivers.mysql.rowtext.comparing import AROUND, OPTIONS, Case, case_of, compare, events, recorded, tables
from tests.drivers.mysql.rowtext.fuzz import fuzz
from udup.base import row_library
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.codec import RowCodec
from udup.drivers.mysql.rows.errors import DamagedRows
from udup.drivers.mysql.rows.events import RowsEvent
from udup.drivers.mysql.rows.json_values import JsonValue
from udup.drivers.mysql.rows.table import KeyPart, Table
from udup.drivers.mysql.rows.values import ABSENT, Json, Row
from udup.drivers.mysql.rowtext import compiled
from udup.drivers.mysql.rowtext.compiled import CompiledRows, CompiledTableText, Library, library
from udup.drivers.mysql.rowtext.ops import Program, TextOp
from udup.drivers.mysql.rowtext.options import parse_options
from udup.drivers.mysql.rowtext.program import program_of
from udup.drivers.mysql.rowtext.table_text import GeneratedTableText

QUIET = settings(
    deadline=None,
    max_examples=60,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)

INT = ColumnDefinition(ColumnType.LONG, b"", False, unsigned=False, name="id")
TEXT = ColumnDefinition(ColumnType.BLOB, b"\4", True, collation=255, name="text")


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The library as its sources are now; the one that is installed where there is no compiler."""
    if compiler():
        return Library(build(tmp_path_factory.mktemp("library")))
    found = library()
    if found is None:
        pytest.skip("no compiler is there, and Udup was installed without one")
    return found


def case(
    used: Library, columns: Sequence[ColumnDefinition], rows: Sequence[Row], *, key: bool = True, **options: str
) -> Case:
    """A table and one event that inserts these rows; options with `_` for the points in their names."""
    table = Table("s", "t", tuple(columns), (KeyPart(0),) if key else ())
    event = RowsEvent(definitions.front(EventType.WRITE_ROWS), [(None, row) for row in rows])
    written = RowCodec(table).write(event, has_crc=False)
    found = case_of(used, table, {name.replace("_", "."): value for name, value in options.items()}, [written])
    assert found is not None
    return found


@pytest.mark.parametrize("number", range(len(OPTIONS)))
@pytest.mark.parametrize("quirks", [False, True])
def test_what_a_server_logged_is_read_alike(used: Library, number: int, quirks: bool) -> None:
    read = 0
    for table, logged in recorded():
        found = case_of(used, table, OPTIONS[number], logged, quirks=quirks)
        assert found is not None, table
        for event in logged:
            # The one row that has no columns is for the generated reader.
            assert compare(found, event) == ("read" if table.name != "o" else "asked"), table
            read += 1
    assert read > 10


@QUIET
@given(st.data(), st.sampled_from(OPTIONS), st.booleans())
def test_any_table_and_rows_are_read_alike(
    used: Library, data: st.DataObject, options: dict[str, str], quirks: bool
) -> None:
    table, samples = data.draw(tables())
    event = data.draw(events(table, samples))
    found = case_of(
        used, table, {name: options[name] for name in options if "mask" not in name}, [event], quirks=quirks
    )
    if found is None:  # a key of which the images do not have all is the generated reader's
        key = [str(table.columns[place].name) for place in table.key_columns]
        assert "column.exclude.list" in options and "c2" in key
        return
    assert compare(found, event) in ("read", "refused")


@QUIET
@given(st.lists(definitions.documents(), min_size=1, max_size=5), st.sampled_from(["legacy", "database"]))
def test_any_document_is_read_alike(used: Library, documents: list[JsonValue], form: str) -> None:
    column = ColumnDefinition(ColumnType.JSON, b"\4", True, name="doc")
    rows = [(number, Json.of(document)) for number, document in enumerate(documents)]
    found = case(used, [INT, column], rows, json_string_formatting_mode=form)
    assert compare(found, found.events[0]) == "read"


@pytest.mark.parametrize("form", ["legacy", "database"])
def test_documents_have_the_same_escapes(used: Library, form: str) -> None:
    """A text may look like an escape, and control characters of a document have capitals in their numbers."""
    column = ColumnDefinition(ColumnType.JSON, b"\4", True, name="doc")
    texts: list[JsonValue] = ["".join(map(chr, range(0x120))), r"\u000b" + chr(11), r"\\u001f\"" + chr(31)]
    found = case(used, [INT, column], [(1, Json.of(texts))], json_string_formatting_mode=form)
    assert compare(found, found.events[0]) == "read"
    (row,) = found.generated.rows(found.events[0])
    written = json.loads(json.loads(row.after or b"")["doc"])
    assert written == texts


@pytest.mark.parametrize("number", [1, 2])
def test_changed_events_are_read_alike_or_refused_by_both(used: Library, number: int) -> None:
    told = fuzz(used, 1500, number, tables=8)
    assert told["read"] > 100 and told["refused"] > 100
    assert told["asked"] < told["read"]


def test_numbers_have_the_digits_that_python_gives_them(used: Library) -> None:
    chance = random.Random(1)
    columns = [
        INT,
        ColumnDefinition(ColumnType.FLOAT, b"\4", False, unsigned=False, name="single"),
        ColumnDefinition(ColumnType.DOUBLE, b"\x08", False, unsigned=False, name="double"),
        ColumnDefinition(ColumnType.JSON, b"\4", False, name="doc"),
    ]
    singles = [2.0**power for power in range(-149, 128)] + _finite("<f", 4000, chance)
    doubles = [2.0**power for power in range(-1074, 1024)] + _finite("<d", 4000, chance)
    doubles += [
        float(f"{sign}{digits}e{power}") for sign in ("", "-") for digits in (1, 1.5) for power in range(-20, 25)
    ]
    rows: list[Row] = [
        (number, singles[number % len(singles)], double, Json.of([double])) for number, double in enumerate(doubles)
    ]
    for form in ("legacy", "database"):
        found = case(used, columns, rows, json_string_formatting_mode=form)
        assert compare(found, found.events[0]) == "read"


def _finite(form: str, count: int, chance: random.Random) -> list[float]:
    size = struct.calcsize(form)
    numbers = (struct.unpack(form, chance.randbytes(size))[0] for _ in range(count))
    return [number for number in numbers if number - number == 0]


def test_rows_beyond_the_room_of_a_call_are_read_by_the_next(used: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_rooms", [])
    monkeypatch.setattr(compiled, "ROOM", 200)
    rows: list[Row] = [(number, b"x\n" * (number * number % 500)) for number in range(300)]
    found = case(used, [INT, TEXT], rows)
    assert compare(found, found.events[0]) == "read"
    monkeypatch.setattr(compiled, "_rooms", [])
    monkeypatch.setattr(compiled, "ROWS_MAX", 7)
    assert compare(found, found.events[0]) == "read"


def test_the_room_of_a_large_row_is_not_kept(used: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms: list[compiled._Room] = []
    monkeypatch.setattr(compiled, "_rooms", rooms)
    monkeypatch.setattr(compiled, "ROOM_KEPT_MAX", 1 << 20)
    large = case(used, [INT, TEXT], [(1, "ä\n".encode() * 500_000)])
    small = case(used, [INT, TEXT], [(1, b"small")])
    assert compare(large, large.events[0]) == "read" and not rooms
    for _ in range(3):
        assert compare(small, small.events[0]) == "read"
    assert [room.size for room in rooms] == [1 << 20]


def test_a_damaged_event_is_told_by_the_generated_reader(used: Library) -> None:
    found = case(used, [INT, TEXT], [(1, b"text")])
    both = CompiledTableText(found.generated, found.compiled, has_crc=False)
    assert both.rows(found.events[0]) == found.generated.rows(found.events[0])
    assert both.values(found.events[0], AROUND, 1) == found.generated.values(found.events[0], AROUND, 1)
    for read in (both.rows, lambda event: both.values(event, AROUND, 1)):
        with pytest.raises(DamagedRows, match=r"rows of s\.t"):
            read(found.events[0][:-1])


def test_values_have_the_template_around_them_and_numbers_from_the_first(used: Library) -> None:
    found = case(used, [INT, TEXT], [(1, b"a"), (2, None)])
    assert found.compiled.values(found.events[0], len(found.events[0]), AROUND, 41) == [
        (b'{"id":1}', b'{"before":null,"\xc3\xa4":{"id":1,"text":"a"},"row":41}'),
        (b'{"id":2}', b'{"before":null,"\xc3\xa4":{"id":2,"text":null},"row":42}'),
    ]


def test_inserts_without_large_values_are_read_alike(used: Library) -> None:
    document = ColumnDefinition(ColumnType.JSON, b"\4", False, name="doc")
    for row in ((1, ABSENT, ABSENT), (1, b"x", ABSENT), (1, ABSENT, Json.of(1)), (ABSENT, ABSENT, Json.of(1))):
        found = case(used, [INT, TEXT, document], [row], key=row[0] is not ABSENT)
        assert compare(found, found.events[0]) == "read"
    (read,) = case(used, [INT, TEXT], [(1, ABSENT)]).compiled.rows(found.events[0][:0], 0) or [None]
    assert read is None


def test_a_key_that_has_changed_is_left_to_rows(used: Library) -> None:
    table = Table("s", "t", (INT, TEXT), (KeyPart(0),))
    event = RowsEvent(definitions.front(EventType.UPDATE_ROWS), [((1, b"a"), (1, b"b")), ((2, b"a"), (3, b"a"))])
    written = RowCodec(table).write(event, has_crc=False)
    found = case_of(used, table, {}, [written])
    assert found is not None and compare(found, written) == "read"
    both = CompiledTableText(found.generated, found.compiled, has_crc=False)
    assert both.values(written, AROUND, 0) is None
    assert [(row.key, row.old_key) for row in both.rows(written)] == [
        (b'{"id":1}', None),
        (b'{"id":3}', b'{"id":2}'),
    ]


@pytest.mark.parametrize(
    ("options", "collation"),
    [
        ({"column.truncate.to.3.chars": r"s\.t\.text"}, 255),
        ({"column.mask.hash.SHA-256.with.salt.x": r"s\.t\.text"}, 255),
        ({}, 28),  # gbk
        ({"column.exclude.list": r"s\.t\.id"}, 255),  # a column of the key that images do not have
    ],
)
def test_a_table_that_the_library_does_not_know_is_the_generated_readers(
    used: Library, options: dict[str, str], collation: int
) -> None:
    table = Table("s", "t", (INT, replace(TEXT, collation=collation)), (KeyPart(0),))
    assert CompiledRows.of(program_of(table, parse_options(options)), used) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"op": TextOp.BITS, "width": 9, "precision": 72},
        {"op": TextOp.DECIMAL_STRING, "width": 4, "precision": 70, "digits": 2},
        {"op": TextOp.DECIMAL_STRING, "width": 4, "precision": 12, "digits": 2},
        {"op": TextOp.DOUBLE, "width": 4},
        {"op": TextOp.DATETIME_US, "width": 9},
        {"op": TextOp.TEXT_UTF8, "width": 8, "sized": True, "longest": 10},
        {"op": TextOp.TEXT_BYTES, "width": 1, "sized": True, "longest": 10, "texts": ("x",) * 255},
        {"op": TextOp.TEXT_BYTES, "width": 1, "sized": True, "longest": 10, "texts": ("seven..",) * 256},
        {"op": TextOp.HEX, "width": 1, "sized": True, "longest": 10, "fill": 5000},
    ],
)
def test_a_program_that_would_read_beyond_a_value_is_refused(used: Library, wrong: dict[str, object]) -> None:
    table = Table("s", "t", (INT, TEXT), ())
    program = program_of(table, parse_options({}))
    assert CompiledRows.of(program, used) is not None
    changed = replace(program.columns[1], **{"sized": False, **wrong})  # type: ignore[arg-type]
    assert CompiledRows.of(Program((program.columns[0], changed), ()), used) is None


def test_without_a_library_python_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "library", lambda: None)
    table = Table("s", "t", (INT,), ())
    program = program_of(table, parse_options({}))
    assert isinstance(compiled.table_text(table, program, has_crc=True), GeneratedTableText)
    assert compiled.reader_kind() == "python"


def test_with_a_library_it_reads_and_its_tables_say_the_same_of_themselves(
    used: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "library", lambda: used)
    table = Table("s", "t", (INT, TEXT), (KeyPart(0),))
    found = compiled.table_text(table, program_of(table, parse_options({})), has_crc=True)
    assert isinstance(found, CompiledTableText) and compiled.reader_kind() == "compiled"
    assert (found.schema, found.name, found.key_columns) == ("s", "t", ("id",))
    assert found.key_schema() == found.generated.key_schema() and found.row_schema() == found.generated.row_schema()


def test_a_library_of_another_version_is_not_used(
    used: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / f"_rows{EXTENSION_SUFFIXES[0]}"
    shutil.copy(used.path, other)
    assert Library(other)
    monkeypatch.setattr(row_library, "VERSION", row_library.VERSION + 1)
    with pytest.raises(ValueError, match="install Udup again"):
        Library(other)
    monkeypatch.setattr(udup, "__file__", str(tmp_path / "__init__.py"))
    assert compiled.library.__wrapped__() is None
    assert row_library.kind() == "python"
