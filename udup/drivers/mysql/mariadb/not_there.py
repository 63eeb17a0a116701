"""Statements of a MariaDB source about its sequences in the words for tables: RENAME TABLE, DROP TABLE, ALTER TABLE.

The log does not say what a name stands for. A target that has no sequences has nothing of such a name. If that was a
table after all, which somebody has taken off the target, then its next rows stop the job.
"""

from __future__ import annotations

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.ddl.statement import Kind, Statement

_TABLE = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"


def of_sequences(connection: Connection, statement: Statement) -> str:
    """Return what is to be told of a statement that is left out since it names nothing that is there; "" to run it."""
    names: tuple[ObjectName, ...] = ()
    if statement.verb == "RENAME TABLE":
        names = tuple(old for old, _ in statement.moves)
    elif statement.verb in ("DROP TABLE", "ALTER TABLE"):
        names = statement.objects[:1] if statement.verb == "ALTER TABLE" else statement.objects
    if statement.kind is not Kind.TABLE_DDL or not names:
        return ""
    if any(query(connection, _TABLE, *name) for name in names):
        return ""
    named = ", ".join(map(str, names))
    return f"{statement.verb} of {named} is left out: there is none on the target, and the source's may be a sequence"
