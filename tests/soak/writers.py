"""Writers: threads that change rows and definitions of one schema at random, until they are told to stop."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial

from tests.soak.fixed import family_statement, statement_without_transactions
from tests.soak.guests import guest_definitions, guest_statement
from tests.soak.shaped import shaped_statement
from tests.soak.tables import Model, Table, change
from tests.soak.xa import XaTransactions
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, is_transient, query
from udup.drivers.mysql.client.names import quote

#: Errors that random statements rightly get: duplicates, deadlocks, rows too long, what DDL has just changed, …
EXPECTED = frozenset(
    {
        # of rows: duplicates, NULLs, values out of range or too long
        *(1048, 1062, 1136, 1264, 1265, 1292, 1364, 1366, 1406, 1426, 1690),
        # of locks, and of definitions that have just changed
        *(1054, 1146, 1205, 1213, 1305, 1317, 1412),
        # of foreign keys
        *(1451, 1452, 3008, 6575),
        # of random definitions: names taken or gone, keys and rows too long, a last column dropped
        *(1050, 1051, 1060, 1061, 1068, 1069, 1071, 1072, 1090, 1091, 1118, 1170, 1176, 3064, 3108, 3837, 1845, 1846),
    }
)

#: Seconds that a writer pauses between transactions, at most.
PAUSE_SECONDS = 0.02

#: The share of transactions that are XA transactions.
XA_SHARE = 0.05


class Writers:
    """`rows` threads write rows, one more changes definitions every `ddl_seconds`. Failures end up in `problems`."""

    def __init__(
        self,
        endpoint: Endpoint,
        schema: str,
        model: Model,
        seed: str,
        *,
        rows: int,
        ddl_seconds: float,
        without_transactions: bool = False,
        shaped: bool = False,
        guests: bool = False,
    ) -> None:
        self._endpoint = endpoint
        self._schema = schema
        self._model = model
        self._stopped = threading.Event()
        self._ddl_seconds = ddl_seconds
        self._xa = XaTransactions()
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []
        tasks = [(self._write, f"{seed}-writer-{number}") for number in range(rows)]
        tasks += [(self._define, f"{seed}-ddl")] if ddl_seconds else []
        tasks.append((self._write_family, f"{seed}-family"))
        tasks += [(self._write_without_transactions, f"{seed}-myisam")] if without_transactions else []
        tasks += [(self._write_shaped, f"{seed}-shaped")] if shaped else []
        tasks += [(self._write_guests, f"{seed}-guests"), (self._define_guests, f"{seed}-guests-ddl")] if guests else []
        self._threads = [
            threading.Thread(target=self._run, args=(task, random.Random(name)), name=name, daemon=True)
            for task, name in tasks
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)
        self._xa.end_all(self._endpoint)

    def _run(self, task: Callable[[Connection, random.Random], None], dice: random.Random) -> None:
        """Again from the beginning when the server is away: it may have been killed."""
        while not self._stopped.is_set():
            try:
                with closing(connect(self._endpoint, database=self._schema)) as connection:
                    query(connection, "SET SESSION sql_mode = '', innodb_lock_wait_timeout = 2, lock_wait_timeout = 5")
                    task(connection, dice)
            except (MySQLError, UdupError, OSError) as error:
                if isinstance(error, MySQLError) and not is_transient(error):
                    self.problems.append(f"{threading.current_thread().name}: {error}")
                    return
                self._stopped.wait(0.3)

    def _write(self, connection: Connection, dice: random.Random) -> None:
        while not self._stopped.wait(dice.random() * PAUSE_SECONDS):
            work = self._xa_transaction if dice.random() < XA_SHARE else self._transaction
            _tolerating(connection, partial(work, connection, dice))
            _tolerating(connection, partial(self._end_xa, connection, dice))

    def _xa_transaction(self, connection: Connection, dice: random.Random) -> None:
        def work() -> None:
            for _ in range(dice.choice([1, 1, 2, 5, 30])):
                table = self._model.pick(dice)
                if table is not None:
                    query(connection, statement(table, dice))

        self.done[self._xa.run(connection, dice, work)] += 1

    def _end_xa(self, connection: Connection, dice: random.Random) -> None:
        if self._xa.end_one(connection, dice):
            self.done["xa ended"] += 1

    def _transaction(self, connection: Connection, dice: random.Random) -> None:
        style = dice.random()
        query(connection, "BEGIN")
        for number in range(dice.choice([1, 1, 2, 5, 30])):
            table = self._model.pick(dice)
            if table is None:
                break
            if number == 1 and style < 0.1:
                query(connection, "SAVEPOINT s")
            query(connection, statement(table, dice))
        if 0.05 < style < 0.1:
            query(connection, "ROLLBACK TO s")
        query(connection, "ROLLBACK" if style > 0.95 else "COMMIT")
        self.done["rolled back" if style > 0.95 else "committed"] += 1

    def _write_family(self, connection: Connection, dice: random.Random) -> None:
        """Parents and children, some statements a transaction."""

        def transaction() -> None:
            query(connection, "BEGIN")
            for _ in range(dice.choice([1, 2, 6])):
                query(connection, family_statement(dice))
            query(connection, "ROLLBACK" if dice.random() < 0.05 else "COMMIT")
            self.done["family"] += 1

        while not self._stopped.wait(dice.random() * 4 * PAUSE_SECONDS):
            _tolerating(connection, transaction)

    def _write_shaped(self, connection: Connection, dice: random.Random) -> None:
        """Tables of which some rows or columns are carried."""

        def transaction() -> None:
            query(connection, "BEGIN")
            for _ in range(dice.choice([1, 1, 3, 10])):
                query(connection, shaped_statement(dice))
            query(connection, "ROLLBACK" if dice.random() < 0.05 else "COMMIT")
            self.done["of chosen rows and columns"] += 1

        while not self._stopped.wait(dice.random() * 2 * PAUSE_SECONDS):
            _tolerating(connection, transaction)

    def _write_guests(self, connection: Connection, dice: random.Random) -> None:
        """Tables that come into the job and go, together with others that stay."""

        def transaction() -> None:
            query(connection, "BEGIN")
            for _ in range(dice.choice([1, 2, 6])):
                query(connection, family_statement(dice) if dice.random() < 0.1 else guest_statement(dice))
            query(connection, "ROLLBACK" if dice.random() < 0.05 else "COMMIT")
            self.done["of tables that come and go"] += 1

        while not self._stopped.wait(dice.random() * 2 * PAUSE_SECONDS):
            _tolerating(connection, transaction)

    def _define_guests(self, connection: Connection, dice: random.Random) -> None:
        while not self._stopped.wait(dice.uniform(0.2, 1.8) * self._ddl_seconds):
            for sql in guest_definitions(dice):
                _tolerating(connection, partial(query, connection, sql))
            self.done["their definitions"] += 1

    def _write_without_transactions(self, connection: Connection, dice: random.Random) -> None:
        while not self._stopped.wait(dice.random() * 8 * PAUSE_SECONDS):
            _tolerating(connection, lambda: query(connection, statement_without_transactions(dice)))
            self.done["without transactions"] += 1

    def _define(self, connection: Connection, dice: random.Random) -> None:
        while not self._stopped.wait(dice.uniform(0.2, 1.8) * self._ddl_seconds):
            sql, before, after = change(self._model, dice)

            def carry_out(sql: str = sql, before: Table | None = before, after: Table | None = after) -> None:
                query(connection, sql)
                if before is not None:
                    self._model.drop(before.name)
                if after is not None:
                    self._model.put(after)
                self.done["definitions"] += 1

            _tolerating(connection, carry_out)


def _tolerating(connection: Connection, work: Callable[[], object]) -> None:
    try:
        work()
    except MySQLError as error:
        if error_code(error) not in EXPECTED:
            raise
        query(connection, "ROLLBACK")


def statement(table: Table, dice: random.Random) -> str:
    """One change of rows."""
    name = quote(table.name)
    values = {
        column: "NULL" if _is_null(table, column, dice) else kind.literal(dice)
        for column, kind in table.columns.items()
    }
    match dice.choice(["insert", "insert", "insert", "rows", "update", "update", "delete", "replace"]):
        case "insert":
            return _insert("INSERT", name, [values])
        case "rows":
            more = [
                {column: kind.literal(dice) for column, kind in table.columns.items()}
                for _ in range(dice.choice([2, 20, 80]))
            ]
            return _insert("INSERT IGNORE", name, more)
        case "replace" if table.key:
            return _insert("REPLACE", name, [values])
        case "update":
            columns = dice.sample(list(values), dice.randint(1, min(3, len(values))))
            sets = ", ".join(f"{quote(column)} = {values[column]}" for column in columns)
            share, most = dice.choice([0.02, 0.2]), dice.choice([1, 3, 40])
            return f"UPDATE IGNORE {name} SET {sets} WHERE RAND() < {share} LIMIT {most}"
        case _:
            return f"DELETE FROM {name} WHERE RAND() < {dice.choice([0.05, 0.5])} LIMIT {dice.choice([1, 2, 30])}"


def _row(table: Table, dice: random.Random) -> dict[str, str]:
    """A value for every column but the generated ones."""
    return {
        column: "NULL" if _is_null(table, column, dice) else kind.literal(dice)
        for column, kind in table.columns.items()
    }


def _is_null(table: Table, column: str, dice: random.Random) -> bool:
    return column not in table.key and dice.random() < 0.12


def _insert(verb: str, name: str, rows: list[dict[str, str]]) -> str:
    columns = ", ".join(quote(column) for column in rows[0])
    tuples = ", ".join(f"({', '.join(row.values())})" for row in rows)
    return f"{verb} INTO {name} ({columns}) VALUES {tuples}"
