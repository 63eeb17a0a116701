"""A snapshot of a fake server for a destination of messages: rows as the events that an insert of them would be.

The state names the position of the first reading, and for each table that is complete the position that its rows were
read at: the log is followed from the first, and leaves out what a later reading has brought.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from udup.base import runtime
from udup.base.errors import Transient
from udup.drivers.fake.changes import Change, Op, Row, encode
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.server import FakeServer
from udup.pipeline.ownership import TableName
from udup.pipeline.ports import ReadingPlan, Scope
from udup.pipeline.records import Record, SnapshotEnd, SnapshotRows


@dataclass
class SnapshotState:
    """`tables`: those that are complete, by the job's names, and the positions of their rows."""

    snapshot: int = 0
    first: str = ""
    tables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> SnapshotState:
        return cls(**json.loads(text)) if text else cls()

    def text(self) -> str:
        return json.dumps(vars(self))

    def wanted(self, changes: Iterable[Change], source: str, number: int) -> list[Change]:
        """Return the changes of a transaction that no reading has brought."""
        seen = {name: FakePosition.parse(at).contains(source, number) for name, at in self.tables.items()}
        return [each for each in changes if not seen.get(".".join(each.table), False)]


class FakeReading:
    """`ports.SnapshotReading`: a record a chunk."""

    def __init__(self, server: FakeServer, scope: Scope, plan: ReadingPlan) -> None:
        self._server = server
        self._connection = server.connect("", "copy", "Source.open_reading connect")
        self._lock = runtime.Lock()
        self._state = SnapshotState.parse(plan.state)
        self._state.snapshot = plan.number
        self._stopped = False
        rows = plan.chunk_rows or server.settings.chunk_rows
        with server.call("Source.open_reading", self._connection):
            self._at = str(server.log.executed)
            self._state.first = self._state.first or self._at
            named = {
                scope.selection.renamed_table(*name): table
                for name, table in sorted(server.tables.items())
                if scope.selection.wants(*name)
            }
            left = {
                name: list(table.rows.items())
                for name, table in named.items()
                if ".".join(name) not in self._state.tables
            }
        self.tables = list(left)
        self._waiting: deque[tuple[TableName, list[list[tuple[str, Row]]]]] = deque(
            (name, [found[at : at + rows] for at in range(0, len(found), rows)]) for name, found in left.items()
        )
        self._left = len(self._waiting)

    @property
    def position(self) -> str:
        return self._state.first

    @property
    def state(self) -> str:
        return self._state.text()

    def read(self, reader: int, emit: Callable[[Record], None]) -> None:
        while True:
            with self._lock:
                if self._stopped:
                    raise Transient("the snapshot was stopped")
                if not self._waiting:
                    self._end_once(emit)
                    return
                name, chunks = self._waiting.popleft()
            for number, rows in enumerate(chunks):
                with self._server.call("SnapshotReading.read", self._connection):
                    changes = [Change(name, Op.INSERT, key, "|".join(row)) for key, row in rows]
                self._emit(name, changes, number, emit, last=number == len(chunks) - 1)
            with self._lock:
                if not chunks:
                    self._state.tables[".".join(name)] = self._at
                self._left -= 1

    def _end_once(self, emit: Callable[[Record], None]) -> None:
        """Tell the end, unless another reader does or has done so; of a snapshot without tables, too."""
        if not self._left:
            self._left = -1
            emit(SnapshotEnd(self._state.snapshot, self._state.first, self._state.text()))

    def _emit(
        self,
        name: TableName,
        changes: list[Change],
        chunk: int,
        emit: Callable[[Record], None],
        *,
        last: bool,
    ) -> None:
        with self._lock:
            if last:
                self._state.tables[".".join(name)] = self._at
            emit(
                SnapshotRows(
                    encode(changes),
                    self._state.snapshot,
                    chunk,
                    0,
                    len(changes),
                    "true",
                    "true",
                    "log",
                    0,
                    0,
                    self._state.text(),
                )
            )

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
        self.close()

    def close(self) -> None:
        self._server.end(self._connection)
