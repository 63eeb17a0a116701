"""Consumers of the node's own JetStream: what a user reaches with plain nats-py, and that it reaches nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from tests.certificates import make_certificates
from udup.base.errors import Refused, Transient, UdupError
from udup.node.nats_access import NatsAccess
from udup.node.nats_config import Listener
from udup.node.nats_server import NatsServer
from udup.sandbox.ports import free_port
from udup.store.nats_users import FILE_NAME
from udup.web.ports import ConsumerCredentials, NameTaken, NotReady, NotThere

#: Streams of the tests, and their subjects.
OWN, OTHER, LARGE = "SHOP1", "SHOP2", "UDUP_shop1_LARGE"
ROWS = 6

SECONDS = 20.0


@pytest.fixture(scope="module")
def server(server_folder: Path) -> Iterator[NatsServer]:
    server = NatsServer(Path(tempfile.mkdtemp(prefix="access-", dir=server_folder)), 0)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def access(server: NatsServer) -> Iterator[NatsAccess]:
    access = NatsAccess(server)
    access.open()
    yield access
    access.close()


@pytest.fixture(scope="module")
def reports(server: NatsServer, access: NatsAccess) -> ConsumerCredentials:
    """A user of one stream, with messages in that and in another one, and objects."""

    async def fill(udup: Client) -> None:
        context = udup.jetstream()
        for name in (OWN, OTHER):
            subjects = [name.lower(), f"{name.lower()}.>"]
            await context.add_stream(StreamConfig(name=name, subjects=subjects, allow_direct=True))
        for number in range(ROWS):
            await context.publish(f"{OWN.lower()}.shop.orders", str(number).encode())
        await context.publish(f"{OTHER.lower()}.shop.orders", b"secret")
        objects = await context.create_object_store(LARGE)
        await objects.put("large", b"x" * 500_000)

    _as(server.url, fill)
    return access.add("reports.1", [OWN, f"OBJ_{LARGE}"])


def _as(url: str, work: Callable[[Client], Awaitable[Any]], **options: Any) -> Any:
    """Do something with a connection."""

    async def connected() -> Any:
        async with _client(url, **options) as client:
            return await work(client)

    return asyncio.run(asyncio.wait_for(connected(), SECONDS))


@contextlib.asynccontextmanager
async def _client(url: str, **options: Any) -> AsyncIterator[Client]:
    async def quiet(_error: Exception) -> None:
        """Each call tells its own errors."""

    settings: dict[str, Any] = {"error_cb": quiet, "allow_reconnect": False, "max_reconnect_attempts": 0, **options}
    client = await nats.connect(url, **settings)
    try:
        yield client
    finally:
        await client.close()


def _url(made: ConsumerCredentials) -> str:
    return made.address.replace("//", f"//{made.consumer.name}:{made.password}@")


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + SECONDS / 2
    while not await holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


# ---- What a user may ----


def test_a_user_fetches_and_acknowledges_from_the_streams_that_it_was_given(reports: ConsumerCredentials) -> None:
    async def work(client: Client) -> None:
        context = client.jetstream()
        pull = await context.pull_subscribe(f"{OWN.lower()}.>", durable="fetching", stream=OWN)
        first = await pull.fetch(4, timeout=5)
        assert [message.data for message in first] == [b"0", b"1", b"2", b"3"]
        await first[0].ack_sync()
        await first[1].nak()
        await first[2].in_progress()
        await first[3].term()

        async def waits_for_one() -> bool:
            found = await context.consumer_info(OWN, "fetching")
            return found.ack_floor.stream_seq == 1 and found.num_ack_pending in (1, 2)

        await _until(waits_for_one)
        again = await pull.fetch(3, timeout=5)
        while len(again) < 3:  # what is delivered once more may come later than what is new
            again += await pull.fetch(3 - len(again), timeout=5)
        assert sorted(message.data for message in again) == [b"1", b"4", b"5"]
        assert {message.metadata.num_delivered for message in again if message.data == b"1"} == {2}
        for message in (*again, first[2]):
            await message.ack_sync()
        found = await context.consumer_info(OWN, "fetching")
        assert (found.num_ack_pending, found.num_pending) == (0, 0)
        assert await context.delete_consumer(OWN, "fetching")
        with pytest.raises(NotFoundError):
            await context.consumer_info(OWN, "fetching")

    _as(_url(reports), work)


def test_a_user_reads_a_stream_without_a_consumer_and_by_a_push_consumer(reports: ConsumerCredentials) -> None:
    async def work(client: Client) -> None:
        context = client.jetstream()
        assert (await context.stream_info(OWN)).state.messages == ROWS
        assert (await context.get_msg(OWN, 2, direct=True)).data == b"1"
        assert (await context.get_last_msg(OWN, "shop1.shop.orders", direct=True)).data == b"5"
        assert (await context.get_msg(OWN, 3)).data == b"2"
        ordered = await context.subscribe("shop1.>", ordered_consumer=True)  # which looks for the stream by its subject
        assert [(await ordered.next_msg(5)).data for _ in range(ROWS)] == [str(n).encode() for n in range(ROWS)]
        push = await context.subscribe("shop1.>", stream=OWN, durable="pushing", manual_ack=True)
        for _ in range(ROWS):
            await (await push.next_msg(5)).ack_sync()
        found = await context.consumer_info(OWN, "pushing")
        assert found.ack_floor.stream_seq == ROWS
        assert found.config.deliver_subject == push.subject

    _as(_url(reports), work)


def test_a_user_reads_large_messages_from_the_object_store(reports: ConsumerCredentials) -> None:
    async def work(client: Client) -> None:
        objects = await client.jetstream().object_store(LARGE)
        assert (await objects.get("large")).data == b"x" * 500_000
        with pytest.raises((NatsError, APIError)):
            await objects.put("other", b"y")

    _as(_url(reports), work)


# ---- What it may not ----


@pytest.mark.parametrize(
    "subject",
    [
        *(f"$JS.API.STREAM.{what}.{OWN}" for what in ("DELETE", "PURGE", "UPDATE", "MSG.DELETE", "SNAPSHOT")),
        *(f"$JS.API.STREAM.{what}.{OTHER}" for what in ("INFO", "DELETE", "MSG.GET", "PURGE")),
        *("$JS.API.STREAM.CREATE.NEW", "$JS.API.STREAM.LIST", "$JS.API.INFO", f"$JS.API.CONSUMER.LIST.{OWN}"),
        *(f"$JS.API.DIRECT.GET.{OTHER}", f"$JS.API.DIRECT.GET.{OTHER}.shop2.shop.orders"),
        *(f"$JS.API.CONSUMER.CREATE.{OTHER}.c", f"$JS.API.CONSUMER.MSG.NEXT.{OTHER}.c"),
        *("$JS.API.STREAM.INFO.KV_udup_jobs", "$JS.API.DIRECT.GET.KV_udup_jobs.$KV.udup_jobs.x"),
        *("$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.UDUP.CONNZ", "udup_consumers.ask.reports~1.NAMES"),
        *("shop1.shop.orders", "shop1", "shop2.shop.orders", "$KV.udup_jobs.x"),
    ],
)
def test_nothing_else_is_answered(reports: ConsumerCredentials, subject: str) -> None:
    async def work(client: Client) -> None:
        with pytest.raises(NoRespondersError):
            await client.request(subject, b'{"seq": 1}', timeout=5)

    _as(_url(reports), work)


def test_what_nats_tells_of_connections_is_of_the_users_own(reports: ConsumerCredentials) -> None:
    async def work(client: Client) -> None:
        told = json.loads((await client.request("$SYS.REQ.ACCOUNT.PING.CONNZ", timeout=5)).data)["data"]
        assert [each["cid"] for each in told["connections"]] == [client.client_id]

    _as(_url(reports), work)


def test_nothing_that_a_user_sends_gets_out_of_its_account(server: NatsServer, reports: ConsumerCredentials) -> None:
    """Not even where it names other subjects as the place for answers, or for what a push consumer delivers."""
    heard = []

    async def work(client: Client) -> None:
        async with _client(server.url) as udup:

            async def hear(message: Any) -> None:
                if not message.subject.startswith(("$JS.", "_INBOX", "_R_", "udup_consumers.")):
                    heard.append(message.subject)

            await udup.subscribe("shop1", cb=hear)  # as literal as Udup's own, for push consumers
            await udup.subscribe("udup.job", cb=hear)
            await udup.subscribe("shop2.>", cb=hear)
            await udup.subscribe("shop1.>", cb=hear)
            await udup.subscribe("$KV.>", cb=hear)
            await udup.flush()
            config = ConsumerConfig(durable_name="probing", ack_policy=AckPolicy.NONE)
            await client.jetstream().add_consumer(OWN, config)
            for place in ("shop1", "udup.job", "shop2.x", "shop1.x", "$KV.udup_jobs.x", "$JS.API.STREAM.PURGE.SHOP2"):
                await client.publish(place, b"x")
                await client.publish(f"$JS.API.STREAM.INFO.{OWN}", b"", reply=place)
                await client.publish(f"$JS.API.DIRECT.GET.{OWN}", b'{"seq": 1}', reply=place)
                await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{OWN}.probing", b"1", reply=place)
                await client.publish("$JS.API.STREAM.NAMES", b"", reply=place)
            for number, place in enumerate(("shop1", "udup.job", "shop2", "$JS.API.INFO")):
                pushing = {"durable_name": f"push{number}", "ack_policy": "none", "deliver_subject": place}
                subject = f"$JS.API.CONSUMER.CREATE.{OWN}.push{number}"
                await client.request(subject, json.dumps({"stream_name": OWN, "config": pushing}).encode(), timeout=5)
            await client.flush()
            context = udup.jetstream()
            seen = await context.stream_info(OWN), await context.stream_info(OTHER)  # behind all that was sent
            await udup.flush()
            assert [each.state.messages for each in seen] == [ROWS, 1]

    _as(_url(reports), work)
    assert heard == []


def test_a_user_of_another_stream_cannot_acknowledge_for_a_consumer(
    access: NatsAccess, reports: ConsumerCredentials
) -> None:
    """Neither by an acknowledgement of its own, nor by having an empty answer sent as one."""
    stranger = access.add("stranger", [OTHER])

    async def work(client: Client) -> None:
        pull = await client.jetstream().pull_subscribe("shop1.>", durable="acknowledged", stream=OWN)
        (message,) = await pull.fetch(1, timeout=5)
        async with _client(_url(stranger)) as other:
            await other.publish(message.reply, b"")
            await other.jetstream().add_consumer(OTHER, ConsumerConfig(durable_name="none", filter_subject="shop2"))
            await other.publish(f"$JS.API.CONSUMER.MSG.NEXT.{OTHER}.none", b'{"no_wait": true}', reply=message.reply)
            await other.jetstream().stream_info(OTHER)  # behind both
        assert (await client.jetstream().consumer_info(OWN, "acknowledged")).num_ack_pending == 1
        await message.ack_sync()
        assert (await client.jetstream().consumer_info(OWN, "acknowledged")).num_ack_pending == 0

    try:
        _as(_url(reports), work)
    finally:
        access.remove("stranger")


def test_a_consumers_configuration_cannot_be_written_so_that_only_nats_understands_it(
    reports: ConsumerCredentials,
) -> None:
    async def work(client: Client) -> None:
        for config, told in (
            ({"durable_name": "odd", "Deliver_Subject": "udup.job"}, "'Deliver_Subject' is no key"),
            ({"durable_name": "odd", "deliver_ſubject": "udup.job"}, "is no key"),
            ([], "no configuration"),
            ({"durable_name": "odd", "metadata": 5}, "no configuration"),
        ):
            asked = json.dumps({"stream_name": OWN, "config": config}).encode()
            answer = await client.request(f"$JS.API.CONSUMER.CREATE.{OWN}.odd", asked, timeout=5)
            assert told in json.loads(answer.data)["error"]["description"]
        for asked in (b"", b"{", b"[1]", json.dumps({"stream_name": OTHER, "config": {}}).encode()):
            answer = await client.request(f"$JS.API.CONSUMER.CREATE.{OWN}.odd", asked, timeout=5)
            assert "error" in json.loads(answer.data)

    _as(_url(reports), work)


def test_a_consumer_is_its_creators_alone(access: NatsAccess, reports: ConsumerCredentials, server: NatsServer) -> None:
    other = access.add("other", [OWN])

    async def work(client: Client) -> None:
        async with _client(_url(other)) as stranger, _client(server.url) as udup:
            await udup.jetstream().add_consumer(OWN, ConsumerConfig(durable_name="udups"))
            await client.jetstream().pull_subscribe("shop1.>", durable="mine", stream=OWN)
            context = stranger.jetstream()
            for name in ("mine", "udups"):
                for act in (
                    context.consumer_info(OWN, name),
                    context.delete_consumer(OWN, name),
                    context.add_consumer(OWN, ConsumerConfig(durable_name=name)),
                ):
                    with pytest.raises(APIError, match="another user"):
                        await act
            assert (await client.jetstream().consumer_info(OWN, "mine")).name == "mine"

    try:
        _as(_url(reports), work)
    finally:
        access.remove("other")


def test_the_nodes_own_passwords_are_new_and_a_wrong_password_is_refused(reports: ConsumerCredentials) -> None:
    async def nothing(_client: Client) -> None:
        raise AssertionError("it was let in")

    for url in (reports.address, reports.address.replace("//", "//reports.1:wrong@")):
        with pytest.raises((NatsError, OSError)):
            _as(url, nothing)


# ---- From other machines ----


def test_other_machines_connect_by_websocket_over_tls_and_the_nodes_own_users_cannot(
    server_folder: Path, tmp_path: Path
) -> None:
    made = make_certificates(tmp_path)
    port = free_port()
    listener = Listener(f"127.0.0.1:{port}", str(made.cert), str(made.key))
    server = NatsServer(Path(tempfile.mkdtemp(prefix="far-", dir=server_folder)), 0, listener)
    server.start()
    access = NatsAccess(server)
    trusting = ssl.create_default_context(cafile=str(made.ca))
    try:
        access.open()

        async def fill(udup: Client) -> None:
            await udup.jetstream().add_stream(StreamConfig(name=OWN, subjects=["shop1"]))
            await udup.jetstream().publish("shop1", b"1")

        async def read(client: Client) -> None:
            pull = await client.jetstream().pull_subscribe("shop1", durable="far", stream=OWN)
            (message,) = await pull.fetch(1, timeout=5)
            await message.ack_sync()
            assert message.data == b"1"

        _as(server.url, fill)
        added = access.add("far", [OWN])
        assert added.remote_address == f"wss://127.0.0.1:{port}"
        far = added.remote_address.replace("//", f"//far:{added.password}@")
        _as(far, read, tls=trusting)
        with pytest.raises((NatsError, OSError)):
            _as(far.replace("wss:", "ws:"), read)
        own = server.url.replace("nats:", "wss:").replace(str(server.port), str(port))
        with pytest.raises((NatsError, OSError)):
            _as(own, read, tls=trusting)
    finally:
        access.close()
        server.stop()


# ---- Users come and go ----


def test_users_come_and_go_and_no_other_connection_notices(server: NatsServer, access: NatsAccess) -> None:
    """Not even one that waits for a message meanwhile."""
    steady = access.add("steady", ["STEADY"])
    lost: list[str] = []

    async def note() -> None:
        lost.append("a connection")

    async def work(udup: Client) -> None:
        in_thread = asyncio.to_thread
        await udup.jetstream().add_stream(StreamConfig(name="STEADY", subjects=["steady"]))
        async with _client(_url(steady), disconnected_cb=note) as before:
            pull = await before.jetstream().pull_subscribe("steady", durable="waiting", stream="STEADY")
            push = await before.jetstream().subscribe("steady", stream="STEADY", ordered_consumer=True)
            waiting = asyncio.create_task(pull.fetch(1, timeout=SECONDS))
            made = await in_thread(access.add, "new", ["STEADY", "LATER"])
            assert made.consumer.missing == ("LATER",)
            gone = asyncio.Event()

            async def closed() -> None:
                gone.set()

            async with _client(_url(made), closed_cb=closed) as client:
                assert (await client.jetstream().stream_info("STEADY")).state.messages == 0
                with pytest.raises(NotFoundError):
                    await client.jetstream().stream_info("LATER")
                await udup.jetstream().add_stream(StreamConfig(name="LATER", subjects=["later"]))
                assert (await client.jetstream().stream_info("LATER")).state.messages == 0
                listed = {each.name: each for each in await in_thread(access.users)}
                assert set(listed) >= {"new", "steady"} and listed["new"].missing == ()
                await in_thread(access.remove, "new")
                await asyncio.wait_for(gone.wait(), SECONDS / 2)
            with pytest.raises((NatsError, OSError)):
                async with _client(_url(made)):
                    pass
            assert not waiting.done()
            await udup.jetstream().publish("steady", b"at last")
            assert [message.data for message in await waiting] == [b"at last"]
            assert (await push.next_msg(5)).data == b"at last"
            assert lost == []
        for stream in ("LATER", "STEADY"):
            await udup.jetstream().delete_stream(stream)
        assert lost == ["a connection"]  # the one that was closed: it is noted, then

    try:
        _as(server.url, work, disconnected_cb=note)
    finally:
        access.remove("steady")


def test_a_user_stays_over_a_restart_and_its_password_is_kept_nowhere(server_folder: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="kept-", dir=server_folder))
    made = None
    for _ in range(2):
        server = NatsServer(folder, 0)
        server.start()
        access = NatsAccess(server)
        access.open()
        try:
            if made is None:
                made = access.add("kept", [OWN])
            assert [each.name for each in access.users()] == ["kept"]
            url = f"nats://kept:{made.password}@127.0.0.1:{server.port}"

            async def look(client: Client) -> None:
                with pytest.raises(NotFoundError):
                    await client.jetstream().stream_info(OWN)

            _as(url, look)
        finally:
            access.close()
            server.stop()
    assert made is not None
    assert not [file for file in folder.rglob("*") if file.is_file() and made.password.encode() in file.read_bytes()]
    assert made.password not in repr(made)
    assert (folder / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_is_refused_and_changes_nothing(access: NatsAccess, reports: ConsumerCredentials) -> None:
    with pytest.raises(NameTaken, match=r"reports\.1"):
        access.add("reports.1", [OTHER])
    for name, streams in (("udup", [OWN]), ("udup-system", [OWN]), ("x", ["KV_udup_jobs"])):
        with pytest.raises(Refused):
            access.add(name, streams)
    with pytest.raises(NotThere):
        access.remove("nobody")
    assert [each.name for each in access.users()] == ["reports.1"]


def test_a_change_that_nats_does_not_take_is_taken_back(
    server: NatsServer, access: NatsAccess, reports: ConsumerCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (server.folder / FILE_NAME).read_bytes()

    def fails(error: UdupError) -> None:
        monkeypatch.setattr("udup.node.nats_server.reload_server", lambda _url: (_ for _ in ()).throw(error))

    fails(Transient("no answer"))
    with pytest.raises(NotReady, match="nothing was changed: no answer"):
        access.remove("reports.1")
    fails(UdupError("refuses its configuration"))
    with pytest.raises(UdupError, match="refuses"):
        access.add("more", [OWN])
    assert (server.folder / FILE_NAME).read_bytes() == before
    assert "more" not in (server.folder / "nats.conf").read_text()
    assert [each.name for each in access.users()] == ["reports.1"]


def test_what_an_earlier_version_has_stored_is_there_still(server_folder: Path) -> None:
    """It had one account, whose name NATS gives, and no other."""
    folder = Path(tempfile.mkdtemp(prefix="earlier-", dir=server_folder))
    server = NatsServer(folder, 0)
    server.start()

    async def store(client: Client) -> None:
        await client.jetstream().add_stream(StreamConfig(name="OLD", subjects=["old"]))
        await client.jetstream().publish("old", b"kept")

    _as(server.url, store)
    server.stop()
    accounts = folder / "jetstream" / "jetstream"
    assert [each.name for each in accounts.iterdir()] == ["UDUP"]
    (accounts / "UDUP").rename(accounts / "$G")
    server.start()

    async def look(client: Client) -> None:
        assert (await client.jetstream().get_last_msg("OLD", "old")).data == b"kept"

    try:
        _as(server.url, look)
    finally:
        server.stop()
    assert [each.name for each in accounts.iterdir()] == ["UDUP"]


def test_services_that_are_not_there_are_told_apart_from_streams(reports: ConsumerCredentials) -> None:
    """A stream that was not given looks like one that is not there: whoever asks learns nothing."""

    async def work(client: Client) -> None:
        for name in (OTHER, "NEVER"):
            with pytest.raises(ServiceUnavailableError):
                await client.jetstream().stream_info(name)

    _as(_url(reports), work)
