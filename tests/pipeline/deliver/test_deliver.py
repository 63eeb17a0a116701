"""Each change of the source is in the sink once and in order, whatever ends the runs."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterable
from contextlib import suppress

import pytest

from tests.pipeline.deliver.machine import Subscription, T, U
from udup.base.errors import Superseded, Transient, UdupError
from udup.drivers.fake.messages import FakeDelivery, FakeDestination
from udup.drivers.fake.source_log import Writing
from udup.pipeline.deliver import deliverer, units
from udup.pipeline.ownership import TableName
from udup.pipeline.ports.delivery import Message
from udup.pipeline.selection.selection import Selection


def expected(subscription: Subscription) -> list[str]:
    """Return the IDs that the log has from the beginning on, XA where it commits."""
    found: list[str] = []
    prepared = {}
    for entry in subscription.source.log.entries:
        if entry.statement is not None and not entry.changes:
            found.append(f"{entry.id.gtid}:ddl")
            continue
        if entry.xid and entry.commit is None and not entry.one_phase:
            prepared[entry.xid] = entry
            continue
        if entry.commit is False:
            continue
        done = prepared[entry.xid] if entry.commit else entry
        found.append(f"{entry.id.gtid}:begin")
        counts: dict[str, int] = {}
        for change in done.changes:
            table = ".".join(change.table)
            number = counts.get(table, 0)
            found.append(f"{entry.id.gtid}:{table}:{number}")
            counts[table] = number + 1
        found.append(f"{entry.id.gtid}:end")
    return found


def rebuilt(messages: Iterable[Message]) -> dict[str, str]:
    """Return the rows that a consumer of one table has at the end, each with all of its entries."""
    rows: dict[str, str] = {}
    for each in messages:
        key, value = json.loads(each.key or b""), json.loads(each.value or b"")
        if each.operation == "d":
            del rows[key]
        elif each.operation == "u":
            rows[key] += f"|{value}"
        else:
            assert key not in rows, f"{each.id} brings {key} again"
            rows[key] = value
    return rows


def source_rows(subscription: Subscription) -> dict[str, str]:
    return {key: "|".join(row) for key, row in subscription.source.rows(T).items()}


def write_at_random(subscription: Subscription, seed: int, count: int) -> None:
    """Write transactions of some rows in two tables; XA and large ones among them."""
    chance = random.Random(seed)
    log = subscription.source.log
    for number in range(count):
        keys = [f"{number}.{index}" for index in range(chance.choice((1, 1, 2, 5, 60)))]

        def fill(writing: Writing, keys: list[str] = keys) -> None:
            for key in keys:
                writing.insert(chance.choice((T, U)), key)

        match chance.randrange(6):
            case 0:
                log.prepare(f"x{number}", fill)
                log.write(lambda writing, number=number: writing.insert(U, f"between {number}"))
                log.end(f"x{number}", commit=chance.random() < 0.6)
            case 1:
                log.prepare(f"y{number}", fill, one_phase=True)
            case _:
                log.write(fill)


def test_each_change_is_delivered_in_the_order_of_the_log(subscription: Subscription) -> None:
    write_at_random(subscription, 1, 40)
    asyncio.run(subscription.run())
    assert subscription.ids() == expected(subscription)


def test_a_run_goes_on_where_the_last_one_was_drained(subscription: Subscription) -> None:
    subscription.insert("a")

    async def drained() -> None:
        running = asyncio.ensure_future(subscription.run(lambda: False))
        while len(subscription.rows()) < 1:
            await asyncio.sleep(0.002)
        assert subscription.deliverer is not None
        subscription.deliverer.drain()
        await running

    asyncio.run(drained())
    subscription.update("a")
    asyncio.run(subscription.run())
    assert subscription.ids() == expected(subscription)
    assert subscription.begun[-1].start_after == "alpha:1-3"


@pytest.mark.parametrize("seed", range(12))
def test_whatever_part_of_a_unit_is_stored_nothing_is_lost_or_doubled(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(units, "UNIT_MESSAGES", chance.choice((1, 3, 7, 1000)))
    write_at_random(subscription, seed, 30)
    for number in range(1, 40, chance.randrange(1, 5)):
        subscription.sink.cuts[number] = chance.choice((-1, 0, 1, 2, 5, 17))
    ended = asyncio.run(subscription.run_to_the_end())
    assert ended
    assert subscription.ids() == expected(subscription)


def test_a_prepared_transaction_is_delivered_when_it_commits_in_a_later_run(subscription: Subscription) -> None:
    log = subscription.source.log
    log.prepare("x", lambda writing: writing.insert(T, "held"))
    subscription.insert("other")
    asyncio.run(subscription.run(lambda: len(subscription.rows()) == 1))
    assert not any("held" in str(each.key) for each in subscription.rows())
    log.end("x", commit=True)
    asyncio.run(subscription.run(lambda: len(subscription.rows()) == 2))
    assert [json.loads(each.key or b"") for each in subscription.rows()] == ["other", "held"]


def test_a_prepared_transaction_holds_up_nothing_that_is_shown(subscription: Subscription) -> None:
    """It may stay prepared for days, and is neither late nor does anything wait behind it."""
    subscription.source.log.prepare("x", lambda writing: writing.insert(T, "held"))
    subscription.insert("a", "b", "c")
    told = subscription.told
    asyncio.run(subscription.run(lambda: bool(told) and told[-1].rows == 3))
    assert told[-1].waiting == 0


def test_a_writer_that_was_superseded_ends(subscription: Subscription) -> None:
    async def two() -> None:
        running = asyncio.ensure_future(subscription.run(lambda: False))
        subscription.insert("a")
        while not subscription.rows():
            await asyncio.sleep(0.002)
        subscription.sink.generation += 1
        subscription.insert("b")
        with pytest.raises(Superseded):
            await running

    asyncio.run(two())
    assert len(subscription.rows()) == 1


def test_a_sink_that_is_away_ends_the_run_and_loses_nothing(subscription: Subscription) -> None:
    async def away() -> None:
        running = asyncio.ensure_future(subscription.run(lambda: False))
        subscription.insert("a")
        while not subscription.rows():
            await asyncio.sleep(0.002)
        subscription.sink.is_up = False
        subscription.insert("b")
        with pytest.raises(Transient):
            await running

    asyncio.run(away())
    subscription.sink.is_up = True
    asyncio.run(subscription.run())
    assert subscription.ids() == expected(subscription)


def test_what_is_not_the_jobs_moves_the_position_on(subscription: Subscription) -> None:
    subscription.insert("a", table=U)
    asyncio.run(subscription.run())
    assert subscription.is_level()


def test_a_snapshot_comes_before_the_log_and_joins_it(subscription: Subscription) -> None:
    subscription.start_after = None
    subscription.insert(*(f"k{number}" for number in range(45)))
    subscription.insert("u", table=U)
    asyncio.run(subscription.run())
    subscription.update("k1", "k2")
    asyncio.run(subscription.run())
    assert rebuilt(subscription.rows()) == source_rows(subscription)
    assert subscription.begun[-1].start_after == "alpha:1-4"
    assert [each.operation for each in subscription.rows()].count("r") == 45


@pytest.mark.parametrize("cut", range(1, 7))
def test_a_snapshot_that_is_cut_goes_on_with_what_is_missing(subscription: Subscription, cut: int) -> None:
    subscription.start_after = None
    subscription.insert(*(f"k{number}" for number in range(25)), table=U)
    subscription.insert(*(f"k{number}" for number in range(9)))
    subscription.sink.cuts[cut] = 0

    async def work() -> None:
        try:
            await subscription.run()
        except UdupError:
            subscription.update("k1", "k2")
            subscription.update("k3", table=U)
            await subscription.run_to_the_end()
        assert subscription.is_level()

    asyncio.run(work())
    assert rebuilt(subscription.rows()) == source_rows(subscription)


@pytest.mark.parametrize("seed", range(12))
def test_a_table_that_is_cut_goes_on_behind_its_last_row(subscription: Subscription, seed: int) -> None:
    """Runs end in the middle of tables, and rows are written and taken away in between."""
    subscription.start_after = None
    chance = random.Random(seed)
    keys = [f"k{number:02}" for number in range(95)]
    subscription.insert(*chance.sample(keys, 60))
    subscription.insert(*chance.sample(keys, 30), table=U)
    cuts = sorted(chance.sample(range(2, 8), 3))
    for cut in cuts:
        subscription.sink.cuts[cut] = 0

    async def work() -> None:
        for _ in cuts:
            with suppress(Transient):
                await subscription.run()
            change_at_random(subscription, chance, keys)
        await subscription.run_to_the_end()

    asyncio.run(work())
    assert rebuilt(subscription.rows()) == source_rows(subscription)
    reads = [each.id for each in subscription.rows() if each.operation == "r"]
    assert len({each.partition(":")[0] for each in reads}) > 1, "no run ended in the middle of the snapshot"


def change_at_random(subscription: Subscription, chance: random.Random, keys: list[str]) -> None:
    """Commit transactions that write rows of both tables."""
    for _ in range(8):
        table = chance.choice((T, U))
        key, there = chance.choice(keys), subscription.source.rows(table)

        def fill(writing: Writing, table: TableName = table, key: str = key, is_there: bool = key in there) -> None:
            if not is_there:
                writing.insert(table, key)
            elif chance.random() < 0.4:
                writing.delete(table, key)
            else:
                writing.update(table, key)

        subscription.source.log.write(fill)


def test_a_table_that_joins_behind_a_death_doubles_nothing_that_is_there(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new table's rows lie in front of messages that are in the sink without a position."""
    monkeypatch.setattr(units, "UNIT_MESSAGES", 1000)
    subscription.selection = Selection.of([("s", ["t"])])
    for number in range(3):
        subscription.source.log.write(
            lambda writing, number=number: writing.insert(U, f"u{number}").insert(T, f"t{number}")  # type: ignore[misc]
        )
    subscription.sink.cuts[2] = 9  # three transactions, without the position
    with pytest.raises(Transient):
        asyncio.run(subscription.run())
    subscription.selection = Selection.of([("s", ["t", "u"])])
    monkeypatch.setattr(units, "UNIT_MESSAGES", 1)
    subscription.sink.cuts[4] = -1
    asyncio.run(subscription.run_to_the_end())
    found = [each for each in subscription.ids() if not each.endswith(":ddl")]
    assert len(found) == len(set(found)), "something came twice"
    assert {"t0", "t1", "t2"} == set(rebuilt(subscription.rows()))


def test_a_run_tells_which_sink_it_waits_for_while_that_does_not_answer(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def connect(_delivery: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(FakeDelivery, "connect", connect)
    monkeypatch.setattr(deliverer, "TOLD_SECONDS", 0.0)
    monkeypatch.setattr(deliverer, "REPORT_SECONDS", 0.001)
    asyncio.run(subscription.run(until=lambda: asked.is_set() and bool(subscription.told)))
    wait = subscription.told[-1].as_dict()["waiting_for"]
    assert (wait["what"], wait["side"]) == ("connection", "target")
    assert wait["statement"] == FakeDestination(subscription.sink).where
