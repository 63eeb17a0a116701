"""Pieces that TABLE_MAPs are made of: bits, and values behind their lengths."""

from __future__ import annotations

from collections.abc import Sequence


def bits(flags: Sequence[bool]) -> bytes:
    """Return a bit for each, the highest first."""
    made = bytearray((len(flags) + 7) // 8)
    for place, flag in enumerate(flags):
        made[place // 8] |= flag << (7 - place % 8)
    return bytes(made)


def counted(value: bytes) -> bytes:
    """Return a value behind its length."""
    return integer(len(value)) + value


def integer(number: int) -> bytes:
    """Return a length-encoded integer."""
    if number < 251:
        return bytes([number])
    return b"\xfc" + number.to_bytes(2, "little") if number < 1 << 16 else b"\xfd" + number.to_bytes(3, "little")
