"""Every difference between two servers is found with its key, and nothing else, whatever the rows are made of."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.drivers.mysql.compare.comparing import Found, Two
from udup.base.errors import UdupError
from udup.drivers.mysql.apply import ahead
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.compare.comparer import ALTERED_TRIES, MySQLComparer
from udup.drivers.mysql.compare.tables import UNKNOWN
from udup.drivers.mysql.compare.unsettled import READINGS
from udup.pipeline.ports.compare import ComparePlan, Kind
from udup.pipeline.positions import AheadNote, AheadNotes
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer

_NUMBERS = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 997) SELECT"


@pytest.fixture
def two(source: MysqlServer, target: MysqlServer, schema: str) -> Two:
    return Two(source.endpoint, target.endpoint, schema)


#: A column's type, a value, and another that a careless comparison takes for the same.
LOOKALIKES = [
    ("FLOAT", "0.1", "0.10000001"),
    ("DOUBLE", "1e0", "1.0000000000000002e0"),
    ("DOUBLE", "0e0", "-0e0"),
    ("FLOAT", "0e0", "-0e0"),
    ("VARCHAR(20)", "NULL", "'NULL'"),
    ("VARCHAR(20)", "NULL", "'N'"),
    ("VARCHAR(20)", "''", "NULL"),
    ("VARCHAR(20)", "'a'", "'A'"),
    ("VARCHAR(20)", "'a'", "'á'"),
    ("VARCHAR(20)", "'a'", "'a '"),
    ("VARCHAR(20) COLLATE utf8mb4_general_ci", "'a'", "'a '"),
    ("TEXT COLLATE utf8mb4_general_ci", "'a'", "'a '"),
    ("VARBINARY(20)", "x'00'", "x'0000'"),
    ("VARCHAR(2000) CHARACTER SET latin1", "REPEAT('ä', 2000)", "REPEAT('a', 2000)"),
    ("BIT(9)", "b'1'", "b'100000001'"),
    ("ENUM('a', 'A ', 'b') COLLATE utf8mb4_bin", "1", "3"),
    ("SET('a', 'b')", "1", "2"),
    ("DECIMAL(30, 10)", "1.0000000001", "1.0000000002"),
    ("DATETIME(6)", "'2026-01-01 00:00:00.000001'", "'2026-01-01 00:00:00.000002'"),
    ("DATE", "'2026-02-31'", "'2026-03-03'"),
    ("TIMESTAMP(3) NULL", "'2026-01-01 00:00:00.001'", "'2026-01-01 00:00:00.002'"),
    ("TIME(3)", "'12:00:00.001'", "'-12:00:00.001'"),
    ("YEAR", "2024", "1924"),
    ("JSON", "'{\"a\": 1}'", "'{\"a\": 1.0}'"),
    ("JSON", "'null'", "NULL"),
    ("JSON", "JSON_OBJECT('a', CAST('2024-02-29' AS DATE))", "JSON_OBJECT('a', '2024-02-29')"),
    ("JSON", "JSON_ARRAY(1.0)", "JSON_ARRAY(1.0e0)"),
    ("JSON", "CAST(CAST('2024-02-29' AS DATE) AS JSON)", "JSON_QUOTE('2024-02-29')"),
    ("GEOMETRY", "POINT(1, 2)", "ST_SRID(POINT(1, 2), 4326)"),
    ("LONGBLOB", "REPEAT('x', 100000)", "CONCAT(REPEAT('x', 99999), 'y')"),
    ("BIGINT UNSIGNED", "18446744073709551615", "18446744073709551614"),
    ("INT(5) ZEROFILL", "42", "43"),
    ("VECTOR(2)", "STRING_TO_VECTOR('[1, 2]')", "STRING_TO_VECTOR('[1, 2.0000002]')"),
]


def test_of_values_that_look_alike_each_that_differs_is_told_and_no_other(two: Two) -> None:
    for number, (kind, one, other) in enumerate(LOOKALIKES):
        two.run(
            f"CREATE TABLE t{number} (id INT PRIMARY KEY, v {kind}, w {kind}) CHARSET utf8mb4",
            f"INSERT INTO t{number} VALUES (1, {one}, {one}), (2, {one}, {one}), (3, {other}, {other})",
        )
    assert two.compared().rows == []
    for number, (_kind, _one, other) in enumerate(LOOKALIKES):
        two.behind(
            f"DELETE FROM t{number} WHERE id = 2",
            f"INSERT INTO t{number} SELECT 2, v, {other} FROM t{number} WHERE id = 1",
        )
    found = two.compared()
    assert found.brief() == {(f"t{number}", "2", "differs", 1) for number in range(len(LOOKALIKES))}
    assert all([column.name for column in each.columns] == ["w"] for each in found.rows)
    shown = {LOOKALIKES[int(each.table[1:])][:2]: each.columns[0] for each in found.rows}
    assert (shown["VARCHAR(20)", "'a'"].source, shown["VARCHAR(20)", "'a'"].target) == ("a", "a ")
    assert shown["DOUBLE", "1e0"].target == "1.0000000000000002"
    assert (shown["VARCHAR(20)", "''"].source, shown["VARCHAR(20)", "''"].target) == ("", None)


def test_rows_that_are_gone_changed_or_too_much_are_found_wherever_they_lie(two: Two) -> None:
    two.run("CREATE TABLE t (a INT, b VARCHAR(9), v INT, PRIMARY KEY (a, b))")
    two.run(f"INSERT INTO t {_NUMBERS} i * 10, CONCAT('x', i), i FROM n")
    two.behind(
        "DELETE FROM t WHERE a = 10",
        "UPDATE t SET v = v + 1 WHERE a = 5000",
        "DELETE FROM t WHERE a = 9970",
        "INSERT INTO t VALUES (-5, 'before', 1), (4995, 'between', 2), (99999, 'behind', 3)",
    )
    found = two.compared(plan=ComparePlan(chunk_rows=100))
    assert found.brief() == {
        ("t", "10, x1", "missing", 1),
        ("t", "5000, x500", "differs", 1),
        ("t", "9970, x997", "missing", 1),
        ("t", "-5, before", "extra", 1),
        ("t", "4995, between", "extra", 1),
        ("t", "99999, behind", "extra", 1),
    }
    [table] = found.tables
    assert (table.differences, table.problem, table.unsearched) == (6, "", 0) and table.rows >= 997
    two.run("DELETE FROM t", on=two.source)
    assert len(two.compared().rows) == 998, "an empty source: all that the target has is too much"


def test_keys_that_a_collation_takes_for_the_same_are_told_by_their_bytes(two: Two) -> None:
    two.run("CREATE TABLE t (k VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, v INT)")
    two.run(f"INSERT INTO t {_NUMBERS} CONCAT('k', i), i FROM n")
    two.behind("UPDATE t SET k = 'K50' WHERE k = 'k50'", "UPDATE t SET k = 'k60 ' WHERE k = 'k60'")
    two.behind("UPDATE t SET k = 'ḱ70' WHERE k = 'k70'")
    kinds = {(each.key, str(each.kind)) for each in two.compared(plan=ComparePlan(chunk_rows=10)).rows}
    assert kinds == {
        *(("k50", "missing"), ("K50", "extra"), ("k60", "missing"), ("k60 ", "extra")),
        *(("k70", "missing"), ("ḱ70", "extra")),
    }


def test_rows_of_a_table_without_a_key_are_counted(two: Two) -> None:
    two.run("CREATE TABLE t (a INT, b VARCHAR(9))", f"INSERT INTO t {_NUMBERS} i DIV 2, IF(i % 3, 'x', NULL) FROM n")
    two.run("INSERT INTO t VALUES (7001, 'twice'), (7002, 'once'), (7002, 'once')")
    assert two.compared().rows == []
    two.behind("INSERT INTO t VALUES (7001, 'twice'), (7001, 'twice')", "DELETE FROM t WHERE a = 7002 LIMIT 1")
    two.behind("UPDATE t SET b = '' WHERE a = 3 AND b IS NULL")
    assert two.compared().brief() == {
        *(("t", "7001, twice", "extra", 2), ("t", "7002, once", "missing", 1)),
        *(("t", "3, NULL", "missing", 1), ("t", "3, ", "extra", 1)),
    }


def test_what_differs_everywhere_is_told_without_being_held(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    from udup.drivers.mysql.compare import multisets, ranges

    most: list[int] = []
    rows = ranges.Side.rows
    monkeypatch.setattr(ranges, "ROWS_AT_ONCE", 20)
    monkeypatch.setattr(ranges, "CUT_ROWS", 10)
    monkeypatch.setattr(multisets, "HELD_ROWS", 100)
    monkeypatch.setattr(multisets, "BUCKET_ROWS", 20)
    monkeypatch.setattr(multisets, "PASSES", 3)

    def counted(side: ranges.Side, where: str) -> dict[tuple[str, ...], str]:
        found = rows(side, where)
        most.append(len(found))
        return found

    monkeypatch.setattr(ranges.Side, "rows", counted)
    two.run("CREATE TABLE k (a INT PRIMARY KEY, v INT)", "CREATE TABLE n (a INT, v INT)")
    for table in ("k", "n"):
        two.run(f"INSERT INTO {table} {_NUMBERS} i * 1000, i FROM n WHERE i <= 300")
        two.behind(f"UPDATE {table} SET v = -v", f"INSERT INTO {table} {_NUMBERS} 150000 + i, i FROM n WHERE i <= 300")
    found = two.compared(plan=ComparePlan(chunk_rows=100))
    keyed = [each for each in found.rows if each.table == "k"]
    assert {kind: sum(each.kind is kind for each in keyed) for kind in Kind} == {
        Kind.MISSING: 0,
        Kind.EXTRA: 300,
        Kind.DIFFERS: 300,
    }
    assert max(most) <= 20
    [table] = [each for each in found.tables if each.table == "n"]
    assert table.unsearched > 0 and 0 < table.differences < 900, "what is not told is counted"


def test_what_the_job_means_to_be_there_is_compared(two: Two) -> None:
    """Renamed, filtered, with other columns: the rows that pass, under their new names, and no others."""
    two.run("CREATE TABLE s (id INT PRIMARY KEY, region VARCHAR(5), v INT, w INT)", on=two.source)
    two.behind("CREATE TABLE d (v BIGINT, number INT PRIMARY KEY, more INT DEFAULT 5)")
    two.run("INSERT INTO s VALUES (1, 'eu', 10, 0), (2, 'us', 20, 0), (3, 'eu', 30, 0), (4, NULL, 1, 1)", on=two.source)
    two.behind("INSERT INTO d (v, number) VALUES (10, 1), (30, 3)")
    rule = NameRule("s", rename="d", where="region = 'eu'", columns=(("v", "v"), ("id", "number")))
    selection = Selection((SchemaRule(two.schema, tables=(rule,)),))
    assert two.compared(selection).rows == []
    two.behind("INSERT INTO d (v, number) VALUES (20, 2)", "UPDATE d SET v = 31 WHERE number = 3")
    found = two.compared(selection)
    assert found.brief() == {("s", "2", "extra", 1), ("s", "3", "differs", 1)}
    [column] = next(each.columns for each in found.rows if each.kind is Kind.DIFFERS)
    assert (column.name, column.source, column.target) == ("v", "30", "31")


def test_partitions_invisible_and_generated_columns_are_compared(two: Two) -> None:
    two.run(
        "CREATE TABLE p (a INT PRIMARY KEY, v INT) PARTITION BY HASH (a) PARTITIONS 3",
        "CREATE TABLE i (a INT PRIMARY KEY, v INT INVISIBLE)",
        "INSERT INTO p VALUES (1, 1), (2, 2), (3, 3)",
        "INSERT INTO i (a, v) VALUES (1, 1), (2, 2)",
    )
    two.run("CREATE TABLE g (a INT PRIMARY KEY, v INT, w INT AS (v + 1) STORED, x INT AS (v * 2))", on=two.source)
    two.behind("CREATE TABLE g (a INT PRIMARY KEY, v INT, w INT AS (v + 2) STORED, x INT AS (v * 2))")
    two.run("INSERT INTO g (a, v) VALUES (1, 1)")
    two.behind("UPDATE p SET v = 4 WHERE a = 2", "UPDATE i SET v = NULL WHERE a = 2")
    found = two.compared()
    assert found.brief() == {("p", "2", "differs", 1), ("i", "2", "differs", 1), ("g", "1", "differs", 1)}
    [computed] = [each for each in found.rows if each.table == "g"]
    assert computed.computed and [column.name for column in computed.columns] == ["w"]


def test_the_snapshots_are_compared_whatever_is_written_meanwhile(two: Two) -> None:
    two.run("CREATE TABLE t (a INT PRIMARY KEY, v INT)", f"INSERT INTO t {_NUMBERS} i, i FROM n")
    two.run("CREATE TABLE other (a INT PRIMARY KEY)", "CREATE TABLE altered (a INT PRIMARY KEY)")

    def write() -> None:
        two.run("UPDATE t SET v = v + 1", "DELETE FROM t WHERE a > 500", "INSERT INTO other VALUES (1)", on=two.source)
        two.behind("UPDATE t SET v = -1", "ALTER TABLE altered ADD COLUMN b INT, ADD INDEX (b), ALGORITHM = COPY")

    found = two.compared(opened=write)
    assert found.rows == []
    problems = {table.table: table.problem for table in found.tables}
    assert set(problems.values()) == {""} and found.snapshots > 1, "what was altered is compared in the next snapshot"


def test_a_table_that_is_altered_under_each_snapshot_is_told_and_not_waited_for(two: Two) -> None:
    two.run("CREATE TABLE altered (a INT PRIMARY KEY, b INT)")
    found = Found()
    with closing(MySQLComparer(two.source, two.target, Selection.of([(two.schema, [])]), ComparePlan())) as comparer:
        done = False
        while not done:
            comparer.prepare()
            comparer.open_source()
            comparer.open_target()
            two.run("ALTER TABLE altered FORCE, ALGORITHM = COPY")
            done = comparer.compare(found.told, 60)
            found.snapshots += 1
    assert [(each.table, "definition changed" in each.problem) for each in found.tables] == [("altered", True)]
    assert found.snapshots == ALTERED_TRIES and found.definitions == []


#: What changes a definition, for the most part without touching a row.
ALTERS = (
    "ADD COLUMN c INT DEFAULT 5, ALGORITHM = INSTANT",
    "DROP COLUMN v, ALGORITHM = INSTANT",
    "RENAME COLUMN v TO w",
    "ADD COLUMN g INT AS (a + 1) VIRTUAL",
    "ALTER COLUMN v SET DEFAULT 7",
    "MODIFY COLUMN e ENUM('a', 'b', 'c')",
    "MODIFY COLUMN v BIGINT",
    "DROP PRIMARY KEY, ADD PRIMARY KEY (v, a)",
    "ADD UNIQUE INDEX (v)",
    "RENAME TO renamed",
)


@pytest.mark.parametrize("both", [True, False])
def test_tables_that_are_altered_behind_the_snapshots_tell_no_difference(two: Two, both: bool) -> None:
    """Before the definitions are read: of the source alone, or of the target as well, which has it by the log."""
    for number in range(len(ALTERS)):
        two.run(f"CREATE TABLE t{number} (a INT PRIMARY KEY, v INT NOT NULL, e ENUM('a', 'b'))")
        two.run(f"INSERT INTO t{number} VALUES (1, 10, 'a'), (2, 20, 'b')")
    two.run("CREATE TABLE dropped (a INT PRIMARY KEY)", "CREATE TABLE emptied (a INT PRIMARY KEY)")
    two.run("INSERT INTO dropped VALUES (1)", "INSERT INTO emptied VALUES (1)")
    parts = "PARTITION BY RANGE (a) (PARTITION x VALUES LESS THAN (10), PARTITION y VALUES LESS THAN (20))"
    for table in ("swapped", "cut"):
        two.run(f"CREATE TABLE {table} (a INT PRIMARY KEY) {parts}", f"INSERT INTO {table} VALUES (1), (11)")
    two.run("CREATE TABLE apart (a INT PRIMARY KEY)", "INSERT INTO apart VALUES (2), (3)")

    def alter() -> None:
        statements = [f"ALTER TABLE t{number} {alter}" for number, alter in enumerate(ALTERS)]
        statements += ["DROP TABLE dropped", "TRUNCATE TABLE emptied", "CREATE TABLE made (a INT PRIMARY KEY)"]
        statements += ["ALTER TABLE swapped EXCHANGE PARTITION x WITH TABLE apart", "ALTER TABLE cut DROP PARTITION x"]
        two.run(*statements, "INSERT INTO made VALUES (1)", on=None if both else two.source)

    found = Found()
    with closing(MySQLComparer(two.source, two.target, Selection.of([(two.schema, [])]), ComparePlan())) as comparer:
        comparer.prepare()
        comparer.open_source()
        comparer.open_target()
        alter()
        comparer.compare(found.told, 60)
    assert found.rows == []
    assert not {table.table for table in found.tables if table.problem}, "the next snapshot has them"
    assert not {table.table for table in found.tables} & {"made", "renamed"}


def test_it_goes_on_where_it_stopped(two: Two) -> None:
    two.run("CREATE TABLE t (a INT PRIMARY KEY, v INT)", f"INSERT INTO t {_NUMBERS} i, i FROM n")
    two.run("CREATE TABLE u (a INT PRIMARY KEY)", "CREATE TABLE v (a INT)")
    two.behind("UPDATE t SET v = 0 WHERE a IN (5, 505, 995)")
    found, rounds, plan = Found(), 0, ComparePlan(chunk_rows=300)
    with closing(MySQLComparer(two.source, two.target, Selection.of([(two.schema, [])]), plan)) as comparer:
        done = False
        while not done:
            comparer.prepare()
            comparer.open_source()
            comparer.open_target()
            done = comparer.compare(found.told, 0)
            rounds += 1
    assert rounds >= 4, "a chunk each, as there is no time"
    assert found.brief() == {("t", str(key), "differs", 1) for key in (5, 505, 995)}
    assert [(each.table, each.differences) for each in found.tables] == [("t", 3), ("u", 0), ("v", 0)]


def test_a_table_that_cannot_be_compared_says_why(two: Two) -> None:
    two.run("CREATE TABLE c (a INT PRIMARY KEY, b INT, c INT)")
    two.run("CREATE TABLE gone (a INT PRIMARY KEY)", on=two.source)
    two.behind("ALTER TABLE c DROP COLUMN c")
    problems = {table.table: table.problem for table in two.compared().tables}
    assert problems["gone"] == "the target has no such table"
    assert problems["c"] == "the target lacks columns: c"


def test_of_tables_without_transactions_what_differs_for_long_is_told(two: Two) -> None:
    for engine in ("MyISAM", "MEMORY", "ARCHIVE"):
        key = "" if engine == "ARCHIVE" else " PRIMARY KEY"
        two.run(f"CREATE TABLE {engine} (a INT{key}, v INT) ENGINE = {engine}")
        two.run(f"INSERT INTO {engine} {_NUMBERS} i, i FROM n")
    two.run("CREATE TABLE kept (a INT PRIMARY KEY, v INT) ENGINE = MyISAM", on=two.source)
    two.behind("CREATE TABLE kept (a INT PRIMARY KEY, v INT)")
    equal = two.compared()
    assert equal.rows == [] and [each.problem for each in equal.tables] == [""] * 4
    assert sum(each.rows for each in equal.tables) == 3 * 997
    two.behind(
        "UPDATE MyISAM SET v = 0 WHERE a = 7", "DELETE FROM MEMORY WHERE a = 8", "INSERT INTO ARCHIVE VALUES (0, 0)"
    )
    lasting = {("MyISAM", "7", "differs", 1), ("MEMORY", "8, 8", "missing", 1), ("ARCHIVE", "0, 0", "extra", 1)}
    assert two.compared().brief() == lasting
    found = Found()
    with closing(MySQLComparer(two.source, two.target, Selection.of([(two.schema, [])]), ComparePlan())) as comparer:
        done = False
        while not done:
            found.snapshots += 1
            two.run("UPDATE MyISAM SET v = v + 1 WHERE a = 20", on=two.source)  # the target has not got it yet
            comparer.prepare()
            comparer.open_source()
            comparer.open_target()
            done = comparer.compare(found.told, 60)
    assert found.brief() == lasting, "a row that is written is not told"
    problems = {table.table: table.problem for table in found.tables}
    assert problems.pop("MyISAM").startswith("1 of its rows were written") and set(problems.values()) == {""}
    assert found.snapshots == READINGS and sum(each.differences for each in found.tables) == 3


def test_a_table_that_the_job_does_not_have_is_told_and_not_taken_for_equal(two: Two) -> None:
    two.run("CREATE TABLE t (a INT PRIMARY KEY)")
    names = (f"{two.schema}.t", f"{two.schema}.nope", f"{two.schema}.*", f"{two.schema}.t")
    told = two.compared(plan=ComparePlan(names)).tables
    assert [(each.table, each.problem) for each in told] == [("t", ""), ("nope", UNKNOWN), ("*", UNKNOWN)]


def test_long_values_are_compared_and_shown_in_part(two: Two) -> None:
    two.run("CREATE TABLE t (a INT PRIMARY KEY, v LONGTEXT, w LONGBLOB)", "CREATE TABLE n (v LONGTEXT)")
    two.run("INSERT INTO t VALUES (1, REPEAT('x', 4000000), REPEAT('y', 4000000)), (2, 'short', NULL)")
    two.run("INSERT INTO n VALUES (REPEAT('x', 4000000))")
    assert two.compared().rows == []
    two.behind("UPDATE t SET v = CONCAT(REPEAT('x', 3999999), 'X') WHERE a = 1", "UPDATE n SET v = CONCAT(v, 'X')")
    found = two.compared()
    assert {(each.table, str(each.kind)) for each in found.rows} == {("t", "differs"), ("n", "missing"), ("n", "extra")}
    [column] = next(each.columns for each in found.rows if each.table == "t")
    assert column.source == column.target == "x" * 200


def test_a_rate_bounds_how_fast_rows_are_read(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    from udup.drivers.mysql.compare import both

    waited: list[float] = []

    class Event:
        def wait(self, seconds: float) -> None:
            waited.append(seconds)

        def is_set(self) -> bool:
            return False

    now = [0.0]
    monkeypatch.setattr(both.runtime, "now", lambda: now[0])
    pace = both.Pace(1000, Event())  # type: ignore[arg-type]
    pace.spend(500)
    now[0] = 0.5
    pace.spend(2000)
    now[0] = 10.0
    pace.spend(1)
    assert waited == pytest.approx([0.5, 2.0, 0.001])


def test_tables_that_are_ahead_of_the_job_are_left_out_until_it_has_come_up(two: Two) -> None:
    two.run("CREATE TABLE ahead (id INT PRIMARY KEY)", "CREATE TABLE level (id INT PRIMARY KEY)")
    two.behind("INSERT INTO ahead VALUES (1)", "INSERT INTO level VALUES (1)")
    only, plan = Selection.of([(two.schema, ["ahead"])]), ComparePlan(job=two.schema)
    assert len(two.compared(plan=plan).rows) == 2, "a target that has no notes at all"
    with closing(connect(two.source)) as source, closing(connect(two.target)) as target:
        query(target, "CREATE DATABASE IF NOT EXISTS udup CHARACTER SET utf8mb4")
        query(target, ahead.CREATE)
        later = GtidSet.parse("11111111-2222-3333-4444-555555555555:1-7")
        ahead.write(target, two.schema, AheadNotes([AheadNote(only, later)]))
        found = two.compared(plan=plan)
        assert [(row.table, row.key) for row in found.rows] == [("level", "1")]
        assert [table.table for table in found.tables if "ahead of the job's other tables" in table.problem] == [
            "ahead"
        ]
        reached = GtidSet.parse(str(query(source, "SELECT @@gtid_executed")[0][0]))
        ahead.write(target, two.schema, AheadNotes([AheadNote(only, reached)]))
        assert len(two.compared(plan=plan).rows) == 2, "the job has come up"
        ahead.forget_all(target, two.schema)


def test_a_comparison_goes_on_when_the_connection_of_its_definitions_was_lost(two: Two) -> None:
    two.run("CREATE TABLE t (a INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 1)")
    two.behind("ALTER TABLE t ADD INDEX (v)")
    found, lost = Found(), 0
    with closing(MySQLComparer(two.source, two.target, Selection.of([(two.schema, [])]), ComparePlan())) as comparer:
        ended = False
        while not ended:
            try:
                comparer.prepare()
                comparer.open_source()
                comparer.open_target()
                ended = comparer.compare(found.told, 60)
            except UdupError:
                lost += 1
                assert lost == 1
            if not ended and not lost:
                two.behind(f"KILL {comparer._definitions._open().thread_id()}")
    assert lost == 1 and len(found.tables) == 1 and found.rows == []
