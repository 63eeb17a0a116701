"""Tables of every kind that a copy takes in its own way, and writers all over their keys while it is under way."""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing
from dataclasses import dataclass

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, is_transient, query

#: Of a table that writers race for: a deadlock, a lock that was waited for, a key that is there.
_EXPECTED = frozenset({1062, 1205, 1213})

#: Seconds between two statements of a writer, at the least.
PAUSE_SECONDS = 0.02

#: Seconds until one tries again when the server is away.
_AWAY_SECONDS = 0.3

#: What stands in each row beside its key.
_TEXT = "REPEAT(CHAR(97 + n % 26), 20 + n % 60)"


@dataclass(frozen=True)
class Kind:
    """`share` of all rows, in thousandths; `key` makes a row's key of its number `n`, `where` chooses rows near one.

    `moves`: keys of rows are changed as well, by this much, which is no other row's.
    """

    name: str
    share: int
    create: str
    columns: str
    key: str
    where: str
    extra: str = ""
    moves: str = ""


KINDS = (
    Kind("gaps", 370, "id INT UNSIGNED PRIMARY KEY, n INT, s VARCHAR(100), KEY (n)", "id, n, s", "n * 3",
         "id = {n} * 3", moves="id = id + 1"),
    Kind("of_tenants", 200, "tenant INT, id INT, n INT, s VARCHAR(100), PRIMARY KEY (tenant, id)", "tenant, id, n, s",
         "n % 3, n", "tenant = {n} % 3 AND id = {n}"),
    Kind("pairs", 100, "a INT, b VARCHAR(20), n INT, s VARCHAR(100), PRIMARY KEY (a, b)", "a, b, n, s",
         "n DIV 40, n % 40", "a = {n} DIV 40 AND b = {n} % 40"),
    Kind("beyond", 100, "id BIGINT UNSIGNED PRIMARY KEY, n INT, s VARCHAR(100)", "id, n, s",
         "IF(n % 2, n, 18446744073709551615 - n)", "id = IF({n} % 2, {n}, 18446744073709551615 - {n})"),
    Kind("below", 90, "id INT PRIMARY KEY, n INT, s VARCHAR(100), KEY (s)", "id, n, s", "IF(n % 2, n, -n) * 5",
         "id = IF({n} % 2, {n}, -{n}) * 5", moves="id = id + 2"),
    Kind("in_parts", 60, "id BIGINT PRIMARY KEY, n INT, s VARCHAR(100)", "id, n, s", "n", "id = {n}",
         extra=" PARTITION BY HASH (id) PARTITIONS 7"),
    Kind("documents", 40, "id INT PRIMARY KEY, n INT, s VARCHAR(100), d JSON", "id, n, s, d",
         "n", "id = {n}"),
    Kind("computed", 15, "id INT PRIMARY KEY, n INT, s VARCHAR(100), twice INT AS (n * 2) STORED, KEY (twice)",
         "id, n, s", "n", "id = {n}"),
    Kind("by_text", 15, "id VARCHAR(30) COLLATE utf8mb4_0900_as_cs PRIMARY KEY, n INT, s VARCHAR(100)", "id, n, s",
         "CONCAT('k', n)", "id = CONCAT('k', {n})"),
    Kind("keyless", 9, "n INT, s VARCHAR(100), KEY (n)", "n, s", "", "n = {n}"),
    Kind("large", 1, "id SMALLINT UNSIGNED PRIMARY KEY, n INT, s VARCHAR(100), b LONGBLOB", "id, n, s, b", "n % 65536",
         "id = {n} % 65536"),
)  # fmt: skip

_MORE = {"documents": ", JSON_OBJECT('n', n, 's', JSON_ARRAY(n / 7, NOW(6)))", "large": ", REPEAT(SHA2(n, 256), 1000)"}


