"""Options by Debezium's names: what they are read as, what is refused, and what they make of a table's columns."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.drivers.mysql.rows.definitions import front
from tests.drivers.mysql.rowtext.people import ANNA, ID, LATIN1, NAME, NOTE, PEOPLE, STATE, UTF8MB4, column, shown, told
from udup.base.errors import Refused, Unsupported
from udup.base.secrets import shown_name
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.codec import RowCodec
from udup.drivers.mysql.rows.events import RowsEvent
from udup.drivers.mysql.rows.table import KeyPart, Table
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time, Timestamp
from udup.drivers.mysql.rows.values import ABSENT, Geometry, Json, Row, Value
from udup.drivers.mysql.rowtext.facts import ColumnFacts
from udup.drivers.mysql.rowtext.options import (
    PLACEHOLDER,
    Binary,
    Decimals,
    JsonForm,
    Times,
    UnsignedBigint,
    ValueOptions,
    is_known,
    parse_options,
)
from udup.drivers.mysql.rowtext.program import program_of
from udup.drivers.mysql.rowtext.table_text import GeneratedTableText


def test_nothing_said_is_debezium_s_defaults() -> None:
    options = parse_options({})
    assert options == ValueOptions()
    assert (options.decimals, options.unsigned_bigint) == (Decimals.PRECISE, UnsignedBigint.LONG)
    assert (options.times, options.binary) == (Times.ADAPTIVE_MICROSECONDS, Binary.BYTES)
    assert options.adjust_years and not options.tinyint1 and options.json is JsonForm.LEGACY
    assert shown({}, ANNA) == {"id": 1, "name": "Ånna", "note": "some text", "state": "paid", "big": -1}


def test_exact_values_are_the_server_s_own_unless_another_option_says_how() -> None:
    options = parse_options({"Values": "exact"})
    assert (options.json, options.adjust_years) == (JsonForm.DATABASE, False)
    assert options.unsigned_bigint is UnsignedBigint.PRECISE
    assert parse_options({"json.string.formatting.mode": "legacy", "Values": "exact"}).json is JsonForm.LEGACY
    table = Table("s", "t", (column("j", ColumnType.JSON, b"\4"), column("d", ColumnType.DATE)))
    row: Row = (Json.of({"a": [1, 2.5]}), Date.of(18, 4, 1))
    assert shown({"Values": "exact"}, row, table) == {"j": '{"a": [1, 2.5]}', "d": -712863}
    assert shown({}, row, table) == {"j": '{"a":[1,2.5]}', "d": 17622}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decimal.handling.mode", "exact"),
        ("bigint.unsigned.handling.mode", "string"),
        ("time.precision.mode", "structured"),
        ("binary.handling.mode", "base32"),
        ("enable.time.adjuster", "yes"),
        ("json.string.formatting.mode", "pretty"),
        ("TinyInt1AsBoolean", "1"),
        ("Values", "right"),
        ("column.include.list", "shop.("),
        ("message.key.columns", "shop.people"),
        ("unavailable.value.placeholder", "hex:00"),
        ("column.mask.hash.CRC32.with.salt.x", "shop.*"),
        ("column.truncate.to.0.chars", "shop.*"),
        ("column.mask.with.3.chars", "["),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(name: str, value: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_options({name: value, "decimal.handling.mode" if name != "decimal.handling.mode" else "x": "string"})
    (fault,) = refused.value.faults
    assert fault.where == f"Options.{shown_name(name)}" and fault.problem and fault.remedy


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(Refused) as refused:
        parse_options(
            {"time.precision.mode": "no", "column.include.list": "a", "column.exclude.list": "b", "Values": "maybe"}
        )
    assert len(refused.value.faults) == 3


def test_names_of_others_are_passed_over_and_those_of_values_are_known() -> None:
    assert parse_options({"tombstones.on.delete": "maybe"}) == ValueOptions()
    assert not is_known("tombstones.on.delete")
    for name in ("Values", "column.mask.hash.v2.SHA-256.with.salt.a.b", "column.truncate.to.20.chars"):
        assert is_known(name)


def test_columns_are_chosen_by_whole_names_in_any_case() -> None:
    assert list(shown({"column.include.list": r"SHOP\.people\.(id|name), shop.people.big"}, ANNA)) == [
        "id",
        "name",
        "big",
    ]
    assert list(shown({"column.exclude.list": "shop.people.n, .*\\.big"}, ANNA)) == ["id", "name", "note", "state"]


def test_a_key_has_its_columns_whatever_the_rows_show() -> None:
    options = parse_options({"column.exclude.list": ".*id", "message.key.columns": "(.*).people:State,id;a.b:c"})
    key, after = told(PEOPLE, ANNA, options)
    assert key == {"state": "paid", "id": 1} and "id" not in after
    with pytest.raises(Unsupported, match="of a column nothing, which the table does not have"):
        program_of(PEOPLE, parse_options({"message.key.columns": "shop.people:nothing"}))


def test_a_table_without_a_key_has_none() -> None:
    key, _ = told(Table("s", "t", (ID,)), (1,), ValueOptions())
    assert key is None


# ---- What the log does not say, and quirks ----


@pytest.mark.parametrize("name", ["column.mask.with.3.chars", "column.mask.hash.v2.SHA-256.with.salt.x"])
def test_a_mask_of_texts_shows_nothing_else_as_it_is(name: str) -> None:
    table = Table("shop", "people", (ID, column("born", ColumnType.DATE), column("more", ColumnType.JSON, b"\4")))
    for hidden in ("born", "more"):
        options = {name: f"shop.people.{hidden}"}
        with pytest.raises(Unsupported, match=rf"shop\.people\.{hidden} is masked, and this mask is of texts"):
            program_of(table, parse_options(options))
        program_of(table, parse_options(options, quirks=True))
    row: Row = (1, Date.of(2001, 2, 3), None)
    assert shown({name: ".*born"}, row, table, quirks=True)["born"] == 11356
    assert shown({"column.mask.with.null": ".*born"}, row, table)["born"] is None


def test_a_salt_may_be_named_and_is_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UDUP_SECRET_SALT", "pepper")
    named = parse_options({"column.mask.hash.v2.SHA-256.with.salt.env:UDUP_SECRET_SALT": ".*name"})
    assert named.masks[0].hash is not None and named.masks[0].hash.salt == "pepper"
    assert "pepper" not in repr(named)
    with pytest.raises(Refused, match="its salt names the variable"):
        parse_options({"column.mask.hash.v2.SHA-256.with.salt.env:UDUP_SECRET_OTHER": ".*name"})


def test_tinyint_1_is_a_boolean_where_the_dictionary_says_its_width() -> None:
    table = Table(
        "s", "t", (column("a", ColumnType.TINY, unsigned=False), column("b", ColumnType.TINY, unsigned=False))
    )
    facts = {"a": ColumnFacts("tinyint(1)"), "b": ColumnFacts("tinyint")}
    options = parse_options({"TinyInt1AsBoolean": "true"})
    assert told(table, (-1, -1), options, facts)[1] == {"a": True, "b": -1}
    assert told(table, (0, 0), ValueOptions(), facts)[1] == {"a": 0, "b": 0}


DATES = Table(
    "s",
    "t",
    (
        column("d", ColumnType.DATE, nullable=False),
        column("dt", ColumnType.DATETIME, b"\0", nullable=False),
        column("ts", ColumnType.TIMESTAMP, b"\2", nullable=False),
        column("n", ColumnType.DATE),
    ),
)


def test_a_date_that_is_none_is_the_default_or_the_epoch_where_null_cannot_stand() -> None:
    row: Row = (Date(0), DateTime(0), Timestamp(0), Date(0))
    nothing = {"d": 0, "dt": 0, "ts": "1970-01-01T00:00:00Z", "n": None}
    assert told(DATES, row, ValueOptions())[1] == nothing
    facts = {
        "d": ColumnFacts("date", "1970-01-03"),
        "dt": ColumnFacts("datetime", "1970-01-01 00:00:01"),
        "ts": ColumnFacts("timestamp(2)", "CURRENT_TIMESTAMP(2)"),
        "n": ColumnFacts("date", "1970-01-03"),
    }
    assert told(DATES, row, ValueOptions(), facts)[1] == {**nothing, "d": 2, "dt": 1000}


@pytest.mark.parametrize(
    ("mode", "kind", "value"),
    [
        ("nanoseconds", ColumnType.DATETIME, DateTime.of(9999, 12, 31)),
        ("connect", ColumnType.TIME, Time.of(24, 0, 0)),
        ("isostring", ColumnType.TIME, Time.of(0, 0, 1, negative=True)),
    ],
)
def test_what_has_no_form_is_null_and_no_other_date(mode: str, kind: ColumnType, value: Value) -> None:
    options = {"time.precision.mode": mode}
    may, must = (Table("s", "t", (column("c", kind, b"\0", nullable=nullable),)) for nullable in (True, False))
    assert shown(options, (value,), may) == {"c": None}
    with pytest.raises(Unsupported, match=f"rows of s.t: the .* has no form with time.precision.mode {mode}"):
        shown(options, (value,), must)


def test_large_values_that_an_insert_did_not_name_are_what_mysql_gives_them() -> None:
    """With `binlog_row_image` NOBLOB, and with MINIMAL where nothing else was left out."""
    table = Table(
        "s",
        "t",
        (
            ID,
            NOTE,
            column("must", ColumnType.BLOB, b"\2", nullable=False, collation=UTF8MB4),
            column("bytes", ColumnType.BLOB, b"\2", nullable=False, collation=63),
            column("doc", ColumnType.JSON, b"\4", nullable=False),
            column("shape", ColumnType.GEOMETRY, b"\4", geometry=0),
        ),
        (KeyPart(0),),
    )
    row: Row = (1, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT)
    unset = {"id": 1, "note": None, "must": "", "bytes": "", "doc": "null", "shape": None}
    assert shown({}, row, table) == unset
    assert shown({}, row, table, quirks=True)["doc"] == "{}"
    assert shown({"json.string.formatting.mode": "database"}, row, table, quirks=True)["doc"] == "null"
    masks = {"column.mask.with.3.chars": ".*note", "column.mask.hash.v2.MD5.with.salt.x": ".*must"}
    hashed = hashlib.md5(b"x", usedforsecurity=False).hexdigest()
    assert shown(masks, row, table) == {**unset, "note": "***", "must": hashed}
    assert shown({"column.mask.with.null": ".*must"}, row, table)["must"] is None
    text = GeneratedTableText(table, program_of(table, ValueOptions()), has_crc=True)
    whole: Row = (1, b"n", b"m", b"b", Json.of(1), Geometry(bytes(25)))
    event = RowsEvent(
        front(EventType.UPDATE_ROWS),
        [
            (row, whole),
        ],
    )
    (found,) = text.rows(RowCodec(table).write(event, has_crc=True))
    before = json.loads(found.before or b"")
    assert before == {"id": 1, **dict.fromkeys(("note", "must", "doc"), PLACEHOLDER), "bytes": before["bytes"]}


def test_an_insert_that_lacks_more_than_large_values_tells_what_is_known() -> None:
    """A column of another type that was not named has its default, which the log does not say: it is left out."""
    assert shown({}, (1, b"x", ABSENT, ABSENT, ABSENT)) == {"id": 1, "name": "x", "note": None}
    update = RowsEvent(front(EventType.UPDATE_ROWS), [((1, *[ABSENT] * 4), (ABSENT, b"y", *[ABSENT] * 3))])
    text = GeneratedTableText(PEOPLE, program_of(PEOPLE, ValueOptions()), has_crc=True)
    (found,) = text.rows(RowCodec(PEOPLE).write(update, has_crc=True))
    assert (found.before, found.after) == (b'{"id":1}', b'{"name":"y"}')


def test_quirks_are_debezium_s_and_by_default_the_data_are_right() -> None:
    table = Table(
        "s",
        "t",
        (
            column("y", ColumnType.YEAR, unsigned=True),
            column("f", ColumnType.FLOAT, b"\4", unsigned=False),
            column("t", ColumnType.VARCHAR, b"\x0a\0", collation=LATIN1),
            column("n", ColumnType.LONG, unsigned=False),
            column("j", ColumnType.JSON, b"\4"),
        ),
    )
    facts = {"n": ColumnFacts("int", "7"), "f": ColumnFacts("float(10,2)")}
    row: Row = (0, 5.610000133514404, b"\x80\x81", None, Json.of([4294967295]))
    right = {"y": 0, "f": 5.61, "t": "\u20ac\x81", "n": None, "j": "[4294967295]"}
    quirks = {"y": 1900, "f": 5.610000133514404, "t": "\u20ac\ufffd", "n": 7, "j": "[4294967295]"}
    assert told(table, row, ValueOptions(), facts)[1] == right
    assert told(table, row, ValueOptions(quirks=True), facts)[1] == quirks


def test_schemas_have_the_names_of_types() -> None:
    table = Table(
        "s",
        "t",
        (
            ID,
            column("p", ColumnType.NEWDECIMAL, b"\x0c\2", unsigned=False),
            column("b", ColumnType.BIT, b"\2\1"),
            STATE,
            column("d", ColumnType.DATETIME, b"\6"),
            NAME,
        ),
        (KeyPart(0),),
    )
    program = program_of(table, parse_options({"column.mask.with.2.chars": ".*name"}))
    text = GeneratedTableText(table, program, has_crc=True)
    assert text.key_schema() == [{"type": "int32", "optional": False, "field": "id"}]
    assert text.row_schema() == [
        {"type": "int32", "optional": False, "field": "id"},
        {
            "type": "bytes",
            "optional": True,
            "name": "org.apache.kafka.connect.data.Decimal",
            "version": 1,
            "parameters": {"scale": "2", "connect.decimal.precision": "12"},
            "field": "p",
        },
        {
            "type": "bytes",
            "optional": True,
            "name": "io.debezium.data.Bits",
            "version": 1,
            "parameters": {"length": "10"},
            "field": "b",
        },
        {
            "type": "string",
            "optional": True,
            "name": "io.debezium.data.Enum",
            "version": 1,
            "parameters": {"allowed": "new,paid"},
            "field": "state",
        },
        {"type": "int64", "optional": True, "name": "io.debezium.time.MicroTimestamp", "version": 1, "field": "d"},
        {"type": "string", "optional": True, "parameters": {"masked": "true"}, "field": "name"},
    ]
    assert text.key_columns == ("id",)


def test_a_table_whose_columns_have_no_names_is_refused_with_what_to_do() -> None:
    table = Table("s", "t", (ColumnDefinition(ColumnType.LONG, b"", True, unsigned=False),))
    with pytest.raises(Unsupported, match="SET PERSIST binlog_row_metadata=FULL"):
        program_of(table, ValueOptions())
