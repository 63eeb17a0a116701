"""Tables that come into a fake log that is followed, or whose rows are to come again: each is read at one moment.

That moment is one in which the log has been told whole and nothing is prepared, so that the rows stand between two
transactions. Until then what the log has of a table that joins is left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from udup.drivers.fake.changes import Change, Op, encode
from udup.drivers.fake.server import FakeServer
from udup.drivers.fake.snapshot_reading import SnapshotState
from udup.pipeline.ownership import TableName
from udup.pipeline.ports import LogPlan
from udup.pipeline.records import CopyTable, Joining, Record, SnapshotEnd, SnapshotRows
from udup.pipeline.selection.kept import kept_selection, selection_of


class FakeJoining:
    """All of it under the server's lock. `state` is what the job keeps, and is brought forward."""

    def __init__(self, server: FakeServer, plan: LogPlan, state: SnapshotState) -> None:
        self._server, self._plan, self._state = server, plan, state

    def begin(self) -> list[Record]:
        """Find out what is to be read; return what tells it, nothing where there is nothing."""
        state, selection = self._state, self._plan.scope.selection
        now = kept_selection(selection)
        known = selection_of(state.selection or now, folds=selection.folds)
        wishes = [each for each in self._plan.wishes if each[0] > state.wish]
        there = [name for name in sorted(self._server.tables) if selection.wants(*name)]
        state.joins = [each for each in state.joins if tuple(each.split(".", 1)) in there]
        before = state.text()
        if state.selection and state.selection != now:
            state.joins += [".".join(name) for name in there if not known.wants(*name)]
        state.selection = state.selection and now
        for number, names in wishes:
            wished = [".".join(name) for name in there if ".".join(name) in names]
            state.again += [each for each in wished if each not in state.joins]
            state.joins += [each for each in wished if each not in state.joins]
            state.wish = number
        told: list[Record] = [SnapshotEnd(0, "", state.text())] if state.text() != before else []
        return [*told, self._joining()] if state.joins else told

    def wanted(self, changes: Iterable[Change]) -> list[Change]:
        """Return the changes that are told now; `changes` have the job's names."""
        left_out = {self._renamed(each) for each in self._state.joins if each not in self._state.again}
        return [each for each in changes if each.table not in left_out]

    def read(self) -> list[Record]:
        """Return the rows of the next table; the log has been told whole."""
        state = self._state
        if not state.joins or self._has_prepared():
            return []
        source, renamed = state.joins[0], self._renamed(state.joins[0])
        schema, name = source.split(".", 1)
        state.joins, state.again = state.joins[1:], [each for each in state.again if each != source]
        rows = sorted(self._server.tables[schema, name].rows.items())
        if not rows:
            return [SnapshotEnd(0, "", state.text()), self._joining()]
        changes = [Change(renamed, Op.INSERT, key, "|".join(row)) for key, row in rows]
        number = self._plan.snapshots + 1
        words = ("true", "true", "log", 0, 0)
        found = SnapshotRows(encode(changes), number, 0, 0, len(rows), *words, state.text(), incremental=True)
        return [found, self._joining()]

    def _joining(self) -> Joining:
        tables = self._server.tables
        names: list[tuple[str, str]] = [
            (schema, name) for schema, _, name in (e.partition(".") for e in self._state.joins)
        ]
        renamed = self._plan.scope.selection.renamed_table
        return Joining([CopyTable(*renamed(*each), ".".join(each), len(tables[each].rows)) for each in names])

    def _renamed(self, source: str) -> TableName:
        schema, _, name = source.partition(".")
        return self._plan.scope.selection.renamed_table(schema, name)

    def _has_prepared(self) -> bool:
        return bool(self._server.log.prepared)
