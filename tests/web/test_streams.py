"""/v1/events over a real socket: what comes when, who goes on from where, who is let in, and who is let go."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.web.conftest import NODE_ID, MemoryJobs
from udup.base.config import Settings, load_settings
from udup.base.errors import Transient, Unavailable
from udup.cli.events import parsed
from udup.jobs import JobProgress, Stage
from udup.pipeline.ports import Seen
from udup.web.app import create_app
from udup.web.blocking import WaitingRoom
from udup.web.live import briefs, following, stream, topics
from udup.web.live.stream import STREAMS
from udup.web.resources.node_info import NodeInfo
from udup.web.serve import WebServer

pytestmark = pytest.mark.slow  # real sockets, or waits in real time

#: Seconds for what takes one.
SOON = 15.0

Event = tuple[str, str, Any]


@pytest.fixture
def server(memory: MemoryJobs, settings: Settings) -> Iterator[WebServer]:
    yield from _served(memory, settings)


def _served(memory: MemoryJobs, settings: Settings) -> Iterator[WebServer]:
    room = WaitingRoom()
    web = WebServer(create_app(memory, memory, settings, NODE_ID, room), settings, before_stop=room.close)
    web.start()
    yield web
    web.stop()


@pytest.fixture
def posted(memory: MemoryJobs, document: dict[str, Any]) -> str:
    memory.register(document, None)
    return str(document["ID"])


class Reading:
    """A stream that is read, event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.lines: list[str] = []
        self._events = parsed(self._noted(answer.iter_lines()))
        self.last_id = ""

    def _noted(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            self.lines.append(line)
            yield line

    def next(self) -> Event:
        name, event_id, data = next(self._events)
        self.last_id = event_id or self.last_id
        return name, event_id, json.loads(data)

    def until(self, wanted: Callable[[str, Any], bool]) -> Any:
        """Return the data of the first event that is wanted."""
        end = time.monotonic() + SOON
        while time.monotonic() < end:
            name, _, data = self.next()
            if wanted(name, data):
                return data
        raise AssertionError("it does not come")

    def named(self, wanted: str) -> Any:
        return self.until(lambda name, _: name == wanted)

    def ends(self) -> None:
        with pytest.raises(StopIteration):
            while True:
                self.next()


@contextmanager
def _reading(
    server: WebServer, topics: str = "jobs", last: str = "", query: str = "", **headers: str
) -> Iterator[Reading]:
    headers |= {"Last-Event-ID": last} if last else {}
    with (
        httpx.Client(timeout=SOON, verify=False) as client,
        client.stream("GET", f"{server.url}/v1/events?topics={topics}{query}", headers=headers) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        yield Reading(answer)


def _eventually(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


# ---- What comes ----


def test_all_jobs_come_at_first_and_then_what_has_changed(
    server: WebServer, memory: MemoryJobs, posted: str, document: dict[str, Any]
) -> None:
    with _reading(server) as reading:
        assert reading.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        name, _, hello = reading.next()
        assert (name, set(hello)) == ("hello", {"Node", "Epoch", "Role"})
        name, event_id, jobs = reading.next()
        assert (name, jobs["All"], [each["ID"] for each in jobs["Jobs"]]) == ("jobs", True, [posted])
        assert event_id.startswith(f"{hello['Epoch']}-")
        memory.change(posted, stage=Stage.RUNNING)
        assert [(each["ID"], each["Stage"]) for each in reading.named("jobs")["Jobs"]] == [(posted, "running")]
        memory.register(document | {"ID": "two"}, None)
        assert [each["ID"] for each in reading.named("jobs")["Jobs"]] == ["two"]
        memory.delete(posted)
        gone = reading.named("jobs")
        assert (gone["All"], gone["Gone"], gone["Jobs"]) == (False, [posted], [])


def test_an_event_comes_at_once_and_is_never_compressed(server: WebServer, memory: MemoryJobs, posted: str) -> None:
    with _reading(server, **{"Accept-Encoding": "gzip"}) as reading:
        assert "content-encoding" not in reading.answer.headers
        assert reading.answer.headers["x-accel-buffering"] == "no"
        reading.named("jobs")
        began = time.monotonic()
        memory.change(posted, status_description="a reason", stage=Stage.FAILED)
        assert reading.named("jobs")["Jobs"][0]["Reason"] == "a reason"
        assert time.monotonic() - began < 3


def test_figures_alone_are_told_every_two_seconds_at_most(
    server: WebServer, memory: MemoryJobs, posted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert briefs.FIGURES_S == 2
    monkeypatch.setattr(briefs, "FIGURES_S", 1.0)
    memory.change(posted, stage=Stage.RUNNING)
    with _reading(server) as reading:
        reading.named("jobs")
        stop = threading.Event()
        counting = threading.Thread(target=_count_up, args=(memory, posted, stop))
        counting.start()
        began, lags = time.monotonic(), []
        for _ in range(3):
            lags.append(reading.named("jobs")["Jobs"][0]["LagMs"])
        took = time.monotonic() - began
        stop.set()
        counting.join()
    assert took > 1.9
    assert lags == sorted(set(lags)), "each is the newest"
    assert lags[-1] > 20


def _count_up(memory: MemoryJobs, job_id: str, stop: threading.Event) -> None:
    lag = 0
    while not stop.wait(0.05):
        lag += 1
        memory.change(job_id, progress=JobProgress(lag_ms=lag))


def test_one_job_comes_whole_with_its_time_line_and_figures(
    server: WebServer, memory: MemoryJobs, posted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "slot_at", lambda seconds: int(seconds // 2))  # steps of two seconds
    with _reading(server, f"job:{posted}") as reading:
        assert reading.named("job")["Job"] == httpx.get(f"{server.url}/v1/job/{posted}", verify=False).json()
        memory.change(posted, stage=Stage.RUNNING, progress=JobProgress(lag_ms=5))
        told = reading.named("timeline")
        assert (told["ID"], told["Entry"]["Kind"]) == (posted, "caught_up")
        assert reading.named("job")["Job"]["Stage"] == "running"
        figures = reading.named("series")
        assert set(figures) == {"ID", "Time", "LagMs", "RowsPerSecond", "TransactionsPerSecond"}
        assert figures["Time"].endswith("0Z")


def test_a_job_that_is_not_there_is_told_and_comes_when_it_is(
    server: WebServer, memory: MemoryJobs, document: dict[str, Any]
) -> None:
    with _reading(server, "job:a%252Cb") as reading:
        assert reading.named("error") == {"Topic": "job:a,b", "Text": "job not found"}
        memory.register(document | {"ID": "a,b"}, None)
        assert reading.named("job")["Job"]["ID"] == "a,b"
        memory.delete("a,b")
        assert reading.named("error")["Text"] == "job not found"


def test_a_fault_at_the_nodes_ends_no_look_at_the_jobs(
    server: WebServer, memory: MemoryJobs, posted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()

    def fail(_self: NodeInfo) -> Any:
        asked.set()
        raise ValueError("what nobody expects")

    monkeypatch.setattr(NodeInfo, "members", fail)
    with _reading(server, "jobs,nodes") as reading:
        reading.named("jobs")
        assert asked.wait(SOON)
        memory.change(posted, stage=Stage.PAUSED)
        told = reading.until(lambda name, data: name == "jobs" and not data["All"])
        assert told["Jobs"][0]["Stage"] == "paused"


def test_nodes_come_when_they_change(server: WebServer, memory: MemoryJobs) -> None:
    with _reading(server, "nodes") as reading:
        first = reading.named("nodes")
        assert [each["ID"] for each in first["Nodes"]] == [NODE_ID]
        assert first["Members"] == httpx.get(f"{server.url}/v1/members", verify=False).json()
        memory.unready = ["no room"]
        assert reading.named("nodes")["Nodes"][0]["Status"] == "down"


def test_a_sign_of_life_comes_every_five_seconds(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stream.HEARTBEAT_S == 5
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.2)
    with _reading(server) as reading:
        lines = reading.answer.iter_lines()
        assert [line for _, line in zip(range(12), lines, strict=False) if line == ": hb"]


def test_what_cannot_be_read_is_told_once_and_so_is_that_it_can_be_again(
    server: WebServer, memory: MemoryJobs, posted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _reading(server) as reading:
        reading.named("jobs")
        with monkeypatch.context() as away:
            away.setattr(memory, "jobs", _raise(Transient("the job store does not answer")))
            assert reading.named("error") == {"Topic": "", "Text": "the job store does not answer"}
        assert reading.next()[2] == {"Topic": "", "Text": ""}


def _raise(error: Exception) -> Callable[..., Any]:
    def fail(*_: object) -> Any:
        raise error

    return fail


def test_a_topic_that_fails_is_told_once_and_the_others_go_on(
    server: WebServer, memory: MemoryJobs, posted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "to_api", _raise(ValueError("odd")))
    with _reading(server, f"job:{posted},jobs") as reading:
        assert reading.named("error") == {"Topic": f"job:{posted}", "Text": "ValueError: odd"}
        for reason in ("one", "two"):
            memory.change(posted, status_description=reason)
            name, _, data = reading.next()
            while name != "jobs" or data["All"]:
                name, _, data = reading.next()
                assert name == "jobs"
            assert data["Jobs"][0]["Reason"] == reason


# ---- Tails ----


def _seen(number: int, value: bytes = b"{}") -> Seen:
    return Seen("p.s.t", b"%d" % number, value, f"g:{number}:s.t:0", "c", 1_500_000_000_123)


def test_a_tail_is_a_sample_with_how_many_pass(server: WebServer, memory: MemoryJobs, posted: str) -> None:
    with _reading(server, f"tail:{posted}", query="&rate=10&table=s.t") as reading:
        reading.next()
        _eventually(lambda: bool(memory.tails))
        assert memory.tails[0].table == ("s", "t")
        memory.delivered += [_seen(number) for number in range(400)]
        messages = [reading.named("message")]
        while sum(round(each["PerSecond"]) for each in messages) < 100:
            messages.append(reading.named("message"))
        assert all(len(each["Events"]) == each["Shown"] <= 10 for each in messages)
        assert messages[0]["PerSecond"] > messages[0]["Shown"]
        assert set(messages[0]["Events"][0]) == {"Subject", "Key", "Value", "ID", "Operation", "Time"}
    _eventually(lambda: memory.tails_closed == len(memory.tails))


def test_a_long_message_is_cut_and_a_sink_that_is_away_is_told(
    server: WebServer, memory: MemoryJobs, posted: str
) -> None:
    with _reading(server, f"tail:{posted}") as reading:
        reading.next()
        _eventually(lambda: bool(memory.tails))
        memory.delivered.append(_seen(1, b"x" * 100_000))
        value = reading.named("message")["Events"][0]["Value"]
        assert (len(value), value[-2:]) == ((32 << 10) + 2, " …")
        memory.reads_fail = Unavailable("the sink does not answer")
        assert reading.named("error") == {"Topic": f"tail:{posted}", "Text": "the sink does not answer"}


# ---- Going on ----


def test_a_client_that_comes_again_is_told_what_has_changed_since(
    server: WebServer, memory: MemoryJobs, posted: str, document: dict[str, Any]
) -> None:
    for other in ("two", "three"):
        memory.register(document | {"ID": other}, None)
    with _reading(server, f"jobs,job:{posted}") as reading:
        reading.named("job")
        last = reading.last_id
    memory.change(posted, stage=Stage.RUNNING)
    memory.change("two", stage=Stage.RUNNING)
    memory.change("two", stage=Stage.FAILED)
    memory.delete("three")
    with _reading(server, f"jobs,job:{posted}", last) as reading:
        assert reading.next()[0] == "hello"
        changed = reading.named("jobs")
        assert (changed["All"], changed["Gone"]) == (False, ["three"])
        assert [(each["ID"], each["Stage"]) for each in changed["Jobs"]] == [(posted, "running"), ("two", "failed")]
        assert reading.named("timeline")["Entry"]["Kind"] == "caught_up"
        reading.named("job")  # the last of its round, which has the id
        last = reading.last_id
    with _reading(server, "jobs", last) as reading:
        assert reading.next()[0] == "hello"
        memory.change("two", status_description="new")
        assert [each["Reason"] for each in reading.named("jobs")["Jobs"]] == ["new"]


def test_a_client_that_asks_for_the_list_when_it_comes_again_gets_all_of_it(
    server: WebServer, memory: MemoryJobs, posted: str
) -> None:
    with _reading(server, f"job:{posted}") as reading:
        reading.named("job")
        last = reading.last_id
    with _reading(server, f"jobs,job:{posted}", last) as reading:
        assert [reading.next()[0] for _ in range(2)] == ["hello", "jobs"]
        assert reading.named("job")["Job"]["ID"] == posted
    with _reading(server, f"jobs,job:{posted}", last) as reading:
        assert reading.named("jobs")["All"] is True


@pytest.mark.parametrize("last", ["deadbeef-1j", "what?", "-"])
def test_a_client_of_another_process_takes_everything_as_new(server: WebServer, posted: str, last: str) -> None:
    with _reading(server, "jobs", last) as reading:
        assert [reading.next()[0] for _ in range(2)] == ["hello", "reset"]
        assert reading.next()[2]["All"] is True


def test_a_client_that_claims_to_have_seen_what_is_to_come_is_set_back(server: WebServer, posted: str) -> None:
    with _reading(server) as reading:
        reading.named("jobs")
        epoch = reading.last_id.partition("-")[0]
    with _reading(server, "jobs", f"{epoch}-999999j") as reading:
        assert [reading.next()[0] for _ in range(2)] == ["hello", "reset"]


# ---- Places ----


def test_more_streams_than_may_be_are_refused_and_nobody_else_is_kept_waiting(
    server: WebServer, memory: MemoryJobs, posted: str
) -> None:
    clients = [httpx.Client(timeout=SOON, verify=False) for _ in range(STREAMS)]
    answers = [client.send(client.build_request("GET", f"{server.url}/v1/events"), stream=True) for client in clients]
    try:
        assert {answer.status_code for answer in answers} == {200}
        refused = httpx.get(f"{server.url}/v1/events", verify=False)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        began = time.monotonic()
        for _ in range(20):
            assert httpx.get(f"{server.url}/v1/jobs?brief", verify=False).status_code == 200
        assert time.monotonic() - began < 5
        waits = [
            threading.Thread(target=httpx.get, args=(f"{server.url}/v1/jobs?index={memory.index}&wait=1s",))
            for _ in range(8)
        ]
        for each in waits:
            each.start()
        assert httpx.get(f"{server.url}/v1/health/live", verify=False).status_code == 200
        for each in waits:
            each.join(SOON)
        answers[0].close()  # hangs up
        _eventually(lambda: _is_let_in(server))
    finally:
        for client in clients:
            client.close()


def _is_let_in(server: WebServer) -> bool:
    with httpx.Client(timeout=SOON, verify=False) as client, client.stream("GET", f"{server.url}/v1/events") as answer:
        return answer.status_code == 200


def test_a_client_that_hangs_up_frees_its_place_within_seconds(
    memory: MemoryJobs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("udup.web.app.STREAMS", 1)
    (server,) = list(_kept(memory, settings))
    try:
        for _ in range(3):
            line = _let_in(server)
            assert httpx.get(f"{server.url}/v1/events", verify=False).status_code == 503
            line.close()
            began = time.monotonic()
            _let_in(server).close()
            assert time.monotonic() - began < 5
    finally:
        server.stop()


def _let_in(server: WebServer) -> socket.socket:
    """Ask for a stream until there is a place for it."""
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        line = socket.create_connection(("127.0.0.1", server.port), timeout=SOON)
        line.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if line.recv(1 << 16).startswith(b"HTTP/1.1 200"):
            return line
        line.close()
        time.sleep(0.05)
    raise AssertionError("there is no place")


def _kept(memory: MemoryJobs, settings: Settings) -> Iterator[WebServer]:
    room = WaitingRoom()
    web = WebServer(create_app(memory, memory, settings, NODE_ID, room), settings, before_stop=room.close)
    web.start()
    yield web


def test_a_client_that_does_not_read_costs_no_memory_and_is_let_go(
    memory: MemoryJobs, settings: Settings, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "STUCK_S", 3.0)
    monkeypatch.setattr(stream, "ROUND_S", 0.05)
    for number in range(100):
        memory.register(document | {"ID": f"job-{number}"}, None)
    (server,) = list(_kept(memory, settings))
    others = {thread for thread in threading.enumerate() if thread.name == "live"}
    try:
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", server.port))
        topics = ",".join(f"job:job-{number}" for number in range(15))
        line.sendall(f"GET /v1/events?topics=jobs,{topics} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        channel = _channel(server)
        most, end = 0, time.monotonic() + SOON
        while channel.requests and time.monotonic() < end:
            for number in range(100):
                memory.change(f"job-{number}", status_description=f"{time.monotonic()} {'x' * 250}")
            most = max(most, channel.total_outbufs_len)
            time.sleep(0.05)
        assert not channel.requests, "it was let go"
        assert stream.UNSENT_MAX < most < 1 << 20  # what one round has told, over what may wait
        line.close()
        _eventually(lambda: not {each for each in threading.enumerate() if each.name == "live"} - others)
    finally:
        server.stop()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system has no such option")
def test_a_client_whose_machine_is_gone_without_a_word_is_given_up_by_the_system(server: WebServer) -> None:
    with _let_in(server):
        patience_ms = _channel(server).socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert patience_ms == 30_000


def _channel(server: WebServer) -> Any:
    _eventually(lambda: any(each.requests for each in server._server.active_channels.values()))
    return next(each for each in server._server.active_channels.values() if each.requests)


def test_a_stop_of_the_server_ends_every_stream(memory: MemoryJobs, settings: Settings, posted: str) -> None:
    (server,) = list(_kept(memory, settings))
    with _reading(server) as one, _reading(server, "nodes") as other:
        one.named("jobs")
        other.named("nodes")
        began = time.monotonic()
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        one.ends()
        other.ends()
        assert time.monotonic() - began < 4
        stopping.join(SOON)
    assert not [each for each in threading.enumerate() if each.name in ("live", "web")]


# ---- Questions ----


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("topics=job", "topics"),
        ("topics=jobs,pods", "topics"),
        ("topics=" + ",".join(f"job:{number}" for number in range(21)), "topics"),
        ("topics=tail:a&table=orders", "table"),
        ("rate=0", "rate"),
    ],
)
def test_what_is_no_topic_is_refused(server: WebServer, query: str, field: str) -> None:
    answer = httpx.get(f"{server.url}/v1/events?{query}", headers={"Accept": "application/json"}, verify=False)
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["details"]] == [field]


def test_a_stream_wants_the_token_as_everything_does(memory: MemoryJobs, posted: str) -> None:
    (server,) = list(_kept(memory, load_settings(flags={"ports.http": 0, "api.token": "t" * 32})))
    try:
        assert httpx.get(f"{server.url}/v1/events", verify=False).status_code == 401
        with _reading(server, Authorization=f"Bearer {'t' * 32}") as reading:
            assert reading.named("jobs")["All"] is True
    finally:
        server.stop()
