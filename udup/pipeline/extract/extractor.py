"""The engine of SrcExtractor: reads the source and sends what the job carries.

With a full copy: open the snapshot, send its plan, wait until the target's tables are there, send the rows by several
readers, each to a worker of its own, then the totals. Then, when the target has built its indexes, or at once, the log
from the copy's position on. It is not opened before: losing it would cost the copy, and nothing of it can be applied.

Reading blocks, so it has threads of its own; they hand finished messages to the event loop that has the link. Each
channel (the log, the rows of each reader) has a window: what is sent and not done with on the other side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from udup.base import logs, runtime
from udup.base.errors import Side, Transient, UdupError
from udup.pipeline.extract import beats
from udup.pipeline.extract.beats import Beats
from udup.pipeline.extract.counters import ExtractCounters
from udup.pipeline.extract.following import Following
from udup.pipeline.extract.marks import LogMarks
from udup.pipeline.extract.outbox import Outbox, Paced
from udup.pipeline.extract.packer import Packer
from udup.pipeline.extract.progress import ExtractProgress
from udup.pipeline.extract.rows import COPY_WINDOW_MESSAGES, RowSender, watch_rows
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.extract.source_watch import SourceWatch
from udup.pipeline.extract.waiting import waits_of
from udup.pipeline.ports import (
    ChangeLog,
    CopyResume,
    LogPlan,
    ReadingPlan,
    Recognised,
    SnapshotReading,
    Source,
    SourceCopy,
)
from udup.pipeline.records import (
    Beat,
    CopyEnd,
    CopyPlan,
    CopyStands,
    CopyTable,
    CopyTotals,
    Known,
    Record,
    StartRows,
    Tables,
    decode_upstream,
)
from udup.pipeline.transport.compression import Compressor
from udup.pipeline.transport.flow import Window
from udup.pipeline.transport.link import Link, Subjects
from udup.pipeline.transport.pace import Pace
from udup.pipeline.waits import Began, Waits

T = TypeVar("T")


class Extractor:
    """`report` is called with progress from the event loop's thread."""

    def __init__(self, settings: ExtractorSettings, source: Source, report: Callable[[ExtractProgress], None]) -> None:
        self._settings = settings
        self._source = source
        self._report = report
        self._subjects = Subjects(settings.job, settings.run)
        self._log_window = Window(settings.window_messages, settings.windows.log)
        self._copy_windows = [Window(COPY_WINDOW_MESSAGES, settings.windows.copy) for _ in range(settings.workers)]
        self._packer = Packer(settings.message_bytes, self._send_log)
        self._log_stream = Compressor() if settings.compresses else None
        self._packing = runtime.Lock()
        self._counters = ExtractCounters(source.position)
        self.marks = LogMarks(source.position, lambda: self._counters.extracted)
        # A thread for each reader, one for the log and the steps of a copy, one for the questions to the source.
        self._pool = runtime.Pool(settings.workers + 2, thread_name_prefix="extract")
        self._watch = SourceWatch(
            source, self._counters, self._pool, self._report_progress, needs_log=not settings.copy_alone
        )
        self._beats = Beats(self._watch)
        self._following = Following(self._counters, self._packer, self._beats, self.marks, lambda: self._stopped)
        self._tables_asked: Began | None = None  # while the target makes its tables
        self._source_waits = Waits(Side.SOURCE)
        self._log: ChangeLog | None = None
        self._copy: SourceCopy | None = None
        self._reading: SnapshotReading | None = None
        self._snapshot, self._snapshots = settings.snapshot, settings.snapshots
        self._ahead = settings.ahead
        self.apart = settings.scope.apart  # any thread may set it
        self._server_uuid = ""
        self._doubt = ""
        self._stopped = False
        self._questions: asyncio.Queue[Callable[[str], None]] = asyncio.Queue()
        self._start_rows: asyncio.Future[StartRows]
        self._copy_stands = asyncio.Event()
        self._copying = asyncio.Event()  # rows are sent to workers, and not all are known to be loaded
        self._link: Link
        self._outbox: Outbox

    async def run(self) -> None:
        """Extract until cancelled or failed. No thread of the engine is left when it returns."""
        try:
            await self._run()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        self._start_rows = loop.create_future()
        self._link = await Link.open(self._settings.nats_url, f"udup extractor of {self._settings.job}")
        self._outbox = Outbox(self._link, loop, Paced(self._subjects, Pace()) if self._settings.to_other_node else None)
        tasks: list[asyncio.Future[None]] = []
        try:
            await self._link.subscribe(self._subjects.upstream, self._on_upstream)
            await self._outbox.open()
            await self._link.flush()
            tasks = [
                asyncio.ensure_future(self._outbox.run()),
                asyncio.ensure_future(self._watch.run()),
                asyncio.ensure_future(self._extract()),
                asyncio.ensure_future(watch_rows(self._link, self._subjects, self._copy_windows, self._copying)),
                asyncio.ensure_future(self._answer_questions()),
            ]
            done, _ = await asyncio.wait({*tasks, self._link.lost}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._stop_reading()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._link.close()

    def ask_executed(self, answer: Callable[[str], None]) -> None:
        """Have the source asked, from the event loop, what it has executed; `answer` is called with the position.

        What was committed before is in it. A source that cannot be asked ends the run.
        """
        self._questions.put_nowait(answer)

    async def _answer_questions(self) -> None:
        while True:
            answer = await self._questions.get()
            answer(str(await self._in_thread(self._source.executed)))

    def _stop_reading(self) -> None:
        self._stopped = True
        self.marks.close()
        ended = Transient("the run has ended")
        for window in (self._log_window, *self._copy_windows):
            window.abort(ended)
        if self._copy is not None:
            self._copy.stop()
        if self._reading is not None:
            self._reading.stop()
        if self._log is not None:
            self._log.close()

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    async def _on_upstream(self, data: bytes) -> None:
        message = decode_upstream(data)
        if isinstance(message, StartRows):
            if not self._start_rows.done():
                self._start_rows.set_result(message)
        elif isinstance(message, CopyStands):
            self._copy_stands.set()
            self._copying.clear()
        elif message.channel == "log":
            self._log_window.credit(message.number)
        else:
            slot = int(message.channel.removeprefix("copy."))
            self._copy_windows[slot - 1].credit(message.number)

    async def _extract(self) -> None:
        start_after = self._settings.start_after
        if start_after is None and self._settings.delivers:
            start_after = await self._send_snapshot()
        elif start_after is None:
            start_after = await self._send_copy()
        else:
            await self._in_thread(self._send_tables)
        if self._settings.copy_alone:
            await self._rest()
        else:
            await self._in_thread(self._follow, start_after)

    async def _rest(self) -> None:
        """Send nothing but heartbeats until the run is ended: by their numbers a lost message is noticed."""
        while True:
            if (beat := self._watch.beat()) is not None:
                await self._in_thread(self._pack, beat)
            await asyncio.sleep(beats.BEAT_AT_REST_SECONDS)

    # ---- Full copy ----

    async def _send_copy(self) -> str:
        """Send everything as of one snapshot; return the position behind which the log is to be read."""
        copy = await self._in_thread(self._open_copy)
        self._watch.copy_position = copy.plan.begin
        # In a thread: `_pack` may wait for the window, and the credits that open it come to this loop.
        await self._in_thread(self._send_tables, copy)
        await self._in_thread(self._pack, copy.plan)
        self._tables_asked = Began.here()
        start = await self._start_rows
        self._tables_asked = None
        await self._in_thread(copy.start, start, self._pack)
        self._copying.set()
        windows = self._copy_windows[: start.loaders or None]
        senders = [
            RowSender(
                self._subjects.copy(slot), window, self._outbox, self._counters, compresses=self._settings.compresses
            )
            for slot, window in enumerate(windows, start=1)
        ]
        await asyncio.gather(
            *[self._in_thread(copy.read, reader, sender.send) for reader, sender in enumerate(senders)]
        )
        self._ahead = await self._in_thread(copy.ahead)
        copy.close()
        self._copy = None
        if self._settings.copy_alone:
            await self._in_thread(self._introduce, copy.plan.position)
        await self._in_thread(self._pack, CopyEnd(self._ahead))
        await self._copied()
        self._watch.copy_position = None
        return copy.plan.begin

    async def _send_snapshot(self) -> str:
        """Send the rows of a snapshot to a destination, in front of the log; return from where that is followed."""
        await self._in_thread(self._send_tables)
        self._reading = reading = await self._in_thread(self._open_reading)
        self._watch.copy_position = reading.position
        names = [self._settings.scope.selection.renamed_table(*name) for name in reading.tables]
        tables = [CopyTable(*new, ".".join(name)) for new, name in zip(names, reading.tables, strict=True)]
        await self._in_thread(self._pack, CopyPlan(tables, b"", reading.position))
        readers = range(self._settings.workers)
        await asyncio.gather(*[self._in_thread(reading.read, reader, self._pack_rows) for reader in readers])
        reading.close()
        self._snapshot, self._snapshots = reading.state, self._snapshots + 1
        self._reading = self._watch.copy_position = None
        return reading.position

    def _open_reading(self) -> SnapshotReading:
        settings = self._settings
        reading = self._source.open_reading(
            settings.scope,
            ReadingPlan(
                settings.snapshots + 1, settings.chunk_rows, state=settings.snapshot, alone=settings.copy_alone
            ),
            readers=settings.workers,
            waits=self._source_waits,
        )
        if self._stopped:
            reading.stop()
        return reading

    def _pack_rows(self, record: Record) -> None:
        with self._packing:
            self._counters.read(record)
            self._packer.add(record)
            if (beat := self._beats.due()) is not None:
                self._packer.add(beat)
            self._packer.flush()

    async def _copied(self) -> None:
        """Wait until the copy stands on the target, and say that the source is there meanwhile."""
        while not self._copy_stands.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(beats.BEAT_SECONDS):
                    await self._copy_stands.wait()
            if (beat := self._watch.beat()) is not None:
                await self._in_thread(self._pack, beat)

    def _open_copy(self) -> SourceCopy:
        settings = self._settings
        self._copy = copy = self._source.open_copy(
            settings.scope,
            readers=settings.workers,
            chunk_rows=settings.chunk_rows,
            waits=self._source_waits,
            # What came between two tries comes with the log: without it they do not go together.
            resumes=None if settings.copy_alone else CopyResume(settings.job, settings.copied),
        )
        if self._stopped:
            copy.stop()
        return copy

    def _send_tables(self, copy: SourceCopy | None = None) -> None:
        tables = self._source.tables(self._settings.scope, copy, tells=self._settings.delivers)
        self._server_uuid = tables.server_uuid
        self._pack(tables)

    def _pack(self, record: Beat | CopyPlan | CopyTotals | CopyEnd | Known | Tables) -> None:
        with self._packing:  # several readers end their tables at the same time
            self._packer.add(record)
            self._packer.flush()

    # ---- The log ----

    def _follow(self, start_after: str) -> None:
        """Read records and send them, until the log fails or is closed."""
        log = self._open_log(start_after)
        recognised = log.begin()
        self._watch.follow(recognised.server_uuid)
        self._note_recognised(recognised)
        self._counters.begin(start_after)
        self._following.run(log, self._source.where)

    def _source_is_silent(self, seconds: float) -> None:
        """Let the target know, on the log's thread, that nothing comes: its figures are no longer true."""
        if (beat := self._beats.silent(seconds)) is not None:
            self._packer.add(beat)
            self._packer.flush()

    def _open_log(self, start_after: str) -> ChangeLog:
        settings = self._settings
        plan = LogPlan(
            settings.job,
            settings.scope,
            start_after,
            settings.stamps,
            settings.source_uuid,
            tells=settings.delivers,
            by_values=settings.by_values,
            snapshot=self._snapshot,
            snapshots=self._snapshots,
            chunk_rows=settings.chunk_rows,
            wishes=settings.wishes,
            in_part=settings.in_part,
            ahead=self._ahead,
            target=settings.target,
            prepared=settings.prepared,
            silent=self._source_is_silent,
            apart=lambda: self.apart,
        )
        self._log = log = self._source.open_log(plan)
        if self._stopped:
            log.close()
        return log

    def _introduce(self, position: str) -> None:
        """Let the target know the source of a copy alone, in case that another document has its log followed later.

        Nothing that goes wrong with the log is worth the copy, whose rows are all there.
        """
        log = self._open_log(position)
        try:
            self._note_recognised(log.begin())
        except UdupError as error:
            logs.logger("extractor").warning("log_not_followed", job=self._settings.job, why=str(error))
            self._pack(Known(self._server_uuid, ""))
        finally:
            log.close()
            self._log = None

    def _note_recognised(self, source: Recognised) -> None:
        """Log that another server is followed now, or what could not be compared, and let the target know."""
        settings = self._settings
        if settings.source_uuid not in ("", source.server_uuid):
            logs.logger("extractor").info("source_changed", job=settings.job, before=settings.source_uuid)
        if source.doubt:
            logs.logger("extractor").warning("history_not_compared", job=settings.job, why=source.doubt)
            self._doubt = source.doubt
        self._pack(Known(source.server_uuid, source.stamps))

    def _send_log(self, number: int, data: bytes, is_beat: bool) -> None:
        self._log_window.take(number, len(data), beat=is_beat)
        if (stream := self._log_stream) is not None:
            data = stream.pack(data)
        self._outbox.put(self._subjects.log, data)

    # ---- Progress ----

    def _report_progress(self) -> None:
        messages, size = self._log_window.under_way
        log = self._log
        place = None if log is None else log.place
        self._report(
            ExtractProgress(
                source_executed=self._watch.executed,
                doubt=self._doubt,
                told=self._watch.told,
                held=self._following.held,
                buffer_fill=round(self._log_window.fill, 3),
                buffer_messages=messages,
                buffer_bytes=size,
                sent_messages=self._packer.messages,
                sent_bytes=self._packer.size,
                sent_full=self._packer.full,
                extracted=self._counters.values(),
                log_file="" if place is None else place.file,
                log_offset=0 if place is None else place.offset,
                waiting_for=waits_of(self._source_waits, self._tables_asked, self._log_window, self._copy_windows),
            )
        )
