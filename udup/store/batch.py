"""Many messages of a stream by one request: JetStream's batched direct get (nats-server 2.11 and later, ADR-31).

The answer is one message of NATS for each that is stored, with `Nats-Subject`, `Nats-Sequence` and `Nats-Time-Stamp`,
and one with the status 204 behind the last. Any server that has the stream answers it, also while the stream has no
leader, which a STREAM.MSG.GET needs. The stream has to allow it (`allow_direct`).

A request by `seq` and `next_by_subj` is used and not `multi_last`, which refuses streams of more than 1,024 subjects;
in a bucket that keeps one value of each key both give the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError

#: Messages and bytes of one answer: a client of NATS drops what waits beyond 128 MiB.
BATCH, BATCH_BYTES = 1000, 32 << 20

#: The header by which a key's removal is told from a value.
REMOVED = "KV-Operation"

_SEQUENCE, _SUBJECT, _TIME = "Nats-Sequence", "Nats-Subject", "Nats-Time-Stamp"
_BEFORE, _PENDING, _STATUS = "Nats-Last-Sequence", "Nats-Num-Pending", "Status"

_END, _NOTHING = "204", "404"


class NoBatches(Exception):
    """The server is too old for batches, or the stream does not allow direct gets: it is read in another way.

    `silent`: there was no answer at all, as where NATS is away, or where the account may not ask.
    """

    def __init__(self, text: str = "", *, silent: bool = False) -> None:
        super().__init__(text)
        self.silent = silent


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message; `time` is the server's, `removed` says that it marks a key's removal, `writer` who wrote it."""

    seq: int
    subject: str
    data: bytes
    removed: bool
    time: str = ""
    writer: str = ""


class BatchReader:
    """Reads one stream."""

    def __init__(self, client: Client, stream: str, subject: str, timeout: float) -> None:
        self._client = client
        self._stream = stream
        self._subject = subject
        self._timeout = timeout

    async def read(self, seq: int) -> list[Message]:
        """Return all messages from this sequence number on: one request, more only where it is very much.

        Raises `NoBatches`, or NATS's errors as they are.
        """
        found: list[Message] = []
        while True:
            messages, pending = await self._ask(seq)
            found += messages
            if not pending or not messages:
                return found
            seq = messages[-1].seq + 1

    async def _ask(self, seq: int) -> tuple[list[Message], int]:
        """Return some messages, and how many there are behind them."""
        inbox = self._client.new_inbox()
        answers = await self._client.subscribe(inbox)
        try:
            await self._client.publish(f"$JS.API.DIRECT.GET.{self._stream}", self._question(seq), reply=inbox)
            return await self._gather(answers)
        finally:
            if not self._client.is_closed:
                await answers.unsubscribe()

    def _question(self, seq: int) -> bytes:
        wanted = {"seq": seq, "next_by_subj": self._subject, "batch": BATCH, "max_bytes": BATCH_BYTES}
        return json.dumps(wanted).encode()

    async def _gather(self, answers: Subscription) -> tuple[list[Message], int]:
        found: list[Message] = []
        while True:
            try:
                answer = await answers.next_msg(self._timeout)
            except NatsTimeoutError as error:
                if found:
                    raise
                raise NoBatches(f"stream {self._stream}: no answer", silent=True) from error
            headers: dict[str, Any] = dict(answer.headers or {})
            status = headers.get(_STATUS)
            if status == _NOTHING:
                return [], 0
            if status == _END:
                if int(headers.get(_BEFORE, 0)) != (found[-1].seq if found else 0):
                    raise NatsError(f"a part of stream {self._stream} was lost on its way")
                return found, int(headers.get(_PENDING, 0))
            if status is not None or _PENDING not in headers or not headers.get(_SUBJECT):
                raise NoBatches(f"stream {self._stream}: {status or 'no batch'}")
            if found and int(headers[_BEFORE]) != found[-1].seq:
                raise NatsError(f"a message of stream {self._stream} was lost on its way")
            found.append(
                Message(int(headers[_SEQUENCE]), headers[_SUBJECT], answer.data, REMOVED in headers, headers[_TIME])
            )
