"""The API of a real node with a job that runs, and what a validation finds on real servers."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import httpx
import jsonschema_rs

from tests.end_to_end.conftest import DEADLINE, World, run, value, wait_for
from udup.sandbox.api import Json
from udup.web.openapi.operations import OPERATIONS


def _client(world: World) -> httpx.Client:
    return httpx.Client(base_url=world.node.url, timeout=30, trust_env=False)


def _shop(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, v INT)",
        f"INSERT INTO {name}.t VALUES (1, 1), (2, 2)",
    )


def test_every_route_answers_as_described_while_a_job_runs(world: World, name: str) -> None:
    """Every GET of the description, with IDs that are there; then the writes in the order of a job's life."""
    _shop(world, name)
    with _client(world) as client:
        written = client.put("/v1/jobs", json={"Job": world.document(name, [name])})
        world.posted.add(name)
        assert (written.status_code, written.headers["x-udup-job-id"]) == (200, name)
        evaluation = client.get(f"/v1/evaluation/{written.json()['EvalID']}").json()
        assert (evaluation["Status"], evaluation["JobID"]) == ("complete", name)
        world.node.wait_stage(name, deadline=DEADLINE)
        described = client.get("/v1/openapi.json").json()
        allocations = client.get(f"/v1/job/{name}/allocations").json()
        assert sorted(each["Task"] for each in allocations) == ["Dest", "Src"]
        wait_for(lambda: _all_run(client, name), lambda: client.get(f"/v1/job/{name}/allocations").text)
        node = client.get("/v1/nodes").json()[0]["ID"]
        ids = {"job": name, "node": node, "allocation": allocations[0]["ID"], "evaluation": allocations[0]["EvalID"]}
        ids["actor"] = next(each["Pid"] for each in client.get("/v1/agent/actors").json() if each["JobID"] == name)
        assert value_of(world, node) == node
        assert client.post(f"/v1/job/{name}/compare").status_code < 300
        assert client.put(f"/v1/job/{name}/cutover", json={"DryRun": True, "WritesStopped": True}).status_code == 200
        for operation in OPERATIONS:
            if operation.method == "get":
                path = operation.path.replace("{id}", str(ids[_kind(operation.path)])).replace(
                    "{pid}", str(ids["actor"])
                )
                if operation.path == _OF_SUBSCRIPTIONS:
                    refused = client.get(path)
                    assert refused.status_code == 400 and "is no subscription" in refused.text
                    continue
                if operation.path == _STREAM:
                    with client.stream("GET", path, params={"topics": "jobs"}) as answer:
                        assert answer.status_code == 200 and next(answer.iter_lines()), "it begins, and has no end"
                    continue
                if operation.path == _OF_DIFFERENCES:
                    absent = client.get(path, params={"schema": name, "table": "t", "key": "1"})
                    assert absent.status_code == 404 and "ledger" in absent.text
                    continue
                _check(described, operation.path, client.get(path, params=_ASKED.get(operation.path)))
        statistics = client.get(f"/v1/agent/allocation/{ids['allocation']}/stats").json()
        assert list(statistics["Tasks"]) == [allocations[0]["Task"]]
        for stub in allocations:
            assert (stub["NodeID"], stub["JobID"]) == (node, name)
            whole = client.get(f"/v1/allocation/{stub['ID']}").json()
            assert whole["TaskStates"][stub["Task"]]["Events"][0]["Type"] == "Received"
        assert client.get(f"/v1/evaluation/{ids['evaluation']}").json()["TriggeredBy"] == "job-register"
        wait_for(lambda: _dry_run_is_over(client, name), lambda: client.get(f"/v1/job/{name}/cutover").text)
        _pause_resume_delete(world, client, name)


#: What a job to a database has none of; `tests/subscriptions/test_tail.py` reads it of one that has.
_OF_SUBSCRIPTIONS = "/v1/job/{id}/events"

#: What a job whose rows are equal has none of; `tests/drivers/mysql/compare/test_row_look.py` reads them.
_OF_DIFFERENCES = "/v1/job/{id}/row"

#: What has no end.
_STREAM = "/v1/events"

#: What has to be said with a question.
_ASKED = {"/v1/job/{id}/estimate": {"act": "copy"}}


def value_of(world: World, node: str) -> str:
    """The node's ID as its data folder holds it."""
    assert uuid.UUID(node)
    return (world.node.data / "agent" / "node-id").read_text()


def _kind(path: str) -> str:
    return next((kind for kind in ("allocation", "evaluation", "node", "job") if f"/{kind}/" in path), "job")


def _dry_run_is_over(client: httpx.Client, name: str) -> bool:
    """Until then the job is not to be paused."""
    return client.get(f"/v1/job/{name}/cutover").json()["State"] not in ("running", "undoing")


def _all_run(client: httpx.Client, name: str) -> bool:
    return {each["ClientStatus"] for each in client.get(f"/v1/job/{name}/allocations").json()} == {"running"}


def _check(described: Json, path: str, answer: httpx.Response) -> None:
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
    content = described["paths"][path]["get"]["responses"]["200"]["content"]
    kind = answer.headers["content-type"].partition(";")[0]
    schema = content[kind]["schema"]
    if kind == "application/json":
        validator = jsonschema_rs.validator_for({**schema, "components": described["components"]})
        validator.validate(answer.json())


