"""A copy between real servers that dies goes on: what is there is not copied again, and the end is exactly equal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.pipeline.memory_link import Network
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.dictionary.details import SourceLog
from udup.drivers.mysql.load import objects
from udup.drivers.mysql.load.copied import CopyNotes
from udup.drivers.mysql.load.copied_parts import CopiedParts
from udup.drivers.mysql.load.copy_writer import MySQLCopyWriter
from udup.drivers.mysql.load.loader import Loader
from udup.drivers.mysql.load.staying import Staying
from udup.drivers.mysql.snapshot import copy, resuming
from udup.drivers.mysql.source import MySQLSource
from udup.drivers.mysql.target import MySQLTarget
from udup.pipeline.apply import loaders
from udup.pipeline.apply.applier import Applier
from udup.pipeline.apply.crew import Seat
from udup.pipeline.apply.readiness import Staff, TargetReady
from udup.pipeline.apply.settings import ApplierSettings, WorkerSettings
from udup.pipeline.apply.worker import Worker
from udup.pipeline.extract.extractor import Extractor
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.ownership import Owner
from udup.pipeline.ports import End, Scope
from udup.pipeline.selection.selection import Selection
from udup.pipeline.transport.flow import Windows
from udup.pipeline.transport.link import Link
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare

_DEADLINE = 60.0

#: Rows of the large table, and of a chunk.
ROWS, CHUNK = 9_000, 300


@dataclass
class Job:
    """A job of one schema, carried out by the real engines in one event loop. `cut` ends a run."""

    source: Endpoint
    target: Endpoint
    schema: str
    runs: int = 0
    drops: bool = False
    loaded: dict[str, int] = field(default_factory=dict)  # rows of each table, of all runs
    cut: Callable[[str, int], bool] = lambda _table, _rows: False

    @property
    def scope(self) -> Scope:
        return Scope(Selection.of([(self.schema, [])]))

    def run(self) -> None:
        """Carry it out until the target has what the source has executed."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        self.runs += 1
        ends = End("MySQL", self.source), End("MySQL", self.target)
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        tasks: list[asyncio.Future[None]] = []
        seats: set[Seat] = set()

        def begin(engine: Applier | Worker | Extractor) -> None:
            task = asyncio.ensure_future(engine.run())
            tasks.append(task)
            task.add_done_callback(lambda done: _pass_on(done, ended))

        def on_told(event: Staff | TargetReady) -> None:
            if isinstance(event, Staff):
                for seat in set(event.seats) - seats:
                    seats.add(seat)
                    work = WorkerSettings("", self.schema, self.runs, seat.slot, seat.number, ends[1])
                    begin(Worker(work, MySQLTarget(self.target)))
            else:
                begin(Extractor(self._extractor(event, ends[0]), MySQLSource(self.source), lambda _: None))

        owner = Owner(f"run{self.runs}", "a test")
        selection = self.scope.selection
        settings = ApplierSettings("", self.schema, self.runs, ends[1], 2, owner, selection, None, self.drops, 64)
        begin(applier := Applier(settings, MySQLTarget(self.target), on_told, lambda _: None))
        try:
            async with asyncio.timeout(_DEADLINE):
                while not ended.done() and not await asyncio.to_thread(self._is_level):
                    await asyncio.sleep(0.05)
            if ended.done():
                ended.result()
            applier.drain()
            await asyncio.wait(tasks[:1], timeout=_DEADLINE)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _is_level(self) -> bool:
        wanted, found = MySQLSource(self.source).executed(), MySQLTarget(self.target).executed(self.schema)
        return found is not None and wanted <= found

    def _extractor(self, ready: TargetReady, end: End) -> ExtractorSettings:
        return ExtractorSettings(
            "",
            self.schema,
            self.runs,
            end,
            self.scope,
            ready.start_after,
            2,
            Windows.of(8 << 20, 2),
            64,
            2000,
            chunk_rows=CHUNK,
            stamps=ready.stamps,
            source_uuid=ready.source_uuid,
            ahead=ready.ahead,
            copied=ready.copied,
        )


def _pass_on(done: asyncio.Future[None], ended: asyncio.Future[None]) -> None:
    if not done.cancelled() and not ended.done() and (error := done.exception()) is not None:
        ended.set_exception(error)


