"""Whether a job is level is asked of its two servers: fake ones, through the question that the API puts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from udup.base.endpoint import Endpoint
from udup.drivers.fake.checkpoint import JobRows
from udup.drivers.fake.server import FakeServer
from udup.drivers.fake.source import FakeSource
from udup.drivers.fake.target import FakeTarget
from udup.jobs import DesiredState, JobProgress, JobRecord, Stage
from udup.jobs.progress import WaitingFor
from udup.jobs.record import Restart
from udup.node.level import LevelQuestion
from udup.node.reads import Reads
from udup.pipeline.cutover.state import Cutover, Options
from udup.pipeline.ports import Drivers, End
from udup.sandbox.api import job_document
from udup.web.ports import NotReady, NotThere

JOB = "shop"
T = ("s", "t")


@dataclass
class _World:
    """Both the store's reads and the drivers; ports are told apart, so that a document may name other servers."""

    servers: dict[int, FakeServer]
    record: JobRecord | None = None
    questions: list[LevelQuestion] = field(default_factory=list)

    def job(self, job_id: str) -> JobRecord | None:
        return self.record if job_id == JOB else None

    def source(self, end: End) -> FakeSource:
        return FakeSource(self.servers[end.endpoint.port])

    def target(self, end: End) -> FakeTarget:
        return FakeTarget(self.servers[end.endpoint.port])

    def ask(self, gtid: str | None = None) -> LevelQuestion:
        question = LevelQuestion(cast(Reads, self), cast(Drivers, self), JOB, gtid)
        self.questions.append(question)
        return question

    def change(self, **fields: Any) -> None:
        assert self.record is not None
        self.record = self.record.model_copy(update=fields)

    def write(self, key: str, port: int = 1) -> None:
        self.servers[port].log.write(lambda writing: writing.insert(T, key))

    def applied(self, text: str, port: int = 2, *, selection: str = "all") -> None:
        self.servers[port].jobs.rows[JOB] = JobRows(1, text, selection=selection)

    def visits(self) -> int:
        return len(self.servers[2].connections)


def _document(source: int, target: int) -> dict[str, Any]:
    here = Endpoint("127.0.0.1", source, "u", "p")
    return {**job_document(JOB, here, Endpoint("127.0.0.1", target, "u", "p"), ["s"]), "ID": JOB}


@pytest.fixture
def world() -> Iterator[_World]:
    servers = {port: FakeServer(name) for port, name in ((1, "alpha"), (2, "beta"), (3, "gamma"), (4, "delta"))}
    for port in (1, 3):
        servers[port].log.create(T)
    world = _World(servers, JobRecord(id=JOB, document=_document(1, 2), stage=Stage.RUNNING, job_modify_index=6))
    yield world
    for question in world.questions:
        question.close()
    assert world.visits() == 0, "a question leaves no connection behind"


def test_the_target_is_level_when_its_checkpoint_has_what_the_source_had_when_it_was_asked(world: _World) -> None:
    world.write("a")
    world.applied("alpha:1")
    question = world.ask()
    found = question.look()
    assert (found.level, found.wanted, found.applied, found.missing) == (False, "alpha:1-2", "alpha:1", "alpha:2")
    assert found.why == "1 transaction is not in the target yet" and not found.ended
    world.write("b")
    world.applied("alpha:1-2")
    found = question.look()
    assert found.level and found.wanted == "alpha:1-2", "what was committed later is not asked for"
    assert (found.missing, found.why) == ("", "")
    assert not world.ask().look().level, "another question is about that too"


def test_the_progress_of_the_job_is_no_part_of_the_answer(world: _World) -> None:
    world.applied("alpha:1")
    world.write("a")
    world.change(progress=JobProgress(level=True, applied_gtid="alpha:1-2", source_gtid="alpha:1-2"))
    assert not world.ask().look().level


def test_all_looks_share_one_connection(world: _World) -> None:
    world.applied("alpha:1")
    question = world.ask()
    for _ in range(3):
        question.look()
        assert world.visits() == 1


def test_a_set_that_is_named_is_waited_for_and_the_source_is_left_alone(world: _World) -> None:
    world.applied("alpha:1-4")
    world.servers[1].down()
    assert world.ask("alpha:1-4").look().level
    found = world.ask("alpha:1-6").look()
    assert (found.level, found.missing) == (False, "alpha:5-6")


@pytest.mark.parametrize("selection", ["copying", None])
def test_there_is_no_level_before_the_first_checkpoint(world: _World, selection: str | None) -> None:
    """A source that has executed nothing wants nothing, and its job may be copying all the same."""
    world.servers[1] = FakeServer("alpha")
    world.change(stage=Stage.COPYING)
    if selection:
        world.applied("", selection=selection)
    found = world.ask().look()
    assert (found.level, found.wanted, found.applied) == (False, "", "")
    assert found.why == "the full copy has not ended" and not found.ended


