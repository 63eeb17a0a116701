"""Every route beside the jobs' own: shapes, words, headers and errors, as clients know them."""

from __future__ import annotations

from typing import Any

import pytest
from falcon.testing import TestClient

from tests.web import contract
from tests.web.conftest import ACTOR, MOMENT, NODE_ID
from udup import __version__
from udup.base.config import Settings
from udup.jobs import JobProgress, Stage
from udup.jobs.allocation import ClientStatus, EventType, TaskEvent, TaskLife, TaskState
from udup.jobs.growing_shown import told, with_growing
from udup.jobs.growth import Growth, GrowthState
from udup.web.ports import Check, Outcome

UNKNOWN = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def posted(client: TestClient, document: dict[str, Any]) -> str:
    """A job that is there: its ID."""
    client.simulate_post("/v1/jobs", json=document)
    return "one"


def set_running(memory: Any, job_id: str) -> None:
    event = TaskEvent(type=EventType.TERMINATED, time=MOMENT, fields={"ExitCode": 2, "Message": "why"})
    state = TaskState(state=TaskLife.RUNNING, started_ns=MOMENT, events=(event,))
    update = {"client": ClientStatus.RUNNING, "state": state, "modify_index": 90}
    running = tuple(each.model_copy(update=update) for each in memory.records[job_id].allocations)
    memory.change(job_id, allocations=running)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_job_is_paused_and_resumed_and_a_second_time_there_is_nothing_to_do(
    client: TestClient, posted: str, memory: Any, method: str
) -> None:
    for part, status in (("pause", "pause"), ("resume", "pending")):
        answer = client.simulate_request(method, f"/v1/job/{posted}/{part}")
        assert answer.text == f'{{"Index":{memory.index},"KnownLeader":false,"LastContact":0,"Success":true}}'
        assert answer.headers["x-udup-index"] == str(memory.index)
        assert client.simulate_get(f"/v1/job/{posted}").json["Status"] == status
        answer = client.simulate_request(method, f"/v1/job/{posted}/{part}")
        assert answer.text == '{"Index":0,"KnownLeader":false,"LastContact":0,"Success":false}'
        assert (answer.status_code, answer.headers["x-udup-index"]) == (200, "0")
        answer = client.simulate_request(method, f"/v1/job/none/{part}")
        assert (answer.status_code, answer.text) == (404, "job not found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/job/one/pause"),
        ("DELETE", "/v1/job/one/resume"),
        ("POST", "/v1/job/one/allocations"),
        ("DELETE", "/v1/job/one/evaluations"),
        ("GET", f"/v1/node/{NODE_ID}/evaluate"),
        ("POST", f"/v1/node/{NODE_ID}"),
        ("GET", "/v1/validate/job"),
        ("GET", "/v1/join"),
        ("GET", "/v1/leave"),
        ("GET", "/v1/agent/actor/7/kill"),
        ("POST", "/v1/agent/actor/7/stacks"),
        ("DELETE", "/v1/nodes"),
    ],
)
def test_methods_that_a_route_has_not_change_nothing(
    client: TestClient, posted: str, memory: Any, method: str, path: str
) -> None:
    index = memory.index
    answer = client.simulate_request(method, path)
    assert (answer.status_code, answer.text, memory.index) == (405, "Invalid method", index)


