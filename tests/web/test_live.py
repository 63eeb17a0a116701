"""Jobs in brief, their series and time lines, over HTTP."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from falcon.testing import TestClient

from tests.web.conftest import NODE_ID, MemoryJobs
from tests.web.contract import keys
from tests.web.memory_nodes import OTHER, MemoryNodes
from udup.base.config import Settings
from udup.jobs import JobProgress, Stage
from udup.jobs.outage import Outage
from udup.web.app import create_app

BRIEF = keys(
    "ID Name Type Stage Status Shown ShownSince Group NeedsYou Reason FailureKind FailureParams Waits Source Target"
    " LagMs RowsPerSecond TransactionsPerSecond Percent EtaS CopiedRows TotalRows TablesCopied Tables Position Node"
    " SourceKeepsUntil CreateIndex ModifyIndex JobModifyIndex"
)


def _post(client: TestClient, document: dict[str, Any], *ids: str) -> None:
    for each in ids:
        assert client.simulate_put("/v1/jobs", json=document | {"ID": each, "Name": f"job {each}"}).status_code == 200


def _brief(client: TestClient, query: str = "", **headers: str) -> Any:
    return client.simulate_get("/v1/jobs", query_string=f"brief&{query}", headers=headers)


def _ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["ID"] for each in answer.json]


# ---- In brief ----


def test_a_job_in_brief_has_every_key_and_what_nobody_told_is_null(
    client: TestClient, memory: MemoryJobs, document: dict[str, Any], settings: Settings
) -> None:
    _post(client, document, "one")
    (brief,) = _brief(client).json
    assert set(brief) == BRIEF
    assert (brief["Name"], brief["Type"], brief["Shown"], brief["Stage"]) == (
        "job one",
        "synchronous",
        "pending",
        "pending",
    )
    assert (brief["Source"], brief["Target"]) == ("10.0.0.1:3306", "10.0.0.1:3307")
    assert {brief[key] for key in ("LagMs", "RowsPerSecond", "Percent", "EtaS", "CopiedRows", "Tables")} == {None}
    assert brief["Node"] == settings.node.name
    progress = JobProgress(copied_rows=250, copy_total_rows=1000, copy_rows_per_s=50.5, eta_s=15, copy_tables=4)
    memory.change("one", stage=Stage.COPYING, progress=progress)
    (brief,) = _brief(client).json
    assert (brief["Percent"], brief["RowsPerSecond"], brief["EtaS"], brief["Tables"]) == (25.0, 50.5, 15, 4)
    memory.change("one", stage=Stage.RUNNING, progress=JobProgress(lag_ms=12, rows_per_s=3, tx_per_s=1.5))
    (brief,) = _brief(client).json
    assert (brief["LagMs"], brief["RowsPerSecond"], brief["TransactionsPerSecond"]) == (12, 3, 1.5)
    assert (brief["Percent"], brief["EtaS"], brief["Group"]) == (None, None, "running")


def test_a_sink_is_told_as_what_it_is(client: TestClient, document: dict[str, Any]) -> None:
    sink = {"Type": "Dest", "Driver": "NATS", "Config": {"Prefix": "p", "NatsConfig": {"Stream": "S"}}}
    source = {
        **document["Tasks"][0],
        "Config": {**document["Tasks"][0]["Config"], "ReplicateDoDb": [{"TableSchema": "s"}]},
    }
    made = document | {"Type": "subscribe", "Tasks": [source, sink]}
    assert client.simulate_put("/v1/jobs", json=made).status_code == 200
    (brief,) = _brief(client).json
    assert (brief["Type"], brief["Source"], brief["Target"]) == ("subscribe", "10.0.0.1:3306", "NATS")


def test_the_list_is_searched_and_paged(client: TestClient, memory: MemoryJobs, document: dict[str, Any]) -> None:
    _post(client, document, "c", "a", "b", "d")
    memory.change("b", stage=Stage.FAILED, status_description="No Such ROW\nand more")
    assert _ids(_brief(client)) == ["a", "b", "c", "d"]
    page = _brief(client, "offset=1&limit=2")
    assert (_ids(page), page.headers["x-udup-total"]) == (["b", "c"], "4")
    assert _ids(_brief(client, "offset=9")) == []
    found = _brief(client, "q=such%20row&limit=1")
    assert (_ids(found), found.headers["x-udup-total"]) == (["b"], "1")
    assert found.json[0]["Reason"] == "No Such ROW"
    assert _ids(_brief(client, "q=JOB%20C")) == ["c"]
    assert _ids(_brief(client, "prefix=d")) == ["d"]
    assert _brief(client, "offset=-1").status_code == _brief(client, "limit=0").status_code == 400


def test_the_same_list_is_not_sent_twice(client: TestClient, memory: MemoryJobs, document: dict[str, Any]) -> None:
    _post(client, document, "one", "two")
    first = _brief(client, **{"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    assert gzip.decompress(first.content) == _brief(client).content
    tag = first.headers["etag"]
    again = _brief(client, **{"If-None-Match": f'"x", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert again.headers["x-udup-total"] == "2"
    assert int(again.headers["x-udup-index"]) == memory.index
    memory.change("one", progress=JobProgress(lag_ms=3))
    changed = _brief(client, **{"If-None-Match": tag})
    assert (changed.status_code, changed.json[0]["LagMs"]) == (200, 3)
    assert changed.headers["etag"] != tag
    assert _brief(client, "q=two", **{"If-None-Match": changed.headers["etag"]}).status_code == 200


def test_a_written_job_is_in_the_very_next_list(
    client: TestClient, memory: MemoryJobs, document: dict[str, Any]
) -> None:
    for number in range(5):
        _post(client, document, f"j{number}")
        assert len(_ids(_brief(client))) == number + 1
    memory.delete("j0")
    assert len(_ids(_brief(client))) == 4


def test_the_list_waits_for_an_index_as_the_whole_one_does(
    client: TestClient, memory: MemoryJobs, document: dict[str, Any]
) -> None:
    _post(client, document, "one")
    index = int(_brief(client).headers["x-udup-index"])
    assert int(_brief(client, f"index={index}&wait=50ms").headers["x-udup-index"]) == index
    memory.change("one", stage=Stage.RUNNING)
    answer = _brief(client, f"index={index}&wait=10s")
    assert (int(answer.headers["x-udup-index"]), answer.json[0]["Stage"]) == (memory.index, "running")


def test_the_node_of_a_job_is_its_owner(memory: MemoryJobs, settings: Settings, document: dict[str, Any]) -> None:
    nodes = MemoryNodes()
    client = TestClient(create_app(memory, memory, settings, NODE_ID, cluster=lambda: nodes.view))
    assert nodes.view.owners["a"] == OTHER
    for each in ("a", "c"):
        memory.register(document | {"ID": each}, None)
    assert [each["Node"] for each in _brief(client, "stale").json] == ["other", ""]


# ---- Series ----


def test_a_jobs_series_are_an_hour_of_points(client: TestClient, memory: MemoryJobs, document: dict[str, Any]) -> None:
    _post(client, document, "one", "two")
    memory.change("one", stage=Stage.RUNNING, progress=JobProgress(lag_ms=1234.5, rows_per_s=7, tx_per_s=2))
    shown = client.simulate_get("/v1/job/one/series").json
    assert set(shown) == {"Step", "End", "LagMs", "RowsPerSecond", "TransactionsPerSecond"}
    assert (shown["Step"], len(shown["LagMs"])) == (10, 360)
    assert [[each for each in shown[key] if each is not None] for key in ("LagMs", "RowsPerSecond")] == [[1234.5], [7]]
    coarse = client.simulate_get("/v1/job/one/series", query_string="points=60").json
    assert (coarse["Step"], len(coarse["RowsPerSecond"]), coarse["End"][-4:]) == (60, 60, ":00Z")
    every = client.simulate_get("/v1/series").json
    assert (every["Step"], set(every["Jobs"]), len(every["Jobs"]["two"])) == (60, {"one", "two"}, 60)
    assert max(each or 0 for each in every["Jobs"]["one"]) == 1234.5
    assert set(every["Jobs"]["two"]) == {None}


@pytest.mark.parametrize("points", ["7", "0", "361", "x"])
def test_points_that_an_hour_cannot_be_put_together_to_are_refused(client: TestClient, points: str) -> None:
    answer = client.simulate_get("/v1/series", query_string=f"points={points}")
    assert answer.status_code == 400
    assert answer.text.startswith("points: ")


@pytest.mark.parametrize("part", ["series", "timeline"])
def test_a_job_that_is_not_there_has_none(client: TestClient, part: str) -> None:
    answer = client.simulate_get(f"/v1/job/nobody/{part}")
    assert (answer.status_code, answer.text) == (404, "job not found")
    assert client.simulate_put(f"/v1/job/nobody/{part}").status_code == 405
    refused = client.simulate_put("/v1/jobs", json={"ID": f"a/{part}"})
    assert refused.status_code == 400


# ---- Time line ----


def test_a_time_line_is_read_from_where_one_has_come(
    client: TestClient, memory: MemoryJobs, document: dict[str, Any]
) -> None:
    _post(client, document, "one")
    first = client.simulate_get("/v1/job/one/timeline").json
    assert [each["Kind"] for each in first["Entries"]] == ["document"]
    assert set(first["Entries"][0]) == keys("Number Time Kind Text Params By Gtid Table")
    assert first["Next"] == first["Oldest"] == first["Entries"][0]["Number"] == 1_500_000_000_123
    memory.change("one", stage=Stage.RUNNING)
    memory.change("one", outage=Outage(why="away", since=1.0, next_try=2.0), progress=JobProgress(definitions=1))
    more = client.simulate_get("/v1/job/one/timeline", query_string=f"after={first['Next']}").json
    assert [each["Kind"] for each in more["Entries"]] == ["caught_up"]
    assert more["Next"] > first["Next"]
    assert more["Oldest"] == first["Oldest"]
    none = client.simulate_get("/v1/job/one/timeline", query_string=f"after={more['Next']}").json
    assert (none["Entries"], none["Next"]) == ([], more["Next"])
    only = client.simulate_get("/v1/job/one/timeline", query_string="kind=document,failed&limit=5").json
    assert [each["Kind"] for each in only["Entries"]] == ["document"]


def test_kinds_that_there_are_not_are_refused(client: TestClient, document: dict[str, Any]) -> None:
    _post(client, document, "one")
    answer = client.simulate_get("/v1/job/one/timeline", query_string="kind=started,exploded")
    assert answer.status_code == 400
    assert answer.text.startswith("kind: 'exploded' is none -- write some of started, ")


# ---- The stream, where nobody can tell that a client has gone ----


def test_a_stream_has_one_round_where_its_end_would_not_be_noticed(
    client: TestClient, memory: MemoryJobs, document: dict[str, Any]
) -> None:
    _post(client, document, "one")
    told = client.simulate_get("/v1/events", query_string="topics=jobs,job:one").text
    assert [line for line in told.splitlines() if line.startswith("event: ")] == [
        "event: hello",
        "event: jobs",
        "event: job",
    ]
