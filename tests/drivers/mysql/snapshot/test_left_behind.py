"""A run that is frozen in the middle of a snapshot: what it has locked on the source is free again within seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace

import pytest

from tests.fake_mysql import Conversation, FakeServer, decent, error, serving
from tests.freezing import FreezingLine
from tests.full_copy import run
from udup.base.endpoint import Endpoint
from udup.base.errors import Superseded, UdupError
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, scalar
from udup.drivers.mysql.client.processes import read_processes
from udup.drivers.mysql.client.sessions import HELD_SECONDS, LOCKED_ROWS, LOCKER, ROWS, closing_session
from udup.drivers.mysql.snapshot import global_lock, job_locks, snapshot
from udup.drivers.mysql.snapshot.baseline import Baseline, open_baseline
from udup.drivers.mysql.snapshot.places import Places
from udup.drivers.mysql.stream.replica import Replica
from udup.drivers.mysql.stream.stream import BinlogStream
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer

#: Seconds in which a successor's snapshot stands, on a busy machine; and for whatever else is waited for.
SOON, DEADLINE = 8.0, 60.0

#: More text than the sockets of both ends hold.
_WIDE_ROWS = 400


@pytest.fixture
def shop(source: MysqlServer, schema: str) -> str:
    """A table with transactions and one without."""
    with closing(connect(source.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema}",
            f"CREATE TABLE {schema}.t (id INT AUTO_INCREMENT PRIMARY KEY, a LONGTEXT)",
            f"INSERT INTO {schema}.t (a) VALUES ('a')",
            f"CREATE TABLE {schema}.m (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=MyISAM",
            f"INSERT INTO {schema}.m VALUES (1)",
        )
    return schema


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source commits all the time: every snapshot needs the lock."""
    monkeypatch.setattr(snapshot, "open_quietly", lambda *_: None)


def _baseline(endpoint: Endpoint, schema: str, holder: str, table: str = "t") -> Baseline:
    return open_baseline(endpoint, 1, Selection.of([(schema, [table])]), holder=holder)


