"""Tables that undo nothing: a transaction is noted before it is applied; where nobody knows, somebody is asked."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine
from udup.base.errors import Divergence, Refused, Transient, UdupError, Unsupported
from udup.drivers.fake.source_log import Writing
from udup.drivers.fake.target import FakeTarget

T, M = ("s", "t"), ("s", "m")


@pytest.fixture(autouse=True)
def following(machine: Machine) -> None:
    """The source has a table without transactions, and the job follows it."""
    machine.source.log.create(M, transactional=False)
    machine.insert("a", "b", "c", table=M)
    asyncio.run(machine.run())
    assert machine.target.tables[M].transactional is False


def _settle(machine: Machine, gtid: str, *, applied: bool) -> None:
    FakeTarget(machine.target).settle(machine.job, gtid, applied=applied)


def test_they_are_applied_one_by_one_and_in_their_order_among_the_others(machine: Machine) -> None:
    for turn in range(20):
        machine.update("a", "b", table=M)
        machine.insert(f"t{turn}")
        machine.update("c", table=M)
    asyncio.run(machine.run())
    assert machine.is_same()
    calls = machine.target.faults.calls
    assert calls["ApplySession.apply_marked"] and calls["ApplySession.apply_marked rows"] == 40
    assert machine.target.jobs.notes == {}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("call", "nth"),
    [("ApplySession.apply_marked", 1), ("ApplySession.apply_marked rows", 3), ("ApplySession.apply_marked", 2)],
    ids=["mark", "rows", "end"],
)
def test_a_cut_between_two_of_them_costs_a_run_and_no_row(machine: Machine, call: str, nth: int, when: str) -> None:
    for _ in range(6):
        machine.update("a", table=M)
    machine.target.faults.cut(when, call, nth)  # type: ignore[arg-type]
    asyncio.run(machine.run_that_is_cut())
    assert machine.target.faults.fired
    assert machine.is_same() and machine.target.jobs.notes == {}


@pytest.mark.parametrize("applied", [True, False])
def test_a_transaction_that_is_there_in_part_stops_the_job_until_somebody_says_what_it_is(
    machine: Machine, applied: bool
) -> None:
    machine.update("a", table=M)
    number = machine.update("b", "c", table=M)
    gtid = f"alpha:{number}"
    machine.update("a", table=M)
    with machine.target.locked_row(M, "c"), pytest.raises(Divergence, match=gtid):
        asyncio.run(machine.run())
    assert str(number) in machine.target.rows(M)["b"] and str(number) not in machine.target.rows(M)["c"]
    with pytest.raises(Divergence, match=f"settle job --gtid {gtid}"):
        asyncio.run(machine.run())
    with pytest.raises(Refused, match="not in question"):
        _settle(machine, "alpha:1", applied=applied)
    rows = machine.target.tables[M].rows
    if applied:
        rows["c"] = (*rows["c"], str(number))
    else:
        rows["b"] = rows["b"][:-1]
    _settle(machine, gtid, applied=applied)
    asyncio.run(machine.run())
    assert machine.is_same()


def test_a_wrong_answer_is_seen_in_the_rows_and_not_hidden(machine: Machine) -> None:
    """The test of the test above: what the job does follows the answer alone."""
    number = machine.update("b", "c", table=M)
    with machine.target.locked_row(M, "c"), pytest.raises(Divergence):
        asyncio.run(machine.run())
    _settle(machine, f"alpha:{number}", applied=True)
    machine.target._watchers.clear()
    asyncio.run(machine.run())
    assert not machine.is_same() and str(number) not in machine.target.rows(M)["c"]


def test_a_large_one_that_is_cut_in_the_middle_is_asked_about(machine: Machine) -> None:
    keys = [f"k{number}" for number in range(200)]
    number = machine.insert(*keys, table=M)
    machine.target.faults.cut("before", "ApplySession.apply_part", nth=3)
    with pytest.raises(Transient):
        asyncio.run(machine.run())
    with pytest.raises(Divergence, match=f"alpha:{number}"):
        asyncio.run(machine.run())
    there = machine.target.tables[M].rows
    assert 0 < len([key for key in keys if key in there]) < len(keys)
    for key in keys:
        there.pop(key, None)
    _settle(machine, f"alpha:{number}", applied=False)
    asyncio.run(machine.run())
    assert machine.is_same()


def test_a_large_one_is_applied_in_parts(machine: Machine) -> None:
    machine.insert(*(f"k{number}" for number in range(200)), table=M)
    machine.update("k7", table=M)
    asyncio.run(machine.run())
    assert machine.is_same() and machine.target.faults.calls["ApplySession.apply_part"] > 3


@pytest.mark.parametrize("large", [False, True])
def test_a_transaction_that_changes_both_kinds_of_tables_is_refused(machine: Machine, large: bool) -> None:
    def fill(rows: Writing) -> None:
        rows.update(M, "a")
        for number in range(200 if large else 1):
            rows.insert(T, f"k{number}")

    number = machine.source.log.write(fill)
    before = machine.target.all_rows()
    with pytest.raises(Unsupported, match=f"alpha:{number}"):
        asyncio.run(machine.run())
    if not large:
        assert machine.target.all_rows() == before


def test_somebody_elses_row_is_named_and_nothing_behind_it_applied(machine: Machine) -> None:
    machine.target._watchers.clear()
    machine.target.tables[M].rows["new"] = ("theirs",)
    number = machine.insert("new", table=M)
    machine.update("a", table=M)
    with pytest.raises(UdupError, match=f"alpha:{number}"):
        asyncio.run(machine.run())
    assert str(number + 1) not in machine.target.rows(M)["a"]
