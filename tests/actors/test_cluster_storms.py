"""One node of several: it carries what it owns, begins no run without a grant, and leaves nothing behind of the rest.

Every history follows from its seed; `UDUP_STORMS` in the environment says how many are tried.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.actors.conftest import cluster_of
from tests.actors.small_children import Script
from tests.actors.small_cluster import HERE, OTHER, Owner
from tests.actors.small_world import World, small_world
from tests.actors.test_storms import JOBS, STORMS, _command, _weather
from udup.actors.cluster_messages import WrittenElsewhere
from udup.actors.keeper_told import Asked
from udup.actors.messages import (
    Accepted,
    Ailments,
    AskAilments,
    DeleteJob,
    Drain,
    Drained,
    PauseJob,
    RegisterJob,
    Rejected,
    Rejection,
    ResumeJob,
)
from udup.actors.store_messages import NotSaved, Save
from udup.actors.wire_commands import ask_of
from udup.cluster.told import Owned
from udup.jobs import DesiredState, Stage

_STORM_SECONDS, _REST_SECONDS = 120.0, 600.0


@pytest.fixture
def world(clustered: World) -> World:
    return clustered


def _posted(world: World, job_id: str = "a") -> None:
    """A job that this node carries."""
    assert isinstance(world.ask(RegisterJob(world.document(job_id), None)), Accepted)
    cluster_of(world).give(job_id)
    world.reaches(job_id, "running")


def _nothing_of(world: World, job_id: str) -> bool:
    supervisor = world.supervisor
    waiting = supervisor._journal._waiting.values()
    orders = [order for order, _ in waiting if getattr(order, "record", None) and order.record.id == job_id]
    return job_id not in supervisor._jobs and not orders and not [each for each in world.living if each[1] == job_id]


def _check(world: World) -> None:
    """A run goes by the number that was granted for the ownership by which the job is here."""
    for job_id, job in world.supervisor._jobs.items():
        if job.run is not None:
            assert job.hold is not None and job.hold.is_ours
            assert cluster_of(world).granted[job.run.number][0] == job_id
            if not job.hold.leaves:
                assert cluster_of(world).granted[job.run.number][1] == job.hold.token


@pytest.mark.parametrize("seed", range(STORMS))
def test_after_a_storm_a_node_carries_what_it_owns_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed: int
) -> None:
    with small_world(monkeypatch, tmp_path, seed, share=1 + seed % 3, clustered=True) as world:
        _storm(world)
        for job_id in JOBS:
            world._scripts[job_id] = Script()  # fair weather from now on
        world.run(_REST_SECONDS)
        _all_at_rest(world)
        for job_id in JOBS:
            cluster_of(world).give(job_id, OTHER)
        world.run(30)
        assert not world.living and not world.supervisor._jobs
        assert not world.supervisor._journal.orders_waiting and not world.supervisor._journal.ailments
        assert not [each for each in world.logged if "exc_info" in each], "no error in Udup itself"
        assert not any(isinstance(each, Rejected) and each.reason is Rejection.INTERNAL for each in world.answers)


def _storm(world: World) -> None:
    dice, cluster = world.random, cluster_of(world)
    end = world.clock + _STORM_SECONDS
    while world.clock < end:
        job_id = dice.choice(JOBS)
        kinds = ["command", "weather", "kill", "restart", "give", "lose", "leave", "write"]
        match dice.choices(kinds, [12, 3, 4, 0.15, 6, 3, 2, 1])[0]:
            case "command":
                world.send(_command(world, job_id))
            case "weather":
                _weather(world, job_id)
            case "kill":
                world.kill(dice.choice(world.children))
            case "restart":
                world.start()
            case "give" if job_id in world.stored:
                cluster.give(job_id)
            case "lose":
                cluster.give(job_id, OTHER)
                if dice.random() < 0.7:
                    cluster.write_elsewhere(job_id)
            case "leave":
                cluster.leave(job_id)
            case "write":
                cluster.write_elsewhere(job_id)  # by who has held this node for dead
                _notice(world, job_id)
        world.run(dice.choice([0.0, 0.001, 0.01, 0.3, 3.0]))
        _check(world)


def _notice(world: World, job_id: str) -> None:
    """The StoreKeeper sees at its next look that a record was written elsewhere."""
    store = world.child_of("store", "")

    def told() -> None:
        if store is not None and store.alive and job_id in store.known:
            store.tell(WrittenElsewhere(job_id))

    world.at(1.0, told)


def _all_at_rest(world: World) -> None:
    owned = {job for job, owner in cluster_of(world).owners.items() if owner.node == HERE and job in world.stored}
    assert set(world.supervisor._jobs) == owned
    running = set()
    for job_id in owned:
        job, record = world.job(job_id), world.stored[job_id]
        assert job.record == record, "it goes by what is stored"
        assert record.desired != DesiredState.STOP
        if record.stage is Stage.RUNNING:
            running.add(job_id)
        assert (job.run is not None) == (record.stage is Stage.RUNNING), (job_id, record.stage)
    tasks = [place for place in world.living if place[0] != "worker"]
    assert tasks == sorted((role, job_id) for role in ("applier", "extractor") for job_id in running)
    assert not world.supervisor._journal.orders_waiting


# ---- One at a time ----


def test_a_node_is_well_when_the_record_of_a_job_that_it_has_lost_was_not_stored(world: World) -> None:
    """The store says so when the job is another's already: what was to be stored is not wanted any more."""
    _posted(world)
    store = world.child_of("store", "")
    cluster_of(world).give("a", OTHER)
    world.until(lambda: _nothing_of(world, "a"))
    store.tell(NotSaved("a", 99, "written by another", taken=True))
    world.run(1)
    assert world.ask(AskAilments()) == Ailments(())


