"""What goes over a slow line is compressed as one stream, and what is damaged or too long is told and not taken."""

from __future__ import annotations

import random

import pytest

from udup.base.errors import Transient
from udup.pipeline.transport import compression
from udup.pipeline.transport.compression import MARK, Compressor, Decompressor
from udup.pipeline.transport.link import Arrivals, Departures


def _messages(seed: int) -> list[bytes]:
    dice = random.Random(seed)
    sizes = [0, 1, 300, 300, 300, 20_000, 300_000, 1_200_000]
    return [b"\x93" * bool(size) + _rows(dice, size) for size in (dice.choice(sizes) for _ in range(15))]


def _rows(dice: random.Random, size: int) -> bytes:
    words = [b"paid", b"shipped", b"Vienna", b"street", dice.randbytes(12)]
    return b" ".join(dice.choice(words) for _ in range(size // 9))


@pytest.mark.parametrize("seed", range(2))
def test_messages_of_all_sizes_come_as_they_were_over_split_and_joined_messages(seed: int) -> None:
    compressor, departures, arrivals = Compressor(), Departures(0), Arrivals("s")
    for data in _messages(seed):
        came = [arrivals.add(each) for each in departures.messages("s", compressor.pack(data))]
        assert came[-1] == data
        assert not any(came[:-1])


def test_small_messages_shrink_by_what_came_before_them() -> None:
    dice, compressor = random.Random(1), Compressor()
    for _ in range(200):
        compressor.pack(b"\x93INSERT INTO shop.orders " + _rows(dice, 200))
    assert compressor.after < compressor.before * 0.6


def test_a_sender_that_compresses_and_one_that_does_not_are_told_apart_by_each_message() -> None:
    compressor, arrivals = Compressor(), Arrivals("s")
    plain, packed = Departures(1), Departures(2)
    for number in range(3):
        for departures, data in ((plain, b"\x93plain"), (packed, compressor.pack(b"\x93packed"))):
            (message,) = departures.messages("s", data)
            assert arrivals.add(message) == (b"\x93plain" if departures is plain else b"\x93packed"), number


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda message: message[:4], "is cut off"),
        (lambda message: message[:-9], "is damaged"),
        (lambda message: message[:6] + b"garbage" + message[6:], "is damaged"),
        (lambda message: message[:2] + (399).to_bytes(4, "little") + message[6:], "it holds 400 or more"),
        (lambda message: message[:2] + (401).to_bytes(4, "little") + message[6:], "it holds 400 or more"),
        (lambda message: message[:2] + b"\xff\xff\xff\xff" + message[6:], "are the most"),
    ],
)
def test_a_damaged_message_is_an_error_that_names_what_is_wrong(spoil: object, told: str) -> None:
    message = Compressor().pack(b"\x93abc" * 100)
    with pytest.raises(Transient, match=told):
        Decompressor().unpack(spoil(message))  # type: ignore[operator]


def test_no_more_is_unpacked_than_a_message_says_and_a_little() -> None:
    bomb = Compressor().pack(bytes(48 << 20))
    small = MARK + (1000).to_bytes(4, "little") + bomb[6:]
    with pytest.raises(Transient, match="it holds") as error:
        Decompressor().unpack(small)
    got = int(str(error.value).split("it holds ")[1].split()[0])
    assert got <= 1000 + (compression.STEP // 4 + 1) * (128 << 10)


def test_what_is_longer_than_any_message_goes_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "LONGEST", 100)
    compressor, decompressor = Compressor(), Decompressor()
    for data in (b"\x93" * 100, b"\x93" * 101, b"\x93" * 10):
        assert decompressor.unpack(compressor.pack(data)) == data
