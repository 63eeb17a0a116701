"""One very large transaction: how long it takes to arrive, and the peak memory of each of Udup's processes."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant, Replica, Udup, timed
from bench.results import Line, Result
from bench.servers import Bench, executed, session
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import query
from udup.sandbox.node import UdupNode

SCHEMA = "bigtx"

#: Bytes of the transaction's rows.
SIZE = 1_000_000_000
QUICK_SIZE = 100_000_000

#: Bytes of one row, and rows of one statement.
ROW_BYTES = 8_000
STATEMENT_ROWS = 5_000

#: Seconds that a contestant may take.
DEADLINE = 1200.0

#: MB of peak resident memory that no process of Udup should exceed.
MEMORY_GOAL = 200.0


def run(bench: Bench) -> Result:
    size = QUICK_SIZE if bench.quick else SIZE
    result = Result("bigtx", f"one transaction of {size / 1e6:.0f} MB, from its commit to the target's", "s")
    with bench.server("source") as source:
        create(source.endpoint)
        base = executed(source.endpoint)
        write(source.endpoint, size)
        replica = Replica()
        result.attempt(replica.name, lambda: _arrive(bench, source.endpoint, base, replica))
        result.attempt(Udup.name, lambda: _arrive_by_udup(bench, source.endpoint, base, result))
    return result


def _arrive_by_udup(bench: Bench, source: Endpoint, base: str, result: Result) -> list[Line]:
    with bench.node() as node:
        lines = _arrive(bench, source, base, Udup(node))
        for title, megabytes in peaks(node).items():
            verdict = "" if megabytes < MEMORY_GOAL else f": MORE THAN {MEMORY_GOAL:.0f} MB"
            result.note(f"peak {megabytes:.0f} MB{verdict}  {title[:90]}")
    return lines


def peaks(node: UdupNode) -> dict[str, float]:
    """The peak resident memory of each process since its start, in MB (VmHWM)."""
    found = {}
    for pid, title in node.pids().items():
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                found[f"{pid} {title}"] = int(line.split()[1]) * 1024 / 1e6
    return found


def create(endpoint: Endpoint) -> None:
    with session(endpoint) as connection:
        query(connection, f"CREATE DATABASE {SCHEMA}")
        query(connection, f"CREATE TABLE {SCHEMA}.big (id INT PRIMARY KEY, name VARCHAR(40), payload MEDIUMBLOB)")


def write(endpoint: Endpoint, size: int) -> None:
    """Rows that the server makes, since what they hold does not matter; one COMMIT for all."""
    rows = size // ROW_BYTES
    with session(endpoint, SCHEMA) as connection:
        query(connection, f"SET cte_max_recursion_depth = {STATEMENT_ROWS + 1}")
        query(connection, "BEGIN")
        for first in range(0, rows, STATEMENT_ROWS):
            query(
                connection,
                f"INSERT INTO big WITH RECURSIVE numbers (n) AS"
                f" (SELECT {first} UNION ALL SELECT n + 1 FROM numbers"
                f" WHERE n + 1 < {min(first + STATEMENT_ROWS, rows)})"
                f" SELECT n, CONCAT('row ', n), REPEAT(UNHEX(SHA2(n, 256)), {ROW_BYTES // 32}) FROM numbers",
            )
        query(connection, "COMMIT")


def _arrive(bench: Bench, source: Endpoint, base: str, contestant: Contestant) -> list[Line]:
    with bench.server(f"target-{contestant.key}") as target:
        create(target.endpoint)
        seconds, verdict = timed(contestant, source, target.endpoint, base, SCHEMA, DEADLINE)
    return [Line(contestant.name, seconds, verdict)]
