"""What the target computes from rows comes out as on the source, whatever the sessions were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.applied import apply_all, records, run, session
from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.drivers.mysql.apply.computing import Computing, TableName
from udup.drivers.mysql.apply.contexts import TargetContexts
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.dictionary import timezones
from udup.drivers.mysql.dictionary.timezones import zone_rules, zones_like
from udup.drivers.mysql.stream.contexts import ZONE_RULES, read_defaults
from udup.pipeline.ports import ApplyMode
from udup.pipeline.records import Context, Record, Transaction
from udup.pipeline.selection.selection import Selection
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

EVENTS = (
    "CREATE TABLE ev (id INT PRIMARY KEY, at TIMESTAMP NULL, s VARCHAR(30), a DECIMAL(10, 2),"
    " day DATE AS (DATE(at)) STORED, hour INT AS (HOUR(at)) VIRTUAL, d DATE AS (STR_TO_DATE(s, '%Y-%m-%d')) STORED,"
    " part VARCHAR(40) AS (a / 7) STORED, month VARCHAR(20) AS (MONTHNAME(id * 0 + 20240501)) STORED,"
    " KEY (hour), UNIQUE KEY (d), KEY zoned ((DATE_FORMAT(at, '%H:%i'))))"
)


@pytest.fixture
def tables(source: MysqlServer, target: MysqlServer, schema: str) -> str:
    for server in (source, target):
        run(server.endpoint, f"CREATE DATABASE {schema}", f"USE {schema}", EVENTS)
    return schema


def _rows(endpoint: Endpoint, schema: str) -> list[object]:
    """What is stored: of a virtual column and of an expression what their indexes hold."""
    with closing(connect(endpoint)) as connection:
        query(connection, "SET time_zone = '+00:00'")
        stored = query(connection, f"SELECT id, at, day, d, part, month FROM {schema}.ev ORDER BY id")
        hours = query(connection, f"SELECT id, hour FROM {schema}.ev FORCE INDEX (hour) ORDER BY hour, id")
    return [stored, hours]


def _carry(source: MysqlServer, target: MysqlServer, schema: str, *statements: str) -> list[Record]:
    before = run(source.endpoint, f"USE {schema}", *statements)
    made = records(source.endpoint, before, Selection.of([(schema, [])]))
    contexts = TargetContexts(target.endpoint)
    with session(target.endpoint, schema) as (opened, position):
        apply_all(opened, position, made, contexts)
    return made


def test_rows_of_any_session_are_computed_as_in_it(source: MysqlServer, target: MysqlServer, tables: str) -> None:
    _carry(
        *(source, target, tables),
        "INSERT INTO ev (id, at) VALUES (1, '2024-06-01 03:00:00')",
        "SET time_zone = '-05:00'",
        "INSERT INTO ev (id, at) VALUES (2, '2024-06-01 03:00:00')",
        "SET time_zone = '+13:45'",
        "UPDATE ev SET at = '2024-12-31 23:59:59' WHERE id = 1",
        "INSERT IGNORE INTO ev (id, s) VALUES (3, '2024-02-30'), (4, '2024-02-30')",
        "SET sql_mode = 'ALLOW_INVALID_DATES,NO_BACKSLASH_ESCAPES,ANSI_QUOTES'",
        "INSERT INTO ev (id, s) VALUES (5, '2024-02-30')",
        "BEGIN",
        "INSERT INTO ev (id, at) VALUES (6, '1970-01-02 00:00:00')",
        "DELETE FROM ev WHERE id = 2",
        "COMMIT",
    )
    assert _rows(target.endpoint, tables) == _rows(source.endpoint, tables)
    with closing(connect(target.endpoint)) as connection:
        dates = [None if value is None else str(value) for (value,) in query(connection, f"SELECT d FROM {tables}.ev")]
    assert sorted(dates, key=str) == ["2024-02-30", None, None, None, None]


def test_a_large_transaction_has_its_context_in_every_part(
    source: MysqlServer, target: MysqlServer, tables: str
) -> None:
    numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000) SELECT n + 10"
    made = _carry(
        *(source, target, tables),
        "SET time_zone = '+11:00', cte_max_recursion_depth = 100000",
        f"INSERT INTO ev (id, at) {numbers}, FROM_UNIXTIME(n * 3600) FROM n",
    )
    assert sum(type(record).__name__ == "Part" for record in made) > 2
    assert _rows(target.endpoint, tables) == _rows(source.endpoint, tables)


def test_month_names_are_those_of_the_session_that_opened_the_table(
    source: MysqlServer, target: MysqlServer, tables: str
) -> None:
    """MySQL looks up the locale when it opens a table, so on both sides a session with another one opens it first."""
    _carry(
        *(source, target, tables),
        "SET lc_time_names = 'ja_JP', time_zone = '+09:00'",
        "INSERT INTO ev (id, at) VALUES (1, '2024-06-01 03:00:00')",
    )
    with closing(connect(target.endpoint)) as connection:
        assert query(connection, f"SELECT month, HOUR(day) FROM {tables}.ev") == [("5月", 0)]
    assert _rows(target.endpoint, tables) == _rows(source.endpoint, tables)


def test_a_lock_wait_or_another_error_leaves_the_right_context_for_the_next_group(
    source: MysqlServer, target: MysqlServer, tables: str
) -> None:
    before = run(
        source.endpoint,
        f"USE {tables}",
        "SET time_zone = '-05:00'",
        "INSERT INTO ev (id, at) VALUES (1, '2024-06-01 03:00:00')",
        "SET time_zone = '+05:00'",
        "INSERT INTO ev (id, at) VALUES (2, '2024-06-01 03:00:00')",
    )
    made = records(source.endpoint, before, Selection.of([(tables, [])]))
    first, second = (record for record in made if isinstance(record, Transaction))
    contexts = TargetContexts(target.endpoint)
    for record in made:
        if isinstance(record, Context):
            contexts.note(record)
    assert first.context != second.context
    with session(target.endpoint, tables) as (opened, position):
        apply_all(opened, position, [record for record in made if type(record).__name__ == "Format"])
        early, late = contexts.prepare(first.context), contexts.prepare(second.context)
        opened.apply(position.version, first.id.gtid, [first.events], context=early)
        with pytest.raises(Exception, match="1062"):  # the same row again, in the other context
            opened.apply(position.version + 1, first.id.gtid, [first.events], context=late)
        opened.rollback()
        opened.apply(position.version + 1, second.id.gtid, [second.events], context=late)
    assert _rows(target.endpoint, tables) == _rows(source.endpoint, tables)


def test_only_tables_that_compute_are_told_as_such(target: MysqlServer, schema: str) -> None:
    run(
        target.endpoint,
        f"CREATE DATABASE {schema}",
        f"USE {schema}",
        "CREATE TABLE plain (id INT PRIMARY KEY, a INT DEFAULT 5, at TIMESTAMP(6) NOT NULL DEFAULT NOW(6) ON UPDATE"
        " NOW(6), KEY (a)) PARTITION BY HASH (id) PARTITIONS 2",
        "CREATE TABLE virtual_one (id INT PRIMARY KEY, v INT AS (id + 1))",
        "CREATE TABLE indexed (id INT PRIMARY KEY, j JSON, KEY many ((CAST(j AS UNSIGNED ARRAY))))",
        "CREATE TABLE checked (id INT PRIMARY KEY, CONSTRAINT small CHECK (id < 10))",
        "CREATE TABLE unchecked (id INT PRIMARY KEY, CONSTRAINT large CHECK (id < 10) NOT ENFORCED)",
        "CREATE TABLE defaulted (id INT PRIMARY KEY, d VARCHAR(40) DEFAULT (UUID()))",
        "CREATE TABLE parted (id INT PRIMARY KEY) PARTITION BY RANGE (id * 2) (PARTITION p VALUES LESS THAN (10))",
    )
    computing = Computing()
    with closing(connect(target.endpoint)) as connection:
        names = [str(name) for (name,) in query(connection, f"SHOW TABLES FROM {schema}")]
        found = {name: computing.look(connection, TableName(schema, name)) for name in names}
        assert found == {
            "plain": "",
            "unchecked": "",
            "virtual_one": "generated column v",
            "indexed": "index many",
            "checked": "constraint small",
            "defaulted": "the default of column d",
            "parted": "partition p",
        }
        assert computing
        query(connection, f"ALTER TABLE {schema}.checked ALTER CHECK small NOT ENFORCED")
        assert computing.look(connection, TableName(schema, "checked")) == ""
    assert "virtual_one computes generated column v" in computing.shown([TableName(schema, "virtual_one")])


# ---- Time zones -----------------------------------------------------------------------------------------------------

#: A zone of our own making, as no server of the tests has any: Berlin under another name.
ZONE = "Test/Berlin"


def _load_zone(endpoint: Endpoint, name: str, zone: str, number: int, *, until: int = 1 << 31) -> None:
    """What mysql_tzinfo_to_sql does."""
    changes: list[tuple[int, int]] = []
    berlin = ZoneInfo(zone)
    for second in range(0, until, 1800):
        offset = datetime.fromtimestamp(second, UTC).astimezone(berlin).utcoffset()
        assert offset is not None
        seconds = int(offset.total_seconds())
        if not changes or changes[-1][1] != seconds:
            changes.append((second, seconds))
    kinds = sorted({offset for _, offset in changes})
    rows = ", ".join(f"({number}, {second}, {kinds.index(offset)})" for second, offset in changes[1:])
    types = ", ".join(f"({number}, {kind}, {offset}, 0, 'X')" for kind, offset in enumerate(kinds))
    run(
        endpoint,
        f"INSERT INTO mysql.time_zone VALUES ({number}, 'N')",
        f"INSERT INTO mysql.time_zone_name VALUES ('{name}', {number})",
        f"INSERT INTO mysql.time_zone_transition_type VALUES {types}",
        *([f"INSERT INTO mysql.time_zone_transition VALUES {rows}"] if rows else []),
    )


@pytest.fixture(scope="module")
def zoned(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    """A server that knows some zones, as no other of the tests does."""
    with MysqlServer(programs, server_folder / "zoned") as server:
        _load_zone(server.endpoint, ZONE, "Europe/Berlin", 901)
        _load_zone(server.endpoint, "Europe/Berlin", "Europe/Berlin", 902)
        _load_zone(server.endpoint, "Test/Other", "Europe/Berlin", 903, until=1_000_000_000)
        yield server


def _rules(endpoint: Endpoint, zone: str) -> str:
    with closing(connect(endpoint)) as connection:
        return zone_rules(connection, zone)


def test_a_zones_rules_are_its_changes_to_the_quarter_of_an_hour(zoned: MysqlServer) -> None:
    rules = _rules(zoned.endpoint, ZONE)
    assert rules.startswith("0:3600,323830800:7200,338950800:3600,")
    assert "1711846800:7200" in rules  # 2024-03-31 01:00 UTC
    assert _rules(zoned.endpoint, "+09:00") == "0:32400"
    assert next(zones_like("0:32400")) == "+09:00"
    assert "Europe/Berlin" in list(zones_like(rules))


def test_a_server_that_does_not_count_is_asked_by_digits(zoned: MysqlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = _rules(zoned.endpoint, ZONE), _rules(zoned.endpoint, "-03:30")
    monkeypatch.setattr(timezones, "_COUNTS", (99, 0, 0))
    assert (_rules(zoned.endpoint, ZONE), _rules(zoned.endpoint, "-03:30")) == counted


def test_a_zone_is_named_as_the_target_knows_it_or_not_at_all(zoned: MysqlServer, target: MysqlServer) -> None:
    rules = _rules(zoned.endpoint, ZONE)
    there, elsewhere = TargetContexts(zoned.endpoint), TargetContexts(target.endpoint)
    named = Context(1, {"time_zone": ZONE, ZONE_RULES: rules})
    assert f"time_zone = '{ZONE}'".encode() in there.statement(named)
    with pytest.raises(Unsupported, match=r"time zone Test/Berlin, which .* does not know.*mysql_tzinfo_to_sql"):
        elsewhere.statement(named)
    # The source's own zone, under the name that the target has for it; a fixed one is an offset anywhere.
    assert b"time_zone = 'Europe/Berlin'" in there.statement(Context(2, {"time_zone": "SYSTEM", ZONE_RULES: rules}))
    assert b"time_zone = '+09:00'" in elsewhere.statement(Context(3, {"time_zone": "SYSTEM", ZONE_RULES: "0:32400"}))
    with pytest.raises(Unsupported, match=r"the source's own \(SYSTEM\), which .* has under no name"):
        elsewhere.statement(Context(4, {"time_zone": "SYSTEM", ZONE_RULES: rules}))
    with pytest.raises(Unsupported, match="by other rules"):
        there.statement(Context(5, {"time_zone": "Test/Other", ZONE_RULES: "0:3600,5:7200"}))


def test_both_hours_of_the_night_in_which_clocks_go_back_are_told_apart(
    zoned: MysqlServer, source: MysqlServer, schema: str
) -> None:
    """The zone's server is the source; the target knows the zone by the rules that it was given under another name."""
    with closing(connect(zoned.endpoint)) as connection:
        assert read_defaults(connection)["time_zone"] == "SYSTEM"
    run(zoned.endpoint, f"CREATE DATABASE {schema}", f"USE {schema}", EVENTS)
    statements = [
        f"SET time_zone = '{ZONE}', timestamp = {moment}"
        + f"; INSERT INTO ev (id, at) VALUES ({number}, FROM_UNIXTIME({moment})), ({number + 50}, NOW())"
        for number, moment in enumerate((1729989000, 1729992600, 1711846799, 1711846800))
    ]
    before = run(zoned.endpoint, f"USE {schema}", *[part for each in statements for part in each.split("; ")])
    made = records(zoned.endpoint, before, Selection.of([(schema, [])]))
    (context,) = {record.settings["time_zone"] for record in made if isinstance(record, Context)}
    assert context == ZONE
    run(source.endpoint, f"CREATE DATABASE {schema}", f"USE {schema}", EVENTS)
    try:
        with session(source.endpoint, schema) as (opened, position), pytest.raises(Unsupported, match=ZONE):
            apply_all(opened, position, _with_rules(made, zoned), TargetContexts(source.endpoint))
        _load_zone(source.endpoint, ZONE, "Europe/Berlin", 904)
        with session(source.endpoint, schema) as (opened, position):
            apply_all(opened, position, _with_rules(made, zoned), TargetContexts(source.endpoint))
        assert _rows(source.endpoint, schema) == _rows(zoned.endpoint, schema)
    finally:
        run(zoned.endpoint, f"DROP DATABASE {schema}")
        tables = ("time_zone", "time_zone_name", "time_zone_transition_type", "time_zone_transition")
        run(source.endpoint, *(f"DELETE FROM mysql.{table} WHERE Time_zone_id = 904" for table in tables))


