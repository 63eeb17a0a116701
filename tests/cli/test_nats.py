"""`udup nats user`: who may read from the node's own JetStream."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Asking
from tests.web.memory_consumers import MemoryConsumers
from udup.cli.commands import ExitCode
from udup.web.ports import NotReady


def test_a_user_is_added_listed_and_removed(asking: Asking, consumers: MemoryConsumers) -> None:
    added = asking("nats", "user", "add", "reports", "--stream", "SHOP1", "--stream", "LATER")
    assert added.exit_code == ExitCode.OK
    assert added.stdout.splitlines() == [
        "User     = reports",
        "Password = password1",
        "Streams  = SHOP1, LATER",
        "Address  = nats://127.0.0.1:8193",
    ]
    assert "LATER is not there yet" in added.stderr and "kept nowhere" in added.stderr
    listed = asking("nats", "user", "list").stdout.splitlines()
    assert listed[0].split() == ["Name", "Streams", "Since"]
    assert listed[1:] == ["reports  SHOP1, LATER (not there yet)  2026-01-02T03:04:05Z"]
    removed = asking("nats", "user", "remove", "reports", answer="y\n")
    assert (removed.exit_code, removed.stdout) == (ExitCode.OK, "user reports is removed\n")
    assert consumers.kept == {}


def test_json_is_what_the_api_answers(asking: Asking) -> None:
    added = json.loads(asking("nats", "user", "add", "reports", "--stream", "SHOP1", "--json").stdout)
    assert (added["Name"], added["Password"], added["Missing"]) == ("reports", "password1", [])
    listed = json.loads(asking("nats", "user", "list", "--json").stdout)
    assert [each["Name"] for each in listed] == ["reports"] and "Password" not in listed[0]
    assert json.loads(asking("nats", "user", "remove", "--yes", "reports", "--json").stdout) == {"Name": "reports"}


def test_a_user_is_not_removed_without_a_yes(asking: Asking, consumers: MemoryConsumers) -> None:
    asking("nats", "user", "add", "reports", "--stream", "SHOP1")
    assert asking("nats", "user", "remove", "reports", answer="n\n").exit_code == ExitCode.OK
    assert asking("nats", "user", "remove", "reports").exit_code == ExitCode.USAGE
    assert list(consumers.kept) == ["reports"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "a b", "--stream", "S"), "Name"),
        (("add", "x", "--stream", "S.>"), "Streams"),
        (("remove", "--yes", "nobody"), "user not found"),
        (("remove", "--yes", "a/b"), "404"),
    ],
)
def test_what_is_refused_is_told(asking: Asking, words: tuple[str, ...], told: str) -> None:
    answer = asking("nats", "user", *words)
    assert answer.exit_code == ExitCode.FAILED and told in answer.stderr


def test_a_user_that_is_there_is_not_replaced(asking: Asking) -> None:
    assert asking("nats", "user", "add", "x", "--stream", "S").exit_code == ExitCode.OK
    again = asking("nats", "user", "add", "x", "--stream", "S")
    assert again.exit_code == ExitCode.FAILED and "(409)" in again.stderr


@pytest.mark.parametrize("words", [("add", "x"), ("add",), ("remove",), ("nonsense",), ()])
def test_wrong_usage_is_told_as_that(asking: Asking, words: tuple[str, ...]) -> None:
    assert asking("nats", "user", *words).exit_code == ExitCode.USAGE


def test_a_node_that_is_not_ready_is_told(asking: Asking, consumers: MemoryConsumers) -> None:
    consumers.fail_with = NotReady("nothing was changed: try again in a moment")
    answer = asking("nats", "user", "add", "x", "--stream", "S")
    assert answer.exit_code == ExitCode.FAILED and "try again" in answer.stderr
