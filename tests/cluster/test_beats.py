"""Who is judged to be alive, by beats and by what other managers hear."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import udup.cluster
from udup.cluster.beats import Beat, Hearing, Judgement, Role
from udup.cluster.limits import Limits

LIMITS = Limits()


class Listener:
    """One manager's hearing, in steps of 0.1 s."""

    def __init__(self, voters: int = 3) -> None:
        self.now = 100.0
        self.hearing = Hearing("a", Role.MANAGER, voters, LIMITS, self.now)
        self._number = 0
        self.speaking: dict[str, tuple[Role, tuple[str, ...] | None]] = {}

    def run(self, seconds: float) -> None:
        for step in range(round(seconds * 10)):
            self.now += 0.1
            self.hearing.tick(self.now)
            if step % 5 == 0:
                for node, (role, hears) in self.speaking.items():
                    self.hear(node, role, hears)

    def hear(self, node: str, role: Role = Role.MANAGER, hears: tuple[str, ...] | None = None, **more: bool) -> None:
        self._number += 1
        beat = Beat(
            node=node,
            incarnation="1",
            number=self._number,
            role=role,
            judges=hears is not None,
            hears=hears or (),
            **more,
        )
        self.hearing.hear(beat, self.now)

    def judge(self, *known: str) -> Judgement | None:
        own = Beat(node="a", incarnation="1", number=0)
        return self.hearing.judge(own, known, self.now)


def test_a_node_that_starts_listens_before_it_judges() -> None:
    listener = Listener()
    listener.speaking = {"b": (Role.MANAGER, ("a",))}
    listener.run(3.8)
    assert listener.judge() is None
    listener.run(0.7)
    judgement = listener.judge("b", "c")
    assert judgement is not None
    assert sorted(judgement.here) == ["a", "b"]
    assert judgement.dead == {"c"}


def test_who_hears_no_quorum_judges_nobody_and_listens_again_when_he_hears_one() -> None:
    listener = Listener(voters=5)
    listener.speaking = {"b": (Role.MANAGER, ()), "x": (Role.AGENT, None), "y": (Role.AGENT, None)}
    listener.run(10)
    assert listener.judge() is None, "agents do not count"
    listener.speaking["c"] = Role.WITNESS, ()
    listener.run(3.5)
    assert listener.judge() is None
    listener.run(2)
    assert listener.judge() is not None


def test_who_was_paused_judges_nobody_until_he_has_listened() -> None:
    listener = Listener()
    listener.speaking = {"b": (Role.MANAGER, ())}
    listener.run(6)
    assert listener.judge() is not None
    listener.now += 20.0
    assert listener.judge("b") is None, "although the clock has not looked yet"
    assert listener.hearing.tick(listener.now) == 20.0
    assert listener.judge("b") is None
    listener.run(4.5)
    judgement = listener.judge("b")
    assert judgement is not None
    assert "b" in judgement.here


def test_a_node_is_dead_when_a_quorum_does_not_hear_it() -> None:
    listener = Listener()
    listener.speaking = {"b": (Role.MANAGER, ("x",)), "x": (Role.AGENT, None)}
    listener.run(6)
    del listener.speaking["x"]
    listener.run(5)
    judgement = listener.judge("x")
    assert judgement is not None
    assert "x" not in judgement.here
    assert not judgement.dead, "b hears it"
    listener.speaking["b"] = Role.MANAGER, ()
    listener.run(1)
    judgement = listener.judge("x")
    assert judgement is not None
    assert judgement.dead == {"x"}
    listener.speaking["b"] = Role.MANAGER, None
    listener.run(1)
    judgement = listener.judge("x")
    assert judgement is not None
    assert not judgement.dead, "b may not judge, so it does not say that it does not hear x"


def test_a_node_that_misses_beats_fades_before_it_is_dead() -> None:
    listener = Listener()
    listener.speaking = {"b": (Role.MANAGER, ()), "c": (Role.MANAGER, ()), "x": (Role.AGENT, None)}
    listener.run(6)
    del listener.speaking["c"], listener.speaking["x"]
    listener.run(1)
    judgement = listener.judge("c", "x")
    assert judgement is not None and judgement.fading == frozenset()
    listener.run(1)
    judgement = listener.judge("c", "x")
    assert judgement is not None
    assert judgement.fading == {"c", "x"} and {"c", "x"} <= judgement.here.keys() and not judgement.dead


