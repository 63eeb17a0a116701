"""The connections of the HTTP server: none keeps others out, and there is always one for the sign of life.

Whoever reaches the port can open connections and say nothing, or say a header byte by byte, and needs no token for it.
So a header has a time within which it must be whole; and when there are as many connections as there may be, a new one
takes the place of an idle one, of the address that has most of them. A request under way is never ended for that.

/v1/health/live has a thread of its own, so that it is answered while all others are at work or wait for something.
Streams have threads of their own too, as many as there may be of them.
"""

from __future__ import annotations

import re
import socket
import time
from collections import Counter
from contextlib import suppress
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask as WaitressErrorTask
from waitress.task import ThreadedTaskDispatcher, WSGITask

from udup.web.live.stream import STREAMS, STUCK_S, UNSENT, UNSENT_MAX
from udup.web.problems import error_body

#: The path that is answered whatever else there is to do.
LIVE = "/v1/health/live"

#: The path whose answers are streams, which have threads of their own.
STREAM = "/v1/events"

#: Threads beyond those of streams: they refuse the requests for which there is no place.
STREAM_SPARE = 2

#: Seconds for a whole request to arrive, its body with it.
REQUEST_S = 300

#: Connections beyond the limit while all others have requests under way: the sign of life comes through one of them.
RESERVE = 16

#: Seconds for which a connection that has just come, or has just been answered, is left alone: it may be about to ask.
GRACE_S = 0.2


#: Bytes of a request's beginning that are kept: by its Accept its errors are told.
SAID_BYTES = 4096

_ACCEPT = re.compile(rb"\r\naccept:([^\r\n]*)", re.IGNORECASE)


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request as it comes, which knows how it began."""

    said = b""

    def received(self, data: bytes) -> int:
        if not self.headers_finished:
            self.said = (self.said + data)[:SAID_BYTES]
        return int(super().received(data))


class ErrorTask(WaitressErrorTask):  # type: ignore[misc]
    """The answer to what is no request, or one that is too large: in the form that its Accept names."""

    def execute(self) -> None:
        error = self.request.error
        self.status, headers, _ = error.to_response(self.channel.server.adj.ident)
        found = _ACCEPT.search(self.request.said)
        accept = found[1].decode("latin-1") if found else ""
        body, kind = error_body(accept, error.code, f"{error.reason}: {error.body}")
        self.response_headers += [("Content-Type", kind)] + [each for each in headers if each[0] != "Content-Type"]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Task(WSGITask):  # type: ignore[misc]
    """A request that is answered; what answers it may ask how much of the answer waits to be sent."""

    def get_environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = super().get_environment()
        environment[UNSENT] = lambda: self.channel.total_outbufs_len
        return environment


class Channel(HTTPChannel):  # type: ignore[misc]
    """One connection, which knows since when a request has been coming."""

    parser_class = Parser
    error_task_class = ErrorTask
    task_class = Task

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.began = self.creation_time  # who connects has something to say

    def received(self, data: bytes) -> bool:
        before = self.request
        taken = bool(super().received(data))
        if self.request is None:
            self.began = 0.0
        elif self.request is not before:
            self.began = time.time()
        return taken

    def keep_little_unsent(self) -> None:
        """Have the system take no more than it can send soon: what waits in it for a slow client is old by then.

        And have it give up a client that is gone without a word, a machine that sleeps or a network that broke: by
        itself it tries for a quarter of an hour, while the stream's place is taken.
        """
        for option, value in (("TCP_NOTSENT_LOWAT", UNSENT_MAX), ("TCP_USER_TIMEOUT", int(STUCK_S * 1000))):
            if hasattr(socket, option) and self.connected:
                with suppress(OSError):  # the client has hung up
                    self.socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    @property
    def idle(self) -> bool:
        """Whether no request of it is being answered."""
        return not self.requests

    def may_go(self, now: float) -> bool:
        """Whether another connection may take its place."""
        return self.idle and now - self.last_activity > GRACE_S

    def overdue(self, now: float, header_s: float) -> bool:
        """Whether it has been silent, or has been saying the same request, for too long."""
        if not self.idle:
            return False
        if now - self.last_activity > self.adj.channel_timeout:
            return True
        if not self.began or self.total_outbufs_len:
            return False
        said = self.request is not None and self.request.headers_finished
        return bool(now - self.began > (REQUEST_S if said else header_s))


class Server(TcpWSGIServer):  # type: ignore[misc]
    """waitress's server over a socket that listens already."""

    channel_class = Channel
    next_channel_cleanup: float = 0.0

    def __init__(
        self, app: Any, connections: dict[int, Any], listener: socket.socket, adj: Adjustments, header_s: float
    ) -> None:
        self._header_s = header_s
        threads, self.live_dispatcher = ThreadedTaskDispatcher(), ThreadedTaskDispatcher()
        self.stream_dispatcher = ThreadedTaskDispatcher()
        threads.set_thread_count(adj.threads)
        self.live_dispatcher.set_thread_count(1)
        self.stream_dispatcher.set_thread_count(STREAMS + STREAM_SPARE)
        info = (listener.family, listener.type, listener.proto, listener.getsockname())
        super().__init__(
            app, connections, True, listener, dispatcher=threads, adj=adj, bind_socket=False, sockinfo=info
        )

    def shut_down(self, timeout: float) -> None:
        """Let the threads end what they do."""
        for dispatcher in (self.task_dispatcher, self.live_dispatcher, self.stream_dispatcher):
            dispatcher.shutdown(timeout=timeout)

    def add_task(self, task: Any) -> None:
        path = getattr(task.requests[0], "path", "") if task.requests else ""
        if path == LIVE:
            self.live_dispatcher.add_task(task)
        elif path == STREAM:
            task.keep_little_unsent()
            self.stream_dispatcher.add_task(task)
        else:
            self.task_dispatcher.add_task(task)

    def maintenance(self, now: float) -> None:
        for channel in self.active_channels.values():
            if channel.overdue(now, self._header_s):
                channel.will_close = True

    def readable(self) -> bool:
        """Whether another connection may be accepted; called once a round of the loop."""
        now = time.time()
        if now >= self.next_channel_cleanup:
            self.next_channel_cleanup = now + self.adj.cleanup_interval
            self.maintenance(now)
        return bool(self.accepting) and not (
            self.full and not any(c.may_go(now) for c in self.active_channels.values())
        )

    @property
    def full(self) -> bool:
        """Whether a new connection can only be accepted when another one goes."""
        return bool(len(self.active_channels) >= self.adj.connection_limit + RESERVE)

    def handle_accept(self) -> None:
        super().handle_accept()
        while len(self.active_channels) > self.adj.connection_limit and self._make_room(time.time()):
            pass

    def _make_room(self, now: float) -> bool:
        """Close the connection that has been idle for longest, of the address that has most; False if none may go."""
        idle = [channel for channel in self.active_channels.values() if channel.may_go(now)]
        if not idle:
            return False
        of_address = Counter(_address(channel) for channel in self.active_channels.values())
        most = max(of_address[_address(channel)] for channel in idle)
        crowd = [channel for channel in idle if of_address[_address(channel)] == most]
        min(crowd, key=lambda channel: channel.last_activity).handle_close()
        return True


def _address(channel: Any) -> str:
    return str(channel.addr[0]) if channel.addr else ""
