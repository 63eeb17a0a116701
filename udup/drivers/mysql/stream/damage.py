"""Events that are not what their lengths say: a damaged log, or one of a server that Udup does not know."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from udup.base.errors import Unsupported
from udup.pipeline.records import Record


def understood(feed: Callable[[bytes], Iterator[Record]], event: bytes) -> Iterator[Record]:
    """What `feed` makes of an event; one that is not what its lengths say is `Unsupported`, before anything of it."""
    try:
        yield from feed(event)
    except (IndexError, KeyError, OverflowError, RecursionError, struct.error, ValueError) as error:
        raise Unsupported(
            f"an event of type {event[4]} of {len(event)} bytes cannot be read ({type(error).__name__}: {error}); look "
            "whether mysqlbinlog reads it, since the binary log is damaged, or of a server that Udup does not know"
        ) from error
