"""A source that names no columns in its log gives the messages of one that does, or the job stops."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from tests.applied import position_of, run
from tests.drivers.mysql.rows import recording
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.naming.table_names import touched_by
from udup.drivers.mysql.rowtext.options import ValueOptions
from udup.drivers.mysql.rowtext.reader import MysqlRecordReader
from udup.drivers.mysql.stream.log import BinlogChanges
from udup.pipeline.ports import LogPlan, Scope
from udup.pipeline.records import Definition, Format, Part, Transaction
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer

Row = tuple[str, bytes | None, bytes | None, bytes | None]


class _Job:
    """A job's log from `after` on, opened at once; `rows` are those up to what the source has executed by then."""

    def __init__(self, source: MysqlServer, schema: str, after: GtidSet | None = None) -> None:
        self._source = source
        self._passed = position_of(source.endpoint) if after is None else after
        scope = Scope(Selection.of([(schema, [])]))
        self._log = BinlogChanges(source.endpoint, LogPlan(str(uuid.uuid4()), scope, str(self._passed), tells=True))
        self._log.begin()
        self._records = iter(self._log)
        self._reader = MysqlRecordReader(ValueOptions())

    def rows(self) -> list[Row]:
        return list(self.each())

    def each(self) -> Iterator[Row]:
        """Yield the rows up to what the source has executed now."""
        wanted = position_of(self._source.endpoint) - self._passed
        while wanted:
            record = next(self._records)
            if isinstance(record, Format):
                self._reader.set_format(record.event)
            elif isinstance(record, Transaction | Part):
                for found in self._reader.rows(record):
                    for row in found.table.rows(found.event):
                        yield found.table.name, row.key, row.before, row.after
            elif isinstance(record, Definition):
                self._reader.definition(record)
            if isinstance(record, Transaction | Definition) or (isinstance(record, Part) and record.last):
                self._pass(GtidSet.parse(record.id.gtid))
                wanted -= GtidSet.parse(record.id.gtid)
            elif record is not None and hasattr(record, "gtids"):
                self._pass(GtidSet.parse(record.gtids))
                wanted -= GtidSet.parse(record.gtids)

    def _pass(self, gtids: GtidSet) -> None:
        self._passed = self._passed | gtids

    def close(self) -> None:
        self._log.close()


@pytest.fixture
def tables(source: MysqlServer, schema: str) -> str:
    run(
        source.endpoint,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT, b INT, e ENUM('x', 'y'))",
    )
    return schema


def _insert(schema: str, number: int, table: str = "t") -> str:
    return f"INSERT INTO {schema}.{table} VALUES ({number}, 1, 2, 1)"


def _images(rows: list[Row]) -> list[str]:
    return [(after or b"").decode() for _, _, _, after in rows]


def _recorded(source: MysqlServer, schema: str) -> list[Row]:
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        after = position_of(source.endpoint)
        query(connection, f"USE {schema}")
        query(connection, "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00', timestamp = 1700000000")
        for statement in recording.STATEMENTS:
            query(connection, statement)
    with closing(_Job(source, schema, after)) as job:
        return job.rows()


