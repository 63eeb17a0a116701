"""The stream of a job is made as the document says; one that exists must fit, or is refused with what mends it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.drivers.messages.nats.small_sink import SmallSink
from udup.base.errors import Refused
from udup.drivers.messages.nats.connection import Connection
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
    ],
)
def test_a_stream_that_does_not_fit_is_refused(sink: SmallSink, config: dict[str, Any], told: str) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{prefix}", sink.prefix)
        if isinstance(value, list):
            return [filled(each) for each in value]
        return {key: filled(each) for key, each in value.items()} if isinstance(value, dict) else value

    async def main() -> None:
        await sink.make(filled(config))
        before = await sink.config()
        delivery = sink.delivery(Storage="file")
        with pytest.raises(Refused, match=told):
            await delivery.connect()
        await delivery.close()
        assert await sink.config() == before

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