class Frozen:
    """A run on a thread of its own, which stops where a snapshot's transactions are to begin, until it is to `thaw`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, opening: Callable[[], Baseline]) -> None:
        self._thaw, stopped = threading.Event(), threading.Event()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._open, args=(opening,))

        def stop(readers: list[Connection]) -> None:
            if threading.current_thread() is self._thread:
                stopped.set()
                assert self._thaw.wait(DEADLINE)
            begin(readers)

        begin = global_lock.start_all
        for module in (global_lock, job_locks):
            monkeypatch.setattr(module, "start_all", stop)
        self._thread.start()
        assert stopped.wait(DEADLINE)

    def _open(self, opening: Callable[[], Baseline]) -> None:
        try:
            opening().close()
        except BaseException as found:  # noqa: BLE001 -- looked at by the test
            self.error = found

    def thaw(self) -> None:
        self._thaw.set()
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()


def _writes(endpoint: Endpoint, schema: str, seconds: int, table: str = "t") -> None:
    with closing(connect(endpoint)) as connection:
        run(connection, f"SET lock_wait_timeout = {seconds}", f"INSERT INTO {schema}.{table} VALUES ()")


def _is_kept_out(endpoint: Endpoint, schema: str, table: str = "t") -> bool:
    try:
        _writes(endpoint, schema, 1, table)
    except MySQLError:
        return True
    return False


@pytest.fixture(params=["the global read lock", "locks on the job's tables"])
def account(source: MysqlServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """Somebody who gets this lock."""
    if request.param != "the global read lock":
        monkeypatch.setattr(snapshot, "may_lock_globally", lambda _: False)
    return source.endpoint


# ---- Frozen while the source stands still ----


@pytest.mark.usefixtures("busy")
def test_a_successor_lets_the_writers_go_on_and_has_its_snapshot_at_once(
    account: Endpoint, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = LOCKER.with_("being patient", wait_timeout="600")
    monkeypatch.setattr(snapshot, "LOCKER", patient)  # so that nobody but the successor ends the session
    frozen = Frozen(monkeypatch, lambda: _baseline(account, shop, "j"))
    try:
        assert _is_kept_out(account, shop)
        begun = time.monotonic()
        with closing(_baseline(account, shop, "j")):
            assert time.monotonic() - begun < SOON
            _writes(account, shop, 5)
            frozen.thaw()
            assert isinstance(frozen.error, (UdupError, MySQLError)), "it has no snapshot"
    finally:
        frozen.thaw()
    _writes(account, shop, 1)


@pytest.mark.usefixtures("busy")
def test_where_nobody_comes_the_server_ends_the_session_that_holds_the_lock(
    account: Endpoint, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert int(LOCKER.settings["wait_timeout"] or 0) <= 5, "for so long nobody writes"
    monkeypatch.setattr(snapshot, "LOCKER", LOCKER.with_("locking for a moment", wait_timeout="1"))
    frozen = Frozen(monkeypatch, lambda: _baseline(account, shop, "j"))
    try:
        _writes(account, shop, 30)
    finally:
        frozen.thaw()
    assert isinstance(frozen.error, (UdupError, MySQLError)), "a snapshot without its lock is none"


# ---- Frozen while rows are read ----


def _reading_rows(endpoint: Endpoint, schema: str) -> Baseline:
    """A reader in the middle of a result that nobody takes: the server waits for it with the table's lock."""
    with closing(connect(endpoint)) as connection:
        rows = ", ".join(["(REPEAT('x', 100000))"] * _WIDE_ROWS)
        run(connection, f"INSERT INTO {schema}.t (a) VALUES {rows}")
    baseline = _baseline(endpoint, schema, "j")
    reader = baseline.snapshot.connections[0]
    reader._execute_command(3, f"SELECT * FROM {schema}.t".encode())  # type: ignore[attr-defined]
    number = reader.thread_id()
    locked = (
        "SELECT COUNT(*) FROM performance_schema.metadata_locks l JOIN performance_schema.threads t"
        " ON t.THREAD_ID = l.OWNER_THREAD_ID WHERE l.OBJECT_SCHEMA = %s AND l.LOCK_STATUS = 'GRANTED'"
        " AND t.PROCESSLIST_ID = %s"
    )
    end = time.monotonic() + 30
    with closing(connect(endpoint)) as connection:
        while not scalar(connection, locked, schema, number):
            assert time.monotonic() < end, "it does not read"
            time.sleep(0.01)
    return baseline


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.usefixtures("busy")
def test_a_successor_does_not_wait_for_rows_that_nobody_takes(source: MysqlServer, shop: str, stack: ExitStack) -> None:
    left = _reading_rows(source.endpoint, shop)
    stack.callback(_forget, left)
    with closing(connect(source.endpoint)) as application:
        alter = f"ALTER TABLE {shop}.t COMMENT 'changed'"
        with pytest.raises(MySQLError, match="1205"):
            run(application, "SET lock_wait_timeout = 1", alter)
        begun = time.monotonic()
        with closing(_baseline(source.endpoint, shop, "j")):
            assert time.monotonic() - begun < SOON, "the global read lock waits for a result that is sent"
            run(application, "SET lock_wait_timeout = 5", alter)


