"""Rows of a MariaDB log as targets take them: what two servers have written, for a MySQL and for a MariaDB."""

from __future__ import annotations

import pytest

from tests.drivers.mysql.mariadb.recorded_forms import LOGS, events_of
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import HEADER, ROWS_EVENTS, EventType, checksum_is_right, ends_statement
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.table_definition import parse_columns, primary_key
from udup.drivers.mysql.binlog.table_map import table_id, table_name
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.compression import inflated_value, stored_value
from udup.drivers.mysql.mariadb.history import UNTIL_2038, UNTIL_2106
from udup.drivers.mysql.mariadb.log import Translation
from udup.drivers.mysql.mariadb.row_forms import RowForms
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.rows.values import ABSENT, Row

VERSIONS = pytest.mark.parametrize("version", LOGS)

MYSQL, OLD, NEW = "9.7.4", "10.11.18-MariaDB", "11.8.9-MariaDB"

_WORDS = {EventType.WRITE_ROWS: "insert", EventType.UPDATE_ROWS: "update", EventType.DELETE_ROWS: "delete"}

Change = tuple[str, Row | None, Row | None]


def _translated(version: str, target: str, *, until: str = "k", others: str = "") -> list[bytes]:
    """Return the log for a target, up to the first rows of a table; some tables are not the job's."""
    translation = Translation(GtidSet(), RowForms(Server.of(target), lambda _schema, table: table not in others))
    translation.begin({})
    made: list[bytes] = []
    for event in events_of(version):
        if event[4] == EventType.TABLE_MAP and table_name(event).table == until:
            break
        made += translation.events_of(event)
    return made


def _changes(events: list[bytes], table: str) -> list[Change]:
    """Return what happens to a table's rows, and look at each event's form on the way."""
    codecs = RowCodecs()
    maps: dict[bytes, bytes] = {}
    found: list[Change] = []
    for event in events:
        assert HEADER.unpack_from(event)[3] == len(event) and checksum_is_right(event)
        if event[4] == EventType.TABLE_MAP:
            maps[table_id(event)] = event
        elif event[4] in ROWS_EVENTS and table_id(event) in maps and table_name(maps[table_id(event)]).table == table:
            rows = codecs.of(maps[table_id(event)], has_crc=True).read(event, has_crc=True)
            found += [(_WORDS[rows.kind], before, after) for before, after in rows.changes]
    return found


def _columns(events: list[bytes], table: str) -> list[str]:
    [first, *_] = [each for each in events if each[4] == EventType.TABLE_MAP and table_name(each).table == table]
    return [f"{each.name} {each.kind.name} {each.metadata.hex()}" for each in parse_columns(first, has_crc=True)]


@VERSIONS
@pytest.mark.parametrize("target", [MYSQL, OLD, NEW])
def test_the_hash_of_a_unique_key_over_texts_is_left_out_and_a_column_called_so_is_not(
    version: str, target: str
) -> None:
    events = _translated(version, target)
    assert [each.split()[0] for each in _columns(events, "u")] == ["id", "a", "c"]
    made, updated, deleted = _changes(events, "u")[:2], _changes(events, "u")[2], _changes(events, "u")[3]
    assert made == [("insert", None, (1, b"a" * 30, b"c")), ("insert", None, (2, None, b"d"))]
    assert updated == ("update", (1, b"a" * 30, b"c"), (1, b"b", b"c")) and deleted[:2] == ("delete", (2, None, b"d"))
    assert [each.split()[0] for each in _columns(events, "w")] == ["id", "DB_ROW_HASH_1", "a"]
    assert _changes(events, "w") == [("insert", None, (1, 2, b"a"))]


