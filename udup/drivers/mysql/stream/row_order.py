"""Whether the source numbered rows in an order that the target has as well.

ALTER TABLE … ADD COLUMN … AUTO_INCREMENT numbers the rows that are there in the order in which the engine reads them.
InnoDB reads its clustered index, whatever the algorithm (seen on 9.7 for INPLACE with eight threads and for COPY), so
that two servers with the same rows and the same primary key give the same numbers. MyISAM reads them as they lie in
the file. The log does not say which engine the source's table had, so the source is asked: the engine that it has now
is that of the statement if the table was not altered since, which its CREATE_TIME tells: of MySQL's since 8.0
the second in which the statement began, before and of MariaDB's one in which its file was made.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TypeAlias

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.sessions import DICTIONARY
from udup.drivers.mysql.ddl.sqlreader import ObjectName

#: Asked for a table, the second in which its ALTER TABLE began, and how many it lasted: why its order is not known, or
#: nothing.
RowOrder: TypeAlias = Callable[[ObjectName, int, int], str]

#: From here on MySQL has no files of definitions.
_DICTIONARY = (8, 0, 0)

_TABLE = (
    "SELECT ENGINE, UNIX_TIMESTAMP(CREATE_TIME) FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
)


def row_order_of(endpoint: Endpoint) -> RowOrder:
    """Return what asks the source, on a connection for each question: they are rare. MySQL's errors pass."""

    def look(table: ObjectName, began: int, lasted: int) -> str:
        with closing(connect(endpoint, DICTIONARY)) as connection:
            rows = query(connection, _TABLE, table.schema, table.name)
            of_file = connection.is_mariadb or connection.version < _DICTIONARY
            latest = began + lasted + 1 if of_file else began
        if not rows or rows[0][1] is None or not began <= int(rows[0][1]) <= latest:
            return "the source's table was altered again since, so that the engine that it had is not known"
        engine = str(rows[0][0])
        return "" if engine.lower() == "innodb" else f"the source's table is {engine}"

    return look
