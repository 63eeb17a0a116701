"""A nats-server of the tests, with a user who may read one of its streams."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.js.api import StreamConfig

from tests.node.nats_clients import LARGE, OTHER, OWN, ROWS, work_as
from udup.node.nats_access import NatsAccess
from udup.node.nats_server import NatsServer
from udup.web.ports import ConsumerCredentials


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

    work_as(server.url, fill)
    return access.add("reports.1", [OWN, f"OBJ_{LARGE}"])
