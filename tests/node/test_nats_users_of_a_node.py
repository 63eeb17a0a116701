"""Users of a real node's NATS server: over the restart of the node and the death of nats-server."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from pathlib import Path

import httpx
import nats
import psutil
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from udup.sandbox.node import UdupNode

SECONDS = 30.0


def test_a_user_is_let_in_after_the_node_was_restarted_and_nats_server_killed(server_folder: Path) -> None:
    with UdupNode(Path(tempfile.mkdtemp(prefix="users-", dir=server_folder))) as node:
        made = _request(node, "PUT", json={"Name": "reports", "Streams": ["KV-like"]}).json()
        assert made["Address"] == f"nats://127.0.0.1:{node.nats_port}" and made["Missing"] == ["KV-like"]
        asyncio.run(_gets_in(made))
        (server,) = (pid for pid, command in node.pids().items() if "nats-server" in command)
        os.kill(server, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(server)] if psutil.pid_exists(server) else [], timeout=SECONDS)
        asyncio.run(_gets_in(made))
        node.stop()
        node.start()
        asyncio.run(_gets_in(made))
        assert [each["Name"] for each in _request(node, "GET").json()] == ["reports"]
        assert _request(node, "DELETE", "/reports").status_code == 200
        assert _request(node, "GET").json() == []
        refused = _request(node, "PUT", json={"Name": "x", "Streams": ["KV_udup_jobs"]})
        assert refused.status_code == 400 and "Udup's own" in refused.text


def _request(node: UdupNode, method: str, path: str = "", json: object = None) -> httpx.Response:
    return httpx.request(method, f"{node.url}/v1/nats/users{path}", json=json, timeout=30, trust_env=False)


async def _gets_in(made: dict[str, str]) -> None:
    """Until the user is let in and the node answers it about consumers; a server may just be starting."""

    async def quiet(_error: Exception) -> None:
        """Each try tells its own errors."""

    end = time.monotonic() + SECONDS
    while True:
        try:
            client = await nats.connect(
                made["Address"],
                user=made["Name"],
                password=made["Password"],
                allow_reconnect=False,
                max_reconnect_attempts=0,
                error_cb=quiet,
            )
            try:
                answer = await client.request("$JS.API.CONSUMER.INFO.KV-like.none", timeout=30)
            finally:
                await client.close()
            assert b"consumer not found" in answer.data or b"stream not found" in answer.data, answer.data
            return
        except (NatsError, APIError, OSError):
            assert time.monotonic() < end
            await asyncio.sleep(0.1)
