"""The engine of a comparison: brings two snapshots to the same transaction, compares them, and again from there.

1. The extractor holds its reading of the log at the end of a transaction.
2. A snapshot of the source is opened, again until it holds all that was read.
3. The extractor goes on, and puts a mark where what it has read is what the snapshot holds.
4. The applier stands at the mark: all before it is committed and nothing behind it has begun. A snapshot of the target
   is opened now, and the applier goes on.

So the two differ in nothing but faults, whatever is written meanwhile. Whoever is held goes on by itself after some
seconds, so that a comparison that dies holds nothing up; a try that took too long does not count.

A snapshot is kept for a minute at most, since a server keeps all versions of rows for it. The next one goes on with the
table, and the place in it, at which the last one stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from udup.base import runtime
from udup.base.errors import Transient, UdupError
from udup.pipeline.ports import Position
from udup.pipeline.ports.compare import (
    Comparer,
    CompareTold,
    DefinitionsCompared,
    Ledger,
    LedgerRow,
    RowDifference,
    TableCompared,
)
from udup.pipeline.verify.replication import Replication, RoundFailed
from udup.pipeline.verify.settings import VerifyProgress, VerifySettings

#: Snapshots that are opened while the reading is held, until one holds what was read; seconds between two of them.
OPENINGS, OPENING_PAUSE = 5, 0.05

#: Seconds between two tries: so many, twice as many after each that failed, this many at most.
FIRST_PAUSE, MOST_PAUSE = 1.0, 30.0

#: Tries in a row after which a single comparison ends by the last error.
TRIES = 10

#: Seconds between two reports while rows are compared.
REPORT_SECONDS = 1.0

#: Tables that are not equal, or cannot be compared, that are told by name.
SHOWN_TABLES = 20

#: Rows that differ, of a round, that are told by their keys; letters of a name, a key, and the columns.
SHOWN_ROWS, SHOWN_LETTERS = 20, 200

#: Differences of definitions that are told; each may be long.
SHOWN_DEFINITIONS = 20

T = TypeVar("T")


class Verifier:
    """`position` makes a position of its text; `report` is called in the event loop."""

    def __init__(
        self,
        settings: VerifySettings,
        comparer: Comparer,
        replication: Replication,
        ledger: Ledger,
        position: Callable[[str], Position],
        report: Callable[[VerifyProgress], None],
    ) -> None:
        self._settings = settings
        self._comparer, self._replication, self._ledger = comparer, replication, ledger
        self._position = position
        self._report = report
        self._pool = runtime.Pool(1, thread_name_prefix="verify")
        self._number = 0
        self._progress = self._kept = VerifyProgress(settings.first_round)

    async def run(self) -> None:
        """Compare until the last table's end, or until cancelled; no thread is left when it returns."""
        try:
            await self._run()
        finally:
            if self._number:
                self._replication.give_up(self._number)
            self._comparer.stop()
            await asyncio.shield(runtime.in_thread(self._close))

    def _close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._comparer.close()
        self._ledger.close()

    async def _run(self) -> None:
        failed = begun = 0
        while True:
            try:
                if begun != self._progress.round:
                    await self._in_thread(self._ledger.begin, f"{self._settings.id}/{self._progress.round}")
                    begun = self._progress.round
                await self._in_thread(self._comparer.prepare)
                await self._stand_together()
                ended = await self._compare()
                if ended and self._settings.whole:
                    await self._in_thread(self._ledger.round_ended)
                failed = 0
            except UdupError as error:
                failed += 1
                is_over = failed >= TRIES or not isinstance(error, Transient)
                if is_over and not self._settings.continuous:
                    raise
                self._tell_failed(error)
                await asyncio.sleep(min(MOST_PAUSE, FIRST_PAUSE * 2 ** (failed - 1)))
                continue
            if ended and not self._settings.continuous:
                self._tell(ended=True)
                return
            if ended:
                await asyncio.sleep(self._settings.pause_seconds)
                self._progress = VerifyProgress(self._progress.round + 1, failed_tries=self._progress.failed_tries)
                self._sure = self._progress

    async def _stand_together(self) -> None:
        """Open both snapshots at one transaction; `RoundFailed` if they do not get there."""
        self._number += 1
        number = self._number
        try:
            read = self._position(await self._replication.hold(number))
            snapshot = await self._opened(read)
            await self._replication.stand(number, snapshot)
            await self._in_thread(self._comparer.open_target)
            if not await self._replication.release(number):
                raise RoundFailed("the target went on before its snapshot was open")
        except BaseException:
            self._replication.give_up(number)
            raise
        self._tell(position=snapshot, waits="")

    async def _opened(self, read: Position) -> str:
        """Open a snapshot of the source that holds all that was read, and return its position."""
        for _ in range(OPENINGS):
            snapshot = await self._in_thread(self._comparer.open_source)
            if read <= self._position(snapshot):
                return snapshot
            await asyncio.sleep(OPENING_PAUSE)
        raise RoundFailed("the source sends transactions of which its snapshots know nothing yet")

    async def _compare(self) -> bool:
        told = CompareTold(self._found, self._table_ended, self._compared, self._keep, self._defined, self._undone)
        self._keep()
        seconds = self._settings.snapshot_seconds
        comparing = asyncio.ensure_future(self._in_thread(self._comparer.compare, told, seconds))
        try:
            while not comparing.done():
                await asyncio.wait({comparing}, timeout=REPORT_SECONDS)
                self._report(self._progress)
            return comparing.result()
        finally:
            if not comparing.done():
                self._comparer.stop()

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    # ---- On the comparing thread ----

    def _found(self, difference: RowDifference) -> None:
        self._progress = replace(self._progress, differences=self._progress.differences + difference.count)
        self._ledger.note(difference, self._progress.position)
        if len(self._progress.found) < SHOWN_ROWS:
            name = f"{difference.schema}.{difference.table}"[:SHOWN_LETTERS]
            columns = ", ".join(column.name for column in difference.columns)
            told = f"{name} {difference.key[:SHOWN_LETTERS]} {difference.kind} {columns[:SHOWN_LETTERS]}".rstrip()
            self._progress = replace(self._progress, found=(*self._progress.found, told))

    def _table_ended(self, table: TableCompared) -> None:
        self._ledger.table_ended(table)
        done, unlike = self._progress.tables + 1, self._progress.unlike
        if (table.differences or table.problem) and len(unlike) < SHOWN_TABLES:
            unlike = (*unlike, table)
        self._sure = self._progress = replace(self._progress, tables=done, unlike=unlike)

    def _compared(self, rows: int) -> None:
        self._progress = replace(self._progress, rows=self._progress.rows + rows)

    def _defined(self, compared: DefinitionsCompared) -> None:
        self._ledger.definitions(compared, self._progress.position)
        number = sum(each.counts for each in compared.found)
        first = sorted(compared.found, key=lambda each: not each.counts)[:SHOWN_DEFINITIONS]
        self._progress = replace(self._progress, definitions=number, defined=tuple(first))

    def _keep(self) -> None:
        self._kept = self._progress

    def _undone(self) -> None:
        self._progress = self._kept

    # ---- In the event loop ----

    def _tell_failed(self, error: UdupError) -> None:
        """Say why it waits now. What was not compared to an end is compared, and told, again."""
        kept, tries = self._kept, self._progress.failed_tries + 1
        if kept.round == self._progress.round:
            self._progress = kept
        self._tell(waits=str(error), position="", failed_tries=tries)

    def _tell(self, **changed: object) -> None:
        self._progress = replace(self._progress, **changed)  # type: ignore[arg-type]
        self._report(self._progress)


class NotNoted:
    """The ledger of a job whose rows are repaired: that notes what it does by itself, and finds nothing."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def begin(self, comparison: str) -> None:
        self._ledger.begin(comparison)

    def note(self, difference: RowDifference, position: str) -> None:
        """Nothing is compared."""

    def table_ended(self, table: TableCompared) -> None:
        """What was not repaired stays."""

    def definitions(self, compared: DefinitionsCompared, position: str) -> None:
        """Nothing is compared."""

    def round_ended(self) -> None:
        """Nor what is of other tables."""

    def page(self, after: str, limit: int) -> list[LedgerRow]:
        return self._ledger.page(after, limit)

    def close(self) -> None:
        self._ledger.close()
