"""Thespian's looks at its sockets, which cost it something for each socket: the supervisor has one for each actor.

* Before each look Thespian makes a selector and registers every socket with it. In Python that costs 9 µs a socket,
  2 ms a look with 200 actors; here it is a call into the kernel's table.
* After it, each socket is found by its address, whose hash is made anew in Python each time, and asked whether it is
  too old. Here the key is the name of the socket, and the age is one comparison.
"""

from __future__ import annotations

import errno
import math
import select
import selectors
import socket
from typing import Any, NamedTuple

from thespian.system.transport import TCPTransport

from udup.base import runtime

_POLLED = {
    selectors.EVENT_READ: select.POLLIN,
    selectors.EVENT_WRITE: select.POLLOUT,
    selectors.EVENT_READ | selectors.EVENT_WRITE: select.POLLIN | select.POLLOUT,
}


class Ready(NamedTuple):
    """What Thespian reads of a selector's key."""

    fd: int


class Poll:
    """What Thespian uses of a selector, for one look."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._wanted: dict[int, int] = {}

    def register(self, fd: int, events: int) -> None:
        """Have it looked at."""
        wanted = self._wanted[fd] = self._wanted.get(fd, 0) | events
        self._poll.register(fd, _POLLED[wanted])

    def select(self, timeout: float | None = None) -> list[tuple[Ready, int]]:
        """Return what is ready; `OSError` if a descriptor is none."""
        milliseconds = None if timeout is None else max(0, math.ceil(timeout * 1000))
        ready = []
        for fd, found in self._poll.poll(milliseconds):
            if found & select.POLLNVAL:
                raise OSError(errno.EBADF, f"{fd} is not open")
            events = selectors.EVENT_WRITE if found & ~select.POLLIN else 0
            events |= selectors.EVENT_READ if found & ~select.POLLOUT else 0
            if events & self._wanted[fd]:
                ready.append((Ready(fd), events & self._wanted[fd]))
        return ready

    def close(self) -> None:
        """Do nothing: it holds no descriptor of its own."""


def _key(address: Any) -> Any:
    """Return what an open socket is found by: no two actors of a node listen at one place."""
    details = address.addressDetails
    return getattr(details, "sockname", details)


class _Idle(TCPTransport.IdleSocket):  # type: ignore[misc]
    """A socket that is kept open, with an age that is cheap to ask for."""

    def __init__(self, open_socket: socket.socket, address: Any) -> None:
        super().__init__(open_socket, address)
        self._end: float = runtime.now() + TCPTransport.MAX_IDLE_SOCKET_PERIOD.total_seconds()

    def expired(self) -> bool:
        return runtime.now() > self._end


class _Selectors:
    """In the place of the module `selectors`."""

    DefaultSelector = Poll
    EVENT_READ, EVENT_WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def look_quickly() -> None:
    """Have Thespian's transport look like that; harmless when called again."""
    TCPTransport.selectors = _Selectors
    TCPTransport.opsKey = _key
    TCPTransport.IdleSocket = _Idle
