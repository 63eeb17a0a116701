"""What differs is kept on the target until a comparison does not find it again."""

from __future__ import annotations

from contextlib import closing

import pytest

from udup.base.errors import Transient
from udup.drivers.mysql.apply.purge import purge
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.compare import ledger
from udup.drivers.mysql.compare.ledger import MySQLLedger, note_repaired, read_differences, read_unrepaired
from udup.pipeline.ports.compare import (
    ColumnDifference,
    DefinitionDifference,
    DefinitionsCompared,
    Kind,
    LedgerRow,
    RowDifference,
    TableCompared,
)
from udup.sandbox.server import MysqlServer


def _row(key: str, kind: Kind = Kind.DIFFERS, table: str = "t") -> RowDifference:
    columns = (ColumnDifference("v", "é' \\", None),) if kind is Kind.DIFFERS else ()
    return RowDifference("shop", table, key, kind, columns, place=(key,))


def test_the_ledger_holds_what_the_last_comparison_of_each_table_has_found(
    target: MysqlServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "AT_A_TIME", 2)
    monkeypatch.setattr(ledger, "MOST_ROWS", 5)
    with closing(connect(target.endpoint)) as connection, closing(MySQLLedger(target.endpoint, schema)) as kept:
        query(connection, "CREATE DATABASE IF NOT EXISTS udup CHARACTER SET utf8mb4")

        def found() -> list[str]:
            return [" ".join(row[1:]) for row in read_differences(connection, schema)]

        kept.begin("a/1")
        for row in (_row("1"), _row("2", Kind.MISSING), _row("3", Kind.EXTRA), _row("9", table="u")):
            kept.note(row, "u:1-9")
        kept.table_ended(TableCompared("shop", "t"))
        kept.table_ended(TableCompared("shop", "u"))
        assert found() == ["t 1 differs", "t 2 missing", "t 3 extra", "u 9 differs"]
        kept.begin("a/2")
        kept.note(_row("2"), "u:1-12")
        kept.table_ended(TableCompared("shop", "u", problem="it was altered"))
        kept.table_ended(TableCompared("shop", "t"))
        assert found() == ["t 2 differs", "u 9 differs"]
        sql = "SELECT gtids, differing, first_seen < last_seen FROM udup.difference WHERE job = %s AND row_key = '2'"
        [(gtids, differing, older)] = query(connection, sql, schema)
        assert (gtids, older) == ("u:1-12", 1) and '"name": "v"' in differing
        kept.begin("a/3")
        for number in range(20):
            kept.note(_row(str(number)), "u:1-12")
        kept.table_ended(TableCompared("shop", "t"))
        assert len([row for row in found() if row.startswith("t ")]) == 5, "it stays small"
        purge(target.endpoint, schema)
        assert found() == []


def test_definitions_that_differ_are_kept_in_front_of_the_rows(target: MysqlServer, schema: str) -> None:
    index = DefinitionDifference("shop.t", "index by_state", Kind.MISSING, remedy="ALTER TABLE …")
    mine = DefinitionDifference("shop.t", "index mine", Kind.EXTRA, counts=False)
    view = DefinitionDifference("view shop.v", "", Kind.DIFFERS, "SELECT 1", "SELECT 2")
    other = DefinitionDifference("shop.u", "column é", Kind.DIFFERS, "int", "bigint")
    with closing(connect(target.endpoint)) as connection, closing(MySQLLedger(target.endpoint, schema)) as kept:
        query(connection, "CREATE DATABASE IF NOT EXISTS udup CHARACTER SET utf8mb4")

        def pages() -> list[LedgerRow]:
            found: list[LedgerRow] = []
            while page := kept.page(found[-1].at if found else "", 2):
                found += page
            return found

        kept.begin("a/1")
        kept.note(_row("1"), "u:1-9")
        kept.note(_row("2"), "u:1-9")
        kept.table_ended(TableCompared("shop", "t"))
        kept.definitions(DefinitionsCompared((index, mine, view, other)), "u:1-9")
        shown = pages()
        assert [bool(row.definition) for row in shown] == [True] * 4 + [False] * 2
        told = {row.definition: row for row in shown if row.definition}
        assert set(told) == {str(each) for each in (index, mine, view, other)}
        assert (told[str(index)].remedy, told[str(index)].counts, told[str(mine)].counts) == (
            "ALTER TABLE …",
            True,
            False,
        )
        assert (told[str(view)].schema, told[str(view)].table, told[str(view)].position) == ("shop", "v", "u:1-9")
        kept.begin("a/2")
        kept.definitions(DefinitionsCompared((), ("shop.t",)), "u:1-12")
        assert {row.definition for row in pages() if row.definition} == {str(view), str(other)}, "of these tables alone"
        kept.definitions(DefinitionsCompared((), (), frozenset({"shop.u"})), "u:1-12")
        assert [row.definition for row in pages() if row.definition] == [str(other)], "of which nothing is known now"
        purge(target.endpoint, schema)
        assert pages() == []


