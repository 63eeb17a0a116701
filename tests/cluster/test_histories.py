"""Keepers under faults in virtual time: kills, freezes, cuts one way and both, a store that is away, slow, or mute.

No two nodes begin a job with one ownership, who is heard loses nothing, who hears no quorum decides nothing, and when
the faults are over each job works where it belongs. More of them: `python -m tests.cluster FIRST COUNT`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.cluster.fake_nats import Client
from tests.cluster.histories import KINDS, SHAPES, faults, run, shape_of, wishes
from tests.cluster.virtual import Clock
from tests.cluster.world import Cluster, Violation
from udup.cluster import begins
from udup.cluster.beats import Beat, Hearing, Role
from udup.cluster.ports import LostRace
from udup.cluster.told import Younger

Bug = Callable[[pytest.MonkeyPatch], None]

#: Histories in all, and in one test.
COUNT, AT_A_TIME = 48, 16


@pytest.mark.parametrize("first", range(1, COUNT + 1, AT_A_TIME))
def test_nobody_is_robbed_and_all_find_together_again(first: int) -> None:
    happened: Counter[str] = Counter()
    for seed in range(first, first + AT_A_TIME):
        happened += run(seed)
    assert happened["begun"] > 10 * AT_A_TIME
    assert happened["taken"]  # some nodes lost their jobs, as they should


def test_the_histories_have_faults_of_all_kinds() -> None:
    kinds = {fault.kind for seed in range(1, COUNT + 1) for fault in faults(len(SHAPES[seed % 6]), Clock(seed))}
    assert kinds == set(KINDS)


@pytest.mark.parametrize("seed", range(12))
def test_all_jobs_of_a_dead_node_have_another_within_five_seconds(seed: int) -> None:
    """The leader of the store lives, which else takes up to nine seconds to elect."""
    roles = shape_of(seed)
    cluster = Cluster(seed, roles, [wish for wish in wishes(["n0"], Clock(seed)) if not wish.dest.is_pinned])
    try:
        cluster.clock.run(9.0)
        assert len(cluster.truth.jobs) == len(cluster.wanted.wishes)
        victim = [cluster.truth.leader, *(name for name, role, _ in roles if role is not Role.WITNESS)][seed // 6]
        managers = [name for name, role, _ in roles if role is Role.MANAGER]
        if len(managers) == 1:
            victim = "n1"  # without its only manager nothing is decided
        cluster.network.leader = next(name for name in managers if name != victim)
        theirs = list(cluster.truth.of_node(victim))
        cluster.kill(victim)
        cluster.clock.run(9.0 + 2.4)
        assert list(cluster.truth.of_node(victim)) == theirs, "nobody is robbed by silence of less than 3 s"
        cluster.clock.run(9.0 + 5.0)
        assert not list(cluster.truth.of_node(victim))
        for job in theirs:
            assert cluster.target.committed[job][0] > 9.0 + 2.4
    finally:
        cluster.close()


@pytest.mark.parametrize("seed", range(6))
def test_all_jobs_of_a_node_that_hangs_have_another_though_it_beats(seed: int) -> None:
    roles = [(f"n{number}", Role.MANAGER, "dc1") for number in range(3)]
    cluster = Cluster(seed, roles, [wish for wish in wishes(["n0"], Clock(seed)) if not wish.dest.is_pinned])
    try:
        cluster.clock.run(9.0)
        victim = cluster.truth.leader if seed % 2 else next(n for n, _, _ in roles if n != cluster.truth.leader)
        theirs = list(cluster.truth.of_node(victim))
        assert theirs
        node = cluster.nodes[victim]
        node.hangs = True
        node.keeper.beat_now()
        cluster.clock.run(11.0)
        assert not list(cluster.truth.of_node(victim))
        cluster.clock.run(14.0)
        assert all(cluster.target.committed[job][1] != victim for job in theirs)
        cluster.kill(victim, machine=False)
        node.hangs = False
        cluster.restart(victim)
        cluster.clock.run(25.0)
        cluster.check_rest()
    finally:
        cluster.close()


def test_a_keeper_that_is_told_that_it_is_a_twin_says_so_once_and_never_that_its_node_is_gone() -> None:
    cluster = Cluster(1, [(f"n{number}", Role.MANAGER, "dc1") for number in range(3)], [])
    try:
        cluster.clock.run(5.0)
        keeper, told, sent = cluster.nodes["n0"].keeper, list[object](), list[Beat]()
        keeper._host = replace(keeper._host, tell=told.append)
        beat = Beat(node="n1", incarnation="n1-1", number=10**6, role=Role.MANAGER, twins=(keeper._me.incarnation,))
        for _ in range(2):
            keeper.heard(beat.encode())
        assert [each for each in told if isinstance(each, Younger)] == [Younger("n0")]
        cluster.nodes["n2"].keeper.heard = lambda data: sent.append(Beat.decode(data))  # type: ignore[method-assign]
        assert cluster.nodes["n0"].loop is not None
        cluster.nodes["n0"].loop.create_task(keeper.leave())
        cluster.clock.run(7.0)
        assert not any(each.gone for each in sent)
    finally:
        cluster.close()


def test_without_a_quorum_for_long_nobody_loses_anything_and_all_go_on() -> None:
    cluster = Cluster(7, shape_of(0), [wish for wish in wishes(["n0"], Clock(7)) if not wish.dest.is_pinned])
    cluster.runs_end = 0.0
    try:
        cluster.clock.run(9.0)
        before = {job: owner.node for job, owner in cluster.truth.jobs.items()}
        cluster.kill("n1")
        cluster.kill("n2")
        cluster.clock.run(30.0)
        mine = [job for job, node in before.items() if node == "n0"]
        assert mine
        for job in mine:
            assert cluster.target.committed[job][0] > 29.0
        assert {job: owner.node for job, owner in cluster.truth.jobs.items()} == before
        cluster.restart("n1")
        cluster.restart("n2")
        cluster.clock.run(55.0)
        assert {job: owner.node for job, owner in cluster.truth.jobs.items()} == before
        cluster.check_rest()
    finally:
        cluster.close()


def test_two_managers_that_do_not_hear_each_other_do_not_fight() -> None:
    """Each hears the third, so each has a quorum: the third's word decides."""
    cluster = Cluster(3, shape_of(0), wishes(["n0"], Clock(3)))
    try:
        cluster.clock.run(9.0)
        leader = cluster.truth.leader
        other = next(name for name in cluster.nodes if name != leader)
        cluster.network.leader = next(name for name in cluster.nodes if name not in (leader, other))
        cluster.network.cut |= {(leader, other), (other, leader)}
        before = {job: owner.node for job, owner in cluster.truth.jobs.items()}
        cluster.clock.run(40.0)
        assert cluster.counts["leaders"] == 1
        assert {job: owner.node for job, owner in cluster.truth.jobs.items()} == before
    finally:
        cluster.close()


