"""A way back is the same job with its servers exchanged: what it carries comes back to where it came from."""

from __future__ import annotations

from typing import Any

import pytest

from udup.base.endpoint import Endpoint
from udup.base.errors import Refused
from udup.jobs import parse_job
from udup.jobs.document.way_back import way_back
from udup.sandbox.api import job_document

GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"


def document(**src: Any) -> dict[str, Any]:
    made = job_document("shop", Endpoint("a", 1, "reader", "one"), Endpoint("b", 2, "writer", "env:TWO"), ["s"])
    made["ID"] = "shop"
    made["Tasks"][0]["Config"].update(src)
    return made


def test_servers_are_exchanged_and_options_stay_with_their_ends() -> None:
    given = document(ChunkSize=500, Gtid=GTID) | {"Type": "migration", "EnforceIndex": True, "JobModifyIndex": 7}
    given["Tasks"][1]["Config"].update(ParallelWorkers=9, DropTableIfExists=True)
    back = parse_job(way_back(given, "shop-back", GTID))
    there = parse_job(given)
    assert (back.source_endpoint(), back.target_endpoint()) == (there.target_endpoint(), there.source_endpoint())
    assert (back.id, back.type, back.gtid, back.enforce_index) == ("shop-back", "synchronous", GTID, False)
    assert (back.parallel_workers, back.chunk_size, back.drop_table_if_exists) == (9, 500, False)
    assert back.selection() == there.selection()


def test_each_server_keeps_its_node() -> None:
    given = document()
    given["Tasks"][0] |= {"NodeName": "branch"}
    given["Tasks"][1] |= {"nodeid": "0aae4fb5-a6a3-4d17-bf7c-a24cf0b53fa7"}
    source, target = way_back(given, "shop-back", GTID)["Tasks"]
    assert (source["Type"], source["NodeId"], "NodeName" in source) == ("Src", given["Tasks"][1]["nodeid"], False)
    assert (target["Type"], target["NodeName"], "NodeId" in target) == ("Dest", "branch", False)


NAMES = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "z"), ("c", "t"), ("d", "q")]


@pytest.mark.parametrize(
    ("do", "ignored"),
    [
        ([], []),
        ([], [{"TableSchema": "c"}, {"TableSchema": "a", "Tables": [{"TableName": "y"}]}]),
        ([{"TableSchema": "a", "TableSchemaRename": "b"}], [{"TableSchema": "b"}]),
        ([{"TableSchema": "a", "TableSchemaRename": "b"}, {"TableSchema": "b", "TableSchemaRename": "a"}], []),
        (
            [{"TableSchema": "a", "TableSchemaRename": "n", "Tables": [{"TableName": "x", "TableRename": "X"}]}],
            [{"TableSchema": "a", "Tables": [{"TableName": "y"}]}],
        ),
        ([{"tableschema": "a"}, {"TableSchema": "c", "Tables": [{"TableName": "t", "tablerename": "T"}]}], []),
        (
            [{"TableSchema": "a", "Tables": [{"TableName": "x", "TableRename": "y"}, {"TableName": "y"}][:1]}],
            [{"TableSchema": "a", "Tables": [{"TableName": "x"}]}],
        ),
    ],
)
def test_what_is_carried_comes_back_to_where_it_came_from(do: Any, ignored: Any) -> None:
    given = document(ReplicateDoDb=do, ReplicateIgnoreDb=ignored)
    there = parse_job(given).selection()
    back = parse_job(way_back(given, "shop-back", GTID)).selection()
    for name in NAMES:
        if there.wants(*name):
            target = there.renamed_table(*name)
            assert back.wants(*target) and back.renamed_table(*target) == name
        elif not there.rules:
            assert not back.wants(*name)
    again = parse_job(way_back(way_back(given, "shop-back", GTID), "shop", GTID)).selection()
    assert all(again.wants(*name) == there.wants(*name) for name in NAMES)


def test_what_cannot_be_turned_round_is_refused_with_every_reason() -> None:
    rules = [{"TableSchemaRegex": "^a"}, {"TableSchema": "b", "Tables": [{"TableRegex": "x$"}]}]
    with pytest.raises(Refused) as refused:
        way_back(document(ReplicateDoDb=rules, SqlFilter=["NoDMLDelete"]), "shop-back", GTID)
    assert [fault.where for fault in refused.value.faults] == [
        "SqlFilter",
        "ReplicateDoDb.TableSchemaRegex",
        "ReplicateDoDb.TableRegex",
    ]
