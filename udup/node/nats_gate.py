"""Consumers are created, looked at and deleted through here: what NATS cannot be told to refuse, this refuses.

The account of each user imports these calls from subjects that hold its name (`nats_config.py`), so who asks and for
which stream is known. What is added to NATS's own rules:

* A push consumer delivers to subjects of its user alone: NATS would deliver to any subject of the account that holds
  the streams. The subject gets the user's own beginning here, which the user's account imports, and loses it again in
  answers.
* A consumer belongs to who created it, as its metadata say. Nobody else can change, see or delete it. (Whoever has the
  same stream and knows its name can fetch from it, which NATS does by itself.)
* A list of streams holds those of the user.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from udup.base import logs
from udup.base.errors import Transient
from udup.node.nats_config import CREATE, CREATE_DURABLE, DELETE, DELIVER, INFO, NAMES, ask_subject
from udup.pipeline.transport.address import connect_options
from udup.store.nats_users import NatsUser

#: Seconds for NATS to answer a call.
ASK_SECONDS = 5.0

#: Calls that are under way at a time, of all users.
CALLS = 32

#: The key of a consumer's metadata that says whose it is.
OWNER = "udup_user"

_LOST = (NatsError, OSError, TimeoutError)

_T = TypeVar("_T")
_Json = dict[str, Any]

#: A key of a consumer's configuration as NATS writes it. NATS reads keys in upper case as well: those could say what
#: is looked for under the lower case here.
_KEY = re.compile(r"[a-z_]{1,64}")

_FORBIDDEN, _NOT_FOUND, _BAD, _AWAY = 403, 404, 400, 503


class _Refusal(Exception):
    """What a call is answered instead."""

    def __init__(self, code: int, text: str, number: int = 0) -> None:
        super().__init__(text)
        self.answer = {"error": {"code": code, "err_code": number, "description": text}}


class ConsumerGate:
    """Answers from a thread of its own, until it is closed; a server that is away is waited for."""

    def __init__(self, url: str, users: Callable[[], Sequence[NatsUser]], node: str = "") -> None:
        """`node` tells this gate from those of other nodes, whose users are others."""
        self._url, self._users, self._ask = url, users, ask_subject(node)
        self._log = logs.logger("nats_gate")
        self._client: nats.NATS | None = None
        self._calls: asyncio.Semaphore
        self._under_way: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nats gate", daemon=True)
        self._thread.start()

    def open(self) -> None:
        """Return when calls are answered; `Transient` if NATS does not answer."""
        self._run(self._open())

    def close(self) -> None:
        with suppress(Transient):
            self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ASK_SECONDS)

    def missing(self, streams: Collection[str]) -> set[str]:
        """Return which of these streams are not there; `Transient` if NATS does not answer."""
        return self._run(self._missing(streams))

    def _run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, 2 * ASK_SECONDS), self._loop)
        try:
            return future.result(3 * ASK_SECONDS)
        except _LOST as error:
            raise Transient(f"the node's NATS server does not answer: {error or type(error).__name__}") from error

    async def _open(self) -> None:
        async def quiet(_error: Exception) -> None:
            """Each call tells its own errors."""

        self._calls = asyncio.Semaphore(CALLS)
        server, options = connect_options(self._url)
        self._client = await nats.connect(
            server,
            name="udup consumers",
            connect_timeout=2,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,
            error_cb=quiet,
            **options,
        )
        await self._client.subscribe(f"{self._ask}.>", cb=self._take)
        await self._client.flush()

    async def _close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _missing(self, streams: Collection[str]) -> set[str]:
        found = await asyncio.gather(*(self._call(f"STREAM.INFO.{each}") for each in streams))
        return {each for each, answer in zip(streams, found, strict=True) if "error" in answer}

    # ---- Calls ----

    async def _take(self, message: Msg) -> None:
        """Begin to answer; the next call need not wait for that, unless there are many."""
        await self._calls.acquire()
        task = self._loop.create_task(self._answer(message))
        self._under_way.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._calls.release()

    async def _answer(self, message: Msg) -> None:
        try:
            answer = await self._answered(message.subject, message.data)
        except _Refusal as refusal:
            answer = refusal.answer
        except _LOST as error:
            answer = _Refusal(_AWAY, f"JetStream does not answer Udup: {error or type(error).__name__}").answer
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            self._log.error("consumer_call_failed", subject=message.subject, exc_info=error)
            answer = _Refusal(500, "an error in Udup itself; the server's log tells more").answer
        if message.reply:
            with suppress(*_LOST):
                await message.respond(json.dumps(answer).encode())

    async def _answered(self, subject: str, data: bytes) -> _Json:
        token, what, *rest = subject.removeprefix(f"{self._ask}.").split(".")
        user = next((each for each in self._users() if each.token == token), None)
        if user is None or (what != NAMES and (not rest or rest[0] not in user.streams)):
            raise _Refusal(_FORBIDDEN, "this user has no such stream")
        match what:
            case "NAMES":
                return await self._names(user, data)
            case "CREATE" | "DURABLE":
                return await self._create(user, what, rest, data)
            case "INFO" | "DELETE":
                return await self._look_or_delete(user, what, rest)
        raise _Refusal(_BAD, "this call is not known")

    async def _names(self, user: NatsUser, data: bytes) -> _Json:
        answer = await self._call("STREAM.NAMES", data)
        if "error" not in answer:
            names = [each for each in answer.get("streams") or () if each in user.streams]
            answer = {**answer, "streams": names, "total": len(names), "offset": 0}
        return answer

    async def _create(self, user: NatsUser, what: str, path: list[str], data: bytes) -> _Json:
        request = _read(data)
        config = request["config"]
        names = {*path[1:2], *(str(config[key]) for key in ("name", "durable_name") if config.get(key))}
        for name in names:
            if not await self._is_there(user, path[0], name):
                request.setdefault("action", "create")
        if subject := config.get("deliver_subject"):
            config["deliver_subject"] = f"{_beginning(user)}{subject}"
        config["metadata"] = {**(config.get("metadata") or {}), OWNER: user.name}
        call = {CREATE: "CONSUMER.CREATE", CREATE_DURABLE: "CONSUMER.DURABLE.CREATE"}[what]
        return _shown(user, await self._call(".".join([call, *path]), json.dumps(request).encode()))

    async def _look_or_delete(self, user: NatsUser, what: str, path: list[str]) -> _Json:
        if len(path) != 2 or not await self._is_there(user, *path):
            raise _Refusal(_NOT_FOUND, "consumer not found", 10014)
        call = {INFO: "CONSUMER.INFO", DELETE: "CONSUMER.DELETE"}[what]
        return _shown(user, await self._call(".".join([call, *path])))

    async def _is_there(self, user: NatsUser, stream: str, name: str) -> bool:
        """Return whether this user has such a consumer; a refusal if another one has it."""
        if not name or re.search(r"[\s.*>/\\]", name):
            raise _Refusal(_BAD, "a consumer's name has no spaces, dots, slashes or wildcards")
        answer = await self._call(f"CONSUMER.INFO.{stream}.{name}")
        if (error := answer.get("error")) is not None:
            if error.get("code") == _NOT_FOUND:
                return False
            raise _Refusal(error.get("code", 500), str(error.get("description")), error.get("err_code", 0))
        metadata = answer["config"].get("metadata") or {}
        if metadata.get(OWNER) != user.name:
            raise _Refusal(_FORBIDDEN, f"the consumer {name} of stream {stream} is another user's; take another name")
        return True

    async def _call(self, call: str, data: bytes = b"") -> _Json:
        if self._client is None:
            raise ConnectionError("not connected yet")
        answer = await self._client.request(f"$JS.API.{call}", data, timeout=ASK_SECONDS)
        value: _Json = json.loads(answer.data)
        return value


def _read(data: bytes) -> _Json:
    """Return a request to create a consumer, in which every key is one that NATS reads in this spelling alone."""
    try:
        request: Any = json.loads(data)
    except ValueError as error:
        raise _Refusal(_BAD, f"the request is not JSON: {error}") from error
    config = request.get("config") if isinstance(request, dict) else None
    if not isinstance(config, dict) or not isinstance(config.get("metadata") or {}, dict):
        raise _Refusal(_BAD, "the request holds no configuration of a consumer")
    for key in (*request, *config):
        if not _KEY.fullmatch(key):
            raise _Refusal(_BAD, f"{key!r} is no key of a consumer's configuration")
    return {**request}


def _beginning(user: NatsUser) -> str:
    return f"{DELIVER}.{user.token}."


def _shown(user: NatsUser, answer: _Json) -> _Json:
    """Return NATS's answer with the subject to which a push consumer delivers as its user knows it."""
    config = answer.get("config")
    if isinstance(config, dict) and (subject := config.get("deliver_subject")):
        return {**answer, "config": {**config, "deliver_subject": subject.removeprefix(_beginning(user))}}
    return answer
