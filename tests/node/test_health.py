"""nats-server is started again for its own faults alone, and who only shows how the node is waits for nobody."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nats.js.api import RawStreamMsg
from nats.js.kv import KeyValue

from tests.frozen import frozen
from udup.actors.messages import Ailments
from udup.node import health
from udup.node.health import Health
from udup.node.nats_server import NatsServer
from udup.node.reads import Reads
from udup.store.sealing import load_keyring

DEADLINE = 10.0


class Node:
    """A node in the place of a real one: what its store and its supervisor say, and how often NATS was begun again."""

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        self.trouble: str = ""
        self.answer: object = Ailments(())
        self.asked = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.let_go.set()
        self.restarts = 0
        self.own_trouble = ""
        self.health = Health("nats://127.0.0.1:1", folder, self._ask, self._restart, shared=shared)

    def _ask(self, _message: object, _seconds: float) -> object:
        self.asked.release()
        self.let_go.wait(DEADLINE)
        return self.answer

    def _restart(self) -> None:
        self.restarts += 1

    def looks(self, times: int) -> None:
        for _ in range(times):
            assert self.asked.acquire(timeout=DEADLINE)


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Node]:
    for name in ("WATCH_SECONDS", "TROUBLE_SECONDS", "RESTART_SECONDS"):
        monkeypatch.setattr(health, name, 0.01)
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    made: list[Node] = []
    monkeypatch.setattr(Health, "_trouble", lambda _self: made[0].trouble if made else "")
    monkeypatch.setattr(Health, "_server_trouble", lambda _self: made[0].own_trouble if made else "")
    made.append(Node(tmp_path, shared=getattr(request, "param", False)))
    yield made[0]
    made[0].let_go.set()
    made[0].health.close()


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_write_that_waits_for_another_reason_does_not_have_nats_started_again(node: Node) -> None:
    """No StoreKeeper can be made, it is frozen, a record is too large: NATS itself has just been written and read."""
    node.answer = Ailments(("7 writes wait to be stored, the first for 99 s",))
    node.looks(20)
    assert node.restarts == 0
    assert node.health.problems() == ["7 writes wait to be stored, the first for 99 s"], "it is told all the same"


def test_nats_is_started_again_when_the_store_keeper_says_that_it_takes_no_writes(node: Node) -> None:
    node.answer = Ailments(("a write waits",), refused_s=9.0)
    _until(lambda: node.restarts > 0)


def test_nats_is_started_again_when_it_does_not_take_what_is_tried(node: Node) -> None:
    node.trouble = "no responders"
    _until(lambda: node.restarts > 0)


@pytest.mark.parametrize("node", [True], indirect=True)
def test_what_a_store_of_several_nodes_does_not_take_is_no_fault_of_this_ones_nats_server(node: Node) -> None:
    """An agent without its managers, or managers that are too few: the jobs that run here would be cut off."""
    node.trouble, node.answer = "no responders", Ailments(("a write waits",), refused_s=99.0)
    node.looks(20)
    assert node.restarts == 0
    node.own_trouble = "it answers nobody"
    _until(lambda: node.restarts > 0)


def test_a_server_that_answers_nobody_is_out_of_order(server_folder: Path, tmp_path: Path) -> None:
    server = NatsServer(Path(tempfile.mkdtemp(prefix="own-nats-", dir=server_folder)), 0)
    server.start()
    looks = Health(server.url, tmp_path, lambda _message, _seconds: Ailments(()), None, shared=True)
    try:
        assert looks._server_trouble() == ""
        with frozen(server.pid):
            assert "does not answer" in looks._server_trouble()
        _until(lambda: looks._server_trouble() == "")
    finally:
        looks.close()
        server.stop()


def test_what_was_found_last_is_told_while_a_look_takes_its_time(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.trouble = "no answer"
    _until(lambda: node.health.last_problems() == ["no answer"])
    node.let_go.clear()
    node.looks(1)
    reads = Reads("nats://127.0.0.1:1", load_keyring(Path(), "a" * 43 + "="))
    reads.health = node.health
    assert reads.last_problems() == ["no answer"]
    assert not node.let_go.is_set(), "the look that takes its time was waited for"
    reads.close()


def test_a_nats_server_that_hung_for_longer_than_a_look_is_used_again(server_folder: Path, tmp_path: Path) -> None:
    """An answer that comes when nobody waits for it any more must not end the client's reading."""
    server = NatsServer(Path(tempfile.mkdtemp(prefix="hung-nats-", dir=server_folder)), 0)
    server.start()
    looks = Health(server.url, tmp_path, lambda _message, _seconds: Ailments(()), None)
    try:
        _until(lambda: not looks.problems())
        with frozen(server.pid):
            time.sleep(health.FRESH_SECONDS)
            assert "takes no writes" in looks.problems()[0]
        _until(lambda: not looks.problems())
    finally:
        looks.close()
        server.stop()


class _BehindOne:
    """A bucket of several managers: whoever is asked for a value may be behind the one that has taken it."""

    is_closed = False

    def jetstream(self, **_options: object) -> _BehindOne:
        return self

    async def key_value(self, _name: str) -> _BehindOne:
        return self

    async def put(self, _key: str, _data: bytes) -> int:
        return 7

    async def get(self, _key: str) -> KeyValue.Entry:
        return KeyValue.Entry(health.BUCKET, "written", b"", 6, None, None, None)

    async def get_last_msg(self, _stream: str, _subject: str, direct: bool) -> RawStreamMsg:
        return RawStreamMsg(seq=6 if direct else 7)

    async def close(self) -> None:
        """Nothing to close."""


def test_a_manager_that_is_behind_the_others_is_no_fault_of_the_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def connected(_self: Health) -> _BehindOne:
        return _BehindOne()

    monkeypatch.setattr(Health, "_connected", connected)
    looks = Health("nats://127.0.0.1:1", tmp_path, lambda _message, _seconds: Ailments(()), None)
    try:
        assert looks.problems() == []
    finally:
        looks.close()


def test_a_look_that_comes_when_the_server_stops_waits_for_nothing(tmp_path: Path) -> None:
    looks = Health("nats://127.0.0.1:1", tmp_path, lambda _message, _seconds: Ailments(()), None)
    looks.close()
    assert any("the server stops" in each for each in looks.problems())
