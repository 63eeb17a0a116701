"""`udup cluster drain`, `udup cluster rebalance` and `udup job move`, and what the API says to each."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Asking
from tests.web.conftest import MemoryJobs
from tests.web.memory_nodes import OTHER, MemoryNodes
from udup.base.errors import Fault, Refused
from udup.cli import cluster_moves
from udup.cli.commands import ExitCode
from udup.cluster.orders import DrainNode, MoveJob, Ordered, Rebalance
from udup.web.openapi.examples import job_document
from udup.web.ports import NotReady, NotThere


def test_a_node_drains_by_its_name_or_the_beginning_of_its_id_and_what_stays_is_told(
    asking: Asking, nodes: MemoryNodes
) -> None:
    for named in ("other", OTHER[:6], OTHER.upper()):
        nodes.answers = [Ordered({"a": "x" * 36}, {"b": "its document names this node"}, drains=True)]
        answer = asking("cluster", "drain", named, "--deadline", "60")
        assert answer.exit_code == ExitCode.OK, answer.stderr
        assert "a    " + "x" * 36 in answer.stdout and "its document names this node" in answer.stdout
        assert nodes.given[-1] == DrainNode(OTHER, True, 60.0)
    listed = json.loads(asking("node", "list", "--json").stdout)
    shown = {each["ID"]: (each["Drain"], each["StatusDescription"]) for each in listed}
    assert shown[OTHER] == (True, "it drains, and has 2 jobs")
    nodes.answers = [Ordered({}, {})]
    assert asking("cluster", "drain", "other", "--off").exit_code == ExitCode.OK
    assert nodes.given[-1] == DrainNode(OTHER, False, None)


def test_a_drain_is_waited_for_and_the_exit_code_says_whether_jobs_stay(
    asking: Asking, nodes: MemoryNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_moves, "LOOK_SECONDS", 0.0)
    goes = Ordered({"a": OTHER}, {}, drains=True)
    nodes.answers = [goes, goes, Ordered({}, {}, drains=True)]
    assert asking("cluster", "drain", "other", "--wait").exit_code == ExitCode.OK
    assert [each.enable for each in nodes.given if isinstance(each, DrainNode)] == [True, None, None]
    nodes.answers = [goes, Ordered({}, {"b": "no node can carry it"}, drains=True)]
    answer = asking("cluster", "drain", "other", "--wait")
    assert answer.exit_code == ExitCode.FAILED and "1 of its jobs stay" in answer.stderr


def test_jobs_are_moved_and_a_rebalance_is_only_shown(asking: Asking, nodes: MemoryNodes, jobs: MemoryJobs) -> None:
    jobs.register(job_document() | {"ID": "shop"}, None)
    nodes.answers = [Ordered({"shop": OTHER}, {})]
    assert "other" in asking("job", "move", "shop", "other").stdout
    assert nodes.given == [MoveJob("shop", OTHER)]
    nodes.answers = [Ordered({}, {}), Ordered({"shop": OTHER}, {})]
    assert asking("cluster", "rebalance", "--dry-run").stdout == "nothing is to be moved\n"
    moved = json.loads(asking("cluster", "rebalance", "--json").stdout)
    assert moved == {"Goes": [{"JobID": "shop", "NodeID": OTHER}], "Stays": []}
    assert nodes.given[1:] == [Rebalance(True), Rebalance(False)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("cluster", "drain", "twin"), "several nodes"),
        (("cluster", "drain", "nobody"), "no node has the ID or the name 'nobody'"),
        (("cluster", "drain", "other", "--deadline", "soon"), "is not a number of seconds"),
        (("job", "move", "nojob", "other"), "nojob"),
    ],
)
def test_what_names_nothing_is_refused_and_nothing_ordered(
    asking: Asking, nodes: MemoryNodes, words: tuple[str, ...], told: str
) -> None:
    answer = asking(*words)
    assert answer.exit_code == ExitCode.FAILED and told in answer.stderr and nodes.given == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (NotReady("1 of 3 managers are there"), "503"),
        (NotThere("node not found"), "404"),
        (Refused([Fault("node", "it is a witness")]), "it is a witness"),
    ],
)
def test_what_the_cluster_does_not_take_is_told(asking: Asking, nodes: MemoryNodes, said: Exception, told: str) -> None:
    nodes.answers = [said]
    answer = asking("cluster", "drain", "other")
    assert answer.exit_code == ExitCode.FAILED and told in answer.stderr


@pytest.fixture
def alone(nodes: MemoryNodes) -> None:
    nodes.orders = None


def test_a_node_that_is_alone_has_nowhere_to_move_jobs_to(alone: None, asking: Asking) -> None:
    for words in (("drain", "other"), ("rebalance",)):
        answer = asking("cluster", *words)
        assert answer.exit_code == ExitCode.FAILED and "this node is alone" in answer.stderr
