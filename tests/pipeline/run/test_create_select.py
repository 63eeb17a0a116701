"""CREATE TABLE … SELECT: a table and its rows in one transaction, which nobody sees in part."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine, T
from udup.base.errors import Refused
from udup.drivers.fake.changes import Statement, Verb
from udup.drivers.fake.source_log import Writing
from udup.pipeline.ownership import Claim, TableName

NEW = ("s", "new")
SIZES = {"small": 3, "large": 200}


@pytest.fixture(autouse=True)
def following(machine: Machine) -> None:
    machine.insert("a")
    asyncio.run(machine.run())


def _create_select(machine: Machine, rows: int, table: TableName = NEW, *, zone: str = "UTC", **kind: bool) -> int:
    def fill(writing: Writing) -> None:
        for number in range(rows):
            writing.insert(table, f"k{number}")

    made = Statement(Verb.CREATE, table, **kind)  # type: ignore[arg-type]
    return machine.source.log.write(fill, create=made, context={"time_zone": zone})


@pytest.mark.parametrize("rows", SIZES.values(), ids=SIZES)
def test_the_table_comes_with_its_rows_and_changes_follow(machine: Machine, rows: int) -> None:
    machine.update("a")
    _create_select(machine, rows)
    machine.update("k1", table=NEW)
    machine.source.log.alter(NEW, "id, name")
    machine.update("k1", "k2", table=NEW)
    asyncio.run(machine.run())
    assert machine.is_same()
    assert machine.target.claims[NEW].job == machine.job


@pytest.mark.parametrize("rows", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["TargetControl.claim_created", "commit"])
def test_one_that_is_cut_costs_a_run_and_is_made_once(machine: Machine, call: str, when: str, rows: int) -> None:
    """Made a second time it would be refused."""
    session_call = "ApplySession.apply" if rows == SIZES["small"] else "ApplySession.apply_part"
    nth = 3 if call == "commit" and rows == SIZES["large"] else 1
    machine.target.faults.cut(when, session_call if call == "commit" else call, nth)  # type: ignore[arg-type]
    _create_select(machine, rows)
    machine.update("k1", table=NEW)
    asyncio.run(machine.run_that_is_cut())
    assert machine.target.faults.fired
    assert machine.is_same()


@pytest.mark.parametrize("rows", SIZES.values(), ids=SIZES)
def test_its_rows_are_computed_in_the_context_of_its_writer(machine: Machine, rows: int) -> None:
    _create_select(machine, rows, computes=True, zone="Tokyo")
    machine.update("k1", table=NEW, zone="Lima")
    machine.update("a")
    asyncio.run(machine.run())
    assert machine.is_same()
    assert [entry.partition("@")[2] for entry in machine.target.rows(NEW)["k1"]] == ["Tokyo", "Lima"]


def test_a_table_that_another_job_keeps_current_is_not_made(machine: Machine) -> None:
    async def work() -> int:
        running = asyncio.ensure_future(machine.run(lambda: False))
        machine.update("a")
        await machine.caught_up()
        machine.target.claims[NEW] = Claim(NEW, "other", "beta", NEW, "beta", "here")
        number = _create_select(machine, 3)
        machine.update("a")
        with pytest.raises(Refused, match=f"alpha:{number}.*other"):
            await running
        return number

    asyncio.run(work())
    assert NEW not in machine.target.tables and machine.target.rows(T)["a"] == ("3", "4")
