"""What definitions of the log have made: the dictionary is asked when the log is read over one, and tells it along.

The log says a statement and not what the server made of it. So of each table that a statement has made or changed the
dictionary is asked at once, and the answer travels with the statement's record: for the message of the schema change,
and for the reader of the rows that follow. It is the definition of now: with a backlog that holds a later change of the
same table it is already that one's.

What goes wrong with the question is no reason to end a run: the record goes on without an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TypeVar

import msgspec

from udup.base import logs
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.rowtext.facts import read_facts_of
from udup.drivers.mysql.snapshot.names import read_base_tables
from udup.drivers.mysql.stream.told import decode_told, encode
from udup.drivers.mysql.telling.table_changes import read_tables
from udup.pipeline.ports import Scope
from udup.pipeline.records import Definition, Part, Record, Transaction
from udup.pipeline.selection.renames import Name

#: Seconds for the dictionary to answer: the log waits meanwhile.
ANSWER_SECONDS = 20

#: Seconds for a statement that is in the log already to be committed: only then the dictionary has what it made.
COMMIT_SECONDS = 2

#: Bytes of definitions that go with one record: it must fit into a message.
TOLD_MAX = 512 << 10

R = TypeVar("R", Definition, Transaction, Part)


def named_tables(statement: Statement) -> list[Name]:
    """Return the tables that a statement makes, changes or removes; of a renamed one its old and its new name."""
    if statement.kind is not Kind.TABLE_DDL:
        return []
    named = [name for move in statement.moves for name in move] or list(statement.objects)
    return list(dict.fromkeys((name.schema, name.name) for name in named))


def made_tables(statement: Statement) -> list[Name]:
    """Return the tables that a statement leaves made or changed, by the names that they have behind it."""
    if statement.kind is not Kind.TABLE_DDL or statement.verb in ("DROP TABLE", "TRUNCATE TABLE"):
        return []
    left = [new for _, new in statement.moves] or list(statement.objects)
    return list(dict.fromkeys((name.schema, name.name) for name in left))


class MadeTables:
    """Asks on a connection of its own, opened when it is needed first. `close` from any thread."""

    def __init__(self, endpoint: Endpoint, scope: Scope) -> None:
        self._endpoint, self._scope = endpoint, scope
        self._connection: Connection | None = None
        self._closed = False
        self._log = logs.logger("mysql")

    def completed(self, record: Record) -> Record:
        """Return the record with what the dictionary says of the tables that its statement has made."""
        if isinstance(record, Definition):
            return self._told(record, record.query)
        if isinstance(record, Transaction) and record.create:
            return self._told(record, record.create)
        if isinstance(record, Part) and record.create:
            return self._told(record, record.create)
        return record

    def _told(self, record: R, event: bytes) -> R:
        statement = classify_query(parse_query(event, has_crc=False), fold_names=self._scope.fold_names)
        names = made_tables(statement)
        if not names:
            return record
        try:
            tables, facts = self._ask(names, record.id.gtid)
        except (UdupError, MySQLError, OSError) as error:
            self._forget()
            if not self._closed:
                self._log.warning("dictionary_not_asked", gtid=record.id.gtid, tables=names, why=str(error))
            return record
        kept, size = [], 0
        for (schema, name), text in tables.items():
            size += len(text)
            if size <= TOLD_MAX:
                kept.append((schema, name, text))
        told = msgspec.structs.replace(decode_told(record.told), tables=kept, facts=facts)
        return msgspec.structs.replace(record, told=encode(told))

    def _ask(self, names: Collection[Name], gtid: str) -> tuple[Mapping[Name, bytes], bytes]:
        """Return what there is of these tables, by the job's names, and what the reader of rows needs of them."""
        connection = self._opened()
        query(connection, "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", gtid, COMMIT_SECONDS)
        theirs = self._theirs(connection, names)
        found = read_tables(connection, theirs)
        return {theirs[name]: text for name, text in found.items()}, read_facts_of(connection, theirs)

    def _theirs(self, connection: Connection, names: Collection[Name]) -> Mapping[Name, Name]:
        """Return the source's names of these tables, each with the job's."""
        selection = self._scope.selection
        if not selection.renames:
            return {name: name for name in names}
        there = {selection.renamed_table(*name): name for name in read_base_tables(connection, selection)}
        return {there[name]: name for name in names if name in there}

    def _opened(self) -> Connection:
        """Return the connection; one that the server has closed since is opened again."""
        if self._connection is not None:
            try:
                query(self._connection, "SELECT 1")
            except (MySQLError, OSError):
                self._forget()
        if self._connection is None:
            self._connection = connect(self._endpoint, answer_seconds=ANSWER_SECONDS)
            if self._closed:
                self.close()
        return self._connection  # type: ignore[return-value]

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(MySQLError, OSError):
                connection.close()

    def close(self) -> None:
        """End the connection, and with it a question that is under way."""
        self._closed = True
        connection = self._connection
        if connection is not None:
            shut_down(connection)
            with suppress(MySQLError, OSError):
                connection.close()
