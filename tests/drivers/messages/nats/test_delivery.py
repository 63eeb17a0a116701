"""Units go into a real stream in order and once, and their position lies with them; another writer is kept out."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any

import pytest

from tests.drivers.messages.nats.small_sink import SmallSink, event, next_events
from udup.base.errors import Divergence, Refused, Superseded, Transient, Unavailable
from udup.drivers.messages.nats import delivery as delivery_module
from udup.drivers.messages.nats import reading, stream
from udup.drivers.messages.nats.delivery import NatsDelivery
from udup.drivers.messages.nats.frames import ID
from udup.drivers.messages.nats.stream import JOB
from udup.pipeline.ports.delivery import FoundPlace, Message, Unit


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)


def test_units_are_stored_in_order_and_told(sink: SmallSink) -> None:
    async def main() -> None:
        stored: list[int] = []
        async with sink.opened(stored=stored) as (delivery, found):
            assert found == FoundPlace(None)
            for number in range(1, 6):
                await delivery.send(sink.unit(number, (number - 1) * 100, 100))
            await delivery.stored()
            assert stored[-1] == 5 and stored == sorted(set(stored))
        assert await sink.numbers() == list(range(500))

    run(main())


def test_what_a_message_carries_comes_out_again(sink: SmallSink) -> None:
    async def main() -> None:
        more = (("__debezium.newkey", b'{"id":"\xc3\xbc"}'),)
        messages = [
            Message(sink.prefix, b'{"databaseName":"shop"}', b'{"ddl":"x"}', "g:1:ddl"),
            Message(f"{sink.prefix}.shop.orders", b'{"id":"\xc3\xbc"}', b'{"a":1}', "g:2:shop.orders:0:d", more, "d"),
            Message(f"{sink.prefix}.shop.orders", b'{"id":1}', None, "g:2:shop.orders:0:t", (), "d"),
            Message(f"{sink.prefix}.sh\u00f6p.a b*c>d..e", None, b"{}", "g:3:sh\u00f6p.a\nb:0", (), "c"),
            Message("outbox.event.order", None, b"{}", "g:4:x:0", (), "c"),
            Message(f"__debezium-heartbeat.{sink.prefix}", b"{}", b'{"ts_ms":1}', "h1"),
        ]
        async with sink.opened() as (delivery, _):
            await delivery.send(Unit(1, messages, '{"gtids":"g:1-4"}'))
            await delivery.stored()
        seen = await sink.seen()
        assert [each.subject for each in seen] == [
            sink.prefix,
            f"{sink.prefix}.shop.orders",
            f"{sink.prefix}.shop.orders",
            f"{sink.prefix}.sh%C3%B6p.a%20b%2Ac%3Ed.%.e",
            f"{sink.prefix}.outbox.event.order",
            f"__debezium-heartbeat.{sink.prefix}",
        ]
        assert [(each.key, each.value, each.operation) for each in seen[1:4]] == [
            (b'{"id":"\xc3\xbc"}', b'{"a":1}', "d"),
            (b'{"id":1}', None, "d"),
            (None, b"{}", "c"),
        ]
        assert seen[1].headers["__debezium.newkey"] == '{"id":"\u00fc"}'
        assert seen[3].id == "g:3:sh\u00f6p.a%0Ab:0"
        assert await reading.position(sink.sink(), sink.url) == '{"gtids":"g:1-4"}'

    run(main())


def test_a_later_run_goes_on_behind_what_is_stored(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 10))
            await delivery.stored()
        async with sink.opened(run=2) as (delivery, found):
            assert found == FoundPlace("10")
            await delivery.send(sink.unit(1, 10, 10))
            await delivery.stored()
        assert await sink.numbers() == list(range(20))

    run(main())


@pytest.mark.parametrize("count", [0, 1, 5, 150])
def test_messages_behind_the_last_position_are_told_by_their_ids(sink: SmallSink, count: int) -> None:
    """As after a death in the middle of a unit; and again, when the run that found them has died as well."""

    async def main() -> None:
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 10))
            await delivery.stored()
        async with sink.asked() as connection:
            for number in range(10, 10 + count):
                each = event(sink.prefix, number)
                await connection.store(each.topic, each.value or b"", {ID: each.id})
        for attempt in (2, 3):
            async with sink.opened(run=attempt) as (_, found):
                assert found.position == "10" and next_events(found)[1] == set(range(10, 10 + count))
                assert len(found.ids) == count

    run(main())


def test_a_position_among_messages_that_were_found_does_not_hide_them(sink: SmallSink) -> None:
    """A run that has dropped some of what is there stores how far it is, and dies."""

    async def main() -> None:
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 10))
            await delivery.stored()
        async with sink.asked() as connection:
            for number in range(10, 20):
                each = event(sink.prefix, number)
                await connection.store(each.topic, each.value or b"", {ID: each.id})
        async with sink.opened(run=2) as (delivery, _):
            await delivery.send(Unit(1, [], "15"))
            await delivery.stored()
        async with sink.opened(run=3) as (delivery, found):
            position, there = next_events(found)
            assert position == 15 and there >= set(range(15, 20))
            await delivery.send(sink.unit(1, 20, 5))
            await delivery.send(Unit(2, [], "26"))
            await delivery.stored()
        async with sink.opened(run=4) as (_, found):
            assert found == FoundPlace("26")

    run(main())


def test_a_unit_without_messages_stores_its_position_and_replaces_the_one_before(sink: SmallSink) -> None:
    async def main() -> None:
        stored: list[int] = []
        async with sink.opened(stored=stored) as (delivery, _):
            for number in range(1, 11):
                await delivery.send(Unit(number, [], f"position {number}"))
            await delivery.stored()
            assert stored[-1] == 10
        assert await reading.position(sink.sink(), sink.url) == "position 10"
        async with sink.asked() as connection:
            state = (await connection.ask(f"STREAM.INFO.{sink.sink().stream}"))["state"]
        assert state["messages"] == 1 and state["last_seq"] == 11
        async with sink.opened(run=2) as (_, found):
            assert found == FoundPlace("position 10")

    run(main())


@pytest.mark.parametrize("length", [30_000, 300_000])
def test_a_long_position_is_stored_whole(sink: SmallSink, length: int) -> None:
    async def main() -> None:
        position = "x" * length
        stored: list[int] = []
        async with sink.opened(stored=stored) as (delivery, _):
            await delivery.send(Unit(1, [event(sink.prefix, 0), event(sink.prefix, 1)], position))
            await delivery.stored()
            assert stored[-1] == 1
        async with sink.opened(run=2) as (_, found):
            assert found == FoundPlace(position)
        assert await sink.numbers() == [0, 1]

    run(main())


def test_an_atomic_unit_lies_between_others(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 50))
            await delivery.send(sink.unit(2, 50, 1000, atomic=True))
            await delivery.send(sink.unit(3, 1050, 1, atomic=True))
            await delivery.send(sink.unit(4, 1051, 2, atomic=True))
            await delivery.send(sink.unit(5, 1053, 50))
            await delivery.stored()
        assert await sink.numbers() == list(range(1103))
        assert await reading.position(sink.sink(), sink.url) == "1103"

    run(main())


def test_nothing_of_an_atomic_unit_is_stored_behind_a_wrong_fence(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 5))
            await delivery.stored()
            async with sink.asked() as connection:
                await connection.store(f"{sink.prefix}.other", b"{}", {ID: "uuid:5:x:0"})
            with pytest.raises(Transient, match="the run begins again"):
                await delivery.send(sink.unit(2, 6, 500, atomic=True))
                await delivery.stored()
        assert await sink.numbers() == list(range(6))

    run(main())


def test_an_earlier_run_is_told_that_it_was_taken_over(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (old, _):
            await old.send(sink.unit(1, 0, 5))
            await old.stored()
            async with sink.opened(run=2) as (new, found):
                assert found.position == "5"
                with pytest.raises(Superseded, match=r"node-1 \(run 2\) has taken stream .* over"):
                    await old.send(sink.unit(2, 5, 5))
                    await old.stored()
                await new.send(sink.unit(1, 5, 5))
                await new.stored()
            with pytest.raises(Superseded):
                await old.check()
        assert await sink.numbers() == list(range(10))

    run(main())


def test_a_run_that_was_granted_before_adds_nothing_however_late_it_comes(sink: SmallSink) -> None:
    """Its node stood still before it took the stream over, or after that; the later run's is another node."""

    async def main() -> None:
        async with sink.opened(owner="node-1", run=7, number=7) as (frozen, _):
            await frozen.send(sink.unit(1, 0, 5))
            await frozen.stored()
            late = sink.delivery(owner="node-1", run=8, number=8)
            await late.connect()
            async with sink.opened(owner="node-2", run=9, number=9) as (new, found):
                assert found.position == "5", "it does not wait for one that still answers"
                await _adds_nothing(sink, frozen)
                with pytest.raises(Superseded, match="node-2"):
                    await late.take_over()
                await new.send(sink.unit(1, 5, 5))
                await new.stored()
            with pytest.raises(Superseded, match=r"node-2 \(run 9\) has taken .* over .*, and is a later run"):
                await late.take_over()  # when nobody answers any more, it is in the stream
            await late.close()
        async with sink.opened(owner="node-1", run=10, number=10) as (_, found):
            assert found == FoundPlace("10")
        async with sink.opened(owner="node-1", run=3) as (_, found):  # a node that is alone again
            assert found == FoundPlace("10")
        assert await sink.numbers() == list(range(10))

    run(main())


