"""The life of a comparison, as the supervisor has it: begun, carried on after a death, told to the run, ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.actors.conftest import running
from tests.actors.small_children import Comparing
from tests.actors.small_world import World
from udup.actors.compare_messages import AskRun, CompareEnded, CompareProgress, StartCompare, StopCompare
from udup.actors.job import Job
from udup.actors.messages import Accepted, PauseJob, RegisterJob, Rejected, ResumeJob
from udup.actors.run import Phase
from udup.base.errors import Failure, FailureKind
from udup.pipeline.extract.marks import Held
from udup.pipeline.ports.compare import TableCompared
from udup.pipeline.selection.selection import Selection
from udup.pipeline.verify.rounds import Expected, GiveUp, HoldLog, ReadTo, Release, StandAt
from udup.pipeline.verify.settings import VerifyProgress
from udup.pipeline.verify.state import CompareOptions, CompareState, Comparison


def _begun(world: World, options: CompareOptions | None = None) -> Comparing:
    answer = world.ask(StartCompare("j", options or CompareOptions()))
    assert isinstance(answer, Accepted) and answer.changed, answer
    return _engine(world)


def _engine(world: World, attempt_not: int = 0) -> Comparing:
    def there() -> bool:
        order = getattr(world.child_of("verifier", "j"), "order", None)
        return order is not None and order.attempt != attempt_not

    world.until(there)
    found: Comparing = world.child_of("verifier", "j")  # type: ignore[assignment]
    return found


def _stored(world: World) -> Comparison:
    found = world.stored["j"].comparison
    assert found is not None
    return found


def test_what_is_asked_for_is_compared_and_what_came_of_it_is_kept(world: World) -> None:
    running(world)
    engine = _begun(world, CompareOptions(rows_per_second=500))
    assert (engine.order.compare.rows_per_second, engine.order.settings.continuous) == (500, False)
    assert engine.order.settings.id == _stored(world).id and _stored(world).is_active
    unlike = (TableCompared("s", "t", 10, 2), TableCompared("s", "m", problem="its rows take part in no transaction"))
    engine.tell(CompareProgress(engine.order.attempt, VerifyProgress(1, 2, unlike, ("s.t 7 differs v",), 10, 2)))
    engine.tell(
        CompareProgress(engine.order.attempt, VerifyProgress(1, 2, unlike, ("s.t 7 differs v",), 10, 2, ended=True))
    )
    engine.tell(CompareEnded(engine.order.attempt))
    world.until(lambda: _stored(world).state is CompareState.DONE)
    world.until(lambda: not engine.alive)
    kept = _stored(world)
    assert not kept.equal and (kept.differences, kept.tables, kept.rows) == (2, 2, 10)
    assert [(each.name, each.differences) for each in kept.unlike] == [("s.t", 2), ("s.m", 0)]
    assert world.stage("j") == "running"


def test_its_questions_go_to_the_run_and_without_one_it_is_told_so(world: World) -> None:
    running(world)
    engine = _begun(world)
    attempt = engine.order.attempt
    for question in (StandAt(1), HoldLog(1), ReadTo(1, "u:1-9"), Release(1), GiveUp(1)):
        engine.tell(AskRun(attempt, question))
    world.run(1)
    extractor, applier = world.child_of("extractor", "j"), world.child_of("applier", "j")
    assert extractor is not None and applier is not None
    assert [type(each) for each in extractor.marked] == [HoldLog, ReadTo, GiveUp]
    assert [type(each) for each in applier.marked] == [StandAt, Release, GiveUp]
    assert {type(said.answer) for said in engine.heard} == {Expected, Held}
    assert all(said.attempt == attempt and not said.lost for said in engine.heard)
    engine.tell(AskRun(attempt - 1, HoldLog(9)))
    world.run(1)
    assert len(extractor.marked) == 3, "an engine of before is not heard"


def test_a_process_that_dies_is_followed_by_another_but_not_without_end(world: World) -> None:
    running(world)
    engine = _begun(world)
    for _ in range(4):
        attempt = engine.order.attempt
        world.kill(engine)
        engine = _engine(world, attempt)
        assert _stored(world).is_active
    world.kill(engine)
    world.until(lambda: _stored(world).state is CompareState.FAILED)
    assert "died 5 times" in _stored(world).text and world.stage("j") == "running"


def test_it_rests_while_its_job_is_paused(world: World) -> None:
    running(world)
    engine = _begun(world, CompareOptions(continuous=True))
    engine.tell(CompareProgress(engine.order.attempt, VerifyProgress(3, 2, rows=10)))
    attempt = engine.order.attempt
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    world.run(30)
    assert not engine.alive and _stored(world).is_active
    world.ask(ResumeJob("j"))
    world.reaches("j", "running")
    assert _engine(world, attempt).order.settings.first_round == 3


def test_one_at_a_time_and_it_can_be_ended(world: World) -> None:
    running(world)
    engine = _begun(world)
    answer = world.ask(StartCompare("j", CompareOptions()))
    assert isinstance(answer, Rejected) and "under way" in answer.failure.text
    assert world.ask(StopCompare("j")).changed
    world.until(lambda: not engine.alive)
    assert _stored(world).state is CompareState.STOPPED
    engine.tell(CompareProgress(engine.order.attempt, VerifyProgress(ended=True)))
    world.run(10)
    assert _stored(world).state is CompareState.STOPPED and not world.ask(StopCompare("j")).changed


def test_one_that_fails_says_why(world: World) -> None:
    running(world)
    engine = _begun(world)
    engine.tell(CompareEnded(engine.order.attempt, Failure(FailureKind.TRANSIENT, "the source is away")))
    world.until(lambda: _stored(world).state is CompareState.FAILED)
    assert _stored(world).text == "the source is away"


def test_where_no_run_follows_the_source_it_is_told_so(world: World) -> None:
    running(world)
    engine = _begun(world)
    run = world.job("j").run
    assert run is not None
    run.phase = Phase.STARTING
    engine.tell(AskRun(engine.order.attempt, GiveUp(1)))
    engine.tell(AskRun(engine.order.attempt, StandAt(1)))
    world.run(1)
    assert [said.lost for said in engine.heard] == ["the job does not follow its source now"]


def test_a_job_that_leaves_changes_out_is_refused(world: World) -> None:
    document = world.document("j")
    document["Tasks"][0]["Config"]["SqlFilter"] = ["NoDMLDelete"]
    world.ask(RegisterJob(document, None))
    answer = world.ask(StartCompare("j", CompareOptions()))
    assert isinstance(answer, Rejected) and "leaves changes out on purpose" in answer.failure.text


def test_a_table_that_the_job_does_not_have_is_refused(world: World) -> None:
    running(world, ReplicateDoDb=[{"TableSchema": "shop"}])
    answer = world.ask(StartCompare("j", CompareOptions(tables=("shop.t", "nowhere.t"))))
    assert isinstance(answer, Rejected) and "has no table nowhere.t" in answer.failure.text


def test_a_job_whose_tables_change_is_compared_by_an_engine_that_knows_the_present_ones(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(world)
    engine = _begun(world)
    attempt, job = engine.order.attempt, world.job("j")
    plan = job.plan
    fewer = plan.scope.selection.without(Selection.of([("shop", ["big"])]))
    monkeypatch.setattr(Job, "plan", replace(plan, scope=replace(plan.scope, selection=fewer)))
    engine.tell(AskRun(attempt, StandAt(1)))
    world.until(lambda: not engine.alive)
    world.run(10)
    assert _engine(world, attempt).order.plan.scope.selection == fewer and _stored(world).is_active
    assert engine.heard == []


def test_a_document_has_its_job_compared_and_says_how(world: World) -> None:
    document = world.document("j")
    world.ask(RegisterJob({**document, "Verify": {"Mode": "Continuous", "RowsPerSecond": 500}}, None))
    world.reaches("j", "running")
    engine = _engine(world)
    assert (engine.order.compare.rows_per_second, engine.order.settings.continuous) == (500, True)
    assert world.ask(StopCompare("j")).changed
    world.run(30)
    assert _stored(world).state is CompareState.STOPPED, "who ends it has it ended"
    world.ask(RegisterJob({**document, "Verify": {"Mode": "once", "Tables": ["s.t"]}}, None))
    engine = _engine(world, engine.order.attempt)
    assert engine.order.compare.tables == ("s.t",) and not engine.order.settings.continuous
    engine.tell(CompareProgress(engine.order.attempt, VerifyProgress(1, 1, rows=10, ended=True)))
    engine.tell(CompareEnded(engine.order.attempt))
    world.run(30)
    assert _stored(world).state is CompareState.DONE, "once is once"
    world.ask(RegisterJob({**document, "Verify": {"Mode": "continuous"}}, None))
    engine = _engine(world, engine.order.attempt)
    world.ask(StartCompare("j", CompareOptions(repair=True)))
    repairing = _engine(world, engine.order.attempt)
    assert repairing.order.compare.repairs
    repairing.tell(CompareProgress(repairing.order.attempt, VerifyProgress(1, 1, rows=3, ended=True)))
    repairing.tell(CompareEnded(repairing.order.attempt))
    again = _engine(world, repairing.order.attempt)
    assert again.order.settings.continuous and not again.order.compare.repairs, "it goes on behind a repair"
    world.ask(RegisterJob(document, None))
    world.until(lambda: _stored(world).state is CompareState.STOPPED)
    world.reaches("j", "running")


def test_of_a_job_that_has_failed_a_table_is_repaired_without_a_run(world: World) -> None:
    world.script("j").run_ends = Failure(FailureKind.DIVERGENCE, "x:7: row is gone")
    world.ask(RegisterJob(world.document("j"), None))
    world.reaches("j", "failed")
    world.until(lambda: world.job("j").run is None)
    answer = world.ask(StartCompare("j", CompareOptions(repair=True)))
    assert isinstance(answer, Rejected) and "name the table" in answer.failure.text
    engine = _begun(world, CompareOptions(repair=True, tables=("s.t",)))
    assert engine.order.compare.repairs and engine.order.compare.stands_still
    engine.tell(CompareProgress(engine.order.attempt, VerifyProgress(1, 1, rows=4, ended=True)))
    engine.tell(CompareEnded(engine.order.attempt))
    world.until(lambda: _stored(world).state is CompareState.DONE)
    assert world.stage("j") == "failed"


def test_a_job_that_does_not_run_is_not_compared_and_says_what_has_it_go_on(world: World) -> None:
    running(world)
    world.ask(PauseJob("j"))
    world.reaches("j", "paused")
    answer = world.ask(StartCompare("j", CompareOptions()))
    assert isinstance(answer, Rejected)
    assert "job j is paused" in answer.failure.text and "udup job resume j" in answer.failure.text
    assert isinstance(world.ask(StartCompare("j", CompareOptions(continuous=True))), Accepted), "it waits for its job"
    world.until(lambda: _stored(world).text == "the job is paused")


@pytest.mark.parametrize("continuous", [False, True])
def test_a_comparison_of_a_job_that_fails_ends_unless_it_goes_on_and_on(world: World, continuous: bool) -> None:
    running(world)
    engine = _begun(world, CompareOptions(continuous=continuous))
    applier = world.child_of("applier", "j")
    assert applier is not None
    applier.end(applier.run, Failure(FailureKind.DIVERGENCE, "a row is not there"))
    world.reaches("j", "failed")
    world.until(lambda: "the job has failed" in _stored(world).text)
    assert _stored(world).is_active == continuous
    if not continuous:
        world.until(lambda: not engine.alive)
        assert _stored(world).state is CompareState.FAILED
        answer = world.ask(StartCompare("j", CompareOptions()))
        assert isinstance(answer, Rejected) and "udup job status j" in answer.failure.text
