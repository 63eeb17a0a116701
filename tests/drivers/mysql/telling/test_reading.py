"""A snapshot's rows as records: those that the source logs for the same rows, each once, with their marks."""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from tests.applied import position_of, run
from tests.drivers.mysql.rows import recording
from tests.drivers.mysql.telling.logged import InLog, of_log, read_events
from tests.source_log import logged_by
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError, Unsupported
from udup.drivers.mysql.binlog.event import has_checksums
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.split import split
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.source import MySQLSource
from udup.pipeline.ports import ReadingPlan, Scope, SnapshotReading
from udup.pipeline.records import PIECE_BYTES, Format, Record, SnapshotEnd, SnapshotRows
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer

READERS = 3

_WHOLE = ReadingPlan()

_COMPUTED = "a INT PRIMARY KEY, b INT AS (a + 1), d VARCHAR(9) AS ('x') STORED, e INT INVISIBLE"


@contextmanager
def _reading(source: MysqlServer, scope: Scope, plan: ReadingPlan = _WHOLE) -> Iterator[SnapshotReading]:
    reading = MySQLSource(source.endpoint).open_reading(scope, plan, readers=READERS)
    try:
        yield reading
    finally:
        reading.close()


def _read(reading: SnapshotReading) -> list[Record]:
    """Have all readers read at once; raise what one of them has failed with."""
    records: list[Record] = []
    errors: list[BaseException] = []

    def read(reader: int) -> None:
        try:
            reading.read(reader, records.append)
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [threading.Thread(target=read, args=(reader,)) for reader in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return records


def _rows(records: Sequence[Record]) -> list[SnapshotRows]:
    return [record for record in records if isinstance(record, SnapshotRows)]


def _events(records: Sequence[Record]) -> list[bytes]:
    """Return the events, long rows put together of their pieces."""
    found: list[bytes] = []
    begun = b""
    for record in _rows(records):
        assert len(record.events) <= PIECE_BYTES
        begun += record.events
        if record.rows:
            found += split(begun)
            begun = b""
    assert not begun
    return found


def _check_counts(records: Sequence[Record]) -> None:
    """Each chunk's rows are counted from 0 on, and no record has others than it says."""
    counted: dict[tuple[str, int], int] = defaultdict(int)
    begun = b""
    for record in _rows(records):
        begun += record.events
        if not record.rows:
            continue
        found = read_events(split(begun))
        begun = b""
        [(name, images)] = found.images.items()
        key = ".".join(name), record.chunk
        assert (record.before, record.rows) == (counted[key], len(images))
        counted[key] += record.rows


def _deleted(endpoint: Endpoint, tables: Sequence[str]) -> InLog:
    """Delete all rows; what the source logs for them is what it has logged, or would have, when they were made."""

    def work(connection: Connection) -> None:
        query(connection, "SET sql_mode = 'ALLOW_INVALID_DATES', foreign_key_checks = 0")
        for table in tables:
            query(connection, f"DELETE FROM {table}")

    return of_log(logged_by(endpoint, work))


@pytest.mark.usefixtures("naming")
def test_rows_of_every_type_are_those_of_the_log(source: MysqlServer, schema: str) -> None:
    wanted = ("t", "j", "k", "o")
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"USE {schema}")
        query(connection, "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'")
        for statement in recording.STATEMENTS:
            query(connection, statement)
        query(
            connection,
            "CREATE TABLE c (a INT PRIMARY KEY, b INT AS (a + 1), d VARCHAR(9) AS ('x') STORED, e INT INVISIBLE)",
        )
        query(connection, "INSERT INTO c (a, e) VALUES (1, 2)")
    scope = Scope(Selection.of([(schema, [*wanted, "c"])]))
    with _reading(source, scope) as reading:
        ours = read_events(_events(_read(reading)))
    theirs = _deleted(source.endpoint, [f"{schema}.{table}" for table in (*wanted, "c")])
    assert set(ours.images) == {(schema, table) for table in (*wanted, "c")}
    for name, images in theirs.images.items():
        assert ours.maps[name] == theirs.maps[name], name
        assert Counter(_plain(name, images)) == Counter(_plain(name, ours.images[name])), name


