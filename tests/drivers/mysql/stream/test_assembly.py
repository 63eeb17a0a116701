"""What of the log is the job's, assembled so that the target's server takes it as it is."""

from __future__ import annotations

import pytest

from tests.applied import apply_all, position_of, records, run, session
from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER_SIZE
from udup.drivers.mysql.binlog.split import split
from udup.pipeline.records import Context, Definition, Format, Part, Record, Skipped, Transaction, XaEnd
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare

NUMBERS = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 900)"


@pytest.fixture
def tables(source: MysqlServer, target: MysqlServer, schema: str) -> str:
    """Tables a, b and z on the source; only a and b on the target."""
    for server in (source, target):
        run(server.endpoint, f"CREATE DATABASE {schema}")
        for table in ("a", "b") if server is target else ("a", "b", "z"):
            run(server.endpoint, f"CREATE TABLE {schema}.{table} (id INT PRIMARY KEY, n INT, s LONGTEXT)")
    return schema


def _chosen(schema: str) -> Selection:
    return Selection.of([(schema, ["a", "b"])])


def _transactions(made: list[Record]) -> list[Transaction]:
    return [record for record in made if isinstance(record, Transaction)]


def test_rows_outside_of_the_job_go_and_every_statement_still_ends(
    source: MysqlServer, target: MysqlServer, tables: str
) -> None:
    """The event that ends a statement over several tables is often that of a table outside of the job."""
    before = run(
        source.endpoint,
        f"USE {tables}",
        "INSERT INTO a VALUES (1, 1, ''), (2, 2, '')",
        "INSERT INTO b VALUES (1, 1, ''), (2, 2, '')",
        "INSERT INTO z VALUES (1, 1, ''), (2, 2, '')",
        *(
            "UPDATE a, z SET a.n = 10, z.n = 10 WHERE a.id = z.id",
            "UPDATE z, a SET a.n = 11, z.n = 11 WHERE a.id = z.id",
        ),
        "UPDATE a, b, z SET a.n = 20, b.n = 20, z.n = 20 WHERE a.id = z.id AND b.id = z.id",
        "UPDATE a, b SET a.n = a.n, b.n = 30 WHERE a.id = b.id",  # a has its TABLE_MAP and no rows
        "UPDATE b, a SET b.n = b.n, a.n = 31 WHERE a.id = b.id",
        "BEGIN",
        "UPDATE a, z SET a.n = 40, z.n = 40 WHERE a.id = z.id",
        "UPDATE a, b SET a.n = a.n, b.n = 41 WHERE a.id = b.id",
        "UPDATE a, z SET a.n = a.n, z.n = 42 WHERE a.id = z.id",  # of the job's: only a TABLE_MAP
        "COMMIT",
        "DELETE a, z FROM a JOIN z USING (id) WHERE id = 1",
        "INSERT INTO b VALUES (3, 3, '')",
    )
    made = records(source.endpoint, before, _chosen(tables))
    with session(target.endpoint, tables) as (opened, position):
        apply_all(opened, position, made)
    run(source.endpoint, f"DROP TABLE {tables}.z")
    comparison = compare(source.endpoint, target.endpoint, [tables])
    assert comparison.equal, comparison.report()


def test_what_holds_nothing_for_the_job_is_told_as_skipped_in_order(source: MysqlServer, tables: str) -> None:
    before = run(
        source.endpoint,
        f"INSERT INTO {tables}.z VALUES (1, 1, '')",
        f"ALTER TABLE {tables}.z ADD COLUMN m INT",
        f"INSERT INTO {tables}.a VALUES (1, 1, '')",
        f"DELETE FROM {tables}.z",
    )
    kinds = [type(record) for record in records(source.endpoint, before, _chosen(tables)) if type(record) is not Format]
    assert kinds == [Skipped, Context, Transaction, Skipped]


def test_a_tables_definition_is_announced_with_its_first_rows_and_again_after_a_change(
    source: MysqlServer, tables: str
) -> None:
    before = run(
        source.endpoint,
        f"INSERT INTO {tables}.a VALUES (1, 1, '')",
        f"INSERT INTO {tables}.a VALUES (2, 2, '')",
        f"ALTER TABLE {tables}.b ADD COLUMN m INT",
        f"INSERT INTO {tables}.a VALUES (3, 3, '')",
    )
    made = records(source.endpoint, before, _chosen(tables))
    assert [len(record.new_maps) for record in _transactions(made)] == [1, 0, 1]
    assert sum(isinstance(record, Definition) for record in made) == 1


