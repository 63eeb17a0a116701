"""What becomes of rows that pass a filter, before a change or after it, on the target."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from tests.applied import apply_all, records, run, session
from udup.base.errors import Unsupported
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.filters.asking import FilterServer
from udup.drivers.mysql.filters.shaper import Shapers
from udup.pipeline.records import Part, Skipped, Transaction
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer

WHERE = "region = 'eu' AND n >= 10"

COLUMNS = "id INT PRIMARY KEY, region VARCHAR(10), n INT, doc JSON, b BLOB, UNIQUE (n, id)"


@pytest.fixture(autouse=True)
def names_in_the_log(source: MysqlServer) -> Iterator[None]:
    run(source.endpoint, "SET GLOBAL binlog_row_metadata = 'FULL'")
    yield
    run(source.endpoint, "SET GLOBAL binlog_row_metadata = 'MINIMAL'")


@pytest.fixture
def tables(source: MysqlServer, target: MysqlServer, schema: str) -> str:
    """Table t with a filter and table o without one, on both."""
    for server in (source, target):
        run(server.endpoint, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t ({COLUMNS})")
        run(server.endpoint, f"CREATE TABLE {schema}.o ({COLUMNS})")
    return schema


def chosen(schema: str, where: str = WHERE) -> Selection:
    return Selection((SchemaRule(schema, tables=(NameRule("t", where=where), NameRule("o"))),))


def rows(server: MysqlServer, table: str, where: str = "TRUE") -> list[tuple[object, ...]]:
    with closing(connect(server.endpoint)) as connection:
        return query(connection, f"SELECT id, region, n, CAST(doc AS CHAR), b FROM {table} WHERE {where} ORDER BY id")


def carried(
    source: MysqlServer, target: MysqlServer, schema: str, *statements: str, where: str = WHERE
) -> list[object]:
    """Run the statements and apply what the log has of them; the records."""
    before = run(source.endpoint, f"USE {schema}", *statements)
    made = records(source.endpoint, before, chosen(schema, where))
    with session(target.endpoint, schema) as (opened, position):
        apply_all(opened, position, made)
    assert rows(target, f"{schema}.t") == rows(source, f"{schema}.t", where)
    assert rows(target, f"{schema}.o") == rows(source, f"{schema}.o")
    return list(made)


def test_rows_move_into_a_filter_and_out_of_it(source: MysqlServer, target: MysqlServer, tables: str) -> None:
    carried(
        *(source, target, tables),
        "INSERT INTO t VALUES (1, 'eu', 10, '{}', 'x'), (2, 'us', 10, NULL, NULL)",
        "INSERT INTO t VALUES (3, 'EU', 9, NULL, 'y'), (4, NULL, 99, NULL, '')",
        "UPDATE t SET region = 'eu' WHERE id = 2",
        "UPDATE t SET n = n + 1",
        "UPDATE t SET region = NULL WHERE id = 1",
        "UPDATE t SET region = 'eu'",
        "DELETE FROM t WHERE id IN (1, 3)",
        "DELETE FROM t WHERE id = 4",
    )


def test_one_update_inserts_updates_and_deletes_in_the_order_of_its_rows(
    source: MysqlServer, target: MysqlServer, tables: str
) -> None:
    """Each row takes the key that the one before it gave up."""
    carried(
        *(source, target, tables),
        "INSERT INTO t VALUES (1, 'eu', 10, NULL, 'a'), (2, 'us', 10, NULL, 'b')",
        "INSERT INTO t VALUES (3, 'eu', 20, NULL, 'c'), (4, 'eu', 5, NULL, 'd')",
        "UPDATE t SET id = id + 1, region = IF(region = 'eu', 'us', 'eu'), n = n + 6 ORDER BY id DESC",
        "UPDATE t SET id = id - 1, region = IF(region = 'eu', 'us', 'eu'), n = n - 1 ORDER BY id",
    )


def test_a_statement_ends_where_its_last_rows_are_left_out(
    source: MysqlServer, target: MysqlServer, tables: str
) -> None:
    carried(
        *(source, target, tables),
        "INSERT INTO o VALUES (1, 'eu', 10, NULL, NULL), (2, 'us', 1, NULL, NULL)",
        "INSERT INTO t VALUES (1, 'us', 10, NULL, NULL), (2, 'us', 1, NULL, NULL)",
        "UPDATE o, t SET o.n = 50, t.n = 50 WHERE o.id = t.id",
        "UPDATE t, o SET o.n = 51, t.n = 51 WHERE o.id = t.id",
        "BEGIN",
        "UPDATE t SET n = 52",
        "UPDATE o, t SET o.n = 53, t.region = 'eu' WHERE o.id = t.id",
        "COMMIT",
        "DELETE t, o FROM t JOIN o USING (id)",
    )


def test_a_transaction_of_rows_that_do_not_pass_is_skipped(
    source: MysqlServer, target: MysqlServer, tables: str
) -> None:
    made = carried(source, target, tables, "INSERT INTO t VALUES (1, 'us', 10, NULL, NULL)", "UPDATE t SET n = 11")
    assert not [each for each in made if isinstance(each, Transaction)]
    assert any(isinstance(each, Skipped) for each in made)


def test_an_event_whose_rows_all_pass_is_the_bytes_of_the_log(
    source: MysqlServer, target: MysqlServer, tables: str
) -> None:
    statements = (
        "INSERT INTO t VALUES (1, 'eu', 10, '{\"a\": 1}', 'x'), (2, 'eu', 11, NULL, NULL)",
        "UPDATE t SET n = n + 1",
    )
    before = run(source.endpoint, f"USE {tables}", *statements)
    filtered, whole = (
        [each.events for each in records(source.endpoint, before, selection) if isinstance(each, Transaction)]
        for selection in (chosen(tables), Selection.of([(tables, [])]))
    )
    assert filtered == whole


def test_a_transaction_is_asked_about_once_however_many_statements_it_has(source: MysqlServer, tables: str) -> None:
    statements = [f"INSERT INTO t VALUES ({n}, 'r{n}', 10, NULL, NULL)" for n in range(50)]
    before = run(source.endpoint, f"USE {tables}", "BEGIN", *statements, "COMMIT")
    server = FilterServer(source.endpoint)
    shapers = Shapers(chosen(tables), server)
    records(source.endpoint, before, chosen(tables), shapers)
    assert server.asked == 1


def test_a_large_transaction_leaves_in_parts(source: MysqlServer, target: MysqlServer, tables: str) -> None:
    many = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 900)"
    made = carried(
        *(source, target, tables),
        "BEGIN",
        f"INSERT INTO t {many} SELECT n, IF(n % 2, 'eu', 'us'), n, NULL, REPEAT('x', 3000) FROM n",
        "UPDATE t SET region = IF(id % 3, 'eu', 'us')",
        "COMMIT",
    )
    assert len([each for each in made if isinstance(each, Part)]) > 1


def test_parts_of_a_document_that_moves_in_or_stays_beside_others_are_made_whole(
    source: MysqlServer, target: MysqlServer, tables: str
) -> None:
    carried(
        *(source, target, tables),
        "SET SESSION binlog_row_value_options = PARTIAL_JSON",
        *(
            f'INSERT INTO t VALUES ({n}, \'eu\', {9 + n % 3}, \'{{"a": 1, "b": "{"x" * 200}"}}\', NULL)'
            for n in range(6)
        ),
        "UPDATE t SET doc = JSON_SET(doc, '$.a', id)",
        "UPDATE t SET doc = JSON_SET(doc, '$.a', 7), n = n + 1",
        "UPDATE t SET doc = JSON_REMOVE(doc, '$.a'), n = n - 1",
    )


def test_a_filter_over_a_document(source: MysqlServer, target: MysqlServer, tables: str) -> None:
    carried(
        *(source, target, tables),
        "SET SESSION binlog_row_value_options = PARTIAL_JSON",
        'INSERT INTO t VALUES (1, NULL, 1, \'{"kind": "a", "pad": "xxxxxxxxxxxxxxxxxxxxx"}\', NULL)',
        "INSERT INTO t VALUES (2, NULL, 2, '{}', NULL)",
        "UPDATE t SET doc = JSON_SET(doc, '$.kind', 'b')",
        "UPDATE t SET doc = JSON_SET(doc, '$.kind', 'a')",
        where="doc->>'$.kind' = 'a'",
    )


def _statement(chance: random.Random) -> str:
    where = chance.choice(["", f" WHERE id % 3 = {chance.randrange(3)}", f" WHERE id = {chance.randrange(20)}"])
    region = chance.choice(["'eu'", "'us'", "NULL", "'EU '", "IF(id % 2, 'eu', 'x')", "region"])
    match chance.randrange(5):
        case 0 | 1:
            new = region.replace("id", "1").replace("region", "NULL")
            return f"INSERT IGNORE INTO t VALUES ({chance.randrange(20)}, {new}, {chance.randrange(20)}, NULL, 'b')"
        case 2 | 3:
            return f"UPDATE t SET region = {region}, n = (n * 7 + {chance.randrange(9)}) % 20{where}"
    return f"DELETE FROM t{where or ' WHERE id % 5 = 1'}"


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_the_target_has_the_rows_that_pass(
    source: MysqlServer, target: MysqlServer, tables: str, seed: int
) -> None:
    chance = random.Random(seed)
    statements: list[str] = []
    while len(statements) < 120:
        some = [_statement(chance) for _ in range(chance.randrange(1, 6))]
        statements += ["BEGIN", *some, "COMMIT"] if chance.random() < 0.5 else some
    carried(source, target, tables, *statements)


@pytest.mark.parametrize("image", ["MINIMAL", "NOBLOB"])
@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("INSERT INTO t (id, n, region) VALUES (9, 10, 'eu')", ""),
        ("INSERT INTO t (id, n) VALUES (9, 10)", "logged without region"),
        ("UPDATE t SET n = 4 WHERE id = 1", "logged without region"),
        ("DELETE FROM t WHERE id = 1", "logged without region"),
    ],
)
def test_a_session_that_logs_less_than_the_filter_looks_at_stops_the_job(
    source: MysqlServer, tables: str, image: str, statement: str, problem: str
) -> None:
    before = run(
        source.endpoint,
        f"USE {tables}",
        "INSERT INTO t VALUES (1, 'eu', 10, NULL, 'x')",
        f"SET SESSION binlog_row_image = {image}",
        statement,
    )
    if not problem or image == "NOBLOB":
        assert records(source.endpoint, before, chosen(tables))
        return
    with pytest.raises(Unsupported, match=rf"{problem}.*binlog_row_image = 'FULL'") as error:
        records(source.endpoint, before, chosen(tables))
    assert error.value.gtid


def test_a_row_that_moves_in_must_be_whole_in_the_log(source: MysqlServer, tables: str) -> None:
    before = run(
        source.endpoint,
        f"USE {tables}",
        "INSERT INTO t VALUES (1, 'us', 10, NULL, 'x')",
        "SET SESSION binlog_row_image = NOBLOB",
        "UPDATE t SET region = 'eu' WHERE id = 1",
    )
    with pytest.raises(Unsupported, match=r"moves a row into its filter .* logged without (doc|b); SET PERSIST"):
        records(source.endpoint, before, chosen(tables))


@pytest.mark.parametrize(
    ("ddl", "problem"),
    [
        ("ALTER TABLE t DROP COLUMN region", "changes region of"),
        ("ALTER TABLE t ADD COLUMN x INT, MODIFY COLUMN `Region` VARCHAR(20)", "changes Region of"),
        ("ALTER TABLE t CHANGE region place VARCHAR(10)", "changes region of"),
        ("ALTER TABLE t RENAME COLUMN n TO m", "changes n of"),
        ("ALTER TABLE t CONVERT TO CHARACTER SET latin1", "changes which rows of"),
        ("RENAME TABLE t TO o2, o TO t, o2 TO o", "has another Where in the job"),
        ("ALTER TABLE t ADD COLUMN k INT AUTO_INCREMENT, ADD KEY (k)", "numbers the rows of"),
    ],
)
def test_a_definition_that_changes_what_a_filter_means_stops_the_job(
    source: MysqlServer, tables: str, ddl: str, problem: str
) -> None:
    before = run(source.endpoint, f"USE {tables}", ddl)
    with pytest.raises(Unsupported, match=rf"{problem}.*give the job another ID"):
        records(source.endpoint, before, chosen(tables))


def test_other_definitions_are_carried(source: MysqlServer, target: MysqlServer, tables: str) -> None:
    ddl = (
        "ALTER TABLE t ADD COLUMN x INT DEFAULT 3 FIRST, DROP COLUMN doc, ADD KEY (region)",
        "ALTER TABLE t MODIFY x BIGINT, ALTER COLUMN n SET DEFAULT 5",
        "ALTER TABLE t DEFAULT CHARACTER SET latin1",
    )
    before = run(
        source.endpoint,
        f"USE {tables}",
        "INSERT INTO t VALUES (1, 'eu', 10, NULL, NULL)",
        *ddl,
        "INSERT INTO t VALUES (9, 2, 'eu', 10, NULL), (9, 3, 'us', 10, NULL)",
    )
    made = records(source.endpoint, before, chosen(tables))
    assert len([each for each in made if isinstance(each, Transaction)]) == 2


def test_without_names_in_the_log_the_job_stops(source: MysqlServer, tables: str) -> None:
    run(source.endpoint, "SET GLOBAL binlog_row_metadata = 'MINIMAL'")
    before = run(source.endpoint, f"INSERT INTO {tables}.t VALUES (1, 'eu', 10, NULL, NULL)")
    with pytest.raises(Unsupported, match=r"does not name the columns .* binlog_row_metadata = 'FULL'"):
        records(source.endpoint, before, chosen(tables))


def test_a_table_with_two_filters_is_refused(source: MysqlServer, tables: str) -> None:
    rules: Sequence[NameRule] = (NameRule("t", where="n = 1"), NameRule(regex="^t"))
    before = run(source.endpoint, f"INSERT INTO {tables}.t VALUES (1, 'eu', 10, NULL, NULL)")
    with pytest.raises(Unsupported, match="several entries of ReplicateDoDb, for 'n = 1' and all of its rows"):
        records(source.endpoint, before, Selection((SchemaRule(tables, tables=tuple(rules)),)))