def test_a_posted_job_is_stored_and_carried_out_by_whom_it_is_given_to(world: World) -> None:
    assert isinstance(world.ask(RegisterJob(world.document("a"), None)), Accepted)
    world.run(5)
    assert "a" in world.stored and not world.supervisor._jobs and not world.living
    cluster_of(world).give("a")
    world.reaches("a", "running")


def test_of_two_posts_of_one_id_at_two_nodes_one_is_refused(world: World) -> None:
    """Stored elsewhere between this node's look and its write, it is not stored here, and nothing is overwritten."""
    store = world.child_of("store", "")
    save = store.on_Save

    def on_save(message: Save) -> None:
        cluster_of(world).wrote("a", OTHER)  # the other one comes first
        save(message)

    store.on_Save = on_save
    answer = world.ask(RegisterJob(world.document("a"), None))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.NOT_NOW, answer
    assert "a" not in world.stored and not world.supervisor._jobs


def test_a_lost_job_ends_at_once_and_its_record_is_left_alone(world: World) -> None:
    _posted(world)
    cluster = cluster_of(world)
    cluster.give("a", OTHER)
    cluster.write_elsewhere("a")
    record = world.stored["a"]
    world.until(lambda: _nothing_of(world, "a"), 1)
    world.run(60)
    assert world.stored["a"] == record
    cluster.give("a")
    world.until(lambda: len(world.runs["a"]) == 2)


def test_a_record_that_another_has_written_is_read_again_and_not_overwritten(world: World) -> None:
    _posted(world)
    cluster = cluster_of(world)
    cluster.write_elsewhere("a")
    answer = world.ask(PauseJob("a"))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.NOT_NOW
    world.until(lambda: len(world.runs["a"]) == 2)  # it is this node's still
    assert isinstance(world.ask(PauseJob("a")), Accepted)
    world.reaches("a", "paused")


def test_a_store_keeper_that_comes_anew_overwrites_nothing_of_another_node(world: World) -> None:
    _posted(world)
    cluster, store = cluster_of(world), world.child_of("store", "")
    store.on_Save = lambda _message: None  # the write that it dies with
    world.send(PauseJob("a"))
    world.run(1)
    cluster.write_elsewhere("a")
    record = world.stored["a"]
    world.kill(store)
    world.until(lambda: len(world.runs["a"]) == 2)
    now = world.stored["a"]
    assert now.desired == DesiredState.RUN and len(now.evaluations) > len(record.evaluations)


def test_a_job_that_was_made_again_while_this_node_stood_still_runs_by_its_new_record(world: World) -> None:
    """Deleted, posted with another document and given to this node, which has heard of that alone."""
    _posted(world)
    cluster = cluster_of(world)
    record = world.stored["a"]
    world.stored["a"] = record.model_copy(update={"incarnation": "another"})
    cluster.wrote("a", OTHER)
    cluster.owners["a"] = Owner(HERE, cluster.next())
    cluster.tell(Owned("a", cluster.owners["a"].token))
    world.kill(world.child_of("applier", "a"))
    world.until(lambda: len(world.runs["a"]) == 2)
    assert world.job("a").record.incarnation == "another"
    world.reaches("a", "running")


def test_a_job_that_was_deleted_while_its_owner_stood_still_is_not_stored_again(world: World) -> None:
    _posted(world)
    cluster = cluster_of(world)
    del world.stored["a"]
    cluster.wrote("a", OTHER)
    world.kill(world.child_of("applier", "a"))  # what has happened to it would be stored
    world.run(30)
    assert "a" not in world.stored and _nothing_of(world, "a")


def test_a_job_that_is_to_go_is_drained_and_handed_over(world: World) -> None:
    _posted(world)
    cluster_of(world).leave("a")
    world.until(lambda: cluster_of(world).owners["a"].node == OTHER)
    world.until(lambda: _nothing_of(world, "a"), 1)


