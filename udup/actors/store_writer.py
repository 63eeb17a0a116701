"""StoreKeeper: writes the job store for the supervisor, which may own no connection (it has children)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from udup.actors.cluster_messages import ReadRecord, RecordRead, WrittenElsewhere
from udup.actors.messages import EngineEnded
from udup.actors.shell import EngineActor
from udup.actors.store_messages import (
    Forget,
    HideProgress,
    Loaded,
    NotSaved,
    OpenStore,
    Save,
    Saved,
    ShowProgress,
    StoreRefuses,
)
from udup.base import logs, runtime
from udup.base.errors import Refused, Transient
from udup.base.identity import load_node_id
from udup.jobs import JobProgress
from udup.jobs.numbers import placed, with_indexes
from udup.jobs.signs import SIGNS, Notes
from udup.store.refusals import TakenByAnother
from udup.store.snapshot import FILE_NAME
from udup.store.store import JobStore, Placed

#: Seconds after which tries without success are logged, and how often after that.
_TOLD_SECONDS, _TOLD_AGAIN_SECONDS = 3.0, 60.0

#: Seconds between tries while NATS is away, and between looks whether the store is still there.
_RETRY_SECONDS, _LOOK_SECONDS = 0.3, 1.0

#: Looks after which it is stored which reports of quiet jobs still hold.
_SIGNS_LOOKS = 5

#: Orders whose positions are remembered: more than there are on the way back to the supervisor.
_REMEMBERED = 10_000

#: Orders that are answered together at most.
_TOGETHER = 64


_Order = Save | Forget | ReadRecord


class StoreKeeper(EngineActor):
    role = "store"

    def __init__(self) -> None:
        super().__init__()
        self._orders: asyncio.Queue[_Order] | None = None
        self._progress: dict[str, JobProgress] = {}  # to be shown
        self._shown: dict[str, JobProgress] = {}
        self._has_progress = asyncio.Event()
        self._notes: Notes = {}  # as they are shown
        self._positions: dict[int, int] = {}  # of the last orders, by ticket
        self._removed: dict[str, int] = {}  # where several nodes write: the revisions of removals
        self._read: set[str] = set()  # where several nodes write: jobs of which this process knows the revision

    def receiveMsg_OpenStore(self, _message: OpenStore, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._orders, self._has_progress = asyncio.Queue(), asyncio.Event()
        self._has_progress.set()
        self.start_engine(1, self._engine)

    def receiveMsg_Save(self, message: Save, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._order(message)

    def receiveMsg_Forget(self, message: Forget, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._progress.pop(message.job_id, None)
        self._shown.pop(message.job_id, None)
        self._order(message)

    def receiveMsg_ShowProgress(self, message: ShowProgress, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._progress.update(message.progress)
        self.call_engine(self._has_progress.set)

    def receiveMsg_HideProgress(self, message: HideProgress, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._progress.pop(message.job_id, None)
        self._shown.pop(message.job_id, None)

    def receiveMsg_ReadRecord(self, message: ReadRecord, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._order(message)

    def _order(self, order: _Order) -> None:
        if self._orders is not None:
            self.call_engine(self._orders.put_nowait, order)

    def on_report(self, report: object) -> None:
        if isinstance(report, EngineEnded):
            self.log.error("store_engine_ended", error=report.failure.text if report.failure else "")
            raise SystemExit(1)  # the supervisor starts another
        self.send(self.owner, report)

    def failed(self, error: Exception, message: object) -> None:
        """End: an order may be lost. The supervisor starts another StoreKeeper and repeats them."""
        raise SystemExit(1) from error

    # ---- On the engine's thread ----

    async def _engine(self, emit: Callable[[object], None]) -> None:
        node = self.node
        store = await _until_done(
            lambda: JobStore.open(
                *(node.nats_url, "udup job store", node.keys),
                owner=True,
                writer=node.writer,
                file=Path(node.data_dir) / FILE_NAME,
                shared=node.shared_store,
            )
        )
        records, index = await _until_done(store.load)
        store.keep_snapshot()
        if node.cluster is not None:
            await _until_done(store.show_progress_of_all)
        emit(Loaded(tuple(records), index, await _until_done(store.gone), store.max_bytes))
        await asyncio.gather(self._write(store, emit), self._show(store), self._look(store, emit))

    async def _write(self, store: JobStore, emit: Callable[[object], None]) -> None:
        """Carry orders out. Who waits is answered when the node's own file has it too, which takes several at once."""
        assert self._orders is not None
        done: list[object] = []

        def answer() -> None:
            if done:
                store.keep_snapshot()
            for each in done:
                emit(each)
            done.clear()

        def refused(why: str) -> None:
            answer()
            emit(StoreRefuses(why))

        while True:
            if self._orders.empty() or len(done) >= _TOGETHER:
                answer()
            order = await self._orders.get()
            if isinstance(order, ReadRecord):
                answer()
                emit(await self._reread(store, order))
                continue
            said = await self._carry_out(store, order, refused)
            if isinstance(order, Save) and not order.awaited:
                emit(said)
            else:
                done.append(said)

    async def _carry_out(
        self, store: JobStore, order: Save | Forget, refused: Callable[[str], None]
    ) -> Saved | NotSaved:
        self._expect(store, order)
        try:
            if isinstance(order, Save):
                if self._is_of_one_removed(order):
                    why = f"job {order.record.id} was deleted before this"
                    return NotSaved(order.record.id, order.ticket, why, taken=True)
                await self._show_one(store, order.record.id)
                place = partial(placed, earlier=self._positions)
                put_in: Placed = lambda record, position: place(record, order.ticket, position)  # noqa: E731
                position = await _until_done(partial(store.save, order.record, put_in), refused)
            else:
                position = await _until_done(partial(store.remove, order.job_id), refused)
                known = {**self._positions, order.ticket: position}
                gone = [with_indexes(each, order.ticket, known) for each in order.gone]
                if order.behind is not None:
                    self._removed[order.job_id] = store.revision(order.job_id)
                await _until_done(partial(store.save_gone, gone), refused)
        except Refused as error:
            return NotSaved(_job_of(order), order.ticket, str(error), taken=isinstance(error, TakenByAnother))
        self._positions[order.ticket] = position
        self._positions.pop(order.ticket - _REMEMBERED, None)
        return Saved(order.ticket, position, 0 if order.behind is None else store.revision(_job_of(order)))

    def _is_of_one_removed(self, order: Save) -> bool:
        """Return whether the record is of a job that was removed here since it was read.

        Another job of its ID is made behind the removal, and knows that one's revision.
        """
        return order.behind is not None and order.behind < self._removed.get(order.record.id, 0)

    async def _reread(self, store: JobStore, order: ReadRecord) -> RecordRead:
        record, revision = await _until_done(partial(store.reread, order.job_id))
        self._read.add(order.job_id)
        return RecordRead(order.job_id, order.ticket, record, revision)

    def _expect(self, store: JobStore, order: Save | Forget) -> None:
        """Take the supervisor's word for what is replaced, not what this process has found when it was started."""
        if order.behind is not None and (job_id := _job_of(order)) not in self._read:
            store.expect(job_id, order.behind)
            self._read.add(job_id)

    async def _show(self, store: JobStore) -> None:
        """Store the latest progress of each job; what NATS does not take now is overtaken by the next."""
        while True:
            await self._has_progress.wait()
            await asyncio.sleep(_RETRY_SECONDS)
            self._has_progress.clear()
            for job_id in list(self._progress):
                if not await self._show_one(store, job_id):
                    self._has_progress.set()
                    break

    async def _show_one(self, store: JobStore, job_id: str) -> bool:
        """Store the latest progress of a job, if there is any new; return whether NATS takes it now."""
        progress = self._progress.pop(job_id, None)
        if progress is not None:
            begun = store.progress_begun
            try:
                await store.save_progress(job_id, progress.as_dict())
                self._was_shown(job_id, progress, again=store.progress_begun != begun)
            except Transient:
                self._progress.setdefault(job_id, progress)
                return False
        return True

    def _was_shown(self, job_id: str, progress: JobProgress, *, again: bool) -> None:
        """Keep what is shown, for reports of quiet jobs do not come again; `again`: NATS has lost all of it."""
        if again:
            self._progress = {**self._shown, **self._progress}
            self._progress.pop(job_id, None)
            self._has_progress.set()
        self._shown[job_id] = progress

    async def _look(self, store: JobStore, emit: Callable[[object], None]) -> None:
        node_id = load_node_id(Path(self.node.data_dir))
        looks = 0
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await _until_done(store.restore)
            store.keep_snapshot()
            if self.node.cluster is not None:
                for job_id in await _until_done(lambda: store.overtaken(tuple(self._read))):
                    self._read.discard(job_id)  # told once: it is read again, or another's
                    emit(WrittenElsewhere(job_id))
            looks += 1
            if looks % _SIGNS_LOOKS == 0:
                await self._show_signs(store, node_id)

    async def _show_signs(self, store: JobStore, node_id: str) -> None:
        """Store which reports of quiet jobs hold, if any was held up since; what NATS does not take now comes later."""
        notes = SIGNS.notes()
        if notes == self._notes:
            return
        begun = store.progress_begun
        with suppress(Transient):
            await store.save_signs(node_id, notes)
            self._notes = notes
        if store.progress_begun != begun:
            self._progress = {**self._shown, **self._progress}
            self._has_progress.set()


def _job_of(order: Save | Forget) -> str:
    return order.record.id if isinstance(order, Save) else order.job_id


async def _until_done(attempt: Callable[[], Awaitable[Any]], refused: Callable[[str], None] | None = None) -> Any:
    """Return what an attempt returns; try again while NATS is away or full. What goes on for long is logged.

    `refused` is told of each try that fails.
    """
    log = logs.logger("store")
    began = told = runtime.now()
    while True:
        try:
            done = await attempt()
        except Transient as error:
            if refused is not None:
                refused(str(error))
            if runtime.now() - told >= (_TOLD_SECONDS if told == began else _TOLD_AGAIN_SECONDS):
                told = runtime.now()
                log.warning("store_does_not_answer", seconds=round(told - began), error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            if told != began:
                log.info("store_answers_again", seconds=round(runtime.now() - began))
            return done
