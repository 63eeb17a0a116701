"""An answer that cannot be dealt with ends the run, and one that ends a batch alone lets the run begin again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from udup.base.errors import Refused, Transient, UdupError, Unavailable
from udup.drivers.messages.nats.answers import Answers
from udup.drivers.messages.nats.connection import BROKEN_BATCH, NO_MESSAGE, WRONG_SEQUENCE, ApiError, Connection
from udup.drivers.messages.nats.place import Writer


class _Server:
    """Answers what the API is asked, as a `Connection` of the delivery's."""

    def __init__(self, **answers: object) -> None:
        self.client = SimpleNamespace(new_inbox=lambda: "_INBOX.a")
        self.where, self._answers = "the stream S", {key.replace("_", "."): each for key, each in answers.items()}
        self.check = lambda: None

    async def ask(self, what: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = self._answers[what.rpartition(".")[0]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    message, last_of, _message = Connection.message, Connection.last_of, Connection._message


_ME = Writer("job-1", "node-1", 1)
_EMPTY = {"created": "", "config": {"name": "S"}, "state": {"messages": 7, "bytes": 1, "first_seq": 1, "last_seq": 7}}


def _raised(server: Any, answer: bytes) -> UdupError:
    """Return what is raised by whoever waits when the stream has answered so."""
    sink: Any = SimpleNamespace(where="the stream S", stream="S", position_subject="p")

    async def main() -> UdupError:
        answers = Answers(server, sink, _ME, lambda number: None)
        answers.begin()
        message: Any = SimpleNamespace(subject=f"_INBOX.a.{answers.batch}", data=answer, headers=None)
        await answers._on_answer(message)
        with pytest.raises(UdupError) as raised:
            await answers.check()
        return raised.value

    return asyncio.run(main())


def _refusal(code: int) -> bytes:
    return b'{"error": {"err_code": %d, "description": "no"}}' % code


def test_an_answer_that_nobody_understands_is_raised_by_whoever_waits() -> None:
    assert "an answer of the stream S: DecodeError" in str(_raised(_Server(), b"{"))


@pytest.mark.parametrize("code", sorted(BROKEN_BATCH | WRONG_SEQUENCE))
def test_a_batch_that_the_server_has_ended_is_begun_again(code: int) -> None:
    server = _Server(STREAM_INFO=_EMPTY, STREAM_MSG_GET=ApiError(NO_MESSAGE, "no message found"))
    error = _raised(server, _refusal(code))
    assert isinstance(error, Transient) and "begins again behind its 7" in str(error)


@pytest.mark.parametrize("code", [10210, 10211, 10167, 10077])
def test_a_server_that_has_no_room_now_is_waited_for(code: int) -> None:
    assert isinstance(_raised(_Server(), _refusal(code)), Unavailable)


@pytest.mark.parametrize(("code", "kind"), [(10008, Unavailable), (10099, Refused)])
def test_a_server_that_does_not_tell_who_has_the_stream_is_named(code: int, kind: type[UdupError]) -> None:
    error = _raised(_Server(STREAM_INFO=_EMPTY, STREAM_MSG_GET=ApiError(code, "not now")), _refusal(10071))
    assert isinstance(error, kind) and "cannot read a message of the stream S" in str(error)
