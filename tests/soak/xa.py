"""XA transactions of the writers: some end in their own session, some by another's hand a while later.

A source that is killed keeps what it has prepared, with its locks; so every xid is remembered from the moment at which
it may have been prepared, until somebody has ended it.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, query
from udup.drivers.mysql.client.xa_recover import recover

#: Seconds that a prepared transaction waits for another session, at most.
PAUSE_SECONDS = 0.5

#: What all xids begin with.
_PREFIX = "soak-"

#: There is no such xid: it was never prepared, held no change, or somebody has ended it.
_XAER_NOTA = 1397


class XaTransactions:
    """For all writers of a round."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[float, str]] = []  # when it may be ended, and its xid

    def run(self, connection: Connection, dice: random.Random, work: Callable[[], None]) -> str:
        """`work` as an XA transaction: what became of it. An error of the work rolls it back."""
        xid = f"'{_PREFIX}{dice.getrandbits(64):x}'" + dice.choice(["", ", 'branch'", ", '', 7"])
        query(connection, f"XA START {xid}")
        try:
            work()
        except MySQLError:
            with suppress(MySQLError):  # a deadlock has ended it already
                query(connection, f"XA END {xid}")
            query(connection, f"XA ROLLBACK {xid}")
            raise
        query(connection, f"XA END {xid}")
        if dice.random() < 0.15:
            query(connection, f"XA COMMIT {xid} ONE PHASE")
            return "xa in one phase"
        try:
            query(connection, f"XA PREPARE {xid}")
        finally:
            self._leave(xid, dice.choice([0.0, PAUSE_SECONDS * dice.random()]))
        return "xa prepared"

    def end_one(self, connection: Connection, dice: random.Random) -> bool:
        """End a transaction that some writer has left, if one has waited long enough."""
        with self._lock:
            due = next((left for left in self._left if left[0] <= time.monotonic()), None)
            if due is None:
                return False
            self._left.remove(due)
        try:
            _end(connection, due[1], dice)
        except MySQLError:
            self._leave(due[1], PAUSE_SECONDS)
            raise
        return True

    def end_all(self, endpoint: Endpoint) -> None:
        """When the writers have stopped: whatever of theirs the source says is prepared."""
        with closing(connect(endpoint)) as connection:
            for each in recover(connection):
                if each.gtrid.startswith(_PREFIX.encode()):
                    _end(connection, str(each), random.Random(str(each)))
        self._left.clear()

    def _leave(self, xid: str, seconds: float) -> None:
        with self._lock:
            self._left.append((time.monotonic() + seconds, xid))


def _end(connection: Connection, xid: str, dice: random.Random) -> None:
    try:
        query(connection, f"XA {dice.choice(['COMMIT', 'COMMIT', 'ROLLBACK'])} {xid}")
    except MySQLError as error:
        if error_code(error) != _XAER_NOTA:
            raise


def told_of_prepared(source: Endpoint, target: Endpoint) -> str:
    """Return what both servers have of prepared transactions, and where the source's log has those of the target."""
    with suppress(MySQLError, UdupError, OSError):
        with closing(connect(source)) as connection:
            prepared = [str(each) for each in recover(connection)]
            with closing(connect(target)) as other:
                kept = query(other, "SELECT DISTINCT job, xid FROM udup.prepared")
            logged = _in_the_log(connection, {str(xid).lower() for _, xid in kept})
        return f"prepared on the source: {prepared}, kept on the target: {kept}, in the log: {logged}"
    return "what is prepared could not be asked for"


def _in_the_log(connection: Connection, xids: set[str]) -> list[str]:
    found = []
    for file, *_ in query(connection, "SHOW BINARY LOGS") if xids else ():
        for _, offset, _, _, _, info in query(connection, f"SHOW BINLOG EVENTS IN '{file}'"):
            verb = re.match(r"XA (?:START|PREPARE|COMMIT|ROLLBACK) (\S+)", str(info))
            if verb is not None and verb[1].rstrip(";").lower() in xids:
                found.append(f"{file} {offset}: {verb[0]}")
    return found
