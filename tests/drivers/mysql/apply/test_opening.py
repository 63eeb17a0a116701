"""A connection goes by statements where its session or BINLOG is denied, and is left open by nobody."""

from __future__ import annotations

from typing import Any

import pytest

from udup.base.endpoint import Endpoint
from udup.base.errors import Contended, Fault, Refused
from udup.drivers.mysql.apply import opening
from udup.drivers.mysql.client.session_setup import SessionRefused
from udup.pipeline.ports import ApplyMode

SERVER = Endpoint("there", 3306, "u", "p")
FAULT = Fault("Dest", "it is denied", "GRANT it")


class Connection:
    is_mariadb = False

    def __init__(self) -> None:
        self.open = True

    def close(self) -> None:
        self.open = False


class Server:
    """Refuses logins with these errors, one after the other; then lets in."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> None:
        self.uses: list[str] = []
        self.opened: list[Connection] = []
        self._errors = list(errors)
        monkeypatch.setattr(opening, "connect", self._connect)
        monkeypatch.setattr(opening, "StatementRows", lambda *_, **__: "by statements")
        monkeypatch.setattr(opening, "EventRows", lambda *_: "by events")

    def _connect(self, endpoint: Endpoint, session: Any, **more: Any) -> Connection:
        self.uses.append(session.use)
        if self._errors:
            raise self._errors.pop(0)
        self.opened.append(Connection())
        return self.opened[-1]


def _open(hold: Any = lambda connection: None) -> opening.OpenedPath:
    return opening.open_path(SERVER, ApplyMode.BY_PRIVILEGE, 20, None, hold)


def test_a_session_that_is_denied_is_tried_as_one_of_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, SessionRefused([FAULT]))
    assert _open().mode is ApplyMode.STATEMENTS and len(server.uses) == 2


def test_a_wrong_password_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may lock an account after some failed logins."""
    server = Server(monkeypatch, Refused([FAULT]), Refused([FAULT]))
    with pytest.raises(Refused):
        _open()
    assert len(server.uses) == 1


@pytest.mark.parametrize("errors", [(), (SessionRefused([FAULT]),)])
def test_a_connection_whose_place_another_keeps_is_closed(
    monkeypatch: pytest.MonkeyPatch, errors: tuple[Exception, ...]
) -> None:
    server = Server(monkeypatch, *errors)

    def hold(connection: Any) -> None:
        raise Contended("another has it")

    with pytest.raises(Contended):
        _open(hold)
    assert [each.open for each in server.opened] == [False]
