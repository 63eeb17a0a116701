"""What a stream may be asked for, and how each part of it finds its news.

A round of a stream asks each of its topics once for what is new since the round before. Topics tell the present state,
so that a round that was put off, for a client that reads slowly, is no longer than any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from udup.base.errors import Fault, Refused
from udup.jobs import to_api
from udup.jobs.series import STEP_S
from udup.web.live.briefs import as_json
from udup.web.live.following import Following, Moment
from udup.web.schemas.live import entry_of
from udup.web.schemas.shape import rfc3339

JOBS, NODES, JOB, TAIL = "jobs", "nodes", "job", "tail"

#: Topics of one stream.
TOPICS_MAX = 20

#: Seconds between two events of one job.
_JOB_S = 1.0

_NS = 1_000_000_000

#: An event: its name, and its data as JSON.
Event = tuple[str, str]


@dataclass(frozen=True)
class Asked:
    """One topic as it was asked for: `jobs`, `nodes`, `job:ID`, `tail:ID`."""

    kind: str
    job_id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.job_id}" if self.job_id else self.kind


def asked_of(words: list[str]) -> list[Asked]:
    """Return the topics that a request names, each once; `Refused` for what is none."""
    topics: dict[Asked, None] = {}
    for word in (part for each in words for part in each.split(",")):
        kind, colon, job_id = word.partition(":")
        job_id = unquote(job_id)
        if (kind in (JOBS, NODES) and not colon) or (kind in (JOB, TAIL) and job_id):
            topics[Asked(kind, job_id)] = None
            continue
        remedy = "write topics=jobs,nodes,job:ID,tail:ID, any of them; a comma or % in an ID as %2C or %25"
        raise Refused([Fault("topics", f"{word[:80]!r} is no topic", remedy)])
    if len(topics) > TOPICS_MAX:
        remedy = "leave some out, or open another stream"
        raise Refused([Fault("topics", f"are {len(topics)}, and a stream has {TOPICS_MAX} at most", remedy)])
    return list(topics) or [Asked(JOBS)]


@dataclass(frozen=True)
class Round:
    """What all topics of one round are asked by: what was told is all up to `told`. `now`: a clock never set back."""

    now: float
    told: int
    moment: Moment


class Topic(Protocol):
    """One part of a stream, used by one thread."""

    @property
    def asked(self) -> Asked: ...

    def news(self, now: Round) -> Iterator[Event]:
        """Yield what is new."""
        ...

    def close(self) -> None: ...


class JobsTopic:
    """All jobs in brief at first, then those that have changed."""

    asked = Asked(JOBS)

    def __init__(self, following: Following, *, whole: bool) -> None:
        self._following, self._whole = following, whole

    def news(self, now: Round) -> Iterator[Event]:
        changed = now.moment.changed
        if self._whole or changed is None:
            self._whole = False
            yield JOBS, _jobs([text for _, text in self._following.all()], [], everything=True)
        elif changed.texts or changed.gone:
            yield JOBS, _jobs(changed.texts, changed.gone, everything=False)

    def close(self) -> None:
        """Hold nothing."""


def _jobs(texts: list[str], gone: list[str], *, everything: bool) -> str:
    """Put an event together of briefs that are JSON already."""
    return f'{{"All":{as_json(everything)},"Gone":{as_json(gone)},"Jobs":[{",".join(texts)}]}}'


class NodesTopic:
    """The members, and the nodes as the list has them, whenever either has changed."""

    asked = Asked(NODES)

    def __init__(self, following: Following) -> None:
        self._following, self._told = following, ""

    def news(self, now: Round) -> Iterator[Event]:
        text = self._following.nodes()
        if text and text != self._told:
            self._told = text
            yield NODES, text

    def close(self) -> None:
        """Hold nothing."""


class JobTopic:
    """One job, whole, once a second at most; what happened to it; its figures every ten seconds."""

    def __init__(self, following: Following, asked: Asked) -> None:
        self._following, self.asked = following, asked
        self._told, self._told_at, self._slot = "", float("-inf"), following.slot
        self._last: object = None
        self._is_missing = False

    def news(self, now: Round) -> Iterator[Event]:
        job_id = self.asked.job_id
        record = self._following.record(job_id)
        if record is None:
            if not self._is_missing and self._following.has_looked:
                self._is_missing, self._told, self._last = True, "", None
                yield "error", as_json({"Topic": str(self.asked), "Text": "job not found"})
            return
        self._is_missing = False
        for entry in self._following.entries(job_id, now.told):
            if entry.order <= now.moment.order:
                yield "timeline", as_json({"ID": job_id, "Entry": entry_of(entry).to_json()})
        if record is not self._last and now.now - self._told_at >= _JOB_S:
            self._last, self._told_at = record, now.now
            text = as_json({"Job": to_api(record)})
            if text != self._told:
                self._told = text
                yield JOB, text
        if self._following.slot != self._slot:
            yield "series", self._figures(job_id)

    def _figures(self, job_id: str) -> str:
        over, self._slot = self._slot, self._following.slot
        with self._following.series() as series:
            sample = series.of(job_id).at(over)
        told: dict[str, Any] = {"ID": job_id, "Time": rfc3339((over + 1) * STEP_S * _NS), "LagMs": sample.lag_ms}
        told |= {"RowsPerSecond": sample.rows_per_s, "TransactionsPerSecond": sample.transactions_per_s}
        return as_json(told)

    def close(self) -> None:
        """Hold nothing."""
