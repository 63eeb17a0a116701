"""The servers of a run: one source, and a fresh target for each contestant, all with the same settings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.sandbox.kinds import MARIADB
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer
from udup.verify import positions

#: Durable commits on both sides, as in production; the rest is large enough not to be in the way.
SETTINGS: dict[str, str | int] = {
    "sync_binlog": 1,
    "innodb_flush_log_at_trx_commit": 1,
    "innodb_buffer_pool_size": "512M",
    "max_allowed_packet": "64M",
}

#: The same redo log, as each family calls it.
MYSQL_LOG, MARIADB_LOG = {"innodb_redo_log_capacity": "1G"}, {"innodb_log_file_size": "1G"}

#: Workers that apply, at the replica and at Udup.
WORKERS = 4


@dataclass(frozen=True)
class Bench:
    """What every benchmark gets: MySQL's programs, a folder for the run, and whether it should be short.

    `rows` and `megabytes` are sizes that were asked for, 0 for a benchmark's own.
    """

    programs: MysqlPrograms
    folder: Path
    quick: bool
    rows: int = 0
    megabytes: int = 0

    def server(self, name: str, **more: str | int) -> MysqlServer:
        """A server to be started with `with`; it is wiped at the end. `more` are further settings."""
        return self.server_of(self.programs, name, **more)

    def server_of(self, programs: MysqlPrograms, name: str, **more: str | int) -> MysqlServer:
        """The same of another family or version."""
        settings = {**SETTINGS, **(MARIADB_LOG if programs.kind is MARIADB else MYSQL_LOG), **more}
        return MysqlServer(programs, self.folder / name, options=settings)

    def node(self, settings: str = "") -> UdupNode:
        """A Udup server without memory of an earlier one; `settings` are further sections of its settings file."""
        return UdupNode(Path(tempfile.mkdtemp(prefix="node-", dir=self.folder)), settings=settings)


def executed(endpoint: Endpoint) -> str:
    """Return what is in the server's log, as its users write it."""
    with connect(endpoint) as connection:
        return str(positions.executed(connection))


def pretend_copied(target: Endpoint, base: str) -> None:
    """The target has the same data as the source had at `base`, made by the same statements: say so.

    Between two families there is nothing to say, and Udup, which is told in its job, needs nothing.
    """
    with connect(target) as connection:
        newer = not connection.is_mariadb and connection.version >= (8, 4, 0)
        query(connection, "RESET BINARY LOGS AND GTIDS" if newer else "RESET MASTER")
        if connection.is_mariadb == (":" not in base):
            query(connection, f"SET GLOBAL {'gtid_slave_pos' if connection.is_mariadb else 'gtid_purged'} = %s", base)


@contextmanager
def session(endpoint: Endpoint, schema: str | None = None) -> Iterator[Connection]:
    connection = connect(endpoint, database=schema)
    try:
        yield connection
    finally:
        connection.close()