def test_jobs_have_all_their_keys_in_order(client: TestClient, posted: str) -> None:
    job = client.simulate_get(f"/v1/job/{posted}").json
    assert list(job) == sorted(contract.JOB)
    assert all(list(task) == sorted(contract.TASK) for task in job["Tasks"])
    (stub,) = client.simulate_get("/v1/jobs").json
    assert list(stub) == sorted(contract.JOB_STUB)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_transaction_in_question_is_settled_by_name(
    client: TestClient, posted: str, memory: Any, method: str
) -> None:
    gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23"
    for said, applied in (("true", True), ("false", False), ("1", True)):
        answer = client.simulate_request(method, f"/v1/job/{posted}/settle", query_string=f"gtid={gtid}&applied={said}")
        assert (answer.status_code, answer.json["Success"]) == (200, True)
        assert memory.settled[-1] == (posted, gtid, applied)
    count = len(memory.settled)
    for query in ("", f"gtid={gtid}", "applied=true", f"gtid={gtid}-25&applied=true", f"gtid={gtid}&applied=perhaps"):
        assert client.simulate_request(method, f"/v1/job/{posted}/settle", query_string=query).status_code == 400
    answer = client.simulate_request(method, "/v1/job/none/settle", query_string=f"gtid={gtid}&applied=true")
    assert (answer.status_code, answer.text) == (404, "job not found")
    assert client.simulate_get(f"/v1/job/{posted}/settle", query_string=f"gtid={gtid}&applied=true").status_code == 405
    assert len(memory.settled) == count


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_transaction_is_passed_over_by_name_and_the_answer_warns(
    client: TestClient, posted: str, memory: Any, method: str
) -> None:
    gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23"
    path = f"/v1/job/{posted}/skip"
    for query in ("", "gtid=", f"gtid={gtid}-25", "gtid=23"):
        assert client.simulate_request(method, path, query_string=query).status_code == 400
    assert client.simulate_get(path, query_string=f"gtid={gtid}").status_code == 405
    assert memory.skipped == []
    answer = client.simulate_request(method, path, query_string=f"gtid={gtid}")
    assert (answer.status_code, answer.json["Success"]) == (200, True)
    assert "differs from the source" in answer.json["Warning"]
    assert memory.skipped == [(posted, gtid)]
    answer = client.simulate_request(method, path, query_string=f"gtid={gtid}")
    assert (answer.status_code, "already" in answer.text) == (409, True)
    answer = client.simulate_request(method, "/v1/job/none/skip", query_string=f"gtid={gtid}")
    assert (answer.status_code, answer.text) == (404, "job not found")


def test_a_purge_is_asked_for(client: TestClient, posted: str, memory: Any) -> None:
    for query, purged in (("purge=false", []), ("purge=true", [posted])):
        assert client.simulate_delete(f"/v1/job/{posted}", query_string=query).json["Success"] is True
        assert memory.purged == purged
    assert "missing job ID for evaluation" in client.simulate_delete("/v1/job/").text


def test_allocations_in_lists_and_alone(client: TestClient, posted: str, memory: Any) -> None:
    stubs = client.simulate_get("/v1/allocations").json
    assert [stub["ID"] for stub in stubs] == sorted(stub["ID"] for stub in stubs)
    assert all(list(stub) == sorted(contract.ALLOCATION_STUB) for stub in stubs)
    assert {stub["Name"] for stub in stubs} == {"first.Src", "first.Dest"}
    assert (stubs[0]["TaskStates"], stubs[0]["NodeID"], stubs[0]["ClientStatus"]) == (None, NODE_ID, "pending")
    set_running(memory, posted)
    answer = client.simulate_get(f"/v1/allocation/{stubs[0]['ID'].upper()}")
    assert contract.read_headers(answer.headers) == ["90", "true", "0"]
    allocation = answer.json
    assert list(allocation) == sorted(contract.ALLOCATION)
    assert list(allocation["Metrics"]) == sorted(contract.METRICS)
    assert (allocation["Metrics"]["NodesAvailable"], allocation["Metrics"]["ClassFiltered"]) == ({"dc1": 1}, None)
    assert (set(allocation["Job"]), allocation["Job"]["Status"]) == (contract.JOB, "pending")
    ((task, state),) = allocation["TaskStates"].items()
    assert (task, list(state)) == (stubs[0]["Task"], sorted(contract.TASK_STATE))
    assert (state["State"], state["Failed"], state["FinishedAt"]) == ("running", False, "0001-01-01T00:00:00Z")
    assert state["StartedAt"] == "2017-07-14T02:40:00.123456789Z"
    (event,) = state["Events"]
    assert list(event) == sorted(contract.TASK_EVENT)
    assert (event["Type"], event["ExitCode"], event["Message"], event["Time"]) == ("Terminated", 2, "why", MOMENT)


