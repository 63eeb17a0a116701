"""A comparison beside a run sees both servers at one transaction, whatever is written, and holds nobody up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest

from tests.pipeline.machine import Machine, T, U, in_memory
from tests.pipeline.memory_link import Network
from tests.pipeline.verify.comparing import Comparison
from udup.base.errors import Fault, Refused, Transient
from udup.drivers.fake.server import FakeServer, Settings
from udup.pipeline.apply import applier
from udup.pipeline.apply import marks as target_marks
from udup.pipeline.extract import marks
from udup.pipeline.ports.compare import CompareTold, TableCompared
from udup.pipeline.verify import rounds, verifier
from udup.pipeline.verify.rounds import HoldLog, ReadTo, Release, StandAt


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setattr(applier, "FLUSH_SECONDS", 0.05)
    monkeypatch.setattr(verifier, "FIRST_PAUSE", 0.01)
    source = FakeServer("alpha", Settings(part_bytes=2000, beat_s=0.02, chunk_rows=10))
    machine = Machine(source, FakeServer("omega"), Network())
    source.log.create(T)
    source.log.create(U)
    machine.insert(*(f"k{number}" for number in range(20)))
    with in_memory(machine.network):
        yield machine


def beside_a_run(machine: Machine, work: Callable[[], Awaitable[None]]) -> None:
    async def both() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        try:
            await machine.caught_up()
            await asyncio.wait_for(work(), 20)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(both())


def _spoil(machine: Machine, table: tuple[str, str], key: str) -> None:
    """Change a row behind Udup's back on the target."""
    with machine.target.changed:
        machine.target.tables[table].rows[key] = "spoiled"


def test_equal_servers_are_found_equal_while_they_are_written_to(machine: Machine) -> None:
    async def work() -> None:
        comparison = Comparison(machine, continuous=True, seconds=0)
        comparing = asyncio.ensure_future(comparison.run())
        for number in count():
            if number >= 400 and len(set(comparison.comparer.at)) > 3 and comparison.ledger.tables.count("t") > 1:
                break
            machine.update(f"k{number % 20}")
            machine.insert(f"u{number}", table=U)
            if number % 40 == 0:
                machine.insert(*(f"large {number} {each}" for each in range(60)), table=U)
            await asyncio.sleep(0.001)
        comparing.cancel()
        await asyncio.gather(comparing, return_exceptions=True)
        assert comparison.ledger.rows == []
        await machine.caught_up()

    beside_a_run(machine, work)
    assert machine.is_same()


def test_what_was_changed_behind_its_back_is_found_and_nothing_else(machine: Machine) -> None:
    async def work() -> None:
        machine.insert("a", "b", table=U)
        await machine.caught_up()
        _spoil(machine, T, "k7")
        _spoil(machine, U, "more")
        with machine.target.changed:
            del machine.target.tables[U].rows["a"]
        comparison = Comparison(machine)
        comparing = asyncio.ensure_future(comparison.run())
        while not comparing.done():
            machine.update("k3")
            await asyncio.sleep(0)
        await comparing
        assert sorted(comparison.ledger.rows) == [("t", "k7", "differs"), ("u", "a", "missing"), ("u", "more", "extra")]
        last = comparison.told[-1]
        assert last.ended and (last.tables, last.differences) == (2, 3)
        assert [table.table for table in last.unlike] == ["t", "u"]
        assert comparison.comparer.closed

    beside_a_run(machine, work)


def test_what_is_told_again_behind_a_failure_is_counted_once(machine: Machine) -> None:
    async def work() -> None:
        machine.insert("a", table=U)
        await machine.caught_up()
        _spoil(machine, T, "k7")
        _spoil(machine, U, "a")
        comparison = Comparison(machine)
        comparison.comparer.fails_at = "u"
        await comparison.run()
        last = comparison.told[-1]
        assert (last.tables, last.rows, last.differences, len(last.found)) == (2, 21, 2, 2)
        assert last.failed_tries == 1

    beside_a_run(machine, work)


