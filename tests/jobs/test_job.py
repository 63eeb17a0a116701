"""Jobs as documents: what is accepted, what is refused and how it is told, and that passwords stay inside."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from udup.base.errors import Refused
from udup.jobs import (
    MASK,
    DesiredState,
    IndexConflict,
    JobRecord,
    Stage,
    Status,
    accept,
    check_enforced_index,
    document_id,
    masked,
    merge_passwords,
    parse_job,
    to_api,
    to_stub,
    unwrap,
)
from udup.pipeline.selection.selection import Selection

#: The documentation's own example, as clients copy it.
SEED = """
 {
     "Name": "exam-7-9",
     "Type": "synchronous",
     "Tasks": [
         {
             "Type": "Src",
             "NodeId": "1eda45f8-df9b-1541-9009-83952e7b672a",
             "Driver": "MySQL",
             "Config": {
                 "Gtid": "",
                 "NatsAddr": "127.0.0.1:8193",
                 "ParallelWorkers": 4,
                 "ReplChanBufferSize": 600,
                 "MsgBytesLimit": 20480,
                 "ReplicateDoDb": [
                     {
                         "TableSchema": "sbtest"
                     }
                 ],
                 "ConnectionConfig": {
                     "Host": "192.168.99.100",
                     "Port": 13307,
                     "User": "root",
                     "Password": "rootroot"
                 }
             }
         },
         {
             "Type": "Dest",
             "NodeId": "a5e9ad80-8e77-03fd-7fa3-31e007ecdcbe",
             "Driver": "MySQL",
             "Config": {
                 "Gtid": "",
                 "NatsAddr": "127.0.0.1:8193",
                 "ParallelWorkers": 4,
                 "ConnectionConfig": {
                     "Host": "192.168.99.100",
                     "Port": 13309,
                     "User": "root",
                     "Password": "rootroot"
                 }
             }
         }
     ]
 }
"""

UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


def seed() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SEED)
    return document


def with_source(**config: Any) -> dict[str, Any]:
    document = seed()
    document["Tasks"][0]["Config"].update(config)
    return document


def with_connection(**connection: Any) -> dict[str, Any]:
    document = seed()
    document["Tasks"][0]["Config"]["ConnectionConfig"].update(connection)
    return document


def refused(document: object) -> dict[str, str]:
    """The faults of a document, by path."""
    with pytest.raises(Refused) as caught:
        parse_job(document)
    return {fault.where: fault.problem for fault in caught.value.faults}


def refused_source(**config: Any) -> dict[str, str]:
    """The faults of the source's Config, by path inside it."""
    prefix = "Tasks[0].Config."
    return {where.removeprefix(prefix): problem for where, problem in refused(with_source(**config)).items()}


def lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.lower(): lowered(item) for key, item in value.items()}
    return [lowered(item) for item in value] if isinstance(value, list) else value


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
    document["Tasks"][0]["Config"]["ReplicateDoDb"] = [{}, {"TableSchema": "a", "Tables": [{"Where": "id=1"}]}]
    document["Tasks"][1] |= {"Type": "dest", "Driver": "Oracle"}
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
        f"{config}.ReplicateDoDb[1].Tables[0].Where": "not supported yet",
        "Tasks[1].Type": "must be Src or Dest, got 'dest'",
        "Tasks[1].Driver": "unknown driver 'Oracle'",
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
        {"ApproveHeterogeneous": True},
        {"SkipCreateDbTable": "1"},
        {"twowaysync": True},
        {"AutoGtid": True},
    ],
)
def test_keys_whose_ignoring_would_change_the_data_are_refused(config: dict[str, Any]) -> None:
    assert list(refused_source(**config).values()) == ["not supported yet"]


@pytest.mark.parametrize("key", ["Where", "ColumnMapFrom", "ColumnMapTo", "where", "ColumnMapUseRe"])
@pytest.mark.parametrize("what", ["ReplicateDoDb", "ReplicateIgnoreDb"])
def test_rewriting_of_rows_is_refused(what: str, key: str) -> None:
    entry = {"TableSchema": "a", "TableSchemaRenameRegex": "b", "Tables": [{"TableName": "t", key: ["x"]}]}
    assert list(refused_source(**{what: [entry]}).values()) == ["not supported yet"] * 2


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
        ({"Type": "subscribe"}, "Type"),
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


def test_known_but_later_job_types_say_so() -> None:
    assert refused(seed() | {"Type": "subscribe"})["Type"] == "job type 'subscribe' is not supported yet"
    assert parse_job(seed() | {"Type": "migration"}).type == "migration"


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
    document = seed() | {"Unheard": {"of": 1}}
    before = copy.deepcopy(document)
    spec, kept = accept(document, region="eu", datacenter="dc7")
    assert document == before
    assert kept == before | {"ID": spec.id, "Region": "eu", "Datacenters": ["dc7"]}
    assert (spec.region, spec.datacenters) == ("eu", ["dc7"])
    assert parse_job(kept) == spec


