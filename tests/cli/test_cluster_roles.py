"""`udup cluster promote`, `demote` and `status`: what they tell of a cluster that is made up, and the API's part."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import Asking
from tests.web.memory_nodes import OTHER, TWIN, MemoryNodes
from udup.cli.commands import ExitCode
from udup.cluster.orders import DrainNode, Ordered
from udup.node import cluster_admin
from udup.node.cluster_admin import Bucket, Status

OWN, THIRD = "d" * 8 + "-own", "e" * 8 + "-third"

STATUS = Status(
    OWN,
    OWN,
    {OWN: "leader", THIRD: "current", TWIN: "current"},
    (Bucket("KV_udup_jobs", OWN, 3, (OWN, THIRD, TWIN)),),
    {OTHER: "10.0.0.4 (at dddddddd, 1ms)"},
)


@pytest.fixture
def manager(asking: Asking, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of a manager, in the folder where the command runs, whose API is that in memory."""
    monkeypatch.setattr(cluster_admin, "read_status", lambda *_: STATUS)
    file = tmp_path / "udup.toml"
    files = ""
    for name in ("tls_ca", "tls_cert", "tls_key"):
        (tmp_path / name).touch()
        files += f"{name} = {json.dumps(str(tmp_path / name))}\n"
    file.write_text(
        f"data_dir = {json.dumps(str(tmp_path / 'data'))}\n[ports]\nhttp = {address.rpartition(':')[2]}\n"
        '[cluster]\nrole = "manager"\nsecret = "abcdefghijklmnopqrstuvwxyz"\nadvertise = "10.0.0.1"\n'
        f'join = ["10.0.0.2", "10.0.0.3"]\n{files}'
    )
    return file


AT = ("--at", f"{THIRD}=10.0.0.3", "--at", f"{TWIN}=10.0.0.2")


def test_a_managers_place_is_given_to_an_agent_by_steps_that_name_all(
    asking: Asking, manager: Path, nodes: MemoryNodes
) -> None:
    answer = asking("cluster", "demote", THIRD[:8], "--for", "other", *AT)
    assert answer.exit_code == ExitCode.OK, answer.output
    for each in (
        f"udup cluster remove {THIRD}",
        'join = ["10.0.0.1", "10.0.0.4"]',
        f"drain {OTHER}",
        "On other (10.0.0.4)",
    ):
        assert each in answer.stdout
    assert nodes.given == []
    same = asking("cluster", "promote", OTHER[:4], "--for", THIRD, *AT)
    assert same.stdout == answer.stdout


def test_the_order_to_drain_is_given_when_it_is_asked_for(asking: Asking, manager: Path, nodes: MemoryNodes) -> None:
    nodes.answers = [Ordered({}, {}), Ordered({}, {})]
    answer = asking("cluster", "promote", "other", "--for", TWIN, "--drain", "--json", *AT)
    assert answer.exit_code == ExitCode.OK, answer.output
    assert nodes.given == [DrainNode(OTHER, True, None), DrainNode(TWIN, True, None)]
    assert json.loads(answer.stdout)[0]["where"] == "any node"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("promote", "other"), ExitCode.FAILED, "there would be 4 managers"),
        (("promote", "nobody", "--for", TWIN), ExitCode.FAILED, "no node of the cluster"),
        (("promote", "twin", "--for", THIRD), ExitCode.FAILED, "names several nodes"),
        (("promote", "other", "--for", TWIN, "--with", "x"), ExitCode.USAGE, "leave one out"),
        (("promote", "other", "--for", TWIN), ExitCode.FAILED, "say it: --at"),
        (("promote", "other", "--for", TWIN, "--at", "zz=10.0.0.9"), ExitCode.FAILED, "--at must be"),
        (("demote", TWIN), ExitCode.FAILED, "2 managers would be left"),
        (("demote", "other", "--for", TWIN), ExitCode.FAILED, "is an agent"),
    ],
)
def test_what_would_be_wrong_is_refused_and_nothing_ordered(
    asking: Asking, manager: Path, nodes: MemoryNodes, words: tuple[str, ...], code: int, told: str
) -> None:
    answer = asking("cluster", *words, "--drain")
    assert (answer.exit_code, nodes.given) == (code, []) and told in answer.stderr


def test_a_manager_that_is_not_there_is_not_demoted_but_replaced(
    asking: Asking, manager: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {**STATUS.managers, THIRD: "offline"}
    gone = Status(OWN, OWN, states, STATUS.buckets, STATUS.agents)
    monkeypatch.setattr(cluster_admin, "read_status", lambda *_: gone)
    answer = asking("cluster", "demote", THIRD, "--for", "other", *AT)
    assert answer.exit_code == ExitCode.FAILED and "udup cluster promote other --for" in answer.stderr
    assert asking("cluster", "promote", "other", "--for", THIRD, *AT).exit_code == ExitCode.OK


def test_only_a_manager_is_asked(asking: Asking, tmp_path: Path) -> None:
    answer = asking("cluster", "promote", "other")
    assert answer.exit_code == ExitCode.FAILED and "run this on a manager" in answer.stderr


def test_status_shows_names_and_drains_where_the_api_answers_and_else_does_without(
    asking: Asking, manager: Path, nodes: MemoryNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes.drains = {OTHER}
    shown = [line.split() for line in asking("cluster", "status").stdout.splitlines()]
    assert [OTHER, "10.0.0.4", "(at", "dddddddd,", "1ms)", "other", "0", "yes"] in shown
    assert [TWIN, "current", "1", "of", "1", "parts", "twin", "0", "no"] in shown
    with monkeypatch.context() as patch:
        patch.setattr(cluster_admin, "read_status", lambda *_: replace(STATUS, agents={}))
        shown = [line.split() for line in asking("cluster", "status").stdout.splitlines()]
        assert [OTHER, "no", "other", "0", "yes"] in shown, "it is down, and kept until it is removed"
    assert json.loads(asking("cluster", "status", "--json").stdout)["nodes"][OTHER]["name"] == "other"
    lines = manager.read_text().splitlines()
    manager.write_text("\n".join("http = 1" if each.startswith("http") else each for each in lines))
    answer = asking("cluster", "status")
    assert answer.exit_code == ExitCode.OK and "Name" not in answer.stdout and OTHER in answer.stdout


def test_a_manager_whose_name_nats_has_not_heard_is_known_by_the_digest_of_its_id() -> None:
    gone = "cbe65ade-7d36-48ad-9b18-0d4621057ea9"
    nameless = "Server name unknown at this time (peerID: m4jxW1BC)"
    status = Status(OWN, OWN, {OWN: "leader", nameless: "offline"})
    assert cluster_admin._with_names(status, [TWIN, gone]).managers == {OWN: "leader", gone: "offline"}
    assert cluster_admin._with_names(status, [TWIN]).managers == status.managers
