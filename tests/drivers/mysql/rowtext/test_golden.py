"""Values as Debezium's own tests assert them (`golden.json`), made by a real server, read from its log and from a
snapshot of its tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.quick_servers import QUICK
from tests.source_log import logged_by
from udup.drivers.mysql.binlog.event import ROWS_EVENTS as ROWS
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.split import split
from udup.drivers.mysql.binlog.table_map import table_id, table_name
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.rows.table import Table, parse_table
from udup.drivers.mysql.rowtext.compiled import table_text
from udup.drivers.mysql.rowtext.facts import ColumnFacts, Dictionary, parse_dictionary, read_facts_of
from udup.drivers.mysql.rowtext.options import parse_options
from udup.drivers.mysql.rowtext.program import program_of
from udup.drivers.mysql.rowtext.table_text import GeneratedTableText
from udup.drivers.mysql.source import MySQLSource
from udup.pipeline.ports import ReadingPlan, Scope
from udup.pipeline.records import Record, SnapshotRows
from udup.pipeline.selection.selection import Selection
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text("utf-8"))
CASES: list[dict[str, Any]] = GOLDEN["cases"]

_SERVER: dict[str, str | int] = {**QUICK, "binlog-row-metadata": "FULL"}

#: Options of the cases that have another name here.
_NAMES = {"tinyint1.as.boolean": "TinyInt1AsBoolean"}


@dataclass(frozen=True)
class Logged:
    """For each case its TABLE_MAP and rows events, and what the dictionary says of its columns."""

    maps: dict[int, bytes]
    events: dict[int, list[bytes]]
    facts: Dictionary


@pytest.fixture(scope="module")
def server(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    with MysqlServer(programs, server_folder / "golden", options=_SERVER) as server:
        yield server


@pytest.fixture(scope="module")
def logged(server: MysqlServer) -> Logged:
    facts: dict[tuple[str, str], Mapping[str, ColumnFacts]] = {}

    def work(connection: Connection) -> None:
        for sql in ("SET time_zone = '+00:00'", "CREATE DATABASE gold CHARACTER SET utf8mb4", "USE gold"):
            query(connection, sql)
        for number, case in enumerate(CASES):
            query(connection, "SET sql_mode = %s", case.get("sql_mode", _MODE))
            query(connection, f"CREATE TABLE t{number} ({case['create']})")
            for row in case["rows"]:
                query(connection, f"INSERT IGNORE INTO t{number} VALUES ({row['values']})")
        tables = {("gold", f"t{number}"): ("gold", f"t{number}") for number in range(len(CASES))}
        facts.update(parse_dictionary(read_facts_of(connection, tables)))

    return _found((each.event for each in logged_by(server.endpoint, work)), facts)


@pytest.fixture(scope="module")
def snapshot(server: MysqlServer, logged: Logged) -> Logged:
    """What a snapshot of the same tables has."""
    scope = Scope(Selection.of([("gold", [])]))
    reading = MySQLSource(server.endpoint).open_reading(scope, ReadingPlan(), readers=1)
    records: list[Record] = []
    try:
        reading.read(0, records.append)
    finally:
        reading.close()
    read = (event for each in records if isinstance(each, SnapshotRows) for event in split(each.events))
    return _found(read, logged.facts)


def _found(events: Iterable[bytes], facts: Dictionary) -> Logged:
    found = Logged({}, {}, facts)
    names: dict[bytes, int] = {}
    for event in events:
        if event[4] == EventType.TABLE_MAP:
            number = int(table_name(event).table[1:])
            names[table_id(event)] = number
            found.maps[number] = event
        elif event[4] in ROWS:
            found.events.setdefault(names[table_id(event)], []).append(event)
    return found


_MODE = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO"


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_values_are_debezium_s(logged: Logged, number: int) -> None:
    _check(logged, number)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_values_of_a_snapshot_are_debezium_s(snapshot: Logged, number: int) -> None:
    _check(snapshot, number)


def _check(logged: Logged, number: int) -> None:
    case = CASES[number]
    written = {**GOLDEN["defaults"], **case["options"]}
    options = parse_options({_NAMES.get(name, name): _word(value) for name, value in written.items()})
    table = parse_table(logged.maps[number], has_crc=True)
    program = program_of(table, options, logged.facts.get(("gold", f"t{number}")))
    generated, quickest = (make(table, program, has_crc=True) for make in (GeneratedTableText, table_text))
    rows = [row.after for event in logged.events[number] for row in generated.rows(event)]
    assert rows == [row.after for event in logged.events[number] for row in quickest.rows(event)]
    assert len(rows) == len(case["rows"])
    for found, row in zip(rows, case["rows"], strict=True):
        assert found is not None
        values = json.loads(found)
        for name, wanted in row["after"].items():
            assert (type(values[name]), values[name]) == (type(wanted), wanted), f"{name} of {row['values']}"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_null_beside_a_default_is_the_default_with_quirks_as_kafka_s_converter_prints_it(logged: Logged) -> None:
    number = next(number for number, case in enumerate(CASES) if "NULL beside a default" in case["name"])
    table = parse_table(logged.maps[number], has_crc=True)
    options = parse_options({"decimal.handling.mode": "string"}, quirks=True)
    program = program_of(table, options, logged.facts["gold", f"t{number}"])
    (row,) = GeneratedTableText(table, program, has_crc=True).rows(logged.events[number][0])
    assert row.after is not None
    assert json.loads(row.after)["D"] == "15.28000"


_UNNAMED = (
    "id INT PRIMARY KEY, t TEXT, tn TEXT NOT NULL, td TEXT DEFAULT ('abc'), bn BLOB NOT NULL, j JSON NOT NULL,"
    " g GEOMETRY, v VARCHAR(9) DEFAULT (concat('x', 'y')), n INT DEFAULT 5"
)


def test_an_insert_tells_the_same_of_large_values_whether_they_are_logged_or_not(server: MysqlServer) -> None:
    """And what is NULL beside a default that is an expression is NULL, with quirks too: nobody knows its value."""
    facts: dict[tuple[str, str], Mapping[str, ColumnFacts]] = {}

    def work(connection: Connection) -> None:
        for sql in ("SET sql_mode = ''", "CREATE DATABASE unnamed", "USE unnamed", f"CREATE TABLE t ({_UNNAMED})"):
            query(connection, sql)
        for number, image in enumerate(("FULL", "NOBLOB")):
            query(connection, f"SET binlog_row_image = '{image}'")
            query(connection, f"INSERT IGNORE INTO t (id) VALUES ({2 * number})")
            query(connection, f"INSERT IGNORE INTO t (id, n, v, td) VALUES ({2 * number + 1}, NULL, NULL, NULL)")
        facts.update(parse_dictionary(read_facts_of(connection, {("unnamed", "t"): ("unnamed", "t")})))

    table: Table | None = None
    found: dict[bool, list[dict[str, object]]] = {False: [], True: []}
    for each in logged_by(server.endpoint, work):
        if each.kind == EventType.TABLE_MAP:
            table = parse_table(each.event, has_crc=True)
        elif each.kind in ROWS and table is not None:
            for quirks, rows in found.items():
                program = program_of(table, parse_options({}, quirks=quirks), facts["unnamed", "t"])
                (row,) = table_text(table, program, has_crc=True).rows(each.event)
                rows.append({**json.loads(row.after or b""), "id": 0})
    whole = {"id": 0, "t": None, "tn": "", "td": "abc", "bn": "", "j": "null", "g": None, "v": "xy", "n": 5}
    emptied = {**whole, "td": None, "v": None, "n": None}
    assert found[False] == [whole, emptied] * 2
    assert found[True] == [{**whole, "j": "{}"}, {**emptied, "j": "{}", "n": 5}] * 2


#: Letters of a row, so that a row fits into a packet.
_ROW = 8192


def test_letters_of_every_character_set_are_the_server_s(server: MysqlServer) -> None:
    """Every letter of the first plane goes through every character set; what a set does not have is `?` there."""
    plane = "".join(chr(code) for code in range(0x20, 0x10000) if not 0xD800 <= code < 0xE000)
    rows = [plane[at : at + _ROW] for at in range(0, len(plane), _ROW)] + ["\U0001f600\U00020000\U0010ffff"]
    wanted: dict[str, list[str]] = {}

    def work(connection: Connection) -> None:
        for sql in ("SET sql_mode = '', NAMES utf8mb4", "CREATE DATABASE letters", "USE letters"):
            query(connection, sql)
        for (name,) in query(connection, "SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS"):
            if name == "binary":
                continue
            query(
                connection, f"CREATE TABLE {name} (id INT AUTO_INCREMENT PRIMARY KEY, t LONGTEXT CHARACTER SET {name})"
            )
            for row in rows:
                query(connection, f"INSERT INTO {name} (t) VALUES (%s)", row)
            found = query(connection, f"SELECT HEX(CONVERT(t USING utf8mb4)) FROM {name} ORDER BY id")
            wanted[str(name)] = [bytes.fromhex(str(_text(text))).decode() for (text,) in found]

    tables: dict[bytes, GeneratedTableText] = {}
    seen: dict[str, list[str]] = {}
    for each in logged_by(server.endpoint, work):
        if each.kind == EventType.TABLE_MAP:
            table = parse_table(each.event, has_crc=True)
            tables[table_id(each.event)] = GeneratedTableText(table, program_of(table, parse_options({})), has_crc=True)
        elif each.kind in ROWS:
            text = tables[table_id(each.event)]
            for row in text.rows(each.event):
                assert row.after is not None
                seen.setdefault(text.name, []).append(json.loads(row.after)["t"])
    assert len(wanted) > 35 and seen.keys() == wanted.keys()
    others = {
        name: [pair for one, two in zip(seen[name], texts, strict=True) for pair in _others(one, two)]
        for name, texts in wanted.items()
    }
    assert {name: pairs[:5] for name, pairs in others.items() if pairs} == {}


#: What the server makes of letters that it has put into big5 and cannot read again.
_LOST = "\ufffd"


def _others(seen: str, wanted: str) -> list[tuple[str, str]]:
    if len(seen) != len(wanted):
        return [(seen[:40], wanted[:40])]
    return [pair for pair in zip(seen, wanted, strict=True) if pair[0] != pair[1] and pair[1] != _LOST]


def _text(value: object) -> object:
    return value.decode() if isinstance(value, bytes) else value