def late_write() -> Cluster:
    """A decision of a coordinator that then stands still is under way while another leads, and the victim is back."""
    cluster = Cluster(1, shape_of(0), [wish for wish in wishes(["n0"], Clock(1)) if not wish.dest.is_pinned])
    cluster.clock.run(9.0)
    first = cluster.truth.leader
    victim, second = (name for name in cluster.nodes if name != first)
    cluster.network.leader = second
    cut = {link for name in (first, second) for link in ((name, victim), (victim, name))}
    cluster.network.cut |= cut
    cluster.clock.run(11.2)
    cluster.network.delays[first] = 8.0
    cluster.clock.run(12.8)
    cluster.freeze(first, 12.0, machine=False)
    cluster.network.cut -= cut
    try:
        cluster.clock.run(24.0)
        assert cluster.truth.leader in (second, victim)
        cluster.network.delays.clear()
        cluster.clock.run(40.0)
        cluster.check_rest()
    except BaseException:
        cluster.close()
        raise
    return cluster


def test_a_decision_that_arrives_late_is_refused_when_another_has_decided_since() -> None:
    cluster = late_write()
    assert cluster.network.refused
    cluster.close()


# ---- Tests of the tests: each protection taken away is found ----


def _no_look_at_pauses(patch: pytest.MonkeyPatch) -> None:
    def judges(self: Hearing, now: float) -> bool:
        return now - self._listening_since >= self._limits.listen and self._has_quorum(now)

    patch.setattr(Hearing, "judges", judges)


def _no_votes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Hearing, "_is_dead", lambda self, node, hearing: True)


def _no_quorum(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Hearing, "_has_quorum", lambda self, now: True)
    _no_votes(patch)


def _no_listening(patch: pytest.MonkeyPatch) -> None:
    begin = Hearing.__init__

    def begins_at_once(self: Hearing, *args: object) -> None:
        begin(self, *args)  # type: ignore[arg-type]
        self._listening_since = -100.0

    patch.setattr(Hearing, "__init__", begins_at_once)


def _by_the_keys_revision(patch: pytest.MonkeyPatch) -> None:
    async def write(self: Client, key: str, data: bytes | None, last: int) -> int:
        return await self._call(lambda: self._write(key, data, None, self._network.revision(key, last)))

    patch.setattr(Client, "write", write)


def _the_write_is_repeated(patch: pytest.MonkeyPatch) -> None:
    once = Client.write

    async def write(self: Client, key: str, data: bytes | None, last: int) -> int:
        while True:
            try:
                return await once(self, key, data, last)
            except LostRace:
                last = (await self.news(last, "one")).last

    patch.setattr(Client, "write", write)


def _begun_without_a_condition(patch: pytest.MonkeyPatch) -> None:
    async def rewrite(self: Client, key: str, data: bytes | None, revision: int) -> int:
        return await self._call(lambda: self._write(key, data, None, None))

    patch.setattr(Client, "rewrite", rewrite)


def _a_lost_answer_is_a_lost_job(patch: pytest.MonkeyPatch) -> None:
    async def look(self: begins.Begins, job: str, revision: int) -> bool:
        self.told[job] = 1 << 60
        return False

    patch.setattr(begins.Begins, "_look", look)


@pytest.mark.parametrize(
    ("bug", "seed"),
    [
        (_no_look_at_pauses, 459),
        (_no_votes, 95),
        (_no_quorum, 95),
        (_no_listening, 27),
        (_the_write_is_repeated, 1),
        (_begun_without_a_condition, 39),
        (_a_lost_answer_is_a_lost_job, 46),
    ],
)
def test_a_protection_that_is_missing_is_found(bug: Bug, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run(seed, without="gives up")
    bug(monkeypatch)
    with pytest.raises(Violation):
        run(seed, without="gives up")


def test_a_condition_on_the_key_alone_is_found_to_be_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    _by_the_keys_revision(monkeypatch)
    with pytest.raises(Violation, match="and the leader is"):
        late_write()
