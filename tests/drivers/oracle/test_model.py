"""Random histories, read in windows by runs that die anywhere: the target has the source's rows in the end, each
transaction once. Transactions get to the target out of order, as far as their `CommitOrder` allows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import msgspec
import pytest

from tests.drivers.oracle.histories import History, history_of
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.oracle.clock import SourceTime
from udup.drivers.oracle.logminer import kept
from udup.drivers.oracle.logminer.assembly import Assembly, Committed
from udup.drivers.oracle.logminer.redo import Verb, parse_redo
from udup.drivers.oracle.position import Progress, position_at, source_uuid
from udup.drivers.oracle.reading import Reading
from udup.pipeline.records import Record, Skipped, Transaction

SOURCE = source_uuid(1, 1)
NO_TIME = SourceTime(0, 0, 0)


class Target:
    """Rows and checkpoint, which outlive runs; and what waits in a run, which does not."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.rows: dict[object, object] = {}
        self.executed = GtidSet.parse(position_at(SOURCE, 999, 999))
        self.applied: list[int] = []
        self._waiting: list[Transaction] = []
        self._done: set[int] = set()

    def begin(self) -> None:
        """A run begins: nothing is under way."""
        self._waiting, self._done = [], set()

    def take(self, record: Record) -> None:
        if isinstance(record, Skipped):
            self.executed.update(GtidSet.parse(record.gtids))
        elif isinstance(record, Transaction):
            self._waiting.append(record)

    def work(self, most: int) -> None:
        for _ in range(most):
            if not (ready := [each for each in self._waiting if self._may_start(each)]):
                return
            self._apply(self._random.choice(ready))

    def _may_start(self, record: Transaction) -> bool:
        first = self._waiting[0].id.order.sequence
        return record.id.order.last_committed < first or record is self._waiting[0]

    def _apply(self, record: Transaction) -> None:
        self._waiting.remove(record)
        for sql in msgspec.msgpack.decode(record.events or b"\x90", type=list[str]):
            change = parse_redo(sql)
            if change.verb is not Verb.INSERT:
                assert self.rows.pop(change.old["ID"]) == change.old["V"]
            if change.verb is not Verb.DELETE:
                key = change.new.get("ID", change.old.get("ID"))
                assert key not in self.rows
                self.rows[key] = change.new["V"]
        self.executed.add(record.id.source, record.id.number)
        if record.id.source == SOURCE:
            self.applied.append(record.id.number)


def one_run(history: History, target: Target, random: Random, life: int) -> bool:
    """Read on from the checkpoint; return whether the end was reached before the run had lived for so many records."""
    target.begin()
    progress = Progress(SOURCE, target.executed.copy())

    def carry(committed: Committed, _: int) -> Iterator[Record]:
        last = max((item.scn for item in committed.items), default=0)
        if not last:
            return  # all of it was undone
        of = progress.committed(committed.scn, last, 0)
        yield Transaction(of, msgspec.msgpack.encode([item.sql for item in committed.items]))

    reading = Reading(progress, Assembly(lambda owner, table: table == "T"), carry, resume_seconds=0.0)
    at, pace = progress.resume, random.choice([0, 1, 3])
    while at < history.scn:
        to = min(history.scn, at + random.randint(1, 40))
        for record in reading.window((row for row in history.rows if at < row.scn <= to), to, NO_TIME):
            life -= 1
            if not life:
                return False
            target.take(record)
            target.work(random.randint(0, pace))
        at = to
    target.work(len(history.rows))
    return True


@pytest.mark.parametrize("seed", range(0, 400, 50))
def test_each_transaction_is_applied_once_whatever_dies(seed: int, count: int = 50) -> None:
    for each in range(seed, seed + count):
        random = Random(each)
        history = history_of(random, random.randint(30, 120))
        target = Target(random)
        deaths = 0
        while not one_run(history, target, random, random.randint(1, random.choice([10, 60, 200]))):
            deaths += 1
            assert deaths < 5000, f"seed {each} goes on for ever"
        assert target.rows == history.state, f"seed {each}"
        assert sorted(target.applied) == sorted(history.committed), f"seed {each}"


@pytest.mark.parametrize("seed", range(1000, 1030, 10))
def test_the_same_where_transactions_are_in_files(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two changes or more the first ones: savepoints are rolled back to across what is in memory and what is not."""
    monkeypatch.setattr(kept, "PART_BYTES", kept.CHANGE_BYTES)
    for each in range(seed, seed + 10):
        test_each_transaction_is_applied_once_whatever_dies(each, 1)


def test_the_place_to_begin_again_moves() -> None:
    """Otherwise each restart would read everything again."""
    random = Random(7)
    history = history_of(random, 400)
    target = Target(random)
    assert one_run(history, target, random, 1 << 30)
    assert Progress(SOURCE, target.executed).resume > history.scn - 60
