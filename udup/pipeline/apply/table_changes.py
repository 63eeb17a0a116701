"""Which tables of a job were changed, in how many rows, when last: of what is committed, until it is written down.

Rows travel as bytes and are not looked at; here they are counted by the target's driver, at next to no cost. What is
counted goes into the target with the base row of the checkpoint that says the same transactions to be executed. So a
transaction that comes again after a death is never counted twice. Those that a run has committed and not flushed when
it dies are not counted: the last two seconds, or so.

A prepared transaction counts when its end has come, in the run in which it was prepared; if that has ended, it does
not count. Memory holds a few numbers of each table that was changed since it was written down last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest

from udup.base import runtime
from udup.pipeline.apply.large_transaction import LargeTransaction
from udup.pipeline.apply.scheduler import Assigned
from udup.pipeline.ports.tables import RowsOfTable, RowTally, TableChange
from udup.pipeline.records import Transaction, TransactionId, XaEnd

#: Seconds between two times that it is written down, and tables that are written at a time.
WRITTEN_SECONDS, WRITTEN_TABLES = 2.0, 2000

#: Tables with most changes in a run that are told with its progress.
BUSIEST_MAX = 20

#: Prepared transactions whose rows are remembered, and tables of each.
PREPARED_MAX, PREPARED_TABLES = 1000, 1000

#: What is told of a table that is among the busiest.
_KEYS = ("inserted", "updated", "deleted", "changed_us")


class _Change:
    """What has come to a table; `of` is its last transaction."""

    __slots__ = ("deleted", "inserted", "of", "uncounted", "updated")

    def __init__(self, of: TransactionId) -> None:
        self.inserted = self.updated = self.deleted = self.uncounted = 0
        self.of = of

    def add(self, rows: RowsOfTable, of: TransactionId) -> None:
        self.inserted += rows.inserted
        self.updated += rows.updated
        self.deleted += rows.deleted
        self.uncounted += rows.uncounted
        if of.order.committed_us >= self.of.order.committed_us:
            self.of = of


class TableChanges:
    """Is told what is committed; `take` returns what is to be written. Used in the event loop alone."""

    def __init__(self, tally: RowTally) -> None:
        self._tally = tally
        self._changes: dict[tuple[str, str], _Change] = {}
        self._prepared: dict[str, Sequence[RowsOfTable]] = {}
        self._taken_at = runtime.now()
        self._of_run: dict[tuple[str, str], list[int]] = {}
        self._busiest: Mapping[str, Mapping[str, int]] = {}

    def committed(self, group: Assigned) -> None:
        """Count what a group has changed on the target."""
        members = group.members
        work = members[0].work
        if isinstance(work, Transaction):
            plain = [member for member in members if not member.work.xid]
            if plain:
                counted = self._tally.count([member.events for member in plain])
                self._note(counted, [member.id for member in plain])
            for member in members if len(plain) < len(members) else ():
                if member.work.xid:
                    self._prepare(member.work.xid, self._tally.count([member.work.events]))
        elif isinstance(work, LargeTransaction):
            counted = work.counted()
            if work.prepared:
                self._prepare(work.prepared, counted)
            else:
                self._note(counted, [members[0].id])
        elif isinstance(work, XaEnd):
            kept = self._prepared.pop(work.xid, ())
            if work.commit:
                self._note(kept, [members[0].id])

    def _prepare(self, xid: str, counted: Sequence[RowsOfTable]) -> None:
        while len(self._prepared) >= PREPARED_MAX:
            del self._prepared[next(iter(self._prepared))]
        if len(counted) <= PREPARED_TABLES:
            self._prepared[xid] = counted

    def _note(self, counted: Iterable[RowsOfTable], of: Sequence[TransactionId]) -> None:
        changes = self._changes
        for rows in counted:
            key, last = rows[:2], of[rows.last]
            change = changes.get(key)
            if change is None:
                change = changes[key] = _Change(last)
            change.add(rows, last)

    @property
    def any(self) -> bool:
        """Whether something is not written down."""
        return bool(self._changes)

    def take(self, *, now: bool = False) -> list[TableChange]:
        """Return what is to be written down, oldest first; nothing before it is time, unless it is to be `now`."""
        if not self._changes or not (now or runtime.now() - self._taken_at >= WRITTEN_SECONDS):
            return []
        keys = list(self._changes)[:WRITTEN_TABLES]
        if len(keys) == len(self._changes):
            self._taken_at = runtime.now()
        taken = [_written(*key, self._changes.pop(key)) for key in keys]
        self._add_up(taken)
        return taken

    def _add_up(self, taken: Iterable[TableChange]) -> None:
        """Note what was changed in this run, and by that which tables are busiest."""
        for each in taken:
            counts = self._of_run.setdefault((each.schema, each.table), [0, 0, 0, 0])
            counts[0] += each.inserted
            counts[1] += each.updated
            counts[2] += each.deleted
            counts[3] = max(counts[3], each.changed_us)
        busiest = nlargest(BUSIEST_MAX, self._of_run.items(), key=lambda item: sum(item[1][:3]))
        self._busiest = {".".join(name): dict(zip(_KEYS, counts, strict=True)) for name, counts in busiest}

    @property
    def tables(self) -> int:
        """How many tables were changed in this run, as far as that was written down."""
        return len(self._of_run)

    @property
    def busiest(self) -> Mapping[str, Mapping[str, int]]:
        """The tables with most changed rows in this run, by their names on the target."""
        return self._busiest


def _written(schema: str, table: str, change: _Change) -> TableChange:
    counts = change.inserted, change.updated, change.deleted, change.uncounted
    return TableChange(schema, table, *counts, change.of.order.committed_us, change.of.gtid)