def _with_rules(made: list[Record], server: MysqlServer) -> list[Record]:
    return [
        Context(each.number, {**each.settings, ZONE_RULES: _rules(server.endpoint, each.settings["time_zone"])})
        if isinstance(each, Context)
        else each
        for each in made
    ]


def test_a_moment_that_a_zone_has_twice_is_put_there_by_a_statement_that_needs_the_zone(
    zoned: MysqlServer, target: MysqlServer, schema: str
) -> None:
    tables = (
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.plain (id INT PRIMARY KEY, s TIMESTAMP NULL)",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, s TIMESTAMP NULL, g VARCHAR(40) AS (CONCAT(s)) STORED)",
    )
    run(zoned.endpoint, *tables)
    run(target.endpoint, *tables)
    zone = "Test/Twice"  # its own: a server that has used a zone knows it until it is started again
    for server in (zoned, target):
        _load_zone(server.endpoint, zone, "Europe/Berlin", 905)
    moments = ("2024-10-27 00:30:00", "2024-10-27 01:30:00", "2024-07-01 01:30:00")  # the first two are 02:30 there
    before = run(
        zoned.endpoint,
        *(f"INSERT INTO {schema}.plain VALUES ({number}, '{moment}')" for number, moment in enumerate(moments)),
        f"SET time_zone = '{zone}'",
        f"INSERT INTO {schema}.t (id, s) SELECT id, s FROM {schema}.plain WHERE id = 2",
        f"INSERT INTO {schema}.t (id, s) SELECT id, s FROM {schema}.plain WHERE id < 2",
        f"UPDATE {schema}.t, {schema}.plain p SET t.s = p.s WHERE t.id = 2 AND p.id = 1",
        f"DELETE FROM {schema}.t WHERE id = 1",
    )
    made = records(zoned.endpoint, before, Selection.of([(schema, [])]))
    try:
        with session(target.endpoint, schema, mode=ApplyMode.STATEMENTS) as (opened, position):
            apply_all(opened, position, made, TargetContexts(target.endpoint))
        for rows in (
            f"SELECT id, UNIX_TIMESTAMP(s) FROM {schema}.plain ORDER BY id",
            f"SELECT id, UNIX_TIMESTAMP(s), g FROM {schema}.t ORDER BY id",
        ):
            with closing(connect(zoned.endpoint)) as one, closing(connect(target.endpoint)) as other:
                assert query(one, rows) == query(other, rows)
    finally:
        run(zoned.endpoint, f"DROP DATABASE {schema}")
        names = ("time_zone", "time_zone_name", "time_zone_transition_type", "time_zone_transition")
        run(target.endpoint, *(f"DELETE FROM mysql.{table} WHERE Time_zone_id = 905" for table in names))
