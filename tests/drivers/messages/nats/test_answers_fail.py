"""An answer that cannot be dealt with ends the run: the client library would only log it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from udup.base.errors import UdupError
from udup.drivers.messages.nats.answers import Answers


def test_an_answer_that_nobody_understands_is_raised_by_whoever_waits() -> None:
    connection: Any = SimpleNamespace(client=SimpleNamespace(new_inbox=lambda: "_INBOX.a"), check=lambda: None)
    sink: Any = SimpleNamespace(where="the stream S")

    async def main() -> None:
        answers = Answers(connection, sink, Any, lambda number: None)  # type: ignore[arg-type]
        answers.begin()
        message: Any = SimpleNamespace(subject=f"_INBOX.a.{answers.batch}", data=b"{", headers=None)
        await answers._on_answer(message)
        with pytest.raises(UdupError, match="an answer of the stream S: DecodeError"):
            await answers.check()

    asyncio.run(main())
