"""`udup job logs`: what happened to a job, in the order of time.

Put together from what the server keeps: the events of the job's tasks, the errors that ended its runs, and the job's
time line.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import click
import httpx

from udup.cli.client import Answered, job_path
from udup.cli.commands import Command
from udup.cli.completing import JOB_ID
from udup.cli.jobs import Json, find_job, job_or_none, progress
from udup.cli.options import Session, asks_server
from udup.cli.output import shown
from udup.cli.watch import patiently

#: Seconds between two looks of --follow.
FOLLOW_SECONDS = 1.0

_NS = 1_000_000_000

#: Words of the API's events that people would read otherwise: a pause kills nothing.
_WORDS = {"Killing": "Ending at a transaction boundary", "Killed": "Ended"}

#: Keys of an event that say something in words, in the order in which they are told.
_TEXTS = ("Message", "DriverError", "SetupError", "KillError", "KillReason", "RestartReason", "DriverMessage")


#: Kinds of the time line that the tasks' events and the errors of runs tell with more words.
_TOLD_BY_TASKS = frozenset({"started", "stopped", "failed", "reconnecting", "connected", "paused", "resumed", "moved"})


@dataclass(frozen=True)
class Entry:
    """A line of the log; `at` in nanoseconds since the epoch."""

    at: int
    who: str
    what: str

    def __str__(self) -> str:
        moment = datetime.datetime.fromtimestamp(self.at / _NS, datetime.UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{self.at % _NS // 1_000_000:03}Z  {self.who:<4}  {self.what}"


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option("--follow", "-f", is_flag=True, help="Go on showing what happens, until Ctrl-C, or the job is deleted.")
@asks_server
def logs(session: Session, job_id: str, follow: bool) -> None:
    """Show what happened to a job: its tasks' events, every error that made it start again, and its time line.

    The server keeps the last events of each task; its own log tells more. --json prints the allocations with their
    events, the job and its time line, as {"Allocations": [...], "Job": {...}, "Timeline": [...]}.

    \b
    Examples:
      udup job logs shop
      udup job logs --follow shop
    """
    job = find_job(session.api, job_id)
    if session.out.as_json:
        shown_now = {"Allocations": _allocations(session, job), "Job": job, "Timeline": _timeline(session, job)}
        session.out.json(shown_now)
        return
    told = _tell(session, job, [])
    while follow:
        time.sleep(FOLLOW_SECONDS)
        again = patiently(lambda: job_or_none(session.api, job["ID"]))
        if again is None:
            session.out.say(f"job {job['ID']} was deleted")
            return
        told = _tell(session, again, told)


def _tell(session: Session, job: Json, told: list[Entry]) -> list[Entry]:
    """Say what was not told before; everything that is known now."""
    restarts = list(_restarts(job))
    events = _events(patiently(lambda: _allocations(session, job)), {each.at for each in restarts})
    others = _others(patiently(lambda: _timeline(session, job)))
    entries = sorted([*restarts, *events, *others], key=lambda entry: entry.at)
    for entry in entries:
        if entry not in told:
            session.out.say(str(entry))
    return entries


def _allocations(session: Session, job: Json) -> list[Json]:
    found: list[Json] = session.api.get(job_path(job["ID"], "allocations"), all="true")
    return found


def _timeline(session: Session, job: Json) -> list[Json]:
    """Return the newest entries; none of a server that has no time line yet."""
    try:
        found: list[Json] = session.api.get(job_path(job["ID"], "timeline"), limit="500")["Entries"]
    except Answered as error:
        if error.status != httpx.codes.NOT_FOUND:
            raise
        return []
    return found


def _others(timeline: list[Json]) -> Iterator[Entry]:
    """Yield what the time line has that neither tasks nor failed runs tell."""
    for entry in timeline:
        if entry["Kind"] not in _TOLD_BY_TASKS:
            yield Entry(_nanoseconds(entry["Time"]), "Job", shown(entry["Text"]))


def _events(allocations: list[Json], told: Collection[int]) -> Iterator[Entry]:
    """`told` are the moments at which an error is told already: an event of the same moment has its text."""
    for allocation in allocations:
        for task, state in (allocation.get("TaskStates") or {}).items():
            for event in state.get("Events") or []:
                yield Entry(event["Time"], task, _described(event, is_told=event["Time"] in told))


def _described(event: Json, *, is_told: bool) -> str:
    keys = [key for key in _TEXTS if not (is_told and key == "Message")]
    texts = [shown(event[key]) for key in keys if event.get(key)]
    if event.get("ExitCode"):
        texts.append(f"exit code {event['ExitCode']}")
    if event.get("StartDelay"):
        texts.append(f"again in {event['StartDelay'] / _NS:g} s")
    kind = _WORDS.get(event["Type"], str(event["Type"]))
    return f"{kind}: {', '.join(texts)}" if texts else kind


def _restarts(job: Json) -> Iterator[Entry]:
    for restart in progress(job).get("restart_history") or []:
        at = restart.get("time_ns") or _nanoseconds(restart.get("time"))
        yield Entry(at, "Job", f"Run ended: {shown(restart.get('error'))}")


def _nanoseconds(moment: Any) -> int:
    """Read RFC 3339, to the microsecond; older servers tell a failure's second alone. 0 for what is none."""
    try:
        return int(datetime.datetime.fromisoformat(str(moment)).timestamp() * _NS)
    except ValueError:
        return 0
