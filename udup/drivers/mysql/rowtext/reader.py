"""The records of a MySQL source as texts: rows events by their tables' programs, and definitions as they were sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.base.row_library import PYTHON, REMEDY
from udup.drivers.mysql.binlog.event import HEADER, ROWS_EVENTS, EventType, has_checksums
from udup.drivers.mysql.binlog.query import QueryEvent, parse_query, thread_of
from udup.drivers.mysql.binlog.split import EventSplitter, split
from udup.drivers.mysql.binlog.table_map import definition_bytes, table_id
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.sqltokens import codec_of, decode
from udup.drivers.mysql.ddl.statement import Statement
from udup.drivers.mysql.rows.codec import CODECS_MAX, make_room
from udup.drivers.mysql.rows.errors import damaged
from udup.drivers.mysql.rows.events import DELETES, UPDATES, WRITES
from udup.drivers.mysql.rows.table import Table, parse_table
from udup.drivers.mysql.rowtext.compiled import reader_kind, table_text
from udup.drivers.mysql.rowtext.facts import Dictionary, parse_dictionary
from udup.drivers.mysql.rowtext.ops import Program
from udup.drivers.mysql.rowtext.options import ValueOptions, parse_options
from udup.drivers.mysql.rowtext.program import program_of
from udup.drivers.mysql.rowtext.table_text import GeneratedTableText
from udup.drivers.mysql.telling.made_tables import made_tables, named_tables
from udup.drivers.mysql.telling.table_changes import changes_of
from udup.drivers.mysql.telling.told import Told, decode_told
from udup.pipeline.ports.delivery import DefinitionText, DeliveryPlan, Operation, RowsText, TableText
from udup.pipeline.records import Definition, Part, SnapshotRows, Transaction
from udup.pipeline.selection.renames import Name

#: The table id of an event that has no rows and only ends a statement.
_NO_TABLE = b"\xff\xff\xff\0\0\0"

#: What is to be done where rows are read without the compiled part.
SLOW = (
    "the compiled reader of rows was not built, so that one core reads some 50,000 rows a second instead of ten times "
    f"as many: {REMEDY}"
)

#: As a plain number: every event is asked for it.
_TABLE_MAP = int(EventType.TABLE_MAP)

_NOTHING_TOLD = Told("", -1, [])


class MakeTableText(Protocol):
    """Makes what reads the events of a table."""

    def __call__(self, table: Table, program: Program, *, has_crc: bool) -> TableText: ...


class MysqlRecordReader:
    """The `RecordReader` of MySQL. `dictionary` has what the log does not say of columns, where that is known."""

    def __init__(
        self,
        options: ValueOptions,
        *,
        dictionary: Dictionary | None = None,
        make: MakeTableText = GeneratedTableText,
    ) -> None:
        self._options = options
        self._dictionary = dictionary or {}
        self._make = make
        self._has_crc = True
        self._definitions: dict[bytes, TableText] = {}
        self._tables: dict[bytes, TableText] = {}
        self._parts = EventSplitter("a transaction")

    @property
    def kind(self) -> str:
        return reader_kind() if self._make is table_text else PYTHON

    @property
    def remedy(self) -> str:
        return SLOW if self.kind == PYTHON else ""

    def set_format(self, event: bytes) -> None:
        """The records that follow are written by this FORMAT_DESCRIPTION."""
        has_crc = has_checksums(event)
        if has_crc != self._has_crc:
            self._has_crc = has_crc
            self._definitions.clear()
            self._tables.clear()

    def note_tables(self, details: bytes) -> None:
        """Note what the source's dictionary says of tables now."""
        self._dictionary = {**self._dictionary, **parse_dictionary(details)}
        self._definitions.clear()

    def rows(self, record: Transaction | Part | SnapshotRows) -> Iterator[RowsText]:
        """Yield the rows events of a record. Of the parts of a transaction, those that are complete by now.

        Raise `Unsupported` for what cannot be read, which names the table.
        """
        if isinstance(record, SnapshotRows):
            yield from self._snapshot(record)
            return
        told = decode_told(record.told) if record.told else _NOTHING_TOLD
        try:
            if isinstance(record, Transaction):
                self._tables.clear()
                yield from self._events(split(record.events), told)
            else:
                if not record.index:
                    self._tables.clear()
                    self._parts = EventSplitter(f"transaction {record.id.gtid}")
                yield from self._events(self._parts.feed(record.events), told)
        except Unsupported as error:
            error.at(record.id.gtid)
            raise

    def _events(self, events: Iterator[bytes], told: Told) -> Iterator[RowsText]:
        file, starts, tables = told.file, told.starts, self._tables
        statements = told.statements() if told.queries else [None] * len(starts)
        thread = told.thread if told.thread >= 0 else None
        number = -1
        for event in events:
            if event[4] == _TABLE_MAP:
                tables[table_id(event)] = self._table(event)
            elif event[4] in ROWS_EVENTS:
                number += 1
                of = table_id(event)
                if of == _NO_TABLE:
                    continue
                table = tables.get(of) or self._table_of(event, tables)
                seconds, kind, server_id, size, end, _ = HEADER.unpack_from(event)
                if number < len(starts):
                    start, statement = starts[number], statements[number]
                else:
                    start, statement = max(end - size, 0), None
                yield RowsText(table, _operation(kind), event, file, start, server_id, seconds, thread, statement)

    def _snapshot(self, record: SnapshotRows) -> Iterator[RowsText]:
        tables: dict[bytes, TableText] = {}
        for event in split(record.events):
            if event[4] == EventType.TABLE_MAP:
                tables[table_id(event)] = self._table(event)
            elif event[4] in WRITES:
                found = self._table_of(event, tables)
                yield RowsText(found, Operation.READ, event, record.file, record.offset, seconds=record.read_ms // 1000)

    def _table(self, table_map: bytes) -> TableText:
        key = definition_bytes(table_map, has_crc=self._has_crc)
        found = self._definitions.get(key)
        if found is None:
            table = parse_table(table_map, has_crc=self._has_crc)
            facts = self._dictionary.get((table.schema, table.name))
            found = self._make(table, program_of(table, self._options, facts), has_crc=self._has_crc)
            make_room(self._definitions, CODECS_MAX)
            self._definitions[key] = found
        return found

    @staticmethod
    def _table_of(event: bytes, tables: dict[bytes, TableText]) -> TableText:
        found = tables.get(table_id(event))
        if found is None:
            raise damaged("a rows event has no TABLE_MAP in front of it")
        return found

    def _note_made(self, told: Told) -> None:
        """Take what the dictionary says of tables that a statement has made, in the place of what it said before."""
        if told.facts is not None:
            before: Dictionary = {(schema, name): {} for schema, name, _ in told.tables}
            self._dictionary = {**self._dictionary, **before, **parse_dictionary(told.facts)}
            self._definitions.clear()

    def definition(self, record: Definition) -> DefinitionText:
        """Return the statement of a definition. Raise `Unsupported` for a Query event that cannot be read.

        Its event comes without a CRC, whatever the log has (`stream/assembly.py`).
        """
        event = record.query
        told = decode_told(record.told) if record.told else _NOTHING_TOLD
        seconds, _, server_id, size, end, _ = HEADER.unpack_from(event)
        query = parse_query(event, has_crc=False)
        statement = classify_query(query, fold_names=told.folds_names)
        tables = named_tables(statement)
        self._note_made(told)
        return DefinitionText(
            _text(query),
            _schema(statement, query, tables),
            tables,
            statement.verb == "TRUNCATE TABLE",
            _changes(statement, {(schema, name): text for schema, name, text in told.tables}),
            told.file,
            told.starts[0] if told.starts else max(end - size, 0),
            server_id,
            seconds,
            thread_of(event),
        )


def open_reader(_endpoint: Endpoint, plan: DeliveryPlan) -> MysqlRecordReader:
    """Return what reads the records of a job's source. `Refused` for options of values that are wrong."""
    return MysqlRecordReader(check_options(plan), make=table_text)


def check_options(plan: DeliveryPlan) -> ValueOptions:
    """Return how values are to look. `Refused` with what is wrong with the options of that."""
    said = {"Values": plan.values, "TinyInt1AsBoolean": str(plan.tiny_as_boolean).lower()}
    return parse_options({**plan.options, **said}, quirks=plan.quirks)


def _operation(kind: int) -> Operation:
    if kind in UPDATES:
        return Operation.UPDATE
    return Operation.DELETE if kind in DELETES else Operation.CREATE


def _changes(statement: Statement, tables: Mapping[Name, bytes]) -> bytes:
    """Return what a statement made of its tables: by `tables`, where the dictionary was asked, and by its text."""
    if statement.verb == "DROP TABLE":
        return changes_of(("DROP", [name], None) for name in named_tables(statement))
    if statement.moves:
        pairs = [[(name.schema, name.name) for name in move] for move in statement.moves]
        return changes_of(("ALTER", pair, _found(tables, pair[-1])) for pair in pairs)
    kind = "CREATE" if statement.verb == "CREATE TABLE" else "ALTER"
    return changes_of((kind, [name], _found(tables, name)) for name in made_tables(statement))


def _found(tables: Mapping[Name, bytes], name: Name) -> bytes | None:
    """Return a table's text; a server that keeps names in lower case has it under such a name."""
    return tables.get(name) or tables.get((name[0].lower(), name[1].lower()))


def _schema(statement: Statement, query: QueryEvent, tables: Sequence[tuple[str, str]]) -> str:
    """Return the schema that a statement is about, else that of its session."""
    if tables:
        return tables[0][0]
    return statement.schemas[0] if statement.schemas else query.schema.decode("utf-8", "replace")


def _text(query: QueryEvent) -> str:
    charset = query.variables().charset
    return decode(query.sql, codec_of(charset.client) if charset else "utf-8")
