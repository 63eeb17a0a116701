"""Messages between actors are signed, so that no other user of the machine can speak to them.

Thespian sends pickles over TCP, and who can have a process load a pickle can have it run anything. Its ports are on
loopback, where every user of the machine can connect. Here a pickle is loaded only behind the right keyed digest of it.
The key is made when this module is applied, before the first fork, and lives in the memory of the node's processes
alone. A message without it is dropped with its connection, as Thespian does with all that it cannot read.
"""

from __future__ import annotations

import hashlib
import hmac
import pickle
import secrets
from typing import Any

from thespian.system.transport import TCPTransport, streamBuffer

#: Bytes of the digest before each pickle, and of its key.
DIGEST_BYTES, KEY_BYTES = 32, 32


class NotSigned(ValueError):
    """Something else than an actor of this node has sent this."""


class SignedPickles:
    """In the place of the module `pickle`, as far as Thespian uses it."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(KEY_BYTES)

    def dumps(self, message: Any) -> bytes:
        data = pickle.dumps(message)
        return self._digest(data) + data

    def loads(self, signed: bytes) -> Any:
        """Raises `NotSigned` before anything of the pickle is looked at."""
        digest, data = signed[:DIGEST_BYTES], signed[DIGEST_BYTES:]
        if not hmac.compare_digest(digest, self._digest(data)):
            raise NotSigned("a message that no actor of this node has signed")
        return pickle.loads(data)

    def _digest(self, data: bytes) -> bytes:
        return hashlib.blake2b(data, key=self._key, digest_size=DIGEST_BYTES).digest()


def sign_messages() -> None:
    """Have Thespian's TCP transport sign what it sends, acknowledgements too, and drop what is not signed."""
    signed = SignedPickles()
    TCPTransport.serializer = signed
    TCPTransport.ackMsg = streamBuffer.toSendBuffer(streamBuffer.ackPacket, signed.dumps)
    TCPTransport.ackDataErrMsg = streamBuffer.toSendBuffer(streamBuffer.ackDataErrPacket, signed.dumps)
