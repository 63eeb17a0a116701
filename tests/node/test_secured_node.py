"""A Udup server with everything locked: a token, passwords from a folder, keys that are lost and found again."""

from __future__ import annotations

import base64
import json
import os
import pickle
import re
import select
import socket
import time
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import psutil
import pytest

from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import ApiClient, job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.ports import free_port
from udup.sandbox.server import MysqlServer

TOKEN = "a-token-of-the-tests-0123456789"

#: The fewest actors of a server with a job: supervisor, store keeper, extractor, applier.
ACTORS = 4


def _holding(folder: Path, secret: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


class _Touch:
    """A pickle of this makes whoever loads it make a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self._path,)


def _send_to_actors(node: UdupNode, message: object) -> None:
    """As Thespian frames it; returns when so many processes have looked at it as a job has at least, and hung up."""
    data = pickle.dumps((None, message))
    ports = {
        address.laddr.port
        for pid in node.pids()
        for address in psutil.Process(pid).net_connections("tcp")
        if address.status == psutil.CONN_LISTEN
    }
    with ExitStack() as stack:
        waiting = []
        for port in ports - {node.http_port, node.nats_port}:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            connection.sendall(b"%d>" % len(data) + data)
            waiting.append(connection)
        left = len(waiting) - ACTORS
        end = time.monotonic() + 30
        while len(waiting) > left:
            assert time.monotonic() < end, waiting
            readable, _, _ = select.select(waiting, [], [], 1)
            waiting = [each for each in waiting if each not in readable or each.recv(4096)]


def test_passwords_are_in_no_file_and_outlive_a_lost_key(
    server_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: MysqlServer,
    target: MysqlServer,
    schema: str,
) -> None:
    port = free_port()
    (tmp_path / "target").write_text(f"{target.endpoint.password}\n")
    settings = f"[secrets]\nfiles_dir = {json.dumps(str(tmp_path))}\n"
    document = {**job_document(schema, source.endpoint, target.endpoint, [schema]), "ID": schema}
    document["Tasks"][1]["Config"]["ConnectionConfig"]["Password"] = "file:target"
    document["Tasks"][1]["Config"]["NatsAddr"] = f"127.0.0.1:{port}"
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    monkeypatch.setenv("UDUP_API_TOKEN", TOKEN)
    monkeypatch.setenv("UDUP_SECRET_OF_A_JOB", "for the node alone")
    with UdupNode(server_folder / "secured", token=TOKEN, settings=settings, nats_port=port) as node:
        for pid, command in node.pids().items():
            if "nats-server" in command:
                given = psutil.Process(pid).environ()
                assert not [name for name in given if name.startswith("UDUP_")] and TOKEN not in given.values()
                break
        else:
            raise AssertionError(node.pids())
        assert httpx.get(f"{node.url}/v1/jobs", timeout=10, verify=False).status_code == 401
        with pytest.raises(UdupError, match="401"):
            ApiClient(node.url, TOKEN + "x").check()
        node.post_job(document)
        node.wait_stage(schema)
        shown = [task["Config"]["ConnectionConfig"]["Password"] for task in node.job(schema)["Tasks"]]
        assert shown == ["******", "file:target"]
        os.mkfifo(tmp_path / "fifo")
        waiting = {**job_document("waiting", source.endpoint, target.endpoint, [schema]), "ID": "waiting"}
        waiting["Tasks"][1]["Config"]["ConnectionConfig"]["SslCa"] = str(tmp_path / "fifo")
        with pytest.raises(UdupError, match="it is no regular file"):
            node.post_job(waiting)
        marker = tmp_path / "made by a pickle from outside"
        _send_to_actors(node, _Touch(marker))
        assert not marker.exists()
        config = node.data / "nats" / "nats.conf"
        nats_password = re.findall(r'password: "(.+?)"', config.read_text())[0]
        assert _holding(node.folder, nats_password) == [config]
        assert not any(nats_password in line for line in node.pids().values())
        node.stop()
        for secret in (source.endpoint.password, target.endpoint.password, TOKEN):
            assert not _holding(node.data, secret)
        assert TOKEN not in node.log.read_text()
        key = node.data / "secret.key"
        kept = key.read_bytes()
        key.write_bytes(base64.b64encode(os.urandom(32)))
        with pytest.raises(UdupError, match=rf"(?s)the job '{schema}'.*{key}.*put that key back"):
            node.start()
        key.write_bytes(kept)
        node.start()
        node.wait_stage(schema)
        node.delete_job(schema)
