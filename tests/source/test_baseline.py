"""Snapshot and catalog belong together, also when DDL comes in between."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from tests.full_copy import read_pieces, run
from udup.errors import Transient
from udup.mysql.catalog import Catalog
from udup.mysql.connection import connect
from udup.mysql.selection import Selection
from udup.sandbox.server import MysqlServer
from udup.source import baseline
from udup.source.baseline import open_baseline
from udup.source.schema import read_catalog
from udup.source.snapshot import open_snapshot


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
