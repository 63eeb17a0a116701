"""Whether the codec reads of the log what the server has in its tables, statement after statement.

After each statement of a case the log is read as far as the server has executed, and what it brings is applied to the
tables as they were before it. They must then be what a SELECT finds. Where a definition was changed in between, the
tables are taken from the server again: such a statement logs no rows for what it does to them.

Every rows event is written again as well, and must come out byte for byte.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from decimal import Decimal

from tests.conformance.row_bag import Cells, RowBag
from tests.conformance.row_cells import Cell, Column, cell_of
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType
from udup.drivers.mysql.binlog.gtid import GtidSet, parse_gtid_event
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.binlog.table_map import table_id
from udup.drivers.mysql.binlog.xa import XaVerb, is_one_phase, parse_xa
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.client.errors import MySQLError, error_code
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.sessions import PLAIN
from udup.drivers.mysql.rows.codec import RowCodec, RowCodecs
from udup.drivers.mysql.rows.json_patch import apply
from udup.drivers.mysql.rows.json_text import json_text
from udup.drivers.mysql.rows.values import ABSENT, Change, JsonPatch, Row
from udup.drivers.mysql.stream.stream import BinlogStream

#: A virtual column is computed by whoever reads it: this lets the most of them be.
_MODE = "NO_UNSIGNED_SUBTRACTION"

WITNESS = PLAIN.with_("a witness of tables", time_zone="+00:00", lock_wait_timeout="1", sql_mode=_MODE)

#: Schemas whose rows are not looked at.
_OTHERS = frozenset({"mysql", "sys", "information_schema", "performance_schema"})

#: Errors of a table that cannot be read now: locked, gone, of others that are gone, its file taken away.
_UNREADABLE = frozenset({1205, 1146, 1168, 1814})

#: Statements of a transaction, which change no definition.
_FRAME = (b"BEGIN", b"COMMIT", b"ROLLBACK", b"SAVEPOINT", b"XA ")

Name = tuple[str, str]


@dataclass
class Seen:
    """What was compared."""

    rows: int = 0
    cells: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    tables_compared: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass
class Model:
    """A table as it must be. A cell is `ABSENT` where the log does not say it."""

    columns: list[Column]
    rows: RowBag


class Witness:
    """Feeds on the log of one server; nobody else may write there meanwhile."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.seen = Seen()
        self._models: dict[Name, Model] = {}
        self._touched: set[Name] = set()
        self._codecs = RowCodecs()
        self._maps: dict[bytes, RowCodec] = {}
        self._prepared: dict[str, list[tuple[RowCodec, list[Change]]]] = {}
        self._open = ExitStack()
        self._connection = self._open.enter_context(closing(connect(endpoint, WITNESS)))
        self._executed = self._now_executed()
        stream = BinlogStream(endpoint, 900_100, self._executed, str(uuid.uuid4()))
        self._events = iter(self._open.enter_context(closing(stream)))

    def close(self) -> None:
        self._open.close()

    def look(self, where: str) -> None:
        """Reads what is new in the log and compares the tables that it changes."""
        executed = self._now_executed()
        missing = executed - self._executed
        if not missing:
            return
        self._executed = executed
        stale: set[str] = set()
        for transaction in self._transactions(missing):
            self._take(transaction, stale, where)
        for name in [name for name in self._models if name[0] in stale]:
            del self._models[name]
        for schema in stale - _OTHERS:
            self._load(schema)
        for name in sorted(self._touched):
            self._compare(name, where)

    def _now_executed(self) -> GtidSet:
        return GtidSet.parse(str(scalar(self._connection, "SELECT @@GLOBAL.gtid_executed")))

    # ---- The log ----

    def _transactions(self, missing: GtidSet) -> Iterator[list[bytes]]:
        """The events of each, without the GTID."""
        events: list[bytes] = []
        for event in self._events:
            kind = event[4]
            if kind in (EventType.GTID, EventType.GTID_TAGGED):
                if events:
                    yield events
                events = [event]
                missing -= GtidSet.parse(str(parse_gtid_event(event, has_crc=True)))
            elif events and kind not in (EventType.HEARTBEAT, EventType.HEARTBEAT_V2):
                events.append(event)
            if not missing and len(events) > 1 and _ends(events):
                yield events
                return

    def _take(self, events: list[bytes], stale: set[str], where: str) -> None:
        done: list[tuple[RowCodec, list[Change]]] = []
        xid = ""
        for event in events:
            kind = event[4]
            if kind == EventType.QUERY:
                found = parse_query(event, has_crc=True)
                if not found.sql.startswith(_FRAME):
                    stale |= self._schemas_of(found.schema.decode())
                elif found.sql.startswith(b"XA "):
                    xa = parse_xa(found.sql)
                    xid = xa.xid
                    if xa.verb is XaVerb.COMMIT:
                        done = self._prepared.pop(xid)
                    elif xa.verb is XaVerb.ROLLBACK:
                        del self._prepared[xid]
            elif kind == EventType.TABLE_MAP:
                self._maps[table_id(event)] = self._codecs.of(event, has_crc=True)
            elif kind == EventType.XA_PREPARE and not is_one_phase(event):
                self._prepared[xid], done = done, []
            elif kind in ROWS_EVENTS:
                self._rows(event, done, where)
        for codec, changes in done:
            self._apply(codec, changes, where)

    def _rows(self, event: bytes, done: list[tuple[RowCodec, list[Change]]], where: str) -> None:
        codec = self._maps[table_id(event)]
        found = codec.read(event, has_crc=True)
        self.seen.events[found.kind.name] += 1
        if found.kind != EventType.PARTIAL_UPDATE_ROWS:
            again = codec.write(found, has_crc=True)
            same = again if event[-4:] != bytes(4) else again[:-4] + bytes(4)
            if same != event:
                self._fault(where, f"an event of {codec.table} is written as {again.hex()} and was {event.hex()}")
        done.append((codec, found.changes))

    def _schemas_of(self, schema: str) -> set[str]:
        """A statement may change tables of another schema than the one it was run in: all of them are looked at."""
        return {schema} | {name[0] for name in self._models}

    # ---- Tables ----

    def _load(self, schema: str) -> None:
        tables = query(
            self._connection,
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE'"
            " AND ENGINE NOT IN ('BLACKHOLE', 'MRG_MYISAM')",  # which have no rows of their own
            schema,
        )
        for (table,) in tables:
            columns = self._columns(schema, str(table))
            rows = self._select(schema, str(table), columns)
            if rows is not None:
                self._models[schema, str(table)] = Model(columns, rows)
                self._touched.discard((schema, str(table)))

    def _columns(self, schema: str, table: str) -> list[Column]:
        rows = query(
            self._connection,
            "SELECT COLUMN_NAME, DATA_TYPE, EXTRA FROM information_schema.COLUMNS"
            " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION",
            schema,
            table,
        )
        columns = [Column(str(name), str(kind).lower(), str(extra).upper()) for name, kind, extra in rows]
        # Whoever reads a virtual column computes it, in his own time zone.
        has_zone = any(column.data_type == "timestamp" for column in columns)
        return [column for column in columns if not (has_zone and column.is_virtual)]

    def _select(self, schema: str, table: str, columns: list[Column]) -> RowBag | None:
        """The rows as the server has them; None while somebody has the table locked, or it is gone."""
        fields = ", ".join(column.expression for column in columns)
        try:
            rows = query(self._connection, f"SELECT {fields} FROM {qualified(schema, table)}")
        except MySQLError as error:
            if error_code(error) in _UNREADABLE:
                return None
            raise
        return RowBag(tuple(map(_answered, columns, row)) for row in rows)

    def _apply(self, codec: RowCodec, changes: list[Change], where: str) -> None:
        name = codec.table.schema, codec.table.name
        model = self._models.get(name)
        if model is None:
            return  # made in this statement, or changed by it
        self._touched.add(name)
        places = _places(codec, model)
        for before, after in changes:
            old = None if before is None else _cells(codec, places, before)
            new = None if after is None else _cells(codec, places, after)
            self.seen.rows += 1
            if old is not None:
                found = model.rows.find(old)
                if found is None:
                    self._fault(where, f"{codec.table} has no row {old}")
                    continue
                model.rows.remove(found)
                if new is not None:
                    new = _merged(model.columns, found, new)
            if new is not None:
                model.rows.add(new)

    def _compare(self, name: Name, where: str) -> None:
        model = self._models.get(name)
        if model is None:
            self._touched.discard(name)
            return
        found = self._select(*name, model.columns)
        if found is None:
            return  # locked; it is compared after the next statement
        self._touched.discard(name)
        self.seen.tables_compared += 1
        missing, more = model.rows.differences(found)
        if missing or more:
            self._fault(where, f"{name}: of the log {_some(missing)}, of the server {_some(more)}")
        model.rows = found
        for column in model.columns:
            self.seen.cells[column.data_type] += len(found)

    def _fault(self, where: str, text: str) -> None:
        self.seen.faults.append(f"{where}: {text[:2000]}")


