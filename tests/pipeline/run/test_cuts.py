"""A call that is cut before or after it took effect costs a run, and no row."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine


def _cut(machine: Machine, call: str, when: str) -> None:
    """A call of a run that has something to do is cut, and the job goes on in another."""
    machine.insert("a", "b", "c")
    asyncio.run(machine.run())
    for key in "abcabcabc":
        machine.update(key)
    server = machine.source if call == "ChangeLog.next" else machine.target
    server.faults.cut(when, call)  # type: ignore[arg-type]

    asyncio.run(machine.run_that_is_cut())
    assert len(server.faults.fired) == 1
    assert machine.is_same()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_of_a_worker_that_is_cut_costs_a_run_and_no_row(machine: Machine, by_workers: None, when: str) -> None:
    _cut(machine, "ApplySession.apply", when)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["InlineSession.apply", "TargetControl.advance"])
def test_a_call_of_the_applier_that_is_cut_costs_a_run_and_no_row(machine: Machine, call: str, when: str) -> None:
    _cut(machine, call, when)


def test_a_log_that_breaks_off_costs_a_run_and_no_row(machine: Machine) -> None:
    _cut(machine, "ChangeLog.next", "before")