def make_tables(source: Endpoint, schema: str, rows: int) -> int:
    """Make and fill them with so many rows in all; return how many those are exactly."""
    made = 0
    with closing(connect(source)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"USE {schema}")
        query(connection, "CREATE TABLE numbers (n INT PRIMARY KEY)")
        query(connection, "SET SESSION cte_max_recursion_depth = 1000000")
        for begin in range(0, rows, 500_000):
            end = min(rows, begin + 500_000)
            query(
                connection,
                f"INSERT INTO numbers WITH RECURSIVE r (n) AS (SELECT {begin + 1} UNION ALL SELECT n + 1 FROM r"
                f" WHERE n < {end}) SELECT n FROM r",
            )
        for each in KINDS:
            count = max(rows * each.share // 1000, 1)
            query(connection, f"CREATE TABLE {each.name} ({each.create}){each.extra}")
            query(
                connection,
                f"INSERT INTO {each.name} ({each.columns}) SELECT {each.key}{', ' if each.key else ''}n, {_TEXT}"
                f"{_MORE.get(each.name, '')} FROM numbers WHERE n <= {count}",
            )
            query(connection, f"ANALYZE TABLE {each.name}")
            made += count
        query(connection, "DROP TABLE numbers")
    return made


class CopyWriters:
    """Threads that change, remove and add rows all over the keys, until they are told to stop.

    `added`: rows that they have inserted, which the copy may bring as well. `problem`: why one has ended.
    """

    def __init__(self, source: Endpoint, schema: str, rows: int, seed: str, *, threads: int = 2) -> None:
        self._source, self._schema, self._rows = source, schema, rows
        self._stopped = threading.Event()
        self.added = 0
        self.written = 0
        self.problem = ""
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(f"{seed}-{number}"),), daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        self._stopped.set()
        for each in self._threads:
            each.join(60)

    def _run(self, dice: random.Random) -> None:
        while not self._stopped.is_set():
            try:
                with closing(connect(self._source, database=self._schema)) as connection:
                    while not self._stopped.wait(PAUSE_SECONDS):
                        self._write(connection, dice)
            except (MySQLError, UdupError, OSError) as error:
                if isinstance(error, MySQLError) and not is_transient(error):
                    self.problem = f"{type(error).__name__}: {error}"
                    return
                self._stopped.wait(_AWAY_SECONDS)

    def _write(self, connection: Connection, dice: random.Random) -> None:
        kind = dice.choice(KINDS)
        number = dice.randint(1, max(self._rows * kind.share // 1000, 1))
        where = kind.where.format(n=number)
        sql = dice.choice(
            [
                f"UPDATE {kind.name} SET n = n + 1, s = 'changed' WHERE {where}",
                f"UPDATE {kind.name} SET n = n + 1 ORDER BY {self._order(kind)} LIMIT 3",
                f"UPDATE {kind.name} SET {kind.moves or 's = NULL'} WHERE {where}",
                f"DELETE FROM {kind.name} WHERE {where}",
                self._insert(kind, dice, number),
            ]
        )
        try:
            changed = query_count(connection, sql)
        except MySQLError as error:
            if error_code(error) not in _EXPECTED:
                raise
            return
        self.written += 1
        if sql.startswith("INSERT"):
            self.added += changed

    def _order(self, kind: Kind) -> str:
        return f"{kind.columns.split(',')[0]} DESC"

    def _insert(self, kind: Kind, dice: random.Random, number: int) -> str:
        """One that was removed before, or one behind all of them."""
        n = number if dice.random() < 0.5 else number + self._rows + int(time.monotonic_ns() % 1_000_000)
        return (
            f"INSERT IGNORE INTO {kind.name} ({kind.columns}) SELECT {kind.key}{', ' if kind.key else ''}n, {_TEXT}"
            f"{_MORE.get(kind.name, '')} FROM (SELECT {n} AS n) one"
        )


def query_count(connection: Connection, sql: str) -> int:
    """Run a statement; return how many rows it has changed."""
    with connection.cursor() as cursor:
        return int(cursor.execute(sql))
