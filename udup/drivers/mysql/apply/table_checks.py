"""Looks at a table of the target before its first rows: engine, columns, what it computes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from udup.base.causes import Cause, reason
from udup.base.errors import Contradicted, UdupError
from udup.drivers.mysql.apply.column_check import check_definition
from udup.drivers.mysql.apply.computing import Computing
from udup.drivers.mysql.apply.engine import engine_of
from udup.drivers.mysql.apply.memory_tables import note_memory_tables
from udup.drivers.mysql.binlog.table_definition import parse_columns
from udup.drivers.mysql.binlog.table_map import TableName, table_name
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.columns.plans import check_converted
from udup.drivers.mysql.dictionary.engines import is_non_transactional
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.generated import check_generated
from udup.drivers.mysql.mariadb.sequence_values import check_sequence
from udup.drivers.mysql.mariadb.sequences import is_sequence
from udup.drivers.mysql.statements.plan import triggers_of, with_triggers


@dataclass
class TableChecks:
    """`computing` is told what each table computes. `by_statements`: rows get there by statements.

    `converts`: to tables that may be others than the source's. `computed_there`: columns, in lower case, that the
    target computes and the source does not.
    """

    job: str
    computing: Computing
    by_statements: bool = False
    converts: bool = False
    computed_there: Mapping[tuple[str, str], Collection[str]] = field(default_factory=dict)
    source: Server = field(default_factory=lambda: Server.of(""))  # as its log's FORMAT_DESCRIPTION says

    def check(self, connection: Connection, gtid: str, table_map: bytes, *, has_crc: bool) -> TableName | None:
        """Compare a table with a TABLE_MAP; errors begin with the transaction's GTID.

        Return its name if its rows take no part in transactions on the target.
        """
        name = table_name(table_map)
        try:
            if connection.is_mariadb and is_sequence(table_map, has_crc=has_crc):
                check_sequence(connection, name)
                return None
            engine = engine_of(connection, name.schema, name.table)
            if engine == "memory":
                note_memory_tables(connection, self.job, [str(name)])
            if self.converts:
                computed = self.computed_there.get((name.schema, name.table), ())
                check_converted(connection, name, parse_columns(table_map, has_crc=has_crc), computed)
            else:
                documents = self.source.is_mariadb and not self.by_statements and not connection.is_mariadb
                check_definition(connection, name.schema, name.table, table_map, has_crc=has_crc, documents=documents)
                check_generated(connection, name, self.source)
            self.computing.look(connection, name)
            if self.by_statements and (triggers := triggers_of(connection, name)):
                raise with_triggers(name, triggers)
        except UdupError as error:
            told = error.about(gtid).against(Contradicted(((name.schema, name.table),)))
            raise told.because(reason(Cause.DEFINITION, {"table": name})) from error
        return name if is_non_transactional(engine) else None
