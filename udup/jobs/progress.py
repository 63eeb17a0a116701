"""How a job is doing: one typed object, which the API, the metrics and the statistics read.

docs/statistics.md describes every field under the same name. A field that no task has told yet is None and is not in
the JSON, so an object holds exactly what was said; `None` that was told (a lag that nobody knows) is.

    what an engine reports --TaskReport.of--> message to the supervisor --updated--> JobProgress --as_dict--> store, API
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator

from udup.base.errors import Side
from udup.base.long_text import cut_set
from udup.jobs.table_progress import ChangedTable, TableProgress
from udup.jobs.words import Stage
from udup.pipeline.waits import CONSEQUENCES

Number = int | float

#: Characters of a text (a GTID set) in a report, which is kept and shown: a set with many gaps may have megabytes.
TEXT_MAX = 64 << 10


class _Told(BaseModel):
    """Immutable. Keeps what it does not know, and leaves out what does not fit: nothing of it is worth an error."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    @model_validator(mode="wrap")
    @classmethod
    def _leave_out_what_does_not_fit(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            if not isinstance(data, Mapping):
                return handler({})
            wrong = {each["loc"][0] for each in error.errors(include_url=False, include_input=False)}
            return handler({key: value for key, value in data.items() if key not in wrong})


class BlockedBy(_Told):
    """The session that is in the way: what it runs, or ran last if it is idle, and for how many seconds."""

    session: int | None = None
    user: str | None = None
    statement: str | None = None
    seconds: Number | None = None
    idle: bool | None = None


class WaitingFor(_Told):
    """What a run has been waiting for, since when (seconds since the epoch), on which side.

    `pipeline/waits.py` has the words of `what`, and what the others are.
    """

    what: str | None = None
    since: Number | None = None
    side: str | None = None
    statement: str | None = None
    gtid: str | None = None
    table: str | None = None
    worker: int | None = None
    blocked_by: BlockedBy | None = None
    hint: str | None = None

    @property
    def is_consequence(self) -> bool:
        """Whether it is over when the other side's wait is."""
        return self.what in CONSEQUENCES


class SideAway(_Told):
    """One side that is away: where it is, since when, why, when it is tried next; seconds since the epoch."""

    side: str | None = None
    to: str | None = None
    since: Number | None = None
    why: str | None = None
    next_try: Number | None = None


class Reconnecting(_Told):
    """What the job waits for: which side is away, since when, why, when it tries next; seconds since the epoch.

    `kind` tells a server that is away from a lock that was not granted, `attempts` counts the runs that ended by it.
    `sides` are all that are away; the other fields are of the one that is told first.
    """

    side: str | None = None
    since: Number | None = None
    why: str | None = None
    next_try: Number | None = None
    attempts: int | None = None
    kind: str | None = None
    sides: list[SideAway] | None = None


class FailedRun(_Told):
    """A failure that ended a run, as the API shows it."""

    time: str | None = None
    time_ns: int | None = None
    error: str | None = None


class JobProgress(_Told):
    """What is known of a job at a moment. Units as in docs/statistics.md: `_ms`, `_s`, bytes, rows."""

    # How far behind, and up to where.
    lag_ms: Number | None = None
    level: bool | None = None
    source_gtid: str | None = None
    extracted_gtid: str | None = None
    applied_gtid: str | None = None
    binlog_file: str | None = None
    binlog_position: int | None = None
    reported_at: Number | None = None
    current_until: Number | None = None
    source_log_kept_s: int | None = None

    # Applied on the target.
    transactions: int | None = None
    tx_per_s: Number | None = None
    rows: int | None = None
    rows_per_s: Number | None = None
    inserts: int | None = None
    updates: int | None = None
    deletes: int | None = None
    definitions: int | None = None
    received_messages: int | None = None
    received_bytes: int | None = None
    bytes_per_s: Number | None = None
    followed_tables: int | None = None
    changed_tables: int | None = None
    busiest_tables: dict[str, ChangedTable] | None = None
    waiting: int | None = None
    groups: int | None = None
    careful: bool | None = None
    waiting_for: WaitingFor | None = None

    # Delivered by a subscription.
    events: dict[str, int] | None = None
    events_per_s: Number | None = None
    events_by_table: dict[str, int] | None = None
    delivered_messages: int | None = None
    delivered_bytes: int | None = None
    delivered_bytes_per_s: Number | None = None
    decoder: str | None = None

    # Read from the source.
    extracted_transactions: int | None = None
    extracted_definitions: int | None = None
    skipped_transactions: int | None = None
    sent_messages: int | None = None
    sent_bytes: int | None = None
    sent_full: int | None = None
    buffer_fill: Number | None = None
    buffer_messages: int | None = None
    buffer_bytes: int | None = None

    # The full copy.
    copy_phase: str | None = None
    copied_rows: int | None = None
    copy_rows_per_s: Number | None = None
    copy_total_rows: int | None = None
    copy_read_rows: int | None = None
    copy_sent_messages: int | None = None
    copy_sent_bytes: int | None = None
    copy_tables: int | None = None
    copy_tables_complete: int | None = None
    copy_warnings: list[str] | None = None
    eta_s: Number | None = None
    tables: dict[str, TableProgress] | None = None

    # What the supervisor and the record know.
    warnings: list[str] | None = None
    restarts: int | None = None
    last_error: str | None = None
    last_error_time: str | None = None
    reconnecting: Reconnecting | None = None
    restart_history: list[FailedRun] | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> JobProgress:
        """Return it from JSON, of an older version as well."""
        return cls.model_validate(dict(values))

    def as_dict(self) -> dict[str, Any]:
        """Return what was told, for JSON."""
        return self.model_dump(mode="json", exclude_unset=True)

    def updated(self, later: JobProgress) -> JobProgress:
        """Return this with what was told later. A text that has become empty is kept: its task has not got to it."""
        told = _fields_of(later)
        known = self.model_fields_set
        return self.with_(**{name: value for name, value in told.items() if value != "" or name not in known})

    def overlaid(self, by: JobProgress) -> JobProgress:
        """Return this where `by` says nothing of its own."""
        return self.with_(**_fields_of(by))

    def with_(self, **told: Any) -> JobProgress:
        """Return this with some fields told again."""
        return self.model_copy(update=told)

    @property
    def is_level(self) -> bool:
        return bool(self.level)

    @property
    def is_at_rest(self) -> bool:
        """Whether it is level and applies nothing: then there is nothing new to tell for seconds."""
        return self.is_level and not self.lag_ms and not any(getattr(self, name) for name in _RATES)

    def not_level(self) -> JobProgress:
        """Return what is shown until a run says that it is level: what the source does meanwhile nobody knows."""
        return self.ended().with_(level=False, lag_ms=None) if self.model_fields_set else self

    def without_rates(self) -> JobProgress:
        """Return what is shown when nobody tells any more how fast it is: nothing is known to move."""
        update: dict[str, Any] = {name: 0.0 for name in _RATES if getattr(self, name)}
        if self.eta_s is not None:
            update["eta_s"] = None
        if any(_moves(table) for table in (self.tables or {}).values()):
            stands: TableProgress = {"rows_per_s": 0.0, "eta_s": None}
            update["tables"] = {
                name: {**table, **stands} if _moves(table) else table for name, table in (self.tables or {}).items()
            }
        return self.with_(**update) if update else self

    def begun_again(self) -> JobProgress:
        """Return what is shown when somebody has the job carried on: how current the target is its new run will say."""
        if not self.model_fields_set:
            return self
        return self.not_level().without_rates().with_(current_until=None, reported_at=None)

    def of_checkpoint(self) -> JobProgress:
        """Return what stays when another document comes: what is executed by the checkpoint, which stays too.

        Only where the target is the same.
        """
        return JobProgress() if self.applied_gtid is None else JobProgress(applied_gtid=self.applied_gtid)

    def ended(self) -> JobProgress:
        """Return what stays when a run has ended: it waits for nothing any more."""
        return self.with_(waiting_for=None) if self.waiting_for is not None else self

    def completed(self, executed: str) -> JobProgress:
        """Return what stays of a job that is done: the target has all that the source had executed."""
        return self.ended().with_(source_gtid=shown_set(executed), level=True, lag_ms=0)

    def warned(self, told: Iterable[str]) -> JobProgress:
        """Return this with more warnings, each once."""
        shown = self.warnings or []
        new = [each for each in dict.fromkeys(told) if each not in shown]
        return self.with_(warnings=[*shown, *new]) if new else self


#: Figures per second.
_RATES = (
    *("tx_per_s", "rows_per_s", "bytes_per_s", "copy_rows_per_s"),
    *("events_per_s", "delivered_bytes_per_s"),
)


def _moves(table: TableProgress) -> bool:
    """Whether a table is told to be copied at some rate."""
    return bool(table.get("rows_per_s")) or table.get("eta_s") is not None


def shown_set(text: str) -> str:
    """Return a set of transactions as a report holds it."""
    return cut_set(text, TEXT_MAX)


def _fields_of(progress: JobProgress) -> dict[str, Any]:
    """Return the fields that were told, and those that this version does not know."""
    return {name: getattr(progress, name) for name in progress.model_fields_set}


def cause_of(waits: Mapping[Side, WaitingFor | None]) -> WaitingFor | None:
    """Return what a job waits for: of two waits the cause and not the consequence, and of two causes the target's."""
    found = [wait for side in (Side.TARGET, Side.SOURCE) if (wait := waits.get(side)) is not None]
    return min(found, key=lambda wait: wait.is_consequence, default=None)


#: Under which keys the engines tell what their side waits for.
_WAIT_KEYS = {Side.TARGET: "waiting_for", Side.SOURCE: "source_waiting_for"}


def _wait_of(value: Any) -> WaitingFor | None:
    return None if value is None else WaitingFor.model_validate(value)


#: A report as one node tells it another.
_ON_WIRE = ("progress", "stage", "told", "stale_views", "waits", "held")


class EngineReport(Protocol):
    """What an engine reports: a typed object of its own, under the names of `JobProgress`."""

    def as_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class TaskReport:
    """What one task says of its run: `progress` holds what it has told, the rest is not kept with the job.

    `waits` is what it says of its side's wait, by the side, if it has said anything of it.
    `told` are things that users should know, `stale_views` (None: not said) the views that are broken on both sides.
    `held`: the statement before which the log is not read on (`base.errors.Held`).
    """

    progress: JobProgress
    stage: Stage | None = None
    told: tuple[str, ...] = ()
    stale_views: tuple[str, ...] | None = None
    waits: Mapping[Side, WaitingFor | None] = field(default_factory=dict)
    held: str = ""

    @classmethod
    def of(cls, report: EngineReport | Mapping[str, Any]) -> TaskReport:
        """Return it from what an engine reports."""
        values = dict(report) if isinstance(report, Mapping) else report.as_dict()
        stage, warning, views = values.pop("stage", None), values.pop("warning", None), values.pop("stale_views", None)
        told = (*values.pop("told", ()), *((warning,) if warning else ()))
        held = values.pop("held", "")
        waits = {side: _wait_of(values.pop(key)) for side, key in _WAIT_KEYS.items() if key in values}
        return cls(
            JobProgress.of(values),
            None if stage is None else Stage(stage),
            told,
            None if views is None else tuple(views),
            waits,
            held,
        )

    def to_json(self) -> bytes:
        """Return it for another node."""
        waits = {
            side.value: None if each is None else each.model_dump(mode="json") for side, each in self.waits.items()
        }
        stage = None if self.stage is None else self.stage.value
        told = self.progress.as_dict(), stage, self.told, self.stale_views, waits, self.held
        return json.dumps(dict(zip(_ON_WIRE, told, strict=True))).encode()

    @classmethod
    def from_json(cls, data: bytes) -> TaskReport:
        """Return one that another node has sent; raise `ValueError` for what is none."""
        values = json.loads(data)
        progress, stage, told, views, waits, held = (values.get(name) for name in _ON_WIRE)
        return cls(
            JobProgress.of(progress or {}),
            None if stage is None else Stage(stage),
            tuple(told or ()),
            None if views is None else tuple(views),
            {Side(side): _wait_of(each) for side, each in (waits or {}).items()},
            str(held or ""),
        )

    @property
    def proves_the_run(self) -> bool:
        """Whether the run has applied something, or follows its source: failures are counted from here again."""
        return self.stage == Stage.RUNNING or (self.progress.transactions or 0) > 0

    @property
    def shows_recovery(self) -> bool:
        """Whether the run does what it is for: it has copied rows, or what `proves_the_run` says."""
        return self.proves_the_run or (self.progress.copied_rows or 0) > 0
