"""Accounts with the privileges that managed MySQL gives its customers, on a server that has all others.

The lists are those of the services' own documentation. A privilege that a server does not have any more is replaced by
those that took its place.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.server import MysqlServer

#: Amazon RDS for MySQL, 8.0.36 and newer: the master user ("Master user account privileges"). FLUSH TABLES WITH READ
#: LOCK is denied there in spite of RELOAD, by the server itself.
RDS_MASTER: tuple[str, ...] = (
    *("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "RELOAD", "PROCESS", "REFERENCES", "INDEX", "ALTER"),
    *("SHOW DATABASES", "CREATE TEMPORARY TABLES", "LOCK TABLES", "EXECUTE", "REPLICATION SLAVE", "REPLICATION CLIENT"),
    *("CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE", "CREATE USER", "EVENT", "TRIGGER"),
    *("CREATE ROLE", "DROP ROLE", "APPLICATION_PASSWORD_ADMIN", "ROLE_ADMIN", "SET_USER_ID", "XA_RECOVER_ADMIN"),
)

#: The same as a source shows it: what FLUSH TABLES WITH READ LOCK asks for is taken away, so that it is denied here.
RDS_SOURCE = tuple(each for each in RDS_MASTER if each != "RELOAD")

#: Aiven for MySQL, and services built on it: BINLOG is allowed, a restricted session variable is not.
AIVEN = (
    *(each for each in RDS_MASTER if each not in ("APPLICATION_PASSWORD_ADMIN", "SET_USER_ID", "XA_RECOVER_ADMIN")),
    "REPLICATION_APPLIER",
)

#: What a server from 8.4 on has instead.
_SUCCESSORS = {"SET_USER_ID": ("SET_ANY_DEFINER", "ALLOW_NONEXISTENT_DEFINER")}

PASSWORD = "secret"


@contextmanager
def managed_account(server: MysqlServer, privileges: Sequence[str] = RDS_MASTER) -> Iterator[Endpoint]:
    """Yield an account of the test's own with exactly these privileges on everything, which it may grant."""
    name = f"managed{uuid.uuid4().hex[:10]}"
    listed = [each for wanted in privileges for each in _SUCCESSORS.get(wanted, (wanted,))]
    with closing(connect(server.endpoint)) as connection:
        query(connection, f"CREATE USER {name} IDENTIFIED BY '{PASSWORD}'")
        query(connection, f"GRANT {', '.join(listed)} ON *.* TO {name} WITH GRANT OPTION")
    try:
        yield replace(server.endpoint, user=name, password=PASSWORD)
    finally:
        with closing(connect(server.endpoint)) as connection:  # another one: the server may have been killed meanwhile
            query(connection, f"DROP USER {name}")
