"""Values as Debezium's own tests assert them (`golden.json`), made by a real server and read from its log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.quick_servers import QUICK
from tests.source_log import logged_by
from udup.drivers.mysql.binlog.event import ROWS_EVENTS as ROWS
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_map import table_id, table_name
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.rows.table import parse_table
from udup.drivers.mysql.rowtext.facts import ColumnFacts, Dictionary, parse_dictionary, read_facts_of
from udup.drivers.mysql.rowtext.options import parse_options
from udup.drivers.mysql.rowtext.program import program_of
from udup.drivers.mysql.rowtext.table_text import GeneratedTableText
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
def logged(programs: MysqlPrograms, server_folder: Path) -> Iterator[Logged]:
    facts: dict[tuple[str, str], Mapping[str, ColumnFacts]] = {}

    def work(connection: Connection) -> None:
        for sql in ("SET time_zone = '+00:00'", "CREATE DATABASE gold CHARACTER SET utf8mb4", "USE gold"):
            query(connection, sql)
        for number, case in enumerate(CASES):
            query(connection, "SET sql_mode = %s", case.get("sql_mode", _MODE))
            query(connection, f"CREATE TABLE t{number} ({case['create']})")
            for row in case["rows"]:
                query(connection, f"INSERT IGNORE INTO t{number} VALUES ({row['values']})")
        names = {("gold", f"t{number}"): ("gold", f"t{number}") for number in range(len(CASES))}
        facts.update(parse_dictionary(read_facts_of(connection, names)))

    with MysqlServer(programs, server_folder / "golden", options=_SERVER) as server:
        found = Logged({}, {}, facts)
        names: dict[bytes, int] = {}
        for each in logged_by(server.endpoint, work):
            if each.kind == EventType.TABLE_MAP:
                number = int(table_name(each.event).table[1:])
                names[table_id(each.event)] = number
                found.maps[number] = each.event
            elif each.kind in ROWS:
                found.events.setdefault(names[table_id(each.event)], []).append(each.event)
        yield found


_MODE = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO"


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_values_are_debezium_s(logged: Logged, number: int) -> None:
    case = CASES[number]
    written = {**GOLDEN["defaults"], **case["options"]}
    options = parse_options({_NAMES.get(name, name): _word(value) for name, value in written.items()})
    table = parse_table(logged.maps[number], has_crc=True)
    text = GeneratedTableText(table, program_of(table, options, logged.facts["gold", f"t{number}"]), has_crc=True)
    rows = [row.after for event in logged.events[number] for row in text.rows(event)]
    assert len(rows) == len(case["rows"])
    for found, row in zip(rows, case["rows"], strict=True):
        assert found is not None
        values = json.loads(found)
        for name, wanted in row["after"].items():
            assert (type(values[name]), values[name]) == (type(wanted), wanted), f"{name} of {row['values']}"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
