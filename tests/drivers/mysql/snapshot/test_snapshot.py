"""A snapshot holds exactly the transactions of its GTID set, also while others write."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from tests.full_copy import flushes, run
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.snapshot.snapshot import open_snapshot
from udup.sandbox.server import MysqlServer

#: Seconds of writing in each of the stress tests.
STRESS_SECONDS = 2.0

MakeServer = Callable[..., MysqlServer]


@contextmanager
def writers(server: MysqlServer, schema: str, count: int, pause: float) -> Iterator[None]:
    """Threads that insert one row a transaction, so that rows can be counted against GTIDs."""
    stop = threading.Event()

    def write() -> None:
        with closing(connect(server.endpoint)) as connection:
            while not stop.is_set():
                run(connection, f"INSERT INTO {schema}.s VALUES ()")
                time.sleep(pause)

    threads = [threading.Thread(target=write) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def number_of_transactions(gtid_set: str) -> int:
    total = 0
    for uuid_set in gtid_set.split(","):
        for part in uuid_set.split(":")[1:]:
            first, _, last = part.partition("-")
            total += int(last or first) - int(first) + 1
    return total


@pytest.mark.parametrize(("pause", "quiet_tries"), [(0.0, 40), (0.02, 1000), (0.0, 0)])
def test_rows_and_gtid_set_agree_while_others_write(mysql_server: MakeServer, pause: float, quiet_tries: int) -> None:
    server = mysql_server()  # its own: nobody else's transactions in the set
    with closing(connect(server.endpoint)) as connection:
        run(connection, "CREATE DATABASE w", "CREATE TABLE w.s (id BIGINT AUTO_INCREMENT PRIMARY KEY)")
        before = number_of_transactions(str(scalar(connection, "SELECT @@global.gtid_executed")))
    snapshots, flushed = 0, flushes(server.endpoint)
    with writers(server, "w", 6, pause):
        deadline = time.monotonic() + STRESS_SECONDS
        while time.monotonic() < deadline:
            with closing(open_snapshot(server.endpoint, 4, quiet_tries)) as snapshot:
                snapshots += 1
                rows = [scalar(each, "SELECT COUNT(*) FROM w.s") for each in snapshot.connections]
                time.sleep(0.01)
                rows.append(scalar(snapshot.connections[0], "SELECT COUNT(*) FROM w.s"))
            assert set(rows) == {number_of_transactions(snapshot.gtid_set) - before}
    if quiet_tries == 0:
        assert flushes(server.endpoint) - flushed >= snapshots


def test_a_quiet_server_needs_no_lock(source: MysqlServer) -> None:
    flushed = flushes(source.endpoint)
    with closing(open_snapshot(source.endpoint, 3)) as snapshot:
        assert flushes(source.endpoint) == flushed
        assert len(snapshot.connections) == 3


def test_writers_go_on_after_the_lock(source: MysqlServer, schema: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        run(connection, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.s (id INT PRIMARY KEY)")
        with closing(open_snapshot(source.endpoint, 2, quiet_tries=0)) as snapshot:
            run(connection, "SET lock_wait_timeout = 1", f"INSERT INTO {schema}.s VALUES (1)")
            assert scalar(snapshot.connections[1], f"SELECT COUNT(*) FROM {schema}.s") == 0


def test_without_the_right_to_lock_the_remedy_is_named(source: MysqlServer, schema: str) -> None:
    user = f"u{schema[-12:]}"
    with closing(connect(source.endpoint)) as connection:
        run(connection, f"CREATE USER {user} IDENTIFIED BY 'secret'", f"GRANT SELECT ON mysql.* TO {user}")
        try:
            endpoint = Endpoint(source.endpoint.host, source.endpoint.port, user, "secret")
            with pytest.raises(Refused, match="RELOAD"):
                open_snapshot(endpoint, 2)
            end = time.monotonic() + 20  # the server lists a session a moment longer than its client has it
            while query(connection, "SELECT 1 FROM sys.processlist WHERE user LIKE %s", f"{user}%"):
                assert time.monotonic() < end
                time.sleep(0.05)
        finally:
            run(connection, f"DROP USER {user}")
