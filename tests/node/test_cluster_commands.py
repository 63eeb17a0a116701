"""A cluster as its operator makes it: by the commands of `udup cluster`, on three addresses of this machine."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from nats.aio.client import Client
from nats.js.api import StreamConfig

from tests.node.nats_clients import work_as
from udup.base.cluster_settings import count_of_managers
from udup.base.config import Settings, load_settings
from udup.base.errors import UdupError
from udup.base.identity import load_node_id
from udup.cli import cli
from udup.cluster.beats import Role
from udup.cluster.nats_line import NatsLine
from udup.cluster.nodes_kept import NodeRecord, node_key, read_record
from udup.jobs import JobRecord
from udup.node.cluster_admin import read_status
from udup.node.nats_cluster import member_of
from udup.node.nats_server import NatsServer
from udup.node.shared_store import SharedStore
from udup.node.taking_along import check_certificate, check_place, take_along
from udup.sandbox.ports import free_port
from udup.store.sealing import load_keyring
from udup.store.snapshot import FILE_NAME, read_snapshot
from udup.store.store import JobStore

HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
SECONDS = 40.0


class Machine:
    """One node's folder; its nats-server as the node starts it, with what keeps the store."""

    def __init__(self, folder: Path, host: str, ports: str) -> None:
        self.folder, self.host = folder, host
        self.config, self.data = folder / "udup.toml", folder / "data"
        folder.mkdir()
        self.config.write_text(f"# of {host}\ndata_dir = {json.dumps(str(self.data))}\n{ports}")
        self.nats: NatsServer | None = None
        self.shared: SharedStore | None = None

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command of the group here; return what it prints."""
        result: Result = CliRunner().invoke(cli, ["cluster", *words, "--config", str(self.config)])
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    @property
    def settings(self) -> Settings:
        return load_settings(self.config)

    def start(self) -> None:
        settings = self.settings
        member = member_of(settings, load_node_id(self.data))
        folder = self.data / "nats"
        check_place(folder, member)
        if member is not None:
            check_certificate(member, self.host if member.manager else "")
        if member is not None and member.shares_store:
            take_along(folder, self.data / FILE_NAME, leave_streams=False)
        self.nats = NatsServer(folder, settings.ports.nats, member=member)
        self.nats.start()
        if member is not None and member.shares_store:
            self.shared = SharedStore(self.nats.url, member, folder)
            self.shared.start()

    def stop(self) -> None:
        if self.shared is not None:
            self.shared.close()
        if self.nats is not None:
            self.nats.stop()
        self.shared = self.nats = None

    def jobs(self, *new: str) -> set[str]:
        """Store jobs, and return which there are; as the node's owner, whose file is kept."""

        async def work() -> set[str]:
            assert self.nats
            keys = load_keyring(self.data)
            shared, file = self.shared is not None, self.data / FILE_NAME
            store = await JobStore.open(self.nats.url, "test", keys, owner=True, file=file, shared=shared)
            try:
                await store.load()
                for each in new:
                    await store.save(JobRecord(id=each, document={"Tasks": [{"Password": "secret"}]}))
                records = (await store.load())[0]
                assert all(each.document["Tasks"][0]["Password"] == "secret" for each in records)
                store.keep_snapshot()
                return {each.id for each in records}
            finally:
                await store.close()

        end = time.monotonic() + SECONDS
        while True:
            try:
                return asyncio.run(work())
            except UdupError:
                assert time.monotonic() < end
                time.sleep(0.1)


@pytest.fixture
def machines() -> Iterator[list[Machine]]:
    with tempfile.TemporaryDirectory(prefix="udup-tests-") as folder:
        leaf, routes = free_port(), free_port()
        ports = f"\n[ports]\nnats = 0\nleaf = {leaf}\ncluster = {routes}\n\n[retry]\nattempts = 3\n"
        made = [Machine(Path(folder) / host, host, ports) for host in (*HOSTS, "127.0.0.5")]
        yield made
        for each in made:
            each.stop()


