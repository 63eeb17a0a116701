"""Runs that end anywhere, while the source fails over to servers with other orders and the job's filters are edited.

Each transaction is told once and whole, by the filter of one document, its rows in their order.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import Iterable, Iterator

import pytest

from tests.pipeline.deliver.random_log import SOURCE, Entry, id_of, number_of, random_log, sent, take
from udup.base.errors import Refused, Transient
from udup.drivers.fake.changes import Change, Op, decode, encode
from udup.drivers.fake.messages import FakeReader, FakeSink
from udup.drivers.fake.position import FakePosition
from udup.drivers.messages import ids
from udup.drivers.messages.encoder import open_encoder
from udup.pipeline.deliver import units as units_module
from udup.pipeline.deliver.changes import Changes
from udup.pipeline.deliver.place import Place
from udup.pipeline.deliver.units import Units
from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings, Unit
from udup.pipeline.records import Skipped, Transaction, XaEnd

#: Documents of the job: the first takes all rows, the others leave some out.
FILTERS = ("", "some", "others")


def _held(number: int) -> Transaction:
    """Return a transaction that stays prepared."""
    return Transaction(id_of(number), encode([Change(("s", "t"), Op.INSERT, f"held {number}")]), xid=f"held{number}")


def _by(rules: str, log: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the entries with the rows that a document takes."""
    for entry in log:
        if not rules or not isinstance(entry, Transaction):
            yield entry
            continue
        kept = [each for each in decode(entry.events) if zlib.crc32(each.key.encode()) % 3 != len(rules) % 3]
        if kept or entry.xid or entry.create:
            yield Transaction(entry.id, encode(kept), create=entry.create, xid=entry.xid)
        else:
            yield Skipped(entry.id.gtid, 0)


def _in_another_order(log: list[Entry], chance: random.Random) -> list[Entry]:
    """Return the log of another server: neighbours changed places, but no end of XA comes before its beginning."""
    made = list(log)
    for at in [chance.randrange(len(made) - 1) for _ in range(len(made))]:
        first, second = made[at : at + 2]
        is_pair = isinstance(first, Transaction) and isinstance(second, XaEnd) and first.xid == second.xid
        if not is_pair:
            made[at : at + 2] = second, first
    return made


class _Job:
    """A job whose runs end by chance; each goes by some server's log and by some document."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)
        self.log = [*random_log(chance)]
        self.log.insert(chance.randrange(len(self.log)), _held(len(self.log) + 1))
        self.rows = chance.choice((1, 1, 3, 100))
        self.options = {"provide.transaction.metadata": chance.choice(("true", "false"))}
        self.sink = FakeSink()
        self.rules = ""
        self.documents = FILTERS
        self.edits = self.refusals = 0

    def place(self) -> Place:
        position = self.sink.position
        return Place(FakePosition()) if position is None else Place.parse(position, FakePosition.parse)

    def run(self, log: list[Entry], *, is_cut: bool) -> bool:
        """Return whether the run has come to the end of the log."""
        sink, chance = self.sink, self.chance
        plan = DeliveryPlan("p", self.options, rows_per_message=self.rows)
        encoder = open_encoder(DeliverySettings("job", 1, "", plan))

        async def send(unit: Unit) -> None:
            if is_cut and chance.random() < 0.2:
                sink.cuts[sink.units + 1] = chance.choice((-1, 0, 1, 2, 5, 17))
            sink.store(unit)
            units.stored(unit.number)

        units = Units(encoder.packed, lambda delivered: None)
        begun, found = self.place().executed, sink.found()
        assert isinstance(begun, FakePosition)
        changes = Changes(FakeReader(1), encoder, units, self.place(), found, send, FakePosition.parse)

        async def work() -> bool:
            await self._take_document(changes)
            for record in sent(_by(self.rules, log), begun, chance):
                if is_cut and chance.random() < 0.05:
                    return False
                await take(changes, record)
                if chance.random() < 0.4:
                    await changes.flush()
            await changes.store_place(always=True)
            return True

        try:
            return asyncio.run(work())
        except Transient:
            return False
        finally:
            changes.close()

    async def _take_document(self, changes: Changes) -> None:
        """Edit the document by chance; go back to the one before where that is refused."""
        rules = self.chance.choice((self.rules, *self.documents))
        try:
            await changes.take_rules("job", rules, stores=True)
        except Refused:
            self.refusals += 1
            return
        self.edits += rules != self.rules
        self.rules = rules


def _told(sink: FakeSink) -> dict[str, list[str]]:
    """Return the IDs of each transaction; of one, those of each table in their order."""
    told: dict[str, list[str]] = {}
    for message in sink.messages:
        for each in ids.row_ids(message.id):
            told.setdefault(ids.gtid(each), []).append(each)
    return {gtid: sorted(found, key=lambda each: ids.parse_id(each).table) for gtid, found in told.items()}


def _ways(job: _Job) -> list[dict[str, list[str]]]:
    """Return what one run that nothing ends tells, by each document."""
    found = []
    for rules in FILTERS:
        alone = _Job(0)
        alone.log, alone.rows, alone.options = job.log, job.rows, job.options
        alone.rules, alone.documents = rules, (rules,)
        assert alone.run(job.log, is_cut=False)
        found.append(_told(alone.sink))
    return found


def _check(job: _Job) -> None:
    place = job.place()
    assert not place.begun and not place.there
    [held] = [entry.id.gtid for entry in job.log if isinstance(entry, Transaction) and entry.xid.startswith("held")]
    assert place.prepared == {held}
    wanted = FakePosition((SOURCE, number_of(entry)) for entry in job.log)
    assert wanted - place.executed == FakePosition.parse(held), "a later run reads what is prepared again"
    told, ways = _told(job.sink), _ways(job)
    for gtid in {each for way in (told, *ways) for each in way}:
        assert told.get(gtid) in [way.get(gtid) for way in ways], f"{gtid} is told by no document alone"


@pytest.mark.parametrize("seed", range(40))
def test_each_transaction_is_told_once_by_one_document_whatever_happens(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _Job(seed)
    monkeypatch.setattr(units_module, "UNIT_MESSAGES", job.chance.choice((1, 3, 7, 50)))
    for _ in range(40):
        if job.run(_in_another_order(job.log, job.chance), is_cut=job.chance.random() < 0.9):
            break
    else:
        assert job.run(job.log, is_cut=False)
    _check(job)


def test_the_runs_of_these_tests_are_what_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are taken and refused, and more than one transaction is there in part at the same time."""
    monkeypatch.setattr(units_module, "UNIT_MESSAGES", 3)
    edits = refusals = most = 0
    for seed in range(20):
        job = _Job(seed)
        for _ in range(8):
            job.run(_in_another_order(job.log, job.chance), is_cut=True)
            most = max(most, len(job.place().begun))
        edits, refusals = edits + job.edits, refusals + job.refusals
    assert edits and refusals and most > 1