def test_a_keeper_that_dies_ends_no_run_and_the_next_tells_what_was_lost_meanwhile(world: World) -> None:
    _posted(world)
    _posted(world, "b")
    cluster = cluster_of(world)
    keeper = cluster.keeper
    assert keeper is not None
    world.kill(keeper)
    cluster.give("b", OTHER)  # nobody is told
    world.until(lambda: _nothing_of(world, "b"), 5)
    world.run(5)
    assert len(world.runs["a"]) == 1 and world.job("a").run is not None


def test_a_deleted_job_is_nobodys(world: World) -> None:
    _posted(world)
    assert isinstance(world.ask(DeleteJob("a", purge=True)), Accepted)
    world.run(1)
    assert "a" not in cluster_of(world).owners and not world.stored and world.is_empty()


def test_a_wish_for_a_job_of_another_node_goes_there(world: World) -> None:
    world.ask(RegisterJob(world.document("a"), None))
    cluster_of(world).give("a", OTHER)
    assert world.ask(PauseJob("a")) == Accepted(1, "a", "by the other")


def test_a_wish_for_a_job_that_waits_for_its_node_is_stored(world: World) -> None:
    world.ask(RegisterJob(world.document("a"), None))
    assert isinstance(world.ask(PauseJob("a")), Accepted)
    assert world.stored["a"].desired == DesiredState.PAUSE and not world.supervisor._jobs
    assert isinstance(world.ask(ResumeJob("a")), Accepted)
    refused = world.ask(DeleteJob("a", purge=True))
    assert isinstance(refused, Rejected) and "no node carries" in refused.failure.text
    assert isinstance(world.ask(DeleteJob("a")), Accepted) and not world.stored
    assert isinstance(world.ask(RegisterJob(world.document("a"), None)), Accepted)


def test_another_nodes_wish_is_carried_out_here_or_sent_back(world: World) -> None:
    _posted(world)
    cluster, keys = cluster_of(world), world.supervisor.settings.keys
    cluster.tell(Asked(1, ask_of(PauseJob("a"), OTHER, keys)))
    cluster.tell(Asked(2, ask_of(PauseJob("b"), OTHER, keys)))
    world.until(lambda: len(cluster.answered) == 2)
    said = {each.number: each.answer for each in cluster.answered}
    assert said[1].kind == "Accepted" and said[2].not_owner
    world.reaches("a", "paused")


def test_a_wish_that_is_asked_for_again_is_done_once_and_hears_the_same(world: World) -> None:
    _posted(world)
    cluster, keys = cluster_of(world), world.supervisor.settings.keys
    ask = ask_of(PauseJob("a"), OTHER, keys, "the-wish")
    cluster.tell(Asked(1, ask))
    cluster.tell(Asked(2, ask))  # while it is being stored
    world.until(lambda: len(cluster.answered) == 2)
    assert isinstance(world.ask(ResumeJob("a")), Accepted)
    world.run(5)
    cluster.tell(Asked(3, msgspec.structs.replace(ask, age=0.5)))
    world.until(lambda: len(cluster.answered) == 3)
    assert world.stored["a"].desired == DesiredState.RUN, "the pause came before"
    said = [each.answer for each in cluster.answered]
    assert said[0] == said[1] == said[2] and said[0].kind == "Accepted"
    cluster.tell(Asked(4, ask_of(PauseJob("b"), OTHER, keys, "not-here")))
    world.until(lambda: len(cluster.answered) == 4)
    cluster.tell(Asked(5, ask_of(PauseJob("b"), OTHER, keys, "not-here")))
    world.until(lambda: len(cluster.answered) == 5)
    assert cluster.answered[3].answer.not_owner and cluster.answered[4].answer.not_owner


def test_who_was_started_after_a_wish_was_asked_for_does_not_do_it_a_second_time(world: World) -> None:
    _posted(world)
    cluster, keys = cluster_of(world), world.supervisor.settings.keys
    ask = ask_of(PauseJob("a"), OTHER, keys, "the-wish")
    cluster.tell(Asked(1, msgspec.structs.replace(ask, age=world.clock + 1)))
    world.until(lambda: len(cluster.answered) == 1)
    said = cluster.answered[0].answer
    assert said.kind == "Rejected" and "may have done it" in str(said.body)
    assert world.stored["a"].desired == DesiredState.RUN


def test_without_a_quorum_nothing_is_taken_and_runs_go_on(world: World) -> None:
    _posted(world)
    cluster = cluster_of(world)
    cluster.why_not = "1 of 3 managers are there"
    cluster.show()
    world.run(1)
    for wish in (PauseJob("a"), RegisterJob(world.document("b"), None)):
        answer = world.ask(wish)
        assert isinstance(answer, Rejected) and answer.reason is Rejection.NOT_NOW
        assert "1 of 3 managers" in answer.failure.text
    assert world.job("a").run is not None and len(world.runs["a"]) == 1


def test_a_node_that_ends_says_that_it_is_gone(world: World) -> None:
    _posted(world)
    assert isinstance(world.ask(Drain()), Drained)  # type: ignore[arg-type]
    assert not any(job.run for job in world.supervisor._jobs.values())
