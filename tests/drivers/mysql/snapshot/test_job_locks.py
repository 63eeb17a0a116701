"""A source that denies FLUSH TABLES WITH READ LOCK gets its snapshot under LOCK TABLES … READ, as exact as ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.drivers.mysql.snapshot.denying_shop import Shop, ended, make_shop
from tests.drivers.mysql.snapshot.test_snapshot import number_of_transactions
from tests.full_copy import flushes, run
from tests.preflights import bare_account
from udup.base.errors import Contended, Refused, Transient
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.drivers.mysql.client.sessions import LOCKER
from udup.drivers.mysql.snapshot import global_lock, job_locks, snapshot
from udup.drivers.mysql.snapshot.baseline import open_baseline
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer

#: Seconds of writing in the test under load, and until it has seen enough, on a busy machine.
STRESS_SECONDS, DEADLINE = 4.0, 120.0


# ---- Exact under writes ----

#: What writers do to the job's tables, in one transaction: themselves, by a foreign key, by a trigger.
_WRITES = {
    "both": ("INSERT INTO {0}.t VALUES (DEFAULT, {1}, {2})", "INSERT INTO {0}.u VALUES (DEFAULT, {1}, {2})"),
    "with_another": (
        "INSERT INTO {0}.t VALUES (DEFAULT, {1}, {2})",
        "INSERT INTO {0}_o.beside VALUES ({1}, {2})",
        "INSERT INTO {0}.u VALUES (DEFAULT, {1}, {2})",
    ),
    "by_trigger": ("INSERT INTO {0}_o.fires VALUES ({1}, {2})",),
    "beside": ("INSERT INTO {0}_o.beside VALUES ({1}, {2})",),
}


def _uuid(writer: int) -> str:
    return f"{writer + 1:08d}-0000-0000-0000-000000000001"


@contextmanager
def _writing(shop: Shop) -> Iterator[list[int]]:
    """Two writers of each kind, each with GTIDs of its own UUID: so a GTID set tells which rows there are."""
    stop, done, errors = threading.Event(), [0] * (2 * len(_WRITES)), list[BaseException]()

    def write(writer: int, statements: tuple[str, ...]) -> None:
        try:
            with closing(connect(shop.admin)) as connection:
                while not stop.is_set():
                    number = done[writer] + 1
                    run(connection, f"SET gtid_next = '{_uuid(writer)}:{number}'", "BEGIN")
                    run(connection, *(each.format(shop.schema, writer, number) for each in statements))
                    run(connection, "COMMIT", "SET gtid_next = AUTOMATIC")
                    done[writer] = number
        except BaseException as error:  # noqa: BLE001 -- looked at below
            errors.append(error)

    kinds = [*_WRITES.values(), *_WRITES.values()]
    threads = [threading.Thread(target=write, args=each) for each in enumerate(kinds)]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []


def _expected(gtid_set: str, writes_to_job: bool) -> dict[int, tuple[int, int]]:
    """By writer: how many rows there are in each of the job's tables, and the last of them."""
    parsed, found = GtidSet.parse(gtid_set), {}
    for writer, kind in enumerate([*_WRITES, *_WRITES]):
        of_writer = ",".join(each for each in str(parsed).split(",") if each.strip().startswith(_uuid(writer)))
        if of_writer and (kind == "beside") is not writes_to_job:
            count = number_of_transactions(of_writer)
            found[writer] = (count, count)
    return found


def _rows(connection: Connection, schema: str, table: str) -> dict[int, tuple[int, int]]:
    found = query(connection, f"SELECT w, COUNT(*), MAX(n) FROM {schema}.{table} GROUP BY w")
    return {int(writer): (int(count), int(last)) for writer, count, last in found}


def test_rows_and_gtid_set_agree_while_others_write(shop: Shop) -> None:
    with shop.session() as connection:
        run(
            connection,
            f"CREATE DATABASE {shop.schema}_o",
            f"CREATE TABLE {shop.schema}_o.beside (w INT, n INT)",
            f"CREATE TABLE {shop.schema}_o.fires (w INT, n INT)",
            f"CREATE TRIGGER {shop.schema}_o.fires_t AFTER INSERT ON {shop.schema}_o.fires FOR EACH ROW BEGIN"
            f" INSERT INTO {shop.schema}.t VALUES (DEFAULT, NEW.w, NEW.n);"
            f" INSERT INTO {shop.schema}.u VALUES (DEFAULT, NEW.w, NEW.n); END",
        )
    flushed, snapshots, moved = flushes(shop.admin), 0, set[int]()
    try:
        with _writing(shop) as done:
            begun = time.monotonic()
            while time.monotonic() - begun < STRESS_SECONDS or snapshots < 8 or len(moved) < 2 or not min(done):
                assert time.monotonic() - begun < DEADLINE, (snapshots, moved, done)
                with closing(shop.open(connections=3)) as opened:
                    snapshots += 1
                    expected = _expected(opened.gtid_set, writes_to_job=True)
                    moved.add(sum(count for count, _ in _expected(opened.gtid_set, writes_to_job=False).values()))
                    for connection in opened.connections:
                        for _, table in shop.tables:
                            assert _rows(connection, shop.schema, table) == expected
        assert flushes(shop.admin) == flushed, "no global lock was asked for"
    finally:
        with shop.session() as connection:
            run(connection, f"DROP DATABASE {shop.schema}_o")


