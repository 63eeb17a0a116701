"""A subscription from outside: a MySQL source, a Udup server, and its JetStream read as a consumer does."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import nats
import nats.errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from tests.end_to_end.conftest import run, value
from udup.sandbox.api import Json
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

#: Seconds for a job to run, or for its events to come, on a machine that is busy.
DEADLINE = 60.0

POLL = 0.1


@dataclass(frozen=True)
class Event:
    """One message as a consumer sees it."""

    subject: str
    key: Any
    value: Any
    id: str
    headers: Mapping[str, str]

    @property
    def op(self) -> str:
        return str(self.value["op"]) if isinstance(self.value, dict) and "op" in self.value else ""


@dataclass
class Subscribed:
    """`stream` and `prefix` are those of the test's job."""

    source: MysqlServer
    node: UdupNode
    name: str
    posted: list[str] = field(default_factory=list)

    @property
    def stream(self) -> str:
        return self.name.upper()

    def on_source(self, *statements: str) -> None:
        run(self.source.endpoint, *statements)

    def executed(self) -> str:
        return str(value(self.source.endpoint, "SELECT @@GLOBAL.gtid_executed"))

    def document(self, src: Json | None = None, dest: Json | None = None) -> Json:
        endpoint = self.source.endpoint
        connection = {
            "Host": endpoint.host,
            "Port": endpoint.port,
            "User": endpoint.user,
            "Password": endpoint.password,
        }
        return {
            "ID": self.name,
            "Name": self.name,
            "Type": "subscribe",
            "Tasks": [
                {
                    "Type": "Src",
                    "Driver": "MySQL",
                    "Config": {"ConnectionConfig": connection, "ReplicateDoDb": [{"TableSchema": self.name}]}
                    | (src or {}),
                },
                {
                    "Type": "Dest",
                    "Driver": "NATS",
                    "Config": {"Prefix": self.name, "NatsConfig": {"Stream": self.stream}} | (dest or {}),
                },
            ],
        }

    def post(self, src: Json | None = None, dest: Json | None = None) -> None:
        """Post the job and wait until it runs."""
        self.node.post_job(self.document(src, dest))
        self.posted.append(self.name)
        self.node.wait_stage(self.name, deadline=DEADLINE)

    def forget_all(self) -> None:
        for job in self.posted:
            self.node.delete_job(job)
        self.posted.clear()

    def kill(self, process: str) -> None:
        """Kill a process of the server's by what it is called, as soon as there is one."""

        def killed() -> bool:
            for pid, title in self.node.pids().items():
                if process in title and pid != self.node.pid:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        return True
            return False

        self.wait_for(killed, lambda: f"a {process} to kill")

    # ---- The stream ----

    @property
    def nats_url(self) -> str:
        """Return how Udup itself gets in: the node keeps that in a file of its own."""
        config = (self.node.data / "nats" / "nats.conf").read_text("utf-8")
        password = re.search(r'user: "udup", password: "([^"]+)"', config)
        assert password is not None
        return f"nats://udup:{password[1]}@127.0.0.1:{self.node.nats_port}"

    def events(self, subject: str = "") -> list[Event]:
        """Return what the stream holds now, of one subject or of all."""
        return asyncio.run(self._read(subject))

    def size(self) -> int:
        """Return how many messages the stream has had; 0 while there is none, or nobody answers."""
        try:
            return asyncio.run(self._last())
        except (nats.errors.Error, OSError):
            return 0

    async def _last(self) -> int:
        client = await nats.connect(self.nats_url, allow_reconnect=False, connect_timeout=1)
        try:
            return int((await client.jetstream(timeout=1).stream_info(self.stream)).state.last_seq)
        finally:
            await client.close()

    async def _read(self, subject: str) -> list[Event]:
        client = await nats.connect(self.nats_url)
        try:
            stream = client.jetstream()
            last = (await stream.stream_info(self.stream)).state.last_seq
            found: list[Event] = []
            if not last:
                return found
            wanted = subject or f"{self.name}.>"
            config = ConsumerConfig(
                deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE, filter_subject=wanted, mem_storage=True
            )
            pulled = await stream.pull_subscribe(wanted, stream=self.stream, config=config)
            waiting = (await pulled.consumer_info()).num_pending
            while waiting > 0:
                for message in await pulled.fetch(min(waiting, 1000), timeout=DEADLINE):
                    found.append(_event(message.subject, message.data, message.headers or {}))
                    waiting -= 1
            await pulled.unsubscribe()
            return found
        finally:
            await client.close()

    def rows_of(self, table: str) -> list[Event]:
        return self.events(f"{self.name}.{self.name}.{table}")

    def wait_for(self, condition: Callable[[], bool], what: Callable[[], object], seconds: float = DEADLINE) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what()}"
            time.sleep(POLL)

    def level(self, seconds: float = DEADLINE) -> None:
        """Wait until the sink's position has all that the source has executed."""
        wanted = self.executed()

        def has_all() -> bool:
            applied = self.node.job(self.name)["Progress"].get("applied_gtid") or ""
            return bool(value(self.source.endpoint, "SELECT GTID_SUBSET(%s, %s)", wanted, applied))

        self.wait_for(has_all, lambda: self.node.job(self.name), seconds)

    def told_level(self) -> None:
        """Wait until the server says that the job is level, when it is asked and by itself."""
        path = f"/v1/job/{self.name}/level"

        def is_level() -> bool:
            told = self.node.job(self.name)["Progress"].get("level")
            return bool(told and self.node.api._request("GET", path).json()["Level"])

        self.wait_for(is_level, lambda: self.node.api._request("GET", path).json())


def _event(subject: str, data: bytes, headers: Mapping[str, str]) -> Event:
    key = headers.get("Udup-Key")
    return Event(
        subject,
        None if key is None else json.loads(key),
        json.loads(data) if data else None,
        headers.get("Nats-Msg-Id", ""),
        dict(headers),
    )


def rebuilt(events: Iterable[Event]) -> dict[str, Any]:
    """Return the rows that a consumer has at the end, by key; fail at what does not follow on what it has."""
    rows: dict[str, Any] = {}
    seen: set[str] = set()
    for event in events:
        if event.value is None:
            continue  # a tombstone
        assert event.id not in seen, f"{event.id} comes twice"
        seen.add(event.id)
        key = json.dumps(event.key, sort_keys=True)
        before, after = event.value["before"], event.value["after"]
        match event.op:
            case "c" | "r":
                assert key not in rows, f"{event.id}: {key} is there already"
                rows[key] = after
            case "u":
                assert rows.get(key) == before, f"{event.id}: {key} was {rows.get(key)}, not {before}"
                rows[key] = after
            case "d":
                assert rows.pop(key, None) == before, f"{event.id}: {key} was otherwise"
    return rows
