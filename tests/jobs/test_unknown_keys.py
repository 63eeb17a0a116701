"""Keys that nothing is known of: refused where a document is posted, with the key that was perhaps meant."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.documents import seed, with_connection, with_source
from udup.base.errors import Fault, Refused
from udup.jobs import JobRecord, accept, parse_job, to_api, unwrap
from udup.jobs.document import harmless, refusals
from udup.jobs.document.unknown import MAX_TOLD, unknown_faults, unknown_keys

DOCS = Path(__file__).parent.parent.parent / "docs" / "jobs.md"

CONFIG = "Tasks[0].Config."


def _refused(document: dict[str, Any]) -> list[Fault]:
    with pytest.raises(Refused) as caught:
        accept(document)
    return caught.value.faults


def _told(document: dict[str, Any]) -> dict[str, str]:
    return {fault.where.removeprefix(CONFIG): fault.remedy for fault in _refused(document)}


def _with_schema(**entry: Any) -> dict[str, Any]:
    return with_source(ReplicateDoDb=[{"TableSchema": "s", **entry}])


@pytest.mark.parametrize(
    ("document", "where", "remedy"),
    [
        (_with_schema(Table=[]), "ReplicateDoDb[0].Table", "did you mean Tables?"),
        (with_source(ReplicateIgnoreDbs=[]), "ReplicateIgnoreDbs", "did you mean ReplicateIgnoreDb?"),
        (with_source(DropTablesIfExist=1), "DropTablesIfExist", "did you mean DropTableIfExists?"),
        (with_source(parallel_workers=1), "parallel_workers", "did you mean ParallelWorkers?"),
        (with_source(Host="h"), "Host", "Host belongs into Tasks[].Config.ConnectionConfig"),
        (with_source(Hots="h"), "Hots", "Host belongs into Tasks[].Config.ConnectionConfig"),
        (
            _with_schema(TableName="t"),
            "ReplicateDoDb[0].TableName",
            "belongs into Tasks[].Config.ReplicateDoDb[].",
        ),
        (with_source(Table=[]), "Table", "Tables belongs into Tasks[].Config.ReplicateDoDb[]"),
        (with_connection(Pasword="x"), "ConnectionConfig.Pasword", "did you mean Password?"),
        (with_connection(Gtid="x"), "ConnectionConfig.Gtid", "Gtid belongs into Tasks[].Config"),
        (seed() | {"Tsks": []}, "Tsks", "did you mean Tasks?"),
        (seed() | {"x" * 500_000: 1}, "x" * 60 + "…", "remove it"),
        (seed() | {"": 1}, "", "remove it"),
    ],
)
def test_the_key_that_was_meant_is_named(document: dict[str, Any], where: str, remedy: str) -> None:
    ((told, said),) = _told(document).items()
    assert told == where and remedy in said


def test_a_key_in_the_wrong_place_is_told_where_it_belongs_and_that_it_is_not_carried_out() -> None:
    (remedy,) = _told(with_source(Where="a = 1")).values()
    assert "Where belongs into Tasks[].Config.ReplicateDoDb[].Tables[]" in remedy and "not supported" not in remedy
    (remedy,) = _told(with_source(ColumnMapUseRe=["a"])).values()
    assert (
        "ColumnMapUseRe belongs into Tasks[].Config.ReplicateDoDb[].Tables[]" in remedy
        and "not supported yet" in remedy
    )


def test_unknown_keys_and_wrong_values_are_told_at_once() -> None:
    assert set(_told(with_source(Wheer=1, ParallelWorkers=-1) | {"Name": ""})) == {"Wheer", "ParallelWorkers", "Name"}


def _asking(key: str) -> object:
    """What asks for something under a key of a Config."""
    return {"ServiceName": "ORCL"} if key.lower() == "oracleconfig" else "yes"


@pytest.mark.parametrize(
    ("reasons", "make"),
    [
        (
            refusals.IN_CONFIG | refusals.POSTED_CONFIG,
            lambda key: with_source(**{key: _asking(key)}),
        ),
        (refusals.IN_SCHEMA, lambda key: _with_schema(**{key: "yes"})),
        (refusals.IN_TABLE | refusals.POSTED_TABLE, lambda key: _with_schema(Tables=[{"TableName": "t", key: "yes"}])),
    ],
    ids=["Config", "ReplicateDoDb", "Tables"],
)
def test_a_known_key_that_is_not_carried_out_is_refused_with_the_reason(reasons: dict[str, str], make: Any) -> None:
    for key, reason in reasons.items():
        for spelling in (key, key.lower()):
            (fault,) = _refused(make(spelling))
            assert fault.where.endswith(f".{key}") and fault.problem == f"not supported yet: {reason}"


@pytest.mark.parametrize(
    "config",
    [{"DestType": "MySQL"}, {"GtidStart": ""}, {"BinlogRelay": False}, {"SetGtidNext": "0"}, {"Unheard": None}],
)
def test_a_key_that_asks_for_nothing_is_taken(config: dict[str, Any]) -> None:
    accept(with_source(**config))


def test_harmless_keys_are_taken_at_their_level_in_any_case_and_kept() -> None:
    document = seed() | dict.fromkeys(harmless.JOB, "x")
    task, config = document["Tasks"][0], document["Tasks"][0]["Config"]
    task |= dict.fromkeys(harmless.TASK, "x")
    config |= {key.lower(): "x" for key in harmless.CONFIG}
    tables = [{"TableName": "t", **dict.fromkeys(harmless.TABLE, "x")}]
    config["ReplicateDoDb"] = [{"TableSchema": "s", "Tables": tables, **dict.fromkeys(harmless.SCHEMA, "x")}]
    _, kept = accept(document)
    assert kept["Tasks"][0]["Config"] == config and kept["Meta"] == "x"
    assert not {*harmless.ANSWERED_JOB, "EnforceIndex"} & set(kept) and "Leader" not in kept["Tasks"][0]


def test_every_key_that_the_api_shows_of_a_job_may_be_posted_back() -> None:
    _, kept = accept(seed() | {"ID": "one"})
    shown = to_api(JobRecord(id="one", document=kept))
    spec, again = accept(shown, kept)
    assert spec.id == "one" and set(again) <= set(shown)


def test_what_stands_beside_a_wrapped_job_is_known_too() -> None:
    assert unwrap({"Job": seed(), "EnforceIndex": True, "JobModifyIndex": 7, "Region": "eu"}).enforce_index == 7
    with pytest.raises(Refused, match="'EnforceIndexx': is not known beside Job"):
        unwrap({"Job": seed(), "EnforceIndexx": True})


def test_thousands_of_unknown_keys_are_counted_and_cost_little() -> None:
    document = with_source(**{f"ReplicateDoDb{number}": 1 for number in range(4_000)})
    begun = time.process_time()
    faults = _refused(document)
    assert time.process_time() - begun < 1
    assert len(faults) == MAX_TOLD + 1 and "holds 3980 more keys" in str(faults[-1])


def test_a_stored_document_of_an_older_version_is_read_with_its_unknown_keys() -> None:
    document = with_source(Table=["x"], GtidStart="x:1", Unheard={"of": 1}) | {"ID": "old", "Notes": 1}
    record = JobRecord.from_json(JobRecord(id="old", document=document).to_json())
    assert parse_job(document) == record.spec()
    assert unknown_keys(document) == [f"{CONFIG}Table", f"{CONFIG}Unheard", "Notes"]
    assert unknown_faults(seed()) == []


def test_the_documentation_lists_every_key_that_is_harmless_or_refused() -> None:
    text = DOCS.read_text("utf-8").split("### Keys without effect")[1].split("\n## ")[0]
    harmless_part, refused_part = text.split("### Keys that are refused")
    listed = set(re.findall(r"`([A-Za-z0-9]+)`", " ".join(_first_cells(harmless_part))))
    tables = (harmless.JOB, harmless.TASK, harmless.CONFIG, harmless.CONNECTION, harmless.SCHEMA, harmless.TABLE)
    assert listed == {key for table in tables for key in table}
    listed = set(re.findall(r"`([A-Za-z0-9]+)`", " ".join(_first_cells(refused_part))))
    assert listed == {
        *refusals.IN_CONFIG, *refusals.IN_SCHEMA, *refusals.IN_TABLE, *refusals.POSTED_CONFIG, *refusals.POSTED_TABLE
    }  # fmt: skip


def _first_cells(text: str) -> list[str]:
    return [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
