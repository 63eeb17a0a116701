"""Looking at a server that may not be there, for somebody who waits: what keeps it from being seen is a check too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, UdupError
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe
from udup.drivers.mysql.client.raw import shut_down
from udup.pipeline.checks import Check, Outcome

#: Seconds for a server to accept a connection, and to answer one question; whoever validates waits for this.
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 20

#: Seconds for one whole answer, and for all of one look, however they trickle: whoever validates holds a thread.
ANSWER_TIMEOUT_S, LOOK_TIMEOUT_S = 60, 120

_REACH = "look at Host, Port, User and Password, that the server runs, and that it lets this machine in"
ASK = "fix what the server says, and validate again"

T = TypeVar("T")


class NotSeen(Exception):
    """A server that could not be looked at; `check` says why."""

    def __init__(self, check: Check) -> None:
        self.check = check
        super().__init__(check.found)


@contextmanager
def connected(task: str, endpoint: Endpoint) -> Iterator[Connection]:
    """Open a connection, and close it afterwards; `NotSeen` for all that goes wrong on it."""
    try:
        connection = connect(
            endpoint,
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            answer_seconds=ANSWER_TIMEOUT_S,
        )
    except Refused as refused:
        fault = refused.faults[0]
        found = f"{fault.where}: {fault.problem}"
        raise NotSeen(Check(task, "connection", Outcome.FAIL, found, fault.remedy or _REACH)) from refused
    except UdupError as error:
        raise NotSeen(Check(task, "connection", Outcome.FAIL, str(error), _REACH)) from error
    watchdog = runtime.Timer(LOOK_TIMEOUT_S, shut_down, (connection,))
    watchdog.daemon = True
    watchdog.start()
    with closing(connection):
        try:
            yield connection
        except (MySQLError, OSError, UdupError) as error:
            found = f"{endpoint} does not answer what it is asked: {describe(error)}"
            raise NotSeen(Check(task, "dictionary", Outcome.FAIL, found, ASK)) from error
        except (IndexError, KeyError, TypeError, ValueError) as error:
            found = f"{endpoint} answers what no MySQL server does: {type(error).__name__}: {str(error)[:200]}"
            raise NotSeen(Check(task, "dictionary", Outcome.FAIL, found, _REACH)) from error
        finally:
            watchdog.cancel()


def looked(look: Callable[[], T]) -> T | Check:
    """Return what was seen, or the failed check that says why nothing was."""
    try:
        return look()
    except NotSeen as unseen:
        return unseen.check