def _pause_resume_delete(world: World, client: httpx.Client, name: str) -> None:
    """A request that waits for the job sees the pause; paused, nothing is applied; resumed, everything."""
    index = client.get(f"/v1/job/{name}").headers["x-udup-index"]
    seen: list[Any] = []
    asking = threading.Thread(
        target=lambda: seen.append(httpx.get(f"{world.node.url}/v1/job/{name}?index={index}&wait=40s", timeout=60))
    )
    asking.start()
    paused = client.post(f"/v1/job/{name}/pause")
    assert (paused.status_code, paused.json()["Success"]) == (200, True)
    asking.join(DEADLINE)
    assert int(seen[0].headers["x-udup-index"]) > int(index)
    assert client.get(f"/v1/job/{name}").json()["Status"] == "pause"
    assert client.put(f"/v1/job/{name}/pause").json()["Success"] is False
    assert client.put("/v1/job/none/pause").status_code == 404
    assert client.put(f"/v1/job/{name}/resume").json()["Success"] is True
    world.on_source(f"INSERT INTO {name}.t VALUES (3, 3)")
    world.node.wait_stage(name, deadline=DEADLINE)
    world.level_and_equal(name, name)
    assert client.delete(f"/v1/job/{name}?purge=true").json()["Success"] is True
    assert value(world.target.endpoint, "SELECT COUNT(*) FROM udup.checkpoint WHERE job = %s", name) == 0
    assert client.get(f"/v1/job/{name}").status_code == 404
    assert client.get(f"/v1/job/{name}/allocations").json() == []
    triggers = [each["TriggeredBy"] for each in client.get(f"/v1/job/{name}/evaluations").json()]
    assert "job-deregister" in triggers


def test_a_validation_looks_at_everything_and_changes_nothing(world: World, name: str) -> None:
    _shop(world, name)
    world.on_source(f"CREATE TABLE {name}.keyless (v INT)", f"CREATE TABLE {name}.old (v INT) ENGINE=MyISAM")
    world.on_target(
        f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)", f"INSERT INTO {name}.t VALUES (9)"
    )
    before = [value(each.endpoint, "SELECT @@GLOBAL.gtid_executed") for each in (world.source, world.target)]
    with _client(world) as client:
        answer = client.post("/v1/validate/job", json=world.document(name, [name, "nowhere"])).json()
        found = {(each["Task"], each["Check"], each["Result"]): each for each in answer["Checks"]}
        assert answer["DriverConfigValidated"] is False
        assert "keyless" in found["Src", "table_keys", "warn"]["Found"]
        assert "old" in found["Src", "engines", "warn"]["Found"]
        assert "nowhere" in found["Src", "tables", "warn"]["Found"]
        assert f"{name}.t" in found["Dest", "existing_tables", "fail"]["Found"]
        assert found["Src", "gtid_mode", "pass"]["Found"] == "ON"
        assert ("", "server_uuid", "pass") in found
        assert ("Dest", "checkpoint", "pass") in found
        for task, names in EVERY_CHECK.items():
            assert {each["Check"] for each in answer["Checks"] if each["Task"] == task} == set(names.split())
        assert client.get(f"/v1/job/{name}").status_code == 404
        now = [value(each.endpoint, "SELECT @@GLOBAL.gtid_executed") for each in (world.source, world.target)]
        assert now == before
        # A server that cannot be reached is a failed check, and the other one is looked at all the same.
        document = world.document(name, [name])
        document["Tasks"][0]["Config"]["ConnectionConfig"]["Password"] = "wrong"
        document["Tasks"][1]["Config"]["DropTableIfExists"] = True
        answer = client.put("/v1/validate/job", json={"Job": document}).json()
        found = {(each["Task"], each["Check"], each["Result"]): each for each in answer["Checks"]}
        assert "cannot connect" in found["Src", "connection", "fail"]["Found"]
        assert found["Dest", "connection", "pass"]["Found"].startswith("'root'@")
        assert answer["ValidationTasks"][0]["Connection"]["Success"] is False
    run(world.source.endpoint, f"DROP TABLE {name}.old, {name}.keyless")
    run(world.target.endpoint, f"DROP TABLE {name}.t")
    with _client(world) as client:
        answer = client.post("/v1/validate/job", json=world.document(name, [name])).json()
        assert answer["Error"] == "", answer["Checks"]
        after = client.post("/v1/validate/job", json=world.document(name, [name], src={"Gtid": before[0]})).json()
        missing = next(each for each in after["Checks"] if each["Check"] == "existing_tables")
        assert (missing["Result"], f"{name}.t" in missing["Found"]) == ("warn", True)


#: Every check of a pair of servers that can be reached.
EVERY_CHECK = {
    "Src": "connection transport version log_bin binlog_format binlog_row_image enforce_gtid_consistency gtid_mode"
    " server_id log_replica_updates privileges schema_privileges binlog_filters gtid_position binlog_row_metadata"
    " dependency_tracking"
    " binlog_retention snapshot_privilege new_names tables engines table_keys row_filters foreign_key_parents"
    " log_retention xa_prepared column_names column_maps",
    "Dest": "connection transport version gtid_mode read_only binlog_format max_allowed_packet named_locks row_settings"
    " server_id"
    " privileges session_variables schema_privileges log_bin_trust_function_creators definer_privileges local_infile"
    " checkpoint existing_tables other_jobs time_zone_tables apply_mode apply_mode_version",
    "": "server_uuid release lower_case_table_names default_storage_engine character_sets server_id"
    " max_allowed_packet default_table_encryption innodb_default_row_format time_zone rings"
    " newer_columns account_plugins signs partial_json",
}
