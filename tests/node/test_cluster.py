"""Three managers and two agents, real nats-servers with TLS both ways, and the job store on them."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import StreamConfig
from nats.js.client import JetStreamContext
from structlog.testing import capture_logs

from tests.node.cluster_lab import Lab, Proxy
from tests.node.nats_clients import url_of, work_as
from udup.base.authority import make_authority
from udup.base.cluster_settings import Address
from udup.base.errors import Transient
from udup.jobs import JobRecord
from udup.node.link_watch import LinkWatch
from udup.node.nats_access import NatsAccess
from udup.node.nats_server import NatsServer
from udup.node.shared_store import SharedStore
from udup.node.taking_along import take_along
from udup.store.sealing import KEY_BYTES, load_keyring
from udup.store.store import JOBS_BUCKET, JobStore

KEYS = load_keyring(Path(), base64.b64encode(os.urandom(KEY_BYTES)).decode())

#: Seconds for what has to come, on a busy machine.
SECONDS = 40.0

RECORDS = 1000

#: Seconds within which a store is read that has no leader; one is elected after four at the earliest.
READ_SECONDS = 3.0


def _record(job_id: str) -> JobRecord:
    return JobRecord(id=job_id, document={"Name": job_id, "Tasks": [{"Password": "secret"}]})


@dataclass
class Cluster:
    lab: Lab
    managers: list[NatsServer]
    agents: list[NatsServer]
    stores: dict[str, SharedStore]
    holds: set[str]

    @property
    def nodes(self) -> list[NatsServer]:
        return [*self.managers, *self.agents]

    def start(self, manager: NatsServer) -> None:
        manager.start()
        assert manager.member
        store = SharedStore(manager.url, manager.member, manager.folder)
        store.start()
        self.stores[manager.member.node_id] = store

    def stop(self, manager: NatsServer, kill: bool = False) -> None:
        assert manager.member
        self.stores.pop(manager.member.node_id).close()
        if kill:
            os.kill(manager.pid, signal.SIGKILL)
        manager.stop()


def _hold_alone(folder: Path, file: Path) -> set[str]:
    """Have a node alone store jobs, as it does before it becomes one of several."""
    server = NatsServer(folder, 0)
    server.start()

    async def save() -> set[str]:
        store = await JobStore.open(server.url, "alone", KEYS, owner=True, file=file)
        await store.load()
        for number in range(RECORDS):
            await store.save(_record(f"alone-{number}"))
        store.keep_snapshot()
        await store.close()
        return {f"alone-{number}" for number in range(RECORDS)}

    try:
        return asyncio.run(save())
    finally:
        server.stop()


@pytest.fixture(scope="module")
def cluster(server_folder: Path) -> Iterator[Cluster]:
    """One node that has jobs, and two that join it; and agents."""
    lab = Lab(Path(tempfile.mkdtemp(prefix="cluster-", dir=server_folder)))
    managers = lab.managers(3)
    made = Cluster(lab, managers, [lab.agent(managers) for _ in range(2)], {}, set())
    file = managers[0].folder.parent / "jobs.snapshot"
    try:
        made.holds |= _hold_alone(managers[0].folder, file)
        take_along(managers[0].folder, file, leave_streams=False)
        for manager in managers:
            made.start(manager)
        for agent in made.agents:
            agent.start()
        assert all(each.has_begun.wait(SECONDS) for each in made.stores.values())
        yield made
    finally:
        for store in made.stores.values():
            store.close()
        lab.stop()


def _work(work: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(work(), 2 * SECONDS))


async def _until(call: Callable[[], Awaitable[Any]], seconds: float = SECONDS) -> Any:
    """Return what it returns once it raises no `Transient` and holds."""
    end = time.monotonic() + seconds
    while True:
        try:
            if found := await call():
                return found
        except Transient:
            pass
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def _open(server: NatsServer, owner: bool = True) -> JobStore:
    return await JobStore.open(server.url, "test", KEYS, owner=owner, writer=str(server.port), shared=True)


async def _ids(store: JobStore) -> set[str]:
    """Return the IDs of its records; that it changes its leader meanwhile is waited for."""
    return {each.id for each in (await _until(store.load))[0]}


async def _asked(server: NatsServer, call: Callable[[JetStreamContext], Awaitable[Any]]) -> Any:
    async with await nats.connect(server.url) as client:
        return await call(client.jetstream(timeout=5))


async def _bucket(server: NatsServer) -> Any:
    return await _asked(server, lambda context: context.stream_info(f"KV_{JOBS_BUCKET}"))


def test_what_one_node_holds_is_read_and_written_through_every_node(cluster: Cluster) -> None:
    """And its old store stays where it was."""

    async def work() -> None:
        stores = [await _open(each) for each in cluster.nodes]
        for store in stores:
            records, index = await _until(store.load)
            assert {each.id for each in records} == cluster.holds
            assert records[0].document["Tasks"][0]["Password"] == "secret" and index > RECORDS
        for number, store in enumerate(stores):
            await store.save(_record(f"of-node-{number}"))
            cluster.holds.add(f"of-node-{number}")
        for store in stores:
            assert await _ids(store) == cluster.holds
            await store.close()
        assert (await _bucket(cluster.agents[0])).config.num_replicas == 3

    _work(work)
    assert any((cluster.managers[0].folder / "jetstream").rglob(f"KV_{JOBS_BUCKET}"))


class Writer:
    """Writes one record after the other through a node, on a thread of its own, until it is stopped."""

    def __init__(self, server: NatsServer, name: str) -> None:
        self._server, self._name = server, name
        self.ids: set[str] = set()
        self.longest = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: _work(self._write))

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def wait_for_more(self) -> None:
        """Return when another one is written that was not begun yet."""
        wanted, end = len(self.ids) + 2, time.monotonic() + SECONDS
        while len(self.ids) < wanted:
            assert time.monotonic() < end
            time.sleep(0.02)

    async def _write(self) -> None:
        store = await _open(self._server)
        await _until(store.load)
        number = 0
        while not self._ended.is_set():
            began, number = time.monotonic(), number + 1
            record = _record(f"{self._name}-{number}")

            async def save(record: JobRecord = record) -> bool:
                return bool(await store.save(record))

            await _until(save)
            self.ids.add(record.id)
            self.longest = max(self.longest, time.monotonic() - began)
            await asyncio.sleep(0.02)
        await store.close()


def _wait(holds: Callable[[], Awaitable[bool]]) -> None:
    _work(lambda: _until(holds))


def test_managers_are_started_again_one_after_the_other_and_writes_go_on(cluster: Cluster) -> None:
    """A manager that is stopped hands the store on."""
    with Writer(cluster.agents[0], "rolling") as writer:
        for manager in cluster.managers:
            cluster.stop(manager)
            writer.wait_for_more()
            cluster.start(manager)
            _wait(lambda: _all_current(cluster))
    cluster.holds |= writer.ids
    assert _work(lambda: _read_all(cluster.agents[1])) == cluster.holds


@pytest.mark.slow
def test_the_leaders_death_stops_writes_for_seconds_and_no_read(cluster: Cluster) -> None:
    leader = _work(lambda: _leader(cluster))
    left = [each for each in cluster.managers if each is not leader]

    async def read() -> float:
        """Kill the leader, and return how long it takes then to read from the others."""
        stores = [await _open(each, owner=False) for each in left]
        for store in stores:
            await store.load()
        cluster.stop(leader, kill=True)
        began = time.monotonic()
        for store in stores:
            await store.load()
            await store.close()
        return time.monotonic() - began

    with Writer(left[0], "killed") as writer:
        assert _work(read) < READ_SECONDS
        writer.wait_for_more()
    cluster.holds |= writer.ids
    cluster.start(leader)
    _wait(lambda: _all_current(cluster))
    for node in cluster.nodes:
        assert _work(lambda node=node: _read_all(node)) == cluster.holds


@pytest.mark.slow
def test_all_stopped_and_started_again_have_every_record(cluster: Cluster) -> None:
    for manager in cluster.managers:
        cluster.stop(manager, kill=True)
    for manager in cluster.managers:
        cluster.start(manager)
    _wait(lambda: _all_current(cluster))
    for node in cluster.nodes:
        assert _work(lambda node=node: _read_all(node)) == cluster.holds


def test_a_node_with_another_secret_or_certificate_is_refused_and_the_log_says_why(cluster: Cluster) -> None:
    lab, foreign = cluster.lab, make_authority("another")
    trusting = lab.tls("trusting")
    Path(trusting.ca).write_text(foreign.cert)
    wrong = {
        "cluster.secret": lab.agent(cluster.managers, secret="another-secret-of-the-tests"),
        "no certificate of this cluster's authority": lab.agent(cluster.managers, tls=lab.tls("foreign", foreign)),
        "cluster.tls_ca": lab.agent(cluster.managers, tls=trusting),
    }
    with capture_logs() as told:
        watches = [LinkWatch(each.log) for each in (*cluster.managers, *wrong.values())]
        for agent in wrong.values():
            agent.start()
        end = time.monotonic() + SECONDS
        while missing := [why for why in wrong if not any(why in str(each.get("why")) for each in told)]:
            assert time.monotonic() < end, missing
            for watch in watches:
                watch.look()
            time.sleep(0.05)

    async def refused(server: NatsServer) -> None:
        store = await _open(server, owner=False)
        with pytest.raises(Transient):
            await store.load()
        await store.close()

    async def all_refused() -> None:
        await asyncio.gather(*(refused(each) for each in wrong.values()))

    _work(all_refused)
    for agent in wrong.values():
        agent.stop()


def test_a_consumer_is_answered_by_the_manager_that_let_it_in(cluster: Cluster) -> None:
    """Each manager has users of its own, and gates of others are not asked."""

    async def fill(udup: Client) -> None:
        await udup.jetstream().add_stream(StreamConfig(name="SHOP", subjects=["shop"], num_replicas=3))
        await udup.jetstream().publish("shop", b"1")

    async def read(client: Client, name: str) -> None:
        pull = await client.jetstream().pull_subscribe("shop", durable=name, stream="SHOP")
        (message,) = await pull.fetch(1, timeout=SECONDS)
        await message.ack_sync()
        assert message.data == b"1"

    work_as(cluster.agents[0].url, fill)
    accesses = [NatsAccess(each) for each in cluster.managers]
    try:
        for each in accesses:
            each.open()
        for number, each in enumerate(accesses):
            made = each.add(f"reports{number}", ["SHOP"])
            for at in range(3):
                work_as(url_of(made), partial(read, name=f"of-{number}-{at}"))
        assert [[user.name for user in each.users()] for each in accesses] == [["reports0"], ["reports1"], ["reports2"]]
    finally:
        for each in accesses:
            each.close()


def test_an_agent_that_is_cut_off_goes_on_by_itself_and_is_back_when_that_ends(cluster: Cluster) -> None:
    proxies = [Proxy(each.member.leaves.port) for each in cluster.managers if each.member]
    others = tuple(Address("127.0.0.1", each.port) for each in proxies)
    agent = cluster.lab.agent(cluster.managers, others=others)
    agent.start()

    async def work() -> None:
        store = await _open(agent)
        await _until(store.load)
        for each in proxies:
            each.cut()
        async with await nats.connect(agent.url) as one, await nats.connect(agent.url) as other:
            heard = await other.subscribe("rows")
            await other.flush()
            await one.publish("rows", b"1")
            assert (await heard.next_msg(SECONDS)).data == b"1"
        with pytest.raises(Transient):
            await store.save(_record("cut-off"))
        for each in proxies:
            each.heal()

        async def save() -> bool:
            return bool(await store.save(_record("cut-off")))

        assert await _until(save)
        cluster.holds.add("cut-off")
        assert await _ids(store) == cluster.holds
        await store.close()

    try:
        _work(work)
    finally:
        agent.stop()
        for each in proxies:
            each.close()


async def _read_all(server: NatsServer) -> set[str]:
    store = await _open(server)
    try:
        return await _ids(store)
    finally:
        await store.close()


async def _leader(cluster: Cluster) -> NatsServer:
    name = (await _bucket(cluster.agents[0])).cluster.leader
    return next(each for each in cluster.managers if each.member and each.member.node_id == name)


async def _all_current(cluster: Cluster) -> bool:
    try:
        info = await _bucket(cluster.agents[0])
    except (nats.errors.Error, OSError, TimeoutError):
        return False
    replicas = info.cluster.replicas or []
    return bool(info.cluster.leader and replicas) and all(each.current and not each.offline for each in replicas)