def test_the_first_transaction_of_a_log_file_is_a_fence(source: MysqlServer, tables: str) -> None:
    before = run(
        source.endpoint,
        f"INSERT INTO {tables}.a VALUES (1, 1, '')",
        f"INSERT INTO {tables}.a VALUES (2, 2, '')",
        "FLUSH BINARY LOGS",
        f"INSERT INTO {tables}.z VALUES (3, 3, '')",
        f"INSERT INTO {tables}.a VALUES (3, 3, '')",
        f"INSERT INTO {tables}.a VALUES (4, 4, '')",
    )
    committed = [record.id for record in _transactions(records(source.endpoint, before, _chosen(tables)))]
    assert [each.order.fence for each in committed] == [True, False, True, False]
    order = [each.order.sequence for each in committed]
    assert order[2] < order[1] or order[2] == 2


def test_a_large_transaction_is_the_same_in_parts_compressed_or_not(
    source: MysqlServer, target: MysqlServer, tables: str
) -> None:
    data = {}
    for compression in ("OFF", "ON"):
        before = run(
            source.endpoint,
            f"USE {tables}",
            f"SET SESSION binlog_transaction_compression = {compression}",
            "BEGIN",
            f"INSERT INTO a {NUMBERS} SELECT n, n, REPEAT(CHAR(65 + n % 50), 3000) FROM n",
            f"INSERT INTO z {NUMBERS} SELECT n, n, REPEAT('z', 3000) FROM n",
            "UPDATE a, z SET a.n = a.n + 1, z.n = z.n + 1, a.s = REPEAT('y', 500), z.s = '' WHERE a.id = z.id",
            "INSERT INTO b VALUES (1, 1, 'last')",
            "COMMIT",
        )
        made = records(source.endpoint, before, _chosen(tables))
        parts = [record for record in made if isinstance(record, Part)]
        assert len(parts) > 5 and not _transactions(made)
        assert [part.index for part in parts] == list(range(len(parts)))
        assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
        assert len({part.id.gtid for part in parts}) == 1
        data[compression] = _without_times(b"".join(part.events for part in parts))
        with session(target.endpoint, f"{tables}_{compression}") as (opened, position):
            apply_all(opened, position, made)
        run(source.endpoint, f"DELETE FROM {tables}.z")
        sums = compare(source.endpoint, target.endpoint, [tables])
        assert all(table.equal for table in sums.tables), sums.report()
        for server in (source, target):
            run(server.endpoint, f"DELETE FROM {tables}.a", f"DELETE FROM {tables}.b")
    assert data["OFF"] == data["ON"]


def _without_times(events: bytes) -> list[tuple[int, bytes]]:
    """Type and body of each event: times, positions and checksums differ."""
    return [(event[4], event[HEADER_SIZE:-CRC_SIZE]) for event in split(events)]


def test_small_transactions_are_the_same_compressed_or_not(source: MysqlServer, tables: str) -> None:
    data = []
    for compression in ("OFF", "ON"):
        before = run(
            source.endpoint,
            f"SET SESSION binlog_transaction_compression = {compression}",
            f"INSERT INTO {tables}.a VALUES (1, 1, 'text')",
            f"UPDATE {tables}.a SET n = 2",
            f"DELETE FROM {tables}.a",
        )
        made = _transactions(records(source.endpoint, before, _chosen(tables)))
        data.append([_without_times(record.events) for record in made])
    assert data[0] == data[1] and len(data[0]) == 3


def test_nothing_new_is_nothing(source: MysqlServer, tables: str) -> None:
    made = records(source.endpoint, position_of(source.endpoint), _chosen(tables))
    assert [type(record) for record in made] in ([], [Format])


def test_a_prepared_transaction_is_told_of_even_when_it_holds_nothing_for_the_job(
    source: MysqlServer, tables: str
) -> None:
    """Its end comes under another GTID, perhaps in another run, and must not be unknown there."""
    xid = f"'{tables}'"
    before = run(
        source.endpoint,
        f"USE {tables}",
        *(f"XA START {xid}", "INSERT INTO z VALUES (1, 1, '')", f"XA END {xid}", f"XA PREPARE {xid}"),
        f"XA COMMIT {xid}",
        *(f"XA START {xid}", "INSERT INTO a VALUES (1, 1, '')", f"XA END {xid}", f"XA PREPARE {xid}"),
        f"XA ROLLBACK {xid}",
        *(f"XA START {xid}", "INSERT INTO z VALUES (2, 1, '')", f"XA END {xid}", f"XA COMMIT {xid} ONE PHASE"),
    )
    nothing, commit, something, rollback, skipped = (
        each for each in records(source.endpoint, before, _chosen(tables)) if not isinstance(each, (Format, Context))
    )
    log_xid = f"X'{tables.encode().hex()}',X'',1"
    assert isinstance(nothing, Transaction) and (nothing.xid, nothing.events) == (log_xid, b"")
    assert isinstance(something, Transaction) and something.xid == log_xid and something.events
    assert isinstance(commit, XaEnd) and (commit.xid, commit.commit) == (log_xid, True)
    assert isinstance(rollback, XaEnd) and (rollback.xid, rollback.commit) == (log_xid, False)
    assert isinstance(skipped, Skipped)