def test_tables_without_transactions_that_a_run_has_locked_are_let_go(
    source: MysqlServer, shop: str, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("udup.drivers.mysql.snapshot.locked_tables.PLANNED_BYTES", -1)  # none fits into memory
    left = _baseline(source.endpoint, shop, "j", "m")
    stack.callback(_forget, left)
    assert _is_kept_out(source.endpoint, shop, "m")
    begun = time.monotonic()
    with closing(_baseline(source.endpoint, shop, "j", "t")):
        assert time.monotonic() - begun < SOON
        _writes(source.endpoint, shop, 5, "m")


def _forget(left: Baseline) -> None:
    for connection in left.snapshot.connections:
        connection._force_close()  # type: ignore[attr-defined]
    left.close()


def test_no_lock_of_a_reader_outlives_its_hour() -> None:
    """Of a frozen client nothing is heard, and without a successor nobody else ends its session."""
    for session in (ROWS, LOCKED_ROWS):
        assert int(session.settings["net_write_timeout"] or 0) <= HELD_SECONDS <= 3600
    assert int(LOCKED_ROWS.settings["wait_timeout"] or 0) <= HELD_SECONDS
    assert int(closing_session(1).settings["wait_timeout"] or 0) <= 300, "of a cut-over, which keeps out others"


# ---- A frozen reader of the log ----


def test_a_dump_that_nobody_reads_is_ended_by_the_next_of_the_job(source: MysqlServer, shop: str) -> None:
    """It would keep the files of the log that it has not sent from being purged."""
    replica = Replica.of(shop)
    with FreezingLine(source.endpoint.port) as line, closing(connect(source.endpoint)) as connection:
        executed = GtidSet.parse(str(scalar(connection, "SELECT @@global.gtid_executed")))

        def opened(endpoint: Endpoint) -> BinlogStream:
            return BinlogStream(endpoint, replica.server_id, executed, replica.uuid)

        def dumps() -> set[int]:
            return {each.number for each in read_processes(connection) if each.command.startswith("Binlog Dump")}

        others = dumps()
        with closing(opened(replace(source.endpoint, port=line.port))):
            _until(lambda: bool(dumps() - others))
            line.freeze()
            [left] = dumps() - others
            run(connection, *[f"INSERT INTO {shop}.t (a) VALUES (REPEAT('x', 8000000))"] * 3)
            with closing(opened(source.endpoint)) as stream:
                assert next(iter(stream))
                _until(lambda: left not in dumps())
            line.thaw()


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


# ---- Whose sessions are ended ----


def test_the_sessions_of_other_jobs_and_of_none_stay(source: MysqlServer) -> None:
    with ExitStack() as stack:
        named = {
            holder: Places(holder).take(stack.enter_context(closing(connect(source.endpoint))))
            for holder in ("j", "j for another destination", "")
        }
        with closing(connect(source.endpoint)) as connection:
            Places("").clear(connection)
            assert all(scalar(each, "SELECT 1") == 1 for each in named.values())
            Places("j").clear(connection)
        assert not _lives(named.pop("j"))
        assert all(map(_lives, named.values()))


def test_a_run_of_before_that_comes_late_ends_no_session_of_a_later_one(source: MysqlServer) -> None:
    with ExitStack() as stack:

        def session() -> Connection:
            return stack.enter_context(closing(connect(source.endpoint)))

        asking, old, later = session(), Places("j", 41), Places("j", 1 << 45)
        left = old.take(session())
        later.clear(asking)
        assert not _lives(left)
        first, second = later.take(connect(source.endpoint)), later.take(session())
        with pytest.raises(Superseded, match=f"number {1 << 45}.*this one is 41"):
            old.clear(asking)
        assert _lives(first) and _lives(second)
        first.close()
        _until(lambda: later._shown(asking) == 0)
        third = later.take(session())  # of a snapshot that is opened once more
        with pytest.raises(Superseded):
            old.clear(asking)
        assert _lives(third)
        Places("j").clear(asking)  # a node that is alone asks for none
        assert not _lives(third)


def _lives(connection: Connection) -> bool:
    with suppress(MySQLError):
        return scalar(connection, "SELECT 1") == 1
    return False


def test_a_source_that_denies_named_locks_is_read_all_the_same() -> None:
    """Percona XtraDB Cluster does so."""
    text = "Percona-XtraDB-Cluster prohibits use of GET_LOCK with pxc_strict_mode = ENFORCING"

    def answer(conversation: Conversation, command: bytes) -> None:
        if b"_LOCK(" in command:
            conversation.send(error(text, 1105))
        else:
            decent(conversation, command)

    with FakeServer(serving(answer)) as server, closing(connect(server.endpoint())) as connection:
        places = Places("j")
        assert places.take(connection) is connection
        places.clear(connection)
