"""Rows that differ are put right as the source has them, whatever they are made of, and no other row is touched."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.drivers.mysql.compare.comparing import Found, Two
from tests.drivers.mysql.compare.test_comparer import LOOKALIKES
from udup.base.errors import Refused, Transient
from udup.drivers.mysql.apply import ahead
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.apply.purge import purge
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.compare import catching_up, repairer
from udup.drivers.mysql.compare.catching_up import MySQLCatchUp
from udup.drivers.mysql.compare.comparer import MySQLComparer
from udup.drivers.mysql.compare.ledger import MySQLLedger
from udup.drivers.mysql.compare.repairer import MySQLRepairer
from udup.pipeline.ports.compare import ComparePlan, CompareTold, TableCompared
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer


class Repairing(Two):
    """Two servers whose target has a checkpoint of everything that the source has executed."""

    selection: Selection

    def begin(self) -> None:
        self.selection = Selection.of([(self.schema, [])])
        with closing(connect(self.target)) as target:
            create_tables(target)

    def stand(self, gtids: str | None = None) -> None:
        plan = ComparePlan()
        with (
            closing(MySQLComparer(self.source, self.target, self.selection, plan)) as looking,
            closing(connect(self.target)) as target,
        ):
            looking.prepare()
            executed = looking.open_source() if gtids is None else gtids
            query(target, "DELETE FROM udup.checkpoint WHERE job = %s", self.schema)
            sql = "INSERT INTO udup.checkpoint (job, slot, version, gtids) VALUES (%s, 0, 1, %s), (%s, 1, 1, '')"
            query(target, sql, self.schema, executed, self.schema)

    def found(self) -> Found:
        """Compare, and have the ledger keep what differs."""
        found = Found()
        with (
            closing(MySQLLedger(self.target, self.schema)) as ledger,
            closing(MySQLComparer(self.source, self.target, self.selection, ComparePlan(job=self.schema))) as comparer,
        ):
            ledger.begin("c/1")
            ended, position = False, ""
            told = CompareTold(
                lambda row: (found.rows.append(row), ledger.note(row, position)),
                lambda table: (found.tables.append(table), ledger.table_ended(table)),
            )
            while not ended:
                comparer.prepare()
                position = comparer.open_source()
                comparer.open_target()
                ended = comparer.compare(told, 60)
        return found

    def repaired(self, tables: tuple[str, ...] = ()) -> Found:
        found = Found()
        plan = ComparePlan(tables, job=self.schema, repairs=True)
        with closing(MySQLRepairer(self.source, self.target, self.selection, plan)) as made:
            ended = False
            while not ended:
                made.prepare()
                made.open_source()
                made.open_target()
                ended = made.compare(found.told, 60)
        return found

    def caught_up(self, *tables: str) -> list[TableCompared]:
        found = Found()
        names = tuple(f"{self.schema}.{table}" for table in tables)
        plan = ComparePlan(names, job=self.schema, repairs=True, stands_still=True)
        with closing(MySQLCatchUp(self.source, self.target, self.selection, plan)) as made:
            made.prepare()
            made.open_source()
            made.open_target()
            assert made.compare(found.told, 60)
        return found.tables

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with closing(connect(self.target, database=self.schema)) as target:
            return list(query(target, sql))

    def check_all_repaired(self) -> None:
        assert self.found().rows, "nothing differs"
        self.stand()
        repaired = self.repaired()
        assert [table for table in repaired.tables if table.problem] == []
        assert self.found().rows == []


@pytest.fixture
def two(source: MysqlServer, target: MysqlServer, schema: str) -> Iterator[Repairing]:
    made = Repairing(source.endpoint, target.endpoint, schema)
    made.begin()
    yield made
    purge(target.endpoint, schema)


def test_values_of_every_kind_become_what_the_source_has(two: Repairing) -> None:
    for number, (kind, right, wrong) in enumerate(LOOKALIKES):
        two.run(f"CREATE TABLE t{number} (id INT PRIMARY KEY, v {kind})", f"INSERT INTO t{number} VALUES (1, {right})")
        two.run(f"CREATE TABLE n{number} AS SELECT v FROM t{number}")  # without a key
        for table in (f"t{number}", f"n{number}"):
            two.behind(f"UPDATE {table} SET v = NULL", f"UPDATE {table} SET v = {wrong}")  # 1.0 of JSON replaces no 1
    assert len(two.found().rows) == 3 * len(LOOKALIKES), "without a key, one is missing and one too much"
    two.check_all_repaired()


def test_rows_that_are_gone_changed_or_too_much_are_put_right_and_no_other(
    two: Repairing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repairer, "BATCH_ROWS", 2)
    two.run(
        "CREATE TABLE t (id INT PRIMARY KEY, u INT UNIQUE, v VARCHAR(20), g INT AS (u + 1) STORED, KEY (v))",
        "INSERT INTO t (id, u, v) VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, 4, 'd'), (5, 5, 'e')",
        "CREATE TABLE child (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE)",
        "INSERT INTO child VALUES (1, 1), (2, 2)",
    )
    two.behind(
        "SET foreign_key_checks = 0",
        "UPDATE t SET v = 'A' WHERE id = 1",
        "UPDATE t SET u = 99 WHERE id = 2",
        "DELETE FROM t WHERE id = 3",
        "UPDATE t SET u = 2 WHERE id = 5",
        "INSERT INTO t (id, u, v) VALUES (77, 5, 'x')",
    )
    two.check_all_repaired()
    assert two.rows("SELECT COUNT(*) FROM child") == [(2,)]
    kept = "SELECT row_key, kind, row_before, row_after FROM udup.difference WHERE job"
    sql = f"{kept} = '{two.schema}' ORDER BY 1 + row_key"
    assert two.rows(sql) == [
        ("1", "differs", "1, 1, A, 2", "1, 1, a, 2"),
        ("2", "differs", "2, 99, b, 100", "2, 2, b, 3"),
        ("3", "missing", None, "3, 3, c, 4"),
        ("5", "differs", "5, 2, e, 3", "5, 5, e, 6"),
        ("77", "extra", "77, 5, x, 6", None),
    ]


def test_keys_that_a_collation_takes_for_the_same_and_rows_without_a_key(two: Repairing) -> None:
    two.run(
        "CREATE TABLE k (k VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, v INT)",
        "INSERT INTO k VALUES ('a', 1), ('b', 2), ('c ', 3)",
        "CREATE TABLE bare (a INT, b VARCHAR(9))",
        "INSERT INTO bare VALUES (1, 'x'), (1, 'x'), (1, 'x'), (2, 'y'), (3, NULL), (4, 'z')",
    )
    two.behind(
        "UPDATE k SET k = 'A' WHERE k = 'a'",
        "UPDATE k SET k = 'c' WHERE v = 3",
        "DELETE FROM bare WHERE a = 1 LIMIT 2",
        "INSERT INTO bare VALUES (2, 'y'), (2, 'y'), (9, NULL)",
        "UPDATE bare SET b = '' WHERE a = 3",
    )
    two.check_all_repaired()
    assert two.rows("SELECT a, COUNT(*) FROM bare GROUP BY a ORDER BY a") == [(1, 3), (2, 1), (3, 1), (4, 1)]


def test_what_the_job_means_to_be_there_is_put_there(two: Repairing) -> None:
    two.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9), w INT)", on=two.source)
    two.run("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)", on=two.source)
    two.behind(
        "CREATE TABLE new (id INT PRIMARY KEY, name VARCHAR(9) CHARACTER SET latin1)",
        "INSERT INTO new VALUES (2, 'x'), (3, 'c')",
    )
    rule = NameRule("t", rename="new", where="id < 3", columns=(("id", "id"), ("v", "name")))
    two.selection = Selection((SchemaRule(two.schema, tables=(rule,)),))
    two.check_all_repaired()
    assert two.rows("SELECT * FROM new ORDER BY id") == [(1, "a"), (2, "b")]


def test_nothing_is_written_where_the_target_is_elsewhere_or_would_run_triggers(two: Repairing) -> None:
    two.run("CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE u (id INT PRIMARY KEY)")
    two.behind(
        "INSERT INTO t VALUES (1)",
        "INSERT INTO u VALUES (1)",
        "CREATE TRIGGER tr AFTER DELETE ON u FOR EACH ROW SET @seen = 1",
    )
    assert len(two.found().rows) == 2
    two.stand("11111111-2222-3333-4444-555555555555:1-7")
    with pytest.raises(Transient, match="went on before"):
        two.repaired()
    assert two.rows("SELECT COUNT(*) FROM t") == [(1,)]
    two.stand()
    told = {table.table: table.problem for table in two.repaired().tables}
    assert told["t"] == "" and "triggers on the target" in told["u"]
    assert [row.table for row in two.found().rows] == ["u"]


def test_a_table_of_a_job_that_stands_still_becomes_what_the_source_has_and_is_ahead(two: Repairing) -> None:
    two.run(
        "CREATE TABLE t (id INT PRIMARY KEY, v INT)",
        "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)",
        "CREATE TABLE bare (a INT)",
        "INSERT INTO bare VALUES (1), (1), (2)",
    )
    two.stand()
    two.run("INSERT INTO t VALUES (4, 4)", "UPDATE t SET v = 30 WHERE id = 3", on=two.source)
    two.behind("DELETE FROM t WHERE id = 1", "INSERT INTO t VALUES (9, 9)", "INSERT INTO bare VALUES (1)")
    assert [table.rows for table in two.caught_up("t", "bare")] == [4, 1]
    assert two.rows("SELECT * FROM t ORDER BY id") == [(1, 1), (2, 2), (3, 30), (4, 4)]
    assert two.rows("SELECT COUNT(*) FROM bare") == [(3,)]
    with closing(connect(two.target)) as target:
        notes = ahead.read(target, two.schema)
        sql = "SELECT selection FROM udup.checkpoint WHERE job = %s AND slot = 0"
        assert ahead.has_notes(str(query(target, sql, two.schema)[0][0]), "")
    assert [note.group.wants(two.schema, "t") for note in notes] == [True, False]
    found = {table.table: table.problem for table in two.found().tables}
    assert not any(found.values()), "the checkpoint is not compared, and the source has gone no further"


@pytest.mark.parametrize("why", ["definition", "cascade", "no checkpoint", "too many"])
def test_a_table_that_cannot_be_ahead_of_others_is_left_as_it_is(
    two: Repairing, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    two.run("CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE t (id INT PRIMARY KEY, p INT)")
    two.stand()
    two.behind("INSERT INTO t VALUES (1, 1), (2, 2)")
    says = {
        "definition": "is not the source's of now",
        "cascade": "changes rows of other tables",
        "no checkpoint": "its copy has not ended",
        "too many": "more than 1 rows differ",
    }
    if why == "definition":
        two.run("CREATE INDEX later ON t (p)", on=two.source)
    elif why == "cascade":
        key = "ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES p (id) ON DELETE SET NULL"
        two.run("SET foreign_key_checks = 0", key)
    elif why == "no checkpoint":
        two.behind(f"DELETE FROM udup.checkpoint WHERE job = '{two.schema}'")
    else:
        monkeypatch.setattr(catching_up, "MOST_ROWS", 1)
    with pytest.raises(Refused, match=says[why]):
        two.caught_up("t")
    assert two.rows("SELECT COUNT(*) FROM t") == [(2,)]


def test_a_row_of_a_mariadb_is_put_right_on_a_mysql(
    mariadb_source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    two = Repairing(mariadb_source.endpoint, target.endpoint, schema)
    two.begin()
    text = "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
    two.run(
        f"CREATE TABLE t (k VARCHAR(20) {text} PRIMARY KEY, j JSON, f FLOAT, d DATETIME(3), e SET('a', 'b'), b BLOB)",
        "INSERT INTO t VALUES ('k1', '[1, 2.5]', 0.125, '2024-02-29 01:02:03.5', 3, x'00ff27')",
        "INSERT INTO t VALUES ('é', NULL, 1, NULL, 0, '')",
    )
    two.behind("UPDATE t SET k = 'K1', j = '[]', e = 1, b = NULL WHERE k = 'k1'", "DELETE FROM t WHERE k = 'é'")
    two.check_all_repaired()


def test_long_rows_are_put_right_one_by_one(two: Repairing) -> None:
    two.run("CREATE TABLE t (id INT PRIMARY KEY, v LONGBLOB, n INT)")
    two.run(*(f"INSERT INTO t VALUES ({number}, REPEAT('ab', 1000000), 0)" for number in range(20)))
    two.behind("UPDATE t SET n = 1")
    tracemalloc.start()
    try:
        two.check_all_repaired()
        assert tracemalloc.get_traced_memory()[1] < 20 * 2_000_000, "less than all of them"
    finally:
        tracemalloc.stop()


def test_a_row_that_the_targets_packets_do_not_hold_is_told_with_what_to_raise(two: Repairing) -> None:
    two.run("CREATE TABLE t (id INT PRIMARY KEY, v LONGBLOB)", "INSERT INTO t VALUES (1, REPEAT('x', 2000000))")
    two.behind("DELETE FROM t")
    packet = "SET GLOBAL max_allowed_packet = "
    [(before,)] = two.rows("SELECT @@GLOBAL.max_allowed_packet")
    two.behind(f"{packet} 1048576")
    try:
        assert len(two.found().rows) == 1
        two.stand()
        [table] = two.repaired().tables
        assert "max_allowed_packet of 1048576" in table.problem and "raise that on the target" in table.problem
    finally:
        two.behind(f"{packet} {before}")
    two.check_all_repaired()


def test_a_repair_waits_while_tables_of_the_source_are_altered(two: Repairing) -> None:
    """A snapshot shows what an exchange or drop of a partition has left."""
    parts = "PARTITION BY RANGE (a) (PARTITION x VALUES LESS THAN (10), PARTITION y VALUES LESS THAN (20))"
    two.run(f"CREATE TABLE t (a INT PRIMARY KEY, v INT) {parts}", "INSERT INTO t VALUES (1, 1), (2, 2), (11, 11)")
    two.behind("UPDATE t SET v = 5 WHERE a = 1")
    assert len(two.found().rows) == 1
    two.stand()
    plan = ComparePlan(job=two.schema, repairs=True)
    with closing(MySQLRepairer(two.source, two.target, two.selection, plan)) as made:
        made.prepare()
        made.open_source()
        two.run("ALTER TABLE t DROP PARTITION x", on=two.source)
        with pytest.raises(Transient, match="altered"):
            made.open_target()
    assert two.rows("SELECT * FROM t ORDER BY a") == [(1, 5), (2, 2), (11, 11)], "the log has them dropped"