async def _adds_nothing(sink: SmallSink, delivery: NatsDelivery) -> None:
    with pytest.raises(Superseded):
        await delivery.send(sink.unit(2, 5, 5))
        await delivery.stored()


def test_another_owner_waits_while_the_writer_lives_and_then_takes_over(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 5))
            with pytest.raises(Superseded, match=r"carried out by node-1 \(run 1\)"):
                async with sink.opened(owner="node-2"):
                    pass
            await delivery.send(sink.unit(2, 5, 5))
            await delivery.stored()
        async with sink.opened(owner="node-2") as (_, found):
            assert found == FoundPlace("10")
        assert await sink.numbers() == list(range(10))

    run(main())


def test_a_run_whose_stream_is_written_by_others_begins_again(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 5))
            await delivery.stored()
            async with sink.asked() as connection:
                await connection.store(f"{sink.prefix}.x", b"{}", {ID: "uuid:5:x:0"})
            with pytest.raises(Transient, match="has not taken a message"):
                await delivery.send(sink.unit(2, 5, 200))
                await delivery.stored()
        assert await sink.numbers() == list(range(6))

    run(main())


def test_a_full_stream_makes_the_job_wait_and_takes_all_when_there_is_room(sink: SmallSink) -> None:
    async def main() -> None:
        sink.keys = {"Discard": "new", "MaxBytes": "20KB"}
        delivered, attempt = 0, 0
        for attempt in (1, 2):
            with pytest.raises(Unavailable, match=r"make room|purge"):
                async with sink.opened(run=attempt) as (delivery, found):
                    delivered, there = next_events(found)
                    events = [event(sink.prefix, each) for each in range(delivered, 300) if each not in there]
                    await delivery.send(Unit(1, events, "300"))
                    await delivery.stored()
        async with sink.opened(run=3, MaxBytes="1MB") as (delivery, found):
            delivered, there = next_events(found)
            events = [event(sink.prefix, each) for each in range(delivered, 300) if each not in there]
            assert len(events) < 300
            await delivery.send(Unit(1, events, "300"))
            await delivery.stored()
        assert await sink.numbers() == list(range(300))

    run(main())


