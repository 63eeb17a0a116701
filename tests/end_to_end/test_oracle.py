"""A job with an Oracle source, posted to a node whose `oracledb` is a database in memory; the node is killed once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.drivers.oracle.in_memory import oracledb
from tests.drivers.oracle.stories import ITEMS, ORDERS, OWNER, as_texts, on_source, story
from tests.end_to_end.conftest import run
from udup.demo.events import Event, open_reader
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.oracle.position import source_uuid
from udup.sandbox.api import Json
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

_FOLDER = Path(oracledb.__file__).parent
_ROOT = Path(__file__).parents[2]

_DEADLINE = 60.0

#: Each test has a node of its own, with nothing of the one before.
_NODES = count(1)


@pytest.fixture
def present(tmp_path: Path) -> Path:
    """The file that says how far the database has come."""
    return tmp_path / "scn"


@pytest.fixture
def node(server_folder: Path, present: Path) -> Iterator[UdupNode]:
    path = os.pathsep.join([str(_ROOT), str(_FOLDER)])
    environment = {**os.environ, "PYTHONPATH": path, oracledb.PRESENT: str(present)}
    with UdupNode(server_folder / f"oracle-node-{next(_NODES)}", environment=environment) as node:
        yield node


def document(target: MysqlServer) -> Json:
    endpoint = target.endpoint
    there = {"Host": endpoint.host, "Port": endpoint.port, "User": endpoint.user, "Password": endpoint.password}
    source: Json = {
        "ConnectionConfig": {"Host": "127.0.0.1", "Port": 1521, "User": "repl", "Password": "secret"},
        "OracleConfig": {"ServiceName": "ORCL"},
        "ReplicateDoDb": [{"TableSchema": OWNER}],
    }
    return {
        "ID": "ora",
        "Name": "ora",
        "Tasks": [
            {"Type": "Src", "Driver": "Oracle", "Config": source},
            {"Type": "Dest", "Driver": "MySQL", "Config": {"ConnectionConfig": there}},
        ],
    }


def executed(node: UdupNode) -> int:
    applied = node.job("ora")["Progress"].get("applied_gtid", "")
    ranges = dict(GtidSet.parse(applied).items()).get(source_uuid(4711, 1), [])
    return ranges[0][1] - 1 if ranges else 0


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow  # starts a node twice
def test_a_job_is_validated_copies_follows_and_survives_its_node(
    pair: tuple[MysqlServer, MysqlServer], node: UdupNode, present: Path
) -> None:
    told, (_, target) = story(Random(oracledb.SEED)), pair
    present.write_text(str(told.copied_at))
    try:
        answer = httpx.post(f"{node.url}/v1/validate/job", json=document(target), trust_env=False, timeout=60).text
        assert "never run against an Oracle server" in answer
        node.post_job(document(target))
        node.wait_stage("ora")
        for end in (told.altered, told.end):
            present.write_text(str(end))
            wait(lambda end=end: executed(node) >= end)  # type: ignore[misc]
            if end == told.altered:
                node.kill()
                node.end_leftovers()
                node.start()
                node.wait_stage("ora")
        for table in (ORDERS, ITEMS):
            with closing(connect(target.endpoint)) as connection:
                found = query(connection, f"SELECT * FROM {OWNER}.{table[1]}")
            assert as_texts([tuple(row) for row in found]) == as_texts(on_source(told.server, table))
        assert any("never run against" in each for each in node.job("ora")["Progress"]["warnings"])
        assert "oracle_never_tested" in node.log.read_text()
    finally:
        node.api._request("DELETE", "/v1/job/ora?purge=true")
        run(target.endpoint, f"DROP DATABASE IF EXISTS {OWNER}")


def subscription() -> Json:
    source: Json = {
        "ConnectionConfig": {"Host": "127.0.0.1", "Port": 1521, "User": "repl", "Password": "secret"},
        "OracleConfig": {"ServiceName": "ORCL"},
        "ReplicateDoDb": [{"TableSchema": OWNER}],
    }
    sink = {"Prefix": "ora", "NatsConfig": {"Stream": "ORA"}}
    tasks = [{"Type": "Src", "Driver": "Oracle", "Config": source}, {"Type": "Dest", "Driver": "NATS", "Config": sink}]
    return {"ID": "ora", "Name": "ora", "Type": "subscribe", "Tasks": tasks}


async def told(node: UdupNode) -> list[Event]:
    """Everything that is in the stream."""
    user = node.api.add_consumer("reader", ["ORA"])
    found: list[Event] = []
    async with open_reader(user["Address"], "reader", user["Password"], "ORA") as reader:
        while await reader.waiting():
            found += await reader.events()
    return found


@pytest.mark.slow  # starts a node twice
def test_a_subscription_tells_each_change_once_though_its_node_is_killed(node: UdupNode, present: Path) -> None:
    history = story(Random(oracledb.SEED))
    present.write_text(str(history.copied_at))
    node.post_job(subscription())
    node.wait_stage("ora")
    for end in (history.altered, history.end):
        present.write_text(str(end))
        wait(lambda end=end: executed(node) >= end)  # type: ignore[misc]
        if end == history.altered:
            node.kill()
            node.end_leftovers()
            node.start()
            node.wait_stage("ora")
    events = asyncio.run(told(node))
    assert len({event.id for event in events}) == len(events)
    rows: dict[str, str] = {}
    for event in events:
        if event.table != ORDERS[1]:
            continue
        image = event.after or event.before
        assert image is not None
        if event.operation == "d":
            del rows[image["ID"]]
        else:
            assert (image["ID"] in rows) == (event.operation == "u")
            rows[image["ID"]] = image["NOTE"]
    assert rows == {row["ID"]: row["NOTE"] for row in history.server.present[ORDERS].values()}
