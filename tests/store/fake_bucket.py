"""JetStream's part in a bucket, without a server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

from udup.store.batch import Message, NoBatches


class Bucket:
    """JetStream's answers for a bucket that keeps one value of each key; `meanwhile` runs behind each message."""

    def __init__(self, *, batches: bool, day: int = 1, begins_at: int = 0) -> None:
        self.created = datetime(2026, 1, day, tzinfo=UTC)
        self.day = day
        self.batches = batches
        self.last = begins_at
        self.messages: dict[int, tuple[str, bytes, dict[str, str] | None]] = {}
        self.asked: list[str] = []
        self.meanwhile: list[Callable[[], None]] = []
        self.lose: list[str] = []
        self.gone = False
        self.silent = False  # requests for batches are dropped

    def put(self, key: str, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.messages = {seq: each for seq, each in self.messages.items() if each[0] != key}
        self.last += 1
        self.messages[self.last] = key, data, headers

    def purge(self, key: str) -> None:
        self.put(key, b"", {"KV-Operation": "PURGE"})

    async def stream_info(self, name: str) -> Any:
        assert name == "KV_jobs"
        self.asked.append("info")
        if self.gone:
            raise NotFoundError
        state = SimpleNamespace(last_seq=self.last, messages=len(self.messages))
        return SimpleNamespace(
            config=SimpleNamespace(allow_direct=True),
            created=self.created,
            state=state,
        )

    def _next(self, seq: int) -> int | None:
        return min((each for each in self.messages if each >= seq), default=None)

    async def get_msg(self, name: str, *, seq: int, subject: str, **how: bool) -> Any:
        assert (name, subject, how) == ("KV_jobs", "$KV.jobs.>", {"next": True})
        self.asked.append("single")
        found = self._next(seq)
        if found is None:
            raise NotFoundError
        key, data, headers = self.messages[found]
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return SimpleNamespace(subject=f"$KV.jobs.{key}", seq=found, data=data, headers=headers)

    async def read(self, seq: int) -> list[Message]:
        if self.silent:
            self.asked.append("silence")
            raise NoBatches(silent=True)
        if not self.batches:
            raise NoBatches
        self.asked.append("batch")
        read: list[Message] = []
        while (found := self._next(seq)) is not None:
            key, data, headers = self.messages[found]
            read.append(
                Message(found, f"$KV.jobs.{key}", data, "KV-Operation" in (headers or {}), f"{self.day}-{found}")
            )
            if self.meanwhile:
                self.meanwhile.pop(0)()
            seq = found + 1
        return read

    # ---- For who writes ----

    async def publish(self, subject: str, data: bytes, *, headers: dict[str, str]) -> Any:
        """`lose` says what becomes of the next ones: "before" they are taken, or "after" it."""
        lost = self.lose.pop(0) if self.lose else ""
        if lost == "before":
            raise NatsTimeoutError
        if self.gone:
            raise NoStreamResponseError
        key = subject.removeprefix("$KV.jobs.")
        last = int(headers.get("Nats-Expected-Last-Sequence", self.last))
        if last != self.last or int(headers["Nats-Expected-Last-Subject-Sequence"]) != self.revision(key):
            raise APIError(code=400, err_code=10071, description="wrong last sequence")
        self.put(key, data, headers)
        if lost == "after":
            raise NatsTimeoutError
        return SimpleNamespace(seq=self.last)

    def revision(self, key: str) -> int:
        return max((seq for seq, each in self.messages.items() if each[0] == key), default=0)

    @property
    def values(self) -> dict[str, bytes]:
        """What there is, without the mark."""
        found = {key: data for key, data, headers in self.messages.values() if "KV-Operation" not in (headers or {})}
        return {key: data for key, data in sorted(found.items()) if key != "complete"}

    @property
    def is_complete(self) -> bool:
        """Whether the mark is there."""
        return any(key == "complete" and "KV-Operation" not in (more or {}) for key, _, more in self.messages.values())

    async def get_last_msg(self, name: str, subject: str) -> Any:
        key = subject.removeprefix("$KV.jobs.")
        if self.gone:
            raise NotFoundError(err_code=10059)  # the stream
        if not (seq := self.revision(key)):
            raise NotFoundError(err_code=10037)  # a message
        _, data, headers = self.messages[seq]
        return SimpleNamespace(subject=subject, seq=seq, data=data, headers=headers)

    async def create_key_value(self, config: Any) -> None:
        assert self.gone and config.direct
        self.lost()
        self.gone = False

    def lost(self, *, gone: bool = False) -> None:
        """NATS has lost its files."""
        self.messages, self.last, self.day, self.gone = {}, 0, self.day + 1, gone
        self.created = datetime(2026, 1, self.day, tzinfo=UTC)

    async def update_stream(self, config: Any) -> None:
        assert config.allow_direct
