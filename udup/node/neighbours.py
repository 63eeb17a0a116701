"""What this node's API asks of other nodes, and answers them: over NATS, by a loop of its own.

About their processes, and about the servers that they reach (`ends.py`). Nothing of it goes through the supervisors, so
that it also tells of one that is busy.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

import msgspec

from udup.base.errors import UdupError
from udup.cluster.asking import Answer, Ask
from udup.cluster.nats_line import NatsLine
from udup.cluster.ports import StoreAway
from udup.node.ends import NodeAway
from udup.web.ports import ActorInfo, NotReady

#: Seconds for which an answer serves other requests, for it to come, and between two tries to connect.
FRESH_SECONDS, ASK_SECONDS, AGAIN_SECONDS = 0.2, 3.0, 0.5

#: Questions about servers that are answered at a time, each on a thread that waits for them.
PLACES = 8

_ACTORS, _FAILED, _OTHER = "ListActors", "Failed", "it has another version"


class Line(Protocol):
    """What is needed of `NatsLine`."""

    async def serve(self, subject: str, asked: Callable[[bytes, Callable[[bytes], None]], None]) -> None: ...
    async def ask(self, subject: str, data: bytes, seconds: float) -> bytes | None: ...
    async def close(self) -> None: ...


class _Actors(msgspec.Struct):
    actors: list[ActorInfo]


_actors = msgspec.json.Decoder(_Actors).decode


class Answers(Protocol):
    """What this node answers about servers: `kinds` of questions, each on a thread."""

    @property
    def kinds(self) -> Sequence[str]: ...
    def answer(self, kind: str, job: str, body: Mapping[str, Any]) -> dict[str, Any]: ...


class _Known:
    """What one node has said last. One request at a time asks it; the others get the same answer."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.at = float("-inf")
        self.said: list[ActorInfo] | NotReady = []


class Neighbours:
    """`actors` lists this node's; it is called on a thread."""

    def __init__(
        self, url: str, own: str, actors: Callable[[], list[ActorInfo]], answers: Answers | None = None
    ) -> None:
        self._url, self._own, self._actors, self._answers = url, own, actors, answers
        self._pool = ThreadPoolExecutor(PLACES, "answers")
        self._line: Line | None = None
        self._known: defaultdict[str, _Known] = defaultdict(_Known)
        self._answering: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="neighbours", daemon=True).start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop)

    def close(self) -> None:
        if self._line is not None:
            with suppress(Exception):
                asyncio.run_coroutine_threadsafe(self._line.close(), self._loop).result(1)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def ask(self, node: str, kind: str, job: str, body: Mapping[str, Any], seconds: float) -> Any:
        """Return what another node answers a question about servers. `NodeAway` if it has not heard it."""
        ask = Ask(kind=kind, job=job, body=dict(body), sender=self._own)
        asking = asyncio.run_coroutine_threadsafe(self._asked_of(node, ask, seconds), self._loop)
        try:
            answer = asking.result(seconds + ASK_SECONDS)
        except TimeoutError:
            raise NotReady(f"node {node} has not answered") from None
        if answer is None:
            raise NodeAway("it is not there, or not reached")
        if answer.kind != kind:
            raise NodeAway(str(answer.body.get("why") or _OTHER))
        return answer.body

    async def _asked_of(self, node: str, ask: Ask, seconds: float) -> Answer | None:
        try:
            data = None if self._line is None else await self._line.ask(_subject(node), ask.encode(), seconds)
        except StoreAway as error:
            raise NotReady(f"node {node} has not answered within {seconds:.0f} s") from error
        return None if data is None else Answer.decode(data) or Answer(kind=_FAILED)

    def actors_of(self, node: str) -> list[ActorInfo]:
        """Return the actors of another node that live now. `NotReady` if it does not say."""
        known = self._known[node]
        with known.lock:
            if time.monotonic() - known.at >= FRESH_SECONDS:
                try:
                    asking = asyncio.run_coroutine_threadsafe(self._ask(node), self._loop)
                    known.said = asking.result(2 * ASK_SECONDS)
                except NotReady as error:
                    known.said = error
                except TimeoutError:
                    known.said = NotReady(f"node {node} has not answered")
                known.at = time.monotonic()
            if isinstance(known.said, NotReady):
                raise known.said
            return known.said

    async def _ask(self, node: str) -> list[ActorInfo]:
        why = f"node {node} cannot be asked"
        answer = await self._asked_of(node, Ask(kind=_ACTORS, job="", body={}, sender=self._own), ASK_SECONDS)
        if answer is None:
            raise NotReady(f"{why}; see that it runs and is reached")
        if answer.kind != _ACTORS:
            raise NotReady(f"{why}: {answer.body.get('why') or _OTHER}")
        try:
            return _actors(msgspec.json.encode(answer.body)).actors
        except msgspec.MsgspecError as error:
            raise NotReady(f"{why}: {_OTHER}") from error

    # ---- What others ask ----

    async def _open(self) -> None:
        while True:
            try:
                self._line = await self._connected()
                await self._line.serve(_subject(self._own), self._asked)
            except StoreAway:
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    async def _connected(self) -> Line:
        return await NatsLine.open(self._url, "udup neighbours")

    def _asked(self, data: bytes, answer: Callable[[bytes], None]) -> None:
        task = self._loop.create_task(self._answer(Ask.decode(data), answer))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, ask: Ask | None, answer: Callable[[bytes], None]) -> None:
        if ask is not None and self._answers is not None and ask.kind in self._answers.kinds:
            work = self._loop.run_in_executor(self._pool, self._answers.answer, ask.kind, ask.job, ask.body)
            answer(Answer(kind=ask.kind, body=await work).encode())
            return
        if ask is None or ask.kind != _ACTORS:
            answer(Answer(kind=_FAILED, body={"why": _OTHER}).encode())
            return
        try:
            found = await asyncio.to_thread(self._actors)
        except UdupError as error:
            answer(Answer(kind=_FAILED, body={"why": str(error)}).encode())
            return
        answer(Answer(kind=_ACTORS, body={"actors": msgspec.to_builtins(found)}).encode())


def _subject(node: str) -> str:
    return f"udup.node.{node}.look"
