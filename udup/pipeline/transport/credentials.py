"""A NATS credentials file: who a client is (a JWT) and the seed of the key with which it signs what the server asks.

The client library would want a further package for the signature. The seed is base32: two bytes that say what kind of
key it is, the 32 of an Ed25519 key, and a checksum. A file with a seed alone is of a user without a JWT, whom the
server knows by the public key (`nkey`).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_JWT = re.compile(r"BEGIN NATS USER JWT-*\s+(\S+)")
_SEED = re.compile(r"^\s*(SU[A-Z2-7]{56})\s*$", re.MULTILINE)

#: The first bits of a user's public key.
_USER = 20 << 3


@dataclass(frozen=True)
class Credentials:
    """`jwt` is "" for a seed alone."""

    jwt: str
    public: str
    sign: Callable[[str], bytes] = field(repr=False)

    @classmethod
    def of(cls, text: str) -> Credentials:
        """Return what a file says; `ValueError` if it has no seed of a user."""
        seed, jwt = _SEED.search(text), _JWT.search(text)
        if seed is None:
            raise ValueError("it has no seed of a user (SU…)")
        data = _decoded(seed[1])
        if binascii.crc_hqx(data[:-2], 0) != int.from_bytes(data[-2:], "little"):
            raise ValueError("its seed is damaged")
        key = Ed25519PrivateKey.from_private_bytes(data[2:34])

        def sign(nonce: str) -> bytes:
            return base64.b64encode(key.sign(nonce.encode()))

        return cls(jwt[1] if jwt else "", _public(key.public_key().public_bytes_raw()), sign)


def _decoded(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))


def _public(key: bytes) -> str:
    data = bytes([_USER]) + key
    return base64.b32encode(data + binascii.crc_hqx(data, 0).to_bytes(2, "little")).decode().rstrip("=")


def connect_options(read: Callable[[], str]) -> dict[str, Any]:
    """Return what `nats.connect` is told. The file is read again for each connection; `ValueError` if it is none now.

    A user is named too, though none is sent: without one the client sends no signature either.
    """
    if not Credentials.of(read()).jwt:
        raise ValueError("it has no JWT of a user")
    return {
        "user": "by-jwt",
        "user_jwt_cb": lambda: Credentials.of(read()).jwt.encode(),
        "signature_cb": lambda nonce: Credentials.of(read()).sign(nonce),
    }
