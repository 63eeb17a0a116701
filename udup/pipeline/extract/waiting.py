"""What an extractor waits for, and for how long: what of that is told."""

from __future__ import annotations

from collections.abc import Sequence

from udup.base import runtime
from udup.base.errors import Side
from udup.pipeline.transport.flow import Window
from udup.pipeline.waits import TOLD_SECONDS, Began, Wait, WaitKind, Waits

#: Seconds that a wait for the source's own moment must last to be told: a copy begins when it is over.
SOURCE_WAIT_SECONDS = 1.0


def waits_of(source: Waits, asked: Began | None, log: Window, copies: Sequence[Window]) -> tuple[Wait, ...]:
    """Return the waits that last: what the source itself waits for first, then what the target keeps waiting.

    `asked` is when the target was asked for its tables; `log` and `copies` are the windows of what is sent there.
    """
    own = source.longest(SOURCE_WAIT_SECONDS)
    found = [] if own is None else [own]
    if asked is not None and asked.lasted >= TOLD_SECONDS:
        found.append(Wait(WaitKind.TARGET_TABLES, Side.TARGET, asked.wall))
    if (waited := log.waited) >= TOLD_SECONDS:
        found.append(Wait(WaitKind.CREDITS, Side.TARGET, runtime.wall() - waited))
    for worker, window in enumerate(copies, start=1):
        if (waited := window.waited) >= TOLD_SECONDS:
            found.append(Wait(WaitKind.COPY_CREDITS, Side.TARGET, runtime.wall() - waited, worker=worker))
    return tuple(found)