def test_a_long_position_is_stored_together_with_what_is_stored_whole(sink: SmallSink) -> None:
    """One behind the other, a death in between would leave the rows of a snapshot without the position."""

    async def main() -> None:
        long = [f"{number}{' ' * (40 << 10)}" for number in range(4)]
        stored: list[int] = []
        async with sink.opened(stored=stored) as (delivery, _):
            for number in (1, 2):
                unit = sink.unit(number, (number - 1) * 10, 10, atomic=True)
                await delivery.send(dataclasses.replace(unit, position=long[number]))
            await delivery.stored()
            assert stored[-1] == 2
            async with sink.asked() as connection:
                last = await connection.ask(f"STREAM.INFO.{sink.sink().stream}")
            assert last["state"]["last_seq"] == 1 + 2 * 11  # the note at the beginning, and two batches
            await delivery.send(sink.unit(3, 20, 10))
            await delivery.stored()
        assert await sink.numbers() == list(range(30))
        async with sink.opened(run=2) as (delivery, found):
            assert found == FoundPlace("30")
            with pytest.raises(Refused, match="cannot store 1001 messages"):
                await delivery.send(dataclasses.replace(sink.unit(1, 30, 1000, atomic=True), position=long[3]))

    run(main())


def test_a_full_stream_is_told_by_a_check(sink: SmallSink) -> None:
    async def main() -> None:
        sink.keys = {"Discard": "new", "MaxBytes": "20KB"}
        async with sink.opened() as (delivery, _):
            await delivery.check()
            async with sink.asked() as connection:
                info = await connection.ask(f"STREAM.INFO.{sink.sink().stream}")
                small = {**info["config"], "max_bytes": info["state"]["bytes"]}
                await connection.ask(f"STREAM.UPDATE.{sink.sink().stream}", small)
            with pytest.raises(Unavailable, match="is full"):
                await delivery.check()

    run(main())


