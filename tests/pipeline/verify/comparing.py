"""A comparison of the two servers of a machine, beside its run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from tests.pipeline.machine import Machine
from udup.base import runtime
from udup.base.errors import Transient
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.server import FakeServer
from udup.pipeline.extract.marks import MarkTold
from udup.pipeline.ownership import TableName
from udup.pipeline.ports.compare import CompareTold, DefinitionsCompared, Kind, LedgerRow, RowDifference, TableCompared
from udup.pipeline.verify.rounds import Expected, GiveUp, HoldLog, ReadTo, Release, Released, Rounds, StandAt, Stands
from udup.pipeline.verify.settings import VerifyProgress, VerifySettings
from udup.pipeline.verify.verifier import Verifier

Rows = dict[TableName, dict[str, str]]


class FakeComparer:
    """Looks at each server once, under its lock, and compares one table a time."""

    def __init__(self, source: FakeServer, target: FakeServer) -> None:
        self._source, self._target = source, target
        self._ours: Rows = {}
        self._theirs: Rows = {}
        self._done: set[TableName] = set()
        self.at: list[str] = []
        self.lags = 0  # transactions that a snapshot lacks, of those that are logged
        self.fails_at = ""  # the table behind whose rows a comparison breaks off, once
        self.slow = 0.0  # seconds that the target's snapshot takes
        self.stopped = runtime.Event()
        self.closed = False

    def prepare(self) -> None:
        """Nothing takes long here."""

    def open_source(self) -> str:
        with self._source.changed:
            self._ours = self._source.all_rows()
            self.at.append(str(self._source.log.executed))
        return self.at[-1]

    def open_target(self) -> None:
        self.stopped.wait(self.slow)
        with self._target.changed:
            self._theirs = self._target.all_rows()

    def compare(self, told: CompareTold, seconds: float) -> bool:
        for table in sorted(self._ours.keys() | self._theirs.keys()):
            if self.stopped.is_set():
                raise Transient("stopped")
            if table in self._done:
                continue
            found = self._compared(table)
            for difference in found:
                told.difference(difference)
            told.rows(len(self._ours.get(table, {})))
            if self.fails_at == table[1]:
                self.fails_at = ""
                raise Transient("the connection was lost")
            told.table(TableCompared(*table, len(self._ours.get(table, {})), len(found)))
            self._done.add(table)
            told.kept()
            if seconds <= 0:
                return False
        self._done = set()
        return True

    def _compared(self, table: TableName) -> list[RowDifference]:
        ours, theirs = self._ours.get(table, {}), self._theirs.get(table, {})
        kinds = {
            key: Kind.MISSING if key not in theirs else Kind.EXTRA if key not in ours else Kind.DIFFERS
            for key in sorted(ours.keys() | theirs.keys())
            if ours.get(key) != theirs.get(key)
        }
        return [RowDifference(*table, key, kind) for key, kind in kinds.items()]

    def stop(self) -> None:
        self.stopped.set()

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeLedger:
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    rounds: list[str] = field(default_factory=list)
    tables_gone: bool = False

    def begin(self, comparison: str) -> None:
        self.rounds.append(comparison)

    def round_ended(self) -> None:
        self.tables_gone = True

    def close(self) -> None:
        """Nothing is held."""

    def page(self, after: str, limit: int) -> list[LedgerRow]:
        return []

    def definitions(self, compared: DefinitionsCompared, position: str) -> None:
        """They have none."""

    def note(self, difference: RowDifference, position: str) -> None:
        self.rows.append((difference.table, difference.key, str(difference.kind)))

    def table_ended(self, table: TableCompared) -> None:
        self.tables.append(table.table)


class Comparison:
    """`run` compares beside a run of the machine. What is in `lost` does not reach the engines, or comes back."""

    def __init__(self, machine: Machine, *, continuous: bool = False, seconds: float = 60.0) -> None:
        self.machine = machine
        self.comparer = FakeComparer(machine.source, machine.target)
        self.ledger = FakeLedger()
        self.told: list[VerifyProgress] = []
        self.lost: set[type] = set()
        self.rounds = Rounds(self._send)
        self._loop = asyncio.get_running_loop()
        settings = VerifySettings("job", continuous=continuous, snapshot_seconds=seconds, pause_seconds=0.01)
        self._verifier = Verifier(
            settings, self.comparer, self.rounds, self.ledger, FakePosition.parse, self.told.append
        )

    async def run(self) -> None:
        await self._verifier.run()

    @property
    def waits(self) -> list[str]:
        return [each.waits for each in self.told if each.waits]

    def _send(self, message: StandAt | HoldLog | ReadTo | Release | GiveUp) -> None:
        extractor, applier = self.machine.extractor, self.machine.applier
        if type(message) in self.lost or extractor is None or applier is None:
            return
        match message:
            case StandAt(number):
                applier.marks.expect(number, lambda: self._heard(Stands(number)))
                self._heard(Expected(number))
            case Release(number):
                self._heard(Released(number, applier.marks.release(number)))
            case HoldLog(number):
                extractor.marks.hold(number, self._heard)
            case ReadTo(number, snapshot):
                extractor.marks.go_on(number, snapshot)
            case GiveUp(number):
                extractor.marks.give_up(number)
                applier.marks.release(number)

    def _heard(self, answer: MarkTold | Expected | Stands | Released) -> None:
        """From any thread."""
        if type(answer) not in self.lost:
            self._loop.call_soon_threadsafe(self.rounds.heard, answer)
