"""DestApplier's own session: a small group that finds every worker idle is applied here and at once.

The way to a worker is a third of an idle job's latency. The session has a row of the checkpoint of its own, after those
of the workers. It is used in the event loop, which stands still meanwhile; so it takes only what ends about as soon as
a commit does, and waits for a row lock no longer than a second.
"""

from __future__ import annotations

from functools import partial

from udup.base.endpoint import Endpoint
from udup.base.errors import Transient
from udup.drivers.mysql.apply.errors import LOCK_ERRORS, failure_of
from udup.drivers.mysql.apply.session import ApplySession, KeptContext, RowCounts
from udup.drivers.mysql.client.connection import MySQLError, describe, error_code
from udup.pipeline.apply.executed import Books
from udup.pipeline.apply.scheduler import Assigned
from udup.pipeline.records import XaEnd

#: Bytes of events that may be applied without a worker: what takes no longer than a commit.
EXPRESS_BYTES = 16 << 10

#: Seconds to wait for a row lock here; what needs longer is for a worker, which can wait.
_LOCK_WAIT_SECONDS = 1

#: Tries to end a prepared transaction, which no worker does.
_TRIES = 20


class Express:
    def __init__(self, endpoint: Endpoint, job: str, slot: int, books: Books) -> None:
        """Connects. `slot` is the number of its row in the checkpoint, from 1."""
        self._endpoint = endpoint
        self._books = books
        self._index = slot - 1
        self._session = ApplySession(endpoint, job, slot, lock_wait=_LOCK_WAIT_SECONDS)
        self._counted, self._counted_at = RowCounts(), 0

    def apply(self, group: Assigned, context: bytes) -> bool:
        """Whether the group is committed; False if it is not for this, or not without waiting.

        `context` is the SET that its rows need. Raises what `failure_of` makes of the target's error.
        """
        if group.members[0].barrier or group.size > EXPRESS_BYTES:
            return False
        version, claim = self._books.propose(self._index, group.members)
        events = [member.events for member in group.members]
        try:
            self._session.apply(version, str(claim), events, context=context)
        except MySQLError as error:
            if error_code(error) in LOCK_ERRORS:
                self._session.rollback()
                return False
            taken_over = partial(self._session.is_taken_over, version)
            session = self._session
            raise failure_of(
                error, group.label, events, taken_over, has_crc=session.has_crc, remedy=session.remedy
            ) from error
        self._books.accept(self._index, claim)
        return True

    def end_prepared(self, group: Assigned, record: XaEnd, context: KeptContext) -> None:
        """XA COMMIT or XA ROLLBACK of what was kept; in a thread, for it may be large, while nothing else runs.

        `context` as in `ApplySession.end_prepared`. Raises `Unsupported` for XA COMMIT of an unknown one, else what
        `failure_of` makes of the target's error.
        """
        version, claim = self._books.propose(self._index, group.members)
        for attempt in range(1, _TRIES + 1):
            try:
                self._session.end_prepared(version, str(claim), record.xid, commit=record.commit, context=context)
                break
            except MySQLError as error:
                if error_code(error) in LOCK_ERRORS and attempt < _TRIES:
                    self._session.rollback()
                    continue
                raise failure_of(error, group.label, [], lambda: self._session.is_taken_over(version)) from error
        self._books.accept(self._index, claim)

    def set_format(self, event: bytes) -> None:
        """The events that follow are written by this FORMAT_DESCRIPTION."""
        self._session.set_format(event)

    def rows_written(self) -> RowCounts:
        """Rows that this session has written since it began; the server is asked only if there may be more."""
        version = self._books.version(self._index)
        if version == self._counted_at:
            return self._counted
        try:
            self._counted, self._counted_at = self._session.rows_written(), version
            return self._counted
        except MySQLError as error:
            raise Transient(f"on the target {self._endpoint}: {describe(error)}") from error

    def abandon(self) -> None:
        """Close from another thread, whatever is under way."""
        self._session.abandon()