def test_rows_that_a_foreign_key_changes_wait_too(shop: Shop) -> None:
    """The parent is in no job; its cascade would write to a table that is locked."""
    schema = shop.schema
    with shop.session() as connection, shop.session() as application:
        run(
            connection,
            f"CREATE TABLE {schema}.parent (id INT PRIMARY KEY)",
            f"ALTER TABLE {schema}.t ADD p INT, ADD FOREIGN KEY (p) REFERENCES {schema}.parent (id) ON DELETE CASCADE",
            f"INSERT INTO {schema}.parent VALUES (1)",
            f"INSERT INTO {schema}.t (w, n, p) VALUES (0, 0, 1)",
            job_locks.lock_statement(shop.tables),
            "SELECT 1",
        )
        run(application, "SET lock_wait_timeout = 1")
        with pytest.raises(Exception, match="1205"):
            run(application, f"DELETE FROM {schema}.parent")
        run(connection, "UNLOCK TABLES")
        run(application, f"DELETE FROM {schema}.parent")


def test_a_table_that_is_made_while_the_snapshot_is_opened_has_it_opened_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It and its row are before the set or behind it, and never half: its definition is read before and after."""
    opened: list[int] = []
    original = job_locks.start_all

    def disturbed(readers: list[Connection]) -> None:
        opened.append(1)
        if len(opened) == 1:
            with shop.session() as connection:
                run(connection, f"CREATE TABLE {shop.schema}.new (id INT PRIMARY KEY)")
                run(connection, f"INSERT INTO {shop.schema}.new VALUES (1)")
        original(readers)

    monkeypatch.setattr(job_locks, "start_all", disturbed)
    with closing(open_baseline(shop.account, 1, Selection.of([(shop.schema, [])]))) as baseline:
        assert len(opened) == 2
        assert [table.name for table in baseline.catalog.tables] == ["new", "t", "u"]
        assert scalar(baseline.snapshot.connections[0], f"SELECT COUNT(*) FROM {shop.schema}.new") == 1


def test_a_table_that_is_dropped_before_it_is_locked_is_left_out(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    original = snapshot.open_under_table_locks
    dropped: list[int] = []

    def disturbed(*args: object) -> object:
        if not dropped:
            dropped.append(1)
            with shop.session() as connection:
                run(connection, f"DROP TABLE {shop.schema}.u")
        return original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(snapshot, "open_under_table_locks", disturbed)
    with closing(open_baseline(shop.account, 1, Selection.of([(shop.schema, [])]))) as baseline:
        assert [table.name for table in baseline.catalog.tables] == ["t"]


def test_views_triggers_and_tables_without_transactions_are_no_hindrance(shop: Shop) -> None:
    schema = shop.schema
    with shop.session() as connection:
        run(
            connection,
            f"CREATE VIEW {schema}.v AS SELECT * FROM mysql.user",
            f"CREATE VIEW {schema}.broken AS SELECT * FROM {schema}.t",
            f"CREATE TRIGGER {schema}.g BEFORE INSERT ON {schema}.u FOR EACH ROW SET @seen = 1",
            f"CREATE TABLE {schema}.m (id INT PRIMARY KEY) ENGINE=MyISAM",
            f"INSERT INTO {schema}.m VALUES (1), (2)",
        )
        with closing(open_baseline(shop.account, 1, Selection.of([(schema, [])]))) as baseline:
            assert [table.name for table in baseline.catalog.tables] == ["m", "t", "u"]
            assert len(baseline.catalog.objects) == 3
            assert shop.can_be_written()


# ---- Waiting ----


def test_a_long_query_is_not_waited_for(shop: Shop) -> None:
    """FLUSH TABLES WITH READ LOCK would wait for its end."""
    assert shop.can_be_written()
    with shop.session() as other, ended(shop, other):
        other._execute_command(3, f"SELECT SLEEP(60) FROM {shop.schema}.t LIMIT 1")  # type: ignore[attr-defined]
        begun = time.monotonic()
        shop.open().close()
        assert time.monotonic() - begun < 30


@pytest.mark.parametrize("where", ["start_all", "executed"])
def test_the_tables_are_let_go_whatever_happens(shop: Shop, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    locked: list[bool] = []

    def broken(given: object) -> None:
        with shop.session() as other:
            run(other, "SET lock_wait_timeout = 1")
            with pytest.raises(Exception, match="1205"):
                run(other, f"INSERT INTO {shop.schema}.t VALUES (DEFAULT, 0, 0)")
            locked.append(True)
        raise KeyboardInterrupt

    monkeypatch.setattr(job_locks, where, broken)
    with pytest.raises(KeyboardInterrupt):
        shop.open()
    assert locked == [True] and shop.can_be_written()


def test_a_session_that_vanishes_with_the_lock_is_ended_by_the_server_and_no_snapshot_comes_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without power says nothing more; the writers must not wait for a network to notice."""
    monkeypatch.setattr(snapshot, "LOCKER", LOCKER.with_("locking", wait_timeout="1"))
    original = job_locks.start_all

    def frozen(readers: list[Connection]) -> None:
        original(readers)
        with shop.session() as other:
            run(other, "SET lock_wait_timeout = 20", f"INSERT INTO {shop.schema}.t VALUES (DEFAULT, 0, 0)")

    monkeypatch.setattr(job_locks, "start_all", frozen)
    with pytest.raises(Transient):
        shop.open()


