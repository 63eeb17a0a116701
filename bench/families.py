"""How long a backlog takes to drain between MySQL and MariaDB: beside MariaDB's own replica where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bench.backlog import BIG, DEADLINE, SCHEMA, SMALL, create, write
from bench.contestants import Contestant, Replica, Udup, timed
from bench.results import Line, Result
from bench.servers import WORKERS, Bench, executed, session
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import query, scalar
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.provision import provision_mariadb

#: Rows of a big transaction.
ROWS = 100

#: MariaDB's server waits for so many commits, or µs, to write them together: without it there is nothing that its log
#: says to be independent.
GROUPED: dict[str, str | int] = {"binlog_commit_wait_count": 8, "binlog_commit_wait_usec": 2000}


class MariadbReplica(Contestant):
    """CHANGE MASTER TO … MASTER_USE_GTID = slave_pos, WORKERS threads, in the mode that is the default (optimistic)."""

    name = "MariaDB's replica"
    key = "maria-replica"

    def start(self, source: Endpoint, target: Endpoint, base: str, schemas: Sequence[str]) -> None:
        self._target = target
        with session(target) as connection:
            query(connection, f"SET GLOBAL slave_parallel_threads = {WORKERS}")
            query(
                connection,
                "CHANGE MASTER TO MASTER_HOST = %s, MASTER_PORT = %s, MASTER_USER = %s, MASTER_PASSWORD = %s,"
                " MASTER_SSL = 0, MASTER_USE_GTID = slave_pos",
                source.host,
                source.port,
                source.user,
                source.password,
            )
            query(connection, "START SLAVE")

    def wait_level(self, wanted: str, deadline: float) -> None:
        with session(self._target) as connection:
            if scalar(connection, "SELECT MASTER_GTID_WAIT(%s, %s)", wanted, deadline) == 0:
                return
            errors = query(connection, "SHOW SLAVE STATUS")
        raise UdupError(f"MariaDB's replica did not get level in {deadline:.0f} s: {errors}")


def run(bench: Bench) -> Result:
    small, big = (2_000, 20) if bench.quick else (SMALL, BIG)
    title = f"time to drain {small} small transactions and {big} of {ROWS} rows, between families"
    result = Result("families", title, "s")
    mariadb = provision_mariadb()
    result.note(f"MariaDB: {mariadb.description}")
    for label, settings in (("MariaDB to MariaDB", {}), ("the same, commits grouped at the source", GROUPED)):
        _run_pair(bench, result, (mariadb, settings, mariadb), (small, big), label, MariadbReplica())
    _run_pair(bench, result, (bench.programs, {}, mariadb), (small, big), "MySQL to MariaDB", None)
    _run_pair(bench, result, (mariadb, {}, bench.programs), (small, big), "MariaDB to MySQL", None)
    _run_pair(bench, result, (bench.programs, {}, bench.programs), (small, big), "MySQL to MySQL", Replica())
    return result


def _run_pair(
    bench: Bench,
    result: Result,
    pair: tuple[MysqlPrograms, dict[str, str | int], MysqlPrograms],
    counts: tuple[int, int],
    label: str,
    peer: Contestant | None,
) -> None:
    source_programs, settings, target_programs = pair
    with bench.server_of(source_programs, "families-source", **settings) as source:
        create(source.endpoint)
        base = executed(source.endpoint)
        write(source.endpoint, *counts, ROWS)
        drain = partial(_drain, bench, source.endpoint, base, target_programs, label)
        if peer is not None:
            result.attempt(peer.name, partial(drain, peer))
        with bench.node() as node:
            result.attempt(Udup.name, partial(drain, Udup(node)))


def _drain(
    bench: Bench, source: Endpoint, base: str, programs: MysqlPrograms, label: str, contestant: Contestant
) -> list[Line]:
    with bench.server_of(programs, f"families-{contestant.key}") as target:
        create(target.endpoint)
        seconds, verdict = timed(contestant, source, target.endpoint, base, SCHEMA, DEADLINE)
    return [Line(contestant.name, seconds, verdict, label)]