def test_who_says_that_it_is_gone_is_dead_at_once_and_alive_by_another_incarnation() -> None:
    listener = Listener()
    listener.speaking = {"b": (Role.MANAGER, ("x",))}
    listener.run(6)
    listener.hear("x", Role.AGENT)
    listener.hear("x", Role.AGENT, gone=True)
    listener.hear("x", Role.AGENT)
    judgement = listener.judge("x")
    assert judgement is not None
    assert judgement.dead == {"x"}
    listener.hearing.hear(Beat(node="x", incarnation="2", number=1), listener.now)
    assert listener.hearing.hears("x", listener.now)


def test_who_says_that_it_hangs_is_dead_at_once_votes_and_lives_again_when_it_works_again() -> None:
    listener = Listener()
    listener.speaking = {"b": (Role.MANAGER, ("a", "c"))}
    listener.run(5)
    listener.hear("b", hears=("a",), hangs=True)
    judgement = listener.judge("b", "c")
    assert judgement is not None and judgement.dead == {"b", "c"}, "it counts for the quorum that does not hear c"
    assert sorted(judgement.here) == ["a"]
    listener.hear("b", hears=("a",))
    judgement = listener.judge("b")
    assert judgement is not None and not judgement.dead and "b" in judgement.here


def test_two_nodes_of_one_id_are_told() -> None:
    listener = Listener()
    for number in range(1, 4):
        for incarnation in "12":
            listener.hearing.hear(Beat(node="b", incarnation=incarnation, number=number), listener.now)
    assert listener.hearing.twins(listener.now) == ("b",)
    listener.run(4)
    assert listener.hearing.twins(listener.now) == ()


def test_of_two_nodes_with_one_id_the_younger_is_told_to_end_and_the_older_stays_the_node() -> None:
    listener = Listener()
    older, younger = (partial(Beat, node="x", incarnation=each) for each in ("older", "younger"))
    listener.hearing.hear(older(number=70), listener.now)
    for number in range(1, 5):
        listener.hearing.hear(younger(number=number), listener.now)
        listener.run(0.2)
        listener.hearing.hear(older(number=70 + number), listener.now)
        listener.run(0.3)
    assert listener.hearing.younger_twins(listener.now) == ("younger",)
    assert listener.hearing.last_beats(listener.now)["x"][0].incarnation == "older"
    listener.hearing.hear(younger(number=9, gone=True), listener.now)
    listener.hearing.hear(older(number=80), listener.now)
    assert listener.hearing.hears("x", listener.now), "the younger one's end is not its own"
    listener.run(4)
    assert listener.hearing.younger_twins(listener.now) == ()


def test_a_node_that_was_started_again_is_no_twin_though_beats_of_before_come_late() -> None:
    listener = Listener()
    before, after = (partial(Beat, node="x", incarnation=each) for each in ("before", "after"))
    listener.hearing.hear(before(number=70), listener.now)
    listener.hearing.hear(after(number=1), listener.now)
    for number in (71, 72, 73, 72):
        listener.hearing.hear(before(number=number), listener.now)
    listener.run(0.5)
    listener.hearing.hear(after(number=2), listener.now)
    assert listener.hearing.younger_twins(listener.now) == ()
    assert listener.hearing.last_beats(listener.now)["x"][0].incarnation == "after"


def test_a_beat_of_another_version_is_read_and_what_is_none_is_passed_over() -> None:
    beat = Beat(node="b", incarnation="1", number=7, drivers=("mysql",), wire=(1, 2))
    assert Beat.decode(beat.encode()) == beat
    assert Beat.decode(beat.encode()[:-1] + b',"more":{"of":"it"}}') == beat
    assert Beat.decode(b"\xff") is None
    assert Beat.decode(b"{}") is None


def test_no_step_of_the_wall_clock_matters_to_a_cluster() -> None:
    """Nothing here asks for the time of day; who passes a clock in passes one that never goes back.

    But for what one node tells another: the deadline of a node that drains, and when a job was last tried elsewhere. A
    step has it done sooner or later.
    """
    for path in Path(udup.cluster.__path__[0]).glob("*.py"):
        if path.name in ("ordering.py", "elsewhere.py"):
            continue
        assert not re.search(r"wall\w*\(|time\.time|datetime\.now|utcnow", path.read_text("utf-8")), path
