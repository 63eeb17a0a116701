"""A dump of the binary log as bytes, and a socket that gives them in pieces."""

from __future__ import annotations

from collections.abc import Iterable

#: A packet of this length goes on in the next.
PACKET_MAX = 0xFFFFFF


def packets(payloads: Iterable[bytes]) -> bytes:
    """Return the payloads as packets of the client protocol, numbered from 1."""
    out, number = bytearray(), 1
    for payload in payloads:
        for at in range(0, len(payload) + 1, PACKET_MAX):
            piece = payload[at : at + PACKET_MAX]
            out += len(piece).to_bytes(3, "little") + bytes([number & 0xFF]) + piece
            number += 1
    return bytes(out)


class PieceSocket:
    """Gives bytes in pieces, and then nothing."""

    def __init__(self, data: bytes, piece: int = 1 << 20) -> None:
        self._left, self._piece = memoryview(data), piece

    def recv_into(self, room: bytearray) -> int:
        count = min(len(room), len(self._left), self._piece)
        room[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