def test_a_stream_that_is_deleted_ends_the_job_by_name(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 5))
            await delivery.stored()
            async with sink.asked() as connection:
                await connection.ask(f"STREAM.DELETE.{sink.sink().stream}")
            with pytest.raises(Divergence, match="the stream was deleted"):
                await delivery.send(sink.unit(2, 5, 5))
                await delivery.stored()

    run(main())


@pytest.mark.parametrize("subjects", ["", ".>"])
def test_a_position_that_is_purged_while_the_job_runs_is_noted_again(sink: SmallSink, subjects: str) -> None:
    async def main() -> None:
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 5))
            await delivery.stored()
            purge = {"filter": f"{sink.prefix}{subjects}"} if subjects else {}
            async with sink.asked() as connection:
                await connection.ask(f"STREAM.PURGE.{sink.sink().stream}", purge)
            await delivery.check()
            await delivery.stored()
        async with sink.opened(run=2) as (_, found):
            assert found == FoundPlace("5")
        assert await sink.numbers() == []

    run(main())


def test_the_position_outlives_messages_that_age_has_ended(sink: SmallSink) -> None:
    async def main() -> None:
        sink.keys = {"MaxAge": "1s"}
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 5))
            await delivery.stored()
        async with asyncio.timeout(20):
            while await sink.seen():
                await asyncio.sleep(0.1)
        async with sink.opened(run=2) as (_, found):
            assert found == FoundPlace("5")

    run(main())


def test_a_server_without_jetstream_or_away_is_waited_for(sink: SmallSink) -> None:
    async def main() -> None:
        delivery = SmallSink("nats://127.0.0.1:1", sink.prefix).delivery()
        with pytest.raises(Unavailable, match="cannot connect to stream"):
            await delivery.connect()
        await delivery.close()

    run(main())


def test_a_wrong_password_is_refused(sink: SmallSink) -> None:
    async def main() -> None:
        bare = "nats://" + sink.url.rpartition("@")[2]
        delivery = sink.delivery(Url=bare, User="udup", Password="wrong-one")
        with pytest.raises(Refused, match="does not let the job in") as told:
            await delivery.connect()
        assert "wrong-one" not in str(told.value)

    run(main())


