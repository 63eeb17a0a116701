"""What two documents of a job have otherwise: told by path, and no secret with it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.jobs.documents import lowered, seed, with_connection, with_source
from udup.jobs import JobRecord, accept, to_api
from udup.jobs.differences import Difference, differences, is_same, starts_alike


def _between(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each.path, each.before, each.after) for each in differences(before, after)]


def test_documents_that_say_the_same_differ_in_nothing() -> None:
    _, kept = accept(seed() | {"ID": "one"})
    reversed_keys = dict(reversed(kept.items()))
    shown = to_api(JobRecord(id="one", document=kept))
    others = [shown | {"Tasks": _with_passwords(shown["Tasks"])}, lowered(kept), reversed_keys]
    for other in (*others, kept | {"Status": "running", "JobModifyIndex": 7, "Meta": None}):
        assert is_same(kept, other) and _between(kept, other) == []


def _with_passwords(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    tasks = copy.deepcopy(tasks)
    for task in tasks:
        task["Config"]["ConnectionConfig"]["Password"] = "rootroot"
    return tasks


def test_a_change_is_told_by_its_path_with_both_values() -> None:
    after = with_source(ParallelWorkers=8, ChunkSize=500) | {"Name": "other"}
    del after["Tasks"][0]["NodeId"], after["Tasks"][0]["Driver"], after["Type"]
    config = "Tasks[Src].Config"
    assert _between(seed(), after) == [
        ("Name", "'exam-7-9'", "'other'"),
        (f"{config}.ChunkSize", "", "500"),
        (f"{config}.ParallelWorkers", "4", "8"),
        ("Tasks[Src].NodeId", "'1eda45f8-df9b-1541-9009-83952e7b672a'", "''"),
    ]


def test_a_table_more_is_one_change_wherever_it_stands() -> None:
    def with_tables(*names: str) -> dict[str, Any]:
        tables = [{"TableName": name} for name in names]
        return with_source(ReplicateDoDb=[{"TableSchema": "shop", "Tables": tables}, {"TableSchemaRegex": "^a"}])

    where = "Tasks[Src].Config.ReplicateDoDb[shop].Tables[b]"
    assert _between(with_tables("a", "c"), with_tables("b", "a", "c")) == [(where, "", "an object")]
    assert _between(with_tables("a", "b"), with_tables("a")) == [(where, "an object", "")]
    assert is_same(with_tables("a", "a"), with_tables("a", "a"))


@pytest.mark.parametrize("key", ["Password", "password", "MySecret"])
def test_a_secret_is_compared_and_never_shown(key: str) -> None:
    before, after = seed(), copy.deepcopy(seed())
    for document, secret in ((before, "old-secret"), (after, "new-secret")):
        connection = document["Tasks"][0]["Config"]["ConnectionConfig"]
        connection.pop("Password")
        connection[key] = {"in": secret} if key == "MySecret" else secret
    ((path, one, other),) = _between(before, after)
    assert path.lower().endswith(key.lower()) and (one, other) == ("******", "******")


def test_a_reference_is_no_secret() -> None:
    (found,) = differences(seed(), with_connection(Password="env:UDUP_SECRET_A"))
    assert found == Difference("Tasks[Src].Config.ConnectionConfig.Password", "******", "'env:UDUP_SECRET_A'")


def test_only_what_a_start_could_meet_needs_a_check() -> None:
    places = seed() | {"Region": "eu", "Datacenters": ["x", "y"], "Meta": {"a": 1}}
    assert starts_alike(seed(), places) and not is_same(seed(), places)
    assert not starts_alike(seed(), with_source(ParallelWorkers=9))
    assert not starts_alike(seed(), seed() | {"Type": "migration"})


def test_odd_documents_of_older_versions_are_compared_too() -> None:
    odd = {"Name": 7, "Tasks": [None, {"Type": 3}, {"Type": "Src"}, {"Type": "Src"}]}
    assert is_same(odd, copy.deepcopy(odd)) and not is_same(odd, seed())
    assert _between(odd, {"Name": 7}) == [("Tasks", "a list", "")]
    assert _between({"Name": "n"}, {"Name": "n", "Type": "migration"}) == [("Type", "'synchronous'", "'migration'")]