@pytest.fixture
def job(source: MysqlServer, target: MysqlServer, schema: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    job = Job(source.endpoint, target.endpoint, schema)
    monkeypatch.setattr(Link, "open", Network().open)
    monkeypatch.setattr(resuming, "WORTH_BYTES", 0)
    load = Loader.load

    def counted(self: Loader, table: Any, *args: Any, **named: Any) -> int:
        if job.cut(table.name, job.loaded.get(table.name, 0)):
            raise Transient("cut by the test")
        rows = load(self, table, *args, **named)
        job.loaded[table.name] = job.loaded.get(table.name, 0) + rows
        return rows

    monkeypatch.setattr(Loader, "load", counted)
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"USE {schema}")
        query(connection, "CREATE TABLE big (id BIGINT UNSIGNED PRIMARY KEY, n INT, s VARCHAR(50), KEY (n))")
        numbers = f"WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < {ROWS})"
        query(connection, f"SET cte_max_recursion_depth = {ROWS}")
        query(connection, f"INSERT INTO big {numbers} SELECT n * 3, n, REPEAT('x', n % 50) FROM r")
        query(connection, "CREATE TABLE pair (a INT, b INT, n INT, PRIMARY KEY (a, b))")
        query(connection, "INSERT INTO pair SELECT n DIV 1000 - 1, id, n FROM big WHERE id <= 9000")
        query(connection, "CREATE TABLE mixed (a INT UNSIGNED, b VARCHAR(20), n INT, PRIMARY KEY (a, b))")
        query(connection, "INSERT INTO mixed SELECT n DIV 100, CONCAT('k', n), n FROM big WHERE n <= 3000")
        query(connection, "CREATE TABLE parent (id INT PRIMARY KEY, n INT)")
        query(
            connection,
            "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE)",
        )
        query(connection, "INSERT INTO parent SELECT n, n FROM big WHERE n <= 700")
        query(connection, "INSERT INTO child SELECT n, n FROM parent")
        query(connection, "CREATE TABLE plain (n INT, s VARCHAR(20))")
        query(connection, "INSERT INTO plain SELECT n, 'a' FROM big WHERE n <= 1000")
    yield job


def _write(job: Job, turn: int) -> None:
    """What may be written between two tries: rows on both sides of every place, keys that move, cascades."""
    with closing(connect(job.source)) as connection:
        query(connection, f"USE {job.schema}")
        for sql in (
            f"UPDATE big SET n = n + 1, s = 'turn {turn}' WHERE id % 7 = 0",
            f"DELETE FROM big WHERE id % 11 = {turn}",
            f"INSERT INTO big SELECT id + 1, n, 'new' FROM big WHERE id % 3 = 0 AND id % 13 = {turn}",
            f"UPDATE big SET id = id + {3 * ROWS + 2} WHERE id BETWEEN 90 AND {400 + turn}",
            f"UPDATE big SET id = id - {3 * ROWS - 1} WHERE id > {4 * ROWS} LIMIT 2",
            f"UPDATE pair SET n = n + 1 WHERE a % 3 = {turn}",
            f"DELETE FROM pair WHERE b % 25 = {turn}",
            f"UPDATE mixed SET n = n + 1 WHERE a % 3 = {turn}",
            f"UPDATE mixed SET a = a + 1 WHERE n % 29 = {turn}",
            f"DELETE FROM mixed WHERE n % 17 = {turn}",
            f"DELETE FROM parent WHERE id % 9 = {turn}",
            f"INSERT INTO parent (id, n) VALUES ({1000 + turn}, 1)",
            f"INSERT INTO child VALUES ({1000 + turn}, {1000 + turn})",
            f"UPDATE plain SET s = 'b' WHERE n % 10 = {turn}",
        ):
            query(connection, sql)


def _same(job: Job) -> None:
    comparison = compare(job.source, job.target, [job.schema])
    assert comparison.equal, comparison.report()
    with closing(connect(job.target)) as connection:
        for table in ("ahead", "copied_part", "copied_chunk", "copied_table"):
            assert not scalar(connection, f"SELECT COUNT(*) FROM udup.{table} WHERE job = %s", job.schema), table


def _cut(job: Job, table: str, rows: int) -> None:
    """Have the job run until so many rows of a table are loaded, of all runs."""
    job.cut = lambda name, loaded: name == table and loaded >= rows
    with pytest.raises(UdupError, match="cut by the test"):
        job.run()
    job.cut = lambda _name, _rows: False


