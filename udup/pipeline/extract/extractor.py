"""The engine of SrcExtractor: reads the source and sends what the job carries.

With a full copy: open the snapshot, send the catalog, wait until the target's tables stand, send the rows by several
readers, each to a worker of its own, then the totals. Then, or at once, the binary log from the GTID set on.

Reading blocks, so it has threads of its own; they hand finished messages to the event loop that has the link. Each
channel (the log, the rows of each reader) has a window: what is sent and not done with on the other side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

from udup.base import logs, runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import MySQLError, connect, describe, is_transient, query, scalar
from udup.drivers.mysql.ddl.innodb import innodb_catalog
from udup.drivers.mysql.ddl.query_classifier import judge_for
from udup.drivers.mysql.dictionary.details import CopyDetails
from udup.drivers.mysql.dictionary.timezones import is_fixed, zone_rules
from udup.drivers.mysql.snapshot.baseline import open_baseline
from udup.drivers.mysql.snapshot.locked_tables import LockedTables
from udup.drivers.mysql.snapshot.names import is_transactional_there, read_base_tables, read_names
from udup.drivers.mysql.snapshot.reader import CopyReader, Piece, TableTotal
from udup.drivers.mysql.snapshot.renamed_catalog import renamed_catalog
from udup.drivers.mysql.snapshot.snapshot import Snapshot
from udup.drivers.mysql.stream.anonymous import check_anonymous
from udup.drivers.mysql.stream.assembly import Assembler
from udup.drivers.mysql.stream.contexts import ZONE_RULES, Contexts, read_defaults
from udup.drivers.mysql.stream.continuity import check_continuity
from udup.drivers.mysql.stream.damage import understood
from udup.drivers.mysql.stream.position import check_executed
from udup.drivers.mysql.stream.reset_guard import History
from udup.drivers.mysql.stream.row_order import row_order_of
from udup.drivers.mysql.stream.stream import HEARTBEAT_SECONDS, BinlogStream
from udup.pipeline.extract.counters import Tally
from udup.pipeline.extract.outbox import Outbox
from udup.pipeline.extract.packer import Packer
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.ports import Source
from udup.pipeline.records import (
    Beat,
    CopyEnd,
    CopyPiece,
    CopyPlan,
    CopyTable,
    CopyTotals,
    Credit,
    Known,
    Record,
    StartRows,
    Tables,
    decode_upstream,
    encode,
)
from udup.pipeline.selection.renames import Name, Renaming
from udup.pipeline.stamps import Stamps
from udup.pipeline.transport.flow import Window
from udup.pipeline.transport.link import Link, Subjects

#: Pieces of rows that may be on their way to one worker.
COPY_WINDOW_MESSAGES = 64

#: Seconds between reports, each with a question to the source; and while nothing comes from it. What the source has
#: executed is asked for as well as read, so that what it does not send is known too.
REPORT_SECONDS, IDLE_SECONDS = 1.0, 4.0

#: Seconds between looks whether an idle source has begun to send.
_LOOK_SECONDS = 0.5

_CLOCK_AND_EXECUTED = "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1e6 AS SIGNED), @@global.gtid_executed"

_HEARTBEAT = Beat(0)


class Extractor:
    """`report` is called with progress from the event loop's thread."""

    def __init__(self, settings: ExtractorSettings, _source: Source, report: Callable[[dict[str, Any]], None]) -> None:
        self._settings = settings
        self._report = report
        self._subjects = Subjects(settings.job, settings.run)
        self._log_window = Window(settings.window_messages, settings.windows.log)
        self._copy_windows = [Window(COPY_WINDOW_MESSAGES, settings.windows.copy) for _ in range(settings.workers)]
        self._packer = Packer(settings.message_bytes, self._send_log)
        self._packing = runtime.Lock()
        self._tally = Tally()
        self._start_rows: asyncio.Future[StartRows]
        self._clock_offset_us = 0
        self._executed: str | None = None
        self._stream: BinlogStream | None = None
        self._reader: CopyReader | None = None
        self._snapshot: Snapshot | None = None
        self._locked: LockedTables | None = None
        self._history = History()
        self._doubt = ""
        self._stopped = False
        self._link: Link
        self._outbox: Outbox

    async def run(self) -> None:
        """Until cancelled or failed."""
        loop = asyncio.get_running_loop()
        self._start_rows = loop.create_future()
        self._link = await Link.open(self._settings.nats_url, f"udup extractor of {self._settings.job}")
        self._outbox = Outbox(self._link, loop)
        tasks: list[asyncio.Future[None]] = []
        try:
            await self._link.subscribe(self._subjects.upstream, self._on_upstream)
            await self._link.flush()
            tasks = [
                asyncio.ensure_future(self._outbox.run()),
                asyncio.ensure_future(self._watch_source()),
                asyncio.ensure_future(self._extract()),
            ]
            done, _ = await asyncio.wait({*tasks, self._link.lost}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._stop_threads()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._link.close()

    def _stop_threads(self) -> None:
        self._stopped = True
        ended = Transient("the run has ended")
        for window in (self._log_window, *self._copy_windows):
            window.abort(ended)
        if self._reader is not None:
            self._reader.stop()
        if self._snapshot is not None:
            self._snapshot.close()
        if self._locked is not None:
            self._locked.close()
        if self._stream is not None:
            self._stream.close()

    async def _on_upstream(self, data: bytes) -> None:
        message = decode_upstream(data)
        if not isinstance(message, Credit):
            if not self._start_rows.done():
                self._start_rows.set_result(message)
        elif message.channel == "log":
            self._log_window.credit(message.number)
        else:
            slot = int(message.channel.removeprefix("copy."))
            self._copy_windows[slot - 1].credit(message.number)

    async def _extract(self) -> None:
        start_after = self._settings.start_after
        if start_after is None:
            start_after = await self._copy()
        else:
            await _in_thread(self._tell_tables, None)
        await _in_thread(self._follow, GtidSet.parse(start_after))

    def _tell_tables(self, tables: list[Name] | None) -> None:
        """What the job keeps current: a copy's tables, or those that the source has now."""
        settings = self._settings
        with closing(connect(settings.end.endpoint)) as connection:
            uuid = str(scalar(connection, "SELECT @@global.server_uuid"))
            names = read_base_tables(connection, settings.scope.selection) if tables is None else tables
        listed = [(*name, *settings.scope.selection.renamed_table(*name)) for name in names]
        self._pack(Tables(uuid, str(settings.end.endpoint), listed, tables is not None))

    # ---- Full copy ----

    async def _copy(self) -> str:
        """Send everything as of one snapshot; its GTID set."""
        settings = self._settings
        await _in_thread(check_anonymous, settings.end.endpoint, None)
        baseline = await _in_thread(
            open_baseline,
            settings.end.endpoint,
            settings.readers,
            settings.scope.selection,
            settings.scope.kept_users,
            settings.chunk_rows,
        )
        self._snapshot = snapshot = baseline.snapshot
        self._locked = baseline.locked
        catalog = baseline.catalog
        await _in_thread(self._tell_tables, [(table.schema, table.name) for table in catalog.tables])
        # In a thread: `_pack` may wait for the window, and the credits that open it come to this loop.
        context = (
            await _in_thread(_own_context, settings.end.endpoint) if any(t.computes for t in catalog.tables) else {}
        )
        planned = innodb_catalog(catalog) if settings.scope.innodb else catalog
        renamed = renamed_catalog(planned, settings.scope.selection)
        tables = [CopyTable(each.schema, each.name, each.source, each.rows_estimate) for each in renamed.tables]
        plan = CopyPlan(tables, CopyDetails(renamed, context).encoded(), snapshot.gtid_set)
        await _in_thread(self._pack, plan)
        start = await self._start_rows
        self._reader = reader = CopyReader(
            snapshot, catalog.tables, self._on_table, settings.chunk_rows, baseline.locked, offsets=start.offsets
        )
        await asyncio.gather(*[_in_thread(self._read_rows, index) for index in range(settings.readers)])
        snapshot.close()
        baseline.locked.close()
        self._reader = self._snapshot = self._locked = None
        if reader.failed:
            raise UdupError("the copy's readers stopped")
        await _in_thread(self._pack, CopyEnd())
        return str(snapshot.gtid_set)

    def _read_rows(self, index: int) -> None:
        """One reader's thread; its pieces go to the worker of the same number."""
        assert self._reader is not None
        slot = index + 1
        subject = self._subjects.copy(slot)
        window = self._copy_windows[index]
        number = 0

        def emit(piece: Piece) -> None:
            nonlocal number
            number += 1
            message = CopyPiece(
                number,
                piece.table,
                piece.chunk,
                piece.last,
                piece.rows,
                piece.data,
                piece.values,
                piece.odd_dates,
            )
            data = encode(message)
            window.take(number, len(data))
            self._outbox.put(subject, data)
            self._tally.copied(piece.rows, len(data))

        self._reader.run(index, emit)

    def _on_table(self, total: TableTotal) -> None:
        sums = {name: f"{one}.{other}" for name, (one, other) in total.sums.items()}
        self._pack(CopyTotals(total.table, total.chunks, total.rows, sums))

    # ---- The binary log ----

    def _follow(self, start_after: GtidSet) -> None:
        """The reading thread: events in, messages out, until the stream fails or is closed."""
        settings = self._settings
        check_executed(settings.end.endpoint, start_after, lambda: self._stopped)
        self._recognise(start_after)
        check_anonymous(settings.end.endpoint, start_after)
        stream = BinlogStream(settings.end.endpoint, settings.server_id, start_after, settings.replica_uuid)
        self._opened(stream)
        assembler = _assembler(settings)
        packer, tally = self._packer, self._tally
        tally.begin(start_after)
        beat_at = runtime.now()
        for event in stream:
            if event[4] == EventType.ROTATE:
                tally.rotated(event)
            for record in understood(assembler.feed, event):
                tally.read(record, event)
                self._add(record)
            if not stream.has_more:
                for record in assembler.flush_skipped():
                    tally.read(record, event)
                    packer.add(record)
                packer.flush()
            if runtime.now() - beat_at > HEARTBEAT_SECONDS:
                beat_at = runtime.now()
                self._add(_HEARTBEAT)

    def _opened(self, stream: BinlogStream) -> None:
        self._stream = stream
        if self._stopped:
            stream.close()

    def _recognise(self, start_after: GtidSet) -> None:
        """The source's log must be the one that the job has read so far; what it was recognised by is kept."""
        settings = self._settings
        stamps = Stamps.parse(settings.stamps)
        found = check_continuity(
            settings.end.endpoint, settings.server_id, settings.replica_uuid, start_after, stamps, self._opened
        )
        if settings.source_uuid not in ("", found.server_uuid):
            logs.logger("extractor").info("source_changed", job=settings.job, before=settings.source_uuid)
        if found.doubt:
            logs.logger("extractor").warning("history_not_compared", job=settings.job, why=found.doubt)
            self._doubt = found.doubt
        self._pack(Known(found.server_uuid, str(found.seen)))

    def _add(self, record: Record) -> None:
        """A heartbeat takes along the source's clock and what it has executed, as soon as that is known."""
        if not isinstance(record, Beat):
            self._packer.add(record)
        elif self._executed is not None:
            self._packer.add(Beat(runtime.wall_us() + self._clock_offset_us, self._executed))

    def _pack(self, record: CopyPlan | CopyTotals | CopyEnd | Known | Tables) -> None:
        with self._packing:  # several readers end their tables at the same time
            self._packer.add(record)
            self._packer.flush()

    def _send_log(self, number: int, data: bytes) -> None:
        self._log_window.take(number, len(data))
        self._outbox.put(self._subjects.log, data)

    async def _watch_source(self) -> None:
        """What the source has executed and how its clock differs from ours; and the reports."""
        connection = None
        amount = self._tally.amount
        try:
            while True:
                if connection is None:
                    connection = await _in_thread(connect, self._settings.end.endpoint)
                before = runtime.wall_us()
                [(source_us, executed)] = await _in_thread(query, connection, _CLOCK_AND_EXECUTED)
                self._clock_offset_us = int(source_us) - (before + runtime.wall_us()) // 2
                self._executed = str(executed).replace("\n", "")
                self._report(self._progress())
                if (read := self._tally.extracted) is not None:
                    self._history.look(GtidSet.parse(self._executed), read)
                end = runtime.now() + IDLE_SECONDS
                await asyncio.sleep(REPORT_SECONDS)
                while self._tally.amount == amount and runtime.now() < end:
                    await asyncio.sleep(_LOOK_SECONDS)
                amount = self._tally.amount
        finally:
            if connection is not None:
                connection.close()

    def _progress(self) -> dict[str, Any]:
        messages, size = self._log_window.under_way
        return {
            "source_gtid": self._executed,
            **({"warning": self._doubt} if self._doubt else {}),
            "buffer_fill": round(self._log_window.fill, 3),
            "buffer_messages": messages,
            "buffer_bytes": size,
            "sent_messages": self._packer.messages,
            "sent_bytes": self._packer.size,
            "sent_full": self._packer.full,
            **self._tally.values(),
        }


def _assembler(settings: ExtractorSettings) -> Assembler:
    renaming = Renaming(settings.scope.selection, _names_now(settings))
    judge = judge_for(
        settings.scope.selection,
        settings.scope.fold_names,
        renaming,
        settings.scope.sql_filter,
        settings.scope.kept_users,
        row_order_of(settings.end.endpoint),
        partial(is_transactional_there, settings.end.endpoint) if settings.scope.innodb else None,
    )
    return Assembler(
        settings.scope.selection, judge, renaming, settings.scope.sql_filter, _contexts(settings.end.endpoint)
    )


def _own_context(endpoint: Endpoint) -> dict[str, str]:
    """The context of a session of the source that changes nothing."""
    with closing(connect(endpoint)) as connection:
        settings = read_defaults(connection)
        zone = settings["time_zone"]
        return settings if is_fixed(zone) else {**settings, ZONE_RULES: zone_rules(connection, zone)}


def _contexts(endpoint: Endpoint) -> Contexts:
    def rules(zone: str) -> str:
        with closing(connect(endpoint)) as connection:
            return zone_rules(connection, zone)

    with closing(connect(endpoint)) as connection:
        return Contexts(read_defaults(connection), rules)


def _names_now(settings: ExtractorSettings) -> list[Name]:
    if not settings.scope.selection.renames:
        return []
    with closing(connect(settings.end.endpoint)) as connection:
        return read_names(connection, settings.scope.selection)


async def _in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Run something that blocks; MySQL's errors become ours."""
    try:
        return await runtime.in_thread(function, *args)
    except MySQLError as error:
        text = f"on the source: {describe(error)}"
        raise (Transient if is_transient(error) else UdupError)(text) from error
