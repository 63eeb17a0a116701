"""Messages hold what their limit allows, in order, without a gap in their numbers."""

from __future__ import annotations

import random

import pytest

from udup.pipeline.extract.packer import Packer
from udup.pipeline.records import (
    Batch,
    Beat,
    CommitOrder,
    Definition,
    Part,
    Record,
    Transaction,
    TransactionId,
    decode_batch,
)

MARK = TransactionId("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", 1, CommitOrder(0, 1, 0))


def _packed(records: list[Record], limit: int, flush_every: int = 0) -> list[Batch]:
    sent: list[Batch] = []

    def send(number: int, data: bytes, _beat: bool) -> None:
        batch = decode_batch(data)
        assert batch.number == number
        sent.append(batch)

    packer = Packer(limit, send)
    for place, record in enumerate(records, 1):
        packer.add(record)
        if flush_every and place % flush_every == 0:
            packer.flush()
    packer.flush()
    packer.flush()
    return sent


def _records(count: int) -> list[Record]:
    dice = random.Random(2)
    kinds = (
        lambda: Transaction(MARK, dice.randbytes(dice.randrange(900))),
        lambda: Part(MARK, 0, False, dice.randbytes(3000)),
        lambda: Definition(MARK, dice.randbytes(50), "summary"),
        lambda: Beat(dice.randrange(100)),
    )
    return [dice.choice(kinds)() for _ in range(count)]


@pytest.mark.parametrize("limit", [1, 1000, 20480, 1 << 20])
@pytest.mark.parametrize("flush_every", [0, 1, 7])
def test_everything_arrives_once_and_in_order(limit: int, flush_every: int) -> None:
    records = _records(200)
    batches = _packed(records, limit, flush_every)
    assert [record for batch in batches for record in batch.records] == records
    assert [batch.number for batch in batches] == list(range(1, len(batches) + 1))
    assert all(batch.records for batch in batches)


def test_records_share_a_message_up_to_the_limit() -> None:
    records: list[Record] = [Transaction(MARK, b"x" * 900)] * 10
    assert [len(batch.records) for batch in _packed(records, 5000)] == [5, 5]
    assert [len(batch.records) for batch in _packed(records, 1)] == [1] * 10


def test_a_record_above_the_limit_goes_alone() -> None:
    small, large = Beat(1), Transaction(MARK, b"x" * 9000)
    assert [batch.records for batch in _packed([small, large, small], 5000)] == [[small], [large], [small]]


def test_nothing_is_sent_for_nothing() -> None:
    assert _packed([], 1000) == []
