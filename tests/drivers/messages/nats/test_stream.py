"""The stream of a job is made as the document says; one that exists must fit, or is refused with what mends it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from tests.drivers.messages.nats.small_sink import SmallSink
from udup.base.errors import Refused, Transient
from udup.drivers.messages.nats.connection import Connection
from udup.drivers.messages.nats.destination import purge
from udup.drivers.messages.nats.stream import _covers
from udup.pipeline.ports.delivery import FoundPlace


def test_a_stream_is_made_with_the_first_run_and_not_before(sink: SmallSink) -> None:
    sink.keys = {"MaxAge": "7d", "MaxBytes": "1MB", "Compression": "s2", "Discard": "new", "Storage": "memory"}

    async def main() -> None:
        delivery = sink.delivery()
        await delivery.connect()
        async with sink.asked() as connection:
            assert sink.sink().stream not in str(await connection.ask("STREAM.NAMES"))
        await delivery.take_over()
        await delivery.close()
        config = await sink.config()
        wanted = {
            "subjects": sink.sink().subjects,
            "storage": "memory",
            "retention": "limits",
            "discard": "new",
            "max_age": 7 * 86400 * 10**9,
            "max_bytes": 1 << 20,
            "num_replicas": 1,
            "compression": "s2",
            "allow_direct": True,
            "deny_delete": True,
            "allow_atomic": True,
            "allow_batched": True,
            "allow_msg_ttl": True,
            "duplicate_window": 2 * 10**9,
        }
        assert {key: config.get(key) for key in wanted} == wanted
        assert config["metadata"]["udup.job"] == sink.job and config["metadata"]["udup.prefix"] == sink.prefix

    asyncio.run(main())


def test_a_stream_that_was_made_beforehand_becomes_the_jobs(sink: SmallSink) -> None:
    async def main() -> None:
        await sink.make({"max_age": 3600 * 10**9, "metadata": {"team": "sales"}})
        async with sink.opened() as (delivery, found):
            assert found == FoundPlace(None)
            await delivery.send(sink.unit(1, 0, 10))
            await delivery.stored()
        config = await sink.config()
        assert config["metadata"]["team"] == "sales" and config["metadata"]["udup.job"] == sink.job
        assert config["allow_batched"] and config["max_age"] == 3600 * 10**9

    asyncio.run(main())


def test_a_document_that_has_changed_changes_its_stream(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened(MaxAge="1d"):
            pass
        async with sink.opened(run=2, MaxAge="2d", MaxBytes="1GB"):
            pass
        async with sink.opened(run=3):
            pass
        config = await sink.config()
        assert config["max_age"] == 2 * 86400 * 10**9 and config["max_bytes"] == 1 << 30

    asyncio.run(main())


def filled(value: Any, prefix: str) -> Any:
    if isinstance(value, str):
        return value.replace("{prefix}", prefix)
    if isinstance(value, list):
        return [filled(each, prefix) for each in value]
    return {key: filled(each, prefix) for key, each in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (
            {"subjects": ["{prefix}.>"]},
            r"does not take .*__udup-position.* -- nats stream edit .* --subjects='.*position",
        ),
        ({"retention": "workqueue"}, "retention is 'workqueue'"),
        ({"retention": "interest"}, "retention is 'interest'"),
        ({"no_ack": True}, r"does not acknowledge messages \(no_ack\) -- nats stream edit"),
        ({"storage": "memory"}, "its storage is 'memory', Storage says 'file'"),
        ({"metadata": {"udup.job": "other", "udup.prefix": "{prefix}"}}, "the stream belongs to job 'other'"),
        ({"metadata": {"udup.prefix": "another"}}, "was made for the prefix 'another'"),
        ({"deny_purge": True}, "denies purging"),
        ({"persist_mode": "async"}, "acknowledges what it has not stored"),
        ({"allow_msg_counter": True, "allow_direct": True}, "has counters"),
        ({"sources": [{"name": "ANOTHER"}]}, "takes its messages from other streams"),
        ({"subject_transform": {"src": "{prefix}.>", "dest": "x.>"}}, "changes subjects"),
        ({"max_bytes": 10_000}, "beyond max_bytes 10000, .* -- let it have 67108864"),
        ({"max_msgs": 100}, "beyond max_msgs 100,"),
        ({"max_msgs_per_subject": 10}, "beyond max_msgs_per_subject 10,"),
    ],
)
def test_a_stream_that_does_not_fit_is_refused(sink: SmallSink, config: dict[str, Any], told: str) -> None:
    async def main() -> None:
        await sink.make(filled(config, sink.prefix))
        before = await sink.config()
        delivery = sink.delivery(Storage="file")
        with pytest.raises(Refused, match=told):
            await delivery.connect()
        await delivery.close()
        assert await sink.config() == before

    asyncio.run(main())


@pytest.mark.parametrize(
    "config",
    [
        {"duplicate_window": 0},
        {"compression": "s2"},
        {"max_msg_size": 400},
        {"max_msgs": 2000},
        {"max_msgs_per_subject": 100, "discard": "new", "discard_new_per_subject": True},
        {"first_seq": 1000},
        {"max_consumers": 1},
        {"consumer_limits": {"inactive_threshold": 5 * 10**9, "max_ack_pending": 5}},
        {"republish": {"src": "{prefix}.>", "dest": "again.{prefix}.>"}},
        {"subject_delete_marker_ttl": 2 * 10**9, "allow_msg_ttl": True, "allow_rollup_hdrs": True},
    ],
)
def test_a_stream_with_settings_of_its_own_is_used_as_it_is(sink: SmallSink, config: dict[str, Any]) -> None:
    async def main() -> None:
        await sink.make(filled(config, sink.prefix))
        async with sink.opened() as (delivery, found):
            assert found == FoundPlace(None)
            await delivery.send(sink.unit(1, 0, 50))
            await delivery.stored()
        async with sink.opened(run=2) as (_, found):
            assert found == FoundPlace("50")
        assert await sink.numbers() == list(range(50))

    asyncio.run(main())


def test_ids_that_a_stream_remembers_keep_a_job_out_for_seconds_alone(sink: SmallSink) -> None:
    """A job that begins anew sends IDs again; by NATS's own default they are known for two minutes.

    They are forgotten one by one: what is stored until the stream remembers the next one is passed over.
    """

    async def main() -> None:
        await sink.make({"duplicate_window": 120 * 10**9})
        async with sink.opened() as (delivery, _):
            await delivery.send(sink.unit(1, 0, 5))
            await delivery.stored()
        await purge(sink.sink(), sink.url, sink.job)
        async with asyncio.timeout(30):
            while len(await sink.numbers()) < 10:
                with suppress(Transient):
                    async with sink.opened(run=2) as (delivery, found):
                        assert found.position is None
                        first = len(found.ids)
                        await delivery.send(sink.unit(1, first, 5 - first))
                        await delivery.stored()
        assert await sink.numbers() == [0, 1, 2, 3, 4] * 2

    asyncio.run(main())


def test_mirrors_and_sealed_streams_are_refused(sink: SmallSink) -> None:
    async def main() -> None:
        async with sink.opened():
            pass
        name = sink.sink().stream

        async def refused(other: str, told: str) -> None:
            delivery = sink.delivery(Stream=other)
            with pytest.raises(Refused, match=told):
                await delivery.connect()
            await delivery.close()

        async with sink.asked() as connection:
            mirror = {"name": f"{name}_M", "mirror": {"name": name}, "storage": "file"}
            await connection.ask(f"STREAM.CREATE.{name}_M", mirror)
            await refused(f"{name}_M", "takes its messages from other streams")
            await _seal(connection, name)
            await refused(name, "is sealed")

    asyncio.run(main())


async def _seal(connection: Connection, name: str) -> None:
    config = (await connection.ask(f"STREAM.INFO.{name}"))["config"]
    await connection.ask(f"STREAM.UPDATE.{name}", {**config, "sealed": True})


def test_a_stream_with_messages_of_others_is_refused(sink: SmallSink) -> None:
    async def main() -> None:
        await sink.make({})
        async with sink.asked() as connection:
            await connection.store(f"{sink.prefix}.x", b"1", {})
        delivery = sink.delivery()
        with pytest.raises(Refused, match="has had 1 messages that no job has written"):
            await delivery.connect()
        await delivery.close()

    asyncio.run(main())


def test_subjects_of_another_stream_are_refused_by_name(sink: SmallSink) -> None:
    async def main() -> None:
        await sink.make({})
        delivery = sink.delivery(Stream="ANOTHER")
        await delivery.connect()
        with pytest.raises(Refused, match=r"subjects overlap with an existing stream .* another stream has these"):
            await delivery.take_over()
        await delivery.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("pattern", "subject", "covers"),
    [
        ("a", "a", True),
        ("a.>", "a.b.c", True),
        ("a.>", "a", False),
        ("a.*", "a.b", True),
        ("a.*", "a.>", False),
        ("a.>", "a.>", True),
        (">", "a.>", True),
        ("*.x", "a.x", True),
        ("a.b", "a", False),
        ("a", "a.b", False),
    ],
)
def test_what_a_pattern_covers(pattern: str, subject: str, covers: bool) -> None:
    assert _covers(pattern, subject) is covers
