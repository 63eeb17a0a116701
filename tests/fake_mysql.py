"""A server that speaks MySQL's protocol as badly as a test wants: a script for each connection, on a free port.

A real server cannot be made to ask for files, to lie about lengths or to fall silent in mid-word; this one can. What it
was sent is kept whole, so that a test can look for what must never have been there.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

from udup.base.endpoint import Endpoint
from udup.base.tls import PREFERRED, Tls
from udup.drivers.mysql.client.session_setup import forget_servers

#: A capability of the server: CLIENT_SSL.
SSL = 1 << 11

#: Everything that a client may ask for but TLS, compression and the shorter ends of results.
CAPABILITIES = 0x00FFFFFF & ~SSL & ~(1 << 5)

PASSWORD = "the-password-of-the-tests"
SALT = b"12345678abcdefghijkl"
OK = b"\0\0\0\2\0\0\0"
#: The same, with another result behind it.
OK_AND_MORE = b"\0\0\0\x0a\0\0\0"
EOF = b"\xfe\0\0\2\0"

Answer = Callable[["Conversation", bytes], None]


class Conversation:
    """One connection, seen from the server."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.received = b""
        self.number = 0

    def raw(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send(self, *payloads: bytes) -> None:
        """Packets, numbered as they should be."""
        data = b""
        for payload in payloads:
            data += packet(payload, self.number)
            self.number = (self.number + 1) % 256
        self.raw(data)

    def read(self) -> bytes:
        """One packet of the client; `EOFError` when it is gone."""
        head = self._exactly(4)
        self.number = (head[3] + 1) % 256
        return self._exactly(int.from_bytes(head[:3], "little"))

    def drain(self) -> None:
        """Whatever comes until the client is gone."""
        while data := self.socket.recv(1 << 16):
            self.received += data

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        self.received += data
        return data

    # ---- What a decent server says ----

    def greet(self, plugin: str = "caching_sha2_password", capabilities: int = CAPABILITIES) -> None:
        self.send(greeting(plugin, capabilities))

    def encrypt(self, context: ssl.SSLContext) -> None:
        """The client's short request for TLS, and the handshake."""
        self.read()
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def log_in(self) -> None:
        self.greet()
        self.read()
        self.send(OK)

    def serve(self, answer: Answer) -> None:
        """Log in, then answer every command until the client is gone."""
        self.log_in()
        while True:
            answer(self, self.read())


Script = Callable[[Conversation], None]


class FakeServer:
    """Listens from `with` on, and treats each connection by its script in a thread of its own."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.conversations: list[Conversation] = []
        self._threads: list[threading.Thread] = []

    def endpoint(self, tls: Tls = PREFERRED) -> Endpoint:
        return Endpoint("127.0.0.1", self._listener.getsockname()[1], "someone", PASSWORD, tls)

    @property
    def received(self) -> bytes:
        return b"".join(conversation.received for conversation in self.conversations)

    def wait(self) -> None:
        """Until every conversation has ended."""
        for thread in list(self._threads):
            thread.join(10)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            conversation = Conversation(sock)
            self.conversations.append(conversation)
            thread = threading.Thread(target=self._converse, args=(conversation,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _converse(self, conversation: Conversation) -> None:
        with suppress(OSError, EOFError):
            self._script(conversation)
        with suppress(OSError):
            conversation.socket.shutdown(socket.SHUT_WR)
            conversation.socket.settimeout(5)
            conversation.drain()
        conversation.socket.close()

    def __enter__(self) -> FakeServer:
        forget_servers()  # a port may have been another's
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for conversation in self.conversations:
            with suppress(OSError):
                conversation.socket.shutdown(socket.SHUT_RDWR)


def packet(payload: bytes, number: int) -> bytes:
    return struct.pack("<I", len(payload))[:3] + bytes([number]) + payload


def greeting(plugin: str = "caching_sha2_password", capabilities: int = CAPABILITIES) -> bytes:
    return (
        b"\x0a8.4.0\0\1\0\0\0"
        + SALT[:8]
        + b"\0"
        + struct.pack("<HBHHB", capabilities & 0xFFFF, 255, 2, capabilities >> 16, 21)
        + bytes(10)
        + SALT[8:]
        + b"\0"
        + plugin.encode()
        + b"\0"
    )


def switch(plugin: str, data: bytes = SALT + b"\0") -> bytes:
    """An AuthSwitchRequest."""
    return b"\xfe" + plugin.encode() + b"\0" + data


def file_request(path: object) -> bytes:
    return b"\xfb" + str(path).encode()


def error(text: str | bytes = "no", code: int = 1064) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return b"\xff" + struct.pack("<H", code) + b"#42000" + data


def text(value: bytes) -> bytes:
    """A length-encoded string of less than 64 KiB."""
    return (bytes([len(value)]) if len(value) < 251 else b"\xfc" + struct.pack("<H", len(value))) + value


def column(name: str = "a") -> bytes:
    field = text(name.encode())
    return text(b"def") + text(b"") * 3 + field + field + b"\x0c" + struct.pack("<HIBHB", 255, 255, 253, 0, 0) + b"\0\0"


def rows(*values: Sequence[bytes]) -> list[bytes]:
    """A whole result as packets; one row at least."""
    width = len(values[0])
    data = [b"".join(map(text, value)) for value in values]
    return [bytes([width]), *[column() for _ in range(width)], EOF, *data, EOF]


def decent(conversation: Conversation, command: bytes) -> None:
    """One row for what asks, OK for the rest; and what Udup begins every session with."""
    if b"SHOW SESSION VARIABLES WHERE" in command:
        conversation.send(OK_AND_MORE, *rows([b"autocommit", b"ON"]))
        return
    if b"COALESCE(@@autocommit" in command:
        conversation.send(*[OK_AND_MORE] * command.count(b"SET SESSION"), *rows([b"1"]))
        return
    if command[:1] == b"\x01":  # COM_QUIT, which no server answers
        return
    asks = command[1:].lstrip().upper().startswith((b"SELECT", b"SHOW"))
    conversation.send(*(rows([b"1"]) if asks else [OK]))


def on(word: bytes, *packets: bytes) -> Answer:
    """Decent but for commands that hold this word."""

    def answer(conversation: Conversation, command: bytes) -> None:
        if word in command:
            conversation.send(*packets)
        else:
            decent(conversation, command)

    return answer


def serving(answer: Answer) -> Script:
    def script(conversation: Conversation) -> None:
        conversation.serve(answer)

    return script


def nothing(_: Any) -> None:
    """Says no word."""