def _plain(name: tuple[str, str], images: list[bytes]) -> list[bytes]:
    """Leave out what no text of the server tells: how many digits a DECIMAL in a document could have had."""
    return [image for image in images if name[1] != "j" or b"dec" not in image]


def test_many_chunks_read_at_once_come_each_once_and_are_marked(source: MysqlServer, schema: str) -> None:
    numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 900)"
    run(
        source.endpoint,
        f"CREATE DATABASE {schema}",
        *(f"CREATE TABLE {schema}.{table} (id INT PRIMARY KEY, v VARCHAR(200))" for table in ("a", "b", "empty")),
        *(f"INSERT INTO {schema}.{table} {numbers} SELECT n, REPEAT('x', n % 200) FROM n" for table in ("a", "b")),
        f"CREATE TABLE {schema}.keyless (v LONGTEXT)",
        f"INSERT INTO {schema}.keyless {numbers} SELECT REPEAT('y', 1000) FROM n",
        f"CREATE TABLE {schema}.apart (id INT PRIMARY KEY, v VARCHAR(9)) ENGINE=MyISAM",
        f"INSERT INTO {schema}.apart {numbers} SELECT n, 'z' FROM n",
        f"CREATE TABLE {schema}.apart_empty (id INT) ENGINE=MyISAM",
    )
    with _reading(source, Scope(Selection.of([(schema, [])])), ReadingPlan(5, chunk_rows=100)) as reading:
        records = _read(reading)
        assert reading.tables == [(schema, name) for name in ("a", "apart", "apart_empty", "b", "empty", "keyless")]
        assert GtidSet.parse(reading.position) == position_of(source.endpoint)
    begin, *rows, end = records
    assert isinstance(begin, Format) and has_checksums(begin.event)
    assert isinstance(end, SnapshotEnd) and (end.snapshot, end.position) == (5, reading.position)
    _check_counts(records)
    found = read_events(_events(records))
    assert {name[1]: len(images) for name, images in found.images.items()} == dict.fromkeys(
        ("a", "b", "keyless", "apart"), 900
    )
    assert all(len(images) == len(set(images)) for name, images in found.images.items() if name[1] != "keyless")
    marks = Counter(mark for record in _rows(rows) for mark in (record.first, record.last))
    assert (marks["first"], marks["last"]) == (1, 1)
    assert (marks["first_in_data_collection"], marks["last_in_data_collection"]) == (3, 3)
    assert (_rows(rows)[0].first, _rows(rows)[-1].last) == ("first", "last")
    assert {record.snapshot for record in _rows(rows)} == {5}


def test_the_place_in_the_log_is_that_of_the_snapshot(source: MysqlServer, schema: str) -> None:
    run(source.endpoint, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    run(source.endpoint, f"INSERT INTO {schema}.t VALUES (1)")
    with _reading(source, Scope(Selection.of([(schema, ["t"])]))) as reading:
        [record] = _rows(_read(reading))
    with closing(connect(source.endpoint)) as connection:
        [(file, offset, *_)] = query(connection, "SHOW BINARY LOG STATUS")
    assert (record.file, record.offset) == (file, offset)
    assert (record.first, record.last) == ("last", "last")


def test_what_is_committed_later_is_not_in_it(source: MysqlServer, schema: str) -> None:
    run(source.endpoint, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, n INT)")
    run(source.endpoint, f"INSERT INTO {schema}.t VALUES (1, 1), (2, 2)")
    with _reading(source, Scope(Selection.of([(schema, ["t"])]))) as reading:
        run(source.endpoint, f"UPDATE {schema}.t SET n = 9", f"INSERT INTO {schema}.t VALUES (3, 3)")
        found = read_events(_events(_read(reading)))
    assert [image[-4:] for image in found.images[schema, "t"]] == [b"\1\0\0\0", b"\2\0\0\0"]


def test_a_row_that_is_longer_than_a_record_comes_in_pieces(source: MysqlServer, schema: str) -> None:
    run(
        source.endpoint,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, v LONGBLOB)",
        f"INSERT INTO {schema}.t VALUES (1, 'a'), (2, REPEAT('b', 1000000)), (3, 'c')",
    )
    with _reading(source, Scope(Selection.of([(schema, ["t"])]))) as reading:
        records = _read(reading)
    _check_counts(records)
    assert [record.rows for record in _rows(records)].count(0) >= 3
    [images] = read_events(_events(records)).images.values()
    assert [len(image) for image in images] == [10, 1_000_009, 10]


