"""Each of a job's servers is asked by the node of its task, which alone reaches it. No servers, no nodes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from udup.base.errors import Fault, Refused, Unavailable
from udup.cluster.beats import Role
from udup.cluster.view import NodeSeen, View
from udup.jobs import accept
from udup.node.ends import AnswersHere, Ends, NodeAway, put_together
from udup.node.servers import Asked, Looked, Servers
from udup.node.task_places import place_of
from udup.pipeline.checks import BOTH, DEST, SRC, Check, Outcome
from udup.pipeline.ownership import Known
from udup.pipeline.ports import Beginning, End, JobPlan, StartPoint
from udup.store.sealing import Keyring
from udup.web.openapi.examples import job_document
from udup.web.ports import NotReady

Json = dict[str, Any]
FAIL, PASS, WARN = Outcome.FAIL, Outcome.PASS, Outcome.WARN
KEYS = Keyring({"k": bytes(32)}, "here")
HERE, FAR = "here", "far"


@dataclass
class Reach:
    """Drivers on one node, which reaches these servers."""

    node: str
    reaches: frozenset[str]
    plans: list[JobPlan] = field(default_factory=list)

    def validate(self, plan: JobPlan, _known: Known) -> list[Check]:
        self.plans.append(plan)
        checks = [
            Check(task, "connection", PASS if task in self.reaches else FAIL, f"by {self.node}") for task in (SRC, DEST)
        ]
        sees = "in the way", "release"
        both = [Check(task, name, PASS, f"by {self.node}") for task, name in zip((DEST, BOTH), sees, strict=True)]
        both = both if len(self.reaches) == 2 else []
        return [*checks, *both]

    def source(self, end: End) -> Reach:
        return self

    def target(self, end: End) -> Reach:
        return self

    def find_start(self, _point: StartPoint) -> Beginning:
        self._reached(SRC)
        return Beginning("u:1-7", self.node)

    def executed(self, job: str = "") -> str:
        self._reached(DEST if job else SRC)
        return f"u:1-5 by {self.node}"

    def skip(self, _job: str, gtid: str, kept: str) -> bool:
        self._reached(DEST)
        if gtid == "u:9":
            raise Refused([Fault("gtid", f"not here, says {self.node}", "look", DEST)])
        return kept == "x"

    def _reached(self, task: str) -> None:
        if task not in self.reaches:
            raise Unavailable(f"{self.node} does not reach it")


class Cluster:
    """This node and another; the other is asked by letters that are looked at."""

    def __init__(self, here: str, far: str) -> None:
        self.here, self.far = Reach(HERE, _tasks(here)), Reach(FAR, _tasks(far))
        self.ends = Ends(Servers(self.here, lambda: Known(HERE), ""))  # type: ignore[arg-type]
        self._answers = AnswersHere(Servers(self.far, lambda: Known(FAR), ""), KEYS)  # type: ignore[arg-type]
        self.view = View(nodes=(_seen(HERE), _seen(FAR)))
        self.ends.join(HERE, self, lambda: self.view, KEYS)
        self.letters: list[str] = []
        self.knows: Any = AnswersHere.kinds

    def ask(self, node: str, kind: str, job: str, body: Mapping[str, Any], _seconds: float) -> Any:
        assert node == FAR
        if kind not in self.knows:
            raise NodeAway("it has another version")
        self.letters.append(json.dumps(body))
        return self._answers.answer(kind, job, json.loads(self.letters[-1]))

    def look(self) -> list[tuple[str, str, str, str]]:
        return [(each.task, each.name, each.outcome.value, each.found) for each in self.ends.look(_asked())]


def _tasks(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _seen(node: str, *, is_here: bool = True) -> NodeSeen:
    return NodeSeen(node, f"{node}-name", Role.MANAGER, "dc1", "", "", is_here)


def _document(src: str = "far-name", dest: str = "here-name", **more: Any) -> Json:
    document = job_document() | {"ID": "one"} | more
    for task, name in zip(document["Tasks"], (src, dest), strict=True):
        task.pop("NodeId", None)
        task["NodeName"] = name
    return document


def _asked(begins_at: StartPoint | None = None, **more: str) -> Asked:
    return Asked(*accept(_document(**more)), begins_at=begins_at)


def test_each_server_is_looked_at_by_its_own_node_and_what_none_sees_is_said_and_fails_nothing() -> None:
    cluster = Cluster(here=DEST, far=SRC)
    *servers, pair = cluster.look()
    assert servers == [(SRC, "connection", "pass", "by far"), (DEST, "connection", "pass", "by here")]
    assert pair[:3] == (BOTH, "pair", "warn")
    assert cluster.far.plans[0].start_after == "u:1-5 by here", "what is applied is told to who sees the source"


def test_with_a_sink_nothing_is_to_be_compared() -> None:
    sides = [Looked((Check(task, "connection", PASS, "it is there"),)) for task in (SRC, DEST)]
    assert [each.task for each in put_together(*sides, compares=False)] == [SRC, DEST]


@pytest.mark.parametrize(("here", "far", "both"), [("Src Dest", SRC, HERE), (DEST, "Src Dest", FAR)])
def test_what_the_two_are_to_each_other_is_told_by_a_node_that_reaches_both(here: str, far: str, both: str) -> None:
    found = Cluster(here, far).look()
    assert (BOTH, "release", "pass", f"by {both}") in found
    assert (DEST, "in the way", "pass", f"by {both}") in found
    connections = [each for each in found if each[1] == "connection"]
    assert connections == [(SRC, "connection", "pass", "by far"), (DEST, "connection", "pass", "by here")]
    assert not any(each[1] == "pair" for each in found)


def test_a_server_that_its_own_node_does_not_reach_fails_whoever_else_does() -> None:
    found = Cluster(here="Src Dest", far="").look()
    assert (SRC, "connection", "fail", "by far") in found
    assert [each for each in found if each[0] == SRC and each[2] == "pass"] == []


@pytest.mark.parametrize(("here", "told"), [(DEST, "not looked at"), ("Src Dest", "in its place")])
def test_of_a_node_that_is_away_it_is_said_what_was_not_seen_from_there(here: str, told: str) -> None:
    cluster = Cluster(here, far=SRC)
    cluster.view = View(nodes=(_seen(HERE), _seen(FAR, is_here=False)))
    found = cluster.look()
    (said,) = [each for each in found if each[1] == "node"]
    assert said[0] == SRC and said[2] == "warn" and "far-name (far) is away" in said[3] and told in said[3]
    assert not any(each[2] == "fail" for each in found) and cluster.letters == []


def test_a_node_of_an_older_version_is_asked_nothing() -> None:
    cluster = Cluster(here="Src Dest", far=SRC)
    cluster.knows = ()
    assert (BOTH, "release", "pass", "by here") in cluster.look()
    assert cluster.ends.find_start(_asked(StartPoint())).server_uuid == HERE


def test_what_is_asked_of_one_server_goes_to_its_node_and_holds_no_password() -> None:
    cluster = Cluster(here=DEST, far=SRC)
    asked = _asked(StartPoint())
    password = asked.document["Tasks"][0]["Config"]["ConnectionConfig"]["Password"]
    assert password
    assert cluster.ends.find_start(asked) == Beginning("u:1-7", FAR)
    assert cluster.ends.executed(asked) == "u:1-5 by far"
    assert cluster.ends.applied(asked) == "u:1-5 by here"
    assert all(password not in letter for letter in cluster.letters)


def test_a_transaction_is_passed_over_by_the_node_of_dest_and_what_is_refused_there_is_refused_here() -> None:
    cluster = Cluster(here=SRC, far=DEST)
    asked = _asked(src="here-name", dest="far-name")
    assert cluster.ends.skip(asked, "u:8", "x")
    with pytest.raises(Refused, match="not here, says far") as refused:
        cluster.ends.skip(asked, "u:9", "")
    assert refused.value.faults[0].remedy == "look"


def test_a_question_that_nobody_can_answer_now_is_to_be_asked_again() -> None:
    cluster = Cluster(here=DEST, far=SRC)
    cluster.view = View(nodes=(_seen(HERE), _seen(FAR, is_here=False)))
    with pytest.raises(NotReady, match=r"far-name \(far\) is away, and from here: here does not reach it"):
        cluster.ends.find_start(_asked(StartPoint()))


def test_secrets_are_looked_for_on_the_node_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(here=DEST, far=SRC)

    def faults(self: Servers, _asked: Asked) -> list[Fault]:
        return [Fault(f"Tasks[{place}].Config.Password", self._known().node) for place in (0, 1)]

    monkeypatch.setattr(Servers, "local_faults", faults)
    assert [(each.where[6], each.problem) for each in cluster.ends.local_faults(_asked())] == [("0", FAR), ("1", HERE)]


@pytest.mark.parametrize(
    ("src", "dest", "owners", "sources", "wanted"),
    [
        ("", "", {}, {}, (HERE, HERE)),  # a new job for any node
        ("", "", {"one": FAR}, {}, (FAR, FAR)),
        ("far-name", "", {}, {}, (FAR, FAR)),  # one that is named is meant for both
        ("far-name", "here-name", {"one": HERE}, {"one": FAR}, (FAR, HERE)),
        ("here-name", "here-name", {"one": HERE}, {"one": FAR}, (HERE, HERE)),  # another document than it has
        ("away-name", "here-name", {"one": HERE}, {"one": FAR}, ("away", HERE)),
        ("nobody", "here-name", {}, {}, ("", HERE)),
    ],
)
def test_a_task_is_at_the_node_that_is_named_else_where_it_is(
    src: str, dest: str, owners: dict[str, str], sources: dict[str, str], wanted: tuple[str, str]
) -> None:
    nodes = (_seen(HERE), _seen(FAR), _seen("away", is_here=False))
    view = View(nodes=nodes, owners=owners, sources=sources)
    spec, _ = accept(_document(src, dest))
    assert tuple(place_of(spec, task, view, HERE).node for task in (SRC, DEST)) == wanted


def test_a_source_that_was_taken_by_failover_is_asked_by_who_has_it() -> None:
    view = View(nodes=(_seen(HERE), _seen("away", is_here=False)), owners={"one": HERE}, sources={"one": HERE})
    spec, _ = accept(_document("away-name", "here-name", Failover=True))
    assert place_of(spec, SRC, view, HERE).node == HERE
