"""Messages between actors are signed, so that no other user of the machine can speak to them.

Thespian sends pickles over TCP, and who can have a process load a pickle can have it run anything. Its ports are on
loopback, where every user of the machine can connect. Here a pickle is loaded only behind the right keyed digest of it.
The key is made when this module is applied, before the first fork, and lives in the memory of the node's processes
alone.

A frame is `SIZE>` and so many bytes: a nonce, a digest of nonce and size (the front), a digest of nonce and pickle, the
pickle. The front comes first and is looked at first: of who cannot sign, 48 bytes are ever held, then the connection is
closed. Connections that have shown no front yet are few at a time, since an actor looks at each of them in every round.
"""

from __future__ import annotations

import hashlib
import hmac
import pickle
import secrets
from typing import Any

from thespian.system.transport import TCPTransport, streamBuffer

#: Bytes of a digest and of its key, and of a nonce.
DIGEST_BYTES, KEY_BYTES, NONCE_BYTES = 32, 32, 16

#: Bytes that must be right before any more are taken in, and those before the pickle.
FRONT_BYTES = NONCE_BYTES + DIGEST_BYTES
HEAD_BYTES = FRONT_BYTES + DIGEST_BYTES

#: Digits of a size, and the largest one: far more than the largest document of a job.
SIZE_DIGITS, MAX_SIZE = 10, 256 << 20

#: Connections to one actor at a time that have not shown a front.
STRANGERS = 32

_FRONT, _MESSAGE = b"udup front", b"udup message"


class NotSigned(ValueError):
    """Something else than an actor of this node has sent this."""


class SignedPickles:
    """In the place of the module `pickle`, as far as Thespian uses it."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(KEY_BYTES)

    def dumps(self, message: Any) -> bytes:
        data = pickle.dumps(message)
        nonce = secrets.token_bytes(NONCE_BYTES)
        front = self._digest(_FRONT, nonce, b"%d" % (HEAD_BYTES + len(data)))
        return nonce + front + self._digest(_MESSAGE, nonce, data) + data

    def loads(self, signed: bytes) -> Any:
        """Raises `NotSigned` before anything of the pickle is looked at."""
        if not self.is_front(signed[:FRONT_BYTES], len(signed)):
            raise NotSigned("a message that no actor of this node has signed")
        nonce, digest, data = signed[:NONCE_BYTES], signed[FRONT_BYTES:HEAD_BYTES], signed[HEAD_BYTES:]
        if not hmac.compare_digest(digest, self._digest(_MESSAGE, nonce, data)):
            raise NotSigned("a message that was changed after an actor of this node had signed it")
        return pickle.loads(data)

    def is_front(self, front: bytes, size: int) -> bool:
        """Whether an actor of this node has announced a message of this size."""
        nonce, digest = front[:NONCE_BYTES], front[NONCE_BYTES:]
        return hmac.compare_digest(digest, self._digest(_FRONT, nonce, b"%d" % size))

    def _digest(self, purpose: bytes, nonce: bytes, data: bytes) -> bytes:
        digest = hashlib.blake2b(nonce, key=self._key, digest_size=DIGEST_BYTES, person=purpose)
        digest.update(data)
        return digest.digest()


class SignedBuffer:
    """In the place of Thespian's ReceiveBuffer: an arriving message, of which no more is asked for than is due."""

    signed: SignedPickles

    def __init__(self, deserialize: Any) -> None:
        self._deserialize = deserialize
        self._data = bytearray()
        self._size: int | None = None
        self._extra = b""
        self.proven = False  # its front was right
        self.refused = False  # it was not, or there was none

    def addMore(self, buf: bytes) -> None:  # noqa: N802 - Thespian's name
        if not buf or self.refused:
            return
        self._data += buf
        if self._size is None:
            self._read_size()
        if self._size is not None and not self.proven and len(self._data) >= FRONT_BYTES:
            self.proven = self.signed.is_front(bytes(self._data[:FRONT_BYTES]), self._size)
            self.refused = not self.proven
        if self._size is not None and len(self._data) > self._size:
            self._extra += bytes(self._data[self._size :])
            del self._data[self._size :]
        if self.refused:
            self._data.clear()

    def _read_size(self) -> None:
        mark = self._data.find(b">", 0, SIZE_DIGITS + 1)
        digits = bytes(self._data[:mark]) if mark >= 0 else bytes(self._data)
        if not digits.isdigit() or (mark < 0 and len(digits) > SIZE_DIGITS):
            self.refused = True
        elif mark >= 0:
            self._size = int(digits)
            self.refused = not HEAD_BYTES <= self._size <= MAX_SIZE
            del self._data[: mark + 1]

    def is_empty(self) -> bool:
        return not self._data and self._size is None

    def remainingAmount(self) -> int:  # noqa: N802 - Thespian's name
        """Bytes to ask of the socket next."""
        due = SIZE_DIGITS + 1 if self._size is None else self._size if self.proven else FRONT_BYTES
        return max(1, due - len(self._data))

    def isDone(self) -> bool:  # noqa: N802 - Thespian's name
        return self.refused or (self._size is not None and len(self._data) == self._size)

    def removeExtra(self) -> None:  # noqa: N802 - Thespian's name
        self._extra = b""

    def completed(self) -> tuple[Any, bytes] | None:
        """The message and what came behind it; None if there is none."""
        if self.refused or not self.isDone():
            return None
        return self._deserialize(bytes(self._data)), self._extra


def sign_messages() -> None:
    """Have Thespian's TCP transport sign what it sends, acknowledgements too, and drop what is not signed."""
    signed = SignedPickles()
    SignedBuffer.signed = signed
    TCPTransport.serializer = signed
    TCPTransport.ReceiveBuffer = SignedBuffer
    TCPTransport.ackMsg = streamBuffer.toSendBuffer(streamBuffer.ackPacket, signed.dumps)
    TCPTransport.ackDataErrMsg = streamBuffer.toSendBuffer(streamBuffer.ackDataErrPacket, signed.dumps)
    TCPTransport.TCPIncoming_Common.addData = _add_data
    accept = TCPTransport.TCPTransport._acceptNewIncoming

    def accept_and_count(self: Any) -> None:
        accept(self)
        _close_a_stranger(self)

    TCPTransport.TCPTransport._acceptNewIncoming = accept_and_count


def _add_data(self: Any, data: bytes) -> None:
    """Raises `NotSigned`, at which Thespian closes the connection."""
    self._rData.addMore(data)
    if self._rData.refused:
        raise NotSigned("a message that no actor of this node has signed")


def _close_a_stranger(transport: Any) -> None:
    """Where there are too many: the one that has been silent for longest."""
    strangers = [number for number, each in transport._incomingSockets.items() if not each._rData.proven]
    if len(strangers) > STRANGERS:
        transport._incomingSockets.pop(strangers[0]).close()
