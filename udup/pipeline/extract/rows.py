"""The way of copied rows: from one reader of the source to the worker of the same number."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from udup.pipeline.extract.counters import ExtractCounters
from udup.pipeline.extract.outbox import Outbox
from udup.pipeline.ports import Piece
from udup.pipeline.records import CopyPiece, encode
from udup.pipeline.transport.compression import Compressor
from udup.pipeline.transport.flow import Window
from udup.pipeline.transport.link import Link, Subjects

#: Pieces of rows that may be on their way to one worker.
COPY_WINDOW_MESSAGES = 64

#: Seconds between looks at workers to whom nothing was sent for long; and how long that is.
WATCH_SECONDS, QUIET_SECONDS = 5.0, 10.0


class RowSender:
    """Numbers one reader's pieces and sends them, as far as the worker has room. Used by that reader's thread."""

    def __init__(
        self, subject: str, window: Window, outbox: Outbox, counters: ExtractCounters, *, compresses: bool = False
    ) -> None:
        self._subject = subject
        self._window = window
        self._outbox = outbox
        self._counters = counters
        self._stream = Compressor() if compresses else None
        self._number = 0

    def send(self, piece: Piece) -> None:
        """Wait for room, and send a piece."""
        self._number += 1
        message = CopyPiece(
            self._number,
            piece.table,
            piece.chunk,
            piece.last,
            piece.rows,
            piece.data,
            piece.values,
            piece.odd_dates,
            piece.span,
        )
        data = encode(message)
        self._window.take(self._number, len(data))
        self._outbox.put(self._subject, data if self._stream is None else self._stream.pack(data))
        self._counters.copied(piece.rows, len(data))


async def watch_rows(link: Link, subjects: Subjects, windows: Sequence[Window], copying: asyncio.Event) -> None:
    """Have a lost piece noticed that nothing follows: its worker would wait for the rest of its chunk for ever.

    An empty message shows by its number whether everything before it came (`transport/link.py`). `copying` is set
    while rows are sent to workers, and not all are known to be loaded.
    """
    while True:
        await copying.wait()
        await asyncio.sleep(WATCH_SECONDS)
        for slot, window in enumerate(windows, start=1):
            if window.quiet >= QUIET_SECONDS:
                await link.publish(subjects.copy(slot), b"")
