"""Tables that come into a log that is followed for messages, or whose rows are to come again.

Each is read AS OF the SCN up to which the log was told, when nothing more was there: so its rows stand between two
transactions, and whatever is open at that SCN comes behind them. Until then the log of a table that the destination
knows nothing of is left out. What of the rows was told in a run that ended comes again in the next, at a later SCN; the
log is told from the first on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from udup.drivers.oracle.dictionary import read_tables
from udup.drivers.oracle.session import OpenClient, Place, connect
from udup.drivers.oracle.snapshot import mapped_or_refused
from udup.drivers.oracle.tables import OracleTable
from udup.drivers.oracle.telling.reading import records_of
from udup.drivers.oracle.telling.rows import blocks
from udup.drivers.oracle.telling.state import Join, TellingState
from udup.pipeline.ports import LogPlan
from udup.pipeline.records import CopyTable, Joining, Record, SnapshotEnd
from udup.pipeline.selection.kept import kept_selection
from udup.pipeline.selection.renames import Name


class JoiningTables:
    """`begin`, then `read` whenever the log was told up to the present; `floor` says what of it is left out."""

    def __init__(self, open_client: OpenClient, place: Place, plan: LogPlan) -> None:
        self._open_client, self._place, self._plan = open_client, place, plan
        self._state = TellingState.parse(plan.snapshot)

    def begin(self) -> Iterator[Record]:
        """Find out which tables are to be read, and tell it."""
        state, before = self._state, self._state.text()
        with closing(connect(self._open_client, self._place, container=True)) as session:
            there = {(each.owner, each.name): each for each in read_tables(session, self._plan.scope.selection)}
        state.joins = [each for each in state.joins if (each.owner, each.name) in there]
        selection = self._plan.scope.selection
        if state.selection is not None:
            known, state.selection = state.chosen(selection), kept_selection(selection)
            self._add([name for name in there if not known.wants(*name)], again=False)
        for number, names in self._plan.wishes:
            if number > state.wish:
                state.wish = number
                self._add([name for name in there if ".".join(name) in names], again=True)
        if state.text() != before:
            yield self._changed()
        if state.joins:
            yield self._joining(there)

    def _add(self, names: list[Name], *, again: bool) -> None:
        waiting = {(each.owner, each.name) for each in self._state.joins}
        self._state.joins += [Join(*name, again=again) for name in names if name not in waiting]

    def floor(self, owner: str, name: str) -> int:
        """Return up to which SCN the destination is not told of the log of a table."""
        return self._state.floor((owner, name))

    @property
    def is_at_work(self) -> bool:
        return bool(self._state.joins)

    def read(self, scn: int) -> Iterator[Record]:
        """Yield the rows of the tables that are waited for, as of an SCN up to which the log was told whole."""
        state, selection = self._state, self._plan.scope.selection
        with closing(connect(self._open_client, self._place, container=True)) as session:
            there = {(each.owner, each.name): each for each in read_tables(session, selection)}
            while state.joins:
                join = state.joins[0]
                table = there.get((join.owner, join.name))
                if table is None:  # it was dropped, and the log has said so
                    yield from self._ended(there)
                    continue
                [mapped] = mapped_or_refused([table], self._place)
                renamed = selection.renamed_table(join.owner, join.name)
                for block in blocks(session, mapped, renamed, 1, scn):
                    join.begun = True
                    number = self._plan.snapshots + 1
                    yield from records_of(block, number, scn, state.text(), incremental=True)
                yield from self._ended(there)

    def _ended(self, there: dict[Name, OracleTable]) -> Iterator[Record]:
        del self._state.joins[0]
        yield self._changed()
        yield self._joining(there)

    def _changed(self) -> SnapshotEnd:
        """Return what has the destination keep the state as it is from here on."""
        return SnapshotEnd(0, "", self._state.text())

    def _joining(self, there: dict[Name, OracleTable]) -> Joining:
        renamed = self._plan.scope.selection.renamed_table
        names = [(each.owner, each.name) for each in self._state.joins]
        sizes = {name: (each.rows_estimate, each.rows_estimate * each.row_bytes) for name, each in there.items()}
        return Joining([CopyTable(*renamed(*name), ".".join(name), *sizes.get(name, (0, 0))) for name in names])