# ---- Who may what ----


def test_the_global_lock_is_taken_where_it_is_granted(shop: Shop) -> None:
    with shop.session() as connection:
        run(connection, f"GRANT FLUSH_TABLES ON *.* TO {shop.account.user}")
    flushed = flushes(shop.admin)
    shop.open().close()
    assert flushes(shop.admin) == flushed + 1


def test_a_server_that_denies_the_global_lock_in_spite_of_the_privilege(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Amazon's does, with another error: there, RELOAD does not help."""
    with shop.session() as connection:
        run(connection, f"GRANT RELOAD ON *.* TO {shop.account.user}")
    monkeypatch.setattr(global_lock, "FLUSH", "FLUSH LOGS_OF_NOBODY")

    def denied(connection: Connection, sql: str, *args: object) -> list[object]:
        if sql == "FLUSH LOGS_OF_NOBODY":
            raise global_lock.MySQLError(1045, "Access denied for user 'admin'@'%' (using password: YES)")
        return query(connection, sql, *args)

    monkeypatch.setattr(global_lock, "query", denied)
    shop.open().close()


def test_a_global_lock_that_is_not_granted_in_time_is_not_the_only_way(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long query keeps it away; it is asked for less often where there is another way."""
    monkeypatch.setattr(global_lock, "LOCK_TRIES", 2)
    monkeypatch.setattr(global_lock, "FEW_TRIES", 1)
    monkeypatch.setattr(global_lock, "LOCK_PAUSE", 0.6)
    with shop.session() as other, ended(shop, other):
        run(other, f"GRANT RELOAD, PROCESS ON *.* TO {shop.account.user}")
        assert shop.can_be_written()
        other._execute_command(3, f"SELECT SLEEP(60) FROM {shop.schema}.t LIMIT 1")  # type: ignore[attr-defined]
        with shop.session() as killer:
            time.sleep(1.1)  # from here on its statement is a long one
            flushed = flushes(shop.admin)
            shop.open().close()
            assert flushes(shop.admin) == flushed
            run(killer, f"REVOKE LOCK TABLES ON *.* FROM {shop.account.user}")
            with pytest.raises(Contended, match="global read lock"):
                shop.open()


def test_what_is_missing_is_named_with_the_grant_that_is_enough(denying: MysqlServer, name: str) -> None:
    with bare_account(denying) as account:
        shop = make_shop(denying, name, account, "SELECT", "REPLICATION CLIENT")
        try:
            with pytest.raises(Refused) as refused:
                shop.open()
            (fault,) = refused.value.faults
            assert "LOCK TABLES" in fault.problem and "FLUSH_TABLES" in fault.problem
            grant, other = fault.remedy.split("; or ")
            assert other.startswith(f"GRANT RELOAD ON *.* TO '{account.user}'@'%'")
            with shop.session() as connection:
                run(connection, grant)
            shop.open().close()
        finally:
            with shop.session() as connection:
                run(connection, f"DROP DATABASE {name}")
