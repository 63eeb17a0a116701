"""A row of the ledger is shown as both servers have it now: every kind of value, a row that is on one side alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.drivers.mysql.compare.test_repairer import Repairing
from udup.drivers.mysql.apply.purge import purge
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.compare.ledger import MySQLLedger
from udup.drivers.mysql.compare.row_look import BYTES, LETTERS, MySQLRows
from udup.pipeline.ports.compare import LedgerRow
from udup.pipeline.ports.rows import RowSeen
from udup.sandbox.server import MysqlServer


class Looking(Repairing):
    def ledger(self) -> list[LedgerRow]:
        return MySQLLedger(self.target, self.schema).page("", 100)

    def look(self, row: LedgerRow) -> RowSeen:
        seen = MySQLRows(self.source, self.target, self.selection, self.schema).read(row.schema, row.table, row.key)
        assert seen is not None and seen.problem == ""
        return seen


@pytest.fixture
def two(source: MysqlServer, target: MysqlServer, schema: str) -> Iterator[Looking]:
    made = Looking(source.endpoint, target.endpoint, schema)
    made.begin()
    yield made
    purge(target.endpoint, schema)


def _run(two: Looking, side: str, *statements: str) -> None:
    for endpoint in {"source": (two.source,), "target": (two.target,), "both": (two.source, two.target)}[side]:
        with closing(connect(endpoint, database=two.schema)) as connection:
            for statement in statements:
                query(connection, statement)


def test_every_kind_of_value_is_shown_with_whether_it_is_equal(two: Looking) -> None:
    _run(
        two,
        "both",
        "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b BLOB, c JSON, d TIMESTAMP(3) NULL,"
        " e DECIMAL(9, 3), f BIT(9), g TEXT, h VARCHAR(9) AS (CONCAT(a, '!')))",
    )
    row = "INSERT INTO t (id, a, b, c, d, e, f, g) VALUES "
    _run(
        two, "source", f"""{row} (1, '', x'00ff27', '{{"a": 1}}', '2020-01-01', 1.5, 5, REPEAT('字', {LETTERS + 1}))"""
    )
    _run(two, "target", f"{row} (1, NULL, x'00ff', NULL, '2020-01-01', 1.50, 5, REPEAT('x', 10))")
    two.found()
    [kept] = two.ledger()
    seen = two.look(kept)
    assert seen.source_there and seen.target_there
    by_name = {each.name: each for each in seen.columns}
    told = {name: (each.source, each.target, each.equal) for name, each in by_name.items() if name != "g"}
    assert told == {
        "id": ("1", "1", True),
        "a": ("", None, False),
        "b": ("0x00FF27", "0x00FF", False),
        "c": ('{"a": 1}', None, False),
        "d": (by_name["d"].source, by_name["d"].source, True),
        "e": ("1.500", "1.500", True),
        "f": (by_name["f"].source, by_name["f"].source, True),
        "h": ("!", None, False),
    }
    cut = by_name["g"]
    assert (cut.source, cut.target, cut.cut, cut.equal) == ("字" * LETTERS, "x" * 10, True, False)
    assert by_name["h"].computed and by_name["b"].kind == "blob" and not by_name["b"].cut


def test_a_row_that_is_on_one_side_alone_is_shown_so(two: Looking) -> None:
    _run(two, "both", "CREATE TABLE t (a VARCHAR(20), b VARBINARY(3000), PRIMARY KEY (a, b (300)))")
    _run(two, "source", f"""INSERT INTO t VALUES ('o\\'d"d\\\\ `%', REPEAT('a', {BYTES + 1}))""")
    _run(two, "target", "INSERT INTO t VALUES ('more', '')")
    two.found()
    by_kind = {each.kind: two.look(each) for each in two.ledger()}
    missing, extra = by_kind["missing"], by_kind["extra"]
    assert (missing.source_there, missing.target_there) == (True, False)
    assert (extra.source_there, extra.target_there) == (False, True)
    assert missing.columns[0].source == "o'd\"d\\ `%" and missing.columns[0].target is None
    assert missing.columns[1].cut and missing.columns[1].source == "0x" + "61" * BYTES
    assert [each.target for each in extra.columns] == ["more", "0x"]


def test_a_row_of_a_table_without_a_key_is_found_by_its_values(two: Looking) -> None:
    _run(two, "both", "CREATE TABLE t (a INT, b VARCHAR(20))", "INSERT INTO t VALUES (1, 'x'), (1, 'x')")
    _run(two, "source", "INSERT INTO t VALUES (2, NULL)")
    two.found()
    [kept] = two.ledger()
    seen = two.look(kept)
    assert seen.source_there and not seen.target_there
    assert [each.source for each in seen.columns] == ["2", None]


def test_what_was_put_right_meanwhile_is_shown_equal(two: Looking) -> None:
    _run(two, "both", "CREATE TABLE t (id INT PRIMARY KEY, a INT)")
    _run(two, "source", "INSERT INTO t VALUES (1, 1)")
    two.found()
    [kept] = two.ledger()
    _run(two, "target", "INSERT INTO t VALUES (1, 1)")
    assert all(each.equal for each in two.look(kept).columns)
    _run(two, "both", "DELETE FROM t")
    gone = two.look(kept)
    assert not gone.source_there and not gone.target_there


def test_a_row_that_no_comparison_has_found_is_none(two: Looking) -> None:
    rows = MySQLRows(two.source, two.target, two.selection, two.schema)
    for names in ((two.schema, "t", "1"), ("x'; --", "\0`", "\\")):
        assert rows.read(*names) is None


def test_a_table_that_has_gone_is_told(two: Looking) -> None:
    _run(two, "both", "CREATE TABLE t (id INT PRIMARY KEY)")
    _run(two, "source", "INSERT INTO t VALUES (1)")
    two.found()
    [kept] = two.ledger()
    _run(two, "both", "DROP TABLE t")
    seen = MySQLRows(two.source, two.target, two.selection, two.schema).read(kept.schema, kept.table, kept.key)
    assert seen is not None and seen.problem and not seen.columns