@pytest.mark.parametrize("count", [1, 2])
def test_a_large_table_goes_on_behind_the_last_chunk_again_and_again(
    job: Job, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two loaders leave gaps, and what is behind them stays as well."""
    monkeypatch.setattr(loaders, "loaders_for", lambda _tables, _workers: count)
    _cut(job, "big", ROWS // 10)
    _write(job, 1)
    _cut(job, "big", ROWS // 2)
    _write(job, 2)
    _cut(job, "big", ROWS * 8 // 10)
    _write(job, 3)
    _cut(job, "mixed", 900)
    _cut(job, "mixed", 1700)
    _write(job, 4)
    _cut(job, "pair", 900)
    job.run()
    assert ROWS * 0.7 <= job.loaded["big"] <= ROWS * 1.1, job.loaded  # writers have added a tenth
    # Rows that begin with a number of which another chunk was missing come again: a hundred of each.
    assert job.loaded["mixed"] <= 3000 + 400 * count, job.loaded
    assert job.loaded["pair"] <= 3000, job.loaded
    _same(job)


@pytest.mark.parametrize("logs_cascades", [False, True])
def test_tables_that_are_whole_stay_and_those_tied_by_foreign_keys_stay_together(
    job: Job, monkeypatch: pytest.MonkeyPatch, logs_cascades: bool
) -> None:
    if not logs_cascades:
        monkeypatch.setattr(copy, "read_log", lambda _connection: SourceLog())
    with monkeypatch.context() as patch:
        patch.setattr(MySQLCopyWriter, "finish_tables", _fails)
        with pytest.raises(UdupError, match="cut by the test"):
            job.run()
    first = dict(job.loaded)
    _write(job, 1)
    with closing(connect(job.source)) as connection:
        query(connection, f"ALTER TABLE {job.schema}.parent ADD COLUMN m INT")
        query(connection, f"CREATE TABLE {job.schema}.later (id INT PRIMARY KEY)")
        query(connection, f"INSERT INTO {job.schema}.later VALUES (1)")
        query(connection, f"CREATE TRIGGER {job.schema}.t BEFORE INSERT ON {job.schema}.big FOR EACH ROW SET @a = 1")
    with monkeypatch.context() as patch:
        patch.setattr(MySQLCopyWriter, "make_objects", _fails)
        with pytest.raises(UdupError, match="cut by the test"):
            job.run()
    _write(job, 2)
    job.run()
    again = {name: rows - first.get(name, 0) for name, rows in job.loaded.items()}
    assert again.pop("later") == 1
    assert 0 < again.pop("parent") <= 701
    # Where the log does not say what foreign keys change, the definition of one is another one for both.
    assert bool(again.pop("child")) is not logs_cascades
    assert set(again.values()) == {0}, again
    _same(job)


#: What may become of one table between two tries, by its number; `{0}` is its name, `{1}` that of the other go's.
DEFINITIONS: tuple[tuple[str, ...], ...] = (
    ("ALTER TABLE {0} ADD COLUMN x INT DEFAULT 7",),
    ("ALTER TABLE {0} ADD COLUMN x INT", "UPDATE {0} SET x = 5, n = n + 1", "ALTER TABLE {0} DROP COLUMN x"),
    ("CREATE INDEX i ON {0} (n, id)", "INSERT INTO {0} VALUES (77, 7)", "DROP INDEX i ON {0}"),
    ("TRUNCATE TABLE {0}", "INSERT INTO {0} VALUES (5, 5)"),
    ("DROP TABLE {0}", "CREATE TABLE {0} (id INT PRIMARY KEY, n INT)", "INSERT INTO {0} VALUES (6, 6)"),
    ("DROP TABLE {0}",),
    ("RENAME TABLE {0} TO {0}_other", "UPDATE {0}_other SET n = 9"),
    ("DROP TABLE {0}, {1}", *(f"CREATE TABLE {{{each}}} (id INT PRIMARY KEY, n INT)" for each in (0, 1))),
    ("CREATE VIEW v_{0} AS SELECT {0}.id FROM {0} JOIN {1} USING (id)",),
    ("CREATE TRIGGER t_{0} BEFORE INSERT ON {0} FOR EACH ROW SET @a = 1", "INSERT INTO {0} VALUES (78, 8)"),
)


def test_definitions_between_two_tries_end_equal_whether_a_table_was_whole_or_waited(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaders, "loaders_for", lambda _tables, _workers: 1)
    names = [(f"a{number}", f"z{number}") for number in range(len(DEFINITIONS))]
    with closing(connect(job.source)) as connection:
        query(connection, f"USE {job.schema}")
        for each in sum(names, ()):
            query(connection, f"CREATE TABLE {each} (id INT PRIMARY KEY, n INT)")
            query(connection, f"INSERT INTO {each} SELECT n, 1 FROM big WHERE n <= 20")
    _cut(job, "big", ROWS // 2)
    loaded = dict(job.loaded)
    assert loaded["a0"] == 20 and "z0" not in loaded, "the ones are whole, and the others wait"
    _write(job, 1)
    with closing(connect(job.source)) as connection:
        query(connection, f"USE {job.schema}")
        for (whole, waiting), statements in zip(names, DEFINITIONS, strict=True):
            for one, other in ((whole, waiting), (waiting, whole)):
                query(connection, f"UPDATE {one} SET n = 2 WHERE id % 3 = 0")
                for sql in statements:
                    query(connection, sql.format(one, other))
    _write(job, 2)
    job.run()
    assert job.loaded["big"] <= ROWS * 1.15 + 2 * CHUNK, job.loaded
    _same(job)


def _fails(*_: object) -> None:
    raise Transient("cut by the test")


def test_a_copy_goes_on_with_nothing_of_a_source_that_was_reset(job: Job) -> None:
    _cut(job, "big", ROWS // 2)
    before = job.loaded["big"]
    with closing(connect(job.target)) as connection:
        query(connection, "UPDATE udup.copied_part SET stamps = REGEXP_REPLACE(stamps, '@[0-9]+', '@17')")
    job.run()
    assert job.loaded["big"] - before == ROWS
    _same(job)


def test_notes_that_an_older_version_has_taken_over_since_are_not_acted_on(job: Job) -> None:
    _cut(job, "big", ROWS // 2)
    before = job.loaded["big"]
    with closing(connect(job.target)) as connection:  # which gives the base row its version and knows no notes
        query(connection, "UPDATE udup.checkpoint SET version = version + (1 << 40) WHERE job = %s", job.schema)
    job.run()
    assert job.loaded["big"] - before == ROWS
    _same(job)


def test_a_table_that_others_have_touched_is_copied_again_and_the_rest_stays(job: Job) -> None:
    job.drops = True  # what DropTableIfExists may drop is not what stays
    _cut(job, "mixed", 900)
    before = dict(job.loaded)
    for sql, told in (
        ("DROP TABLE child", "child`: gone from the target"),
        ("DELETE FROM mixed LIMIT 1", "mixed`: changed on the target"),
    ):
        with closing(connect(job.target, database=job.schema)) as connection:
            query(connection, sql)
        with pytest.raises(Transient, match=told):
            job.run()
    _write(job, 1)
    job.run()
    assert job.loaded["big"] == before["big"], "it stays"
    assert before["child"] < job.loaded["child"] <= 2 * 701 and job.loaded["mixed"] > 3000
    _same(job)


#: Steps behind which a run may die: what was done stands, and nobody has said so. Those before rows are loaded first.
STEPS: tuple[tuple[Any, str], ...] = (
    (CopyNotes, "write"),
    (CopiedParts, "_trim"),
    (CopiedParts, "forget_all"),
    (CopiedParts, "keep"),
    (Staying, "made"),
    (CopiedParts, "building"),
    (objects, "add_indexes"),
    (CopiedParts, "whole"),
    (MySQLCopyWriter, "finish_tables"),
    (MySQLCopyWriter, "make_objects"),
)


def test_a_run_may_die_behind_any_step(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaders, "loaders_for", lambda _tables, _workers: 2)
    _cut(job, "big", ROWS // 3)
    died = set()
    for turn, (owner, name) in enumerate(STEPS):
        with closing(connect(job.source)) as connection:  # so that a table is made again in each run
            query(connection, f"ALTER TABLE {job.schema}.pair COMMENT = '{turn}'")
        real = getattr(owner, name)

        def dies(*args: Any, real: Any = real, name: str = name, **named: Any) -> Any:
            real(*args, **named)
            died.add(name)
            raise Transient("cut by the test")

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, dies)
            with pytest.raises(UdupError, match="cut by the test"):
                job.run()
        _write(job, turn)
    job.run()
    assert died == {name for _, name in STEPS}
    _same(job)