def _ends(events: list[bytes]) -> bool:
    last = events[-1]
    if last[4] == EventType.QUERY:
        sql = parse_query(last, has_crc=True).sql
        return not sql.startswith((b"BEGIN", b"XA START", b"XA END", b"SAVEPOINT")) and not sql.endswith(
            b"START TRANSACTION"
        )
    return last[4] in (EventType.XID, EventType.XA_PREPARE)


def _answered(column: Column, answer: object) -> Cell:
    return column.cell_of(None if answer is None else answer if isinstance(answer, str) else _text(answer))


def _text(answer: object) -> str:
    return answer.decode("ascii") if isinstance(answer, bytes) else str(answer)


def _places(codec: RowCodec, model: Model) -> list[int]:
    """Where the model's columns stand in a row of the log."""
    by_name = {column.name: place for place, column in enumerate(codec.table.columns)}
    return [by_name[column.name] for column in model.columns]


def _cells(codec: RowCodec, places: list[int], row: Row) -> Cells:
    columns = codec.table.columns
    return tuple(
        value if (value := row[place]) is ABSENT or isinstance(value, JsonPatch) else cell_of(columns[place], value)
        for place in places
    )


def _merged(columns: list[Column], old: Cells, new: Cells) -> Cells:
    """What an update leaves alone stays; generated columns follow what it changes."""
    whole = ABSENT not in new
    cells: list[object] = []
    for column, before, after in zip(columns, old, new, strict=True):
        if isinstance(after, JsonPatch):
            cells.append(_patched(before, after))
        elif after is ABSENT:
            cells.append(ABSENT if column.is_generated and not whole else before)
        else:
            cells.append(after)
    return tuple(cells)


def _patched(text: object, patch: JsonPatch) -> object:
    """The server's text of a document, with the changes of a partial update in it."""
    if text is ABSENT:
        return ABSENT
    assert isinstance(text, tuple)
    document = json.loads(text[0], parse_float=Decimal)
    return (json_text(apply(document, patch.changes())).encode(),)


def _some(rows: Counter[Cells]) -> str:
    return f"{rows.total()} rows: {list(rows)[:2]}"