def test_a_continuous_comparison_outlives_what_ends_a_single_one(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Refused([Fault("Src", "the tables may not be locked", "GRANT LOCK TABLES")])

    def fail_once(comparison: Comparison) -> None:
        opened, left = comparison.comparer.open_source, [refused]

        def open_source() -> str:
            if left:
                raise left.pop()
            return opened()

        monkeypatch.setattr(comparison.comparer, "open_source", open_source)

    async def work() -> None:
        single = Comparison(machine)
        fail_once(single)
        with pytest.raises(Refused):
            await single.run()
        comparison = Comparison(machine, continuous=True)
        fail_once(comparison)
        comparing = asyncio.ensure_future(comparison.run())
        while "u" not in comparison.ledger.tables:
            assert not comparing.done()
            await asyncio.sleep(0.005)
        assert "may not be locked" in comparison.waits[0]
        comparing.cancel()
        await asyncio.gather(comparing, return_exceptions=True)


def test_what_a_lost_connection_has_compared_again_is_counted_once(machine: Machine) -> None:
    async def work() -> None:
        machine.insert("a", "b", table=U)
        await machine.caught_up()
        _spoil(machine, T, "k7")
        _spoil(machine, U, "a")
        comparison = Comparison(machine)
        compare, losses = comparison.comparer.compare, ["u", "u", "t"]

        def lost(told: CompareTold, seconds: float) -> bool:
            def table(ended: TableCompared) -> None:
                if losses and losses[-1] == ended.table:
                    losses.pop()
                    raise Transient("the connection is lost")
                told.table(ended)

            return compare(replace(told, table=table), seconds)

        comparison.comparer.compare = lost  # type: ignore[method-assign]
        await comparison.run()
        last = comparison.told[-1]
        assert not losses and (last.tables, last.differences, last.rows) == (2, 2, 22)
        assert [each.split()[:2] for each in last.found] == [["s.t", "k7"], ["s.u", "a"]]

    beside_a_run(machine, work)


def test_an_idle_job_is_compared_too(machine: Machine) -> None:
    async def work() -> None:
        comparison = Comparison(machine)
        await comparison.run()
        assert comparison.ledger.tables == ["t", "u"] and comparison.waits == []

    beside_a_run(machine, work)


def test_a_snapshot_that_lacks_what_was_read_is_opened_again(machine: Machine) -> None:
    async def work() -> None:
        comparison = Comparison(machine)
        opened, behind = comparison.comparer.open_source, ["alpha:1", "alpha:1-2"]
        comparison.comparer.open_source = lambda: (opened(), behind.pop(0) if behind else comparison.comparer.at[-1])[1]  # type: ignore[method-assign]
        await comparison.run()
        assert len(comparison.comparer.at) == 3 and comparison.waits == []

    beside_a_run(machine, work)


def test_a_snapshot_that_lacks_a_transaction_between_others_fails_this_try_alone(machine: Machine) -> None:
    async def work() -> None:
        comparison = Comparison(machine)
        opened, tries = comparison.comparer.open_source, [0]

        def open_source() -> str:
            tries[0] += 1
            if tries[0] > 1:
                return opened()
            first, _second, third = machine.update("k1"), machine.update("k2"), machine.update("k3")
            return f"alpha:1-{first}:{third}"  # the second becomes visible last

        comparison.comparer.open_source = open_source  # type: ignore[method-assign]
        await comparison.run()
        assert tries[0] == 2 and comparison.ledger.rows == []
        [why] = comparison.waits
        assert "is in the log before something that the snapshot holds" in why

    beside_a_run(machine, work)


@pytest.mark.parametrize("lost", [StandAt, HoldLog, ReadTo, Release])
def test_a_question_that_is_lost_fails_a_try_and_holds_nobody_up(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, lost: type
) -> None:
    monkeypatch.setattr(rounds, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(rounds, "STANDING_SECONDS", 0.1)

    async def work() -> None:
        comparison = Comparison(machine)
        comparison.lost = {lost}
        comparing = asyncio.ensure_future(comparison.run())
        while not comparison.waits:
            await asyncio.sleep(0.005)
        machine.update("k1")
        await machine.caught_up()
        comparison.lost = set()
        await comparing
        assert comparison.ledger.rows == [] and comparison.ledger.tables == ["t", "u"]

    beside_a_run(machine, work)


@pytest.mark.parametrize("dies_at", ["open_source", "open_target"])
def test_a_comparison_that_hangs_or_dies_holds_the_job_up_for_a_moment(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    monkeypatch.setattr(marks, "HOLD_SECONDS", 0.1)
    monkeypatch.setattr(target_marks, "STAND_SECONDS", 0.1)

    async def work() -> None:
        comparison = Comparison(machine)
        plain = getattr(comparison.comparer, dies_at)
        hung: list[bool] = []

        def hang() -> object:
            if not hung:
                hung.append(True)
                comparison.comparer.stopped.wait(0.5)
            return plain()

        monkeypatch.setattr(comparison.comparer, dies_at, hang)
        comparing = asyncio.ensure_future(comparison.run())
        while not hung:
            await asyncio.sleep(0.005)
        machine.update("k1")
        await machine.caught_up()
        assert not comparing.done() and comparison.waits == [], "it hangs still, and the job goes on"
        await comparing
        assert comparison.ledger.rows == [] and len(comparison.waits) == 1

        gone = Comparison(machine)  # which is never heard of again
        await gone.rounds.hold(1)
        machine.update("k2")
        await machine.caught_up()

    beside_a_run(machine, work)


def test_a_run_that_ends_in_between_fails_the_try_and_the_next_run_is_compared(machine: Machine) -> None:
    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        await machine.caught_up()
        comparison, loop = Comparison(machine), asyncio.get_running_loop()
        opened = comparison.comparer.open_source

        def end_the_run() -> str:
            comparison.comparer.open_source = opened  # type: ignore[method-assign]
            asyncio.run_coroutine_threadsafe(end(), loop).result(20)
            return opened()

        async def end() -> None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        comparison.comparer.open_source = end_the_run  # type: ignore[method-assign]
        comparing = asyncio.ensure_future(comparison.run())
        while not comparison.waits:
            await asyncio.sleep(0.005)
        assert "the run has ended" in comparison.waits[0] and not comparing.done()
        running = asyncio.ensure_future(machine.run(lambda: False))
        try:
            await asyncio.wait_for(comparing, 20)
        finally:
            await end()
        assert comparison.ledger.rows == [] and comparison.told[-1].ended

    asyncio.run(work())


def test_a_single_comparison_ends_by_the_last_of_many_failures(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier, "TRIES", 3)

    async def work() -> None:
        comparison = Comparison(machine)
        comparison.comparer.open_target = lambda: (_ for _ in ()).throw(Transient("away"))  # type: ignore[method-assign]
        with pytest.raises(Transient, match="away"):
            await comparison.run()
        assert len(comparison.waits) == 2 and comparison.comparer.closed
        machine.update("k1")
        await machine.caught_up()

    beside_a_run(machine, work)


def test_a_mark_stands_between_the_parts_of_no_transaction(machine: Machine) -> None:
    """The reading is held at the end of one: what was read of it in part is not what a snapshot holds."""

    async def work() -> None:
        comparison = Comparison(machine, continuous=True)
        comparing = asyncio.ensure_future(comparison.run())
        for number in count():
            machine.insert(*(f"{number} {each}" for each in range(400)), table=U)
            await asyncio.sleep(0.01)
            if number >= 20 and "u" in comparison.ledger.tables:
                break
        comparing.cancel()
        await asyncio.gather(comparing, return_exceptions=True)
        assert comparison.ledger.rows == []

    beside_a_run(machine, work)
