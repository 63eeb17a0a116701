"""PyMySQL's cursor, on a connection of the simulated server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sim.mysql import Connection


class Cursor:
    warning_count = 0

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None: ...

    def fetchall(self) -> list[Any]:
        return self._rows

    def execute(self, sql: str | bytes, args: Any = None) -> int:
        text = sql.decode() if isinstance(sql, bytes) else sql
        result = self._connection.execute(text, tuple(args or ()))
        if isinstance(result, list):
            self._rows = result
            return len(result)
        return int(result or 0)
