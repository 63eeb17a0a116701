"""An address of loopback that leads to a server elsewhere on it: stored jobs name one that no test can choose again."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

#: Seconds for another run of the tests on this machine to let go of the address.
PATIENCE = 120.0


class Relay:
    """Listens at `address` from `with` on, and passes bytes to the port on 127.0.0.1 and back."""

    def __init__(self, address: tuple[str, int], port: int) -> None:
        self._address, self._port = address, port
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Relay:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self._listener = socket.create_server(self._address)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._port), 5)
                except OSError:
                    client.close()
                    continue
                server.settimeout(None)
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets += [client, server]
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=_pump, args=ends, daemon=True).start()


def _pump(read: socket.socket, write: socket.socket) -> None:
    with suppress(OSError):
        while data := read.recv(1 << 16):
            write.sendall(data)
    for each in (read, write):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
