"""A whole run without any server: copied, followed, and right at every commit, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator

import pytest

from tests.pipeline.machine import Machine, in_memory
from tests.pipeline.memory_link import Network
from udup.base.errors import Contended, Divergence, Superseded, Transient, UdupError
from udup.drivers.fake.server import FakeServer, Settings
from udup.drivers.fake.source_log import Writing
from udup.pipeline.apply import applier, inline, open_orders, worker
from udup.pipeline.ownership import Owner
from udup.pipeline.selection.selection import Selection
from udup.pipeline.transport.link import Subjects

T, U = ("s", "t"), ("s", "u")


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A job whose source has two tables, and whose target's rows are looked at after each commit."""
    network = Network()
    source = FakeServer("alpha", Settings(part_bytes=2000, beat_s=0.05, chunk_rows=10, piece_bytes=200))
    machine = Machine(source, FakeServer("omega"), network)
    machine.target.watch(machine.look)
    source.log.create(T)
    source.log.create(U)
    with in_memory(network):
        yield machine


@pytest.fixture
def by_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is small enough for the inline session."""
    monkeypatch.setattr(inline, "INLINE_BYTES", 0)


def _insert(machine: Machine, *keys: str, table: tuple[str, str] = T) -> None:
    def fill(writing: Writing) -> None:
        for key in keys:
            writing.insert(table, key)

    machine.source.log.write(fill)


def _update(machine: Machine, *keys: str, table: tuple[str, str] = T) -> None:
    def fill(writing: Writing) -> None:
        for key in keys:
            writing.update(table, key)

    machine.source.log.write(fill)


async def _again(machine: Machine, times: int = 5) -> list[UdupError]:
    """Run until all is there, again after whatever is worth it; return what has ended the runs before."""
    ended: list[UdupError] = []
    for _ in range(times):
        try:
            await machine.run()
            return ended
        except Transient as error:
            ended.append(error)
    raise AssertionError(f"does not come to an end: {ended}")


def _same(machine: Machine) -> None:
    assert machine.target.all_rows() == machine.source.all_rows()


def test_a_job_is_copied_and_then_followed(machine: Machine) -> None:
    _insert(machine, *(f"k{number}" for number in range(45)))
    asyncio.run(machine.run())
    assert machine.begun_after == [None]
    _same(machine)
    _update(machine, "k1", "k2")
    machine.source.log.alter(U, "id, name")
    _insert(machine, "a", table=U)
    asyncio.run(machine.run())
    assert machine.begun_after == [None, "alpha:1-3"]
    _same(machine)


def test_what_is_written_while_it_copies_and_follows_comes_along(machine: Machine) -> None:
    _insert(machine, *(f"k{number}" for number in range(45)))
    gate = machine.source.faults.hold("SourceCopy.read", nth=2)

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: machine.is_level() and "late" in machine.target.rows(T)))
        assert await asyncio.to_thread(gate.wait_until_reached)
        _update(machine, "k1")
        _insert(machine, "early")
        gate.release()
        while not machine.is_level():
            await asyncio.sleep(0.01)
            assert not running.done() or running.result() is None
        for number in range(30):
            _update(machine, f"k{number}")
        _insert(machine, "late")
        await running

    asyncio.run(work())
    _same(machine)


@pytest.mark.parametrize("workers", [1, 3])
def test_any_mixture_of_transactions_is_in_order_and_once(machine: Machine, workers: int) -> None:
    machine.workers = workers
    asyncio.run(machine.run())
    dice = random.Random(workers)
    log, alive, prepared = machine.source.log, {f"k{number}" for number in range(8)}, 0
    _insert(machine, *sorted(alive))
    for turn in range(120):
        keys = dice.sample(sorted(alive), 2)
        if dice.random() < 0.03:
            log.alter(T, f"shape {turn}")
        elif dice.random() < 0.05:
            log.rotate()
        elif dice.random() < 0.1:
            prepared += 1
            log.prepare(f"x{prepared}", lambda rows, keys=keys: rows.update(T, keys[0]))  # type: ignore[misc]
            log.end(f"x{prepared}", commit=dice.random() < 0.7)
        elif dice.random() < 0.1:
            large = [f"{turn}-{number}" for number in range(60)]
            _insert(machine, *large)
        else:
            _update(machine, *keys)
    asyncio.run(machine.run())
    _same(machine)
    calls = machine.target.faults.calls
    assert calls["ApplySession.apply"] and calls["ApplySession.apply_part"] and calls["TargetControl.end_prepared"]


def test_a_large_transaction_goes_in_parts_and_becomes_visible_at_once(machine: Machine) -> None:
    asyncio.run(machine.run())
    _insert(machine, *(f"k{number}" for number in range(200)))
    asyncio.run(machine.run())
    _same(machine)
    assert machine.target.faults.calls["ApplySession.apply_part"] > 3


@pytest.mark.parametrize("commit", [True, False])
def test_the_end_of_a_prepared_transaction_may_come_in_a_later_run(machine: Machine, commit: bool) -> None:
    _insert(machine, "a")
    asyncio.run(machine.run())
    machine.source.log.prepare("x", lambda rows: rows.update(T, "a"))
    asyncio.run(machine.run())
    assert machine.target.rows(T) == {"a": ("3",)}
    machine.source.log.end("x", commit=commit)
    _update(machine, "a")
    asyncio.run(machine.run())
    _same(machine)
    assert machine.target.jobs.kept == {}


def test_a_definition_waits_for_all_before_it_and_what_follows_waits_for_it(machine: Machine) -> None:
    _insert(machine, "a", "b")
    asyncio.run(machine.run())
    _update(machine, "a")
    machine.source.log.alter(T, "id, name")
    _update(machine, "a")
    gate = machine.target.faults.hold("TargetControl.run_definition")

    async def work() -> None:
        running = asyncio.ensure_future(machine.run())
        assert await asyncio.to_thread(gate.wait_until_reached)
        assert machine.target.rows(T)["a"] == ("3", "4")
        gate.release()
        await running

    asyncio.run(work())
    assert machine.target.rows(T)["a"] == ("3", "4", "#5", "6")


def _cut(machine: Machine, call: str, when: str) -> None:
    """A call of a run that has something to do is cut, and the job goes on in another."""
    _insert(machine, "a", "b", "c")
    asyncio.run(machine.run())
    for key in "abcabcabc":
        _update(machine, key)
    server = machine.source if call == "ChangeLog.next" else machine.target
    server.faults.cut(when, call)  # type: ignore[arg-type]

    async def work() -> None:
        with pytest.raises(Transient):
            await machine.run(lambda: False)
        await machine.run()

    asyncio.run(work())
    assert len(server.faults.fired) == 1
    _same(machine)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_of_a_worker_that_is_cut_costs_a_run_and_no_row(machine: Machine, by_workers: None, when: str) -> None:
    _cut(machine, "ApplySession.apply", when)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["InlineSession.apply", "TargetControl.advance"])
def test_a_call_of_the_applier_that_is_cut_costs_a_run_and_no_row(machine: Machine, call: str, when: str) -> None:
    _cut(machine, call, when)


def test_a_log_that_breaks_off_costs_a_run_and_no_row(machine: Machine) -> None:
    _cut(machine, "ChangeLog.next", "before")


@pytest.mark.parametrize(
    "call",
    [
        "Source.open_copy",
        "SourceCopy.read",
        "CopyWriter.make_tables",
        "Target.open_loader",
        "RowLoader.load",
        "CopyWriter.finish_table",
        "CopyWriter.finish_tables",
        "CopyWriter.make_objects",
        "TargetControl.finish_copy",
        "TargetControl.claim_tables",
    ],
)
def test_a_copy_that_fails_in_any_phase_begins_again(machine: Machine, call: str) -> None:
    _insert(machine, *(f"k{number}" for number in range(45)))
    server = machine.source if call.startswith("Source") else machine.target
    server.faults.cut("before", call, nth=2 if call in ("SourceCopy.read", "RowLoader.load") else 1)
    ended = asyncio.run(_again(machine))
    assert len(ended) == 1 and server.faults.fired
    _same(machine)


def test_a_copy_whose_last_answer_is_lost_is_not_copied_again(machine: Machine) -> None:
    _insert(machine, "a")
    machine.target.faults.cut("after", "TargetControl.finish_copy")

    async def work() -> None:
        with pytest.raises(Transient):
            await machine.run(lambda: False)
        _update(machine, "a")
        await machine.run()

    asyncio.run(work())
    assert machine.begun_after == [None, "alpha:1-3"]
    _same(machine)


@pytest.mark.parametrize("what", ["drop", "dup", "reorder"])
@pytest.mark.parametrize("channel", ["log", "work.1", "done"])
def test_a_message_that_is_lost_or_repeated_ends_the_run_and_costs_no_row(
    machine: Machine, by_workers: None, monkeypatch: pytest.MonkeyPatch, what: str, channel: str
) -> None:
    """What is missing at the end shows by nothing that comes after it: then whoever is silent is asked."""
    monkeypatch.setattr(open_orders, "QUIET_SECONDS", 0.2)
    monkeypatch.setattr(applier, "WATCH_SECONDS", 0.1)
    machine.workers = 1
    machine.message_bytes = 100
    _insert(machine, "a", "b")
    asyncio.run(machine.run())
    token = Subjects(machine.job, 0).token
    machine.network.command(what, f"udup.{token}.*.{channel}", nth=1 if channel == "done" else 2)  # type: ignore[arg-type]
    for _ in range(60):
        _update(machine, "a", "b")
    asyncio.run(_again(machine))
    assert machine.network.fired
    _same(machine)


def test_a_link_that_is_lost_ends_the_run(machine: Machine) -> None:
    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        while not machine.is_level():
            await asyncio.sleep(0.01)
        machine.network.cut()
        with pytest.raises(Transient):
            await running

    asyncio.run(work())


def test_whoever_is_superseded_says_by_whom_and_commits_nothing(machine: Machine) -> None:
    _insert(machine, "a")
    asyncio.run(machine.run())
    other = Machine(machine.source, machine.target, machine.network, owner=Owner("other", "somebody else"), runs=100)

    async def work() -> None:
        first = asyncio.ensure_future(machine.run(lambda: False))
        while len(machine.begun_after) < 2:
            await asyncio.sleep(0.01)
        second = asyncio.ensure_future(
            other.run(lambda: machine.source.log.executed <= other.position() and first.done())
        )
        with pytest.raises(Superseded, match="somebody else"):
            await first
        _update(machine, "a")
        await second

    asyncio.run(work())
    _same(machine)


def test_serial_runs_name_the_transaction_that_the_target_contradicts(machine: Machine) -> None:
    _insert(machine, "a", "b")
    asyncio.run(machine.run())
    for key in "ab" * 10:
        _update(machine, key)
    _insert(machine, "c")
    machine.source.log.write(lambda rows: rows.delete(T, "a"))
    with machine.target.changed:
        machine.target.tables[T].rows["c"] = ("theirs",)
    machine.target._watchers.clear()  # the target is not what it should be, on purpose
    machine.serial = True
    with pytest.raises(Divergence, match=r"alpha:24\b"):
        asyncio.run(machine.run())
    assert "a" in machine.target.rows(T), "nothing behind it was applied"


def test_a_locked_row_is_waited_for(machine: Machine) -> None:
    """By a worker: the inline session does not wait. In this loop both stand still meanwhile, so a thread holds it."""
    _insert(machine, "a")
    asyncio.run(machine.run())
    _update(machine, "a")
    locked, calls = threading.Event(), machine.target.faults.calls

    def hold() -> None:
        with machine.target.locked_row(T, "a"):
            locked.set()
            end = time.monotonic() + 20
            while calls.get("ApplySession.apply", 0) < 2 and time.monotonic() < end:
                time.sleep(0.002)

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(10)
    asyncio.run(machine.run())
    holder.join()
    _same(machine)
    assert calls["InlineSession.apply"] and calls["ApplySession.apply"] >= 2


def test_a_row_that_stays_locked_ends_the_run_to_be_tried_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _insert(machine, "a")
    asyncio.run(machine.run())
    _update(machine, "a")
    monkeypatch.setattr(worker, "_FIRST_PAUSE", 0.001)
    machine.target.faults.refuse("ApplySession.apply", Contended("locked"), nth=None)
    machine.target.faults.refuse("InlineSession.apply", Contended("locked"), nth=None)
    with pytest.raises(Transient, match="locked"):
        asyncio.run(machine.run())
    machine.target.faults.forget()
    asyncio.run(machine.run())
    _same(machine)


def test_a_drained_run_ends_by_itself_with_all_of_it_in_the_base_row(machine: Machine) -> None:
    _insert(machine, "a")

    async def work() -> None:
        running = asyncio.ensure_future(machine.run(lambda: False))
        while not machine.is_level():
            await asyncio.sleep(0.01)
        _update(machine, "a")
        while not machine.is_level():
            await asyncio.sleep(0.01)
        machine.drain()
        await running

    asyncio.run(work())
    rows = machine.target.jobs.rows[machine.job]
    assert rows.executed == "alpha:1-4"


def test_no_more_is_under_way_than_the_window_holds(machine: Machine) -> None:
    asyncio.run(machine.run())
    machine.window_messages, machine.message_bytes = 4, 100
    token = Subjects(machine.job, 0).token
    gate = machine.target.faults.hold("TargetControl.check_tables")
    for number in range(100):
        _insert(machine, f"k{number}")

    def sent() -> int:
        return machine.network.published.get(f"udup.{token}.2.log", 0)

    async def work() -> None:
        running = asyncio.ensure_future(machine.run())
        assert await asyncio.to_thread(gate.wait_until_reached)
        while sent() < 4:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        assert sent() <= 8, "a few were credited before the first row was looked at"
        gate.release()
        await running

    asyncio.run(work())
    assert sent() >= 100
    _same(machine)


def test_what_is_not_the_jobs_is_noted_and_left_out(machine: Machine) -> None:
    machine.selection = Selection.of([("s", ["t"])])
    _insert(machine, "a")
    asyncio.run(machine.run())
    _insert(machine, "b", table=U)
    _update(machine, "a")
    _insert(machine, "c", table=U)
    asyncio.run(machine.run())
    assert machine.target.all_rows() == {T: machine.source.rows(T)}
