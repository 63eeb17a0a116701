"""POST /v1/inspect: a server as it is typed; what is wrong with the question, and what comes of it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from falcon.testing import TestClient

from udup.pipeline.ports.inspect import Inspected, InspectWish, SchemaFound, ServerFound, TableFound, TableProblem

KIND = TableProblem.NOT_TRANSACTIONAL

SERVER = {"Host": "10.0.0.1", "Port": 3306, "User": "root", "Password": "rootroot"}


def _ask(client: TestClient, **values: Any) -> Any:
    return client.simulate_post("/v1/inspect", json={"Side": "Src", "ConnectionConfig": SERVER, **values})


def test_a_server_is_told_with_its_schemas_and_the_tables_of_one(client: TestClient, memory: Any) -> None:
    server = ServerFound("MySQL", "8.4.6", True, "TLSv1.3", False, "u", "ON", -3, None, "'root'@'%'")
    tables = (TableFound("a", 1, 2, "primary", "InnoDB"), TableFound("b", None, None, "none", "MyISAM", "p", "r", KIND))
    memory.server_found = Inspected(
        server=server,
        schemas=(SchemaFound("s", 2, 3, 4, ("w",), ((TableProblem.NO_KEY, 1),)),),
        tables=tables,
        next="b",
    )
    told = _ask(client, Schema="s", After="0", Limit=2, Q="x").json
    assert memory.inspected[-1].wish == InspectWish("Src", "s", "0", 2, "x")
    assert told["Reachable"] is True and told["Error"] == "" and told["FreeBytes"] is None and told["Next"] == "b"
    assert told["Server"]["Version"] == "8.4.6" and told["Server"]["BinlogKeptS"] is None
    assert told["Schemas"] == [
        {"Schema": "s", "Tables": 2, "Rows": 3, "Bytes": 4, "Warnings": ["w"], "Counts": {"no_key": 1}}
    ]
    assert [(each["Key"], each["Kind"]) for each in told["Tables"]] == [("primary", ""), ("none", "not_transactional")]
    assert told["Milliseconds"] >= 0


def test_a_server_that_cannot_be_reached_is_an_answer(client: TestClient) -> None:
    answer = _ask(client)
    assert answer.status_code == 200
    assert (answer.json["Reachable"], answer.json["Server"], answer.json["Schemas"]) == (False, None, [])
    assert answer.json["Error"] and answer.json["Remedy"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({}, "ConnectionConfig"),
        ({"ConnectionConfig": "x"}, "ConnectionConfig"),
        ({"ConnectionConfig": {**SERVER, "Host": ""}}, "ConnectionConfig.Host"),
        ({"ConnectionConfig": {**SERVER, "Host": "a b\0"}}, "ConnectionConfig.Host"),
        ({"ConnectionConfig": {**SERVER, "Host": "10.0.0.1:3306"}}, "ConnectionConfig.Host"),
        ({"ConnectionConfig": {**SERVER, "Port": 0}}, "ConnectionConfig.Port"),
        ({"ConnectionConfig": {**SERVER, "Port": "x"}}, "ConnectionConfig.Port"),
        ({"ConnectionConfig": {**SERVER, "Port": 1 << 70}}, "ConnectionConfig.Port"),
        ({"ConnectionConfig": {**SERVER, "Password": "******"}}, "ConnectionConfig.Password"),
        ({"ConnectionConfig": {**SERVER, "Password": "env:HOME"}}, "ConnectionConfig.Password"),
        ({"ConnectionConfig": {**SERVER, "Password": "file:../../etc/passwd"}}, "ConnectionConfig.Password"),
        ({"ConnectionConfig": {**SERVER, "SslMode": "nice"}}, "ConnectionConfig.SslMode"),
        ({"ConnectionConfig": {**SERVER, "SslCa": "/no/such\0file"}}, "ConnectionConfig.SslCa"),
        ({"ConnectionConfig": {**SERVER, "Pasword": "x"}}, "ConnectionConfig.Pasword"),
        ({"ConnectionConfig": SERVER, "Side": "Source"}, "Side"),
        ({"ConnectionConfig": SERVER, "Driver": "Oracle"}, "Driver"),
        ({"ConnectionConfig": SERVER, "Limit": -1}, "Limit"),
        ({"ConnectionConfig": SERVER, "Limit": True}, "Limit"),
        ({"ConnectionConfig": SERVER, "Q": "x" * 301}, "Q"),
        ({"ConnectionConfig": SERVER, "Schema": ["s"]}, "Schema"),
        ({"ConnectionConfig": SERVER, "schema": "s", "Schema": "s"}, "Schema"),
        ({"ConnectionConfig": SERVER, "Colour": "s"}, "Colour"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_field(client: TestClient, memory: Any, body: Any, field: str) -> None:
    answer = client.simulate_post("/v1/inspect", json=body, headers={"Accept": "application/json"})
    assert answer.status_code == 400, answer.text
    assert field in [each["field"] for each in answer.json["details"]]
    assert "rootroot" not in answer.text and not memory.inspected


def test_a_masked_password_is_that_of_the_named_jobs_server(
    client: TestClient, document: dict[str, Any], memory: Any
) -> None:
    client.simulate_post("/v1/jobs", json=document)
    masked = {**SERVER, "Password": "******"}
    assert _ask(client, Job="one", ConnectionConfig=masked).status_code == 200
    assert memory.inspected[-1].endpoint.password == "rootroot"
    for other in ({"Host": "10.9.9.9"}, {"Port": 3307}, {"User": "somebody"}):
        assert _ask(client, Job="one", ConnectionConfig={**masked, **other}).status_code == 400
    assert _ask(client, Job="none", ConnectionConfig=masked).status_code == 400
    assert _ask(client, Job="one", Side="Dest", ConnectionConfig={**masked, "Port": 3307}).status_code == 200


def test_keys_match_in_any_case_and_names_may_hold_anything(client: TestClient, memory: Any) -> None:
    odd = "a`b\\c'd\"\0%_\n字"
    body = {"connectionconfig": {key.lower(): value for key, value in SERVER.items()}, "schema": odd, "q": odd}
    assert client.simulate_post("/v1/inspect", json=body).status_code == 200
    assert memory.inspected[-1].wish.schema == odd


def test_some_are_looked_at_at_a_time(client: TestClient, memory: Any) -> None:
    inside, go = threading.Semaphore(0), threading.Event()

    def inspect(_asked: object) -> Inspected:
        inside.release()
        assert go.wait(20)
        return Inspected()

    memory.inspect = inspect
    asking = [threading.Thread(target=_ask, args=(client,)) for _ in range(4)]
    for each in asking:
        each.start()
    assert all(inside.acquire(timeout=20) for _ in asking)
    try:
        assert _ask(client).status_code == 503
        assert client.simulate_get("/v1/jobs").status_code == 200
    finally:
        go.set()
        for each in asking:
            each.join()
    assert _ask(client).status_code == 200
