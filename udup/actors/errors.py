"""Errors that nobody foresaw: their traces go to the log, where they are looked for; what travels is a `Failure`."""

from __future__ import annotations

import traceback

from udup.base import logs
from udup.base.errors import Failure, UdupError

#: Frames of an unforeseen error's traceback that the log shows.
_FRAMES = 4


def failure_of(error: BaseException, role: str, run: int) -> Failure:
    """Return what an engine's error says; log one that is an error in Udup itself."""
    if not isinstance(error, UdupError):
        trace = "".join(traceback.format_exception(error)[-_FRAMES:])
        logs.logger(role).error("engine_failed", run=run, trace=trace)
    return Failure.of(error)
