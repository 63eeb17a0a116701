"""A line as between two sites: so many bits a second each way for all that goes over it, and a delay. On loopback."""

from __future__ import annotations

import queue
import socket
import threading
import time
from contextlib import suppress

HOST = "127.0.0.1"

#: Bytes that are taken at a time, and that a socket of the line holds: what waits is to wait at the sender.
PIECE, BUFFER = 4 << 10, 64 << 10

#: Seconds of data that may wait in the line itself, as in a router.
QUEUE_SECONDS = 0.1


class _Way:
    """One direction, shared by all connections."""

    def __init__(self, bytes_per_s: float) -> None:
        self._rate = bytes_per_s
        self._lock = threading.Lock()
        self._free_at = 0.0
        self.carried = 0

    def carry(self, size: int) -> float:
        """Return when these bytes have left, on `time.monotonic`'s clock; wait while too much waits already."""
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic()) + size / self._rate
            self.carried += size
            left = self._free_at
        if (ahead := left - time.monotonic() - QUEUE_SECONDS) > 0:
            time.sleep(ahead)
        return left


class SlowLine:
    """Leads from `port` to a target's port, within `with`. `delay_s` is one way's."""

    def __init__(self, target: int, megabits: float, delay_s: float) -> None:
        self._target, self._delay = target, delay_s
        self.there, self.back = _Way(megabits * 1e6 / 8), _Way(megabits * 1e6 / 8)
        self._sockets: list[socket.socket] = []
        self._listening = socket.socket()
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._listening.bind((HOST, 0))
        self._listening.listen()
        self.port = int(self._listening.getsockname()[1])

    def __enter__(self) -> SlowLine:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listening, *self._sockets):
            _end(each)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
                far = socket.socket()
                far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
                far.connect((HOST, self._target))
            except OSError:
                return
            self._sockets += [near, far]
            for a, b, way in ((near, far, self.there), (far, near, self.back)):
                a.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                waiting: queue.Queue[tuple[float, bytes]] = queue.Queue()
                threading.Thread(target=self._read, args=(a, way, waiting), daemon=True).start()
                threading.Thread(target=self._write, args=(b, waiting), daemon=True).start()

    def _read(self, a: socket.socket, way: _Way, waiting: queue.Queue[tuple[float, bytes]]) -> None:
        data = b"-"
        while data:
            try:
                data = a.recv(PIECE)
            except OSError:
                data = b""
            waiting.put((way.carry(len(data)) + self._delay, data))

    def _write(self, b: socket.socket, waiting: queue.Queue[tuple[float, bytes]]) -> None:
        while True:
            due, data = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                _end(b)
                return
            with suppress(OSError):
                b.sendall(data)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
