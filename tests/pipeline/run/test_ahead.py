"""A job of which some tables are ahead of its position ends where every other job does, whatever ends its runs."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.pipeline.machine import Machine, T, U
from udup.base.errors import Transient, Unsupported
from udup.drivers.fake.changes import Statement, Verb
from udup.drivers.fake.position import FakePosition
from udup.pipeline.positions import AheadNote, AheadNotes, RowsBehind
from udup.pipeline.selection.selection import Selection

V = ("s", "v")


def _group(*names: tuple[str, str]) -> Selection:
    return Selection.of([(schema, [table]) for schema, table in names])


def _history(machine: Machine, dice: random.Random) -> list[int]:
    """Write at random; return after which transactions nothing is prepared: there a snapshot may stand."""
    log, places, tables = machine.source.log, [], [T, U]
    for table in tables:
        machine.insert(*(f"k{number}" for number in range(8)), table=table)
    for turn in range(60):
        kind, table = dice.random(), dice.choice(tables)
        keys = [f"k{number}" for number in dice.sample(range(8), 2)]
        if kind < 0.04:
            log.alter(table, f"shape {turn}")
        elif kind < 0.1:
            log.rotate()
        elif kind < 0.25:
            log.prepare(f"x{turn}", lambda rows, k=keys: rows.update(T, k[0]).update(U, k[1]))  # type: ignore[misc]
            log.end(f"x{turn}", commit=dice.random() < 0.7)
        elif kind < 0.3:
            machine.insert(*(f"{turn}{number:02}" for number in range(60)), table=table)
        else:
            log.write(lambda rows, k=keys, t=table: rows.update(T, k[0]).update(U, k[1]).update(t, "k3"))  # type: ignore[misc]
        places.append(log.entries[-1].id.number)
    return places


def _up_to(machine: Machine, number: int) -> FakePosition:
    return FakePosition((machine.source.uuid, each) for each in range(1, number + 1))


@pytest.mark.parametrize("seed", range(8))
def test_random_notes_end_exactly_equal_and_leave_no_trace(machine: Machine, seed: int) -> None:
    dice = random.Random(seed)
    places = [place for place in _history(machine, dice) if place >= 4]
    begin, first, second = sorted(dice.sample(places, 3))
    kinds = (
        [AheadNote(_group(T), _up_to(machine, first))],
        [
            AheadNote(_group(T), _up_to(machine, first)),
            AheadNote(Selection().without(_group(T)), _up_to(machine, second)),
        ],
        [AheadNote(_group(U), _up_to(machine, second)), AheadNote(_group(U), _up_to(machine, first))],
        [AheadNote(Selection(), _up_to(machine, first))],
    )
    notes = AheadNotes(kinds[seed % 4])
    machine.begin_with(_up_to(machine, begin), notes)
    machine.target.faults.refuse("ApplySession.apply", Transient("cut"), nth=dice.randrange(1, 9))
    machine.target.faults.refuse("TargetControl.advance", Transient("cut"), nth=dice.randrange(1, 4))
    rows = machine.target.jobs.rows
    asyncio.run(machine.run_to_the_end(8, until=lambda: machine.is_level() and not rows[machine.job].ahead))
    assert machine.is_same()


@pytest.mark.parametrize("seed", range(3))
def test_of_a_table_in_two_goes_each_row_gets_what_it_lacks(machine: Machine, seed: int) -> None:
    dice, places = random.Random(seed), []
    machine.insert(*(f"k{number}" for number in range(30)))
    for _ in range(40):
        machine.update(*(f"k{number}" for number in dice.sample(range(30), 3)))
        places.append(machine.source.log.entries[-1].id.number)
    begin, first, second = sorted(dice.sample(places, 3))
    behind = RowsBehind(((None, (9,)),), (0,), (0,)), RowsBehind(((None, (9,)), ((11,), (19,))), (0,), (0,))
    places = _up_to(machine, first), _up_to(machine, second)
    notes = AheadNotes(AheadNote(_group(T), place, rows) for place, rows in zip(places, behind, strict=True))
    machine.begin_with(_up_to(machine, begin), notes)
    asyncio.run(machine.run_to_the_end())
    assert machine.is_same()


def test_a_definition_that_is_there_on_one_side_alone_stops_the_job(machine: Machine) -> None:
    begin = machine.insert("k1")
    machine.source.log.define(Statement(Verb.RENAME, T, new_name=V))
    machine.begin_with(_up_to(machine, begin), AheadNotes())
    notes = AheadNotes([AheadNote(_group(V), machine.source.log.executed)])
    machine.target.jobs.rows[machine.job].ahead = notes
    with pytest.raises(Unsupported, match="neither run nor passed over"):
        asyncio.run(machine.run())
