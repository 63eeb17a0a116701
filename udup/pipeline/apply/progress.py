"""What DestApplier reports of a run, as values. Each key that `as_dict` makes is described in docs/statistics.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from udup.pipeline.waits import Wait


@dataclass(frozen=True)
class TableProgress:
    """One table of a copy. `eta_s` is None if nobody can say."""

    rows: int
    total: int
    chunks: int
    complete: bool
    rows_per_s: float
    eta_s: float | None


@dataclass(frozen=True)
class CopyProgress:
    """A full copy; `tables` by their names on the source, the most interesting 500 of them."""

    tables: Mapping[str, TableProgress]
    copied_rows: int
    copy_total_rows: int
    copy_tables: int
    copy_tables_complete: int
    copy_rows_per_s: float
    copy_phase: str
    eta_s: float | None
    copy_warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as the API's keys have it; `copy_warnings` only if there are any. Do not change it."""
        return self._shown

    @cached_property
    def _shown(self) -> dict[str, Any]:
        """Made once: a copy that is finished is told with every report that follows, as long as the run lives."""
        shown: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        shown["tables"] = {name: dict(vars(table)) for name, table in self.tables.items()}
        warnings = shown.pop("copy_warnings")
        return {**shown, "copy_warnings": list(warnings)} if warnings else shown


@dataclass(frozen=True)
class DeliveryProgress:
    """What a run has put into its sink. `events` counts by kind, `events_by_table` the most active 200 tables."""

    events: Mapping[str, int]
    events_per_s: float
    events_by_table: Mapping[str, int]
    delivered_messages: int
    delivered_bytes: int
    delivered_bytes_per_s: float
    decoder: str

    @property
    def rests(self) -> bool:
        return not (self.events_per_s or self.delivered_bytes_per_s)

    def as_dict(self) -> dict[str, Any]:
        """Return it as the API's keys have it."""
        return {**vars(self), "events": dict(self.events), "events_by_table": dict(self.events_by_table)}


@dataclass(frozen=True)
class ApplyProgress:
    """A run as its target sees it. `lag_ms` is None while it is not known, `serial` is told as `careful`."""

    stage: str
    lag_ms: int | None
    level: bool
    applied_gtid: str
    source_gtid: str
    transactions: int
    tx_per_s: float
    rows: int
    rows_per_s: float
    inserts: int
    updates: int
    deletes: int
    definitions: int
    received_messages: int
    received_bytes: int
    bytes_per_s: float
    waiting: int
    groups: int
    serial: bool
    followed_tables: int = 0
    changed_tables: int = 0
    busiest_tables: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    stale_views: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    copy: CopyProgress | None = None
    waiting_for: Wait | None = None
    delivery: DeliveryProgress | None = None

    @property
    def is_at_rest(self) -> bool:
        """Whether it is level and nothing is under way: then it stays true until something happens."""
        moves = self.lag_ms or self.waiting or self.groups or self.tx_per_s or self.rows_per_s or self.bytes_per_s
        return self.level and not moves and self.waiting_for is None and (self.delivery is None or self.delivery.rests)

    def as_dict(self) -> dict[str, Any]:
        """Return it as the API's keys have it. Each is there in every report, so that none of an older one stays."""
        shown: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN}
        shown |= {"careful": self.serial, "stale_views": list(self.stale_views), "told": list(self.told)}
        if self.copy is not None:
            shown |= self.copy.as_dict()
        if self.delivery is not None:
            shown |= self.delivery.as_dict()
        shown["waiting_for"] = None if self.waiting_for is None else self.waiting_for.as_dict()
        return shown


@dataclass(frozen=True)
class WaitReport:
    """What a run that has not begun yet waits for on the target; the rest stays as it was told before."""

    waiting_for: Wait | None

    def as_dict(self) -> dict[str, Any]:
        return {"waiting_for": None if self.waiting_for is None else self.waiting_for.as_dict()}


#: Fields that are told as they are.
_PLAIN = tuple(
    name
    for name in ApplyProgress.__dataclass_fields__
    if name not in ("serial", "stale_views", "told", "copy", "waiting_for", "delivery")
)