def test_allocations_of_a_job_a_node_and_an_evaluation(
    client: TestClient, posted: str, document: dict[str, Any]
) -> None:
    evaluation = client.simulate_get(f"/v1/job/{posted}/evaluations").json[0]["ID"]
    lists = {
        f"/v1/job/{posted}/allocations": contract.ALLOCATION_STUB,
        f"/v1/evaluation/{evaluation}/allocations": contract.ALLOCATION_STUB,
        f"/v1/node/{NODE_ID}/allocations": contract.ALLOCATION,
    }
    for path, expected in lists.items():
        answer = client.simulate_get(path)
        assert [set(each) for each in answer.json] == [expected] * 2, path
        assert contract.read_headers(answer.headers)[1:] == ["true", "0"]
    for path in ("/v1/job/none/allocations", "/v1/evaluation/x/allocations", "/v1/node/x/allocations"):
        assert client.simulate_get(path).text == "[]"
    assert client.simulate_get("/v1/node/x/allocations").headers["x-udup-index"] == "1"


def test_allocations_of_an_earlier_job_of_the_same_id_are_listed_when_asked_for(
    client: TestClient, posted: str, memory: Any
) -> None:
    memory.change(posted, create_index=1000)
    for query, count in (("", 0), ("all=false", 0), ("all=yes", 0), ("all=true", 2), ("all=1", 2)):
        listed = client.simulate_get(f"/v1/job/{posted}/allocations", query_string=query).json
        assert len(listed) == count, query


def test_evaluations_in_lists_and_alone_and_the_one_that_a_deletion_leaves(client: TestClient, posted: str) -> None:
    (evaluation,) = client.simulate_get("/v1/evaluations").json
    assert list(evaluation) == sorted(contract.EVALUATION)
    assert (evaluation["TriggeredBy"], evaluation["Status"]) == ("job-register", "complete")
    assert (evaluation["QueuedAllocations"], evaluation["FailedTGAllocs"]) == ({"Src": 0, "Dest": 0}, None)
    answer = client.simulate_get(f"/v1/evaluation/{evaluation['ID']}")
    assert (answer.json, answer.headers["x-udup-index"]) == (evaluation, str(evaluation["ModifyIndex"]))
    client.simulate_delete(f"/v1/job/{posted}")
    (left,) = client.simulate_get(f"/v1/job/{posted}/evaluations").json
    assert (left["TriggeredBy"], left["JobID"]) == ("job-deregister", posted)
    assert client.simulate_get(f"/v1/job/{posted}/allocations").json == []


@pytest.mark.parametrize(("path", "table"), [("allocation", "alloc"), ("evaluation", "eval"), ("node", "node")])
def test_ids_that_are_not_there_or_no_uuids(client: TestClient, path: str, table: str) -> None:
    answer = client.simulate_get(f"/v1/{path}/{UNKNOWN}")
    assert (answer.status_code, answer.text) == (404, f"{table} not found")
    assert None not in contract.read_headers(answer.headers)
    answer = client.simulate_get(f"/v1/{path}/x")
    assert (answer.status_code, answer.text) == (400, f"{table} lookup failed: index error: UUID must be 36 characters")
    assert contract.read_headers(answer.headers) == [None] * 3
    problem = {"abc": "Input (without hyphens) must be even length"}
    problem["zz"] = "Invalid UUID: encoding/hex: invalid byte: U+007A 'z'"
    for prefix, text in problem.items():
        answer = client.simulate_get(f"/v1/{path}s", query_string=f"prefix={prefix}")
        assert (answer.status_code, answer.text) == (400, f"{table} lookup failed: index error: {text}")


