"""A job's StatusDescription: why it has failed or who else has it, as its record says; else what it waits for now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from udup.base.stamps import to_the_second
from udup.jobs.words import Stage

if TYPE_CHECKING:
    from udup.jobs.outage import Outage
    from udup.jobs.progress import JobProgress, Reconnecting
    from udup.jobs.record import JobRecord


def description(record: JobRecord) -> str:
    """Return why the job is where it is, "" for one that goes on; `record` has the progress that is shown.

    What changes with every look (how long, how often) is told elsewhere: the text stays while nothing else is true.
    """
    if record.status_description or not record.carried_out:
        return record.status_description
    told = record.progress
    if told.reconnecting is not None:
        return _reconnecting(told.reconnecting) + _elsewhere(record.outage)
    return _starting(told) if record.stage is Stage.PENDING else ""


def _reconnecting(waits: Reconnecting) -> str:
    if waits.kind == "Contended":
        return f"waiting for a lock since {_moment(waits.since)}: {waits.why}"
    if not waits.sides:
        return f"reconnecting {waits.side or 'the servers'} since {_moment(waits.since)}: {waits.why}"
    return "; and ".join(
        f"reconnecting {each.side}{f' ({each.to})' if each.to else ''} since {_moment(each.since)}: {each.why}"
        for each in waits.sides
    )


def _elsewhere(outage: Outage | None) -> str:
    """Return what other nodes have met that tried the job in this outage."""
    tried = {} if outage is None else outage.elsewhere
    return "".join(f"; tried on node {node} before: {met}" for node, met in sorted(tried.items()))


def _starting(told: JobProgress) -> str:
    """Return what a run waits for that has not begun, else why the one before it has ended."""
    wait = told.waiting_for
    if wait is not None:
        what = f": {wait.statement}" if wait.statement else ""
        return f"waiting for {wait.what} on the {wait.side or 'target'} since {_moment(wait.since)}{what}"
    if told.last_error:
        return f"trying again since {told.last_error_time}: {told.last_error}"
    return ""


def _moment(since: float | None) -> str:
    return to_the_second(since or 0)
