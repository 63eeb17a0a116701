"""A job's tables on a server that keeps much from the job's account, as managed servers do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from tests.full_copy import run
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import Connection, connect
from udup.drivers.mysql.snapshot.snapshot import Snapshot, open_snapshot
from udup.pipeline.waits import Waits
from udup.sandbox.server import MysqlServer

#: What a managed server grants, of what a snapshot needs.
MANAGED = ("SELECT", "LOCK TABLES", "REPLICATION CLIENT", "REPLICATION SLAVE", "SHOW VIEW", "TRIGGER", "EVENT")


@dataclass(frozen=True)
class Shop:
    """Two tables of a job, `t` and `u`, and what is beside them in another schema, `other`; seen by `account`."""

    admin: Endpoint
    account: Endpoint
    schema: str

    @property
    def tables(self) -> list[tuple[str, str]]:
        return [(self.schema, "t"), (self.schema, "u")]

    def open(self, waits: Waits | None = None, connections: int = 2) -> Snapshot:
        return open_snapshot(self.account, connections, waits=waits, job_tables=self.tables)

    @contextmanager
    def session(self) -> Iterator[Connection]:
        with closing(connect(self.admin)) as connection:
            run(connection, "SET lock_wait_timeout = 3")
            yield connection

    def can_be_written(self) -> bool:
        """Whether nobody holds the tables."""
        with self.session() as connection:
            run(connection, *(f"INSERT INTO {self.schema}.{name} VALUES (DEFAULT, 0, 0)" for _, name in self.tables))
        return True


def make_shop(server: MysqlServer, schema: str, account: Endpoint, *grants: str) -> Shop:
    with closing(connect(server.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema}",
            *(
                f"CREATE TABLE {schema}.{name} (id BIGINT AUTO_INCREMENT PRIMARY KEY, w INT, n INT, KEY (w, n))"
                for name in ("t", "u")
            ),
            f"GRANT {', '.join(grants or MANAGED)} ON *.* TO {account.user}",
            # performance_schema is off on most managed servers: with partial revokes it can be kept from an account
            f"REVOKE SELECT ON performance_schema.* FROM {account.user}",
        )
    return Shop(server.endpoint, account, schema)


@contextmanager
def ended(shop: Shop, other: Connection) -> Iterator[None]:
    """End a session's statement, which would go on for as long as it sleeps."""
    try:
        yield
    finally:
        with shop.session() as killer:
            run(killer, f"KILL {other.session_number}")
