"""Two runs of one job: the later one has it, and the earlier one commits nothing more, whatever it was doing."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine, T
from udup.base.errors import Refused, Superseded
from udup.pipeline.ownership import Claim, Owner


def _other(machine: Machine) -> Machine:
    """The same job on another node."""
    return Machine(machine.source, machine.target, machine.network, owner=Owner("other", "somebody else"), runs=100)


def test_whoever_is_superseded_says_by_whom_and_commits_nothing(machine: Machine) -> None:
    machine.insert("a")
    asyncio.run(machine.run())
    other = _other(machine)

    async def work() -> None:
        first = asyncio.ensure_future(machine.run(lambda: False))
        while len(machine.begun_after) < 2:
            await asyncio.sleep(0.005)
        second = asyncio.ensure_future(other.run(lambda: first.done() and other.is_level()))
        while not other.begun_after:
            await asyncio.sleep(0.005)
        machine.update("a")  # an owner that has nothing to do notices nothing
        with pytest.raises(Superseded, match="somebody else"):
            await first
        await second

    asyncio.run(work())
    assert machine.is_same()


def test_a_start_that_is_refused_leaves_no_checkpoint_that_holds_the_job_to_it(machine: Machine) -> None:
    machine.insert("a")
    machine.start_after = str(machine.position())
    machine.insert("b")
    machine.target.claims[T] = Claim(T, "another", "beta", T, "beta", "here")
    with pytest.raises(Refused, match="kept current by"):
        asyncio.run(machine.run())
    assert machine.target.jobs.rows[machine.job].is_copying, "none yet"
    machine.target.claims.clear()
    machine.start_after = None
    asyncio.run(machine.run())
    assert machine.begun_after[-1] is None and machine.is_same(), "the corrected document has it copied"


def test_a_run_that_ends_before_its_first_checkpoint_begins_at_the_same_place(machine: Machine) -> None:
    machine.start_after = start = str(machine.position())
    machine.target.faults.cut("after", "TargetControl.begin")
    machine.insert("a")
    ended = asyncio.run(machine.run_to_the_end())
    assert len(ended) == 1 and machine.target.faults.fired
    assert machine.begun_after == [start, start] and machine.is_same()


def _write_everything(machine: Machine) -> None:
    """What makes a run that follows call everything that it can."""
    log = machine.source.log
    machine.update("a", "b")
    log.prepare("x", lambda rows: rows.update(T, "c"))
    log.end("x", commit=True)
    log.alter(T, "id, name")
    machine.insert(*(f"large {number}" for number in range(200)))
    machine.update("a", table=("s", "m"))
    machine.update("a")


_COPYING = (
    "Source.open_copy",
    "SourceCopy.read",
    "TargetControl.claim_tables",
    "CopyWriter.make_tables",
    "RowLoader.load",
    "CopyWriter.finish_table",
    "CopyWriter.finish_tables",
    "CopyWriter.make_objects",
    "TargetControl.finish_copy",
)

_FOLLOWING = (
    "Target.open_session",
    "TargetControl.claim_tables",
    "TargetControl.check_tables",
    "TargetControl.run_definition",
    "TargetControl.end_prepared",
    "TargetControl.advance",
    "ApplySession.apply_part",
    "ApplySession.apply_marked",
    "ApplySession.apply_marked rows",
)


@pytest.mark.parametrize(
    "kills",
    [pytest.param(True, marks=pytest.mark.slow), False],
    ids=["connections ended", "connections live on"],
)
@pytest.mark.parametrize(
    ("copied", "call"), [*((False, each) for each in _COPYING), *((True, each) for each in _FOLLOWING)]
)
def test_a_run_that_is_superseded_in_any_phase_changes_nothing_more(
    machine: Machine, copied: bool, call: str, kills: bool
) -> None:
    """It stands still in a call that has not been carried out, while another run does all that there is to do."""
    machine.target.settings.kills = kills
    machine.source.log.create(("s", "m"), transactional=False)
    machine.insert("a", "b", "c")
    machine.insert("a", table=("s", "m"))
    if copied:
        asyncio.run(machine.run())
        _write_everything(machine)
    server = machine.source if call.startswith("Source") else machine.target
    gate = server.faults.hold(call)
    other = _other(machine)

    async def work() -> None:
        first = asyncio.ensure_future(machine.run(lambda: False))
        try:
            await machine.reached(gate)
            if not copied:
                _write_everything(machine)
            await other.run()
            rows = machine.target.all_rows()
        finally:
            gate.release()
        with pytest.raises(Superseded):
            await first
        assert machine.target.all_rows() == rows

    asyncio.run(work())
    assert machine.is_same()
    assert machine.target.jobs.notes == {} and machine.target.jobs.kept == {}
