"""The HTTP server: waitress in a thread of its own, which can be stopped from any other.

waitress's own `run` ends only by a signal in the main thread, so its loop is turned here, one round at a time.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from udup.config import Settings
from udup.errors import ConfigError

#: Bytes of a body that are taken in at all, beyond the API's own limit, so that the API can refuse with its own words.
BODY_SLACK = 16 << 20

#: Seconds that a client may take between the parts of a request, and a connection may stay idle.
IDLE_TIMEOUT_S = 120

#: Seconds between looks at the stop flag; a stop also wakes the loop.
ROUND_S = 1.0

#: Seconds that requests under way may take to end at a stop.
STOP_TIMEOUT_S = 5.0


class WebServer:
    """Listens as soon as it is made, answers from `start` until `stop`."""

    def __init__(self, app: Callable[..., Any], settings: Settings) -> None:
        """Bind to the settings' address; `ConfigError` if that cannot be."""
        address, port = settings.bind_addr, settings.ports.http
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._turn, name="web", daemon=True)
        self._map: dict[int, Any] = {}
        try:
            self._server = create_server(
                app,
                map=self._map,
                host=address,
                port=port,
                threads=settings.http.threads,
                ident="udup",
                max_request_body_size=settings.http.max_body_bytes + BODY_SLACK,
                channel_timeout=IDLE_TIMEOUT_S,
                clear_untrusted_proxy_headers=True,
            )
        except OSError as error:
            why = "another program listens there" if error.errno == errno.EADDRINUSE else error.strerror
            text = f"cannot listen on {address}:{port}: {why}; stop it or set ports.http to another port"
            raise ConfigError(text) from error

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
        if self._thread.is_alive():
            self._server.pull_trigger()
            self._thread.join(STOP_TIMEOUT_S + 2 * ROUND_S)
        else:
            self._close()

    def _turn(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=ROUND_S, map=self._map, use_poll=True, count=1)
        self._close()

    def _close(self) -> None:
        self._server.task_dispatcher.shutdown(timeout=STOP_TIMEOUT_S)
        wasyncore.close_all(self._map, ignore_all=True)
