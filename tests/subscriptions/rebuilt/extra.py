"""A writer of what the other random writers have not: large transactions, keys that move, rows put over others."""

from __future__ import annotations

import random
import tempfile
import threading
from collections import Counter
from contextlib import closing

import pymysql

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, is_transient, query

TABLES = (
    "CREATE TABLE `x_moved` (id INT PRIMARY KEY, v INT, UNIQUE KEY (v))",
    "CREATE TABLE `x_two` (a INT, b VARCHAR(20) COLLATE utf8mb4_0900_ai_ci, v TEXT, PRIMARY KEY (b, a))",
    "CREATE TABLE `x_large` (id INT AUTO_INCREMENT PRIMARY KEY, v MEDIUMTEXT, b BLOB)",
    "CREATE TABLE `x_unique` (a INT NOT NULL, b INT NOT NULL, v INT, UNIQUE KEY (b))",
    "CREATE TABLE `x_bare` (a INT, v VARCHAR(300))",
    'CREATE TABLE `x ä.%p` (`a b` INT PRIMARY KEY, `v."w` VARCHAR(30))',
)

#: What a client says whose server is gone.
_GONE = (0, 1053, 2006, 2013)

#: Rows of a large transaction, of 2,000 characters each, and the most rows that the table of them keeps.
LARGE_ROWS, MOST_ROWS = 1500, 4000


class ExtraWriter:
    """One thread. Errors that the server answers with are no fault: duplicates, locks. It may be killed."""

    def __init__(self, endpoint: Endpoint, schema: str, seed: str) -> None:
        self._endpoint = endpoint
        self._schema = schema
        self._dice = random.Random(seed)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=seed, daemon=True)
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(60)

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                try:
                    with closing(connect(self._endpoint, database=self._schema)) as connection:
                        self._write(connection)
                except (MySQLError, UdupError, OSError) as error:
                    if isinstance(error, MySQLError) and not is_transient(error):
                        raise
                    self._stopped.wait(0.3)
        except Exception as error:  # noqa: BLE001 - told by whoever joins
            self.problems.append(f"{type(error).__name__}: {error}")

    def _write(self, connection: Connection) -> None:
        query(connection, "SET SESSION innodb_lock_wait_timeout = 2, sql_mode = ''")
        while not self._stopped.wait(self._dice.random() * 0.05):
            try:
                self._one(connection)
            except MySQLError as error:
                if error_code(error) in _GONE:
                    raise
                self.done[f"error {error.args[0]}"] += 1

    def _one(self, connection: Connection) -> None:
        dice = self._dice
        what = dice.choices(["moved", "two", "large", "unique", "bare", "odd", "file"], [6, 6, 1, 4, 4, 4, 1])[0]
        query(connection, "BEGIN")
        try:
            for statement in getattr(self, f"_{what}")(dice):
                query(connection, statement)
        except MySQLError:
            query(connection, "ROLLBACK")
            raise
        query(connection, "ROLLBACK" if dice.random() < 0.08 else "COMMIT")
        self.done[what] += 1

    def _moved(self, dice: random.Random) -> list[str]:
        first, v = dice.randrange(60), dice.randrange(100)
        return dice.choice(
            [
                ["UPDATE x_moved SET id = id + 1 ORDER BY id DESC"],
                [f"UPDATE x_moved SET id = id - 1 WHERE id > {first} ORDER BY id"],
                [f"INSERT INTO x_moved VALUES ({first}, {v}) ON DUPLICATE KEY UPDATE v = v + 100, id = id + 1"],
                [f"INSERT INTO x_moved VALUES ({first}, 1), ({first + 1}, 2) ON DUPLICATE KEY UPDATE v = {v + 200}"],
                [f"REPLACE INTO x_moved VALUES ({first}, {v}), ({first + 1}, {v + 1}), ({first + 2}, {v})"],
                [f"UPDATE x_moved SET id = -id WHERE id < {first}", "UPDATE x_moved SET id = -id WHERE id < 0"],
                [f"DELETE FROM x_moved WHERE id BETWEEN {first} AND {first + 5}"],
            ]
        )

    def _two(self, dice: random.Random) -> list[str]:
        a, b = dice.randrange(4), dice.choice(["x", "X", "é", "E", "zz", ""])
        return dice.choice(
            [
                [f"REPLACE INTO x_two VALUES ({a}, '{b}', '{dice.getrandbits(40):x}')"],
                [f"UPDATE x_two SET b = UPPER(b), v = '{a}'"],
                [f"UPDATE x_two SET b = LOWER(b) WHERE a = {a}"],
                [
                    f"INSERT IGNORE INTO x_two VALUES ({a}, '{b}', NULL)",
                    "SAVEPOINT s",
                    "DELETE FROM x_two",
                    "ROLLBACK TO s",
                ],
                [f"UPDATE IGNORE x_two SET a = a + 1 WHERE b = '{b}' ORDER BY a DESC"],
                [f"DELETE FROM x_two WHERE a = {a}"],
            ]
        )

    def _large(self, dice: random.Random) -> list[str]:
        rows = dice.randrange(20, LARGE_ROWS)
        numbers = f"WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows}) SELECT"
        return [
            "SET SESSION cte_max_recursion_depth = 100000",
            f"INSERT INTO x_large (v, b) {numbers} REPEAT('{dice.choice('aö🙂')}', 2000), REPEAT('\\0', n % 50) FROM n",
            f"UPDATE x_large SET b = '{rows}' WHERE RAND() < 0.3",
            f"DELETE FROM x_large ORDER BY id LIMIT {rows // 2}",
            f"INSERT INTO x_bare VALUES ({rows}, 'large')",
            f"DELETE FROM x_large WHERE id < (SELECT m FROM (SELECT MAX(id) - {MOST_ROWS} m FROM x_large) o)",
        ]

    def _unique(self, dice: random.Random) -> list[str]:
        a, b = dice.randrange(9), dice.randrange(30)
        return dice.choice(
            [
                [f"INSERT IGNORE INTO x_unique VALUES ({a}, {b}, NULL), ({a}, {b + 1}, 1)"],
                [f"UPDATE IGNORE x_unique SET b = {b}, v = {a} WHERE a = {a} LIMIT 2"],
                [f"DELETE FROM x_unique WHERE a = {a} LIMIT 3"],
            ]
        )

    def _bare(self, dice: random.Random) -> list[str]:
        a = dice.randrange(5)
        return dice.choice(
            [
                [f"INSERT INTO x_bare VALUES ({a}, NULL), ({a}, NULL), ({a}, 'v')"],
                [f"UPDATE x_bare SET a = a + 1 WHERE a < {a} LIMIT 7"],
                [f"DELETE FROM x_bare WHERE a >= {a} LIMIT 5"],
            ]
        )

    def _odd(self, dice: random.Random) -> list[str]:
        a = dice.randrange(20)
        return [f"REPLACE INTO `x ä.%p` VALUES ({a}, '{dice.getrandbits(30)}'), ({a + 1}, '\\\"\\\\')"]

    def _file(self, dice: random.Random) -> list[str]:
        """Load a file by a connection of its own: Udup's own does not send files."""
        endpoint = self._endpoint
        with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
            file.writelines(f"{dice.randrange(30)}\tline {number}\n" for number in range(200))
            file.flush()
            with pymysql.connect(
                host=endpoint.host,
                port=endpoint.port,
                user=endpoint.user,
                password=endpoint.password,
                database=self._schema,
                local_infile=True,
                autocommit=True,
            ) as connection:
                connection.cursor().execute(f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE x_bare")
        return []
