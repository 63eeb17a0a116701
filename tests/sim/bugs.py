"""Bugs to be planted, as tests of the test: each must be found within a number of seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.sim import bugs_of_growth as growth
from tests.sim.world import World
from udup.drivers.mysql.apply import checkpoint_events as checkpoints
from udup.drivers.mysql.apply import ddl_runner, rows_by_events
from udup.drivers.mysql.load.copy_fence import CopyFence
from udup.pipeline.apply.applier import Applier
from udup.pipeline.apply.credits import Credits
from udup.pipeline.apply.dispatcher import Dispatcher
from udup.pipeline.apply.executed import ExecutedPositions
from udup.pipeline.apply.scheduler import Pending, Scheduler
from udup.pipeline.apply.table_changes import TableChanges, _Change
from udup.pipeline.positions import AheadNotes
from udup.pipeline.records import CommitOrder, TransactionId, XaEnd, decode_batch
from udup.pipeline.transport.link import Arrivals, Joiner

Patch = tuple[Any, str, Any]


@dataclass(frozen=True)
class Bug:
    """`of` is the class whose histories find it, within so many seeds from `first` on."""

    what: str
    of: str
    seeds: int
    patches: Callable[[], list[Patch]]
    first: int = 1  # the seed to begin with: one that is rare is not looked for from the beginning
    history: str = ""  # a stored one that finds it, in the place of seeds


def _limit() -> list[Patch]:
    def _limit_on(self: Any, slot: int) -> int:
        others = [group.first for group in self._running.values() if group.slot != slot]
        return min(others) if others else 1 << 63

    return [(Scheduler, "_limit_on", _limit_on)]


def _credit() -> list[Patch]:
    real = Credits.finished

    def finished(self: Any, number: int) -> None:
        real(self, number)
        if number % 7 == 0 and self._messages and self._messages[0].number <= number:
            real(self, number)

    return [(Credits, "finished", finished)]


def _claim() -> list[Patch]:
    def claim(self: Any, slot: int, members: Any) -> Any:
        found = self._claims[slot]
        for member in members:
            found.add(member.id.source, member.id.number)
        return self._versions[slot], str(found)

    return [(ExecutedPositions, "claim", claim)]


def _fold() -> list[Patch]:
    async def flush(self: Any) -> None:
        if self._changed:
            self._changed = False
            said = str(self.executed), str(self._stamps), self._source_uuid
            if said != self._flushed:
                await self._advance(said[0], self.definitions, *said[1:])
                self._flushed = said
                self._claims = {slot: claim - self.executed for slot, claim in self._claims.items()}

    return [(ExecutedPositions, "flush", flush)]


def _xa() -> list[Patch]:
    real = Dispatcher.offer_barrier

    def offer_barrier(self: Any, record: Any, message: int) -> None:
        if not isinstance(record, XaEnd):
            real(self, record, message)
            return
        self._scheduler.offer(Pending(record.id, b"", message, alone=True, work=record))

    return [(Dispatcher, "offer_barrier", offer_barrier)]


def _ddl_gtid() -> list[Patch]:
    real = ddl_runner.run_ddl

    def run_ddl(connection: Any, event: Any, gtid: str, *more: bytes) -> None:
        real(connection, event, f"{gtid}/{World.current.now}", *more)

    return [(ddl_runner, "run_ddl", run_ddl)]


def _gap() -> list[Patch]:
    async def _on_batch(self: Any, data: bytes) -> None:
        batch = decode_batch(data)
        self._received += 1
        self._reporter.received(batch, len(data))
        self._credits.received(self._received, len(data), len(batch.records))
        for record in batch.records:
            await self._take(record, self._received)
        self._changed.set()

    return [(Applier, "_on_batch", _on_batch), *_numbers()]


def _numbers() -> list[Patch]:
    def add(self: Any, message: bytes) -> bytes | None:
        sender = message[:2]
        _, joiner = self._senders.setdefault(sender, (0, Joiner()))
        found: bytes | None = joiner.add(message[6:])
        return found

    return [(Arrivals, "add", add)]


def _version() -> list[Patch]:
    def events(job: bytes, slot: int, version: int, after: int, gtids: str, *, with_crc: bool) -> bytes:
        del after
        return real(job, slot, version, version, gtids, with_crc=with_crc)

    real = checkpoints.checkpoint_events
    return [(rows_by_events, "checkpoint_events", events)]


def _fence() -> list[Patch]:
    """Two owners of a copy: no place is held, and nobody looks at the version."""

    def nothing(*_: Any, **__: Any) -> None: ...

    return [(CopyFence, name, nothing) for name in ("look", "check", "enter")]


def _notes() -> list[Patch]:
    """Notes go at the first flush that finds a part of them executed."""

    def merged(self: Any, executed: Any) -> Any:
        return AheadNotes(each for each in self if len(each.position - executed) == len(each.position))

    return [(AheadNotes, "merged", merged)]


def _counted() -> list[Patch]:
    def take(self: Any, *, now: bool = False) -> Any:
        found = real(self, now=now)
        self._changes |= {(each.schema, each.table): _change_of(each) for each in found[:1]}
        return found

    real = TableChanges.take
    return [(TableChanges, "take", take)]


def _change_of(written: Any) -> Any:
    change = _Change(TransactionId("", 0, CommitOrder(0, 0, 0)))
    change.uncounted = written.uncounted
    return change


BUGS = {
    "limit": Bug("what is being applied elsewhere counts as committed", "log", 200, _limit),
    "credit": Bug("a record is credited twice", "log", 40, _credit),
    "claim": Bug("the version of a slot's row is not counted up", "log", 40, _claim),
    "fold": Bug("a flush forgets claims that were made while it was being written", "log", 100, _fold, 820),
    "xa": Bug("the end of a prepared transaction is no barrier", "log", 300, _xa),
    "ddl gtid": Bug("DDL runs without its GTID", "log", 300, _ddl_gtid),
    "gap": Bug("nobody looks at the numbers of messages and batches", "cluster", 100, _gap),
    "numbers": Bug("the link does not look at the numbers of messages", "lossy", 100, _numbers),
    "version": Bug("a slot's row keeps its version", "log", 100, _version),
    "notes": Bug("a note goes before its position is executed", "ahead", 60, _notes),
    "counted": Bug("what was counted is written down twice", "log", 10, _counted),
    "join without a note": Bug("a join forgets a note", "life", 40, growth.join_without_a_note),
    "join at its own": Bug("a join goes on from where the job was", "life", 40, growth.join_at_its_own),
    "side stays": Bug("a side job's checkpoint stays", "life", 40, growth.side_stays),
    "loaded again": Bug("a side job does not know of tables that are gone", "life", 40, growth.loaded_again, 1030),
    "notes of a life": Bug("a note goes before its position is executed", "life", 60, _notes),
    "number": Bug(
        "what has run is told by its number alone",
        "life",
        1,
        growth.number_alone,
        history="definition_of_a_table_that_leaves_has_run",
    ),
    "fence": Bug("a copy does not look whether it is still this run's", "two", 100, _fence, 500),
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """With one of the bugs, or none. Inside of `install.installed`."""
    patches = BUGS[name].patches() if name else []
    before = [(owner, attribute, vars(owner)[attribute]) for owner, attribute, _ in patches]
    try:
        for owner, attribute, value in patches:
            setattr(owner, attribute, value)
        yield
    finally:
        for owner, attribute, value in before:
            setattr(owner, attribute, value)
