"""Users of the node's own JetStream come and go, from this machine and others, and nobody else notices."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from tests.certificates import make_certificates
from tests.node.nats_clients import OTHER, OWN, SECONDS, client_of, url_of, work_as
from udup.base.errors import Refused, Transient, UdupError
from udup.node.nats_access import NatsAccess
from udup.node.nats_config import Listener
from udup.node.nats_server import NatsServer
from udup.sandbox.ports import free_port
from udup.store.nats_users import FILE_NAME
from udup.web.ports import ConsumerCredentials, NameTaken, NotReady, NotThere

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
            (message,) = await pull.fetch(1, timeout=30)
            await message.ack_sync()
            assert message.data == b"1"

        work_as(server.url, fill)
        added = access.add("far", [OWN])
        assert added.remote_address == f"wss://127.0.0.1:{port}"
        far = added.remote_address.replace("//", f"//far:{added.password}@")
        work_as(far, read, tls=trusting)
        with pytest.raises((NatsError, OSError)):
            work_as(far.replace("wss:", "ws:"), read)
        own = server.url.replace("nats:", "wss:").replace(str(server.port), str(port))
        with pytest.raises((NatsError, OSError)):
            work_as(own, read, tls=trusting)
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
        async with client_of(url_of(steady), disconnected_cb=note) as before:
            pull = await before.jetstream().pull_subscribe("steady", durable="waiting", stream="STEADY")
            push = await before.jetstream().subscribe("steady", stream="STEADY", ordered_consumer=True)
            waiting = asyncio.create_task(pull.fetch(1, timeout=SECONDS))
            made = await in_thread(access.add, "new", ["STEADY", "LATER"])
            assert made.consumer.missing == ("LATER",)
            gone = asyncio.Event()

            async def closed() -> None:
                gone.set()

            async with client_of(url_of(made), closed_cb=closed) as client:
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
                async with client_of(url_of(made)):
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
        work_as(server.url, work, disconnected_cb=note)
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

            work_as(url, look)
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
        monkeypatch.setattr("udup.node.nats_server.reload_server", lambda *_how: (_ for _ in ()).throw(error))

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

    work_as(server.url, store)
    server.stop()
    accounts = folder / "jetstream" / "jetstream"
    assert [each.name for each in accounts.iterdir()] == ["UDUP"]
    (accounts / "UDUP").rename(accounts / "$G")
    server.start()

    async def look(client: Client) -> None:
        assert (await client.jetstream().get_last_msg("OLD", "old")).data == b"kept"

    try:
        work_as(server.url, look)
    finally:
        server.stop()
    assert [each.name for each in accounts.iterdir()] == ["UDUP"]
