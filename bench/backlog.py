"""How long a backlog takes to drain: many small transactions and some big ones, written while nobody replicates."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pymysql.constants import ER

from bench.contestants import Contestant, Replica, Udup, UdupByStatements, timed
from bench.results import Line, Result
from bench.servers import Bench, executed, session
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query

SCHEMA = "backlog"
SMALL = 20_000
BIG = 200

#: Rows of a big transaction. Where commits are what takes the time Udup gains most; where rows are, the server's own
#: work on each row is the same for everybody.
BIG_ROWS = (100, 1_000)
WRITERS = 8
ACCOUNTS = 5_000

#: Seconds that a contestant may take.
DEADLINE = 600.0

TABLES = (
    f"CREATE DATABASE {SCHEMA}",
    f"CREATE TABLE {SCHEMA}.accounts (id INT PRIMARY KEY, email VARCHAR(60) NOT NULL UNIQUE, balance DECIMAL(14, 2),"
    " changed DATETIME(6))",
    f"CREATE TABLE {SCHEMA}.transfers (id BIGINT PRIMARY KEY AUTO_INCREMENT, reference VARCHAR(40) UNIQUE,"
    " account INT NOT NULL, amount DECIMAL(14, 2), note VARCHAR(100),"
    f" FOREIGN KEY (account) REFERENCES {SCHEMA}.accounts (id))",
    f"CREATE TABLE {SCHEMA}.journal (at DATETIME(6), writer INT, n INT, word VARCHAR(60))",
    f"CREATE TABLE {SCHEMA}.items (a INT, b INT, text VARCHAR(200), doc JSON, PRIMARY KEY (a, b), KEY (text))",
    f"INSERT INTO {SCHEMA}.accounts WITH RECURSIVE numbers (n) AS"
    f" (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ACCOUNTS})"
    " SELECT n, CONCAT('a', n, '@example.org'), 100, '2026-01-01' FROM numbers",
)


def run(bench: Bench) -> Result:
    small, big = (2_000, 20) if bench.quick else (SMALL, BIG)
    result = Result("backlog", f"time to drain {small} small transactions and {big} big ones", "s")
    for rows in BIG_ROWS:
        _run_mix(bench, result, small, big, rows)
    return result


def _run_mix(bench: Bench, result: Result, small: int, big: int, rows: int) -> None:
    what = f"of {rows} rows"
    with bench.server(f"source-{rows}") as source:
        create(source.endpoint)
        base = executed(source.endpoint)
        began = time.monotonic()
        write(source.endpoint, small, big, rows)
        result.note(f"big ones {what}: written by {WRITERS} writers in {time.monotonic() - began:.1f} s")
        replica = Replica()
        result.attempt(replica.name, lambda: _drain(bench, source.endpoint, base, replica, what))
        for kind in (Udup, UdupByStatements):
            result.attempt(kind.name, partial(_drain_by_udup, bench, source.endpoint, base, kind, what))


def create(endpoint: Endpoint) -> None:
    """The tables, alike on the source and on every target."""
    with session(endpoint) as connection:
        limit = "max_recursive_iterations" if connection.is_mariadb else "cte_max_recursion_depth"
        query(connection, f"SET {limit} = {ACCOUNTS + 1}")
        for statement in TABLES:
            query(connection, statement)


def write(endpoint: Endpoint, small: int, big: int, rows: int) -> None:
    """The backlog, by WRITERS connections at once; every writer's share has its big ones spread evenly."""
    with ThreadPoolExecutor(WRITERS) as pool:
        share = (small // WRITERS, big // WRITERS, rows)
        for done in [pool.submit(_write_share, endpoint, writer, *share) for writer in range(WRITERS)]:
            done.result()


def _drain_by_udup(bench: Bench, source: Endpoint, base: str, kind: type[Udup], what: str) -> list[Line]:
    with bench.node() as node:
        return _drain(bench, source, base, kind(node), what)


def _drain(bench: Bench, source: Endpoint, base: str, contestant: Contestant, what: str) -> list[Line]:
    with bench.server(f"target-{contestant.key}") as target:
        create(target.endpoint)
        seconds, verdict = timed(contestant, source, target.endpoint, base, SCHEMA, DEADLINE)
    return [Line(contestant.name, seconds, verdict, what)]


def _write_share(endpoint: Endpoint, writer: int, small: int, big: int, rows: int) -> None:
    dice = random.Random(writer)
    every = max(1, small // big) if big else small + 1
    with session(endpoint, SCHEMA) as connection:
        for n in range(1, small + 1):
            _send(connection, _small(dice, writer, n))
            if n % every == 0 and n // every <= big:
                _send(connection, _big(writer, n, rows))


def _send(connection: Connection, statements: list[str]) -> None:
    """One transaction in one round trip, again after a deadlock."""
    text = "; ".join(["BEGIN", *statements, "COMMIT"])
    while True:
        with connection.cursor() as cursor:
            try:
                cursor.execute(text)
                while cursor.nextset():
                    pass
            except MySQLError as error:
                if error_code(error) != ER.LOCK_DEADLOCK:
                    raise
                connection.rollback()
            else:
                return


def _small(dice: random.Random, writer: int, n: int) -> list[str]:
    """Two to four statements; no two writers touch the same transfer or item, all share the accounts."""
    account = dice.randint(1, ACCOUNTS)
    amount = dice.randint(1, 9_999) / 100
    reference = f"'T-{writer}-{n}'"
    statements = [
        f"INSERT INTO journal VALUES (NOW(6), {writer}, {n}, REPEAT('w', {dice.randint(1, 50)}))",
        f"UPDATE accounts SET balance = balance - {amount}, changed = NOW(6) WHERE id = {account}",
    ]
    kind = n % 5
    if kind < 3:
        statements.append(
            f"INSERT INTO transfers (reference, account, amount, note) VALUES ({reference}, {account}, {amount}, 'n')"
        )
    elif kind == 3:
        # The unique key goes to another row.
        statements.append(f"DELETE FROM transfers WHERE reference = 'T-{writer}-{n - 1}'")
        statements.append(
            f"INSERT INTO transfers (reference, account, amount) VALUES ('T-{writer}-{n - 1}', {account}, {amount})"
        )
    else:
        statements.append(
            f"INSERT INTO items VALUES ({writer}, {-n}, 'item {n}', JSON_OBJECT('n', {n}))"
            f" ON DUPLICATE KEY UPDATE text = 'again'"
        )
    return statements


def _big(writer: int, n: int, rows: int) -> list[str]:
    """So many rows over a table with a key, one without, and one with a foreign key."""
    half, quarter = rows // 2, rows // 4
    items = ", ".join(f"({writer}, {n * rows + i}, 'text {i}', '{{\"i\": {i}}}')" for i in range(half))
    journal = ", ".join(f"(NOW(6), {writer}, {-i}, 'big')" for i in range(quarter))
    transfers = ", ".join(f"('B-{writer}-{n}-{i}', {1 + i}, {i}.25, NULL)" for i in range(quarter))
    return [
        f"INSERT INTO items VALUES {items}",
        f"INSERT INTO journal VALUES {journal}",
        f"INSERT INTO transfers (reference, account, amount, note) VALUES {transfers}",
    ]
