"""A connection for short questions that follow each other, for whoever has several to put to one server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect

#: Seconds for which it is kept for the next question. What stands idle for longer may be given up on the way.
KEPT_SECONDS = 2.0


class Asking:
    """Opened by the first question, on one thread. What is asked leaves the session as it was, or is right in any.

    The session is `PLAIN`. A question that fails is the last on its connection.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._connection: Connection | None = None
        self._since = 0.0

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Yield it: that of the question before, if that was a moment ago."""
        if self._connection is None or runtime.now() - self._since > KEPT_SECONDS:
            self.close()
            self._connection = connect(self.endpoint)
        try:
            yield self._connection
        except BaseException:
            self.close()
            raise
        self._since = runtime.now()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(MySQLError, OSError):  # closed already
                connection.close()


@contextmanager
def asked(endpoint: Endpoint, asking: Asking | None = None) -> Iterator[Connection]:
    """Yield a connection for some questions: that one's, or one of their own."""
    own = Asking(endpoint) if asking is None else None
    try:
        with (own or asking or Asking(endpoint)).connection() as connection:
            yield connection
    finally:
        if own is not None:
            own.close()
