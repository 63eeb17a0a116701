"""What ends a prepared transaction takes as long as it takes, and so does undoing it; nothing is guessed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pymysql
import pytest

from udup.base.endpoint import Endpoint
from udup.base.errors import Conflict, Contended, Superseded, Unavailable
from udup.drivers.mysql.apply import inline_session
from udup.drivers.mysql.apply.inline_session import MySQLInlineSession
from udup.drivers.mysql.apply.row_session import RowSession
from udup.pipeline.ports import Claim
from udup.pipeline.records import CommitOrder, TransactionId, XaEnd

END = XaEnd(TransactionId("u", 7, CommitOrder(0, 7, 0)), "X'78'", commit=True)
CLAIM = Claim(3, "u:7", "u:7")

MISSING, LOCKED = pymysql.err.OperationalError(1032, "no row"), pymysql.err.OperationalError(1205, "lock wait")
LOST = pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query (timed out)")


class _Rows:
    """A session of rows, each step of which notes whether it has a limit of time."""

    has_crc = True

    def __init__(self, *errors: Exception, taken_over: bool = False) -> None:
        self._errors = list(errors)
        self._taken_over = taken_over
        self._limited = True
        self.steps: list[tuple[str, bool]] = []

    @contextmanager
    def unhurried(self) -> Iterator[None]:
        self._limited = False
        try:
            yield
        finally:
            self._limited = True

    def _step(self, name: str) -> None:
        self.steps.append((name, self._limited))

    def end_prepared(self, *_: object, **__: object) -> None:
        self._step("end")
        if self._errors:
            raise self._errors.pop(0)

    def is_taken_over(self, version: int) -> bool:
        self._step("undo")
        return self._taken_over

    def rollback(self) -> None:
        self._step("rollback")

    def remedy(self, schema: str, table: str) -> str:
        return ""


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> Any:
    def ended(rows: _Rows) -> None:
        monkeypatch.setattr(inline_session, "open_rows", lambda *_: rows)
        MySQLInlineSession(Endpoint("h", 1, "u", ""), "j", 1).end_prepared(CLAIM, END, cast(Any, None))

    return ended


def test_what_is_undone_after_a_row_that_is_missing_has_no_limit_of_time(end: Any) -> None:
    rows = _Rows(MISSING)
    with pytest.raises(Conflict, match="error 1032"):
        end(rows)
    assert rows.steps == [("end", False), ("undo", False)]
    with pytest.raises(Superseded):
        end(_Rows(MISSING, taken_over=True))


def test_what_is_undone_after_a_lock_that_was_not_granted_has_none_either(end: Any) -> None:
    rows = _Rows(LOCKED)
    end(rows)
    assert rows.steps == [("end", False), ("rollback", False), ("end", False)]
    with pytest.raises(Contended):
        end(_Rows(*[LOCKED] * 100))


class _Lost:
    """A connection that is lost by the next statement."""

    def rollback(self) -> None:
        raise LOST

    def close(self) -> None:
        """Gone already."""


def _session(connection: Any) -> RowSession:
    session = RowSession.__new__(RowSession)
    session._connection, session._large = connection, None
    return session


def test_a_connection_that_is_lost_while_it_undoes_proves_no_other_run() -> None:
    with pytest.raises(Unavailable, match="Lost connection"):
        _session(_Lost()).is_taken_over(3)


def test_a_place_that_is_not_to_be_had_behind_a_commit_is_not_worth_the_same_order_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused() -> None:
        raise Contended("another connection has the place 'session1'")

    session = _session(_Lost())
    monkeypatch.setattr(session, "_connect", refused)
    with pytest.raises(Unavailable, match="has the place"):
        session._reconnect()
