"""What two sides say of a filter: the source's server over its table, and Udup over the same rows in the log."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from tests.source_log import logged_by
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.sessions import FILTER
from udup.drivers.mysql.filters.asking import FilterServer
from udup.drivers.mysql.filters.columns import of_log
from udup.drivers.mysql.filters.meaning import Columns, condition
from udup.drivers.mysql.filters.parser import parse
from udup.drivers.mysql.filters.questions import PENDING, Verdict
from udup.drivers.mysql.filters.table_filter import compiled
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.rows.table import Table
from udup.drivers.mysql.rows.values import Row
from udup.sandbox.server import MysqlServer


@dataclass
class Witness:
    """A table, its rows as the log has them, and a connection that asks the server; its first column is its key."""

    source: MysqlServer
    name: str
    table: Table
    rows: list[Row]
    asked: FilterServer
    connection: Connection
    statements: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, source: MysqlServer, schema: str, definition: str, values: Sequence[str]) -> Witness:
        """Make the table on the source, with a row for each of `values`."""
        name = f"{schema}.w"

        def work(connection: Connection) -> None:
            (before,) = query(connection, "SELECT @@global.binlog_row_metadata")[0]
            query(connection, "SET GLOBAL binlog_row_metadata = 'FULL'")
            try:
                fill(connection)
            finally:
                query(connection, "SET GLOBAL binlog_row_metadata = %s", before)

        def fill(connection: Connection) -> None:
            query(connection, "SET sql_mode = 'ALLOW_INVALID_DATES'")
            query(connection, f"CREATE DATABASE IF NOT EXISTS {schema}")
            query(connection, f"DROP TABLE IF EXISTS {name}")
            query(connection, f"CREATE TABLE {name} ({definition})")
            query(connection, f"INSERT INTO {name} VALUES {', '.join(values)}")

        events = [each.event for each in logged_by(source.endpoint, work)]
        codecs = RowCodecs()
        codec = codecs.of(next(event for event in events if event[4] == EventType.TABLE_MAP), has_crc=True)
        rows: list[Row] = []
        for event in events:
            if event[4] in ROWS_EVENTS:
                rows += [after for _, after in codec.read(event, has_crc=True).changes if after is not None]
        assert len(rows) == len(values)
        return cls(source, name, codec.table, rows, FilterServer(source.endpoint), connect(source.endpoint, FILTER))

    def by_the_log(self, where: str) -> dict[object, Verdict]:
        """Return what Udup says of each row, by its key."""
        found = compiled(where, self.table, self.asked.collations())
        verdicts = [found.decide(row) for row in self.rows]
        if PENDING in verdicts:
            self.asked.answer(found.questions)
            verdicts = [found.decide(row) for row in self.rows]
        assert PENDING not in verdicts
        return {row[0]: verdict for row, verdict in zip(self.rows, verdicts, strict=True)}

    def by_the_server(self, where: str) -> dict[object, Verdict]:
        """Return what the server says of each row of the table."""
        collations = self.asked.collations()
        columns = Columns(of_log(column, collations) for column in self.table.columns)
        sql = condition(parse(where), columns)
        key = quote(self.table.column_name(0))
        rows = query(self.connection, f"SELECT {key}, {sql} IS TRUE, {sql} IS FALSE FROM {self.name}")
        return {number: True if true else False if false else None for number, true, false in rows}

    def close(self) -> None:
        self.asked.close()
        with closing(self.connection):
            pass
