"""What a node asks of another about its actors: bounded, one request at a time, and never something old."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from udup.base.errors import Transient
from udup.cluster.asking import Answer
from udup.cluster.ports import StoreAway
from udup.node import neighbours
from udup.node.neighbours import Line, Neighbours
from udup.web.ports import ActorInfo, NotReady

FOUND = [ActorInfo("applier", "größe", 7, 1, "running", 1.5, 2, 4096), ActorInfo("supervisor", "", 8)]


class Bus:
    """NATS between nodes, each with a loop of its own."""

    def __init__(self) -> None:
        self.served: dict[str, tuple[asyncio.AbstractEventLoop, Callable[[bytes, Callable[[bytes], None]], None]]] = {}
        self.asked = 0
        self.silent = False

    async def serve(self, subject: str, asked: Callable[[bytes, Callable[[bytes], None]], None]) -> None:
        self.served[subject] = asyncio.get_running_loop(), asked

    async def ask(self, subject: str, data: bytes, _seconds: float) -> bytes | None:
        self.asked += 1
        if self.silent:
            raise StoreAway("no answer")
        if subject not in self.served:
            return None
        (theirs, asked), loop = self.served[subject], asyncio.get_running_loop()
        answered: asyncio.Future[bytes] = loop.create_future()
        theirs.call_soon_threadsafe(asked, data, lambda said: loop.call_soon_threadsafe(answered.set_result, said))
        return await answered

    async def close(self) -> None:
        """Nothing is open."""


class Actors:
    """Those of the other node."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails = False
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self) -> list[ActorInfo]:
        self.calls += 1
        assert self.go_on.wait(10)
        if self.fails:
            raise Transient("the supervisor does not answer")
        return FOUND


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def actors() -> Actors:
    return Actors()


@pytest.fixture
def here(bus: Bus, actors: Actors, monkeypatch: pytest.MonkeyPatch) -> Iterator[Neighbours]:
    async def connected(_self: Neighbours) -> Line:
        return bus

    monkeypatch.setattr(Neighbours, "_connected", connected)
    here, there = Neighbours("", "here", list), Neighbours("", "there", actors)
    end = time.monotonic() + 10
    while len(bus.served) < 2:
        assert time.monotonic() < end
        time.sleep(0.001)
    yield here
    here.close()
    there.close()


def test_another_node_tells_its_actors(here: Neighbours, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "FRESH_SECONDS", 60.0)
    assert here.actors_of("there") == here.actors_of("there") == FOUND
    assert bus.asked == 1, "an answer serves others of the same moment"


def test_one_request_at_a_time_asks_a_node(here: Neighbours, bus: Bus, actors: Actors) -> None:
    actors.go_on.clear()
    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(here.actors_of, "there") for _ in range(4)]
        end = time.monotonic() + 10
        while not actors.calls:
            assert time.monotonic() < end
            time.sleep(0.001)
        assert bus.asked == 1
        actors.go_on.set()
        assert [each.result(10) for each in asking] == [FOUND] * 4


@pytest.mark.parametrize("what", ["fails", "silent", "gone", "version"])
def test_what_a_node_does_not_say_is_not_made_up(
    here: Neighbours, bus: Bus, actors: Actors, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(neighbours, "FRESH_SECONDS", 0.0)
    assert here.actors_of("there") == FOUND
    match what:
        case "fails":
            actors.fails, why = True, "the supervisor does not answer"
        case "silent":
            bus.silent, why = True, "has not answered within 3 s"
        case "gone":
            why = "see that it runs"
            del bus.served["udup.node.there.look"]
        case _:
            why = "another version"
            loop, _ = bus.served["udup.node.there.look"]
            bus.served["udup.node.there.look"] = loop, lambda _, answer: answer(Answer(kind="?").encode())
    with pytest.raises(NotReady, match=f"node there .*{why}"):
        here.actors_of("there")
