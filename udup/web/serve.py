"""The HTTP server: waitress in a thread of its own, which can be stopped from any other.

waitress's own `run` ends only by a signal in the main thread, so its loop is turned here, one round at a time.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments

from udup.base.config import Settings
from udup.base.errors import ConfigError
from udup.web.blocking import PLACES
from udup.web.connections import GRACE_S, Server

#: Bytes of a body that are taken in at all, beyond the API's own limit, so that the API can refuse with its own words.
BODY_SLACK = 2 << 20

#: Connections that may wait to be accepted.
BACKLOG = 128

#: Seconds between looks for connections that have been idle, or at the same request, for too long.
CLEANUP_S = 1

#: Seconds between looks at the stop flag; a stop also wakes the loop.
ROUND_S = 1.0

#: Seconds that requests under way may take to end at a stop.
STOP_TIMEOUT_S = 5.0


class WebServer:
    """Listens as soon as it is made, answers from `start` until `stop`."""

    def __init__(
        self, app: Callable[..., Any], settings: Settings, before_stop: Callable[[], None] = lambda: None
    ) -> None:
        """Listen on the settings' address; `ConfigError` if that cannot be. `before_stop` lets waiting requests go."""
        self._stopping = threading.Event()
        self._before_stop = before_stop
        self._thread = threading.Thread(target=self._turn, name="web", daemon=True)
        self._map: dict[int, Any] = {}
        # Bound before the server makes its threads, which a port that is taken would leave behind.
        listener = _listening(settings.bind_addr, settings.ports.http)
        adjustments = Adjustments(
            sockets=[listener],
            threads=settings.http.threads + PLACES,
            ident="udup",
            max_request_header_size=settings.http.max_header_bytes,
            max_request_body_size=settings.http.max_body_bytes + BODY_SLACK,
            connection_limit=settings.http.connections,
            backlog=BACKLOG,
            channel_timeout=settings.http.idle_timeout_s,
            cleanup_interval=CLEANUP_S,
            channel_request_lookahead=1,  # read on while a request waits: so it is noticed that its client hung up
            clear_untrusted_proxy_headers=True,
        )
        self._server = Server(app, self._map, listener, adjustments, settings.http.header_timeout_s)

    @property
    def port(self) -> int:
        """The port that it listens on, also when the settings left the choice to the system."""
        return int(self._server.effective_port)

    @property
    def url(self) -> str:
        host = str(self._server.effective_host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let requests under way end, then close everything. May be called twice, or without a start."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._before_stop()
        if self._thread.is_alive():
            with suppress(OSError):  # its loop woke by itself meanwhile and has closed everything
                self._server.pull_trigger()
            self._thread.join(STOP_TIMEOUT_S + 2 * ROUND_S)
        else:
            self._close()

    def _turn(self) -> None:
        while not self._stopping.is_set():
            patience = GRACE_S if self._server.full else ROUND_S
            wasyncore.loop(timeout=patience, map=self._map, use_poll=True, count=1)
        self._close()

    def _close(self) -> None:
        self._server.shut_down(STOP_TIMEOUT_S)
        wasyncore.close_all(self._map, ignore_all=True)


def _listening(address: str, port: int) -> socket.socket:
    """A socket that listens; `ConfigError` with what to do if the address is taken or not this machine's."""
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        why = "another program listens there" if error.errno == errno.EADDRINUSE else error.strerror
        text = f"cannot listen on {address}:{port}: {why}; stop it or set ports.http to another port"
        raise ConfigError(text) from error
    return listener