def test_rows_of_every_type_are_those_of_a_source_that_names_columns(source: MysqlServer, schema: str) -> None:
    bare = _recorded(source, schema)
    run(source.endpoint, f"DROP DATABASE {schema}", "SET GLOBAL binlog_row_metadata = 'FULL'")
    try:
        named = _recorded(source, schema)
    finally:
        run(source.endpoint, "SET GLOBAL binlog_row_metadata = 'MINIMAL'")
    assert len(bare) > 20
    assert bare == named


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ("ALTER TABLE {0}.t RENAME COLUMN a TO b, RENAME COLUMN b TO a", ("b", "a")),
        ("ALTER TABLE {0}.t DROP COLUMN a, ADD COLUMN c INT AFTER b", ("b", "c")),
        ("DROP TABLE {0}.t; CREATE TABLE {0}.t (id INT PRIMARY KEY, p INT, q INT, e ENUM('x', 'y'))", ("p", "q")),
        (
            "RENAME TABLE {0}.t TO {0}.u; CREATE TABLE {0}.t (id INT PRIMARY KEY, p INT, q INT, e ENUM('x', 'y'))",
            ("p", "q"),
        ),
    ],
    ids=["renamed", "dropped and added", "made again", "another one"],
)
def test_a_change_is_noticed(source: MysqlServer, tables: str, change: str, names: tuple[str, str]) -> None:
    changes = change.format(tables).split("; ")
    before = position_of(source.endpoint)
    with closing(_Job(source, tables)) as job:
        run(source.endpoint, _insert(tables, 1), *changes)
        behind = position_of(source.endpoint)
        run(source.endpoint, _insert(tables, 2))
        shown = ['{"id":1,"a":1,"b":2,"e":"x"}', f'{{"id":2,"{names[0]}":1,"{names[1]}":2,"e":"x"}}']
        assert _images(job.rows()) == shown
    with closing(_Job(source, tables, behind)) as later:
        assert _images(later.rows()) == shown[1:]
    with closing(_Job(source, tables, before)) as paused, pytest.raises(Unsupported, match="SET PERSIST") as stopped:
        paused.rows()
    assert f"{tables}.t" in str(stopped.value)


@pytest.mark.parametrize(
    ("change", "follows"),
    [
        ("ADD COLUMN c INT DEFAULT 7", True),
        ("ADD c INT DEFAULT 7, ADD COLUMN (d INT, f INT), ALGORITHM = INSTANT", True),
        ("ADD COLUMN c INT AFTER id", False),
        ("ADD COLUMN c INT, DROP COLUMN b", False),
        ("ADD COLUMN c INT UNIQUE", False),
    ],
)
def test_columns_that_were_put_behind_the_others_are_left_away_again(
    source: MysqlServer, tables: str, change: str, follows: bool
) -> None:
    before = position_of(source.endpoint)
    run(source.endpoint, _insert(tables, 1), f"CREATE INDEX i ON {tables}.t (a)", f"ALTER TABLE {tables}.t {change}")
    run(source.endpoint, f"INSERT INTO {tables}.t (id, a) VALUES (2, 3)")
    with closing(_Job(source, tables, before)) as job:
        if not follows:
            with pytest.raises(Unsupported, match="not to be known"):
                job.rows()
            return
        first, second = _images(job.rows())
    assert first == '{"id":1,"a":1,"b":2,"e":"x"}'
    assert second.startswith('{"id":2,"a":3,"b":null,"e":null,"c":7')


def test_a_table_that_was_altered_elsewhere_is_followed(source: MysqlServer, tables: str) -> None:
    run(source.endpoint, f"CREATE TABLE {tables}.other (id INT PRIMARY KEY)")
    before = position_of(source.endpoint)
    run(source.endpoint, _insert(tables, 1), f"ALTER TABLE {tables}.other ADD COLUMN a INT", _insert(tables, 2))
    with closing(_Job(source, tables, before)) as job:
        assert _images(job.rows()) == [f'{{"id":{n},"a":1,"b":2,"e":"x"}}' for n in (1, 2)]


def test_a_table_that_is_gone_stops_the_job(source: MysqlServer, tables: str) -> None:
    before = position_of(source.endpoint)
    run(source.endpoint, _insert(tables, 1), f"DROP TABLE {tables}.t")
    with closing(_Job(source, tables, before)) as job, pytest.raises(Unsupported, match="not to be known"):
        job.rows()


def test_a_renamed_table_keeps_its_columns(source: MysqlServer, tables: str) -> None:
    with closing(_Job(source, tables)) as job:
        run(source.endpoint, _insert(tables, 1), f"RENAME TABLE {tables}.t TO {tables}.u", _insert(tables, 2, "u"))
        found = job.rows()
    assert [name for name, *_ in found] == ["t", "u"]
    assert _images(found) == [f'{{"id":{n},"a":1,"b":2,"e":"x"}}' for n in (1, 2)]


