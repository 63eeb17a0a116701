"""A transaction that the target cannot take is passed over on purpose: it alone, and all behind it is applied."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine, T
from udup.base.errors import Conflict, Divergence, Refused, Transient, UdupError, Unavailable, Unsupported
from udup.drivers.fake.target import FakeTarget
from udup.pipeline.ownership import TableName

M: TableName = ("s", "m")


@pytest.fixture(autouse=True)
def following(machine: Machine) -> None:
    """The job follows, and from here on its target may be another one."""
    machine.insert("a", "b", "c")
    asyncio.run(machine.run())
    machine.target._watchers.clear()


def _stands_at(machine: Machine) -> UdupError:
    """Run as a supervisor would, with another run that is serial after a conflict; return what stops the job."""
    try:
        asyncio.run(machine.run())
    except Conflict:
        machine.serial = True
    except UdupError as error:
        assert not isinstance(error, Transient)
        return error
    with pytest.raises(UdupError) as stopped:
        asyncio.run(machine.run())
    machine.serial = False
    return stopped.value


def _skip(machine: Machine, error: UdupError) -> bool:
    return FakeTarget(machine.target).skip(machine.job, error.gtid, error.kept)


def _spoil(machine: Machine, key: str, table: TableName = T) -> None:
    """A row goes on the target, behind the job's back."""
    with machine.target.changed:
        del machine.target.tables[table].rows[key]


def test_a_transaction_that_contradicts_the_target_is_passed_over_and_nothing_else(machine: Machine) -> None:
    machine.update("b")
    number = machine.update("a", "b")
    machine.update("c")
    _spoil(machine, "a")
    error = _stands_at(machine)
    assert isinstance(error, Divergence) and error.gtid == f"alpha:{number}"
    assert _skip(machine, error)
    asyncio.run(machine.run())
    rows = machine.target.rows(T)
    assert "a" not in rows and str(number) not in rows["b"] and rows["c"] == machine.source.rows(T)["c"]
    assert not _skip(machine, error), "it is in the checkpoint"


def test_of_a_large_transaction_no_part_stays(machine: Machine) -> None:
    keys = [f"k{number}" for number in range(200)]
    machine.insert(*keys)
    asyncio.run(machine.run())
    number = machine.update(*keys)
    _spoil(machine, "k190")
    error = _stands_at(machine)
    assert error.gtid == f"alpha:{number}"
    assert machine.target.faults.calls["ApplySession.apply_part"] > 3
    _skip(machine, error)
    machine.update("a")
    asyncio.run(machine.run())
    assert all(str(number) not in entries for entries in machine.target.rows(T).values())


def test_after_a_definition_that_was_passed_over_the_next_runs_exactly_once(machine: Machine) -> None:
    number = machine.source.log.create(("s", "x"))
    machine.target.tables["s", "x"] = machine.target.tables[T]
    machine.source.log.create(("s", "y"))
    error = _stands_at(machine)
    assert (error.gtid, isinstance(error, Divergence)) == (f"alpha:{number}", True)
    _skip(machine, error)
    asyncio.run(machine.run())
    assert ("s", "y") in machine.target.tables
    rows = machine.target.jobs.rows[machine.job]
    assert rows.definitions == 1 == len(machine.target.statements_run)


def test_a_definition_that_ran_and_was_not_noted_is_counted_when_it_is_passed_over(machine: Machine) -> None:
    """Else the server would take the next one for the same, and not run it."""
    number = machine.source.log.create(("s", "x"))
    machine.source.log.create(("s", "y"))
    machine.target.faults.cut("after", "TargetControl.run_definition", 1)
    with pytest.raises(Transient) as cut:
        asyncio.run(machine.run())
    assert cut.value.gtid == f"alpha:{number}" and ("s", "x") in machine.target.tables
    assert _skip(machine, cut.value)
    asyncio.run(machine.run())
    assert ("s", "y") in machine.target.tables and machine.target.jobs.rows[machine.job].definitions == 2


def test_a_definition_that_waits_to_be_noted_is_not_counted_for_another_transaction(machine: Machine) -> None:
    machine.source.log.create(("s", "x"))
    machine.target.faults.cut("after", "TargetControl.run_definition", 1)
    with pytest.raises(Transient):
        asyncio.run(machine.run())
    number = machine.update("a")
    assert FakeTarget(machine.target).skip(machine.job, f"alpha:{number}", "")
    asyncio.run(machine.run())
    assert machine.target.jobs.rows[machine.job].definitions == 1 == len(machine.target.statements_run)


