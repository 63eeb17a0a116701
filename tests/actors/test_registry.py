"""Which actor has which place, and who has had it before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from thespian.actors import ActorExitRequest

from tests.actors.small_children import Address
from udup.actors.applier import DestApplier
from udup.actors.extractor import SrcExtractor
from udup.actors.messages import Hello, Introduce, Place
from udup.actors.registry import ActorRegistry


class Applier:
    role = "applier"


class Worker:
    """A kind of actor."""


class Desk:
    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.made = 0
        self.registry = ActorRegistry(self._create, lambda to, message: self.sent.append((str(to), message)))

    def _create(self, _kind: type) -> Address:
        self.made += 1
        return Address(f"actor {self.made}")

    def applier(self, job_id: str) -> Any:
        return self.registry.get_or_create(Applier, "applier", job_id, None)  # type: ignore[arg-type]

    def worker(self, job_id: str, slot: int) -> Any:
        return self.registry.get_or_create(Worker, "worker", job_id, None, slot)  # type: ignore[arg-type]

    def places(self) -> dict[tuple[str, str, int], tuple[int, int]]:
        found: list[Place] = self.registry.places(lambda _job_id: False)
        return {(each.role, each.job_id, each.slot): (each.pid, each.restarts) for each in found}


def test_an_actor_is_made_once_and_introduced() -> None:
    desk = Desk()
    first = desk.applier("a")
    assert desk.applier("a") is first and desk.applier("b") is not first
    assert [type(message) for _, message in desk.sent] == [Introduce, Introduce]
    assert desk.registry.place_of(first) == ("applier", "a", 0)
    assert desk.registry.place_of(Address("a stranger")) is None


def test_one_that_died_is_replaced_and_its_place_counts_it() -> None:
    desk = Desk()
    first = desk.applier("a")
    desk.registry.register(Hello("applier", "a", 11), first)
    assert desk.registry.died(first) == [(("applier", "a", 0), 11)]
    assert desk.registry.died(first) == [], "told twice"
    second = desk.applier("a")
    desk.registry.register(Hello("applier", "a", 10), first)
    desk.registry.register(Hello("applier", "a", 12), second)
    assert desk.places() == {("applier", "a", 0): (12, 1)}


def test_workers_have_a_place_for_each_slot_and_one_that_was_let_go_is_no_death() -> None:
    desk = Desk()
    first, second = desk.worker("a", 1), desk.worker("a", 2)
    desk.registry.register(Hello("worker", "a", 21, 1), first)
    desk.registry.register(Hello("worker", "a", 22, 2), second)
    desk.registry.register(Hello("worker", "a", 99, 1), second)
    assert desk.places() == {("worker", "a", 1): (21, 0), ("worker", "a", 2): (22, 0)}
    desk.registry.stop_one("worker", "a", 1)
    assert desk.registry.died(first) == [], "it was told to end"
    assert desk.registry.died(second) == [(("worker", "a", 2), 22)]
    assert not desk.places()
    desk.registry.register(Hello("worker", "a", 23, 1), desk.worker("a", 1))
    desk.registry.register(Hello("worker", "a", 24, 2), desk.worker("a", 2))
    assert desk.places() == {("worker", "a", 1): (23, 0), ("worker", "a", 2): (24, 1)}


def test_a_job_that_is_stopped_leaves_no_actor_and_no_place() -> None:
    desk = Desk()
    applier, other = desk.applier("a"), desk.applier("b")
    desk.registry.register(Hello("applier", "a", 11), applier)
    desk.registry.place_of(applier)
    desk.registry.stop("a")
    assert [(to, type(message)) for to, message in desk.sent[2:]] == [(str(applier), ActorExitRequest)]
    assert desk.registry.place_of(applier) is None and desk.registry.died(applier) == []
    assert desk.registry.address("applier", "a") is None and desk.registry.place_of(other) == ("applier", "b", 0)
    assert not desk.places()


# ---- Processes that jobs share ----


def _sharing(desk: Desk, job_id: str, kind: type = SrcExtractor) -> Any:
    settings: Any = SimpleNamespace(share_processes=2)
    return desk.registry.get_or_create(kind, kind.role, job_id, settings)  # type: ignore[attr-defined]


def test_tasks_of_one_kind_share_a_process_until_it_is_full() -> None:
    desk = Desk()
    tasks = [_sharing(desk, job_id) for job_id in ("a", "b", "c")]
    applier = _sharing(desk, "a", DestApplier)
    assert [str(each.host) for each in tasks] == ["actor 1", "actor 1", "actor 2"] and str(applier.host) == "actor 3"
    kinds = [type(message).__name__ for _, message in desk.sent]
    assert kinds == ["OpenHost", "ToTask", "ToTask", "OpenHost", "ToTask", "OpenHost", "ToTask"]
    assert desk.registry.place_of(tasks[1]) == ("extractor", "b", 0)
    desk.sent.clear()
    desk.registry.send(tasks[1], "hello")
    desk.registry.stop_one("extractor", "b")
    desk.registry.stop("c")
    assert [(to, type(message).__name__) for to, message in desk.sent] == [
        ("actor 1", "ToTask"),
        ("actor 1", "EndTask"),
        ("actor 2", "ActorExitRequest"),
    ]
    assert desk.registry.place_of(tasks[1]) is None
    assert str(_sharing(desk, "d").host) == "actor 1", "there is room again"


def test_who_dies_with_a_shared_process_is_told_of_each_job() -> None:
    desk = Desk()
    tasks = {job_id: _sharing(desk, job_id) for job_id in ("a", "b", "c")}
    for job_id in ("a", "b"):
        desk.registry.register(Hello("extractor", job_id, 11), tasks[job_id])
    died = desk.registry.died(tasks["a"].host)
    assert died == [(("extractor", "a", 0), 11), (("extractor", "b", 0), 11)]
    assert desk.registry.died(tasks["a"].host) == []
    again = _sharing(desk, "a")
    assert again.host is tasks["c"].host and desk.registry.place_of(tasks["c"]) == ("extractor", "c", 0)


def test_tasks_of_one_server_come_together_as_far_as_there_is_room() -> None:
    desk = Desk()
    settings: Any = SimpleNamespace(share_processes=3)

    def host(job_id: str, server: str) -> str:
        task = desk.registry.get_or_create(SrcExtractor, SrcExtractor.role, job_id, settings, server=server)
        return str(task.host)

    assert [host(job_id, "one") for job_id in "abcd"] == ["actor 1", "actor 1", "actor 1", "actor 2"]
    assert host("e", "two") == "actor 2", "there is room in no other"
    desk.registry.stop("a")
    desk.registry.stop("b")
    assert host("f", "two") == "actor 2", "though both have room"
    assert host("g", "one") == "actor 1", "the other is full"
