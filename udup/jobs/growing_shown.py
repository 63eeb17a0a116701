"""How a job's tables are that are under way, as the API shows it: by its own record and that of its side job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from udup.base.stamps import to_the_second
from udup.jobs.growth import Growth, GrowthState
from udup.jobs.growth import told as listed
from udup.jobs.record import JobRecord
from udup.jobs.words import Stage

#: What tables that are under way are in, all of them together.
STATES = ("leaving", "waiting", "copying", "catching up", "joining", "ending", "failed")

#: Tables that are shown, those that are least far first.
TABLES_MAX = 100


def with_growing(records: Sequence[JobRecord]) -> list[JobRecord]:
    """Return the jobs without their side jobs, each with what those tell of its tables."""
    sides = {record.id: record for record in records if record.part_of}
    shown = (record for record in records if not record.part_of)
    return [
        record
        if record.growth is None
        else record.model_copy(update={"growing_shown": growing_of(record.growth, sides.get(record.growth.side))})
        for record in shown
    ]


def growing_of(growth: Growth, side: JobRecord | None) -> dict[str, Any]:
    """Return `Growing` of the API's Job."""
    tables = list(_tables(growth, side))
    rows = sum(each["Rows"] for each in tables)
    total = sum(max(each["Total"], each["Rows"]) for each in tables)
    state = state_of(growth, side)
    failed = side.status_description if side is not None and side.stage is Stage.FAILED else ""
    return {
        "State": state,
        "Reload": bool(growth.reloads),
        "Percent": percent_of(rows, total) if state == "copying" else None,
        "Since": to_the_second(growth.since_ns // 1_000_000_000),
        "Problem": failed or growth.problem,
        "Tables": sorted(tables, key=lambda each: (each["State"] == "copied", each["Table"]))[:TABLES_MAX],
    }


def state_of(growth: Growth, side: JobRecord | None) -> str:
    """Return one word for all of them: waiting, copying, catching up, joining, failed, leaving or ending."""
    if growth.given_up:
        return "ending"
    if growth.state is not GrowthState.COPYING:
        return growth.state.value
    if side is None:
        return "waiting"
    words = {
        Stage.COPYING: "copying",
        Stage.CATCHING_UP: "catching up",
        Stage.RUNNING: "catching up",
        Stage.FAILED: "failed",
    }
    return words.get(side.stage, "waiting")


def _tables(growth: Growth, side: JobRecord | None) -> Iterable[dict[str, Any]]:
    told = (side.progress.tables if side is not None else None) or {}
    copies = side is not None and side.stage is Stage.COPYING
    for name in dict.fromkeys((*growth.reloads, *told)):
        each: Any = told.get(name) or {}
        rows, total = int(each.get("rows") or 0), int(each.get("total") or 0)
        state = "copied" if each.get("complete") else "copying" if copies and rows else "waiting"
        yield {"Table": name, "State": state, "Percent": percent_of(rows, total), "Rows": rows, "Total": total}


def percent_of(rows: int, total: int) -> float:
    return round(min(100.0, 100.0 * rows / total), 1) if total else 0.0


def told(growing: dict[str, Any]) -> str:
    """Return the same as a line for people."""
    names = listed([each["Table"] for each in growing["Tables"]])
    doing = "reloading" if growing["Reload"] else "adding"
    if growing["State"] == "ending":
        doing = "giving up"
    percent = f" {growing['Percent']:.0f} %" if growing["Percent"] is not None else ""
    problem = f": {growing['Problem']}" if growing["Problem"] else ""
    return " ".join(filter(None, (doing, names))) + f" ({growing['State']}{percent}){problem}"
