"""The session of the inline path (`pipeline/apply/inline.py`), by which prepared transactions are ended as well.

It is used in the event loop, so it waits for no lock longer than a second. What ends a prepared transaction may
be large, and runs in the control's thread while nothing else does.
"""

from __future__ import annotations

from collections.abc import Sequence

from udup.base.endpoint import Endpoint
from udup.base.errors import Contended, Side
from udup.drivers.mysql.apply.row_session import KeptContext
from udup.drivers.mysql.apply.session import explaining, open_rows
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.pipeline.ports import ApplyMode, Claim, RowCounts
from udup.pipeline.records import XaEnd

#: Seconds to wait for a row lock here; what needs longer is for a worker, which can wait.
_LOCK_WAIT_SECONDS = 1

#: Seconds for an answer, for which DestApplier's loop stands still: more than the 10 s that a semi-synchronous target
#: waits for its replica.
_ANSWER_SECONDS = 15.0

#: Tries to end a prepared transaction, which no worker does.
_TRIES = 20


@behind_the_seam(Side.TARGET)
class MySQLInlineSession:
    """`InlineSession` of `pipeline/ports/`; `end_prepared` and `set_format` are the control's."""

    def __init__(self, endpoint: Endpoint, job: str, slot: int, mode: ApplyMode = ApplyMode.BY_PRIVILEGE) -> None:
        self.endpoint = endpoint
        self._rows = open_rows(endpoint, job, slot, _LOCK_WAIT_SECONDS, _ANSWER_SECONDS, mode)

    def apply(self, claim: Claim, events: Sequence[bytes], prelude: bytes) -> None:
        """Commit the events with their claim; `Contended` if a lock was not to be had at once."""
        with explaining(self._rows, claim.label, claim.version, events):
            self._rows.apply(claim.version, claim.gtids, events, context=prelude)

    def rollback(self) -> None:
        self._rows.rollback()

    def rows_written(self) -> RowCounts:
        return self._rows.rows_written()

    def end_prepared(self, claim: Claim, record: XaEnd, context: KeptContext) -> None:
        """Run XA COMMIT or XA ROLLBACK of what was kept. `context` as in `RowSession.end_prepared`.

        Raise `Unsupported` for XA COMMIT of an unknown one.
        """
        for attempt in range(1, _TRIES + 1):
            try:
                self._end_prepared(claim, record, context)
                return
            except Contended:
                if attempt == _TRIES:
                    raise
                with self._rows.unhurried():
                    self.rollback()

    def _end_prepared(self, claim: Claim, record: XaEnd, context: KeptContext) -> None:
        """Try it once. What is undone after an error may take as long as what was done: it is not hurried either."""
        with self._rows.unhurried(), explaining(self._rows, claim.label, claim.version):
            self._rows.end_prepared(claim.version, claim.gtids, record.xid, commit=record.commit, context=context)

    def set_format(self, event: bytes) -> None:
        """Take the FORMAT_DESCRIPTION that the events which follow are written by."""
        self._rows.set_format(event)

    def abandon(self) -> None:
        """Close from another thread, whatever is under way."""
        self._rows.abandon()
