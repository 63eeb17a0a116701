"""Tables that compute: their rows are written in the context of the session that wrote them, everywhere they go."""

from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.machine import Machine, T
from udup.base.errors import Transient

W = ("s", "w")
ZONES = ("Paris", "Tokyo", "Lima")


@pytest.fixture(autouse=True)
def following(machine: Machine) -> None:
    """The source has a table whose rows show the time zone of who wrote them."""
    machine.source.log.create(W, computes=True)
    machine.insert("a", "b", "c", table=W, zone="Paris")
    asyncio.run(machine.run())


@pytest.mark.parametrize("workers", [1, 3])
def test_each_row_is_written_in_the_time_zone_of_its_writer(machine: Machine, workers: int) -> None:
    machine.workers = workers
    for turn in range(30):
        machine.update("abc"[turn % 3], table=W, zone=ZONES[turn % 3])
        machine.insert(f"t{turn}", zone=ZONES[turn % 2])
        machine.update("abc"[turn % 2], table=W, zone=ZONES[(turn + 1) % 3])
    asyncio.run(machine.run())
    assert machine.is_same()
    assert {entry.partition("@")[2] for row in machine.target.rows(W).values() for entry in row} == set(ZONES)


def test_workers_join_no_transactions_of_two_contexts(machine: Machine, by_workers: None) -> None:
    machine.workers = 1
    for turn in range(40):
        machine.insert(f"k{turn}", table=W, zone=ZONES[turn % 2])
    asyncio.run(machine.run())
    assert machine.is_same()


def test_a_large_transaction_has_one_context_in_all_of_its_parts(machine: Machine) -> None:
    machine.insert(*(f"k{number}" for number in range(200)), table=W, zone="Tokyo")
    machine.update("k7", table=W, zone="Lima")
    asyncio.run(machine.run())
    assert machine.is_same() and machine.target.faults.calls["ApplySession.apply_part"] > 3


@pytest.mark.parametrize("commit", [True, False])
def test_a_prepared_transaction_keeps_its_context_over_runs(machine: Machine, commit: bool) -> None:
    machine.source.log.prepare("x", lambda rows: rows.update(W, "a"), context={"time_zone": "Tokyo"})
    machine.update("b", table=W, zone="Lima")
    asyncio.run(machine.run())
    machine.source.log.end("x", commit=commit)
    machine.update("c", table=W, zone="Paris")
    asyncio.run(machine.run())
    assert machine.is_same()
    assert any(entry.endswith("@Tokyo") for entry in machine.target.rows(W)["a"]) is commit


def test_a_context_is_sent_again_to_the_run_that_follows_one_that_was_cut(machine: Machine, by_workers: None) -> None:
    for turn in range(9):
        machine.update("a", table=W, zone=ZONES[turn % 3])
    machine.target.faults.cut("after", "ApplySession.apply", nth=2)
    ended = asyncio.run(machine.run_to_the_end())
    assert len(ended) == 1 and isinstance(ended[0], Transient)
    assert machine.is_same()


def test_a_table_that_begins_to_compute_while_it_is_followed_gets_its_contexts(machine: Machine) -> None:
    machine.insert("k", zone="Tokyo")
    machine.source.log.drop(T)
    machine.source.log.create(T, computes=True)
    machine.insert("k", zone="Tokyo")
    machine.update("k", zone="Lima")
    asyncio.run(machine.run())
    assert machine.is_same()
    assert [entry.partition("@")[2] for entry in machine.target.rows(T)["k"]] == ["Tokyo", "Lima"]
