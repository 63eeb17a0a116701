"""Signs of life of quiet jobs, in memory that all processes of the node share.

A job at rest says the same again and again. Each time that would be a message through three processes, only to show
that somebody is still there to say it. So DestApplier notes instead, in a place that nobody is woken for, that its last
report still holds; StoreKeeper stores the notes of all jobs together, as one value, and whoever reads a job's progress
takes its report to have been made when it was noted last (`refreshed`).

The supervisor gives a job its place; only the job's DestApplier writes into it. A note is of one report, by the time at
which that was made, so that nothing is said of another one, whatever becomes of the order of what is written.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from typing import Any

#: Jobs that have a place. One that has none sends its reports.
PLACES = 4096

#: The job's token, when its last report was made, and when that held last; seconds since the epoch.
_PLACE = struct.Struct("<16sdd")
_TIMES = struct.Struct("<dd")
_TOKEN = 16

#: What stands for a token where there never was a job, and where there is none any more.
_UNUSED, _FREE = bytes(_TOKEN), b"-" * _TOKEN

#: When a report was made, and when it held last, by a job's token.
Notes = dict[str, tuple[float, float]]


class SignsOfLife:
    """To be made before the processes are forked that share it."""

    def __init__(self, places: int = PLACES) -> None:
        self._memory = mmap.mmap(-1, places * _PLACE.size)

    # ---- The supervisor ----

    def clear(self) -> None:
        """Forget all jobs: who carried them out is gone."""
        self._memory[:] = bytes(len(self._memory))

    def admit(self, token: str) -> None:
        """Give a job a place, unless it has one, or none is left."""
        if self._find(token.encode()) is None and (at := self._find(_FREE, _UNUSED)) is not None:
            _PLACE.pack_into(self._memory, at, token.encode(), 0.0, 0.0)

    def dismiss(self, token: str) -> None:
        """Take its place from a job that is gone."""
        if (at := self._find(token.encode())) is not None:
            _PLACE.pack_into(self._memory, at, _FREE, 0.0, 0.0)

    def _find(self, *tokens: bytes) -> int | None:
        for at in range(0, len(self._memory), _PLACE.size):
            found = self._memory[at : at + _TOKEN]
            if found in tokens:
                return at
            if found == _UNUSED:
                return None
        return None

    # ---- DestApplier ----

    def made(self, token: str, made: float) -> None:
        """Note that the job's last report was made at this time."""
        if (at := self._find(token.encode())) is not None:
            _TIMES.pack_into(self._memory, at + _TOKEN, made, made)

    def still(self, token: str, made: float, now: float) -> bool:
        """Note that the report of that time holds now; return whether that could be noted."""
        at = self._find(token.encode())
        if at is None or _TIMES.unpack_from(self._memory, at + _TOKEN)[0] != made:
            return False
        _TIMES.pack_into(self._memory, at + _TOKEN, made, now)
        return True

    # ---- Whoever reads ----

    def notes(self) -> Notes:
        """Return those of all jobs whose last report has been held up since."""
        found: Notes = {}
        for token, made, held in _PLACE.iter_unpack(self._memory):
            if token == _UNUSED:
                break
            if held > made:
                found[token.decode("ascii", "replace")] = made, held
        return found

    def refreshed(self, token: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is other in a job's progress by its note."""
        at = self._find(token.encode())
        return {} if at is None else refreshed(told, _TIMES.unpack_from(self._memory, at + _TOKEN))


def refreshed(told: Mapping[str, Any], note: tuple[float, float]) -> dict[str, Any]:
    """Return what is other in progress that a job has told since this was noted: nothing if it is of another report."""
    made, held = note
    if told.get("reported_at") != made or held <= made:
        return {}
    is_current = told.get("level") and not told.get("lag_ms")
    return {"reported_at": held, "current_until": held} if is_current else {"reported_at": held}


#: Of this node: every process of it is a fork of the one that imports this first.
SIGNS = SignsOfLife()
