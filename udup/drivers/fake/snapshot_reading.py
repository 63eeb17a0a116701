"""A snapshot of a fake server for a destination of messages: rows as the events that an insert of them would be.

The state names the position of the first reading, and for each table up to which key it was sent, and at which position
those rows were read: the next reading goes on behind that, and the log is followed from the first position and leaves
out, key by key, what a later reading has brought.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from udup.base import runtime
from udup.base.errors import Transient
from udup.drivers.fake.changes import Change, Op, Row, encode
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.server import FakeServer
from udup.pipeline.ownership import TableName
from udup.pipeline.ports import ReadingPlan, Scope
from udup.pipeline.records import Record, SnapshotEnd, SnapshotRows
from udup.pipeline.selection.kept import kept_selection


@dataclass
class SnapshotState:
    """`tables`, by the job's names: keys up to which rows were sent, each with the position at which they were read.

    The last key of a table that is complete is None. `selection` is what the job chose, `wish` the last wish that was
    taken up, `joins` the tables, by the source's names, whose rows are to come while the log goes on
    (`joining.py`), `again` those of them that were there before.
    """

    snapshot: int = 0
    first: str = ""
    tables: dict[str, list[tuple[str | None, str]]] = field(default_factory=dict)
    selection: Any = None
    wish: int = 0
    joins: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)

    @classmethod
    def parse(cls, text: str) -> SnapshotState:
        return cls(**json.loads(text)) if text else cls()

    def text(self) -> str:
        return json.dumps(vars(self))

    def sent(self, table: str, until: str | None, at: str) -> None:
        """Note that a table's rows were sent up to a key, None: all of them."""
        found = self.tables.setdefault(table, [])
        if found and found[-1][1] == at:
            found.pop()
        found.append((until, at))

    def behind(self, table: str) -> str | None:
        """Return the key behind which rows are missing, "" for all, None for none."""
        found = self.tables.get(table, [])
        return found[-1][0] if found else ""

    def _at(self, change: Change) -> str:
        """Return the position at which a change's row was read, "" if it was not."""
        found = self.tables.get(".".join(change.table), [])
        return next((at for until, at in found if until is None or change.key <= until), "")

    def wanted(self, changes: Iterable[Change], source: str, number: int) -> list[Change]:
        """Return the changes of a transaction that no reading has brought."""
        return [each for each in changes if not FakePosition.parse(self._at(each)).contains(source, number)]


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
            self._state.selection = kept_selection(scope.selection)
            named = {
                scope.selection.renamed_table(*name): table
                for name, table in sorted(server.tables.items())
                if scope.selection.wants(*name)
            }
            left = {
                name: [row for row in sorted(table.rows.items()) if row[0] > behind]
                for name, table in named.items()
                if (behind := self._state.behind(".".join(name))) is not None
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
                    self._state.sent(".".join(name), None, self._at)
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
            self._state.sent(".".join(name), None if last else changes[-1].key, self._at)
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