def test_passwords_are_masked_at_any_depth_and_in_any_case() -> None:
    document = {"a": [{"PASSWORD": "x", "b": {"password": ""}}], "Password": None, "n": 1}
    assert masked(document) == {"a": [{"PASSWORD": MASK, "b": {"password": MASK}}], "Password": None, "n": 1}
    assert "rootroot" not in json.dumps(masked(seed()))


def test_a_masked_job_posted_back_keeps_its_passwords() -> None:
    _, stored = accept(with_connection(Password="secret") | {"ID": "one"})
    answer = to_api(JobRecord(id="one", document=stored))
    answer["Tasks"].reverse()
    answer["Tasks"][1]["Config"]["ChunkSize"] = 500
    answer = lowered(answer)
    spec, kept = accept(answer, stored)
    assert spec.source_endpoint().password == "secret"
    assert spec.target_endpoint().password == "rootroot"
    assert spec.chunk_size == 500
    assert MASK not in json.dumps(kept)


def test_a_new_password_replaces_the_stored_one() -> None:
    merged = merge_passwords(with_connection(Password="new"), seed())
    assert parse_job(merged).source_endpoint().password == "new"


@pytest.mark.parametrize("change", [{"Host": "10.0.0.1"}, {"Port": 1}, {"User": "eve"}])
def test_a_stored_password_never_goes_to_another_server_or_account(change: dict[str, Any]) -> None:
    merged = merge_passwords(with_connection(Password=MASK, **change), seed())
    assert "is the mask" in refused(merged)["Tasks[0].Config.ConnectionConfig.Password"]


def test_a_mask_without_a_stored_password_is_refused() -> None:
    with pytest.raises(Refused, match="is the mask"):
        accept(with_connection(Password=MASK))


def test_passwords_are_in_no_repr_and_no_error() -> None:
    document = with_connection(Password="s3cret", Port=0, Host=["s3cret"])
    with pytest.raises(Refused) as caught:
        parse_job(document)
    assert "s3cret" not in str(caught.value) + repr(caught.value.faults)
    wrong = with_connection(Password=["s3cret"])
    with pytest.raises(Refused) as caught:
        parse_job(wrong)
    assert "s3cret" not in str(caught.value)
    spec, kept = accept(with_connection(Password="s3cret"))
    assert "s3cret" not in repr(spec) + repr(JobRecord(id="one", document=kept)) + repr(unwrap(kept))


def test_a_record_survives_json() -> None:
    record = JobRecord(
        id="one",
        document=seed(),
        stage=Stage.COPYING,
        create_index=3,
        progress={"lag_ms": 1.5, "tables": {"a.b": [1, 2]}},
    )
    assert JobRecord.from_json(record.to_json()) == record


@pytest.mark.parametrize(
    ("stage", "desired", "status"),
    [
        (Stage.PENDING, DesiredState.RUN, Status.PENDING),
        (Stage.COPYING, DesiredState.RUN, Status.RUNNING),
        (Stage.CATCHING_UP, DesiredState.RUN, Status.RUNNING),
        (Stage.RUNNING, DesiredState.RUN, Status.RUNNING),
        (Stage.RUNNING, DesiredState.PAUSE, Status.PAUSE),
        (Stage.PAUSED, DesiredState.PAUSE, Status.PAUSE),
        (Stage.COMPLETED, DesiredState.RUN, Status.COMPLETE),
        (Stage.FAILED, DesiredState.RUN, Status.DEAD),
    ],
)
def test_the_status_follows_from_the_stage(stage: Stage, desired: DesiredState, status: Status) -> None:
    assert JobRecord(id="one", document=seed(), stage=stage, desired=desired).status == status


def test_the_api_shows_every_key_in_order_and_config_as_given() -> None:
    document = lowered(with_source(Unheard=1, Gtid=None))
    record = JobRecord(id="one", document=document, modify_index=9, progress={"last_error": "x"})
    job = to_api(record)
    assert list(job) == [
        "Region", "ID", "Name", "Type", "Datacenters", "Constraints", "Tasks", "Status", "StatusDescription",
        "EnforceIndex", "CreateIndex", "ModifyIndex", "JobModifyIndex", "Stage", "Progress",
    ]  # fmt: skip
    assert (job["Region"], job["Type"], job["Datacenters"]) == ("global", "synchronous", ["dc1"])
    source, target = job["Tasks"]
    assert list(source) == ["Type", "NodeId", "NodeName", "Driver", "Config", "Leader", "Constraints"]
    assert (source["Leader"], target["Leader"]) == (False, True)
    assert source["Config"] == masked(document["tasks"][0]["config"])
    stub = to_stub(record)
    assert stub["JobSummary"] == job
    assert list(stub) == [
        "ID", "Name", "Type", "Status", "StatusDescription", "JobSummary",
        "CreateIndex", "ModifyIndex", "JobModifyIndex",
    ]  # fmt: skip


def test_progress_of_a_table_that_is_called_password_is_shown() -> None:
    _, document = accept(seed())
    tables = {"s.user_password": {"rows": 3}}
    assert to_api(JobRecord(id="a", document=document, progress={"tables": tables}))["Progress"]["tables"] == tables