def _join(first: Machine, other: Machine, *more: str, as_host: str = "") -> str:
    file = first.folder / f"{other.host}.token"
    told = first.run("token", as_host or other.host, str(file), *more)
    assert file.stat().st_mode & 0o077 == 0
    other.run("join", str(file))
    return told


def test_settings_of_a_cluster_are_made_by_commands(machines: list[Machine]) -> None:
    first, second, third, agent = machines
    first.run("init", "--host", HOSTS[0], "--manager", HOSTS[1], "--manager", HOSTS[2])
    assert "joins as manager" in _join(first, second)
    assert "joins as witness" in _join(first, third, "--witness")
    assert "joins as agent" in _join(first, agent, as_host="branch")
    assert [count_of_managers(each.settings) for each in machines] == [3, 3, 3, 0]
    assert third.settings.cluster.role == "witness" and second.settings.cluster.advertise == HOSTS[1]
    leaf = first.settings.ports.leaf
    assert agent.settings.cluster.join == [f"{host}:{leaf}" for host in HOSTS]
    assert len({each.settings.cluster.secret.get_secret_value() for each in machines}) == 1
    assert len({load_keyring(each.data).current for each in machines}) == 1
    for each in machines:
        text = each.config.read_text()
        assert text.startswith(f"# of {each.host}\n") and tomllib.loads(text)["retry"] == {"attempts": 3}
        assert each.settings.cluster.secret.get_secret_value() not in text
        member = member_of(each.settings, "id")
        assert member
        check_certificate(member, each.host if member.manager else "")
    assert not (second.data / "cluster" / "ca.key").exists()


def test_what_the_commands_refuse(machines: list[Machine]) -> None:
    first, second, *_ = machines
    assert "there are 1, 3 or 5 managers" in first.run("init", "--host", HOSTS[0], "--manager", HOSTS[1], code=1)
    assert "does not make this node a manager" in first.run("token", HOSTS[1], "x", code=1)
    first.run("init", "--host", HOSTS[0])
    assert "already" in first.run("init", "--host", HOSTS[0], code=1)
    assert "is this node itself" in first.run("token", HOSTS[0], "x", code=1)
    assert "a witness is a manager" in first.run("token", HOSTS[1], "x", "--witness", code=1)
    token = first.folder / "token"
    first.run("token", HOSTS[1], str(token))
    assert "is there already" in first.run("token", HOSTS[1], str(token), code=1)
    assert "is no token" in second.run("join", str(first.config), code=1)
    assert "cannot read the token" in second.run("join", str(first.folder / "none"), code=1)
    second.run("join", str(token))
    assert "already" in second.run("join", str(token), code=1)
    assert "start the server" in second.run("status", code=1)
    assert "knows no jobs" in first.run("recover", "--yes", code=1)


def test_the_template_of_settings_takes_a_cluster(machines: list[Machine]) -> None:
    first = machines[0]
    template = (Path(__file__).parents[2] / "config" / "udup.toml").read_text()
    first.config.write_text(template.replace('data_dir = "data"', f"data_dir = {json.dumps(str(first.data))}"))
    first.run("init", "--host", HOSTS[0])
    text = first.config.read_text()
    assert len(re.findall(r"^\[cluster\]", text, re.MULTILINE)) == 1 and "[log]" in text
    assert first.settings.cluster.role == "manager"


def test_streams_that_would_be_left_behind_are_named_before_anything_is_done(
    machines: list[Machine], server_folder: Path
) -> None:
    first = machines[0]
    first.start()
    first.jobs("a")

    async def add(client: Client) -> None:
        await client.jetstream().add_stream(StreamConfig(name="SHOP1", subjects=["shop1"]))

    assert first.nats
    work_as(first.nats.url, add)
    first.stop()
    first.run("init", "--host", HOSTS[0], "--manager", HOSTS[1], "--manager", HOSTS[2])
    folder, file = first.data / "nats", first.data / FILE_NAME
    with pytest.raises(UdupError, match=r"the streams SHOP1 of this node's own .* set cluster.leave_streams"):
        take_along(folder, file, leave_streams=False)
    assert not (folder / "store-brings.snapshot").exists()
    take_along(folder, file, leave_streams=True)
    brought = read_snapshot(folder / "store-brings.snapshot")
    assert brought and len(brought.values) == 1 and brought.store
    assert brought.position >= (read_snapshot(file) or brought).position


