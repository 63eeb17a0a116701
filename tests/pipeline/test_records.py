"""What goes into a message comes out of it, bytes untouched."""

from __future__ import annotations

import pytest

from udup.base.errors import Failure, FailureKind, Fault
from udup.pipeline.orders import (
    Done,
    Failed,
    Group,
    GroupPart,
    Order,
    Report,
    SetFormat,
    decode_order,
    decode_report,
)
from udup.pipeline.records import (
    Batch,
    Beat,
    CommitOrder,
    CopyEnd,
    CopyPiece,
    CopyStands,
    CopyTotals,
    Credit,
    Definition,
    Format,
    Known,
    Part,
    Record,
    Skipped,
    StartRows,
    Tables,
    Transaction,
    TransactionId,
    decode_batch,
    decode_piece,
    decode_upstream,
    encode,
)

EVERY_BYTE = bytes(range(256)) * 3
MARK = TransactionId(
    "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:tag", 1 << 62, CommitOrder(0, 1 << 40, 1 << 50, True, 1 << 49)
)


def test_every_record_survives_its_journey() -> None:
    records: list[Record] = [
        Transaction(MARK, EVERY_BYTE, [EVERY_BYTE, b""], b"create"),
        Transaction(MARK, b""),
        Part(MARK, 3, False, EVERY_BYTE),
        Definition(MARK, EVERY_BYTE, "CREATE TABLE größe"),
        Skipped("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:1-5", 7),
        Format(EVERY_BYTE),
        Beat(1 << 50, "x"),
        CopyTotals(0, 0, 0),
        CopyEnd(),
        Known("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:5@7"),
        Tables("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "root@h:1", [("s", "t", "größe", "u")], True),
    ]
    batch = Batch(1 << 40, records)
    assert decode_batch(encode(batch)) == batch
    assert MARK.gtid == "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:tag:4611686018427387904"


@pytest.mark.parametrize(
    "order",
    [
        Group(1, 2, 3, "gtids", [EVERY_BYTE, b""], "label", b"create"),
        GroupPart(1, 2, "gtids", 0, True, EVERY_BYTE, "label"),
        SetFormat(EVERY_BYTE),
    ],
)
def test_every_order_survives_its_journey(order: Order) -> None:
    assert decode_order(encode(order)) == order


FAILURE = Failure(FailureKind.REFUSED, "text", (Fault("here", "wrong"),), gtid="u:1", table="s.t")


@pytest.mark.parametrize("report", [Done(1, 2), Done(1, 2, 3), Failed(1, FAILURE)])
def test_every_report_survives_its_journey(report: Report) -> None:
    assert decode_report(encode(report)) == report


def test_pieces_and_credits_survive_their_journey() -> None:
    piece = CopyPiece(1, 2, 3, True, 4, EVERY_BYTE)
    assert decode_piece(encode(piece)) == piece
    for upstream in (Credit("copy.3", 9), StartRows("load"), CopyStands()):
        assert decode_upstream(encode(upstream)) == upstream
