"""One Udup server as its machine sees it: its lock, its sockets, its secrets, its end."""

from __future__ import annotations

import ipaddress
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.frozen import frozen
from udup.base.errors import Transient
from udup.drivers.mysql.client.connection import connect, query
from udup.node.health import FRESH_SECONDS
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

STOP_SECONDS = 10.0


@pytest.fixture(scope="module")
def shared(server_folder: Path) -> Iterator[UdupNode]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("UDUP_REGION", "eu")
        with UdupNode(server_folder / "node") as node:
            yield node
    assert not node.pids(), "processes were left behind"


@pytest.fixture
def node(shared: UdupNode) -> UdupNode:
    """A running server; a test may end it."""
    if not shared.running:
        shared.start()
    return shared


@pytest.fixture
def job(node: UdupNode, source: MysqlServer, target: MysqlServer, schema: str) -> Iterator[str]:
    """A running job and schema of this name."""
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
        query(connection, f"INSERT INTO {schema}.t VALUES (1)")
    node.post_job({**job_document(schema, source.endpoint, target.endpoint, [schema]), "ID": schema})
    node.wait_stage(schema)
    yield schema
    node.delete_job(schema)


def test_a_second_server_on_the_same_data_is_refused_and_names_the_first(node: UdupNode, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "udup", "server", "--data-dir", str(node.data)]
    done = subprocess.run(command, cwd=tmp_path, env=_environment(), capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert str(node.data) in said and str(node.pid) in said and "data_dir" in said
    assert "Traceback" not in said
    assert httpx.get(f"{node.url}/v1/jobs", timeout=10, verify=False).status_code == 200


def test_a_job_is_of_the_nodes_region_and_may_be_posted_again_as_it_is_shown(node: UdupNode, job: str) -> None:
    shown = node.job(job)
    assert shown["Region"] == "eu"
    assert node.post_job(shown) == job


def _processes(node: UdupNode) -> dict[int, psutil.Process]:
    """All of the server's: what it names itself, its actors, and who started those."""
    pids = [*node.pids(), *(int(actor["Pid"]) for actor in node.api.actors())]
    found = {pid: psutil.Process(pid) for pid in pids}
    for process in list(found.values()):
        for parent in process.parents():
            if parent.pid not in found and parent.pid > 1 and "udup" in " ".join(parent.cmdline()[:3]):
                found[parent.pid] = parent
    ours = os.getpid()
    return {pid: process for pid, process in found.items() if pid != ours and ours not in _children(process)}


def _children(process: psutil.Process) -> list[int]:
    return [child.pid for child in process.children(recursive=True)]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_running_job_shows_no_password_and_opens_no_socket_to_others(
    node: UdupNode, source: MysqlServer, target: MysqlServer, job: str
) -> None:
    passwords = {source.endpoint.password, target.endpoint.password}
    answers = "".join(
        httpx.get(f"{node.url}{path}", timeout=10, verify=False).text
        for path in ("/v1/jobs", f"/v1/job/{job}", "/v1/agent/actors", "/v1/no/such/path")
    )
    files = [node.log.read_text(), *(path.read_text() for path in (node.data / "nats").glob("*.log"))]
    processes = list(_processes(node).values())
    lines = [" ".join(process.cmdline()) for process in processes]
    for password in passwords:
        assert password not in answers
        assert not any(password in text for text in [*files, *lines])
    assert len(processes) >= 6
    listening = [
        connection.laddr
        for process in processes
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {node.http_port, node.nats_port} <= {address.port for address in listening}
    assert all(ipaddress.ip_address(address.ip).is_loopback for address in listening), listening
    datagrams = [c for process in processes for c in process.net_connections("udp") if c.laddr]
    assert all(ipaddress.ip_address(each.laddr.ip).is_loopback for each in datagrams), datagrams


def test_what_holds_passwords_is_readable_by_its_owner_alone(
    node: UdupNode, source: MysqlServer, target: MysqlServer, job: str
) -> None:
    open_to_others = [
        path
        for path in [node.data, *node.data.rglob("*")]
        if path.is_file() and path.stat().st_mode & 0o077 and _reachable(path, node.data)
        if any(p.encode() in path.read_bytes() for p in (source.endpoint.password, target.endpoint.password))
    ]
    assert not open_to_others


def _reachable(path: Path, top: Path) -> bool:
    """Whether every folder from `top` down lets others in."""
    folders = [folder for folder in path.parents if folder == top or top in folder.parents]
    return all(folder.stat().st_mode & 0o011 for folder in folders)


def test_a_server_with_a_running_job_stops_in_time_and_starts_again_where_it_was(
    node: UdupNode, source: MysqlServer, target: MysqlServer, job: str
) -> None:
    processes = list(_processes(node).values())
    assert len(processes) >= 6
    began = time.monotonic()
    psutil.Process(node.pid).terminate()
    _gone, left = psutil.wait_procs(processes, timeout=STOP_SECONDS)
    assert not left, f"after {time.monotonic() - began:.1f} s: {left}"
    node.stop()
    node.start()
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"INSERT INTO {job}.t VALUES (2)")
    end = time.monotonic() + 30
    with closing(connect(target.endpoint)) as connection:
        while len(query(connection, f"SELECT * FROM {job}.t")) < 2:
            assert time.monotonic() < end, node.job(job)
            time.sleep(0.05)
    assert node.job(job)["Stage"] in ("running", "catching_up")


def test_jobs_outlive_the_servers_own_death(node: UdupNode, source: MysqlServer, target: MysqlServer) -> None:
    document = job_document("waits", source.endpoint, target.endpoint, ["no_such_schema_here"])
    node.post_job({**document, "ID": "a/b"})
    before = node.job("a/b")
    node.kill()
    node.start()
    end = time.monotonic() + 20
    while httpx.get(f"{node.url}/v1/jobs", timeout=10, verify=False).json() == []:
        assert time.monotonic() < end
        time.sleep(0.05)
    after = node.job("a/b")
    while True:
        with suppress(Transient):  # it may be listed before the supervisor has read the store
            node.delete_job("a/b")
            break
        assert time.monotonic() < end
    assert after["Tasks"] == before["Tasks"] and after["CreateIndex"] == before["CreateIndex"]


def test_an_actor_tells_its_stacks_and_is_replaced_when_it_is_killed(node: UdupNode, job: str) -> None:
    def actors() -> dict[tuple[str, str], dict[str, object]]:
        return {(actor["Role"], actor["JobID"]): actor for actor in node.api.actors() if actor["Slot"] < 2}

    places = [("supervisor", ""), ("store", ""), ("extractor", job), ("applier", job)]
    end = time.monotonic() + 30
    while not all(place in actors() for place in places):
        assert time.monotonic() < end, actors()
        time.sleep(0.05)
    before = actors()
    for place in places:
        actor = before[place]
        assert actor["State"] == "running" and actor["Restarts"] == 0
        assert int(str(actor["Rss"])) > 1 << 20
        for _ in range(2):  # each time anew
            stacks = httpx.get(f"{node.url}/v1/agent/actor/{actor['Pid']}/stacks", timeout=15, verify=False)
            assert stacks.status_code == 200 and stacks.text.count("most recent call first") >= 1, stacks.text
            assert stacks.text.count("Current thread") == 1
    killed = before["store", ""]["Pid"]
    assert httpx.post(f"{node.url}/v1/agent/actor/{killed}/kill", timeout=10).status_code == 200
    while actors().get(("store", ""), {}).get("Pid", killed) == killed:
        assert time.monotonic() < end + 30, actors()
        time.sleep(0.05)
    assert actors()["store", ""]["Restarts"] == 1
    for act in (httpx.get, httpx.post):
        path = "stacks" if act is httpx.get else "kill"
        assert act(f"{node.url}/v1/agent/actor/{os.getpid()}/{path}", timeout=10).status_code == 404


@pytest.mark.parametrize(("process", "told"), [("udup supervisor", "the supervisor"), ("nats-server", "job store")])
def test_a_process_that_does_not_answer_makes_the_node_unready_and_is_named(
    node: UdupNode, process: str, told: str
) -> None:
    pid = next(pid for pid, title in node.pids().items() if process in title)
    with frozen(pid):
        time.sleep(FRESH_SECONDS)  # an answer of before is not given any more
        assert any(told in each for each in _problems(node)), _problems(node)
        assert httpx.get(f"{node.url}/v1/health/live", timeout=5).status_code == 200
    end = time.monotonic() + STOP_SECONDS
    while found := _problems(node):
        assert time.monotonic() < end, found
        time.sleep(0.2)


def _problems(node: UdupNode) -> list[str]:
    answer = httpx.get(f"{node.url}/v1/health/ready", timeout=30)
    problems: list[str] = answer.json()["Problems"]
    assert answer.status_code == (503 if problems else 200)
    return problems


def test_no_ended_process_stays_in_the_process_table(node: UdupNode, job: str) -> None:
    """Each would take a place in it for as long as the node lives."""

    def ended() -> list[psutil.Process]:
        found = psutil.Process(node.pid).children(recursive=True)
        return [each for each in found if _status(each) == psutil.STATUS_ZOMBIE]

    def only(title: str) -> int:
        return next(pid for pid, each in node.pids().items() if title in each)

    killed = only(f"udup extractor of {job}")
    os.kill(only("udup nursery"), signal.SIGKILL)  # another one bears the next extractor
    os.kill(killed, signal.SIGKILL)
    end = time.monotonic() + STOP_SECONDS
    while not any(f"udup extractor of {job}" in each for pid, each in node.pids().items() if pid != killed):
        assert time.monotonic() < end, node.pids()
        time.sleep(0.1)
    while left := ended():
        assert time.monotonic() < end, left
        time.sleep(0.1)


def _status(process: psutil.Process) -> str:
    try:
        return process.status()
    except psutil.NoSuchProcess:
        return ""