def _keep(machine: Machine, *records: NodeRecord) -> list[NodeRecord]:
    """Have the cluster know these nodes; return which it knows."""

    async def work() -> list[NodeRecord]:
        assert machine.nats
        line = await NatsLine.open(machine.nats.url, "test", timeout=10)
        try:
            await line.make(3)
            for each in records:
                await line.rewrite(node_key(each.known), each.encode(), 0)
            return [read_record(each.data) for each in (await line.news(0, "")).changes if each.data]
        finally:
            await line.close()

    return asyncio.run(work())


@pytest.mark.slow
def test_one_node_becomes_three_loses_one_for_good_and_then_all_others(
    machines: list[Machine], server_folder: Path
) -> None:
    """Its jobs are there throughout: over a manager that is replaced, a store that is begun again, and alone again."""
    first, second, third, fourth = machines
    first.start()
    first.jobs("a", "b")
    first.stop()
    first.run("init", "--host", HOSTS[0], "--manager", HOSTS[1], "--manager", HOSTS[2])
    for each in (second, third):
        _join(first, each)
    for each in (first, second, third):
        each.start()
    assert second.jobs("c") == third.jobs() == {"a", "b", "c"}
    assert _settled(first, 3)["leader"]

    # The third is lost; another takes its place, and it is removed.
    gone = load_node_id(third.data)
    assert "is not offline" in first.run("remove", gone[:8], "--yes", code=1)
    third.stop()
    for each in (first, second):
        each.config.write_text(each.config.read_text().replace(HOSTS[2], fourth.host))
    _join(first, fourth)
    fourth.start()
    assert fourth.jobs("d") == {"a", "b", "c", "d"}
    end = time.monotonic() + SECONDS
    while _status(first)["managers"].get(gone) != "offline":
        assert time.monotonic() < end
    assert re.search(rf"{gone}\s+offline", first.run("status"))
    _keep(first, NodeRecord(known=gone, name="third", role=Role.MANAGER), NodeRecord(known="an-agent"))
    assert gone in first.run("remove", gone[:8], "--yes")
    assert "an-agent" in first.run("remove", "an-a", "--yes")
    assert "names none of the managers" in first.run("remove", "an-a", "--yes", code=1)
    assert _keep(first) == [NodeRecord(known=gone, name="third", role=Role.MANAGER, removed=True)]
    left = _settled(first, 3)
    assert gone not in left["managers"] and load_node_id(fourth.data) in left["managers"]

    # All are lost but the first, and two empty ones take the places of the others.
    known = first.jobs()
    for each in (first, second, fourth):
        each.stop()
    told = first.run("recover", "--yes")
    assert "has 4 records" in told and "moved aside" in told
    second.run("recover", "--empty", "--yes")
    fourth.run("recover", "--empty", "--yes")
    for each in (first, second, fourth):
        each.start()
    assert fourth.jobs("e") == {*known, "e"} == first.jobs()

    # And alone again.
    for each in (first, second, fourth):
        each.stop()
    first.config.write_text(re.sub(r"(?m)^join = .*\n", "", first.config.read_text()))
    with pytest.raises(UdupError, match="was one of several managers"):
        first.start()
    first.run("recover", "--alone", "--yes")
    first.start()
    assert first.jobs("f") == {*known, "e", "f"}


def _settled(machine: Machine, managers: int) -> dict[str, Any]:
    """Return the status once so many managers have the whole store."""
    end = time.monotonic() + SECONDS
    while True:
        found = _status(machine)
        states = sorted(found.get("managers", {}).values())
        buckets = found.get("buckets", ())
        if (
            states.count("current") == managers - 1
            and buckets
            and all(len(each["current"]) == managers for each in buckets)
        ):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.2)


def _status(machine: Machine) -> dict[str, Any]:
    return asdict(read_status(machine.data, 3))
