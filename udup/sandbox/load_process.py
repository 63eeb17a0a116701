"""The write load's own process: `python -m udup.sandbox.load_process`, started and watched by `WriteLoad`.

It reads one line of JSON with its settings from standard input (so the password is in no process list), prints its
statistics as lines of JSON, and ends when standard input ends. That is how it dies with its parent, whatever that
dies of, and whichever of the parent's threads had started it (PR_SET_PDEATHSIG looks at the thread).
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from pymysql.constants import ER
from pymysql.cursors import Cursor

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, error_code, is_transient
from udup.drivers.mysql.client.sessions import SHOP_WRITER
from udup.sandbox.shop_ddl import statements
from udup.sandbox.shop_transactions import RolledBackError, Transaction, Writer, choose, ledger

#: A writer that is more than this many seconds late forgets the rest, instead of catching up in a burst.
MAX_LATENESS = 1.0

#: Seconds between two lines of statistics.
REPORT_SECONDS = 0.2

#: Seconds until a lost server is tried again.
RECONNECT_SECONDS = 0.2

#: Seconds from one DDL statement to the next.
DDL_SECONDS = 1.0

#: Seconds without an answer after which a connection counts as lost.
READ_TIMEOUT = 30

_RETRIED = frozenset({ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT, ER.TABLE_DEF_CHANGED})


@dataclass
class LoadStats:
    """What the load has done so far. `unknown` counts commits whose answer was lost with the connection."""

    transactions: int = 0
    rows: int = 0
    rollbacks: int = 0
    ddl: int = 0
    deadlocks: int = 0
    reconnects: int = 0
    unknown: int = 0
    errors: int = 0
    last_error: str = ""


@dataclass
class Shared:
    """What the threads have in common."""

    endpoint: Endpoint
    schema: str
    run: str
    stop: threading.Event = field(default_factory=threading.Event)
    stats: LoadStats = field(default_factory=LoadStats)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, **amounts: int) -> None:
        with self.lock:
            for name, amount in amounts.items():
                setattr(self.stats, name, getattr(self.stats, name) + amount)

    def failed(self, what: str, error: BaseException) -> None:
        with self.lock:
            self.stats.errors += 1
            self.stats.last_error = f"{what}: {describe(error)}"

    def connection(self) -> Connection | None:
        """A connection, waiting for the server as long as it takes; None when the load is to stop."""
        while not self.stop.is_set():
            try:
                opened = connect(
                    self.endpoint,
                    SHOP_WRITER,
                    database=self.schema,
                    read_timeout=READ_TIMEOUT,
                )
            except UdupError:
                self.stop.wait(RECONNECT_SECONDS)
            else:
                return opened
        return None


def write(shared: Shared, index: int, per_second: float) -> None:
    """One writer: transactions at its pace until the load stops."""
    connection = shared.connection()
    if connection is None:
        return
    writer = Writer.on(connection, index, shared.run)
    for _ in _ticks(shared.stop, per_second, offset=index / per_second / 10):
        writer.number += 1
        try:
            _transaction(shared, connection, writer)
        except (MySQLError, OSError) as error:
            if not is_transient(error):
                shared.failed("transaction", error)
                connection.rollback()
                continue
            shared.count(reconnects=1)
            reopened = shared.connection()
            if reopened is None:
                return
            connection = reopened
    connection.close()


def change_definitions(shared: Shared) -> None:
    """The one that runs DDL, beside the writers."""
    connection = shared.connection()
    pending = statements(shared.run)
    statement = next(pending)
    asked_before = False
    for _ in _ticks(shared.stop, 1 / DDL_SECONDS, offset=0.0):
        if connection is None:
            return
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
            connection.commit()
            shared.count(ddl=1)
        except (MySQLError, OSError) as error:
            if error_code(error) in _RETRIED:
                continue
            if is_transient(error):
                shared.count(reconnects=1)
                connection = shared.connection()
                asked_before = True
                continue
            if not asked_before:  # else it had been done when the connection was lost
                shared.failed(statement, error)
        asked_before = False
        statement = next(pending)
    if connection is not None:
        connection.close()


def _ticks(stop: threading.Event, per_second: float, offset: float) -> Iterator[None]:
    """One tick for each transaction that is due."""
    due = time.monotonic() + offset
    while True:
        now = time.monotonic()
        due = max(due, now - MAX_LATENESS)
        if stop.wait(max(0.0, due - now)):
            return
        yield
        due += 1 / per_second


def _transaction(shared: Shared, connection: Connection, writer: Writer) -> None:
    """One transaction, again after a deadlock; errors of any other kind are the caller's."""
    kind = choose(writer)
    while True:
        try:
            rows = _statements(connection, writer, kind)
        except RolledBackError:
            connection.rollback()
            shared.count(rollbacks=1)
            return
        except MySQLError as error:
            if error_code(error) not in _RETRIED:
                raise
            connection.rollback()
            shared.count(deadlocks=1)
            if shared.stop.is_set():
                return
            continue
        try:
            connection.commit()
        except (MySQLError, OSError):
            shared.count(unknown=1)
            raise
        shared.count(transactions=1, rows=rows)
        return


def _statements(connection: Connection, writer: Writer, kind: Transaction) -> int:
    """Runs the transaction's statements; answers how many rows they changed."""
    with connection.cursor(CountingCursor) as cursor:
        kind(writer, cursor)
        ledger(writer, cursor)
        return cursor.changed


class CountingCursor(Cursor):
    """Adds up the rows that its statements change."""

    changed = 0

    def execute(self, query: str, args: object = None) -> int:
        count = super().execute(query, args)
        if self.description is None:
            self.changed += count
        return count


def _report(shared: Shared) -> None:
    with shared.lock:
        line = json.dumps(asdict(shared.stats))
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _watch_parent(stop: threading.Event) -> None:
    """Any further line asks for the end, and so does the end of the input, when the parent is gone."""
    sys.stdin.readline()
    stop.set()


def main() -> None:
    settings = json.loads(sys.stdin.readline())
    endpoint = Endpoint(**settings["endpoint"])
    shared = Shared(endpoint, settings["schema"], settings["run"])
    writers = settings["writers"]
    pace = settings["rate"] / writers
    threads = [threading.Thread(target=write, args=(shared, index, pace)) for index in range(1, writers + 1)]
    if settings["ddl"]:
        threads.append(threading.Thread(target=change_definitions, args=(shared,)))
    threading.Thread(target=_watch_parent, args=(shared.stop,), daemon=True).start()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        _report(shared)
        time.sleep(REPORT_SECONDS)
    _report(shared)


if __name__ == "__main__":
    main()
