"""GET /v1/job/<id>/level and POST …/finish: what they take, how long they wait, what they answer."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from falcon.testing import TestClient

from tests.web.conftest import NODE_ID
from udup.base.config import Settings
from udup.base.errors import Transient
from udup.web.app import create_app
from udup.web.blocking import WaitingRoom
from udup.web.ports import LevelFound, NotReady, NotThere
from udup.web.requests import LEVEL_WAIT_S

_GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"
_BEHIND = LevelFound(False, "u:1-5", "u:1-4", "u:5", "running", "1 transaction is not in the target yet", ended=False)
_LEVEL = LevelFound(True, "u:1-5", "u:1-5", "", "running", "", ended=False)
_PAUSED = LevelFound(False, "u:1-5", "u:1-4", "u:5", "paused", "the job is paused", ended=True)


@pytest.fixture
def posted(client: TestClient, document: dict[str, Any]) -> str:
    client.simulate_post("/v1/jobs", json=document)
    return str(document["ID"])


def _ask(client: TestClient, job_id: str, query: str = "") -> Any:
    return client.simulate_get(f"/v1/job/{job_id}/level", query_string=query)


def test_it_is_answered_as_soon_as_the_target_has_everything(client: TestClient, memory: Any, posted: str) -> None:
    memory.level_looks = [_BEHIND, _BEHIND, _LEVEL]
    answer = _ask(client, posted)
    assert answer.status_code == 200
    assert answer.json == {
        "Applied": "u:1-5",
        "Level": True,
        "Missing": "",
        "Stage": "running",
        "Wanted": "u:1-5",
        "Why": "",
    }
    assert memory.level_asked == [(posted, None)] and memory.level_closed == 1
    assert LEVEL_WAIT_S == 30


def test_when_the_time_is_up_it_says_what_is_missing(client: TestClient, memory: Any, posted: str) -> None:
    memory.level_looks = [_BEHIND]
    for query in ("timeout=0", "timeout=0.2"):
        answer = _ask(client, posted, query)
        assert answer.status_code == 200
        assert (answer.json["Level"], answer.json["Missing"], answer.json["Why"]) == (False, "u:5", _BEHIND.why)


def test_a_job_that_cannot_become_level_is_not_waited_for(client: TestClient, memory: Any, posted: str) -> None:
    memory.level_looks = [_PAUSED]
    began = time.monotonic()
    assert _ask(client, posted, "timeout=60").json["Why"] == "the job is paused"
    assert time.monotonic() - began < 30


def test_a_set_may_be_named(client: TestClient, memory: Any, posted: str) -> None:
    assert _ask(client, posted, f"gtid={_GTID}, {_GTID}:tag:7").status_code == 200
    assert memory.level_asked == [(posted, f"{_GTID},{_GTID}:tag:7")]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("gtid=shop:1", "gtid: is not a GTID set: 'shop' is not a server's UUID"),
        ("gtid=", "gtid: is empty"),
        ("timeout=soon", "timeout: 'soon' is not a number of seconds -- write timeout=30"),
        ("timeout=-1", "timeout: '-1' is not a number"),
        ("timeout=nan", "timeout: 'nan' is not a number"),
        ("timeout=", "timeout: '' is not a number"),
        ("region=elsewhere", "region"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    client: TestClient, memory: Any, posted: str, query: str, says: str
) -> None:
    answer = _ask(client, posted, query)
    assert answer.status_code == 400 and says in answer.text
    assert memory.level_asked == []


def test_a_job_that_is_not_there_or_goes_meanwhile_is_not_found(client: TestClient, memory: Any, posted: str) -> None:
    assert _ask(client, "nobody").status_code == 404
    memory.level_looks = [_BEHIND, NotThere("job not found")]
    assert (_ask(client, posted).status_code, memory.level_closed) == (404, 1)


def test_a_server_that_cannot_be_asked_is_told_in_the_end(client: TestClient, memory: Any, posted: str) -> None:
    memory.fail_with = NotReady("the source cannot be asked now: it is down")
    answer = _ask(client, posted)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1") and "it is down" in answer.text
    memory.level_looks = [Transient("the target is away")]
    answer = _ask(client, posted, "timeout=0.2")
    assert answer.status_code == 503 and "the target is away" in answer.text
    memory.level_looks = [NotReady("the target is away"), _LEVEL]
    assert _ask(client, posted).json["Level"] is True


def test_as_many_wait_as_there_are_places_and_a_server_that_ends_lets_them_out(
    memory: Any, settings: Settings, client: TestClient, posted: str
) -> None:
    memory.level_looks = [_BEHIND]
    room = WaitingRoom(places=1)
    crowded = TestClient(create_app(memory, memory, settings, NODE_ID, room))
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(_ask, crowded, posted, "timeout=120")
        while not memory.level_asked:
            time.sleep(0.01)
        assert _ask(crowded, posted, "timeout=0").status_code == 503
        room.close()
        assert waits.result(20).json["Level"] is False


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_migration_is_told_to_finish(client: TestClient, memory: Any, posted: str, method: str) -> None:
    answer = client.simulate_request(method, f"/v1/job/{posted}/finish")
    assert answer.status_code == 200 and answer.json["Success"] is True and memory.records[posted].finish
    assert client.simulate_request(method, f"/v1/job/{posted}/finish").json["Success"] is False
    assert client.simulate_request(method, "/v1/job/nobody/finish").status_code == 404
    assert client.simulate_get(f"/v1/job/{posted}/finish").status_code == 405
    assert client.simulate_request(method, f"/v1/job/{posted}/level").status_code == 405
