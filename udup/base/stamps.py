"""Times as answers and texts tell them: RFC 3339, UTC. Seconds are those since the epoch."""

from __future__ import annotations

import time


def to_the_second(seconds: float) -> str:
    """Return a time without its fraction of a second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def to_the_millisecond(seconds: float) -> str:
    """Return a time with milliseconds."""
    whole, ms = divmod(round(seconds * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{ms:03d}Z"
