"""What a run tells of single tables: plain dicts, since hundreds of them are in a report."""

from __future__ import annotations

from pydantic import ConfigDict
from typing_extensions import TypedDict


class TableProgress(TypedDict, total=False):
    """How far the copy of one table is; `total` is the source's estimate until the table is read to its end."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    rows: int | float | None
    total: int | float | None
    chunks: int | None
    complete: bool | None
    rows_per_s: int | float | None
    eta_s: int | float | None


class ChangedTable(TypedDict, total=False):
    """Rows of a table that were changed in a run, and when the source committed the last of them (µs)."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    inserted: int | None
    updated: int | None
    deleted: int | None
    changed_us: int | None
