"""Whatever is packed and whenever it is flushed: every record goes once, in order, in messages that fit."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from udup.pipeline.extract.packer import MESSAGE_MAX, Packer
from udup.pipeline.records import (
    Beat,
    CommitOrder,
    Definition,
    Record,
    Skipped,
    Transaction,
    TransactionId,
    decode_batch,
)

_MARK = TransactionId("alpha", 1, CommitOrder(0, 1, 0))

_RECORD: st.SearchStrategy[Record] = st.one_of(
    st.integers(0, 3000).map(lambda size: Transaction(_MARK, b"x" * size)),
    st.integers(0, 100).map(lambda size: Definition(_MARK, b"x" * size, "a definition")),
    st.just(Beat(1, "alpha:1")),
    st.just(Skipped("alpha:1", 1)),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(_RECORD, st.booleans()), max_size=30), st.sampled_from([1, 500, 2000, 1 << 30]))
def test_every_record_goes_once_and_in_order(records: list[tuple[Record, bool]], limit: int) -> None:
    sent: list[tuple[int, bytes]] = []
    packer = Packer(limit, lambda number, data, _beat: sent.append((number, data)))
    for record, flush in records:
        packer.add(record)
        if flush:
            packer.flush()
    packer.flush()
    batches = [decode_batch(data) for _, data in sent]
    assert [record for batch in batches for record in batch.records] == [record for record, _ in records]
    assert [batch.number for batch in batches] == [number for number, _ in sent] == list(range(1, len(sent) + 1))
    for batch, (_, data) in zip(batches, sent, strict=True):
        assert len(batch.records) == 1 or len(data) <= min(limit, MESSAGE_MAX), "only one record alone may be larger"
    counted = [batch for batch in batches if any(not isinstance(record, Beat) for record in batch.records)]
    assert packer.messages == len(counted) and packer.full <= packer.messages
    assert packer.size == sum(len(data) for batch, (_, data) in zip(batches, sent, strict=True) if batch in counted)
