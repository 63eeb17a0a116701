"""All jobs in brief, each made once for all who read: the list, and every stream.

Each change of a brief has a number of the order that all changes have, so a stream that has seen all up to a number is
given the briefs with greater ones, whatever happened between: the present state, not its history. A change of figures
alone counts now and then; what a job is doing and why counts at once.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from udup.jobs import JobRecord
from udup.jobs.shown import Group
from udup.web.live.brief import Outline, brief_of, outline_of, words_of

#: Seconds between two changes of a job's figures that are told: of one that runs, and of one that does not, whose lag
#: grows all the same.
FIGURES_S, STANDING_S = 2.0, 10.0

_STANDING = frozenset({Group.NEEDS_YOU, Group.HEALING, Group.PAUSED, Group.ENDED})

#: Seconds after which a brief is made again though the job's record is the same: some words depend on the time.
AGAIN_S = 2.0

#: Jobs that are gone which a stream may still be told of.
GONE = 1000


@dataclass(slots=True)
class _Made:
    record: JobRecord
    outline: Outline
    brief: dict[str, Any]
    text: str
    words: dict[str, Any]
    made_at: float
    order: int
    told_at: float
    untold: bool = False


@dataclass(frozen=True)
class Changed:
    """The briefs of a moment, as JSON, and the IDs of jobs that are gone."""

    texts: list[str]
    gone: list[str]


class Briefs:
    """`order` gives the next number. Whoever holds it guards it."""

    def __init__(self, order: Callable[[], int]) -> None:
        self._order = order
        self._made: dict[str, _Made] = {}
        self._gone: deque[tuple[int, str]] = deque()
        self._forgotten = 0  # the order of the last one that is gone and was forgotten
        self.edition = 0  # counts the changes of what the list shows

    def take(self, records: Sequence[JobRecord], node_of: Callable[[str], str], now: float) -> None:
        """Make what is new. `now` on a clock that never goes back."""
        before = self._made
        made = {record.id: self._one(before.get(record.id), record, node_of, now) for record in records}
        for job_id in before.keys() - made.keys():
            self._gone.append((self._order(), job_id))
            self.edition += 1
        while len(self._gone) > GONE:
            self._forgotten, _ = self._gone.popleft()
        self._made = made

    def _one(self, known: _Made | None, record: JobRecord, node_of: Callable[[str], str], now: float) -> _Made:
        if known is not None and known.record is record and now - known.made_at < AGAIN_S:
            self._tell_figures(known, now)
            return known
        is_same = known is not None and known.record.document is record.document
        outline = known.outline if known is not None and is_same else outline_of(record)
        brief = brief_of(record, outline, node_of(record.id))
        if known is not None and known.brief == brief:
            known.record, known.made_at = record, now
            self._tell_figures(known, now)
            return known
        self.edition += 1
        text = as_json(brief)
        words = words_of(brief)
        if known is None or known.words != words:
            return _Made(record, outline, brief, text, words, now, self._order(), now)
        made = _Made(record, outline, brief, text, words, now, known.order, known.told_at, untold=True)
        self._tell_figures(made, now)
        return made

    def _tell_figures(self, made: _Made, now: float) -> None:
        pause = STANDING_S if made.brief["Group"] in _STANDING else FIGURES_S
        if made.untold and now - made.told_at >= pause:
            made.order, made.told_at, made.untold = self._order(), now, False

    def since(self, order: int) -> Changed | None:
        """Return what has changed behind a number; None where that is not known any more."""
        if order < self._forgotten:
            return None
        texts = [each.text for each in self._made.values() if each.order > order]
        gone = [job_id for at, job_id in self._gone if at > order and job_id not in self._made]
        return Changed(texts, gone)

    def all(self) -> list[tuple[dict[str, Any], str]]:
        """Return every job in brief with its JSON, in the order of their IDs."""
        made = sorted(self._made.values(), key=lambda each: each.record.id.encode())
        return [(each.brief, each.text) for each in made]


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
