"""Snapshot and catalog belong together, also when DDL comes in between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.full_copy import read_pieces, run
from udup.base.errors import Transient
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.dictionary.catalog import Catalog
from udup.drivers.mysql.snapshot import baseline, stored
from udup.drivers.mysql.snapshot import schema as schema_reading
from udup.drivers.mysql.snapshot.baseline import open_baseline
from udup.drivers.mysql.snapshot.schema import read_catalog
from udup.drivers.mysql.snapshot.snapshot import open_snapshot
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer


@pytest.fixture
def selection(source: MysqlServer, schema: str) -> Selection:
    with closing(connect(source.endpoint)) as connection:
        run(connection, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    return Selection.of([(schema, [])])


def test_a_ddl_between_snapshot_and_catalog_opens_another_snapshot(
    source: MysqlServer, schema: str, selection: Selection, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings: list[Catalog] = []

    def disturbed(connection: Any, wanted: Selection) -> Catalog:
        if len(readings) == 1:
            run(connection, f"CREATE VIEW {schema}.v AS SELECT 1")
        readings.append(read_catalog(connection, wanted))
        return readings[-1]

    monkeypatch.setattr(baseline, "read_catalog", disturbed)
    opened = open_baseline(source.endpoint, 2, selection)
    with closing(opened.snapshot):
        assert len(readings) == 3
        assert [stored.name for stored in opened.catalog.objects] == ["v"]
        assert len(opened.snapshot.connections) == 3


@pytest.mark.parametrize(
    "ddl",
    [
        "ALTER TABLE {0}.t ADD COLUMN v INT, ALGORITHM=INSTANT",
        "TRUNCATE TABLE {0}.t",
        "DROP TABLE {0}.t",
        "ALTER TABLE {0}.t MODIFY id BIGINT",
    ],
)
def test_a_table_changed_after_the_snapshot_refuses_to_be_read(
    source: MysqlServer, schema: str, selection: Selection, ddl: str
) -> None:
    with closing(connect(source.endpoint)) as connection, closing(open_snapshot(source.endpoint, 2)) as snapshot:
        table = read_catalog(connection, selection).tables[0]
        run(connection, ddl.format(schema))
        with pytest.raises(Transient, match="changed while it was copied"):
            read_pieces(snapshot, table)


#: Objects of every kind that has no rows, in the order in which they can be made.
_OBJECTS = {
    "PROCEDURE": "CREATE PROCEDURE {0}.o() SELECT {1}",
    "FUNCTION": "CREATE FUNCTION {0}.o() RETURNS INT DETERMINISTIC RETURN {1}",
    "VIEW": "CREATE VIEW {0}.o AS SELECT {1} AS a",
    "TRIGGER": "CREATE TRIGGER {0}.o BEFORE INSERT ON {0}.t FOR EACH ROW SET @a = {1}",
    "EVENT": "CREATE EVENT {0}.o ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO SET @a = {1}",
}


def _after_first_listing(monkeypatch: pytest.MonkeyPatch, kind: str, act: Callable[[], None]) -> None:
    """Have `act` done once, between the first list of names that has the object and SHOW CREATE of it."""
    whole, acted = stored._show, []

    def disturbed(connection: Connection, shown: str, schema: str, name: str) -> Any:
        if (shown, name) == (kind, "o") and not acted:
            acted.append(name)
            act()
        return whole(connection, shown, schema, name)

    monkeypatch.setattr(stored, "_show", disturbed)


@pytest.mark.parametrize("kind", _OBJECTS)
def test_an_object_dropped_between_listing_and_reading_is_left_to_the_log(
    source: MysqlServer, schema: str, selection: Selection, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with closing(connect(source.endpoint)) as connection:
        run(connection, _OBJECTS[kind].format(schema, 1))
        _after_first_listing(monkeypatch, kind, lambda: run(connection, f"DROP {kind} {schema}.o"))
        opened = open_baseline(source.endpoint, 1, selection)
        with closing(opened.snapshot):
            assert opened.catalog.objects == ()
            assert [table.name for table in opened.catalog.tables] == ["t"]


@pytest.mark.parametrize("kind", _OBJECTS)
def test_an_object_replaced_between_listing_and_reading_is_read_as_it_is_then(
    source: MysqlServer, schema: str, selection: Selection, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    create = _OBJECTS[kind]
    with closing(connect(source.endpoint)) as connection:
        run(connection, create.format(schema, 1))
        again = (f"DROP {kind} {schema}.o", create.format(schema, 2))
        _after_first_listing(monkeypatch, kind, lambda: run(connection, *again))
        opened = open_baseline(source.endpoint, 1, selection)
        with closing(opened.snapshot):
            (found,) = opened.catalog.objects
            assert "2" in found.sql.partition("`o`")[2]


@pytest.mark.parametrize("kind", _OBJECTS)
def test_an_object_made_anew_with_the_same_text_after_the_snapshot_opens_another_one(
    source: MysqlServer, schema: str, selection: Selection, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Else the log would make it a second time."""
    readings: list[Catalog] = []
    create = _OBJECTS[kind].format(schema, 1)

    def disturbed(connection: Any, wanted: Selection) -> Catalog:
        if len(readings) == 1:
            run(connection, f"DROP {kind} {schema}.o", "DO SLEEP(1.1)", create)
        readings.append(read_catalog(connection, wanted))
        return readings[-1]

    with closing(connect(source.endpoint)) as connection:
        run(connection, create)
    monkeypatch.setattr(baseline, "read_catalog", disturbed)
    opened = open_baseline(source.endpoint, 1, selection)
    with closing(opened.snapshot):
        assert len(readings) == 3
        assert [found.name for found in opened.catalog.objects] == ["o"]


def test_a_table_or_schema_dropped_between_listing_and_reading_is_left_to_the_log(
    source: MysqlServer, schema: str, selection: Selection, monkeypatch: pytest.MonkeyPatch
) -> None:
    acted: list[str] = []
    other = f"{schema}_z"

    def disturbed(connection: Connection, sql: str, *args: object) -> list[Any]:
        found = query(connection, sql, *args)
        if "TABLE_TYPE IN ('BASE TABLE'" in sql and not acted:
            acted.append(sql)
            run(connection, f"DROP TABLE {schema}.gone", f"DROP DATABASE {other}")
        return found

    with closing(connect(source.endpoint)) as connection:
        run(connection, f"CREATE TABLE {schema}.gone (id INT PRIMARY KEY)", f"CREATE DATABASE {other}")
    monkeypatch.setattr(schema_reading, "query", disturbed)
    opened = open_baseline(source.endpoint, 1, Selection.of([(schema, []), (other, [])]))
    with closing(opened.snapshot):
        assert [each.name for each in opened.catalog.schemas] == [schema]
        assert [table.name for table in opened.catalog.tables] == ["t"]
