"""POST /v1/grants: the statements for a job as far as it is written, whatever stands in it."""

from __future__ import annotations

from typing import Any

import pytest
from falcon.testing import TestClient

from tests.jobs.subscriptions import to_kafka


def _ask(client: TestClient, document: Any, **versions: str) -> Any:
    return client.simulate_post("/v1/grants", json=document, params=versions)


def test_a_job_need_have_no_name_and_no_passwords_yet(client: TestClient, document: dict[str, Any]) -> None:
    for task, password in zip(document["Tasks"], ("******", None), strict=True):
        task["Config"]["ConnectionConfig"]["Password"] = password
    del document["Name"], document["ID"]
    told = _ask(client, document).json
    assert told["Src"]["Account"] == told["Dest"]["Account"] == "'root'@'%'"
    assert told["Src"]["Statements"][1] == (
        "GRANT REPLICATION SLAVE, REPLICATION CLIENT, SHOW_ROUTINE ON *.* TO 'root'@'%'"
    )
    assert "GRANT REPLICATION_APPLIER ON *.* TO 'root'@'%'" in told["Dest"]["Statements"]
    assert _ask(client, {"Job": document}).json == told
    assert client.simulate_put("/v1/grants", json=document).json == told


def test_no_statement_holds_a_password(client: TestClient, document: dict[str, Any]) -> None:
    answer = _ask(client, document)
    assert answer.status_code == 200 and "rootroot" not in answer.text


@pytest.mark.parametrize(
    ("version", "there", "absent"),
    [
        ("5.7.44-log", "SELECT ON `mysql`.`proc` TO", "SHOW_ROUTINE"),
        ("8.0.18", "SELECT ON *.*", "SHOW_ROUTINE"),
        ("9.7.0", "SHOW_ROUTINE ON *.*", "SELECT ON *.*"),
        ("11.8.2-MariaDB-log", "EVENT, SHOW CREATE ROUTINE ON `", "REPLICATION CLIENT"),
        ("11.8.2-MariaDB-log", "BINLOG MONITOR ON *.*", "ROUTINE ON *.*"),
        ("5.5.5-10.5.23-MariaDB", "SELECT ON `mysql`.`proc` TO", "SHOW CREATE ROUTINE"),
        ("what is that", "SELECT ON *.*", "SHOW_ROUTINE"),
    ],
)
def test_statements_are_for_the_servers_version(
    client: TestClient, document: dict[str, Any], version: str, there: str, absent: str
) -> None:
    document["Tasks"][0]["Config"]["ReplicateDoDb"] = [{"TableSchema": "shop"}]
    told = _ask(client, document, source_version=version).json["Src"]
    assert there in str(told["Statements"]) and absent not in str(told["Statements"])
    assert told["Version"] == version


def test_only_what_is_named_is_granted(client: TestClient, document: dict[str, Any]) -> None:
    tables = [{"TableName": "a", "TableRename": "b"}]
    rules = [{"TableSchema": "my_shop", "Tables": tables}, {"TableSchema": "whole"}]
    document["Tasks"][0]["Config"]["ReplicateDoDb"] = rules
    told = _ask(client, document).json
    assert [each.partition(" ON ")[2].partition(" TO ")[0] for each in told["Src"]["Statements"][2:]] == [
        "`my_shop`.`a`", "`whole`.*", "`my\\_shop`.*", "`whole`.*"
    ]  # fmt: skip
    on_target = [each.partition(" ON ")[2].partition(" TO ")[0] for each in told["Dest"]["Statements"][2:]]
    assert on_target == ["`my_shop`.`b`", "`whole`.*", "`my\\_shop`.*", "`udup`.*"]


def test_a_subscription_needs_an_account_on_its_source_alone(client: TestClient) -> None:
    told = _ask(client, to_kafka()).json
    assert told["Dest"]["Statements"] == [] and "docs/subscription-kafka.md" in told["Dest"]["Note"]
    assert not any(word in str(told["Src"]["Statements"]) for word in ("SHOW VIEW", "TRIGGER", "EVENT", "ROUTINE"))


@pytest.mark.parametrize("user", ["o'neill", "a\\", "b`c", "字", "'@'%' IDENTIFIED BY ''; DROP SCHEMA mysql; -- "])
def test_a_user_of_any_name_is_one_name(client: TestClient, document: dict[str, Any], user: str) -> None:
    document["Tasks"][0]["Config"]["ConnectionConfig"]["User"] = user
    told = _ask(client, document).json["Src"]
    quoted = f"`{user.replace('`', '``')}`@'%'"
    assert told["Account"] == quoted and all(quoted in each for each in told["Statements"])


@pytest.mark.parametrize("body", [[], {}, {"Tasks": "x"}, {"Tasks": [{"Type": "Src"}]}, 7])
def test_what_is_no_job_is_refused(client: TestClient, body: Any) -> None:
    assert _ask(client, body).status_code == 400
