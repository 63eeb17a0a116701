"""Allocations and evaluations as tables: where a job's tasks are, and the decisions that put them there."""

from __future__ import annotations

import time
from typing import Any

from udup.cli.output import Output, short

_NANOSECONDS = 1_000_000_000


def show_allocations(out: Output, allocations: list[dict[str, Any]], verbose: bool) -> None:
    if not allocations:
        out.say("No allocations placed")
        return
    titles = ("ID", "Eval ID", "Node ID", "Task", "Desired", "Status", "Created At")
    rows = (
        (
            short(each["ID"], verbose),
            short(each["EvalID"], verbose),
            short(each["NodeID"], verbose),
            each["Task"],
            each["DesiredStatus"],
            each["ClientStatus"],
            local_time(each["CreateTime"]),
        )
        for each in sorted(allocations, key=lambda each: (each["CreateTime"], each["Task"]))
    )
    out.table(titles, rows)


def show_evaluations(out: Output, evaluations: list[dict[str, Any]], verbose: bool) -> None:
    rows = (
        (short(each["ID"], verbose), each["TriggeredBy"], each["Status"], "true" if each["FailedTGAllocs"] else "false")
        for each in evaluations
    )
    out.table(("ID", "Triggered By", "Status", "Placement Failures"), rows)


def local_time(nanoseconds: object) -> str:
    """A time of the API as the clock on the wall shows it."""
    if not isinstance(nanoseconds, int) or nanoseconds <= 0:
        return ""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(nanoseconds // _NANOSECONDS))
