"""Rows that EXCHANGE PARTITION moves between two tables while a copy runs: no snapshot of MySQL's hides that."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.full_copy import run
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.ddl.ahead import less_what_is_ahead
from udup.drivers.mysql.ddl.decide import classify
from udup.drivers.mysql.snapshot.copy import open_copy
from udup.pipeline.ports import Piece, Scope
from udup.pipeline.positions import AheadNotes
from udup.pipeline.records import StartRows
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer


@pytest.mark.parametrize("parts", [True, False])
def test_what_ran_while_rows_were_read_is_noted_where_tables_have_partitions(
    source: MysqlServer, schema: str, parts: bool
) -> None:
    by_range = "PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (10), PARTITION q VALUES LESS THAN (20))"
    with closing(connect(source.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema}",
            f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, v INT) {by_range if parts else ''}",
            f"CREATE TABLE {schema}.u (id INT PRIMARY KEY, v INT)",
            f"INSERT INTO {schema}.t VALUES (1, 1), (11, 1)",
            f"INSERT INTO {schema}.u VALUES (2, 2)",
        )
        scope = Scope(Selection.of([(schema, [])]))
        with closing(open_copy(source.endpoint, scope, readers=1, chunk_rows=None)) as copy:
            statement = f"ALTER TABLE {schema}.t EXCHANGE PARTITION p WITH TABLE {schema}.u"
            run(connection, statement if parts else f"INSERT INTO {schema}.t VALUES (3, 3)")
            gtids = str(query(connection, "SELECT @@global.gtid_executed")[0][0])
            pieces: list[Piece] = []
            copy.start(StartRows("load"), lambda totals: None)
            copy.read(0, pieces.append)
            assert sum(each.rows for each in pieces) == 3
            notes = AheadNotes.of_json(copy.ahead(), GtidSet.parse)
    if not parts:
        assert not notes
        return
    uuid, _, numbers = gtids.rpartition("\n")[2].partition(":")
    part = notes.of(uuid, int(numbers.rpartition("-")[2]))
    assert part is not None and not part.leaves_out(schema, "t"), "rows of it come as ever"
    assert not notes.merged(GtidSet.parse(gtids))
    kept = AheadNotes.of_json(notes.to_json(), GtidSet.parse)
    assert kept == notes, "a later run knows of it"
    for sql, again in ((statement, f"{schema}.t {schema}.u"), (f"ALTER TABLE {schema}.t DROP PARTITION q", "")):
        classified = classify(sql.encode(), schema)
        if not again:
            assert less_what_is_ahead(classified, scope.selection, part, sql).wants(schema, "t")
            continue
        with pytest.raises(Unsupported, match="nobody can tell whether they were") as told:
            less_what_is_ahead(classified, scope.selection, part, sql)
        assert " ".join(told.value.reloads) == again
