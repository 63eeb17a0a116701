"""What the benchmarks of subscriptions share: jobs of a Udup server, the two sinks, and processor time by process."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx
import nats
import psutil
from confluent_kafka import Consumer, KafkaException, TopicPartition

from bench.servers import executed, session
from tests.drivers.messages.kafka.broker import Broker
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.client.connection import scalar
from udup.jobs.words import Stage
from udup.sandbox.api import Json
from udup.sandbox.node import UdupNode

#: Names of columns are in the log; commits need no disk where writing is not what is measured.
NAMED: Mapping[str, str | int] = {"binlog-row-metadata": "FULL"}
FILLED_FAST: Mapping[str, str | int] = {**NAMED, "sync-binlog": 0, "innodb-flush-log-at-trx-commit": 2}

#: Seconds between two looks at a sink, and for a job to do what is waited for.
POLL_SECONDS, DEADLINE = 0.02, 300.0


class Sink(Protocol):
    name: str

    def task(self, job: str, rows_per_message: int) -> Json:
        """Return the Dest task of a job."""
        ...

    def consumer(self, job: str, table: str) -> list[str]:
        """Return the arguments of `bench.consumer` that reads a table's messages."""
        ...

    @contextmanager
    def count(self, job: str, table: str) -> Iterator[Callable[[], int]]:
        """Provide how many messages are there by now."""
        ...


class JetStream:
    """The node's own."""

    name = "JetStream"

    def __init__(self, node: UdupNode) -> None:
        self._node = node

    @property
    def url(self) -> str:
        config = (self._node.data / "nats" / "nats.conf").read_text("utf-8")
        found = re.search(r'user: "udup", password: "([^"]+)"', config)
        if found is None:
            raise UdupError(f"{self._node.data}/nats/nats.conf has no password of the user udup")
        return f"nats://udup:{found[1]}@127.0.0.1:{self._node.nats_port}"

    def task(self, job: str, rows_per_message: int) -> Json:
        config = {"Prefix": job, "NatsConfig": {"Stream": job.upper()}, "RowsPerMessage": rows_per_message}
        return {"Type": "Dest", "Driver": "NATS", "Config": {**config, "Snapshot": "never"}}

    def consumer(self, job: str, table: str) -> list[str]:
        return ["nats", self.url, job.upper(), f"{job}.{table}"]

    @contextmanager
    def count(self, job: str, table: str) -> Iterator[Callable[[], int]]:
        with asyncio.Runner() as runner:
            client = runner.run(nats.connect(self.url))
            stream = client.jetstream()
            yield lambda: int(runner.run(stream.stream_info(job.upper())).state.last_seq)
            runner.run(client.close())


class Kafka:
    """A broker of the package noida-db, which stands for Apache Kafka."""

    name = "Kafka"

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def task(self, job: str, rows_per_message: int) -> Json:
        config = {"Prefix": job, "KafkaConfig": {"Brokers": [self._broker.address]}}
        return {
            "Type": "Dest",
            "Driver": "Kafka",
            "Config": {**config, "RowsPerMessage": rows_per_message, "Snapshot": "never"},
        }

    def consumer(self, job: str, table: str) -> list[str]:
        return ["kafka", self._broker.address, f"{job}.{table}"]

    @contextmanager
    def count(self, job: str, table: str) -> Iterator[Callable[[], int]]:
        settings = {"bootstrap.servers": self._broker.address, "group.id": "count", "log_level": 0}
        consumer = Consumer(settings, logger=None)
        partition = TopicPartition(f"{job}.{table}", 0)

        def count() -> int:
            try:
                return int(consumer.get_watermark_offsets(partition, timeout=5)[1])
            except KafkaException:  # there is no topic before the first message; what it knows of topics is kept
                with suppress(KafkaException):
                    consumer.list_topics(timeout=5)
                return 0

        yield count
        consumer.close()


@contextmanager
def broker(folder: Path) -> Iterator[Broker]:
    made = Broker(folder)
    made.start()
    try:
        yield made
    finally:
        made.kill()


@dataclass
class Subscription:
    """A job that delivers one schema. It begins with what is written after `post`."""

    node: UdupNode
    source: Endpoint
    schema: str
    job: str
    sink: Sink
    rows_per_message: int = 1

    def post(self) -> None:
        endpoint = self.source
        connection = {"Host": endpoint.host, "Port": endpoint.port, "User": endpoint.user}
        connection["Password"] = endpoint.password
        schemas = [{"TableSchema": self.schema}]
        task = {"ConnectionConfig": connection, "ReplicateDoDb": schemas}
        document: Json = {"ID": self.job, "Name": self.job, "Type": "subscribe"}
        document["Tasks"] = [
            {"Type": "Src", "Driver": "MySQL", "Config": task},
            self.sink.task(self.job, self.rows_per_message),
        ]
        self.node.post_job(document)
        self.node.wait_stage(self.job)

    def pause(self) -> None:
        httpx.post(f"{self.node.url}/v1/job/{self.job}/pause", timeout=30).raise_for_status()
        self.node.wait_stage(self.job, (Stage.PAUSED,))

    def resume(self) -> None:
        httpx.post(f"{self.node.url}/v1/job/{self.job}/resume", timeout=30).raise_for_status()

    def is_level(self, wanted: str) -> bool:
        """Whether the sink has all of a GTID set, as the API tells it: half a second late at most."""
        try:
            applied = self.node.job(self.job)["Progress"].get("applied_gtid") or ""
        except Transient:
            return False
        with session(self.source) as connection:
            return bool(applied and scalar(connection, "SELECT GTID_SUBSET(%s, %s)", wanted, applied))

    def wait_level(self) -> None:
        wanted = executed(self.source)
        wait(lambda: self.is_level(wanted), lambda: f"{self.job} did not get level: {self.node.job(self.job)}", 0.2)


def wait(condition: Callable[[], bool], problem: Callable[[], str], poll: float = POLL_SECONDS) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise UdupError(f"not within {DEADLINE:.0f} s: {problem()}")
        time.sleep(poll)


# ---- Processes ----

#: What a process is called in the tables, by a word of its command line.
_ROLES = {
    "extractor": "extractor",
    "applier": "applier",
    "nats-server": "nats-server",
    "noida": "broker",
    "mysqld": "mysqld",
}


@dataclass
class Processes:
    """The processes of a run by their roles, and the processor time that they have taken."""

    job: str
    found: dict[str, list[psutil.Process]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, job: str) -> Processes:
        """Find those whose command line names the run's folder; of Udup's own, those of the job."""
        processes = cls(job)
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                words = process.cmdline()
                line = " ".join(words)
                role = next((role for word, role in _ROLES.items() if word in line.lower()), "")
                of_job = role not in ("extractor", "applier") or job in line
                if role and of_job and str(folder) in line:
                    processes.found.setdefault(role, []).append(process)
        return processes

    def seconds(self) -> dict[str, float]:
        """Return the processor time of each role so far."""
        taken: dict[str, float] = {}
        for role, processes in self.found.items():
            for process in processes:
                with suppress(psutil.Error):
                    times = process.cpu_times()
                    taken[role] = taken.get(role, 0.0) + times.user + times.system
        return taken

    def resident(self) -> dict[str, float]:
        """Return the resident memory of each role now, in MB."""
        held: dict[str, float] = {}
        for role, processes in self.found.items():
            for process in processes:
                with suppress(psutil.Error):
                    held[role] = held.get(role, 0.0) + process.memory_info().rss / 1e6
        return held
