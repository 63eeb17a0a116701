"""A line to a server that freezes at a chosen word of its client's, and thaws when it is told to.

Nothing passes a frozen line in either direction, and both of its ends stay open. So it is to the server what a client
is that hangs (SIGSTOP, a paused machine), and to the client what a half-open connection is: nobody is told anything.
What was sent meanwhile passes when the line thaws.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from enum import Enum


class When(Enum):
    """What has passed of the packet with the word when the line freezes: nothing, a half, or all but its answer."""

    BEFORE = "before"
    HALF = "half"
    AFTER = "after"


class FreezingLine:
    """Listens from `with` on; all connections that pass it freeze at once."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._word, self._when = b"", When.BEFORE
        self._flows = threading.Event()
        self._flows.set()
        self.is_frozen = threading.Event()
        self._sockets: list[socket.socket] = []

    def freeze_at(self, word: bytes, when: When) -> None:
        """Freeze when the word comes next."""
        with self._lock:
            self._word, self._when = word, when

    def freeze(self) -> None:
        """Freeze now."""
        self._flows.clear()
        self.is_frozen.set()

    def thaw(self) -> None:
        with self._lock:
            self._word = b""
        self._flows.set()

    def __enter__(self) -> FreezingLine:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thaw()
        self._listener.close()
        for sock in self._sockets:
            _end(sock)
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to), 5)
            except OSError:
                return
            server.settimeout(None)
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets.append(sock)
            for pump in (self._to_server, self._to_client):
                threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                passed = self._freeze(data)
                server.sendall(data[:passed])
                self._flows.wait()
                server.sendall(data[passed:])
        self._flows.wait()
        _end(client)
        _end(server)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                self._flows.wait()
                client.sendall(data)
        self._flows.wait()
        _end(client)
        _end(server)

    def _freeze(self, data: bytes) -> int:
        """Return how much of what a client sends passes now; if the word is in it, the line is frozen."""
        with self._lock:
            if not self._flows.is_set():
                return 0
            if not self._word or self._word not in data:
                return len(data)
            self._word = b""
            self._flows.clear()
            self.is_frozen.set()
            return {When.BEFORE: 0, When.HALF: len(data) // 2, When.AFTER: len(data)}[self._when]


def _end(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