@pytest.mark.usefixtures("naming")
def test_a_filter_and_new_names_hold_for_it(source: MysqlServer, schema: str) -> None:
    run(
        source.endpoint,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, n INT)",
        f"INSERT INTO {schema}.t VALUES (1, 1), (2, 20), (3, 30)",
    )
    rule = NameRule("t", where="n > 5", rename="u")
    with _reading(source, Scope(Selection((SchemaRule(schema, tables=(rule,)),)))) as reading:
        found = read_events(_events(_read(reading)))
    assert {name: len(images) for name, images in found.images.items()} == {(schema, "u"): 2}


def test_a_later_try_leaves_out_what_was_sent_to_its_end(source: MysqlServer, schema: str) -> None:
    numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 300)"
    run(
        source.endpoint,
        f"CREATE DATABASE {schema}",
        *(f"CREATE TABLE {schema}.{table} (id INT PRIMARY KEY)" for table in ("a", "b")),
        *(f"INSERT INTO {schema}.{table} {numbers} SELECT n FROM n" for table in ("a", "b")),
    )
    scope = Scope(Selection.of([(schema, [])]))
    with _reading(source, scope, ReadingPlan(chunk_rows=40)) as reading:
        records = _rows(_read(reading))
    middle = len(records) // 2
    with _reading(source, scope, ReadingPlan(chunk_rows=40, state=records[middle].state)) as reading:
        later = _read(reading)
    early, late = read_events(_events(records[: middle + 1])).images, read_events(_events(later)).images
    for table in ("a", "b"):
        both = Counter(early.get((schema, table), [])) + Counter(late.get((schema, table), []))
        assert len(both) == 300
    assert sum(map(len, late.values())) < 600
    end = later[-1]
    assert isinstance(end, SnapshotEnd) and json.loads(end.state)["until"][-1][0] == [schema, "b"]


def test_readers_that_are_stopped_end(source: MysqlServer, schema: str) -> None:
    numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 900)"
    run(
        source.endpoint,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)",
        f"INSERT INTO {schema}.t {numbers} SELECT n FROM n",
    )
    with _reading(source, Scope(Selection.of([(schema, [])])), ReadingPlan(chunk_rows=10)) as reading:
        sent: list[Record] = []

        def emit(record: Record) -> None:
            sent.append(record)
            if len(sent) == 4:
                reading.stop()

        threads = [threading.Thread(target=reading.read, args=(reader, emit)) for reader in range(READERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
        assert len(sent) < 90 and not any(isinstance(record, SnapshotEnd) for record in sent)


def test_a_definition_that_changes_meanwhile_ends_it(source: MysqlServer, schema: str) -> None:
    run(
        source.endpoint,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)",
        f"INSERT INTO {schema}.t VALUES (1)",
    )
    with _reading(source, Scope(Selection.of([(schema, [])]))) as reading:
        run(source.endpoint, f"ALTER TABLE {schema}.t ADD COLUMN n INT")
        with pytest.raises(UdupError, match="begins again"):
            _read(reading)


def test_a_column_map_is_refused(source: MysqlServer, schema: str) -> None:
    rule = SchemaRule(schema, tables=(NameRule("t", columns=(("id", "id"),)),))
    with pytest.raises(Unsupported, match="ColumnMapFrom"), _reading(source, Scope(Selection((rule,)))):
        pass
