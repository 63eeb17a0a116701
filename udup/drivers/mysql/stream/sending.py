"""What leaves the assembler: parts of a transaction that is still read, its end, XA, a statement by itself.

In front of a transaction's first rows goes what its context means, and what was passed over before it.
"""

from __future__ import annotations

from collections.abc import Iterator

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.query import status_of, thread_of
from udup.drivers.mysql.binlog.xa import XaStatement, XaVerb
from udup.drivers.mysql.stream.anonymous import WITHOUT_GTID
from udup.drivers.mysql.stream.contexts import Contexts
from udup.drivers.mysql.stream.skipped import SkippedTransactions
from udup.drivers.mysql.stream.told import Telling, rows_ends
from udup.drivers.mysql.stream.transaction import OpenTransaction
from udup.pipeline.records import PIECE_BYTES, Definition, Record, XaEnd


class Sending:
    """`_open` is the transaction that is read, `_announced` the tables whose definitions were sent."""

    _telling: Telling | None
    _contexts: Contexts
    _announced: set[bytes]
    _open: OpenTransaction | None
    _skipped: SkippedTransactions
    _fence: bool

    def _current(self) -> OpenTransaction:
        if self._open is None:
            raise Unsupported(f"the binary log holds changes without a GTID, {WITHOUT_GTID}")
        return self._open

    def _parts(self, current: OpenTransaction, count: int) -> Iterator[Record]:
        """Send the first `count` events kept so far."""
        if not current.parts:
            yield from self._skipped.flush()
            yield from self._tell_context(current)
        ends = rows_ends(current.events[:count]) if self._telling is not None else []
        data = current.take(count)
        for start in range(0, len(data), PIECE_BYTES):
            piece = data[start : start + PIECE_BYTES]
            told = self._told(current, sum(start < end <= start + len(piece) for end in ends))
            yield current.next_part(piece, last=False, told=told)

    def _told(self, current: OpenTransaction, count: int) -> bytes:
        """Return what the log says of the next rows events that are sent, if the job wants to know."""
        return self._telling.take(current.thread_id, count) if self._telling is not None else b""

    def _commit(self) -> Iterator[Record]:
        current = self._current()
        if not current.kept_rows and not current.create:
            self._open = None
            yield from self._skipped.add(current.id)
        else:
            yield from self._end(current)

    def _end(self, current: OpenTransaction, *, one_phase: bool = False) -> Iterator[Record]:
        self._open = None
        yield from self._skipped.flush()
        self._fence = False
        if current.creates:
            self._announced.clear()
        if current.parts or current.size > PIECE_BYTES:
            yield from self._parts(current, len(current.events))
            yield current.next_part(b"", last=True, one_phase=one_phase, told=self._told(current, 0))
            return
        yield from self._tell_context(current)
        yield current.whole(self._telling.take(current.thread_id) if self._telling is not None else b"")

    def _note_session(self, current: OpenTransaction, event: bytes) -> None:
        current.thread_id, current.status = thread_of(event), status_of(event)
        self._contexts.note_session(current.status, current.thread_id)

    def _tell_context(self, current: OpenTransaction) -> Iterator[Record]:
        """Say before its rows what the number of their context means, if that was not told yet."""
        current.context, told = self._contexts.number_of(current.status, current.thread_id)
        if told is not None:
            yield told

    def _xa(self, statement: XaStatement, event: bytes) -> Iterator[Record]:
        current = self._current()
        if statement.verb is XaVerb.START:
            current.begun, current.xid = True, statement.xid
            self._note_session(current, event)
        elif not current.begun:
            self._open = None
            yield from self._skipped.flush()
            self._fence = False
            yield XaEnd(current.id, statement.xid, statement.verb is XaVerb.COMMIT)

    def _prepare(self, *, one_phase: bool) -> Iterator[Record]:
        """End an XA transaction's first half, or the whole of it."""
        current = self._current()
        if one_phase and not current.parts:
            current.xid = ""
            yield from self._commit()
        else:
            yield from self._end(current, one_phase=one_phase)

    def _carry(self, current: OpenTransaction, query: bytes, summary: str) -> Iterator[Record]:
        """Send a statement by itself."""
        self._open = None
        yield from self._skipped.flush()
        self._fence = False
        # Definitions may have changed: every table's is checked again when it comes next.
        self._announced.clear()
        yield from self._tell_context(current)
        told = self._telling.definition(current.thread_id) if self._telling is not None else b""
        yield Definition(current.id, query, summary, current.context, told)