def test_lists_by_prefix(client: TestClient, posted: str) -> None:
    for path in ("/v1/allocations", "/v1/evaluations", "/v1/nodes"):
        every = client.simulate_get(path).json
        first = every[0]["ID"]
        for prefix in (first, first[:9], first[:4].upper()):
            found = client.simulate_get(path, query_string=f"prefix={prefix}").json
            assert first in [each["ID"] for each in found], prefix
        assert client.simulate_get(path, query_string=f"prefix={UNKNOWN}").text == "[]"


def test_the_node(client: TestClient, memory: Any) -> None:
    (stub,) = client.simulate_get("/v1/nodes").json
    answer = client.simulate_get(f"/v1/node/{NODE_ID}")
    node = answer.json
    assert (list(stub), list(node)) == (sorted(contract.NODE_STUB), sorted(contract.NODE))
    assert (node["ID"], node["Status"], node["Attributes"]) == (NODE_ID, "ready", {"driver.MySQL": "1"})
    assert contract.read_headers(answer.headers) == [str(node["ModifyIndex"]), "true", "0"]
    memory.unready = ["NATS does not answer"]
    down = client.simulate_get(f"/v1/node/{NODE_ID}").json
    assert (down["Status"], down["StatusDescription"]) == ("down", "NATS does not answer")
    assert down["ModifyIndex"] > node["ModifyIndex"]
    answer = client.simulate_get("/v1/node/")
    assert (answer.status_code, answer.text) == (400, "missing node ID")


def test_a_node_that_is_alone_does_not_drain_and_is_not_made_to(client: TestClient) -> None:
    path = f"/v1/node/{NODE_ID}/drain"
    shown = client.simulate_get(path)
    assert shown.status_code == 200 and shown.json["Drain"] is False
    assert client.simulate_get(f"/v1/node/{UNKNOWN}/drain").status_code == 404
    refused = client.simulate_put(path, params={"enable": "true"})
    assert refused.status_code == 400 and "udup cluster init" in refused.text


def test_a_node_is_evaluated(client: TestClient) -> None:
    for method in ("PUT", "POST"):
        answer = client.simulate_request(method, f"/v1/node/{NODE_ID}/evaluate")
        assert list(answer.json) == sorted(contract.NODE_UPDATE)
        assert answer.headers["x-udup-index"] == str(answer.json["Index"])
        assert "x-udup-knownleader" not in answer.headers
    answer = client.simulate_put(f"/v1/node/{UNKNOWN}/evaluate")
    assert (answer.status_code, answer.text) == (404, "node not found")


def test_statistics_of_a_task_that_runs(client: TestClient, posted: str, memory: Any) -> None:
    stub = client.simulate_get("/v1/allocations").json[0]
    path = f"/v1/agent/allocation/{stub['ID']}/stats"
    assert client.simulate_get(path).text == '{"Tasks":{}}'
    set_running(memory, posted)
    for method in ("GET", "POST", "PUT", "DELETE"):
        answer = client.simulate_request(method, path, query_string=f"task={stub['Task']}")
        assert set(answer.json["Tasks"][stub["Task"]]) >= contract.TASK_STATISTICS
        assert contract.read_headers(answer.headers) == [None] * 3
    for where, query, text in (
        (path, "task=Foo", f'allocation "{stub["ID"]}" has no task "Foo"'),
        ("/v1/agent/allocation/x/stats", "", 'unknown allocation ID "x"'),
        (f"/v1/agent/allocation/{stub['ID']}/other", "", "resource not found"),
        ("/v1/agent/allocation/", "", "resource not found"),
    ):
        answer = client.simulate_get(where, query_string=query)
        assert (answer.status_code, answer.text) == (404, text)


def test_who_is_there(client: TestClient) -> None:
    members = client.simulate_get("/v1/members").json
    (member,) = members["Members"]
    assert set(members) == {"ServerName", "ServerRegion", "ServerDC", "Members"}
    assert list(member) == sorted(contract.MEMBER)
    assert (member["Status"], member["Tags"]["role"], member["Tags"]["region"]) == ("alive", "server", "global")
    leader = client.simulate_get("/v1/leader")
    assert leader.json == f"{member['Addr']}:{member['Tags']['port']}"
    for path in ("/v1/peers", "/v1/managers", "/v1/servers"):
        answer = client.simulate_get(path)
        assert answer.json == [leader.json]
        assert contract.read_headers(answer.headers) == [None] * 3


