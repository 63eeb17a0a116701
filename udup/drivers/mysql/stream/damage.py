"""Events that are not what their lengths say: a damaged log, or one of a server that Udup does not know."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from udup.base.causes import Cause, reason
from udup.base.errors import Unsupported

#: What reading such an event may fail with.
DAMAGE = (IndexError, KeyError, OverflowError, RecursionError, struct.error, ValueError)


def unreadable(event: bytes, error: Exception) -> Unsupported:
    """Return the error that says so of an event."""
    return Unsupported(
        f"an event of type {event[4]} of {len(event)} bytes cannot be read ({type(error).__name__}: {error}); look "
        "whether mysqlbinlog reads it, since the binary log is damaged, or of a server that Udup does not know"
    ).because(reason(Cause.LOG_DAMAGED))


@contextmanager
def naming(event: bytes) -> Iterator[None]:
    """Raise `unreadable` of this event for what it fails with inside of it, also while a later event is fed."""
    try:
        yield
    except DAMAGE as error:
        raise unreadable(event, error) from error
