"""A row of the ledger on both sides, what a repair would do, and how long things take."""

from __future__ import annotations

from typing import Any

import pytest
from falcon import testing
from falcon.testing import TestClient

from tests.web.conftest import NODE_ID, MemoryJobs
from udup.base.config import load_settings
from udup.pipeline.ports.compare import LedgerRow
from udup.pipeline.ports.inspect import TableSize
from udup.pipeline.ports.rows import ColumnSeen, RowSeen
from udup.web.app import create_app

SEEN = RowSeen(
    (
        ColumnSeen("id", "int", "7", "7", equal=True),
        ColumnSeen("state", "varchar(20)", "paid", None, equal=False),
        ColumnSeen("blob", "blob", "0x00FF", "0x00", equal=False, cut=True),
    ),
    source_there=True,
    target_there=True,
)


@pytest.fixture
def posted(client: TestClient, document: dict[str, Any], memory: MemoryJobs) -> str:
    client.simulate_post("/v1/jobs", json=document)
    memory.rows["s", "t", "7"] = SEEN
    return str(document["ID"])


def _ask(client: TestClient, job: str, part: str, **params: Any) -> Any:
    return client.simulate_get(f"/v1/job/{job}/{part}", params=params, headers={"Accept": "application/json"})


def test_a_row_is_told_column_by_column(client: TestClient, posted: str) -> None:
    told = _ask(client, posted, "row", schema="s", table="t", key="7").json
    assert (told["SourceThere"], told["TargetThere"], told["Hidden"], told["Problem"]) == (True, True, False, "")
    assert told["Columns"][1] == {
        "Column": "state",
        "Type": "varchar(20)",
        "Source": "paid",
        "Target": None,
        "Equal": False,
        "Computed": False,
        "Cut": False,
    }


def test_values_are_hidden_where_the_setting_says_so(memory: MemoryJobs, document: dict[str, Any]) -> None:
    settings = load_settings(
        flags={"ports.http": 0, "console.show_values": False, "api.hosts": ["falconframework.org"]}
    )
    client = testing.TestClient(create_app(memory, memory, settings, NODE_ID))
    client.simulate_post("/v1/jobs", json=document)
    memory.rows["s", "t", "7"] = SEEN
    answer = _ask(client, "one", "row", schema="s", table="t", key="7")
    assert answer.json["Hidden"] is True and "paid" not in answer.text and "00FF" not in answer.text
    assert [each["Equal"] for each in answer.json["Columns"]] == [True, False, False]


def test_a_row_that_is_not_in_the_ledger_is_not_there(client: TestClient, posted: str) -> None:
    assert _ask(client, posted, "row", schema="s", table="t", key="8").status_code == 404
    assert _ask(client, "none", "row", schema="s", table="t", key="7").status_code == 404
    answer = _ask(client, posted, "row", key="7")
    assert answer.status_code == 400 and {each["field"] for each in answer.json["details"]} == {"schema", "table"}
    odd = "x'; DROP--\0`\\%"
    assert _ask(client, posted, "row", schema=odd, table=odd, key=odd).status_code == 404
    assert client.simulate_post(f"/v1/job/{posted}/row").status_code == 405


def _row(at: int, kind: str, table: str = "t", **values: Any) -> LedgerRow:
    return LedgerRow(f"{at:06}", "s", table, str(at), kind, 1, False, (), 1, 1, "", **values)


def test_a_dry_run_says_what_a_repair_would_do_and_does_nothing(
    client: TestClient, posted: str, memory: MemoryJobs
) -> None:
    kinds = ["missing"] * 3 + ["extra"] + ["differs"] * 2
    memory.ledger = [_row(at, kind) for at, kind in enumerate(kinds)]
    memory.ledger += [_row(10, "differs", "u"), _row(11, "missing", repaired=5), _row(12, "differs", definition="x")]
    path = f"/v1/job/{posted}/repair"
    plan = client.simulate_post(path, json={"Tables": ["s.t"], "DryRun": True}).json
    assert (plan["Total"], plan["Inserts"], plan["Deletes"], plan["Replaces"]) == (6, 3, 1, 2)
    assert plan["DryRun"] is True and plan["Rows"][3] == {
        "Schema": "s", "Table": "t", "Key": "3", "Kind": "extra", "Does": "delete"
    }  # fmt: skip
    assert client.simulate_post(path, json={"All": True, "DryRun": True}).json["Total"] == 7
    assert memory.records[posted].comparison is None, "nothing has begun"
    assert client.simulate_post(path, json={"All": True, "DryRun": "yes"}).status_code == 400
    assert client.simulate_post(path, json={"DryRun": True}).status_code == 400
    assert client.simulate_post(path, json={"All": True, "DryRun": False}).json["Success"] is True
    assert memory.records[posted].comparison is not None


def test_a_plan_of_very_many_rows_is_bounded(client: TestClient, posted: str, memory: MemoryJobs) -> None:
    memory.ledger = [_row(at, "missing") for at in range(10_000)]
    plan = client.simulate_post(f"/v1/job/{posted}/repair", json={"All": True, "DryRun": True}).json
    assert (plan["Total"], len(plan["Rows"])) == (10_000, 1000)


def test_how_long_something_takes_is_estimated_by_sizes(client: TestClient, posted: str, memory: MemoryJobs) -> None:
    assert _ask(client, posted, "estimate", act="copy").json["Seconds"] is None, "no size is known"
    memory.sizes = {name: TableSize("s", name, 1_000_000, 1 << 30) for name in ("a", "b")}
    whole = _ask(client, posted, "estimate", act="copy").json
    assert (whole["Rows"], whole["Bytes"]) == (2_000_000, 2 << 30) and whole["Seconds"] == pytest.approx(205.8)
    part = _ask(client, posted, "estimate", act="reload", table="s.a").json
    assert part["Rows"] == 1_000_000 and part["Seconds"] < whole["Seconds"] and "MiB/s" in part["Why"]
    compared = _ask(client, posted, "estimate", act="compare").json
    assert compared["Seconds"] == 21.0
    memory.sizes["c"] = TableSize("s", "c", None, None)
    assert _ask(client, posted, "estimate", act="compare").json["Seconds"] is None
    assert _ask(client, posted, "estimate", act="dance").status_code == 400
    assert _ask(client, "none", "estimate", act="copy").status_code == 404
