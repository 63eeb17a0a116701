"""What people and consumers read of a subscription in Kafka."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.messages.kafka.broker import Broker
from tests.drivers.messages.kafka.numbered import GTID, read_all, unit
from udup.base.errors import Refused
from udup.drivers.messages.kafka.config import KafkaSink
from udup.drivers.messages.kafka.destination import KafkaDestination
from udup.drivers.messages.kafka.reading import KafkaTail
from udup.pipeline.ports.delivery import DeliverySettings, Encoder, Unit
from udup.pipeline.ports.tail import NOW, START, Seen, TailRequest

_EXAMPLE = Path(__file__).parents[4] / "examples" / "consume_kafka.py"


def _no_encoder(settings: DeliverySettings) -> Encoder:
    raise AssertionError("nothing is encoded here")


def _store(settings: DeliverySettings, *units: Unit) -> None:
    async def run() -> None:
        destination = KafkaDestination.of(settings.plan, _no_encoder)
        delivery = destination.open_delivery(settings, lambda number: None)
        await delivery.connect()
        await delivery.take_over()
        for each in units:
            await delivery.send(each)
        await delivery.stored()
        await delivery.close()

    asyncio.run(asyncio.wait_for(run(), 60))


def test_the_position_is_read_and_purged_beside_the_messages(broker: Broker, prefix: str) -> None:
    settings = broker.settings(prefix)
    destination = KafkaDestination.of(settings.plan, _no_encoder)
    assert destination.where == broker.address
    assert destination.position(settings) is None
    destination.purge(settings)  # of a job that has never run
    _store(settings, unit(prefix, 1, 0, 10))
    other = broker.settings(prefix, job="job-2")
    _store(other, Unit(1, [], "of another"))
    assert destination.position(settings) == '{"next": 10}'
    destination.purge(settings)
    assert destination.position(settings) is None
    assert destination.position(other) == "of another"
    assert len(read_all(settings.plan)) == 10
    _store(settings, unit(prefix, 1, 0, 5))  # it begins again
    assert destination.position(settings) == '{"next": 5}'


def test_a_reader_follows_and_sees_tables_that_come_later(broker: Broker, prefix: str) -> None:
    settings = broker.settings(prefix)
    _store(settings, Unit(1, unit(prefix, 1, 0, 1).messages, "{}"))
    with closing(KafkaTail(KafkaSink.of(settings.plan), TailRequest(NOW))) as tail:
        while not tail.at_end:
            assert tail.read() == []
        _store(settings, unit(prefix, 1, 1, 3))
        assert {_n(each) for each in _take(tail, 2)} == {1, 2}


def _take(tail: KafkaTail, count: int) -> list[Seen]:
    found: list[Seen] = []
    deadline = time.monotonic() + 60
    while len(found) < count:
        assert time.monotonic() < deadline, found
        found += tail.read()
    return found


def _n(seen: Seen) -> int:
    return int(json.loads(seen.value or b"")["n"])


def test_a_reader_goes_on_at_a_cursor_and_begins_at_a_transaction(broker: Broker, prefix: str) -> None:
    settings = broker.settings(prefix)
    sink = KafkaSink.of(settings.plan)
    with pytest.raises(Refused, match="there is no topic"):
        KafkaTail(sink, TailRequest(START))
    _store(settings, unit(prefix, 1, 0, 10))
    with closing(KafkaTail(sink, TailRequest(START, table=("shop", "t1")))) as tail:
        assert [_n(each) % 2 for each in _take(tail, 5)] == [1] * 5
        cursor = tail.cursor
    _store(settings, unit(prefix, 1, 10, 14))
    with closing(KafkaTail(sink, TailRequest(START, cursor, ("shop", "t1")))) as tail:
        assert {_n(each) for each in _take(tail, 2)} == {11, 13}
    with closing(KafkaTail(sink, TailRequest(f"{GTID}:12"))) as tail:
        found: set[int] = set()
        while not found >= {12, 13}:  # those of other partitions may come first
            found |= {_n(each) for each in _take(tail, 1)}
        assert found <= {10, 11, 12, 13}
    with closing(KafkaTail(sink, TailRequest(f"{GTID}:99"))) as tail, pytest.raises(Refused, match="no message of"):
        _take(tail, 1)


def test_consumers_of_one_group_share_the_changes(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Each change is dealt with by one of them, and the next of the group goes on where they have ended."""
    settings = broker.settings(prefix, Partitions=4)
    _store(settings, unit(prefix, 1, 0, 300))
    lines = _consumed(broker, prefix, tmp_path / "first", members=2, changes=300)
    assert {_number(line) for line in lines} == set(range(300))
    assert {line["topic"] for line in lines} == {f"{prefix}.shop.t0", f"{prefix}.shop.t1"}
    _store(settings, unit(prefix, 1, 300, 310))
    lines = _consumed(broker, prefix, tmp_path / "later", members=1, changes=10, first=300)
    assert {_number(line) for line in lines} >= set(range(300, 310))
    assert len(lines) < 310  # what was committed does not come again


def test_the_example_reads_one_topic_for_all_and_takes_settings_of_the_client(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    settings = broker.settings(prefix, TopicWithSchemaTable=False)
    _store(settings, unit(prefix, 1, 0, 20))
    more = ("--topic", prefix, "-X", "client.id=reports", "-X", "session.timeout.ms=6000")
    lines = _consumed(broker, prefix, tmp_path / "one", members=1, changes=20, more=more)
    assert [_number(line) for line in lines] == list(range(20))
    assert {line["topic"] for line in lines} == {prefix}


def _number(line: dict[str, Any]) -> int:
    return int(line["id"].split(":")[1])


def _consumed(
    broker: Broker, prefix: str, output: Path, members: int, changes: int, first: int = 0, more: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """What members of a group print, run until they have printed so many from the first on, then ended as by Ctrl-C."""
    names = ["--brokers", broker.address, "--prefix", prefix, "--group", f"g-{prefix}"]
    command = [sys.executable, str(_EXAMPLE), *names, *more]
    deadline = time.monotonic() + 60
    output.mkdir()
    processes = []
    for number in range(members):  # a file for each: a process writes no whole lines
        with (output / str(number)).open("wb") as file:
            processes.append(subprocess.Popen(command, stdout=file))
    try:
        while len({line["id"] for line in _lines(output) if _number(line) >= first}) < changes:
            assert time.monotonic() < deadline, _lines(output)
            assert all(process.poll() is None for process in processes)
            time.sleep(0.05)
    finally:
        for process in processes:
            process.send_signal(signal.SIGINT)
    codes = [process.wait(30) for process in processes]
    assert 0 in codes  # one that had not begun yet is ended by the signal itself
    return _lines(output)


def _lines(output: Path) -> list[dict[str, Any]]:
    """The whole lines of the files of a folder, which are being written."""
    return [json.loads(line) for file in output.iterdir() for line in file.read_bytes().split(b"\n")[:-1]]
