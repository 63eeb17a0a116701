"""Definitions of tables as they are now, and what the source has executed by then.

Both are asked while the session's metadata locks keep the tables from being altered. A statement that alters a table
holds it alone until it is committed and its GTID is among the executed ones. So a definition that is read here has
in it what the executed statements have done to its table, all of them and no others.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple

from udup.base.endpoint import Endpoint
from udup.base.errors import Transient
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, query
from udup.drivers.mysql.client.errors import ER
from udup.drivers.mysql.client.log_state import read_executed
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.sessions import OBSERVER
from udup.drivers.mysql.telling.definitions import TableDefinition, read_definitions
from udup.pipeline.selection.renames import Name

#: Tables that are kept from being altered at the same time.
_TOGETHER = 200

_GONE = frozenset({ER.NO_SUCH_TABLE, ER.BAD_DB_ERROR})

#: Numbers of errors from here on are of a connection that is lost.
_OF_THE_CLIENT = 2000


class Found(NamedTuple):
    """The definitions of tables that are there, at what the source had `executed`."""

    definitions: dict[Name, TableDefinition]
    executed: GtidSet


class DictionaryLook:
    """Holds a connection once it was needed. `close` from any thread."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._connection: Connection | None = None

    def read(self, names: Collection[Name], *, available: bool = False) -> list[Found]:
        """Return the definitions of these tables, in as many looks as it takes. `Transient` if one is locked.

        `available`: those that can be had now; one that is locked or damaged is left out.
        """
        by_schema: dict[str, list[str]] = {}
        for schema, table in sorted(names):
            by_schema.setdefault(schema, []).append(table)
        return [
            self._look(schema, tables[at : at + _TOGETHER], available=available)
            for schema, tables in by_schema.items()
            for at in range(0, len(tables), _TOGETHER)
        ]

    def _look(self, schema: str, tables: list[str], *, available: bool) -> Found:
        connection = self._opened()
        query(connection, "BEGIN")
        try:
            there = [table for table in tables if self._holds(connection, schema, table, available=available)]
            executed = GtidSet.parse(read_executed(connection))
            found = read_definitions(connection, schema, there) if there else {}
        finally:
            with suppress(MySQLError, OSError):
                query(connection, "COMMIT")
        return Found({(schema, table): found[table] for table in there if table in found}, executed)

    def _holds(self, connection: Connection, schema: str, table: str, *, available: bool) -> bool:
        """Return whether there is such a table; if so, it is not altered before this transaction ends."""
        try:
            query(connection, f"SELECT 1 FROM {qualified(schema, table)} LIMIT 0")
        except MySQLError as error:
            if error_code(error) in _GONE or (available and error_code(error) < _OF_THE_CLIENT):
                return False
            if error_code(error) == ER.LOCK_WAIT_TIMEOUT:
                raise Transient(
                    f"{schema}.{table} on {self._endpoint} is locked, and its log does not name its columns: what they"
                    " are called is asked again; SET PERSIST binlog_row_metadata = 'FULL' makes that needless",
                    table=f"{schema}.{table}",
                ) from error
            raise
        return True

    def _opened(self) -> Connection:
        if self._connection is not None:
            try:
                query(self._connection, "SELECT 1")
                return self._connection
            except (MySQLError, OSError):
                self.close()
        self._connection = connect(self._endpoint, OBSERVER)
        return self._connection

    def close(self) -> None:
        """End the connection, and with it a question that is under way."""
        connection = self._connection
        if connection is not None:
            shut_down(connection)
            with suppress(MySQLError, OSError):
                connection.close()
