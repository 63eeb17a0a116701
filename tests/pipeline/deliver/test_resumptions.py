"""Runs that end anywhere, by a cut or in good order, in the middle of units and transactions: real IDs and packing.

What is in the sink at the end is what one run that nothing ends would have put there, and each batch was credited once.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from tests.pipeline.deliver.random_log import random_log, sent, take
from udup.base.errors import Transient
from udup.drivers.fake.messages import FakeReader, FakeSink
from udup.drivers.fake.position import FakePosition
from udup.drivers.messages import ids
from udup.drivers.messages.encoder import open_encoder
from udup.pipeline.deliver import units as units_module
from udup.pipeline.deliver.changes import Changes
from udup.pipeline.deliver.place import Place
from udup.pipeline.deliver.units import Delivered, Units
from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings, Unit


class _Job:
    """A job whose runs end by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)
        self.log = random_log(chance)
        self.rows = chance.choice((1, 1, 3, 100))
        self.options = {"provide.transaction.metadata": chance.choice(("true", "false"))}
        self.options["tombstones.on.delete"] = chance.choice(("true", "false")) if self.rows == 1 else "false"
        self.sink = FakeSink()

    def run(self, *, is_cut: bool = False, is_drained: bool = False) -> bool:
        """Return whether the run has come to the end of the log."""
        chance, sink = self.chance, self.sink
        rows = chance.choice((1, self.rows)) if is_cut else self.rows
        plan = DeliveryPlan("p", options=self.options, rows_per_message=rows)
        encoder = open_encoder(DeliverySettings("job", 1, "", plan))
        found = sink.found()
        place = Place(FakePosition()) if found.position is None else Place.parse(found.position, FakePosition.parse)
        credited: list[int] = []
        last = 0

        def on_stored(delivered: Delivered) -> None:
            credited.extend(delivered.batches)

        async def send(unit: Unit) -> None:
            nonlocal last
            if is_cut and chance.random() < 0.15:
                sink.cuts[sink.units + 1] = chance.choice((-1, 0, 1, 2, 5, 17))
            sink.store(unit)
            last = unit.number
            if chance.random() < 0.7:  # else it is told with a later one
                units.stored(last)

        units = Units(encoder.packed, on_stored)
        begun: Any = Place.parse(place.text(), FakePosition.parse).executed
        changes = Changes(FakeReader(1), encoder, units, place, found, send, FakePosition.parse)

        async def work() -> bool:
            came = 0
            for record in sent(self.log, begun, chance):
                if is_drained and chance.random() < 0.1:
                    await changes.store_place()
                    return False
                await take(changes, record)
                units.filling.batches.append(came)
                came += 1
                if chance.random() < 0.4:
                    await changes.flush()
                if chance.random() < 0.2 and not changes.is_inside:
                    await changes.store_place()
            await changes.store_place(always=True)
            units.stored(last)
            assert units.settled and credited == list(range(came))
            return True

        try:
            return asyncio.run(work())
        except Transient:
            return False


def _ids(sink: FakeSink) -> list[str]:
    return [row for message in sink.messages for row in ids.row_ids(message.id)]


@pytest.mark.parametrize("seed", range(60))
def test_runs_that_end_anywhere_leave_what_one_run_would(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    job = _Job(seed)
    monkeypatch.setattr(units_module, "UNIT_MESSAGES", job.chance.choice((1, 3, 7, 50, 1000)))
    for _ in range(40):
        if job.run(is_cut=job.chance.random() < 0.8, is_drained=job.chance.random() < 0.5):
            break
    else:
        assert job.run()
    place = Place.parse(job.sink.position or "", FakePosition.parse)
    assert not place.begun and not place.there
    stored, job.sink = job.sink, FakeSink()
    assert job.run()
    assert _ids(stored) == _ids(job.sink)
