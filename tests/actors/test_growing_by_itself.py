"""Tables that are behind a statement are loaded again by the job itself. The real supervisor, in virtual time."""

from __future__ import annotations

from tests.actors.conftest import post
from tests.actors.growing import REPORTS, SIDE, checkpoints_of, settled, tables_of
from tests.actors.small_world import World
from udup.actors.messages import Progress
from udup.base.errors import Failure, FailureKind
from udup.jobs.progress import TaskReport
from udup.pipeline.ports import Scope


def scope_of(world: World) -> Scope:
    """Return what the job's last run was told to read."""
    return next(each.settings.scope for each in reversed(world.extracts) if each.settings.job == "j")


def _behind(*tables: str) -> Failure:
    return Failure(FailureKind.UNSUPPORTED, "RENAME TABLE names what is behind", reloads=tables)


def test_tables_without_which_the_log_cannot_be_gone_on_with_are_loaded_again_by_themselves(grown: World) -> None:
    world = grown
    world.child_of("extractor", "j").end(world.job("j").run.number, _behind("s.a"))
    world.until(lambda: world.stored["j"].growth is not None)
    growth = world.stored["j"].growth
    assert growth is not None and growth.reloads == ("s.a",) and "RENAME TABLE" in growth.problem
    world.until(lambda: settled(world))
    assert checkpoints_of(world).joins == 1 and not checkpoints_of(world).wrong
    assert world.stage("j") == "running" and not world.stored["j"].status_description
    world.until(lambda: scope_of(world).selection.wants("s", "a"))


def test_what_cannot_be_loaded_again_by_itself_stops_the_job_which_says_what_to_do(grown: World) -> None:
    world = grown
    world.child_of("extractor", "j").end(world.job("j").run.number, _behind("s.a", "elsewhere.t"))
    world.reaches("j", "failed")
    assert "RENAME TABLE" in world.stored["j"].status_description and world.stored["j"].growth is None


def test_a_side_job_that_cannot_go_on_with_its_tables_copies_them_again(grown: World) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "catching_up")
    before = world.stored[SIDE].incarnation
    world.script(SIDE).reports = REPORTS
    world.child_of("extractor", SIDE).end(world.job(SIDE).run.number, _behind("s.c"))
    world.until(lambda: SIDE in world.stored and world.stored[SIDE].incarnation != before)
    world.until(lambda: settled(world))
    assert checkpoints_of(world).joins == 1 and not checkpoints_of(world).wrong
    world.until(lambda: scope_of(world).selection.wants("s", "c"))


def test_tables_that_are_to_be_loaded_again_wait_for_others_that_are_under_way(grown: World) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "catching_up")
    for runs in (2, 3):  # the first did not know of the new tables
        world.child_of("extractor", "j").end(world.job("j").run.number, _behind("s.a"))
        world.until(lambda: len(world.runs["j"]) == runs and world.job("j").goes_on)  # noqa: B023
        assert world.stage("j") != "failed"
    world.script(SIDE).reports = REPORTS
    side = world.child_of("applier", SIDE)
    side.tell(Progress("applier", side.run, TaskReport.of(REPORTS[-1]), world.clock))
    world.until(lambda: settled(world))
    world.child_of("extractor", "j").end(world.job("j").run.number, _behind("s.a"))
    world.until(lambda: world.stored["j"].growth is not None and world.stored["j"].growth.reloads == ("s.a",))
    world.until(lambda: settled(world))
    assert checkpoints_of(world).joins == 2 and not checkpoints_of(world).wrong
