"""An Oracle source's redo as the records of a job (`ports.ChangeLog`).

Rows are understood by the dictionary as it is when a table's first rows come in a run, or the first behind a
definition. Redo of an earlier definition does not fit that one; LogMiner says so, or columns are missing, and the job
stops.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial

from udup.base import logs, runtime
from udup.base.errors import Transient, Unsupported
from udup.base.remedies import NEW_COPY
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.oracle.carrying import Carrier, Surroundings
from udup.drivers.oracle.dictionary import (
    OracleFacts,
    check_open_primary,
    read_facts,
    read_table,
    read_tables,
    read_wanted,
)
from udup.drivers.oracle.events import format_description
from udup.drivers.oracle.logminer.assembly import Assembly
from udup.drivers.oracle.mining import Miner, Window, check_not_behind, prepare_flush
from udup.drivers.oracle.position import Progress
from udup.drivers.oracle.reading import Reading
from udup.drivers.oracle.session import OpenClient, Place, connect
from udup.drivers.oracle.snapshot import ended_by
from udup.drivers.oracle.tables import OracleTable
from udup.drivers.oracle.telling.joining import JoiningTables
from udup.drivers.oracle.told import Told
from udup.pipeline.ports import LogPlace, LogPlan, Recognised
from udup.pipeline.positions import AheadNotes
from udup.pipeline.records import Format, Record
from udup.pipeline.selection.selection import Selection

#: Seconds for what was sent before the job stops.
LAST_SECONDS = 2.0

#: Seconds between looks at a source where nothing happens.
IDLE_SECONDS = 0.5


class RedoChanges:
    """`begin`, then iterate, on one thread; `close` from any. A log that is closed fails with `Transient`."""

    def __init__(self, open_client: OpenClient, place: Place, plan: LogPlan, told: Told) -> None:
        self._open_client, self._place, self._plan = open_client, place, plan
        self._told = told
        self._closed = runtime.Event()
        self._miner: Miner | None = None
        self._reading: Reading | None = None
        self._joining: JoiningTables | None = None
        self._at = ("", 0)

    def begin(self) -> Recognised:
        """Check that the position is of this database, and open LogMiner where reading goes on."""
        plan, selection = self._plan, self._plan.scope.selection
        with closing(connect(self._open_client, self._place, container=True)) as session:
            facts = read_facts(session)
            wanted = read_wanted(session, selection)
            tables = read_tables(session, selection)
            names = {number: (table.owner, table.name) for table in tables for number in table.numbers}
        executed = GtidSet.parse(plan.start_after)
        progress = Progress(facts.uuid, executed)
        if progress.resume < 1:
            raise Unsupported(f"the job's position {plan.start_after!r} says no SCN to go on from; {NEW_COPY}")
        with closing(connect(self._open_client, self._place)) as session:
            check_open_primary(facts)
            prepare_flush(session)
            began_at = check_not_behind(session, max(progress.highest, _highest(facts.uuid, plan.in_part.gtids)))
        self._told.begin(executed)
        self._joining = JoiningTables(self._open_client, self._place, plan) if plan.tells else None
        floor = self._joining.floor if self._joining is not None else _no_floor
        begun_at = progress.begin if progress.begins_unknown else 0
        schemas = {table.owner for table in tables}
        assembly = Assembly(wanted, names.__contains__, left_out=wanted.left_out, schemas=schemas, begun_at=begun_at)
        notes = AheadNotes.of_json(plan.ahead, GtidSet.parse, folds=plan.scope.fold_names)
        known = names, wanted.left_out, began_at, floor
        around = Surroundings(*known, lambda: assembly.unknown, tells=plan.tells, notes=notes)
        carrier = Carrier(progress, plan.scope, self._look_up, around)
        horizon = partial(self._horizon, begun_at)
        self._reading = Reading(progress, assembly, carrier.records, horizon=horizon, in_order=plan.tells)
        self._miner = Miner(self._open_client, self._place, progress.resume, _owners(selection))
        if self._closed.is_set():
            self._miner.close()
        self._log_untested(facts)
        return Recognised(facts.uuid, plan.stamps)

    def _log_untested(self, facts: OracleFacts) -> None:
        logs.logger("extractor").warning(
            "oracle_never_tested",
            job=self._plan.job,
            source=str(self._place),
            server=facts.version,
            why="experimental: this source was built after documents and never run against an Oracle server",
        )

    def _look_up(self, owner: str, name: str) -> OracleTable | None:
        with closing(connect(self._open_client, self._place, container=True)) as session:
            return read_table(session, owner, name)

    def _horizon(self, scn: int) -> int:
        """Return an SCN by which all that was open at another has ended; 0 while something of it is open."""
        with closing(connect(self._open_client, self._place, container=True)) as session:
            return ended_by(session, scn)

    def __iter__(self) -> Iterator[Record | None]:
        """Yield records; None whenever nothing more has happened yet."""
        assert self._miner is not None and self._reading is not None, "begin first"
        yield Format(format_description())
        for record in self._reading.introduction():
            self._told.note(record)
            yield record
        if self._joining is not None:
            yield from self._joining.begin()
        while True:
            if self._closed.is_set():
                raise Transient("the run has ended")
            window = self._miner.next_window()
            if window is not None:
                yield from self._records(self._reading, window)
                self._at = (self._miner.log, window.to)
                if window.is_last and self._joining is not None and self._joining.is_at_work:
                    yield from self._joining.read(window.to)
            if window is None or window.is_last:
                yield None
                self._closed.wait(IDLE_SECONDS)

    def _records(self, reading: Reading, window: Window) -> Iterator[Record | None]:
        """Yield a window's records. Before an error that stops the job, those in front of it get time to be applied."""
        try:
            for record in reading.window(window.rows, window.to, window.time):
                self._told.note(record)
                yield record
        except Unsupported:
            yield None
            self._closed.wait(LAST_SECONDS)
            raise

    @property
    def place(self) -> LogPlace:
        """Return the log that is written now, and the SCN up to which all was read."""
        return LogPlace(*self._at)

    def close(self) -> None:
        self._closed.set()
        if self._miner is not None:
            self._miner.close()


def _highest(uuid: str, position: str) -> int:
    """Return the highest SCN of a source's in a position, 0 for none."""
    return max([stop - 1 for _, stop in dict(GtidSet.parse(position).items()).get(uuid, [])], default=0)


def _no_floor(owner: str, name: str) -> int:
    return 0


def _owners(selection: Selection) -> tuple[str, ...]:
    """Return the schemas whose rows LogMiner is to show; () for all, where they are not known by name."""
    if selection.is_open or selection.folds:
        return ()
    return tuple(dict.fromkeys(place.schema for place in selection.places()))
