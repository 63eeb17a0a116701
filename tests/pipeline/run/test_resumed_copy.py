"""A copy that begins again goes on with the tables that are whole, whatever is written between its tries."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.pipeline.machine import Machine, T, U
from udup.base.errors import Transient
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.snapshot import FakeCopy
from udup.pipeline.positions import NOTHING, AheadNote, AheadNotes

V, W = ("s", "v"), ("s", "w")

CALLS = (
    "Source.open_copy",
    "SourceCopy.read",
    "CopyWriter.make_tables",
    "RowLoader.load",
    "CopyWriter.finish_table",
    "CopyWriter.finish_tables",
    "CopyWriter.make_objects",
    "TargetControl.finish_copy",
)


def _update(machine: Machine, rows: list[tuple[tuple[str, str], str]]) -> None:
    machine.source.log.write(lambda writing: [writing.update(*each) for each in rows])


def _write(machine: Machine, dice: random.Random) -> None:
    """What writers do between two tries: rows of all tables at once, and definitions."""
    tables = sorted(machine.source.tables)
    for _ in range(4):
        keys = [dice.choice(sorted(machine.source.tables[each].rows)) for each in tables]
        _update(machine, list(zip(tables, keys, strict=True)))
    if dice.random() < 0.3:
        machine.source.log.alter(dice.choice(tables), f"shape {dice.random()}")
    if dice.random() < 0.3:
        machine.source.log.prepare("x", lambda rows: rows.update(tables[0], keys[0]))
        machine.source.log.end("x", commit=True)


@pytest.mark.parametrize("seed", range(10))
def test_deaths_at_any_step_and_writes_between_end_exactly_equal(machine: Machine, seed: int) -> None:
    dice = random.Random(seed)
    for table in (V, W):
        machine.source.log.create(table)
    for table in (T, U, V, W):
        machine.insert(*(f"k{number}" for number in range(dice.randrange(5, 40))), table=table)
    for _ in range(4):
        call = dice.choice(CALLS)
        server = machine.source if call.startswith("Source") else machine.target
        server.faults.cut("before", call, nth=dice.randrange(1, 5) if "read" in call or "load" in call else 1)
        try:
            asyncio.run(machine.run())
        except Transient:
            _write(machine, dice)
    asyncio.run(machine.run_to_the_end())
    assert machine.is_same()
    assert not machine.target.jobs.whole


def _rows_read(machine: Machine) -> int:
    return machine.source.faults.calls.get("SourceCopy.read", 0)


def test_a_table_that_is_whole_is_not_read_again_and_what_it_lacks_comes_with_the_log(machine: Machine) -> None:
    machine.insert(*(f"k{number}" for number in range(35)))
    machine.insert("a", table=U)
    machine.target.faults.cut("before", "CopyWriter.finish_tables")
    with pytest.raises(Transient):
        asyncio.run(machine.run(lambda: False))
    read = _rows_read(machine)
    assert read == 5
    machine.update("k1")
    machine.source.log.alter(U, "another")
    machine.insert("b", table=U)
    machine.update("k1")
    asyncio.run(machine.run())
    assert _rows_read(machine) - read == 1, "the table that was altered alone"
    assert machine.is_same()
    assert machine.target.jobs.rows[machine.job].source_uuid == machine.source.uuid


def test_what_may_have_overtaken_the_reading_is_noted_with_the_checkpoint_until_the_log_is_beyond(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.insert("a")

    def ahead(copy: FakeCopy) -> str:
        until = FakePosition.parse("alpha:1-1000")
        return AheadNotes([AheadNote(NOTHING, until, overtaken=True)]).to_json()

    monkeypatch.setattr(FakeCopy, "ahead", ahead)
    asyncio.run(machine.run())
    machine.insert("b")
    asyncio.run(machine.run())
    assert machine.is_same(), "rows come as ever"
    [note] = machine.target.jobs.rows[machine.job].ahead
    assert note.overtaken


def test_a_log_that_is_purged_meanwhile_has_all_copied_again(machine: Machine) -> None:
    machine.insert(*(f"k{number}" for number in range(35)))
    machine.target.faults.cut("before", "CopyWriter.finish_tables")
    with pytest.raises(Transient):
        asyncio.run(machine.run(lambda: False))
    read = _rows_read(machine)
    machine.source.log.purge(machine.update("k1"))
    asyncio.run(machine.run())
    assert _rows_read(machine) - read == 4
    assert machine.is_same()


def test_a_copy_alone_is_of_one_moment_and_never_goes_on(machine: Machine) -> None:
    machine.copy_alone = True
    machine.insert(*(f"k{number}" for number in range(35)))
    machine.target.faults.cut("before", "CopyWriter.finish_tables")
    with pytest.raises(Transient):
        asyncio.run(machine.run(lambda: False))
    read = _rows_read(machine)
    machine.update("k1")
    asyncio.run(machine.run(lambda: machine.job in machine.target.jobs.rows and bool(machine.position())))
    assert _rows_read(machine) - read == 4
    assert machine.is_same()
