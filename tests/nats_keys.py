"""Keys and JWTs of NATS (an operator, an account, users), as its tool `nsc` makes them."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SEED = 18 << 3
_KINDS = {"operator": 14 << 3, "account": 0, "user": 20 << 3}

_CONNECTIONS = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1) | {
    "wildcards": True
}
_JETSTREAM = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)


@dataclass(frozen=True)
class NatsKey:
    kind: str
    key: Ed25519PrivateKey

    @classmethod
    def of(cls, kind: str) -> NatsKey:
        return cls(kind, Ed25519PrivateKey.generate())

    @property
    def public(self) -> str:
        return _encoded(bytes([_KINDS[self.kind]]) + self.key.public_key().public_bytes_raw())

    @property
    def seed(self) -> str:
        kind = _KINDS[self.kind]
        return _encoded(bytes([_SEED | kind >> 5, (kind & 31) << 3]) + self.key.private_bytes_raw())

    def says(self, about: NatsKey, what: Mapping[str, Any]) -> str:
        """A JWT that this key has signed."""
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        claims = {
            "jti": "x",
            "iat": int(time.time()),
            "iss": self.public,
            "name": about.kind,
            "sub": about.public,
            "nats": {**what, "type": about.kind, "version": 2},
        }
        text = f"{_part(json.dumps(head).encode())}.{_part(json.dumps(claims).encode())}"
        return f"{text}.{_part(self.key.sign(text.encode()))}"


def account() -> tuple[str, str]:
    """The lines of a server's configuration for an account with JetStream, and a credentials file of a user of it."""
    operator, owner, user = NatsKey.of("operator"), NatsKey.of("account"), NatsKey.of("user")
    system = NatsKey.of("account")
    limits = {"limits": {**_CONNECTIONS, **_JETSTREAM}}
    lines = (
        f"operator: {operator.says(operator, {})}\nresolver: MEMORY\nsystem_account: {system.public}\n"
        f"resolver_preload {{ {owner.public}: {operator.says(owner, limits)}\n"
        f"{system.public}: {operator.says(system, {'limits': _CONNECTIONS})} }}\n"
    )
    jwt = owner.says(user, {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1})
    return lines, (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )


def _encoded(data: bytes) -> str:
    return base64.b32encode(data + binascii.crc_hqx(data, 0).to_bytes(2, "little")).decode().rstrip("=")


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
