"""Answers to one request for many messages, as servers give them, and as old or forbidden ones do not."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError

from udup.store.batch import BatchReader, NoBatches


class Server:
    """Gives these answers to each request, each one message: headers and data; then silence."""

    is_closed = False

    def __init__(self, *answers: tuple[dict[str, str], bytes]) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []
        self.open = 0
        self._left: list[tuple[dict[str, str], bytes]] = []

    def new_inbox(self) -> str:
        return "_INBOX.x"

    async def subscribe(self, inbox: str) -> Server:
        self.open += 1
        return self

    async def unsubscribe(self) -> None:
        self.open -= 1

    async def publish(self, subject: str, data: bytes, *, reply: str) -> None:
        assert (subject, reply) == ("$JS.API.DIRECT.GET.KV_jobs", "_INBOX.x")
        self.asked.append(json.loads(data))
        self._left = list(self.answers)

    async def next_msg(self, _timeout: float) -> Any:
        if not self._left:
            raise NatsTimeoutError
        headers, data = self._left.pop(0)
        return SimpleNamespace(headers=headers, data=data)

    def reader(self) -> BatchReader:
        return BatchReader(cast("Client", self), "KV_jobs", "$KV.jobs.>", 1.0)


def _stored(seq: int, before: int, **more: str) -> tuple[dict[str, str], bytes]:
    headers = {"Nats-Subject": f"$KV.jobs.k{seq}", "Nats-Sequence": str(seq), "Nats-Time-Stamp": f"t{seq}"}
    return {**headers, "Nats-Num-Pending": "1", "Nats-Last-Sequence": str(before), **more}, b"%d" % seq


def _end(last: int, pending: int = 0) -> tuple[dict[str, str], bytes]:
    return {"Status": "204", "Nats-Num-Pending": str(pending), "Nats-Last-Sequence": str(last)}, b""


def _read(server: Server, seq: int = 1) -> list[tuple[int, str, bytes, bool]]:
    found = asyncio.run(server.reader().read(seq))
    assert server.open == 0, "subscriptions are left"
    return [(each.seq, each.subject, each.data, each.removed) for each in found]


def test_all_of_an_answer_is_read_with_what_was_removed() -> None:
    removed = _stored(5, 2, **{"KV-Operation": "PURGE"})
    server = Server(_stored(2, 0), removed, _end(5))
    assert _read(server) == [(2, "$KV.jobs.k2", b"2", False), (5, "$KV.jobs.k5", b"5", True)]
    assert [each["seq"] for each in server.asked] == [1] and server.asked[0]["next_by_subj"] == "$KV.jobs.>"


def test_nothing_new_is_nothing() -> None:
    assert _read(Server(({"Status": "404", "Description": "Message Not Found"}, b"")), 9) == []


@pytest.mark.parametrize(
    "answers",
    [
        [_stored(2, 0), _stored(4, 3), _end(4)],
        [_stored(2, 0), _end(3)],
        [_end(3)],
    ],
)
def test_a_message_that_was_lost_on_its_way_is_noticed(answers: list[tuple[dict[str, str], bytes]]) -> None:
    with pytest.raises(NatsError, match="was lost on its way"):
        _read(Server(*answers))


@pytest.mark.parametrize(
    "answer",
    [
        ({"Status": "503", "Nats-Subject": "$JS.API.DIRECT.GET.KV_jobs"}, b""),
        ({"Nats-Subject": "$KV.jobs.a", "Nats-Sequence": "1", "Nats-Time-Stamp": "t"}, b"of a server before 2.11"),
        ({"Status": "408", "Description": "Bad Request"}, b""),
    ],
)
def test_a_server_without_batches_is_told_by_its_first_answer(answer: tuple[dict[str, str], bytes]) -> None:
    with pytest.raises(NoBatches):
        _read(Server(answer))


def test_no_answer_at_all_is_told_apart() -> None:
    with pytest.raises(NoBatches) as caught:
        _read(Server())
    assert caught.value.silent


def test_an_answer_that_stops_in_its_middle_is_no_answer() -> None:
    with pytest.raises(NatsTimeoutError):
        _read(Server(_stored(2, 0)))
