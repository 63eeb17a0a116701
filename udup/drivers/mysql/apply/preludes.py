"""What a session must be set to for rows of which the target computes something, or for a definition.

Most tables compute nothing: their rows are the same bytes in every session, and need nothing. A context that is needed
is tried on the target first (`contexts.py`), once a run, in the control's thread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from udup.base.errors import UdupError, Unsupported
from udup.drivers.mysql.apply.computing import Computing
from udup.drivers.mysql.apply.contexts import TargetContexts
from udup.drivers.mysql.apply.row_session import Needed
from udup.drivers.mysql.apply.target_thread import TargetThread
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.binlog.table_map import TableMaps, TableName, table_name
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.statement import Kind
from udup.drivers.mysql.dictionary.timezones import is_fixed
from udup.pipeline.records import Definition, Transaction

#: What a CREATE TABLE says if its table computes something from its rows; it may mean something else.
_COMPUTED = re.compile(rb"\b(?:AS\s*\(|CHECK\b)", re.IGNORECASE)


class Preludes:
    """Each answer is a SET, empty for nothing."""

    def __init__(self, thread: TargetThread, contexts: TargetContexts, computing: Computing) -> None:
        self._thread = thread
        self._contexts = contexts
        self._computing = computing

    async def of_group(self, label: str, number: int, records: Sequence[Transaction]) -> bytes:
        """Return what the rows of transactions need that have this context."""
        head = records[0]
        if head.create:
            return await self._of_create(label, head.context, head.create)
        known = self._contexts.known(number)
        if known is not None:
            return known
        tables = {table_name(event) for each in records for event in TableMaps().feed(each.events)}
        return await self.of_rows(label, number, tables)

    async def of_rows(self, label: str, number: int, tables: set[TableName], create: bytes = b"") -> bytes:
        """Return what rows of these tables need, or of the one that the transaction makes."""
        if create:
            return await self._of_create(label, number, create)
        computes = self._computing.shown(tables)
        if not computes or not number:
            return b""
        try:
            return await self._prepared(number)
        except UdupError as error:
            raise error.beginning(f"{label}: {computes} in the session that changes its rows: ") from error

    async def _of_create(self, label: str, number: int, create: bytes) -> bytes:
        """CREATE TABLE … SELECT: its event may say no zone, and the dictionary not yet what its table computes."""
        try:
            return await self._prepared(number)
        except Unsupported as error:
            if not _COMPUTED.search(create):
                return b""
            raise error.beginning(f"{label}: CREATE TABLE … SELECT makes a table that computes: ") from error

    async def of_definition(self, record: Definition) -> bytes:
        """Return the context of a statement that has used a named zone for a table, empty for any other.

        It may compute from all rows, or a default; and the source's SYSTEM is not the target's.
        """
        try:
            event = parse_query(record.query, has_crc=False)
            zone = (event.variables().time_zone or b"").decode("ascii", "replace")
            if not zone or is_fixed(zone) or classify_query(event).kind is not Kind.TABLE_DDL:
                return b""
            return await self._prepared(record.context)
        except UdupError as error:
            raise error.about(record.id.gtid, record.summary) from error

    async def _prepared(self, number: int) -> bytes:
        known = self._contexts.known(number)
        return known if known is not None else await self._thread.run(partial(self._contexts.prepare, number))

    def of_kept(self, connection: Connection, kept: bytes) -> Needed:
        """Return, in the control's thread, what tells of a kept transaction's events the context that they need.

        Its tables may not have been looked at in this run.
        """
        look = self._computing.looker(connection)

        def needed(data: bytes) -> bytes:
            computes = look(data)
            try:
                return self._contexts.statement_of_kept(kept) if computes else b""
            except UdupError as error:
                raise error.beginning(f"{computes} in the session that changes its rows: ") from error

        return needed