def test_the_node_about_itself_tells_no_secrets(client: TestClient) -> None:
    answer = client.simulate_get("/v1/self")
    assert set(answer.json) == {"config", "member", "stats", "Role", "NeedsToken"}
    assert set(answer.json["config"]) == contract.CONFIG
    assert answer.json["config"]["Version"] == __version__
    stats = answer.json["stats"]
    assert set(stats) == {"server", "client", "raft", "serf", "runtime"}
    assert stats["client"]["node_id"] == NODE_ID
    assert all(isinstance(value, str) for part in stats.values() for value in part.values())


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_managers_join_and_leave_say_that_there_is_one_node(client: TestClient, method: str) -> None:
    own = client.simulate_get("/v1/leader").json

    def ask(path: str, query: str) -> tuple[int, str]:
        answer = client.simulate_request(method, path, query_string=query)
        return answer.status_code, answer.text

    assert ask("/v1/managers", f"address={own}&address=10.0.0.9:8191") == (200, "")
    assert ask("/v1/servers", "") == (400, "missing server address")
    assert ask("/v1/managers", "address=10.0.0.9")[0] == 400
    assert ask("/v1/join", f"address={own}") == (200, '{"error":"","num_joined":1}')
    code, text = ask("/v1/join", "address=10.0.0.9")
    assert (code, text.endswith(',"num_joined":0}'), "10.0.0.9" in text) == (200, True, True)
    assert ask("/v1/join", "") == (400, "missing address to join")
    assert ask("/v1/leave", "node=nobody") == (200, "")
    assert ask("/v1/leave", "") == (400, "missing node to force leave")


def test_actors_are_listed_looked_into_and_killed(client: TestClient, memory: Any) -> None:
    (actor,) = client.simulate_get("/v1/agent/actors").json
    assert list(actor.items()) == [
        ("JobID", ""),
        ("Pid", ACTOR.pid),
        ("Restarts", 2),
        ("Role", "supervisor"),
        ("Rss", 4096),
        ("Slot", 0),
        ("Started", 1.5),
        ("State", "running"),
    ]
    answer = client.simulate_get(f"/v1/agent/actor/{ACTOR.pid}/stacks")
    assert (answer.text, answer.headers["content-type"]) == ("Thread 7: é", "text/plain; charset=utf-8")
    answer = client.simulate_post(f"/v1/agent/actor/{ACTOR.pid}/kill")
    assert (answer.status_code, answer.text, memory.killed) == (200, "", [ACTOR.pid])
    for path in ("/v1/agent/actor/8/kill", "/v1/agent/actor/99999999999999999999/kill"):
        answer = client.simulate_post(path)
        assert (answer.status_code, "no actor of this node" in answer.text) == (404, True)


def test_a_validation_lists_every_check_and_sums_them_up(
    client: TestClient, document: dict[str, Any], memory: Any
) -> None:
    answer = client.simulate_put("/v1/validate/job", json={"Job": document})
    assert (answer.json["DriverConfigValidated"], answer.json["Error"]) == (True, "")
    assert answer.json["Checks"] == [
        {"Check": "version", "Found": "9.7.0", "Remedy": "", "Result": "pass", "Task": "Src"}
    ]
    memory.checks = [
        Check("Src", "gtid_mode", Outcome.FAIL, "gtid_mode is OFF", "SET PERSIST gtid_mode = ON"),
        Check("", "server_uuid", Outcome.FAIL, "the same server", "name two"),
        Check("Dest", "local_infile", Outcome.WARN, "local_infile is OFF", "SET"),
    ]
    answer = client.simulate_post("/v1/validate/job", json=document)
    assert answer.json["DriverConfigValidated"] is False
    assert answer.json["Error"] == ("Src: gtid_mode is OFF -- SET PERSIST gtid_mode = ON\nthe same server -- name two")
    source, target = answer.json["ValidationTasks"]
    names = "Type Connection LogSlaveUpdates MaxAllowedPacket Privileges GtidMode ServerID Binlog"
    assert set(source) == set(target) == contract.keys(names)
    assert (source["GtidMode"]["Success"], target["GtidMode"]["Success"]) == (False, True)
    assert target["ServerID"] == {"Success": False, "Error": "the same server -- name two"}
    assert len(memory.records) == 0
    assert client.simulate_post("/v1/validate/job", json={"Name": "x"}).status_code == 400


