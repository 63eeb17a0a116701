"""Writers that change the tables of the proof at a steady rate, whatever becomes of the source meanwhile."""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing

from tests.soak.proof.tables import BIG_ROWS, KINDS, LIVE, OLD, SCHEMA, SOME_ROWS, TEXT_ROWS, every_row
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, is_transient, query

#: Threads that write, and seconds behind its plan after which a writer lets that go.
WRITERS, MOST_BEHIND = 4, 1.0

_NUMBERED = ("big", "big", "big", "parts", "computed", "some", "cols", "parent")


class Load:
    """`rate` transactions a second in all. `done` counts them; `problems` are errors that no kill explains."""

    def __init__(self, endpoint: Endpoint, rate: float, seed: str) -> None:
        self._endpoint, self._pause = endpoint, WRITERS / rate
        self._stopped = threading.Event()
        self._done = [0] * WRITERS
        self.problems: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=(number, random.Random(f"{seed}-{number}")), daemon=True)
            for number in range(WRITERS)
        ]

    @property
    def done(self) -> int:
        return sum(self._done)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, number: int, dice: random.Random) -> None:
        """Begin again when the connection was ended, or the server is away."""
        while not self._stopped.is_set():
            try:
                with closing(connect(self._endpoint, database=SCHEMA)) as connection:
                    query(connection, "SET SESSION sql_mode = '', innodb_lock_wait_timeout = 5")
                    self._write(number, connection, dice)
            except (MySQLError, UdupError, OSError) as error:
                if isinstance(error, MySQLError) and not is_transient(error):
                    self.problems.append(f"{type(error).__name__}: {error}")
                    return
                self._stopped.wait(0.2)

    def _write(self, number: int, connection: Connection, dice: random.Random) -> None:
        due = time.monotonic()
        while not self._stopped.is_set():
            query(connection, "BEGIN")
            for _ in range(dice.choice((1, 1, 2, 4))):
                query(connection, _statement(dice))
            query(connection, "ROLLBACK" if dice.random() < 0.02 else "COMMIT")
            self._done[number] += 1
            due = max(due + self._pause, time.monotonic() - MOST_BEHIND)
            self._stopped.wait(max(0.0, due - time.monotonic()))


def _statement(dice: random.Random) -> str:
    """Return one change of rows that are the writers'."""
    row = LIVE + dice.randint(1, SOME_ROWS)
    kind = dice.random()
    if kind < 0.1:
        return _of_every_type(dice)
    if kind < 0.2:
        return dice.choice(
            (
                f"INSERT INTO bare VALUES ({row}, 'more', 0.25, '[1, 2]'), ({row}, 'more', 0.25, '[1, 2]')",
                f"UPDATE bare SET f = f + 0.1 WHERE id = {row}",
                f"DELETE FROM bare WHERE id = {row} LIMIT 2",
            )
        )
    if kind < 0.3:
        key = LIVE + dice.randint(1, TEXT_ROWS)
        return dice.choice(
            (
                f"UPDATE by_text SET n = n + 1, k = {dice.choice(('UPPER', 'LOWER'))}(k) WHERE k = 'key{key}'",
                f"REPLACE INTO by_text VALUES ('Key{key}', 'again', 1)",
                f"UPDATE folded SET k = {dice.choice(('UPPER', 'LOWER'))}(k) WHERE k = 'key{row}'",
            )
        )
    if kind < 0.4:
        return dice.choice(
            (
                f"UPDATE odd SET d = IF(d = 0, -0e0, 0), s = IF(s = '', NULL, '') WHERE id = {row}",
                f"UPDATE hidden SET n = n + 1 WHERE id = {row}",
                f"UPDATE {OLD}.customers SET n = n + 1 WHERE id = {row}",
                f"INSERT IGNORE INTO child VALUES ({row}, 'child', {row})",
            )
        )
    table = dice.choice(_NUMBERED)
    row = LIVE + dice.randint(1, BIG_ROWS if table == "big" else SOME_ROWS)
    if dice.random() < 0.1:
        return f"DELETE FROM {table} WHERE id = {row}"
    if dice.random() < 0.2:
        return f"INSERT IGNORE INTO {table} (id, v, n) VALUES ({row}, 'again', {dice.randint(5, 15)})"
    return f"UPDATE {table} SET n = {dice.randint(5, 15)}, v = 'v{dice.randint(1, 9)}' WHERE id = {row}"


def _of_every_type(dice: random.Random) -> str:
    row = LIVE + dice.randint(1, 100)
    name = dice.choice(list(KINDS))
    return dice.choice(
        (
            every_row(row, dice).replace("INSERT", "REPLACE"),
            f"UPDATE every SET {name} = {KINDS[name].literal(dice)} WHERE id = {row}",
            f"UPDATE every SET {name} = NULL WHERE id = {row}",
        )
    )
