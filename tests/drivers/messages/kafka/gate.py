"""A gate in front of a broker that has no TLS and no SASL: it ends both, and hands on what follows.

The client's own TLS and SASL run against it, from the settings that a job's document makes: certificates, names,
PLAIN and SCRAM-SHA-512, and what a wrong one is told. What it cannot show is how Apache Kafka differs from it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.drivers.messages.kafka.mock_cluster import MockCluster

_API_VERSIONS, _HANDSHAKE, _AUTHENTICATE = 18, 17, 36

#: SASL_AUTHENTICATION_FAILED, UNSUPPORTED_SASL_MECHANISM
_WRONG, _NO_MECHANISM = 58, 33

_NONCE, _SALT, _TURNS = "server-nonce", b"salt-of-the-gate", 4096


@dataclass(frozen=True)
class Account:
    mechanism: str
    user: str
    password: str


@dataclass
class Gate:
    """`tls` None: plain text. `account` None: no SASL."""

    cluster: MockCluster
    tls: ssl.SSLContext | None = None
    account: Account | None = None
    through: list[str] = field(default_factory=list)  # of each connection that was let in: who, over what
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def serve(self) -> None:
        while True:
            try:
                taken, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(taken,), daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _carry(self, taken: socket.socket) -> None:
        with suppress(OSError, EOFError), socket.create_connection(("127.0.0.1", self.cluster.port)) as broker:
            client = taken if self.tls is None else self.tls.wrap_socket(taken, server_side=True)
            with client:
                user = _let_in(client, broker, self.account) if self.account is not None else ""
                version = client.version() if isinstance(client, ssl.SSLSocket) else "plain text"
                self.through.append(f"{user or 'anybody'} over {version}")
                back = threading.Thread(target=_copy, args=(broker, client), daemon=True)
                back.start()
                _copy(client, broker)


def _copy(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            to.sendall(data)
    for each in (source, to):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _let_in(client: socket.socket, broker: socket.socket, account: Account) -> str:
    """Answer until the client has signed in. What SASL needs is added to the requests that the broker says it takes."""
    scram: _Scram | None = None
    while True:
        frame = _frame(client)
        api, version, correlation = struct.unpack_from(">hhi", frame)
        body = frame[10 + max(struct.unpack_from(">h", frame, 8)[0], 0) :]
        head = struct.pack(">i", correlation)
        if api == _API_VERSIONS:
            _send(broker, frame)
            _send(client, _with_sasl(_frame(broker)))
        elif api == _HANDSHAKE:
            wanted = body[2:].decode()
            code = 0 if wanted == account.mechanism else _NO_MECHANISM
            _send(client, head + struct.pack(">hi", code, 1) + _text(account.mechanism))
        elif api == _AUTHENTICATE and version <= 1:
            said = body[4:]
            if account.mechanism == "PLAIN":
                answer, done = b"", said == f"\0{account.user}\0{account.password}".encode()
                failed = not done
            else:
                scram = scram or _Scram(account)
                answer, done, failed = scram.answer(said.decode())
            code, told = (_WRONG, _text("Authentication failed")) if failed else (0, struct.pack(">h", -1))
            lifetime = struct.pack(">q", 0) if version else b""
            _send(client, head + struct.pack(">h", code) + told + struct.pack(">i", len(answer)) + answer + lifetime)
            if failed:
                raise EOFError("not let in")
            if done:
                return account.user
        else:
            raise EOFError(f"request {api} before signing in")


class _Scram:
    """SCRAM-SHA-512 as RFC 5802 has the server's side."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._before = ""

    def answer(self, said: str) -> tuple[bytes, bool, bool]:
        """Return the answer, whether that was all, and whether it is refused."""
        if not self._before:
            bare = said.split(",", 2)[2]
            fields = dict(each.split("=", 1) for each in bare.split(","))
            first = f"r={fields['r']}{_NONCE},s={base64.b64encode(_SALT).decode()},i={_TURNS}"
            self._before = f"{bare},{first}"
            return first.encode(), False, fields["n"] != self._account.user
        without, _, proof = said.rpartition(",p=")
        salted = hashlib.pbkdf2_hmac("sha512", self._account.password.encode(), _SALT, _TURNS)
        key = hmac.digest(salted, b"Client Key", "sha512")
        text = f"{self._before},{without}".encode()
        signature = hmac.digest(hashlib.sha512(key).digest(), text, "sha512")
        wanted = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        server = hmac.digest(hmac.digest(salted, b"Server Key", "sha512"), text, "sha512")
        return b"v=" + base64.b64encode(server), True, base64.b64decode(proof) != wanted


def _with_sasl(answer: bytes) -> bytes:
    """Return the broker's answer to ApiVersions (0 to 2) with the two requests of SASL."""
    count = struct.unpack_from(">i", answer, 6)[0]
    end = 10 + 6 * count
    more = struct.pack(">hhhhhh", _HANDSHAKE, 0, 1, _AUTHENTICATE, 0, 1)
    return answer[:6] + struct.pack(">i", count + 2) + answer[10:end] + more + answer[end:]


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def _frame(source: socket.socket) -> bytes:
    (size,) = struct.unpack(">i", _exactly(source, 4))
    return _exactly(source, size)


def _exactly(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = source.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _send(to: socket.socket, frame: bytes) -> None:
    to.sendall(struct.pack(">i", len(frame)) + frame)


@contextmanager
def gate(cluster: MockCluster, tls: ssl.SSLContext | None = None, account: Account | None = None) -> Iterator[Gate]:
    """Stand in front of a cluster, which from now on names the gate as its broker."""
    made = Gate(cluster, tls, account)
    cluster.advertise(made.port)
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.close()
        thread.join(5)