def test_validations_do_not_take_all_threads(
    client: TestClient, document: dict[str, Any], memory: Any, settings: Settings
) -> None:
    """Each that is under way asks for another one, until there is no place left."""
    answers: list[int] = []

    def validate(_document: dict[str, Any]) -> list[Check]:
        answers.append(client.simulate_post("/v1/validate/job", json=document).status_code)
        return []

    memory.validate = validate
    assert client.simulate_post("/v1/validate/job", json=document).status_code == 200
    assert answers == [503] + [200] * (settings.http.threads // 2 - 1)
    assert client.simulate_get("/v1/jobs").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_tables_are_loaded_again_by_their_path_or_by_name(
    client: TestClient, posted: str, memory: Any, method: str
) -> None:
    for path, query, tables in (
        (f"/v1/job/{posted}/tables/s.a/reload", "", ["s.a"]),
        (f"/v1/job/{posted}/reload", "table=s.a&table=s.b", ["s.a", "s.b"]),
    ):
        answer = client.simulate_request(method, path, query_string=query)
        assert (answer.status_code, answer.json["Success"], answer.json["Tables"]) == (200, True, tables)
        assert memory.reloaded[-1] == (posted, tuple(tables))
    assert client.simulate_request(method, f"/v1/job/{posted}/reload").status_code == 400
    assert client.simulate_request(method, "/v1/job/none/tables/s.a/reload").status_code == 404
    assert client.simulate_get(f"/v1/job/{posted}/reload").status_code == 405


def test_tables_that_are_under_way_are_given_up(client: TestClient, posted: str, memory: Any) -> None:
    path = f"/v1/job/{posted}/reload"
    assert client.simulate_delete(path).json["Success"] is False, "there are none"
    client.simulate_post(path, query_string="table=s.a")
    answer = client.simulate_delete(path)
    assert answer.json["Success"] is True and "not in the job" in answer.json["Warning"] and not memory.reloaded
    assert client.simulate_delete("/v1/job/none/reload").status_code == 404
    assert client.simulate_delete(f"/v1/job/{posted}/tables/s.a/reload").status_code == 405


def test_a_side_job_is_shown_as_what_its_job_gets(client: TestClient, posted: str, memory: Any) -> None:
    assert client.simulate_get(f"/v1/job/{posted}").json["Growing"] is None
    growth = Growth(state=GrowthState.COPYING, side=f"{posted} tables", since_ns=1_500_000_000_000_000_000)
    record = memory.records[posted].growing(growth)
    tables = {"s.a": {"rows": 30, "total": 40}, "s.b": {"rows": 10, "total": 10, "complete": True}}
    progress = JobProgress(tables=tables)
    side = record.model_copy(
        update={"id": growth.side, "part_of": posted, "stage": Stage.COPYING, "progress": progress}
    )
    [shown] = with_growing([side, record])
    memory.records[posted] = shown
    growing = client.simulate_get(f"/v1/job/{posted}").json["Growing"]
    assert (growing["State"], growing["Percent"], growing["Since"]) == ("copying", 80.0, "2017-07-14T02:40:00Z")
    assert [(each["Table"], each["State"]) for each in growing["Tables"]] == [("s.a", "copying"), ("s.b", "copied")]
    assert "growing_shown" not in shown.to_json().decode(), "it is never stored"
    assert told(growing) == "adding s.a, s.b (copying 80 %)"
