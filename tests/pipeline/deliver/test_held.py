"""What is prepared waits in memory as long as it is little, else in files; what comes back is what was put in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from udup.base.errors import Side, Unavailable
from udup.pipeline.deliver import prepared
from udup.pipeline.deliver.prepared import PreparedTransactions
from udup.pipeline.records import CommitOrder, Part, Transaction, TransactionId


def _id(number: int) -> TransactionId:
    return TransactionId("alpha", number, CommitOrder(0, number, 0))


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Yield the files that are made."""
    made: list[Any] = []
    make = tempfile.TemporaryFile

    def noted() -> Any:
        made.append(make())
        return made[-1]

    monkeypatch.setattr(prepared.tempfile, "TemporaryFile", noted)
    monkeypatch.setattr(prepared, "MEMORY_BYTES", 1000)
    monkeypatch.setattr(prepared, "ALL_MEMORY_BYTES", 3000)
    yield made
    assert all(each.closed for each in made)


def test_what_is_large_waits_in_a_file_and_comes_back_in_its_order(files: list[Any]) -> None:
    held = PreparedTransactions()
    parts = [Part(_id(1), at, False, bytes([at]) * 400, xid="x") for at in range(9)]
    small = Transaction(_id(2), b"small", xid="y")
    for each in parts:
        held.add(each, b"format")
    held.add(small, b"other")
    assert len(files) == 1
    of, written_by, records = held.take("x", "alpha:3")
    assert (of, written_by, list(records)) == (_id(1), b"format", parts)
    assert list(held.take("y", "alpha:4")[2]) == [small]
    assert len(files) == 1 and len(held) == 0


def test_many_small_ones_take_no_more_memory_than_is_for_all_of_them(files: list[Any]) -> None:
    held = PreparedTransactions()
    for number in range(1, 11):
        held.add(Transaction(_id(number), b"e" * 800, xid=f"x{number}"), b"")
    assert len(files) == 7
    assert held.drop("x1") == _id(1)
    held.add(Transaction(_id(11), b"e" * 800, xid="x11"), b"")
    assert len(files) == 7, "there is room again"
    assert [each.events for each in held.take("x9", "alpha:12")[2]] == [b"e" * 800]
    held.close()


def test_a_full_disk_is_waited_for(files: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(prepared.tempfile, "TemporaryFile", full)
    held = PreparedTransactions()
    with pytest.raises(Unavailable, match=r"alpha:7 prepares the XA transaction x.*No space left") as caught:
        held.add(Transaction(_id(7), b"e" * 2000, xid="x"), b"")
    assert caught.value.side is Side.NODE
    held.close()
