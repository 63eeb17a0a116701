"""What is shown of a column instead of its value: nothing, its beginning, stars, or a hash that tells it apart.

A hash is Debezium's to the digit: of the salt, then of the value as Java serializes a String (version 1) or of its
UTF-8 bytes (version 2), in hexadecimal, cut to the length of the column.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from enum import IntEnum

from udup.drivers.mysql.rowtext.patterns import Patterns

#: Java's names of algorithms, and hashlib's.
HASHES = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-224": "sha224",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
    "SHA3-224": "sha3_224",
    "SHA3-256": "sha3_256",
    "SHA3-384": "sha3_384",
    "SHA3-512": "sha3_512",
}


class MaskKind(IntEnum):
    NULL = 0
    STARS = 1
    TRUNCATE = 2
    HASH = 3


@dataclass(frozen=True)
class Hash:
    """`algorithm` by hashlib's name."""

    algorithm: str
    salt: str = field(repr=False)
    version: int

    def of(self, text: str, longest: int) -> str:
        """Return the hash of a text in hexadecimal; `longest` are the characters that the column holds, 0 if any."""
        hashed = hashlib.new(self.algorithm, self.salt.encode(), usedforsecurity=False)
        hashed.update(java_string(text) if self.version == 1 else text.encode())
        digits = hashed.hexdigest()
        return digits[:longest] if longest else digits


@dataclass(frozen=True)
class Mask:
    """`length` are the characters of STARS and TRUNCATE."""

    columns: Patterns
    kind: MaskKind
    length: int = 0
    hash: Hash | None = None

    def of(self, text: str, longest: int) -> str:
        """Return what is shown of a text; not of `NULL`, which shows nothing."""
        if self.kind is MaskKind.TRUNCATE:
            return truncated(text, self.length)
        if self.kind is MaskKind.HASH and self.hash is not None:
            return self.hash.of(text, longest)
        return "*" * self.length


def truncated(text: str, length: int) -> str:
    """Return the first characters, counted as Java does: those beyond U+FFFF are two, and are not cut in half."""
    if len(text) <= length // 2:
        return text
    return text.encode("utf-16-le")[: 2 * length].decode("utf-16-le", "ignore")


def java_string(text: str) -> bytes:
    """Return a String as Java's ObjectOutputStream writes it: what stands in front, its length, modified UTF-8."""
    units = struct.unpack(f"<{len(text.encode('utf-16-le')) // 2}H", text.encode("utf-16-le"))
    coded = b"".join(_modified(unit) for unit in units)
    short = len(coded) <= 0xFFFF
    return b"\xac\xed\x00\x05" + (b"t" + struct.pack(">H", len(coded)) if short else b"|" + _LONG(len(coded))) + coded


_LONG = struct.Struct(">Q").pack


def _modified(unit: int) -> bytes:
    """Return one UTF-16 unit: each by itself, and U+0000 as two bytes."""
    if 0 < unit < 0x80:
        return bytes([unit])
    if unit < 0x800:
        return bytes([0xC0 | unit >> 6, 0x80 | unit & 0x3F])
    return bytes([0xE0 | unit >> 12, 0x80 | unit >> 6 & 0x3F, 0x80 | unit & 0x3F])