@pytest.mark.parametrize(
    ("fields", "ended", "says"),
    [
        ({"stage": Stage.FAILED, "status_description": "row is gone"}, True, "has failed: row is gone -- fix that"),
        ({"stage": Stage.PAUSED, "desired": DesiredState.PAUSE}, True, "paused, and 1 transaction is not"),
        ({"stage": Stage.COMPLETED}, True, "complete, and 1 transaction is not"),
        ({"desired": DesiredState.PAUSE}, False, "1 transaction is not"),
        ({"desired": DesiredState.STOP}, False, "being deleted"),
        (
            {"stage": Stage.PENDING, "restart_history": (Restart(time_ns=1, error="no route"),)},
            False,
            "the last error: no route",
        ),
        ({"progress": JobProgress(waiting_for=WaitingFor(what="a lock"))}, False, "the job waits for a lock"),
    ],
)
def test_why_it_is_not_level_is_said_and_whether_waiting_is_of_use(
    world: _World, fields: dict[str, Any], ended: bool, says: str
) -> None:
    world.write("a")
    world.applied("alpha:1")
    world.change(**fields)
    found = world.ask().look()
    assert not found.level and found.ended is ended and says in found.why
    assert not ended or f"udup job resume {JOB}" in found.why


def test_a_copy_alone_that_is_complete_is_not_said_to_catch_up(world: _World) -> None:
    document = _document(1, 2)
    document["Tasks"][0]["Config"]["SkipIncrementalCopy"] = True
    world.change(stage=Stage.COMPLETED, document=document)
    world.applied("alpha:1")
    world.write("a")
    found = world.ask().look()
    assert found.ended and "the copy is complete, and 1 transaction is not" in found.why
    assert "SkipIncrementalCopy" in found.why


def test_a_failure_that_ends_with_the_commands_is_not_followed_by_them_again(world: _World) -> None:
    text = f"alpha:1: a row is not there; udup job resume {JOB} when that is repaired, or udup job skip {JOB} --gtid x"
    world.write("a")
    world.change(stage=Stage.FAILED, status_description=text)
    assert world.ask().look().why == f"the job has failed: {text}"


@pytest.mark.parametrize("stage", [Stage.PAUSED, Stage.COMPLETED])
def test_what_is_paused_or_complete_is_compared_all_the_same(world: _World, stage: Stage) -> None:
    world.applied("alpha:1")
    world.change(stage=stage)
    assert world.ask().look().level
    world.write("a")
    assert not world.ask().look().level


def test_a_failed_job_is_never_level_and_says_so_without_its_servers(world: _World) -> None:
    world.applied("alpha:1")
    world.change(stage=Stage.FAILED, status_description="the source is gone")
    assert world.ask().look().level is False
    world.servers[1].down()
    world.servers[2].down()
    found = world.ask().look()
    assert (found.level, found.wanted, found.ended) == (False, "", True) and "the source is gone" in found.why


def test_a_server_that_cannot_be_asked_is_named_and_a_target_that_came_back_is_asked_again(world: _World) -> None:
    world.applied("alpha:1")
    question = world.ask()
    assert question.look().level
    world.servers[2].down()
    with pytest.raises(NotReady, match="the target beta cannot be asked now"):
        question.look()
    world.servers[2].up()
    assert question.look().level
    world.servers[1].down()
    with pytest.raises(NotReady, match="the source alpha cannot be asked now"):
        world.ask()


def test_a_job_that_gets_another_document_is_asked_of_its_new_servers(world: _World) -> None:
    world.applied("alpha:1")
    question = world.ask()
    assert question.look().level
    world.write("a", 3)
    world.change(document=_document(3, 4), job_modify_index=9)
    found = question.look()
    assert (found.level, found.wanted) == (False, "gamma:1-2")
    world.applied("gamma:1-2", 4)
    assert question.look().level
    assert not world.servers[2].connections


def test_a_job_that_is_gone_is_not_found(world: _World) -> None:
    question = world.ask()
    world.record = None
    with pytest.raises(NotThere):
        question.look()
    with pytest.raises(NotThere):
        world.ask()


def _switched(way_back: str) -> Cutover:
    return Cutover.asked(Options(reverse=bool(way_back))).with_(switched_ns=1, way_back=way_back)


@pytest.mark.parametrize(
    ("way_back", "remedy"), [("shop-back", "udup job wait shop-back"), ("", "udup job cutover shop --show")]
)
def test_a_job_that_was_cut_over_names_who_goes_on_and_is_not_to_be_resumed(
    world: _World, way_back: str, remedy: str
) -> None:
    world.write("a")
    world.applied("alpha:1")
    world.change(stage=Stage.COMPLETED, cutover=_switched(way_back))
    found = world.ask().look()
    assert not found.level and found.ended and "was cut over" in found.why and found.why.endswith(remedy)
    world.servers[1].down()
    assert "was cut over" in world.ask().look().why, "the old server may be gone for good"
