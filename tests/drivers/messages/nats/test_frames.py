"""Frames are the protocol's, byte for byte, and names become subjects that nobody else's become."""

from __future__ import annotations

import re

import pytest

from udup.drivers.messages.nats.frames import (
    HEADERS_MAX,
    POSITION_HEADER_MAX,
    Frames,
    Note,
    Subjects,
    TooLarge,
    position_header,
)
from udup.pipeline.ports.delivery import Message

MESSAGE = Message("shop.db.t", b'{"id":1}', b'{"a":2}', "g:1:db.t:0", (), "c", "db.t")


@pytest.fixture
def frames() -> Frames:
    return Frames(Subjects("shop", ["shop"]), "_INBOX.x", 1 << 20)


def parsed(data: bytes) -> list[tuple[bytes, bytes, dict[bytes, bytes], bytes]]:
    """Subject, reply, headers and body of each frame, with its lengths as they are said."""
    found = []
    while data:
        line, _, rest = data.partition(b"\r\n")
        verb, subject, *reply, head, whole = line.split(b" ")
        assert verb == b"HPUB"
        first, *lines = rest[: int(head)].split(b"\r\n")
        assert first == b"NATS/1.0" and lines[-2:] == [b"", b""]
        headers = dict(each.split(b":", 1) for each in lines[:-2])
        found.append((subject, b"".join(reply), headers, rest[int(head) : int(whole)]))
        assert rest[int(whole) : int(whole) + 2] == b"\r\n"
        data = rest[int(whole) + 2 :]
    return found


def test_a_unit_in_a_fast_batch(frames: Frames) -> None:
    first, second = parsed(frames.fast([MESSAGE, MESSAGE], b"P", 41, "b-1", 0))
    assert first == (
        b"shop.db.t",
        b"_INBOX.x.b-1.200.fail.1.0.$FI",
        {
            b"Nats-Msg-Id": b"g:1:db.t:0",
            b"Nats-Expected-Last-Sequence": b"41",
            b"Udup-Op": b"c",
            b"Udup-Key": b'{"id":1}',
        },
        b'{"a":2}',
    )
    assert second[1] == b"_INBOX.x.b-1.200.fail.2.1.$FI"
    assert second[2][b"Nats-Expected-Last-Sequence"] == b"42" and second[2][b"Udup-Position"] == b"P"
    [third] = parsed(frames.fast([MESSAGE], b"Q", 43, "b-1", 2))
    assert third[1] == b"_INBOX.x.b-1.200.fail.3.1.$FI"
    assert frames.commit("s", "b-1", 3) == b"PUB s _INBOX.x.b-1.200.fail.4.3.$FI 0\r\n\r\n"


def test_an_atomic_unit_is_fenced_by_its_first_message(frames: Frames) -> None:
    first, middle, last = parsed(frames.atomic([MESSAGE] * 3, b"P", 41, "b-2"))
    assert first[2][b"Nats-Expected-Last-Sequence"] == b"41" and b"Nats-Batch-Commit" not in first[2]
    assert not {b"Nats-Expected-Last-Sequence", b"Nats-Batch-Commit"} & set(middle[2])
    assert last[2][b"Nats-Batch-Commit"] == b"1" and last[2][b"Udup-Position"] == b"P"
    assert [each[2][b"Nats-Batch-Sequence"] for each in (first, middle, last)] == [b"1", b"2", b"3"]
    assert [each[1] for each in (first, middle, last)] == [b"", b"", b"_INBOX.x.b-2"]


def test_a_note(frames: Frames) -> None:
    [(subject, reply, headers, body)] = parsed(frames.note(Note("n", b"{}", True, True), 7, "b-3"))
    assert (subject, reply, body) == (b"n", b"_INBOX.x.b-3", b"{}")
    assert headers == {
        b"Udup-Op": b"position",
        b"Nats-Rollup": b"sub",
        b"Nats-TTL": b"never",
        b"Nats-Expected-Last-Sequence": b"7",
    }


def test_no_text_breaks_out_of_its_header(frames: Frames) -> None:
    message = Message("shop.t", None, None, "g:1\r\nEvil: 1", (("a", b"1\r\nEvil: 2"),), "c")
    [(_, _, headers, body)] = parsed(frames.fast([message], b"", 0, "b", 0))
    assert headers[b"Nats-Msg-Id"] == b"g:1%0D%0AEvil: 1" and headers[b"a"] == b"1  Evil: 2" and not body
    assert set(headers) == {b"Nats-Msg-Id", b"Nats-Expected-Last-Sequence", b"Udup-Op", b"a"}


@pytest.mark.parametrize(("value", "key"), [(b"x" * (1 << 20), b"k"), (b"", b"k" * (HEADERS_MAX + 1))])
def test_what_is_too_large_is_named(frames: Frames, value: bytes, key: bytes) -> None:
    with pytest.raises(TooLarge) as told:
        frames.fast([MESSAGE, Message("shop.t", key, value, "g:2")], b"", 0, "b", 0)
    assert told.value.index == 1 and told.value.size > told.value.limit


def test_a_position_that_fits_no_header_is_none() -> None:
    assert position_header("x" * POSITION_HEADER_MAX) and not position_header("x" * (POSITION_HEADER_MAX + 1))
    assert not position_header("a\nb")


@pytest.mark.parametrize(
    ("topic", "subject"),
    [
        ("shop", "shop"),
        ("shop.db.t", "shop.db.t"),
        ("shop.db.a b*>", "shop.db.a%20b%2A%3E"),
        ("shop.db.t\u00e9", "shop.db.t%C3%A9"),
        ("shop.db.a%20b", "shop.db.a%20b"),
        ("shop..t.", "shop.%.t.%"),
        ("shopping.x", "shop.shopping.x"),
        ("outbox.event.x", "shop.outbox.event.x"),
        ("__debezium-heartbeat.shop", "__debezium-heartbeat.shop"),
    ],
)
def test_topics_become_subjects_of_the_stream(topic: str, subject: str) -> None:
    found = Subjects("shop", ["shop", "__debezium-heartbeat.shop"])[topic].decode()
    assert found == subject and re.fullmatch(r"[^\s*>]+", found)
