"""Whatever comes at once, in any order, with processes dying: jobs get there, and nothing is left behind.

Every history follows from its seed; `UDUP_STORMS` in the environment says how many are tried.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.actors.small_children import Script
from tests.actors.small_world import World, refused, small_world, transient
from udup.actors.messages import (
    Accepted,
    Command,
    DeleteJob,
    FinishJob,
    PauseJob,
    RegisterJob,
    Rejected,
    Rejection,
    ResumeJob,
)
from udup.base.errors import Failure, FailureKind
from udup.jobs import DesiredState, Stage
from udup.pipeline.apply.crew import Seat

JOBS = ("a", "b", "c", "d")

STORMS = int(os.environ.get("UDUP_STORMS", "6"))

#: Seconds of one storm, and until all has come to rest after it.
_STORM_SECONDS, _REST_SECONDS = 120.0, 600.0


def _command(world: World, job_id: str) -> Command:
    dice = world.random
    kind = dice.choice(["synchronous", "synchronous", "migration"])
    document = world.document(job_id, kind, ParallelWorkers=dice.randint(1, 8))
    if kind == "migration":
        document["EndWhen"] = dice.choice(["level", "finished"])
    commands: list[tuple[int, Command]] = [
        (4, RegisterJob(document, None)),
        (3, FinishJob(job_id)),
        (3, PauseJob(job_id)),
        (4, ResumeJob(job_id)),
        (1, DeleteJob(job_id)),
        (2, DeleteJob(job_id, purge=True)),
    ]
    return dice.choices([each for _, each in commands], [weight for weight, _ in commands])[0]


def _weather(world: World, job_id: str) -> None:
    """What a job's servers do from now on."""
    dice, script = world.random, world.script(job_id)
    fresh = Script()
    script.crews = tuple(
        tuple(Seat(slot, 10 * turn + slot) for slot in range(1, dice.randint(1, 4)))
        for turn in range(dice.randint(0, 4))
    )
    look = dice.choice([fresh.look, fresh.look, fresh.look, transient(), refused("Src", "no log"), None])
    script.look = look
    taken = Failure(FailureKind.SUPERSEDED, "another node has it")
    script.target = dice.choice(["full copy", "x:1-5", "x:1-5", transient(), refused("Dest", "no room"), None, taken])
    script.run_ends = dice.choice([None, None, None, transient(), Failure(FailureKind.CONFLICT, "order")])
    script.drains = dice.choice([None, None, transient(), "never"])
    script.executed = dice.choice(["u:1-9", "u:1-9", transient(), None])
    script.reaches = dice.choice([fresh.reaches, lambda _executed: False])
    script.purge = dice.choice([None, None, transient(), Failure(FailureKind.INTERNAL, "denied"), "never"])


def _storm(world: World) -> int:
    """Things happen by chance; return how many commands were sent."""
    dice, sent = world.random, 0
    end = world.clock + _STORM_SECONDS
    while world.clock < end:
        match dice.choices(["command", "weather", "kill", "restart"], [12, 3, 4, 0.15])[0]:
            case "command":
                world.send(_command(world, dice.choice(JOBS)))
                sent += 1
            case "weather":
                _weather(world, dice.choice(JOBS))
            case "kill":
                world.kill(dice.choice(world.children))
            case _:
                world.start()
        world.run(dice.choice([0.0, 0.001, 0.01, 0.3, 3.0]))
        _check(world)
    return sent


def _check(world: World) -> None:
    """What holds at every moment."""
    for job_id, job in world.supervisor._jobs.items():
        assert job.id == job_id
        if job.run is not None:
            assert job.retry_of is None, "a job that runs does not wait for its next run"
    at_work = [(child.role, child.job_id, child.slot) for child in world.children if child.alive and child.job_id]
    assert len(at_work) <= len(set(at_work)) + len(JOBS), "old ones are ended when new ones are made"


@pytest.mark.parametrize("seed", range(STORMS))
def test_after_a_storm_every_job_gets_where_it_is_wanted_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed: int
) -> None:
    with small_world(monkeypatch, tmp_path, seed, share=1 + seed % 3) as world:
        assert _storm(world) > 20
        for job_id in JOBS:
            world._scripts[job_id] = Script()  # fair weather from now on
        world.run(_REST_SECONDS)
        _all_at_rest(world)
        for job_id in JOBS:
            _run_again(world, job_id)
        _delete_all(world)
        assert world.is_empty(), (world.stored, world.living)
        assert not any(isinstance(each, Rejected) and each.reason is Rejection.INTERNAL for each in world.answers)
        assert not [each for each in world.logged if "exc_info" in each], "no error in Udup itself"


def _all_at_rest(world: World) -> None:
    for job_id, record in world.stored.items():
        job = world.job(job_id)
        assert record.desired != DesiredState.STOP, "nobody waits for a purge that could be done"
        if record.desired == DesiredState.PAUSE:
            assert record.stage in (Stage.PAUSED, Stage.FAILED, Stage.COMPLETED) and job.run is None
        else:
            assert record.stage in (Stage.RUNNING, Stage.FAILED, Stage.COMPLETED), record
            assert (job.run is not None) == (record.stage is Stage.RUNNING)
            assert not (job.ends and record.stage is Stage.RUNNING), "a migration that is level comes to its end"
    running = {job_id for job_id, record in world.stored.items() if record.stage is Stage.RUNNING}
    tasks = [place for place in world.living if place[0] != "worker"]
    assert tasks == sorted((role, job_id) for role in ("applier", "extractor") for job_id in running)
    assert {job_id for role, job_id in world.living if role == "worker"} <= running
    assert not world.supervisor._journal.orders_waiting


def _run_again(world: World, job_id: str) -> None:
    """Whatever has become of it, a job that is posted again runs."""
    answer = world.ask(RegisterJob(world.document(job_id), None))
    assert isinstance(answer, Accepted), answer
    world.ask(ResumeJob(job_id))
    world.reaches(job_id, "running", 60)


def _delete_all(world: World) -> None:
    for number, job_id in enumerate(JOBS):
        answer = world.ask(DeleteJob(job_id, purge=number % 2 == 0))
        assert isinstance(answer, Accepted), answer
    world.run(10)


def test_commands_that_come_all_at_once_are_answered_in_their_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with small_world(monkeypatch, tmp_path) as world:
        world.ask(RegisterJob(world.document("a"), None))
        world.reaches("a", "running")
        before = len(world.answers)
        for number in range(50):
            world.send((PauseJob, ResumeJob)[number % 2]("a"))
            world.run(0.01)
        world.until(lambda: len(world.answers) == before + 50)
        assert all(isinstance(each, Accepted) for each in world.answers)
        world.reaches("a", "running")
        indexes = [each.index for each in world.answers if isinstance(each, Accepted) and each.index]
        assert indexes == sorted(set(indexes)), "each write has an index of its own"