@VERSIONS
def test_compressed_columns_are_whole_for_a_mysql_and_as_they_came_for_a_mariadb(version: str) -> None:
    wanted = [(1, b"a" * 500, b"\0\xff" * 200, "é".encode()), (2, None, b"", b"z" * 63), (3, b"b" * 500, b"x", b"")]
    there = _translated(version, MYSQL)
    assert [each.split()[1:] for each in _columns(there, "z")] == [
        ["LONG"],
        ["BLOB", "02"],
        ["VARCHAR", "8813"],
        ["VARCHAR", "fc00"],
    ]
    assert [after for _, _, after in _changes(there, "z")] == wanted
    own = _translated(version, NEW)
    assert [each.split()[1] for each in _columns(own, "z")[1:]] == ["BLOB_COMPRESSED", *["VARCHAR_COMPRESSED"] * 2]
    assert [after for _, _, after in _changes(own, "z")] == wanted
    assert sum(map(len, own)) < sum(map(len, there)), "they are compressed still"


def test_a_compressed_value_is_exactly_what_it_says_or_refused() -> None:
    assert inflated_value(stored_value(b"as it is")) == b"as it is" and inflated_value(stored_value(b"")) == b""
    compressed = bytes.fromhex("8a01f44b4c1c05230d0000")
    assert inflated_value(compressed) == b"a" * 500
    for damaged in (b"\x8a\x01\xf3" + compressed[3:], compressed[:-2], b"\x70" + compressed[1:], b"\x82\x01\xf4zz"):
        with pytest.raises(ValueError, match="compressed"):
            inflated_value(damaged)


@VERSIONS
def test_others_get_what_happens_to_rows_of_today(version: str) -> None:
    events = _translated(version, MYSQL)
    assert [each.split()[0] for each in _columns(events, "v")] == ["id", "a"]
    assert _changes(events, "v") == [
        ("insert", None, (1, b"one")),
        ("insert", None, (2, b"two")),
        ("update", (1, b"one"), (1, b"first")),
        ("delete", (2, b"two"), None),
        ("update", (1, b"first"), (5, b"first")),
    ]
    [table_map, *_] = [each for each in events if each[4] == EventType.TABLE_MAP and table_name(each).table == "v"]
    assert primary_key(table_map, has_crc=True) == (0,)


@VERSIONS
def test_every_statement_ends_whatever_of_it_was_of_the_past(version: str) -> None:
    for target in (MYSQL, NEW):
        last: bytes | None = None
        for event in _translated(version, target):
            if event[4] in ROWS_EVENTS:
                last = event
            elif event[4] == EventType.XID and last is not None:
                assert ends_statement(last)
                last = None


@VERSIONS
@pytest.mark.parametrize(("target", "end"), [(OLD, UNTIL_2038), (NEW, UNTIL_2106)])
def test_a_mariadb_gets_all_history_and_rows_of_today_end_where_they_do_there(
    version: str, target: str, end: int
) -> None:
    changes = _changes(_translated(version, target), "v")
    assert [word for word, _, _ in changes] == ["insert"] * 2 + ["update", "insert", "update", "update", "insert"] + [
        "delete"
    ] * 3
    at = [1_700_000_000_100_000 + 1_100_000 * second for second in range(4)]
    assert changes[0][2] == (1, b"one", at[0], end)
    assert changes[3][2] == (1, b"one", at[0], at[1]), "what it was"
    assert changes[4][2] == (2, b"two", at[0], at[2]), "until when it was"
    whole = [row for _, before, after in changes for row in (before, after) if row is not None and ABSENT not in row]
    assert {row[3] for row in whole} == {end, *at[1:]}


@VERSIONS
def test_without_a_key_nothing_tells_a_period_for_certain(version: str) -> None:
    with pytest.raises(Unsupported, match=r"d\.k: .*no primary key"):
        _translated(version, MYSQL, until="")
    assert _changes(_translated(version, NEW, until=""), "k")[0][2] is not None
    assert _translated(version, MYSQL, until="", others="k"), "that of others is no matter"


@VERSIONS
def test_numbers_of_sequences_are_a_mariadbs_alone(version: str) -> None:
    def schemas(target: str) -> set[str]:
        events = _translated(version, target)
        maps = [table_name(each) for each in events if each[4] == EventType.TABLE_MAP]
        return {name.schema for name in maps if name.table == "s"}

    assert schemas(NEW) == {"d"} and schemas(MYSQL) == {"mysql"}
    taken = [row[0] for _, _, row in _changes(_translated(version, NEW), "s") if row is not None]
    assert taken == [5010, 9005]
