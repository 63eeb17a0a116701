"""Two real servers for the contract's tests, in a schema of the test's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

from tests.drivers.contract.pair import Pair
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.source import MySQLSource
from udup.drivers.mysql.target import MySQLTarget

_CREATE = "CREATE TABLE {}.{} (k VARCHAR(64) PRIMARY KEY, n INT NOT NULL, f VARCHAR(2000) NOT NULL DEFAULT '')"

_NO_SUCH_TABLE = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"


class MySQLPair(Pair):
    #: With the filler of each row more than a transaction may have that comes in one piece.
    large_rows = 300

    def __init__(self, source: Endpoint, target: Endpoint, schema: str) -> None:
        self.schema = schema
        self._from, self._to = source, target
        self.source, self.target = MySQLSource(source), MySQLTarget(target)
        for endpoint in (source, target):
            _run(endpoint, f"CREATE DATABASE {schema}")

    def create(self, name: str) -> None:
        _run(self._from, _CREATE.format(self.schema, name))

    def write(self, name: str, *, insert: Sequence[str] = (), update: Sequence[str] = ()) -> str:
        with closing(connect(self._from)) as connection:
            before = self.source.position(_executed(connection))
            connection.begin()
            self._insert(connection, name, insert)
            for key in update:
                query(connection, f"UPDATE {self.schema}.{name} SET n = n + 1 WHERE k = %s", key)
            connection.commit()
            return str(self.source.position(_executed(connection)) - before)

    def _insert(self, connection: Any, name: str, keys: Sequence[str]) -> None:
        filler = "x" * 1500 if len(keys) >= self.large_rows else ""
        for key in keys:
            query(connection, f"INSERT INTO {self.schema}.{name} VALUES (%s, 0, %s)", key, filler)

    def prepare(self, xid: str, name: str, insert: Sequence[str]) -> None:
        with closing(connect(self._from)) as connection:
            query(connection, f"XA START '{xid}'")
            self._insert(connection, name, insert)
            query(connection, f"XA END '{xid}'")
            query(connection, f"XA PREPARE '{xid}'")

    def end(self, xid: str, *, commit: bool) -> None:
        _run(self._from, f"XA {'COMMIT' if commit else 'ROLLBACK'} '{xid}'")

    def executed(self) -> str:
        with closing(connect(self._from)) as connection:
            return _executed(connection)

    def place(self) -> tuple[str, int]:
        with closing(connect(self._from)) as connection:
            [(file, offset, *_)] = query(connection, "SHOW BINARY LOG STATUS")
            return str(file), int(offset)

    def source_rows(self, name: str) -> dict[str, Any]:
        rows = self._rows(self._from, name)
        assert rows is not None
        return rows

    def target_rows(self, name: str) -> dict[str, Any] | None:
        return self._rows(self._to, name)

    def _rows(self, endpoint: Endpoint, name: str) -> dict[str, Any] | None:
        with closing(connect(endpoint)) as connection:
            if not scalar(connection, _NO_SUCH_TABLE, self.schema, name):
                return None
            return {str(k): n for k, n in query(connection, f"SELECT k, n FROM {self.schema}.{name}")}

    def copy_table(self, name: str) -> None:
        _run(self._to, _CREATE.format(self.schema, name))

    def put_on_target(self, name: str, key: str) -> None:
        _run(self._to, f"INSERT INTO {self.schema}.{name} VALUES ('{key}', 99, '')")

    def take_from_target(self, name: str, key: str) -> None:
        _run(self._to, f"DELETE FROM {self.schema}.{name} WHERE k = '{key}'")

    def locked_on_target(self, name: str, key: str) -> AbstractContextManager[None]:
        @contextmanager
        def locked() -> Iterator[None]:
            with closing(connect(self._to)) as connection:
                connection.begin()
                query(connection, f"SELECT * FROM {self.schema}.{name} WHERE k = %s FOR UPDATE", key)
                yield

        return locked()

    @contextmanager
    def read_only_target(self) -> Iterator[None]:
        _run(self._to, "SET GLOBAL super_read_only = ON")
        try:
            yield
        finally:
            _run(self._to, "SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")


def _run(endpoint: Endpoint, *statements: str) -> None:
    with closing(connect(endpoint)) as connection:
        for statement in statements:
            query(connection, statement)
        connection.commit()


def _executed(connection: Any) -> str:
    return str(scalar(connection, "SELECT @@global.gtid_executed")).replace("\n", "")
