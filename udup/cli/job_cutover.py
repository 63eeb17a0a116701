"""`udup job cutover`: begins a cut-over and follows it step by step, tells how far it is, or undoes it."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterator
from typing import Any

import click

from udup.cli.client import job_path
from udup.cli.commands import Command, CommandError, ExitCode, confirmed
from udup.cli.completing import JOB_ID
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server
from udup.cli.watch import patiently

Json = dict[str, Any]

_PART = "cutover"

#: What may be asked for, as the API calls it.
_FLAGS = ("SourceReadOnly", "WritesStopped", "EnableEvents", "Reverse", "DryRun")

#: Seconds between looks.
_POLL_SECONDS = 0.3

_ACTIVE = ("running", "undoing")

#: Columns of a step's name and state.
_NAME, _STATE = 10, 9


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option("--source-read-only", is_flag=True, help="Have Udup make the source read-only, for everybody.")
@click.option("--writes-stopped", is_flag=True, help="Your word that nothing writes to the source.")
@click.option("--enable-events", is_flag=True, help="Enable on the target the events that the source has enabled.")
@click.option("--reverse", is_flag=True, help="Start a job that brings changes back to the old source.")
@click.option("--dry-run", is_flag=True, help="Check everything and show what would be done; change nothing.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="For the target to become level; 60 when absent. Then everything is undone.",
)
@click.option("--abort", is_flag=True, help="Undo it; behind the switch undo nothing, and give up what is left.")
@click.option("--show", is_flag=True, help="Only show how far it is.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@asks_server
def cutover(
    session: Session, job_id: str, timeout: float | None, abort: bool, show: bool, yes: bool, **flags: bool
) -> None:
    """Make the job's target the new server: nothing is lost, and until the switch everything can be undone.

    The source is closed, the target becomes level with it, its counters are raised, the job ends: that is the switch.
    Before it a failure or --abort leaves the source as it was found. One that has stopped goes on where it was.

    Applications may write to the target when the step `position` is done.

    \b
    Exit codes: 0 it is cut over (--abort: it is undone), 1 another cut-over is under way,
    4 it was undone or has stopped (--abort: it was switched).

    \b
    Examples:
      udup job cutover shop --source-read-only --enable-events --reverse --dry-run
      udup job cutover shop --source-read-only --enable-events --reverse
      udup job cutover shop --abort
    """
    if [show, abort, flags["dry_run"]].count(True) > 1:
        raise click.UsageError("--show, --abort and --dry-run exclude each other")
    found = find_job(session.api, job_id)["ID"]
    path = job_path(found, _PART)
    if show:
        _tell_all(session, session.api.get(path))
        return
    if abort:
        session.api.send("DELETE", path)
    else:
        asked = _asked(timeout, flags)
        if not yes and not flags["dry_run"] and not confirmed(_question(found, flags), "job cutover"):
            return
        session.api.send("POST", path, asked)
        if other := _other_than(asked, patiently(lambda: session.api.get(path))):
            raise CommandError(
                f"job {found} is being cut over by what was asked before, not by this: {other};"
                f" see how far it is: udup job cutover {shlex.quote(found)} --show"
            )
    last = _follow(session, path)
    wanted = "undone" if abort else "done"
    sys.exit(ExitCode.OK if last["State"] == wanted else ExitCode.JOB_FAILED)


def _asked(timeout: float | None, flags: dict[str, bool]) -> Json:
    """The request's body: `dry_run` is DryRun there."""
    said: Json = {"".join(part.capitalize() for part in name.split("_")): True for name, on in flags.items() if on}
    return said | ({} if timeout is None else {"Timeout": timeout})


def _other_than(asked: Json, cutover: Json) -> str:
    """How a cut-over differs from the one that was asked for, "" if it does not."""
    wanted = {**dict.fromkeys(_FLAGS, False), **asked}
    return ", ".join(
        f"{key} is {json.dumps(cutover.get(key))}, asked for is {json.dumps(value)}"
        for key, value in wanted.items()
        if cutover.get(key) != value
    )


def _question(job_id: str, flags: dict[str, bool]) -> str:
    closes = "makes its source read-only and " if flags["source_read_only"] else ""
    return f'Are you sure you want to cut job "{job_id}" over? It {closes}ends the job'


def _follow(session: Session, path: str) -> Json:
    """Show each step as it changes, until the cut-over is over; return it."""
    shown: dict[str, tuple[str, str]] = {}
    while True:
        cutover: Json = patiently(lambda: session.api.get(path))
        changed = list(_changes(cutover, shown))
        if session.out.as_json:
            if changed or cutover["State"] not in _ACTIVE:
                session.out.json_line(cutover)
        else:
            for line in changed:
                session.out.say(line)
        if cutover["State"] not in _ACTIVE:
            if not session.out.as_json:
                session.out.say(f"{cutover['State']}: {cutover['Text']}")
            return cutover
        time.sleep(_POLL_SECONDS)


def _changes(cutover: Json, shown: dict[str, tuple[str, str]]) -> Iterator[str]:
    for step in cutover["Steps"]:
        now = (step["State"], step["Text"])
        silent = step["State"] in ("waiting", "left out") and not step["Text"]
        if not silent and shown.get(step["Step"]) != now:
            shown[step["Step"]] = now
            yield _line(step)


def _line(step: Json) -> str:
    return f"{step['Step']:<{_NAME}} {step['State']:<{_STATE}} {step['Text']}".rstrip()


def _tell_all(session: Session, cutover: Json) -> None:
    if session.out.as_json:
        session.out.json(cutover)
        return
    for step in cutover["Steps"]:
        session.out.say(_line(step))
    session.out.say(f"{cutover['State']}: {cutover['Text']}".rstrip(": "))
