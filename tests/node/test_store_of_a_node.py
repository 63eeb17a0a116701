"""A server whose NATS is away when it starts, and has lost the job store when it comes: the node's own file has it."""

from __future__ import annotations

import shutil
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from udup.base.endpoint import Endpoint
from udup.node.nats_server import NatsServer
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.ports import free_port


def _until(node: UdupNode, path: str, status: int, what: str = "", seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while True:
        answer = httpx.get(f"{node.url}{path}", timeout=20)
        if answer.status_code == status and what in answer.text:
            return answer.json()
        assert time.monotonic() < end, (answer.status_code, answer.text)
        time.sleep(0.05)


def _put(node: UdupNode, path: str, **body: Any) -> httpx.Response:
    return httpx.put(f"{node.url}/v1/{path}", timeout=20, **body)


@pytest.fixture
def documents() -> list[dict[str, Any]]:
    """Jobs of servers that are not there."""
    nowhere = Endpoint("127.0.0.1", free_port(), "nobody", "no-password")
    to = replace(nowhere, port=free_port())
    return [{**job_document(name, nowhere, to, ["s"]), "ID": name} for name in ("paused", "deleted", "wanted")]


def test_a_node_knows_its_jobs_without_nats_and_writes_a_store_that_was_lost(
    server_folder: Path, tmp_path: Path, documents: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    nats = NatsServer(tmp_path / "nats", 0)
    nats.start()
    node = UdupNode(tmp_path / "node", settings=f'[nats]\nurl = "{nats.url}"\n')
    try:
        with node:
            for document in documents:
                assert _put(node, "jobs", json=document).status_code == 200
            assert _put(node, "job/paused/pause").status_code == 200
            assert httpx.delete(f"{node.url}/v1/job/deleted", timeout=20).status_code == 200
            file = node.data / "jobs.snapshot"
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert b"no-password" not in file.read_bytes() and b'\\"Host\\"' in file.read_bytes()
            node.kill()
            node.end_leftovers()
            nats.stop()
            shutil.rmtree(tmp_path / "nats" / "jetstream")

            monkeypatch.setattr(node, "_answers", lambda: _lives(node))
            node.start()
            found = _until(node, "/v1/jobs", 200, "wanted")
            assert {job["ID"]: job["Status"] for job in found}["paused"] == "pause" and len(found) == 2

            nats.start()
            _until(node, "/v1/health/ready", 200)
            found = _until(node, "/v1/jobs", 200, "wanted")
            assert {job["ID"]: job["Status"] for job in found}["paused"] == "pause" and len(found) == 2
            assert _put(node, "job/paused/resume").status_code == 200
            assert "job_store_written_again" in node.log.read_text()
    finally:
        node.stop()
        nats.stop()


def _lives(node: UdupNode) -> bool:
    try:
        return httpx.get(f"{node.url}/v1/health/live", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