def test_a_ledger_of_another_shape_is_made_again(target: MysqlServer, schema: str) -> None:
    with closing(connect(target.endpoint)) as connection, closing(MySQLLedger(target.endpoint, schema)) as kept:
        query(connection, "CREATE DATABASE IF NOT EXISTS udup CHARACTER SET utf8mb4")
        query(connection, "DROP TABLE IF EXISTS udup.difference")
        query(connection, "CREATE TABLE udup.difference (job VARCHAR(255), row_key TEXT)")
        query(connection, "INSERT INTO udup.difference VALUES (%s, 'k')", schema)
        assert kept.page("", 10) == [] and read_unrepaired(connection, schema) == []
        kept.begin("a/1")
        kept.note(_row("1"), "u:1")
        kept.table_ended(TableCompared("shop", "t"))
        query(connection, "ALTER TABLE udup.difference ADD COLUMN later INT NOT NULL DEFAULT 0")
        kept.begin("a/2")
        assert [row.key for row in kept.page("", 10)] == ["1"], "one that has more is left as it is"
        query(connection, "DROP TABLE udup.difference")


def test_what_is_kept_of_tables_that_are_gone_and_of_repairs_stays_small(
    target: MysqlServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MOST_ROWS", 3)
    other = f"{schema}_other"
    with (
        closing(connect(target.endpoint)) as connection,
        closing(MySQLLedger(target.endpoint, schema)) as kept,
        closing(MySQLLedger(target.endpoint, other)) as of_another_job,
    ):
        query(connection, "CREATE DATABASE IF NOT EXISTS udup CHARACTER SET utf8mb4")
        for each in (kept, of_another_job):
            each.begin("a/1")
            for number in range(3):
                each.note(_row(str(number)), "u:1")
            each.table_ended(TableCompared("shop", "t"))
            each.round_ended()
        kept.begin("a/2")
        for number in range(3):
            kept.note(_row(str(number), table="u"), "u:2")
        kept.table_ended(TableCompared("shop", "u"))
        assert len(read_differences(connection, schema)) == 6, "its table may come yet"
        kept.round_ended()
        assert {table for _, table, *_ in read_differences(connection, schema)} == {"u"}
        assert len(read_differences(connection, other)) == 3
        for row in read_unrepaired(connection, schema):
            note_repaired(connection, row.row_hash, "before", "after", "u:3")
        query(connection, "UPDATE udup.difference SET repaired = repaired - INTERVAL 31 DAY WHERE row_key = '1'")
        kept.begin("a/3")
        assert sorted(row.key for row in kept.page("", 100)) == ["0", "2"], "a month is over"
        for number in range(3):
            kept.note(_row(str(number)), "u:3")
        kept.table_ended(TableCompared("shop", "t"))
        for row in read_unrepaired(connection, schema):
            note_repaired(connection, row.row_hash, "before", "after", "u:4")
        kept.begin("a/4")
        assert len(kept.page("", 100)) == 3, "of five that were repaired"
        purge(target.endpoint, schema)
        assert len(of_another_job.page("", 100)) == 3
        purge(target.endpoint, other)


def test_what_could_not_be_written_is_written_when_the_connection_is_back(target: MysqlServer, schema: str) -> None:
    with closing(connect(target.endpoint)) as connection, closing(MySQLLedger(target.endpoint, schema)) as kept:
        query(connection, "CREATE DATABASE IF NOT EXISTS udup CHARACTER SET utf8mb4")
        kept.begin("a/1")
        kept.note(_row("1"), "u:1")
        assert kept._connection is not None
        kept._connection._sock.close()  # type: ignore[attr-defined]
        with pytest.raises(Transient):
            kept.table_ended(TableCompared("shop", "t"))
        kept.table_ended(TableCompared("shop", "t"))
        assert [row.key for row in kept.page("", 10)] == ["1"]
        purge(target.endpoint, schema)