def test_a_job_that_is_purged_leaves_its_messages_and_begins_anew(sink: SmallSink) -> None:
    from udup.drivers.messages.nats.destination import purge

    async def main() -> None:
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 5))
            await delivery.stored()
        await purge(sink.sink(), sink.url, "another job")
        assert await reading.position(sink.sink(), sink.url) == "5"
        await purge(sink.sink(), sink.url, sink.job)
        assert await reading.position(sink.sink(), sink.url) is None
        assert JOB not in (await sink.config())["metadata"]
        assert await sink.numbers() == list(range(5))
        async with sink.opened(job="job-2", owner="node-2") as (_, found):
            assert found == FoundPlace(None)

    run(main())


def test_the_note_of_a_run_says_whose_it_is(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened(owner="node-7", run=9), sink.asked() as connection:
            found = await connection.last_of(sink.sink().stream, sink.sink().position_subject)
            assert found is not None
            said = json.loads(found.data)
            assert (said["job"], said["owner"], said["run"]) == (sink.job, "node-7", 9)

    run(main())


@pytest.mark.parametrize("count", [1, 199, 200, 201, 400])
def test_units_around_the_number_after_which_the_server_answers(sink: SmallSink, count: int) -> None:
    async def main() -> None:
        stored: list[int] = []
        async with sink.opened(stored=stored) as (delivery, _):
            for number in range(1, 7):
                await delivery.send(sink.unit(number, (number - 1) * count, count))
                if number in (2, 5):
                    await delivery.stored()
                    assert stored[-1] == number
                if number == 3:
                    await asyncio.sleep(0.01)
            await delivery.stored()
        assert await sink.numbers() == list(range(6 * count))

    run(main())


def test_a_unit_is_told_as_stored_when_none_follows(sink: SmallSink) -> None:
    async def main() -> None:
        stored: list[int] = []
        async with sink.opened(stored=stored) as (delivery, _):
            for number in range(1, 4):
                await delivery.send(sink.unit(number, number, 1))
                async with asyncio.timeout(20):
                    while stored[-1:] != [number]:
                        await asyncio.sleep(0.001)

    run(main())


def test_a_stream_without_fast_batches_takes_atomic_ones(sink: SmallSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """As servers before 2.14 have it."""
    monkeypatch.setattr(stream, "BATCHED_SINCE", (99, 0))

    async def main() -> None:
        async with sink.opened() as (delivery, _):
            assert not (await sink.config()).get("allow_batched")
            await delivery.send(sink.unit(1, 0, 2500))
            await delivery.send(sink.unit(2, 2500, 1))
            await delivery.send(sink.unit(3, 2501, 10))
            await delivery.stored()
            async with sink.asked() as connection:
                await connection.store(f"{sink.prefix}.x", b"{}", {ID: "uuid:2511:x:0"})
            with pytest.raises(Transient, match="the run begins again"):
                await delivery.send(sink.unit(4, 2512, 2000))
                await delivery.stored()
        assert await sink.numbers() == list(range(2512))

    run(main())


@pytest.mark.parametrize(("messages", "pause"), [(50, 0.0), (450, 0.0), (50, 0.002), (450, 0.05)])
def test_a_full_window_is_waited_for(
    sink: SmallSink, monkeypatch: pytest.MonkeyPatch, messages: int, pause: float
) -> None:
    """Whether the batch is ended while it waits or goes on."""
    monkeypatch.setattr(delivery_module, "WINDOW_MESSAGES", messages)
    monkeypatch.setattr(delivery_module, "COMMIT_SECONDS", pause)

    async def main() -> None:
        async with sink.opened() as (delivery, _):
            for number in range(1, 101):
                await delivery.send(sink.unit(number, (number - 1) * 40, 40))
            await delivery.stored()
        assert await sink.numbers() == list(range(4000))

    run(main())
