"""A proxy that does one thing wrong: at the nth step of what passes it, it refuses, closes, resets or falls silent.

A step is a connection that is opened, a packet that the client sends, or, once the client has asked for the binary
log, a packet that the server sends; of NATS, a line with what belongs to it. A proxy that has fallen silent keeps both
ends open and acknowledges what they send: a half-open connection, of which no kernel tells anything.
"""

from __future__ import annotations

import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

_DUMPS = (0x12, 0x1E)  # COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID
_LINGER_NOTHING = struct.pack("ii", 1, 0)


class Wrong(Enum):
    """What is done wrong. `AFTER`: the step reaches the other end, and its answer is lost."""

    ERROR = "error"
    CLOSE = "close"
    CLOSE_AFTER = "close after"
    RESET = "reset"
    RESET_AFTER = "reset after"
    HALF = "half an answer"
    SILENCE = "silence"
    SILENCE_AFTER = "silence after"


@dataclass
class Fault:
    """At the `nth` step from now on; `code` is the number of an `ERROR`. `fired`: at what it was."""

    nth: int
    wrong: Wrong
    code: int = 1105
    fired: str = ""


class Proxy:
    """Listens from `with` on. Which protocol it speaks is said by the class that a connection is made of."""

    def __init__(self, port: int, kind: type[Passage]) -> None:
        self._to = port
        self._kind = kind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._sockets: list[socket.socket] = []
        self.steps = 0

    def arm(self, fault: Fault) -> None:
        """Count steps from here on; do this at the nth."""
        with self._lock:
            self.steps, self._fault = 0, fault

    def disarm(self) -> None:
        with self._lock:
            self._fault = None

    def step(self, what: str) -> Fault | None:
        """Return what to do wrong now."""
        with self._lock:
            fault = self._fault
            if fault is None:
                return None
            self.steps += 1
            if fault.fired or self.steps < fault.nth:
                return None
            fault.fired = what
            return fault

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._to), 5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets = [each for each in self._sockets if each.fileno() >= 0] + [client, server]
            passage = self._kind(self, client, server)
            for pump in (passage.to_server, passage.to_client):
                threading.Thread(target=passage.run, args=(pump,), daemon=True).start()


class Passage(ABC):
    """One connection. `to_server` and `to_client` run in threads of their own."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client, self._server = client, server
        self._opened = threading.Event()
        self._to_server = self._to_client = True  # whether what comes is passed on
        self._half = False

    def run(self, pump: Callable[[], None]) -> None:
        with suppress(OSError):
            pump()
        self._close(self._client, self._server)

    @abstractmethod
    def to_server(self) -> None: ...

    @abstractmethod
    def to_client(self) -> None: ...

    @abstractmethod
    def error(self, number: int, code: int) -> bytes:
        """Return an error as this protocol has it, after a packet of this number."""

    def _close(self, *sockets: socket.socket, reset: bool = False) -> None:
        for sock in sockets:
            with suppress(OSError):
                if reset:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOTHING)
                    sock.shutdown(socket.SHUT_RD)  # wakes the other thread, which holds the socket open
                    sock.close()
                else:
                    sock.shutdown(socket.SHUT_RDWR)

    def _do(self, fault: Fault, data: bytes, number: int) -> None:
        """Do what is wrong with a packet of the client's."""
        if fault.wrong in (Wrong.CLOSE_AFTER, Wrong.RESET_AFTER, Wrong.SILENCE_AFTER, Wrong.HALF):
            self._to_client = self._half = fault.wrong is Wrong.HALF
            self._server.sendall(data)
        match fault.wrong:
            case Wrong.ERROR:
                self._client.sendall(self.error(number, fault.code))
            case Wrong.CLOSE:
                self._close(self._client, self._server)
            case Wrong.RESET:
                self._close(self._client, self._server, reset=True)
            case Wrong.CLOSE_AFTER | Wrong.RESET_AFTER:
                threading.Timer(0.05, self._close, (self._client,), {"reset": fault.wrong is Wrong.RESET_AFTER}).start()
            case Wrong.SILENCE:
                self._to_server = self._to_client = False
            case Wrong.SILENCE_AFTER:
                self._to_server = False
            case Wrong.HALF:
                """The other thread cuts the answer."""


class MySQLPassage(Passage):
    _dumps = False

    def to_server(self) -> None:
        if (fault := self._proxy.step("connect")) is not None:
            self._do(fault, b"", 255)
        self._opened.set()
        for packet in packets(self._client):
            fault = self._proxy.step(_named(packet)) if self._to_server else None
            if fault is not None:
                self._do(fault, packet, packet[3])
            elif self._to_server:
                self._dumps = self._dumps or (packet[3] == 0 and packet[4] in _DUMPS)
                self._server.sendall(packet)

    def to_client(self) -> None:
        self._opened.wait()
        for packet in packets(self._server):
            if not self._to_client:
                continue
            fault = self._proxy.step("event") if self._dumps and self._to_server else None
            if self._half or (fault is not None and fault.wrong is Wrong.HALF):
                self._client.sendall(packet[: max(1, len(packet) // 2)])
                return
            if fault is None:
                self._client.sendall(packet)
            elif fault.wrong in (Wrong.SILENCE, Wrong.SILENCE_AFTER):
                self._to_server = self._to_client = False
            elif fault.wrong is Wrong.ERROR:
                self._client.sendall(self.error((packet[3] - 1) % 256, fault.code))
                self._to_client = False
            else:
                self._close(self._client, reset="reset" in fault.wrong.value)
                return

    def error(self, number: int, code: int) -> bytes:
        body = b"\xff" + struct.pack("<H", code) + b"#HY000injected by the test"
        return struct.pack("<I", len(body))[:3] + bytes([(number + 1) % 256]) + body


class NatsPassage(Passage):
    def to_server(self) -> None:
        self._opened.set()
        for line in _nats_lines(self._client):
            fault = (
                self._proxy.step(line.split(b"\r\n")[0].decode("utf-8", "replace")[:60]) if self._to_server else None
            )
            if fault is not None:
                self._do(fault, line, 0)
            elif self._to_server:
                self._server.sendall(line)

    def to_client(self) -> None:
        while data := self._server.recv(1 << 16):
            if self._half:
                self._client.sendall(data[: len(data) // 2])
                return
            if self._to_client:
                self._client.sendall(data)

    def error(self, number: int, code: int) -> bytes:
        return b"-ERR 'Injected by the test'\r\n"


def packets(sock: socket.socket) -> Iterator[bytes]:
    """Yield MySQL's packets with their heads until the end."""
    held = bytearray()
    while data := sock.recv(1 << 16):
        held += data
        while len(held) >= 4 and len(held) >= (size := 4 + int.from_bytes(held[:3], "little")):
            yield bytes(held[:size])
            del held[:size]


def _named(packet: bytes) -> str:
    """Return a client's packet for people."""
    if packet[3] != 0 or len(packet) < 5:
        return f"packet {packet[3]}"
    return f"command {packet[4]:#x} {packet[5:65].decode('utf-8', 'replace')}"


def _nats_lines(sock: socket.socket) -> Iterator[bytes]:
    """Yield a NATS client's lines, each with the payload that it announces."""
    held = bytearray()
    while data := sock.recv(1 << 16):
        held += data
        while (end := held.find(b"\r\n")) >= 0:
            size = end + 2
            words = bytes(held[:end]).split()
            if words and words[0].upper() in (b"PUB", b"HPUB"):
                size += int(words[-1]) + 2
            if len(held) < size:
                break
            yield bytes(held[:size])
            del held[:size]
