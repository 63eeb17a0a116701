"""What a validation says of the way to a server."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from tests.fake_mysql import EOF, Conversation, FakeServer, column, decent, on, rows, serving, text
from udup.base.endpoint import Endpoint
from udup.base.tls import SslMode, Tls
from udup.drivers.mysql.checks import looking
from udup.drivers.mysql.checks import validate as validation
from udup.drivers.mysql.client import connection
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.privileges import Privileges
from udup.drivers.mysql.client.transport import transport_check
from udup.pipeline.checks import SRC, Outcome

FACTS = ServerFacts("h:1", "'u'@'%'", (8, 4, 0), "8.4.0", False, {}, Privileges(()), {}, frozenset())


@pytest.mark.parametrize(
    ("host", "mode", "encrypted", "verified", "outcome", "told"),
    [
        ("db.example", SslMode.VERIFY_CA, True, True, Outcome.PASS, "certificate verified"),
        ("127.0.0.1", SslMode.PREFERRED, False, False, Outcome.PASS, "on loopback"),
        ("localhost", SslMode.REQUIRED, True, False, Outcome.PASS, "on loopback"),
        ("db.example", SslMode.PREFERRED, True, False, Outcome.WARN, "pass for the server"),
        ("db.example", SslMode.REQUIRED, True, False, Outcome.WARN, "pass for the server"),
        ("db.example", SslMode.PREFERRED, False, False, Outcome.WARN, "offers no TLS, or somebody on the way says so"),
        ("10.0.0.1", SslMode.DISABLED, False, False, Outcome.WARN, "as the job says"),
    ],
)
def test_a_way_that_others_can_stand_on_is_warned_of(
    host: str, mode: SslMode, encrypted: bool, verified: bool, outcome: Outcome, told: str
) -> None:
    facts = replace(FACTS, encrypted=encrypted, verified=verified)
    check = transport_check(SRC, Endpoint(host, 3306, "u", "p", Tls(mode)), facts)
    assert (check.outcome, told in check.found) == (outcome, True)
    assert bool(check.remedy) == (outcome == Outcome.WARN) == ("VERIFY_CA" in check.remedy)


@pytest.mark.parametrize("version", [b"", b"x", b"8.4", b"8.\xf0\x9f\x90\xac.0"])
def test_a_server_whose_version_is_none_is_a_failed_check(version: bytes) -> None:
    with FakeServer(serving(on(b"VERSION()", *rows([version])))) as server:
        check = validation._facts(SRC, server.endpoint())
    assert getattr(check, "outcome", None) == Outcome.FAIL


def test_a_server_that_answers_with_other_columns_is_a_failed_check() -> None:
    with FakeServer(serving(on(b"VARIABLES", *rows([b"a", b"b", b"c"])))) as server:
        check = validation._facts(SRC, server.endpoint())
    assert getattr(check, "outcome", None) == Outcome.FAIL


@pytest.mark.slow
@pytest.mark.parametrize("slow", [b"SHOW SESSION VARIABLES", b"SHOW GLOBAL VARIABLES"])
def test_a_server_that_answers_slowly_again_and_again_is_looked_at_for_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch, slow: bytes
) -> None:
    monkeypatch.setattr(looking, "LOOK_TIMEOUT_S", 1)
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 1)

    def answer(conversation: Conversation, command: bytes) -> None:
        if b"VERSION" not in command and slow not in command:
            decent(conversation, command)
        elif slow in command:
            conversation.send(b"\2", column(), column(), EOF)
            while True:
                conversation.send(text(b"a") + text(b"b"))
                time.sleep(0.05)
        else:
            conversation.send(*rows([b"8.4.0"]))

    with FakeServer(serving(answer)) as server:
        begun = time.monotonic()
        check = validation._facts(SRC, server.endpoint())
    assert getattr(check, "outcome", None) == Outcome.FAIL
    assert time.monotonic() - begun < 15