def test_columns_that_change_places_while_the_log_is_followed_are_never_mistaken(
    source: MysqlServer, tables: str
) -> None:
    """Two columns of one type swap their names again and again, and each row says by itself what they were."""
    swap = f"ALTER TABLE {tables}.t RENAME COLUMN a TO b, RENAME COLUMN b TO a"
    insert = f"INSERT INTO {tables}.t (a, b) VALUES (1, 2)"
    run(source.endpoint, f"ALTER TABLE {tables}.t MODIFY id INT AUTO_INCREMENT")

    def work() -> None:
        with closing(connect(source.endpoint)) as connection:
            for number in range(40):
                for statement in (swap, insert):
                    query(connection, statement)
                    query(connection, f"DO SLEEP({(number * 7 % 5) * 0.02})")  # now the job keeps up, now it does not

    writer = threading.Thread(target=work)
    writer.start()
    read: list[Row] = []
    while writer.is_alive():
        with closing(_Job(source, tables)) as job, suppress(Unsupported):
            while writer.is_alive():
                read += job.each()
    writer.join()
    with closing(_Job(source, tables)) as job:
        run(source.endpoint, insert)
        read += job.rows()
    assert all('"a":1,"b":2,' in row or '"b":2,"a":1,' in row for row in _images(read))


def test_a_change_that_is_in_no_log_is_noticed_by_what_the_log_says(source: MysqlServer, tables: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        query(connection, "SET sql_log_bin = 0")
        query(connection, f"ALTER TABLE {tables}.t MODIFY a BIGINT")
        with closing(_Job(source, tables)) as job:
            query(connection, f"ALTER TABLE {tables}.t MODIFY a INT")
            run(source.endpoint, _insert(tables, 1))
            with pytest.raises(Unsupported, match="sql_log_bin"):
                job.rows()


def _touched(sql: str) -> object:
    fixed = bytes(8) + bytes([4]) + bytes(2) + bytes(2)
    event = build(EventType.QUERY, fixed + b"shop\0" + sql.encode(), with_crc=False)
    found = touched_by(event, has_crc=False, fold_names=False)
    return "everything" if found.everything else (set(found.tables), set(found.schemas))


def test_statements_touch_what_they_name() -> None:
    nothing: object = (set(), set())
    for harmless in ("BEGIN", "COMMIT", "TRUNCATE TABLE t", "CREATE VIEW v AS SELECT 1", "ANALYZE TABLE t"):
        assert _touched(harmless) == nothing, harmless
    assert _touched("ALTER TABLE t ADD a INT") == ({("shop", "t")}, set())
    assert _touched("RENAME TABLE t TO x.u, v TO t") == ({("shop", "t"), ("x", "u"), ("shop", "v")}, set())
    assert _touched("DROP DATABASE x") == (set(), {"x"})
    assert _touched("CREATE UNIQUE INDEX i ON t (a)") == ({("shop", "t")}, set())
    assert _touched("SOMETHING NEW t") == "everything"


@pytest.mark.parametrize(
    ("sql", "appends"),
    [
        ("ALTER TABLE t ADD a INT", True),
        ("ALTER TABLE t ADD COLUMN a INT, ALGORITHM=INSTANT", True),
        ("CREATE INDEX i ON t (a)", True),
        ("CREATE UNIQUE INDEX i ON t (a)", False),
        ("ALTER TABLE t ADD a INT FIRST", False),
        ("ALTER TABLE t ADD a INT, DROP b", False),
        ("ALTER TABLE t MODIFY a BIGINT", False),
        ("ALTER TABLE t RENAME COLUMN a TO b", False),
        ("ALTER TABLE t ADD a INT, RENAME TO u", False),
        ("DROP TABLE t", False),
        ("CREATE TABLE t (a INT)", False),
    ],
)
def test_statements_that_only_append_are_known(sql: str, appends: bool) -> None:
    fixed = bytes(8) + bytes([4]) + bytes(2) + bytes(2)
    event = build(EventType.QUERY, fixed + b"shop\0" + sql.encode(), with_crc=False)
    assert touched_by(event, has_crc=False, fold_names=False).appends == appends
