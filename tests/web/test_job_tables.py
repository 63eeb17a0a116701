"""GET /v1/job/<id>/tables: page by page, to the end; and what a post says of tables that the job leaves."""

from __future__ import annotations

from typing import Any

import pytest
from falcon.testing import TestClient

from udup.jobs.growing_shown import growing_of
from udup.jobs.growth import Growth, GrowthState
from udup.pipeline.ports.inspect import TableSize
from udup.pipeline.ports.tables import TableChange, TablesOnTarget


@pytest.fixture
def posted(client: TestClient, document: dict[str, Any]) -> str:
    client.simulate_post("/v1/jobs", json=document)
    return str(document["ID"])


def test_the_pages_have_every_table_once(client: TestClient, posted: str) -> None:
    found: list[str] = []
    after, pages = "", 0
    while after or not pages:
        answer = client.simulate_get(f"/v1/job/{posted}/tables", params={"after": after, "limit": "2"})
        assert answer.status_code == 200 and answer.json["Total"] == 5 and answer.json["States"] == {"waiting": 5}
        found += [each["Table"] for each in answer.json["Tables"]]
        after, pages = answer.json["Next"], pages + 1
    assert found == [f"s.t{number}" for number in range(5)] and pages == 3
    assert client.simulate_get(f"/v1/job/{posted}/tables").json["Tables"][0] == {
        "Bytes": None,
        "Compared": "",
        "Deleted": None,
        "Differences": 0,
        "Equal": None,
        "EstimatedRows": None,
        "Inserted": None,
        "Key": "",
        "LastChange": "",
        "LastGtid": "",
        "Percent": None,
        "Position": "",
        "Problem": "",
        "Reload": False,
        "Rows": None,
        "State": "waiting",
        "Table": "s.t0",
        "Total": None,
        "Uncounted": 0,
        "Updated": None,
    }


def test_what_was_changed_of_each_table_is_told_with_its_last_transaction(
    client: TestClient, memory: Any, posted: str
) -> None:
    change = TableChange("s", "t1", 1, 2, 3, 4, 1_700_000_000_123_456, "u:7")
    memory.tables_on_target = TablesOnTarget(1_600_000_000_000_000, (change,))
    answer = client.simulate_get(f"/v1/job/{posted}/tables").json
    assert answer["ChangesSince"] == "2020-09-13T12:26:40.000Z" and answer["ChangesProblem"] == ""
    told = [
        [each[key] for key in ("Inserted", "Updated", "Deleted", "Uncounted", "LastChange", "LastGtid")]
        for each in answer["Tables"]
    ]
    assert told[0] == [0, 0, 0, 0, "", ""]
    assert told[1] == [1, 2, 3, 4, "2023-11-14T22:13:20.123Z", "u:7"]
    memory.tables_on_target, memory.target_away = None, "the target is down"
    answer = client.simulate_get(f"/v1/job/{posted}/tables").json
    assert answer["ChangesSince"] == "" and answer["ChangesProblem"] == "the target is down"
    assert {each["Inserted"] for each in answer["Tables"]} == {None}


def test_a_job_that_is_not_there_has_none_and_a_wrong_limit_is_refused(client: TestClient, posted: str) -> None:
    assert client.simulate_get("/v1/job/other/tables").status_code == 404
    assert client.simulate_get(f"/v1/job/{posted}/tables", params={"limit": "0"}).status_code == 400
    assert client.simulate_post(f"/v1/job/{posted}/tables").status_code == 405


def test_tables_that_a_job_leaves_are_told_with_the_answer(
    client: TestClient, memory: Any, document: dict[str, Any]
) -> None:
    assert "Warning" not in client.simulate_post("/v1/jobs", json=document).json
    memory.warning = "s.a: on the target as now"
    assert client.simulate_post("/v1/jobs", json=document).json["Warning"] == memory.warning
    assert client.simulate_post("/v1/jobs", json={"Job": document}).json["Warning"] == memory.warning


def test_tables_that_are_under_way_are_told_by_metrics(client: TestClient, memory: Any, posted: str) -> None:
    assert "udup_job_growing{" not in client.simulate_get("/metrics").text
    shown = growing_of(Growth(state=GrowthState.COPYING, side="x tables", reloads=("s.a",)), None)
    memory.change(posted, growing_shown={**shown, "State": "copying", "Percent": 25.0})
    text = client.simulate_get("/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("udup_job_growing{") and line.endswith(" 1.0")]
    assert len(lines) == 1 and 'state="copying"' in lines[0]
    assert any(line.startswith("udup_job_growing_ratio{") and line.endswith(" 0.25") for line in text.splitlines())


def test_pages_by_offset_are_found_in_any_order_with_their_sizes(client: TestClient, memory: Any, posted: str) -> None:
    memory.sizes = {f"s.t{number}": TableSize("s", f"t{number}", number, number * 10, "primary") for number in range(3)}
    path = f"/v1/job/{posted}/tables"
    page = client.simulate_get(path, params={"sort": "size", "offset": "1", "limit": "2"}).json
    assert [(each["Table"], each["Bytes"], each["EstimatedRows"], each["Key"]) for each in page["Tables"]] == [
        ("s.t1", 10, 1, "primary"),
        ("s.t0", 0, 0, "primary"),
    ]
    assert (page["Matching"], page["Offset"], page["Total"], page["Next"]) == (5, 1, 5, "")
    assert page["Groups"] == {"trouble": 0, "moving": 0, "waiting": 5, "live": 0}
    assert client.simulate_get(path, params={"q": "T4"}).json["Tables"][0]["Bytes"] is None
    found = client.simulate_get(path, params={"q": "nothing"}).json
    assert (found["Tables"], found["Matching"], found["Total"]) == ([], 0, 5)
    assert client.simulate_get(f"{path}?state=waiting,moving").json["Matching"] == 5
    for query in ("sort=colour", "state=nice", "offset=-1", "offset=1&after=s.t1", "q=" + "x" * 301):
        assert client.simulate_get(f"{path}?{query}").status_code == 400, query
