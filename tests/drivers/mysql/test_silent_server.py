"""A server that lets one in and then says nothing: questions that need no time have an end, and do not gather there."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.fake_mysql import Conversation, FakeServer, decent, error, serving
from udup.base.endpoint import Endpoint
from udup.base.errors import Unavailable
from udup.drivers.mysql import source
from udup.drivers.mysql.apply import checkpoint_reading, wait_look
from udup.drivers.mysql.apply.checkpoint_reading import read_executed
from udup.drivers.mysql.apply.wait_look import look_at_waits
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.session_setup import differing
from udup.drivers.mysql.source import MySQLSource


def _silent_to(word: bytes) -> FakeServer:
    def answer(conversation: Conversation, command: bytes) -> None:
        if word in command:
            conversation.drain()
        else:
            decent(conversation, command)

    return FakeServer(serving(answer))


@pytest.mark.parametrize(
    ("word", "ask"),
    [
        (b"@@global.gtid_executed", lambda endpoint: MySQLSource(endpoint).executed()),
        (b"udup.checkpoint", lambda endpoint: read_executed(endpoint, "j")),
    ],
)
def test_what_was_executed_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch, word: bytes, ask: Callable[[Endpoint], object]
) -> None:
    monkeypatch.setattr(source, "CLOCK_SECONDS", 0.3)
    monkeypatch.setattr(checkpoint_reading, "ANSWER_SECONDS", 0.3)
    with _silent_to(word) as server:
        begun = time.monotonic()
        with pytest.raises(Unavailable, match=r"not complete within 0\.3 s"):
            ask(server.endpoint())
        assert time.monotonic() - begun < 15, "the limits of the opening, and of the answer"


def test_a_question_for_waits_ends_on_the_server_before_nobody_waits_for_it_any_more() -> None:
    settings = wait_look._SESSION.settings
    assert 0 < int(settings["max_execution_time"] or 0) < wait_look._ASK_SECONDS * 1000
    changes = differing(settings, {"max_execution_time": "0"})
    assert changes == [("max_execution_time", settings["max_execution_time"])]


def test_a_question_for_waits_that_the_server_has_ended_is_no_lack_of_a_privilege() -> None:
    for code, is_raised in ((3024, True), (1142, False)):

        def answer(conversation: Conversation, command: bytes, code: int = code) -> None:
            if b"data_lock_waits" in command:
                conversation.send(error("no", code))
            else:
                decent(conversation, command)

        with FakeServer(serving(answer)) as server, connect(server.endpoint()) as connection:
            if is_raised:
                with pytest.raises(Exception, match="3024"):
                    wait_look._read(connection, "SELECT * FROM data_lock_waits")
            else:
                assert wait_look._read(connection, "SELECT * FROM data_lock_waits") is None
    with _silent_to(b"IS_USED_LOCK") as server:
        assert look_at_waits(server.endpoint(), "j") == ()
