"""Errors as they travel between actors: by the name of their class, their text and their faults."""

from __future__ import annotations

import traceback

from udup.actors.messages import RunEnded
from udup.base import logs
from udup.base.errors import Conflict, Divergence, Refused, Superseded, Transient, UdupError, Unsupported

#: Frames of an unforeseen error's traceback that its message shows.
_FRAMES = 4


def run_ended(role: str, run: int, error: BaseException) -> RunEnded:
    """What an engine's error says to whoever supervises it."""
    if isinstance(error, Refused):
        return RunEnded(role, run, Refused.__name__, str(error), tuple(error.faults))
    for kind in (Transient, Superseded, Unsupported, Conflict, Divergence, UdupError):
        if isinstance(error, kind):
            return RunEnded(role, run, kind.__name__, str(error))
    where = "".join(traceback.format_exception(error)[-_FRAMES:])
    logs.logger(role).error("engine_failed", run=run, trace=where)
    return RunEnded(role, run, type(error).__name__, f"an error in Udup itself: {type(error).__name__}: {error}")
