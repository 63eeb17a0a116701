"""Messages as bytes of the NATS protocol: a unit is one piece, made without a call or a coroutine for each message.

Every message carries the number that the stream must have reached before it (`Nats-Expected-Last-Sequence`). A single
writer knows all of these beforehand, so it need not wait for answers. These fences alone are not enough where several
messages are under way: after a message of somebody else's the next one is refused, and the one behind that has the
number that fits again. So what is under way together is one batch of the server's, which ends at its first message
that is refused, for good: a *fast* batch (ADR-50, nats-server 2.14), of any length and stored as it comes, or an
*atomic* one (2.12), up to 1,000 messages that become visible together. A new one begins when all before it is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from udup.pipeline.ports.delivery import Message

#: Bytes of a position in a header; all headers of a message have 64 KiB. A longer one follows as a message.
POSITION_HEADER_MAX = 32 << 10

#: Bytes that all headers of a message may have.
HEADERS_MAX = 65535

#: Messages of an atomic batch.
ATOMIC_MAX = 1000

#: After how many messages of a fast batch the server answers.
FLOW = 200

POSITION, KEY, OPERATION, ID, CLAIM = "Udup-Position", "Udup-Key", "Udup-Op", "Nats-Msg-Id", "Udup-Claim"

#: The header that keeps a message out of a stream whose last number is another.
FENCE = "Nats-Expected-Last-Sequence"

#: What `Udup-Op` says of a message that is the job's own note and no change.
NOTE = "position"

_START = b"NATS/1.0\r\n"

#: What a subject cannot hold as it is: these, control characters and what is not ASCII. They are percent-encoded; names
#: of schemas and tables come so already.
_UNFIT = frozenset(b" *>\x7f")


class TooLarge(Exception):
    """A message that the server or the stream does not take."""

    def __init__(self, index: int, size: int, limit: int) -> None:
        super().__init__(f"{size} bytes, {limit} are possible")
        self.index, self.size, self.limit = index, size, limit


@dataclass(frozen=True)
class Note:
    """The message that holds a position by itself. `rolls`: it replaces the one before; `keeps`: no age ends it."""

    subject: str
    data: bytes
    rolls: bool
    keeps: bool

    @property
    def headers(self) -> dict[str, str]:
        more = {"Nats-Rollup": "sub"} if self.rolls else {}
        return {OPERATION: NOTE, **more, **({"Nats-TTL": "never"} if self.keeps else {})}


class Subjects:
    """The subject of each topic. Topics outside of the prefix are put below it, so that the stream takes them."""

    def __init__(self, prefix: str, taken: Iterable[str]) -> None:
        self._prefix = prefix
        self._made: dict[str, bytes] = {each: each.encode() for each in taken}

    def __getitem__(self, topic: str) -> bytes:
        found = self._made.get(topic)
        if found is None:
            found = self._made[topic] = self._subject(topic)
        return found

    def _subject(self, topic: str) -> bytes:
        below = topic if topic == self._prefix or topic.startswith(f"{self._prefix}.") else f"{self._prefix}.{topic}"
        return ".".join(_token(each) for each in below.split(".")).encode()


def _token(text: str) -> str:
    if not text:
        return "%"  # no token of a subject is empty
    return "".join(
        f"%{byte:02X}" if byte <= 32 or byte > 126 or byte in _UNFIT else chr(byte) for byte in text.encode()
    )


class Frames:
    """Makes the bytes of units. `limit`: bytes that a message may have with its headers."""

    def __init__(self, subjects: Subjects, inbox: str, limit: int) -> None:
        self._subjects = subjects
        self._inbox = inbox
        self._limit = limit
        self._operations: dict[str, bytes] = {}

    def fast(self, messages: Sequence[Message], position: bytes, sequence: int, batch: str, done: int) -> bytes:
        """Return the next messages of a fast batch, which has `done` messages by now.

        `sequence` is the stream's last number before them, `position` goes with the last one.
        """
        count = len(messages)
        front = f"{self._inbox}.{batch}.{FLOW}.fail".encode()
        replies = [b"%b.%d.1.$FI " % (front, number) for number in range(done + 1, done + count + 1)]
        if not done:
            replies[0] = b"%b.1.0.$FI " % front
        heads = [b"Nats-Expected-Last-Sequence:%d\r\n" % number for number in range(sequence, sequence + count)]
        return self._frames(messages, replies, heads, position)

    def commit(self, subject: str, batch: str, done: int) -> bytes:
        """Return the end of a fast batch, which is no message of the stream's: all before it is answered then."""
        return f"PUB {subject} {self._inbox}.{batch}.{FLOW}.fail.{done + 1}.3.$FI 0\r\n\r\n".encode()

    def atomic(
        self, messages: Sequence[Message], position: bytes, sequence: int, batch: str, note: Note | None = None
    ) -> bytes:
        """Return messages that are stored all or none, with a position's own message behind them if there is one."""
        count, name = len(messages) + (note is not None), batch.encode()
        heads = [b"Nats-Batch-Id:%b\r\nNats-Batch-Sequence:%d\r\n" % (name, n + 1) for n in range(count)]
        if count == 1:
            heads = [b""]
        else:
            heads[-1] += b"Nats-Batch-Commit:1\r\n"
        heads[0] += b"Nats-Expected-Last-Sequence:%d\r\n" % sequence
        replies = [b""] * count
        replies[-1] = f"{self._inbox}.{batch} ".encode()
        own = len(messages)
        data = self._frames(messages, replies[:own], heads[:own], position)
        return data if note is None else data + self._note(note, heads[-1], replies[-1])

    def note(self, note: Note, sequence: int, batch: str) -> bytes:
        """Return a position's own message."""
        return self._note(note, b"Nats-Expected-Last-Sequence:%d\r\n" % sequence, f"{self._inbox}.{batch} ".encode())

    def _note(self, note: Note, more: bytes, reply: bytes) -> bytes:
        said = "".join(f"{name}:{value}\r\n" for name, value in note.headers.items()).encode()
        head = b"%b%b%b\r\n" % (_START, said, more)
        whole = len(head) + len(note.data)
        if whole > self._limit:
            raise TooLarge(0, whole, self._limit)
        return b"HPUB %b %b%d %d\r\n%b%b\r\n" % (note.subject.encode(), reply, len(head), whole, head, note.data)

    def _frames(
        self, messages: Sequence[Message], replies: Sequence[bytes], heads: Sequence[bytes], position: bytes
    ) -> bytes:
        subjects, operations, limit = self._subjects, self._operations, self._limit
        tail = b"Udup-Position:%b\r\n" % position if position else b""
        last = len(messages) - 1
        out: list[bytes] = []
        for index, (message, reply, head) in enumerate(zip(messages, replies, heads, strict=True)):
            name, key, value, more = message.id, message.key, message.value, message.headers
            own = operations.get(message.operation)
            if own is None:
                own = self._operation(message.operation)
            if not name.isprintable():
                name = header_id(name)
            text = b"%bNats-Msg-Id:%b\r\n%b%b" % (_START, name.encode(), head, own)
            if key is not None:
                text += b"Udup-Key:%b\r\n" % key
            if more:
                text += b"".join([b"%b:%b\r\n" % (each.encode(), _line(said)) for each, said in more])
            text += tail + b"\r\n" if index == last else b"\r\n"
            body = b"" if value is None else value
            size = len(text)
            whole = size + len(body)
            if whole > limit or size > HEADERS_MAX:
                raise TooLarge(index, whole, limit) if whole > limit else TooLarge(index, size, HEADERS_MAX)
            out += (b"HPUB %b %b%d %d\r\n" % (subjects[message.topic], reply, size, whole), text, body, b"\r\n")
        return b"".join(out)

    def _operation(self, operation: str) -> bytes:
        made = self._operations[operation] = f"{OPERATION}:{operation}\r\n".encode() if operation else b""
        return made


def position_header(position: str) -> bytes:
    """Return a position as a header has it; empty if it does not fit there."""
    data = position.encode()
    return data if len(data) <= POSITION_HEADER_MAX and position.isprintable() else b""


def note_data(
    position: str | None,
    ids: Sequence[str],
    job: str,
    owner: str,
    run: int,
    times: Mapping[str, int] | None = None,
    number: int = 0,
) -> bytes:
    """Return what a position's own message says: it may have the IDs of what was stored behind the position."""
    said: dict[str, Any] = {"job": job, "owner": owner, "run": run, "position": position, "ids": list(ids)}
    if number:
        said["number"] = number
    if times:
        said["times"] = dict(times)
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()


def header_id(text: str) -> str:
    """Return an ID as a header has it: what is no character to be seen is percent-encoded."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "".join(f"%{byte:02X}" for byte in each.encode()) for each in text)


def _line(value: bytes) -> bytes:
    """Return a header's value without line breaks, which JSON has none of."""
    return value.replace(b"\r", b" ").replace(b"\n", b" ")
