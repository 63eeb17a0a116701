"""A full copy's source: the rows of every table as they were at one position, in chunks."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from functools import reduce

from udup.base import runtime
from udup.base.errors import Transient
from udup.drivers.fake.changes import Row, Table
from udup.drivers.fake.copy_writer import CopyDetails, TableDetails, encode_details, encode_row, sum_of
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.server import FakeServer
from udup.pipeline.ownership import TableName
from udup.pipeline.ports import CopyResume, Piece, Scope
from udup.pipeline.positions import AheadNote, AheadNotes, both
from udup.pipeline.records import CopyPlan, CopyTable, CopyTotals, StartRows
from udup.pipeline.selection.selection import Selection


class FakeCopy:
    """`ports.SourceCopy`. Readers take chunks, the largest table's first; each is read by one of them."""

    def __init__(
        self, server: FakeServer, scope: Scope, chunk_rows: int | None, resumes: CopyResume | None = None
    ) -> None:
        self._server = server
        self._connection = server.connect("", "copy", "Source.open_copy connect")
        self._chunk_rows = chunk_rows or server.settings.chunk_rows
        self._lock = runtime.Lock()
        self._stopped = False
        self._on_table: Callable[[CopyTotals], None] | None = None
        with server.call("Source.open_copy", self._connection):
            self._tables: dict[TableName, Table] = {
                name: table.copy() for name, table in sorted(server.tables.items()) if scope.selection.wants(*name)
            }
            self._plan = self._planned(scope, self._staying(scope, resumes))
        self._chunks = [
            [] if planned.whole else self._chunked(table)
            for table, planned in zip(self._tables.values(), self._plan.tables, strict=True)
        ]
        self._waiting: deque[tuple[int, int]] = deque(
            (table, chunk)
            for table in sorted(range(len(self._chunks)), key=lambda each: -len(self._chunks[each]))
            for chunk in range(len(self._chunks[table]))
        )
        self._left = [len(chunks) for chunks in self._chunks]

    def _staying(self, scope: Scope, resumes: CopyResume | None) -> dict[TableName, str]:
        """Return the tables that an earlier try has brought and that stay, each with its position."""
        found: dict[TableName, str] = {}
        log = self._server.log
        noted = {tuple(each[:2]): each[2:] for each in json.loads(resumes.copied)} if resumes and resumes.copied else {}
        for name, table in self._tables.items():
            text, shape = noted.get(scope.selection.renamed_table(*name), ("", ""))
            position = FakePosition.parse(text)
            if text and shape == table.shape and position <= log.executed and log.purged <= position:
                found[name] = text
        return found

    def _planned(self, scope: Scope, staying: dict[TableName, str]) -> CopyPlan:
        selection, executed = scope.selection, self._server.log.executed
        tables = [
            CopyTable(
                *selection.renamed_table(*name),
                ".".join(name),
                len(table.rows),
                rows_there=len(table.rows) if name in staying else 0,
                whole=name in staying,
            )
            for name, table in self._tables.items()
        ]
        made = [
            TableDetails(each.shape, each.keyed, each.transactional, each.computes) for each in self._tables.values()
        ]
        details = encode_details(CopyDetails(made, dict(self._server.objects)))
        if not staying:
            return CopyPlan(tables, details, str(executed))
        groups = {name: Selection.of([(name[0], [name[1]])]) for name in staying}
        begin = reduce(both, map(FakePosition.parse, staying.values()), executed)
        notes = [AheadNote(groups[name], FakePosition.parse(text)) for name, text in staying.items()]
        rest = AheadNote(selection.without(*groups.values()), executed, objects=True)
        ahead = AheadNotes([*notes, rest]).merged(begin)
        return CopyPlan(tables, details, str(executed), str(begin), ahead.to_json())

    def _chunked(self, table: Table) -> list[list[tuple[str, Row]]]:
        rows = list(table.rows.items())
        return [rows[at : at + self._chunk_rows] for at in range(0, len(rows), self._chunk_rows)]

    @property
    def plan(self) -> CopyPlan:
        return self._plan

    @property
    def tables(self) -> list[TableName]:
        """The tables by their names on the source."""
        return list(self._tables)

    def start(self, start: StartRows, on_table: Callable[[CopyTotals], None]) -> None:
        """Tell of tables without rows at once: nobody reads them."""
        self._on_table = on_table
        for table, chunks in enumerate(self._chunks):
            if not chunks and not self._plan.tables[table].whole:
                self._complete(table)

    def read(self, reader: int, emit: Callable[[Piece], None]) -> None:
        while True:
            with self._lock:
                if self._stopped:
                    raise Transient("the copy was stopped")
                if not self._waiting:
                    return
                table, chunk = self._waiting.popleft()
            with self._server.call("SourceCopy.read", self._connection):
                rows = self._chunks[table][chunk]
            self._emit(table, chunk, rows, emit)
            with self._lock:
                self._left[table] -= 1
                is_last = not self._left[table]
            if is_last:
                self._complete(table)

    def _emit(self, table: int, chunk: int, rows: list[tuple[str, Row]], emit: Callable[[Piece], None]) -> None:
        data = b"".join(encode_row(key, row) for key, row in rows)
        size = self._server.settings.piece_bytes
        for at in range(0, len(data), size):
            last = at + size >= len(data)
            emit(Piece(table, chunk, last, len(rows) if last else 0, data[at : at + size]))

    def _complete(self, table: int) -> None:
        assert self._on_table is not None, "`start` comes first"
        chunks = self._chunks[table]
        whole = list(self._tables.values())[table]
        self._on_table(CopyTotals(table, len(chunks), len(whole.rows), sum_of(whole)))

    def ahead(self) -> str:
        return self._plan.ahead

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
        self.close()

    def close(self) -> None:
        self._server.end(self._connection)
