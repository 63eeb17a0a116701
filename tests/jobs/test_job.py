"""Jobs as documents: what is accepted, what is refused and how it is told."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.jobs.documents import UUID, lowered, refused, refused_source, seed, with_connection, with_source
from udup.base.errors import Refused
from udup.jobs import (
    EndWhen,
    IndexConflict,
    JobRecord,
    accept,
    check_enforced_index,
    document_id,
    parse_job,
    to_api,
    unwrap,
)
from udup.pipeline.selection.selection import Selection


def test_the_documented_example_parses_as_it_stands() -> None:
    spec = parse_job(seed())
    assert spec.name == "exam-7-9"
    assert (spec.source_endpoint().host, spec.source_endpoint().port) == ("192.168.99.100", 13307)
    assert (spec.target_endpoint().port, spec.target_endpoint().password) == (13309, "rootroot")
    assert spec.selection() == Selection.of([("sbtest", [])])
    assert (spec.parallel_workers, spec.channel_size, spec.msg_bytes_limit) == (4, 600, 20480)
    assert (spec.gtid, spec.nats_addr, spec.drop_table_if_exists) == ("", "127.0.0.1:8193", False)
    assert spec.source.node_id == "1eda45f8-df9b-1541-9009-83952e7b672a"


def test_absent_settings_have_their_defaults() -> None:
    document = seed()
    for task in document["Tasks"]:
        task["Config"] = {"ConnectionConfig": task["Config"]["ConnectionConfig"], "ParallelWorkers": 0}
    del document["Type"]
    spec = parse_job(document)
    assert (spec.type, spec.region, spec.datacenters) == ("synchronous", "global", ["dc1"])
    assert (spec.parallel_workers, spec.channel_size, spec.msg_bytes_limit) == (4, 600, 20480)
    assert (spec.chunk_size, spec.max_retries, spec.selection()) == (None, None, Selection())


def test_keys_match_in_any_case_at_every_level() -> None:
    document = with_source(ReplicateDoDb=[{"TableSchema": "a", "Tables": [{"TableName": "t"}]}])
    document["ID"] = "one"
    assert parse_job(lowered(document)) == parse_job(document)


def test_a_key_given_twice_in_two_cases_is_refused() -> None:
    assert "'Name' and as 'name'" in refused(seed() | {"name": "other"})["Name"]


def test_null_means_absent() -> None:
    assert parse_job(with_source(Gtid=None, ReplicateDoDb=None, ChunkSize=None)).selection() == Selection()
    assert refused(seed() | {"Tasks": None}) == {"Tasks": "is required"}


def test_every_fault_is_told_at_once_with_its_path() -> None:
    document = with_connection(Host="a b", Port=70000, User="")
    document["Tasks"][0]["Config"] |= {"ParallelWorkers": 65, "MsgBytesLimit": -1, "Gtid": "x:1", "Where": ""}
    document["Tasks"][0]["Config"]["ReplicateDoDb"] = [{}, {"TableSchema": "a", "Tables": [{"ColumnMapTo": ["x"]}]}]
    document["Tasks"][1] |= {"Type": "dest", "Driver": "Informix"}
    del document["Name"]
    config = "Tasks[0].Config"
    assert refused(document) == {
        "Name": "Job Name hasn't been provided",
        f"{config}.ConnectionConfig.Host": "must be a host name or an IP address without spaces, got 'a b'",
        f"{config}.ConnectionConfig.Port": "must be 1…65535, got 70000",
        f"{config}.ConnectionConfig.User": "must not be empty",
        f"{config}.ParallelWorkers": "must be 0…64, got 65",
        f"{config}.MsgBytesLimit": "must be 0…67108864, got -1",
        f"{config}.Gtid": "is not a GTID set: 'x' is not a server's UUID",
        f"{config}.ReplicateDoDb[0].TableSchema": "is required",
        f"{config}.ReplicateDoDb[1].Tables[0].TableName": "is required",
        f"{config}.ReplicateDoDb[1].Tables[0].ColumnMapTo": "is given without ColumnMapFrom",
        "Tasks[1].Type": "must be Src or Dest, got 'dest'",
        "Tasks[1].Driver": "unknown driver 'Informix'",
        "Tasks": "there must be exactly one Dest task, got none",
    }


def test_the_text_of_a_fault_is_its_path_and_its_problem() -> None:
    with pytest.raises(Refused, match=r"^Tasks\[0\]\.Config\.ConnectionConfig\.Port: must be 1…65535, got 70000$"):
        parse_job(with_connection(Port=70000))


@pytest.mark.parametrize(
    ("given", "read"), [("4", 4), (4.7, 4), (4, 4), ("0007", 7)], ids=["text", "fraction", "number", "zeros"]
)
def test_numbers_in_config_convert_weakly(given: object, read: int) -> None:
    document = seed()
    document["Tasks"][1]["Config"]["ParallelWorkers"] = given
    assert parse_job(document).parallel_workers == read


@pytest.mark.parametrize("given", [True, "four", "", [4], {}, "4x", 10**40, "9" * 30])
def test_what_is_no_number_is_refused(given: object) -> None:
    assert set(refused_source(ParallelWorkers=given)) == {"ParallelWorkers"}


@pytest.mark.parametrize(("given", "read"), [("t", True), (1, True), ("0", False), ("", False), (False, False)])
def test_truths_in_config_convert_weakly(given: object, read: bool) -> None:
    assert parse_job(with_source(DropTableIfExists=given)).drop_table_if_exists is read


@pytest.mark.parametrize(("given", "read"), [("recompute", True), ("Recompute", True), ("compare", False), ("", False)])
def test_generated_columns_are_compared_unless_the_job_says_otherwise(given: str, read: bool) -> None:
    assert parse_job(with_source(GeneratedColumns=given)).recompute is read
    assert parse_job(with_source()).recompute is False


def test_a_number_is_a_fine_password_and_schema() -> None:
    spec = parse_job(with_connection(Password=7))
    assert spec.source_endpoint().password == "7"
    assert parse_job(with_source(ReplicateDoDb=[{"TableSchema": 7}])).selection() == Selection.of([("7", [])])


@pytest.mark.parametrize(
    "text",
    [
        f"{UUID}:1",
        f"{UUID}:1-9",
        f"{UUID}:1-3:5:7-9",
        f"{UUID.upper()}:1-9,\n 4e11fa47-71ca-11e1-9e33-c80aa9429562:1",
        f"{UUID}:tag_1:1-3",
        f"{UUID}:1-3:5:tag:1-2:other:9",
    ],
)
def test_gtid_sets_are_accepted(text: str) -> None:
    assert parse_job(with_source(Gtid=text)).gtid == "".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "%!s(<nil>)",
        UUID,
        f"{UUID}:",
        f"{UUID}:0",
        f"{UUID}:9-1",
        f"{UUID}:1-",
        f"{UUID}:tag",
        f"{UUID}:1:tag",
        f"{UUID}:1-9,",
        f"{UUID}:9223372036854775807",
        f"{UUID}:{'t' * 33}:1",
        "mysql-bin.000001:4",
    ],
)
def test_what_is_no_gtid_set_is_refused(text: str) -> None:
    assert refused_source(Gtid=text)["Gtid"].startswith("is not a GTID set: ")


@pytest.mark.parametrize(
    "config",
    [
        {"KafkaConfig": {"Topic": "t"}},
        {"twowaysync": True},
    ],
)
def test_keys_whose_ignoring_would_change_the_data_are_refused(config: dict[str, Any]) -> None:
    (problem,) = refused_source(**config).values()
    assert problem.startswith("not supported yet: ")


@pytest.mark.parametrize("key", ["ColumnMap", "columnmapusere", "ColumnMapUseRe"])
@pytest.mark.parametrize("what", ["ReplicateDoDb", "ReplicateIgnoreDb"])
def test_rewriting_of_rows_is_refused(what: str, key: str) -> None:
    entry = {"TableSchema": "a", "TableSchemaRenameRegex": "b", "Tables": [{"TableName": "t", key: ["x"]}]}
    problems = list(refused_source(**{what: [entry]}).values())
    assert len(problems) == 2 and all(problem.startswith("not supported yet: ") for problem in problems)


def test_inherited_keys_that_ask_for_nothing_are_accepted() -> None:
    table = {"TableName": "t", "Where": "true", "ColumnMapFrom": [], "TableRename": ""}
    parse_job(
        with_source(
            ApproveHeterogeneous=False,
            ReplicateIgnoreDb=[],
            SkipRenamedColumns=True,
            TimeZone="+08:00",
            MaxRetries=5,
            MsgsLimit=65536,
            Unheard=1,
            ReplicateDoDb=[{"TableSchema": "a", "TableSchemaRename": None, "Tables": [table]}],
        )
    )


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"ReplicateDoDb": {"TableSchema": "a"}}, "ReplicateDoDb"),
        ({"ReplicateDoDb": ["a"]}, "ReplicateDoDb[0]"),
        ({"ReplicateDoDb": [None]}, "ReplicateDoDb[0]"),
        ({"ReplicateDoDb": [{"TableSchema": "mysql"}]}, "ReplicateDoDb[0].TableSchema"),
        ({"ReplicateDoDb": [{"TableSchema": "Udup"}]}, "ReplicateDoDb[0].TableSchema"),
        ({"ReplicateDoDb": [{"TableSchema": "a" * 65}]}, "ReplicateDoDb[0].TableSchema"),
        (
            {"ReplicateDoDb": [{"TableSchema": "a", "Tables": [{"TableName": ""}]}]},
            "ReplicateDoDb[0].Tables[0].TableName",
        ),
        ({"ConnectionConfig": "root@db"}, "ConnectionConfig"),
        ({"ConnectionConfig": None}, "ConnectionConfig"),
        ({"NatsAddr": "127.0.0.1"}, "NatsAddr"),
        ({"NatsAddr": "u:p@127.0.0.1:8193"}, "NatsAddr"),
        ({"DropTableIfExists": "yes"}, "DropTableIfExists"),
        ({"GeneratedColumns": "ignore"}, "GeneratedColumns"),
    ],
)
def test_wrong_shapes_in_config_are_told_by_path(config: dict[str, Any], path: str) -> None:
    assert list(refused_source(**config)) == [path]


@pytest.mark.parametrize("host", ["", "a b", "db\n", "db:3306", "a/b", ["a"]])
def test_hosts_that_cannot_be(host: object) -> None:
    assert list(refused(with_connection(Host=host))) == ["Tasks[0].Config.ConnectionConfig.Host"]


def test_ipv6_and_names_are_hosts() -> None:
    assert parse_job(with_connection(Host="::1")).source_endpoint().host == "::1"
    assert parse_job(with_connection(Host="db-1.example")).source_endpoint().host == "db-1.example"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"Name": 7}, "Name"),
        ({"Name": ""}, "Name"),
        ({"Name": "a\x00"}, "Name"),
        ({"ID": 7}, "ID"),
        ({"ID": ""}, "ID"),
        ({"ID": "a b"}, "ID"),
        ({"ID": "a\tb"}, "ID"),
        ({"ID": "é" * 128}, "ID"),
        ({"Type": "subscribe"}, "Tasks[1].Driver"),
        ({"Type": "other"}, "Type"),
        ({"Type": ""}, "Type"),
        ({"Tasks": {}}, "Tasks"),
        ({"Datacenters": "dc1"}, "Datacenters"),
        ({"Datacenters": [1]}, "Datacenters[0]"),
        ({"EnforceIndex": "true"}, "EnforceIndex"),
        ({"JobModifyIndex": -1}, "JobModifyIndex"),
        ({"JobModifyIndex": 1 << 64}, "JobModifyIndex"),
    ],
)
def test_faults_of_the_job_itself(change: dict[str, Any], path: str) -> None:
    assert path in refused(seed() | change)


def test_another_job_type() -> None:
    assert parse_job(seed() | {"Type": "migration"}).type == "migration"


def test_a_migration_says_when_it_ends() -> None:
    migration = seed() | {"Type": "migration"}
    assert parse_job(migration).end_when is parse_job(migration | {"EndWhen": ""}).end_when is EndWhen.LEVEL
    assert parse_job(migration | {"endwhen": "finished"}).end_when is EndWhen.FINISHED
    assert refused(migration | {"EndWhen": "soon"}) == {"EndWhen": "must be level or finished, got 'soon'"}
    assert refused(migration | {"EndWhen": 1}) == {"EndWhen": "must be text, got the number 1"}
    for kind in ({}, {"Type": "synchronous"}):
        assert "never ends" in refused(seed() | kind | {"EndWhen": "finished"})["EndWhen"]


@pytest.mark.parametrize(
    ("document", "shown"),
    [({}, ""), ({"Type": "migration"}, "level"), ({"type": "migration", "endwhen": "finished"}, "finished")],
)
def test_what_is_shown_of_its_end_may_be_posted_again(document: dict[str, Any], shown: str) -> None:
    if "type" in document:
        document = {key: value for key, value in seed().items() if key != "Type"} | document
    else:
        document = seed() | document
    told = to_api(JobRecord(id="one", document=document))["EndWhen"]
    assert told == shown
    again = {key: value for key, value in document.items() if key != "endwhen"} | {"EndWhen": told}
    assert parse_job(again).end_when == parse_job(document).end_when


@pytest.mark.parametrize("tasks", [[], [None], [0], [0, 0], [1, 1], [0, 1, 1], ["Src", "Dest"]])
def test_a_job_has_exactly_one_of_each_task(tasks: list[Any]) -> None:
    ends = seed()["Tasks"]
    document = seed() | {"Tasks": [ends[task] if isinstance(task, int) else task for task in tasks]}
    assert "exactly one" in refused(document)["Tasks"]


def test_a_task_without_config_is_refused() -> None:
    document = seed()
    del document["Tasks"][1]["Config"]
    assert refused(document) == {"Tasks[1].Config": "is required"}


def test_a_server_is_not_replicated_to_itself() -> None:
    assert refused(with_connection(Port="13309", User="other")) == {"Tasks": "Src and Dest are the same server"}


@pytest.mark.parametrize("document", [None, [], "job", 7, True])
def test_what_is_no_object_is_no_job(document: object) -> None:
    assert list(refused(document)) == ["body"]


def test_a_wrapped_job_is_the_same_job() -> None:
    outer = {"job": seed() | {"ID": "one", "EnforceIndex": False}, "EnforceIndex": True, "JobModifyIndex": 9}
    submission = unwrap(outer)
    assert (submission.wrapped, submission.enforce_index) == (True, 9)
    assert parse_job(outer).name == "exam-7-9"
    assert document_id(outer) == "one"
    assert refused({"Job": []}) == {"Job": "must be an object, got a list"}


def test_an_enforced_index_holds_or_is_told() -> None:
    record = JobRecord(id="one", document=seed(), job_modify_index=35)
    check_enforced_index(None, "one", record)
    check_enforced_index(35, "one", record)
    check_enforced_index(0, "one", None)
    for index, stored, text in (
        (99, None, "Enforcing job modify index 99: job does not exist"),
        (0, record, "Enforcing job modify index 0: job already exists"),
        (5, record, "Enforcing job modify index 5: job exists with conflicting job modify index: 35"),
    ):
        with pytest.raises(IndexConflict, match=f"^{text}$"):
            check_enforced_index(index, "one", stored)


def test_an_accepted_document_is_kept_whole_and_gets_an_id() -> None:
    document = seed() | {"Meta": {"of": 1}}
    before = copy.deepcopy(document)
    spec, kept = accept(document, region="eu", datacenter="dc7")
    assert document == before
    assert kept == before | {"ID": spec.id, "Region": "eu", "Datacenters": ["dc7"]}
    assert (spec.region, spec.datacenters) == ("eu", ["dc7"])
    assert parse_job(kept) == spec


def _tables(*tables: dict[str, Any]) -> dict[str, Any]:
    return {"ReplicateDoDb": [{"TableSchema": "a", "Tables": list(tables)}]}


def test_a_where_is_of_the_tables_that_its_entry_chooses() -> None:
    entries = ({"TableName": "t", "Where": " id = 1 "}, {"TableRegex": "^o", "where": "n > 2"}, {"TableName": "x"})
    selection = parse_job(with_source(**_tables(*entries))).selection()
    assert [selection.filters_of("a", name) for name in ("t", "o1", "x", "y")] == [
        ("id = 1",),
        ("n > 2",),
        ("",),
        ("",),
    ]
    without = parse_job(with_source(**_tables({"TableName": "t", "Where": "true"}))).selection()
    for none in ("", " ", " TRUE "):
        assert parse_job(with_source(**_tables({"TableName": "t", "Where": none}))).selection() == without
    assert not without.filters_rows and without.digest == Selection.of([("a", ["t"])]).digest != selection.digest


@pytest.mark.parametrize(
    ("config", "path", "problem"),
    [
        (_tables({"TableName": "t", "Where": "id = 1"}, {"TableName": "t", "Where": "id = 2"}), "[0].Tables[1].Where",
         "another entry takes the rows where id = 1"),
        (_tables({"TableName": "t", "Where": "id = 1"}, {"TableName": "t"}), "[0].Tables[1].TableName",
         "another entry takes the rows where id = 1"),
        ({"ReplicateDoDb": [*_tables({"TableName": "t", "Where": "id = 1"})["ReplicateDoDb"], {"TableSchema": "a"}]},
         "[0].Tables[0].Where", "another entry takes all of its rows"),
        (_tables({"TableName": "t", "Where": "x" * 5000}), "[0].Tables[0].Where", "is longer than 4096 characters"),
    ],
)  # fmt: skip
def test_a_where_that_contradicts_another_entry_is_refused(config: dict[str, Any], path: str, problem: str) -> None:
    assert refused_source(**config) == {f"ReplicateDoDb{path}": problem}


@pytest.mark.parametrize(("given", "where"), [("false", "false"), ("0", "0"), ("f", "f"), ("F", "F"), (False, "0")])
def test_a_where_that_lets_no_row_pass_or_is_a_column_is_one(given: Any, where: str) -> None:
    """They are words for "no" where a key is one of yes and no; here they are conditions."""
    document = with_source(**_tables({"TableName": "t", "Where": given}))
    for spec in (parse_job(document), accept(document)[0]):
        assert spec.selection().filters_rows and spec.selection().filters_of("a", "t") == (where,)
    twice = _tables({"TableName": "t"}, {"TableName": "t", "Where": given})
    assert refused_source(**twice) == {"ReplicateDoDb[0].Tables[1].Where": "another entry takes all of its rows"}
    ignored = [{"TableSchema": "a", "Tables": [{"TableName": "t", "Where": given}]}]
    assert list(refused_source(ReplicateIgnoreDb=ignored).values()) == ["has no meaning for what is left out"]


def test_a_where_of_what_is_ignored_is_refused() -> None:
    ignored = [{"TableSchema": "a", "Tables": [{"TableName": "t", "Where": "id = 1"}]}]
    (problem,) = refused_source(ReplicateIgnoreDb=ignored).values()
    assert problem == "has no meaning for what is left out"
