"""The log of a source whose address leads to several servers: what is read is told apart from what was looked at."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.drivers.mysql.stream import log
from udup.drivers.mysql.stream.continuity import Continuity
from udup.drivers.mysql.stream.log import BinlogChanges
from udup.pipeline.ports import LogPlan, Scope
from udup.pipeline.records import CommitOrder, Transaction, TransactionId, XaEnd
from udup.pipeline.selection.selection import Selection
from udup.pipeline.stamps import Stamps

A, B = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"


class Stream:
    def __init__(self, server_uuid: str) -> None:
        self.server_uuid = server_uuid


def _recognised(monkeypatch: pytest.MonkeyPatch, looked_at: str, read: str, doubt: str = "") -> Any:
    found = Continuity(looked_at, Stamps([]), doubt)
    monkeypatch.setattr(log, "check_executed", lambda *_: None)
    monkeypatch.setattr(log, "check_continuity", lambda *_: found)
    monkeypatch.setattr(log, "check_anonymous", lambda *_: None)
    monkeypatch.setattr(log, "BinlogStream", lambda *_: Stream(read))
    monkeypatch.setattr(BinlogChanges, "_new_assembler", lambda *_: None)
    return BinlogChanges(Endpoint("balancer", 3306, "u", ""), LogPlan("j", Scope(Selection()), f"{A}:1-5")).begin()


def test_the_server_whose_log_is_read_is_the_one_that_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _recognised(monkeypatch, A, B)
    assert found.server_uuid == B
    assert "leads to several servers" in found.doubt and A in found.doubt and "name one server" in found.doubt


def test_one_server_is_in_doubt_of_nothing_but_its_history(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (_recognised(monkeypatch, A, A).server_uuid, _recognised(monkeypatch, A, A).doubt) == (A, "")
    assert _recognised(monkeypatch, A, A, "its log was purged").doubt == "its log was purged"


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("seen", [["x"], [], None])
def test_a_prepared_transaction_that_no_snapshot_can_see_ends_a_run_that_reads_rows(
    monkeypatch: pytest.MonkeyPatch, reads: bool, seen: list[str] | None
) -> None:
    """A part waits for the end of what is prepared, as XA RECOVER shows it."""
    changes: Any = BinlogChanges(Endpoint("h", 1, "u", ""), LogPlan("j", Scope(Selection()), f"{A}:1-5"))
    changes._joined = SimpleNamespace(is_at_work=reads, close=lambda: None)
    monkeypatch.setattr(log, "connect", lambda _endpoint: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(log, "prepared_now", lambda _connection: seen)
    of = TransactionId(A, 6, CommitOrder(0, 6, 0))
    changes._check_prepared(Transaction(of, b""))
    changes._check_prepared(XaEnd(of, "x", True))
    if reads and seen is None:
        with pytest.raises(Unsupported, match="GRANT XA_RECOVER_ADMIN") as caught:
            changes._check_prepared(Transaction(of, b"", xid="x"))
        assert caught.value.gtid == of.gtid
    else:
        changes._check_prepared(Transaction(of, b"", xid="x"))
