"""One stream of server-sent events: rounds of news, with a sign of life every five seconds.

The client's own reading sets the pace. A round is made when what was sent before has left this process, so a slow
client costs no memory: it is told the state less often. One that takes nothing for half a minute is let go.

The last event of a round has the `id` from which a reconnect goes on, EPOCH-ORDER: whoever has it has all before it. A
`j` at its end says that this is so of the list of jobs too.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from udup.base import logs
from udup.base.errors import UdupError
from udup.web.live.briefs import as_json
from udup.web.live.following import Following
from udup.web.live.topics import Event, JobsTopic, Round, Topic

_LOG = logs.logger("live")

#: Streams at a time.
STREAMS = 16

#: What a request has in its environment: what says how many bytes wait to be sent to its client.
UNSENT = "udup.unsent"

#: Seconds between signs of life, and between looks whether the client is still there.
HEARTBEAT_S, ROUND_S = 5.0, 0.5

#: Bytes that may wait for the client when a round is made, and seconds for which they may wait.
UNSENT_MAX, STUCK_S = 64 << 10, 30.0

_HEARTBEAT = b": hb\n\n"

_LAST = re.compile(r"([0-9a-f]+)-([0-9]{1,18})(j?)")


@dataclass(frozen=True)
class Client:
    """Who reads: `unsent` bytes wait for it; `is_gone`: it has hung up, or the server ends.

    `stays` is false where the server cannot tell that a client has hung up: then a stream has one round.
    """

    unsent: Callable[[], int]
    is_gone: Callable[[], bool]
    stays: bool = True


@dataclass(frozen=True)
class Place:
    """Up to where a client has seen what this process tells; `jobs`: of the list too."""

    order: int
    jobs: bool


def place_of(last_event_id: str, epoch: str) -> Place | None:
    """Return where a client goes on by the id that came last; None if that is of another process."""
    match = _LAST.fullmatch(last_event_id.strip())
    return Place(int(match[2]), bool(match[3])) if match is not None and match[1] == epoch else None


class Stream:
    """What the server iterates; `close` in any case, begun or not, gives back what the stream holds."""

    def __init__(
        self,
        following: Following,
        client: Client,
        hello: list[Event],
        topics: list[Topic],
        told: int | None,
        held: ExitStack,
    ) -> None:
        """Begin with `hello`. `told`: the client knows all up to there, None for nothing; `held` is given back."""
        self._following, self._client, self._topics, self._told = following, client, topics, told
        self._held = held
        self._failing: dict[Topic, str] = {}
        self._tells_jobs = any(isinstance(topic, JobsTopic) for topic in topics)
        self._chunks = self._rounds(hello)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        self._held.close()

    def _rounds(self, hello: list[Event]) -> Iterator[bytes]:
        yield b"".join(_event(*each) for each in hello)
        said_at, taken_at, problem = time.monotonic(), time.monotonic(), ""
        while not self._client.is_gone():
            now = time.monotonic()
            if self._client.unsent() > UNSENT_MAX:
                if now - taken_at > STUCK_S:
                    return
                time.sleep(ROUND_S)
                continue
            taken_at = now
            chunk = b""
            if self._following.problem != problem:
                problem = self._following.problem
                chunk = _event("error", as_json({"Topic": "", "Text": problem}))
            if self._following.has_looked:
                chunk += self._round(now)
            if now - said_at >= HEARTBEAT_S:
                chunk, said_at = chunk + _HEARTBEAT, now
            if chunk:
                yield chunk
            if not self._client.stays and (self._following.has_looked or problem):
                return
            self._following.wait(ROUND_S)

    def _round(self, now: float) -> bytes:
        if self._told is None:
            self._told = self._following.order
        moment = self._following.since(self._told)
        asked = Round(now, self._told, moment)
        events = [event for topic in self._topics for event in self._news(topic, asked)]
        self._told = moment.order
        if not events:
            return b""
        *first, last = events
        last_id = f"{self._following.epoch}-{self._told}{'j' if self._tells_jobs else ''}"
        return b"".join((*(_event(*each) for each in first), _event(*last, last_id)))

    def _news(self, topic: Topic, asked: Round) -> list[Event]:
        """Return what is new of a topic. One that fails is told once, and ends no other."""
        try:
            found, why = list(topic.news(asked)), ""
        except UdupError as error:
            found, why = [], str(error)
        except Exception as error:  # noqa: BLE001 - the client is told
            _LOG.error("topic_failed", topic=str(topic.asked), exc_info=error)
            found, why = [], f"{type(error).__name__}: {error}"
        if (why or found) and why != self._failing.get(topic, ""):
            self._failing[topic] = why
            found.insert(0, ("error", as_json({"Topic": str(topic.asked), "Text": why})))
        return found


def _event(name: str, data: str, event_id: str = "") -> bytes:
    """Return an event as it is sent. JSON has no line's end in it, so `data` is one line."""
    id_line = f"id: {event_id}\n" if event_id else ""
    return f"event: {name}\n{id_line}data: {data}\n\n".encode("utf-8", "backslashreplace")
