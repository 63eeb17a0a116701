"""The sums over what two servers have computed are equal if the values are, and tell which are not."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from tests.full_copy import catalog_of, run
from udup.base.errors import Divergence, Unsupported
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.sessions import DEFINITION
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.digests import OWN_VALUES, Sums, added, column_sums, index_sums
from udup.drivers.mysql.load.computed import ComputedValues
from udup.drivers.mysql.snapshot.schema import read_catalog
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer

TABLE = (
    "CREATE TABLE {}.t (id INT PRIMARY KEY, s VARCHAR(20), j JSON, f FLOAT, e ENUM('a','b'), at TIMESTAMP NULL,"
    " up VARCHAR(40) AS (UPPER(s)) STORED, day DATE AS (DATE(at)) STORED, hour INT AS (HOUR(at)), KEY (hour))"
)
ROWS = (
    "INSERT IGNORE INTO {}.t (id, s, j, f, e, at) VALUES (1, 'a', '{{\"k\": 1}}', 1.1, 'a', '2024-06-01 03:00:00'),"
    " (2, NULL, NULL, NULL, 0, NULL), (3, 'c', '[]', 3, 'b', '2024-06-02 23:00:00')"
)


def _sums(server: MysqlServer, table: Table, where: str = "") -> Sums:
    with closing(connect(server.endpoint, DEFINITION)) as connection:
        return column_sums(connection, table, where) | (index_sums(connection, table) if not where else {})


def _make(server: MysqlServer, schema: str, *more: str) -> Table:
    with closing(connect(server.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema}",
            TABLE.format(schema),
            "SET time_zone = '+00:00'",
            ROWS.format(schema),
        )
        run(connection, *more)
    return catalog_of(server.endpoint, schema).tables[0]


def test_the_catalog_tells_what_a_table_computes(source: MysqlServer, schema: str) -> None:
    _make(
        source,
        schema,
        f"CREATE TABLE {schema}.checked (id INT PRIMARY KEY, a INT COMMENT 'CHECK ((', CHECK (a > 0))",
        f"CREATE TABLE {schema}.indexed (id INT PRIMARY KEY, a CHAR(9), KEY k (a(3), (UPPER(a))))",
        f"CREATE TABLE {schema}.plain (id INT PRIMARY KEY, a DECIMAL(9,2) COMMENT ' CHECK (',"
        " b CHAR(36) DEFAULT (UUID()),"
        " KEY `k ((` (a, id), UNIQUE KEY (b(3), a)) COMMENT 'KEY x ((a))'",
    )
    table = next(each for each in catalog_of(source.endpoint, schema).tables if each.name == "t")
    assert table.computes and table.virtual_keys == (("hour", "hour"),)
    assert [column.name for column in table.columns if column.materialized] == ["up", "day"]
    tables = {each.name: each.computes for each in catalog_of(source.endpoint, schema).tables}
    assert tables == {"t": True, "checked": True, "indexed": True, "plain": False}


def test_equal_values_have_equal_sums_whichever_way_the_rows_were_cut(
    source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    table = _make(source, schema)
    _make(target, schema)
    whole = _sums(source, table)
    assert set(whole) == {OWN_VALUES, "up", "day", "hour@hour"}
    assert whole == _sums(target, table)
    parts = added(_sums(source, table, "(`id` <= 1)"), _sums(source, table, "(`id` > 1)"))
    assert parts == {name: value for name, value in whole.items() if name != "hour@hour"}
    assert _sums(source, replace(table, key=(), key_index="")) == _sums(target, replace(table, key=(), key_index=""))


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ("UPDATE {}.t SET at = '2024-06-01 04:00:00' WHERE id = 1", {OWN_VALUES, "hour@hour"}),
        ("UPDATE {}.t SET s = IF(id = 1, 'c', 'a') WHERE id <> 2", {OWN_VALUES, "up"}),  # values that changed places
        ("UPDATE {}.t SET f = 1.1000001 WHERE id = 1", {OWN_VALUES}),
        ("UPDATE {}.t SET e = NULL WHERE id = 2", {OWN_VALUES}),
        ("DELETE FROM {}.t WHERE id = 2", {OWN_VALUES, "up", "day", "hour@hour"}),
    ],
)
def test_whatever_differs_has_another_sum(
    source: MysqlServer, target: MysqlServer, schema: str, change: str, names: set[str]
) -> None:
    table = _make(source, schema)
    _make(target, schema, "SET time_zone = '+00:00'", change.format(schema))
    here, there = _sums(source, table), _sums(target, table)
    assert {name for name in here if here[name] != there[name]} == names


def test_other_values_stop_the_copy_or_are_told_and_other_rows_always_stop_it(
    source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    table = _make(source, schema)
    _make(target, schema)
    sums = {name: f"{one}.{other}" for name, (one, other) in _sums(source, table).items()}
    settings = {"time_zone": "+00:00", "sql_mode": ""}
    strict, lax = (ComputedValues(target.endpoint, settings, recompute=recompute) for recompute in (False, True))
    with closing(connect(target.endpoint, DEFINITION)) as connection:
        strict.compare_columns(connection, table, sums)
        strict.compare_indexes(connection, table, sums)
        other = {**sums, "day": "1.1", "hour@hour": "1.1"}
        with pytest.raises(Unsupported, match=rf"table {schema}\.t: generated column day came .*GeneratedColumns"):
            strict.compare_columns(connection, table, other)
        with pytest.raises(Unsupported, match="generated column hour in its index hour came"):
            strict.compare_indexes(connection, table, other)
        lax.compare_columns(connection, table, other)
        lax.compare_indexes(connection, table, other)
        assert len(lax.warnings) == 2 and not strict.warnings
        with pytest.raises(Divergence, match="did not take the source's rows as they are"):
            lax.compare_columns(connection, table, {**sums, OWN_VALUES: "1.1"})


def test_loading_contexts_are_those_of_the_source_without_what_would_refuse_its_rows(
    source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    _make(source, schema)
    with closing(connect(source.endpoint)) as connection:
        tables = read_catalog(connection, Selection.of([(schema, [])])).tables
    computed = ComputedValues(
        target.endpoint, {"time_zone": "+09:00", "sql_mode": "STRICT_TRANS_TABLES,NO_ZERO_DATE"}, recompute=False
    )
    with closing(connect(target.endpoint)) as connection:
        computed.prepare(connection, tables)
    usual, every_date = computed.for_loading
    assert computed.offsets and b"time_zone = '+09:00'" in usual and b"time_zone = '+09:00'" in every_date
    assert b"NO_ZERO_DATE" in usual and b"STRICT" not in usual and b"ALLOW_INVALID_DATES" in every_date
    nothing = ComputedValues(target.endpoint, {}, recompute=False)
    with closing(connect(target.endpoint)) as connection:
        nothing.prepare(connection, [replace(table, computes=False) for table in tables])
    assert nothing.for_loading == (b"", b"") and not nothing.offsets