def test_the_rows_of_a_prepared_transaction_go_with_its_end(machine: Machine) -> None:
    machine.source.log.prepare("x", lambda rows: rows.update(T, "a"))
    asyncio.run(machine.run())
    _spoil(machine, "a")
    number = machine.source.log.end("x", commit=True)
    error = _stands_at(machine)
    assert (error.gtid, error.kept) == (f"alpha:{number}", "x")
    _skip(machine, error)
    assert machine.target.jobs.kept == {}
    machine.source.log.prepare("x", lambda rows: rows.update(T, "b"))  # the name is free again
    machine.source.log.end("x", commit=True)
    asyncio.run(machine.run())
    assert machine.target.rows(T)["b"] == machine.source.rows(T)["b"]


def test_the_end_of_a_prepared_transaction_that_was_passed_over_can_be_passed_over_too(machine: Machine) -> None:
    number = machine.source.log.prepare("x", lambda rows: rows.update(T, "a"))
    assert FakeTarget(machine.target).skip(machine.job, f"alpha:{number}", "")
    end = machine.source.log.end("x", commit=True)
    error = _stands_at(machine)
    assert isinstance(error, Unsupported) and error.gtid == f"alpha:{end}"
    _skip(machine, error)
    asyncio.run(machine.run())


def test_of_tables_that_undo_nothing_what_stood_before_it_stays_applied(machine: Machine) -> None:
    machine.source.log.create(M, transactional=False)
    machine.insert("a", "b", "c", table=M)
    asyncio.run(machine.run())
    first = machine.update("a", table=M)
    number = machine.update("b", table=M)
    _spoil(machine, "b", M)
    machine.update("c", table=M)
    with machine.target.locked_row(T, "a"):
        error = _stands_at(machine)
    assert error.gtid == f"alpha:{number}", error
    assert _skip(machine, error)
    asyncio.run(machine.run())
    rows = machine.target.rows(M)
    assert str(first) in rows["a"] and rows["c"] == machine.source.rows(M)["c"] and machine.target.jobs.notes == {}


def test_one_that_was_torn_is_passed_over_by_its_name_alone(machine: Machine) -> None:
    machine.source.log.create(M, transactional=False)
    machine.insert("a", "b", table=M)
    asyncio.run(machine.run())
    number = machine.update("a", "b", table=M)
    with machine.target.locked_row(M, "b"), pytest.raises(Divergence) as stopped:
        asyncio.run(machine.run())
    assert str(number) in str(stopped.value)
    with pytest.raises(Divergence) as asked:
        asyncio.run(machine.run())
    assert asked.value.gtid == f"alpha:{number}"
    with pytest.raises(Refused, match="another transaction"):
        FakeTarget(machine.target).skip(machine.job, f"alpha:{number + 1}", "")
    assert _skip(machine, asked.value)
    asyncio.run(machine.run())


def test_a_statement_that_the_source_cannot_tell_is_passed_over(machine: Machine) -> None:
    number = machine.update("a")
    with machine.target.changed:
        machine.target.tables[T].shape = "another"
    error = _stands_at(machine)
    assert isinstance(error, Unsupported) and error.gtid == f"alpha:{number}"
    _skip(machine, error)
    with machine.target.changed:
        machine.target.tables[T].shape = machine.source.tables[T].shape
    machine.update("b")
    asyncio.run(machine.run())
    assert machine.target.rows(T)["b"] == machine.source.rows(T)["b"]


def test_a_run_that_lives_is_not_disturbed(machine: Machine) -> None:
    number = machine.insert(*(f"k{number}" for number in range(200)))

    async def work() -> None:
        gate = machine.target.faults.hold("ApplySession.apply_part")
        run = asyncio.ensure_future(machine.run())
        await machine.reached(gate)
        with pytest.raises(Unavailable, match="being carried out"):
            await asyncio.to_thread(FakeTarget(machine.target).skip, machine.job, f"alpha:{number}", "")
        gate.release()
        await run

    asyncio.run(work())
    assert machine.is_same()


def test_a_job_without_a_checkpoint_has_nothing_to_pass_over(machine: Machine) -> None:
    with pytest.raises(Refused, match="no checkpoint"):
        FakeTarget(machine.target).skip("another", "alpha:1", "")
