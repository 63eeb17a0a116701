"""GET /v1/job/<id>/events: what it takes, how long it waits, what it answers, whom it lets in."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from falcon.testing import TestClient

from tests.web.conftest import NODE_ID, MemoryJobs
from udup.base.config import Settings, load_settings
from udup.base.errors import Refused, Unavailable
from udup.pipeline.ports import Seen, TailRequest
from udup.web.app import create_app
from udup.web.blocking import WaitingRoom
from udup.web.resources import events
from udup.web.resources.events import packed, unpacked
from udup.web.serve import WebServer

_GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:17"


def _seen(number: int, value: bytes | None = b'{"n":1.0}') -> Seen:
    return Seen("p.s.t", b'{"id":%d}' % number, value, f"{_GTID}:s.t:{number}", "c", 1_500_000_000_123)


@pytest.fixture
def posted(client: TestClient, document: dict[str, Any]) -> str:
    client.simulate_put("/v1/jobs", json=document)
    return str(document["ID"])


def _ask(client: TestClient, job_id: str, query: str = "") -> Any:
    return client.simulate_get(f"/v1/job/{job_id}/events", query_string=query)


def test_messages_are_told_as_they_are_and_the_next_request_begins_behind_them(
    client: TestClient, memory: MemoryJobs, posted: str
) -> None:
    memory.delivered = [_seen(0), _seen(1, None), _seen(2, b"\xff")]
    first = _ask(client, posted, "from=start").json
    assert first["End"] is True and memory.tails_closed == 1
    assert first["Events"][0] == {
        "Subject": "p.s.t",
        "Key": '{"id":0}',
        "Value": '{"n":1.0}',
        "ID": f"{_GTID}:s.t:0",
        "Operation": "c",
        "Time": "2017-07-14T02:40:00.123Z",
    }
    assert [each["Value"] for each in first["Events"][1:]] == [None, "\\xff"]
    memory.delivered.append(_seen(3))
    again = _ask(client, posted, f"cursor={first['Cursor']}").json
    assert [each["Key"] for each in again["Events"]] == ['{"id":3}']


def test_a_request_waits_for_a_message_as_long_as_it_says(client: TestClient, memory: MemoryJobs, posted: str) -> None:
    memory.delivered = [_seen(0)]
    answer = _ask(client, posted, "timeout=0.05").json
    assert answer["Events"] == [] and answer["Cursor"] and answer["End"] is True
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(_ask, client, posted, "timeout=50")
        while len(memory.tails) < 2:
            time.sleep(0.005)
        memory.delivered.append(_seen(1))
        assert [each["Key"] for each in waits.result(20).json["Events"]] == ['{"id":1}']


def test_an_answer_is_cut_and_goes_on(
    client: TestClient, memory: MemoryJobs, posted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.delivered = [_seen(number) for number in range(5)]
    monkeypatch.setattr(events, "EVENTS_MAX", 2)
    first = _ask(client, posted, "from=start").json
    assert (len(first["Events"]), first["End"]) == (2, False)
    monkeypatch.setattr(events, "EVENTS_MAX", 100)
    monkeypatch.setattr(events, "BYTES_MAX", 10)
    second = _ask(client, posted, f"cursor={first['Cursor']}&follow=false").json
    assert (len(second["Events"]), second["End"]) == (2, False)
    last = _ask(client, posted, f"cursor={second['Cursor']}&follow=false").json
    assert (len(last["Events"]), last["End"]) == (1, True)


def test_what_is_asked_for_comes_to_the_sink(client: TestClient, memory: MemoryJobs, posted: str) -> None:
    upper = _GTID.upper()
    assert _ask(client, posted, f"from={upper}&table=s.t.x&follow=false&timeout=0").status_code == 200
    assert memory.tails == [TailRequest(_GTID, "", ("s", "t.x"), follow=False)]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("from=yesterday", "from: 'yesterday' is neither start, now nor the GTID of one transaction"),
        ("from=3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5", "from: "),
        ("table=orders", "table: 'orders' names no table -- write table=SCHEMA.TABLE"),
        ("cursor=eJy", "cursor: 'eJy' is none"),
        ("timeout=soon", "timeout: 'soon' is not a number of seconds -- write timeout=20, 50 at most"),
        ("region=elsewhere", "region"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    client: TestClient, memory: MemoryJobs, posted: str, query: str, says: str
) -> None:
    answer = _ask(client, posted, query)
    assert answer.status_code == 400 and says in answer.text
    assert memory.tails == []


def test_a_job_that_is_not_there_and_a_sink_that_is_away(client: TestClient, memory: MemoryJobs, posted: str) -> None:
    assert _ask(client, "nobody").status_code == 404
    memory.reads_fail = Unavailable("NATS is away")
    answer = _ask(client, posted)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1") and "NATS is away" in answer.text
    assert memory.tails_closed == 1


def test_cursors_come_out_again_and_bombs_do_not() -> None:
    assert unpacked(packed('{"next": 5}')) == '{"next": 5}'
    with pytest.raises(Refused):
        unpacked(packed("x" * (5 << 20)))


def test_few_may_read_at_a_time_and_a_server_that_ends_lets_them_out(
    memory: MemoryJobs, settings: Settings, client: TestClient, posted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = WaitingRoom()
    crowded = TestClient(create_app(memory, memory, settings, NODE_ID, room))
    with ThreadPoolExecutor(events.READERS) as pool:
        waiting = [pool.submit(_ask, crowded, posted, "timeout=50") for _ in range(events.READERS)]
        while len(memory.tails) < events.READERS:
            time.sleep(0.005)
        assert _ask(crowded, posted, "timeout=0").status_code == 503
        room.close()
        assert [each.result(20).json["Events"] for each in waiting] == [[]] * events.READERS
    assert memory.tails_closed == events.READERS


def test_a_client_that_hangs_up_frees_its_place(memory: MemoryJobs, document: dict[str, Any]) -> None:
    memory.register(document, None)
    settings = load_settings(flags={"ports.http": 0})
    web = WebServer(create_app(memory, memory, settings, NODE_ID), settings)
    web.start()
    try:
        with socket.create_connection(("127.0.0.1", web.port)) as line:
            line.sendall(b"GET /v1/job/one/events?timeout=50 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            deadline = time.monotonic() + 20
            while not memory.tails:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        while not memory.tails_closed:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        web.stop()
