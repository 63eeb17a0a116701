"""`udup job compare`: begins a comparison of a job's two servers and follows it, shows how far it is, or ends it."""

from __future__ import annotations

import shlex
import sys
import time
from typing import Any

import click

from udup.cli.client import job_path
from udup.cli.commands import Command, ExitCode
from udup.cli.completing import JOB_ID
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server
from udup.cli.output import counted, number, shown
from udup.cli.watch import patiently

Json = dict[str, Any]

PART = "compare"

#: Seconds between looks.
_POLL_SECONDS = 0.5


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.argument("tables", metavar="[SCHEMA.TABLE]...", nargs=-1)
@click.option(
    "--rows-per-second", type=click.IntRange(min=0), default=0, metavar="N", help="Read no more of each side."
)
@click.option("--continuous", is_flag=True, help="Begin again when all is compared, until --stop; follow nothing.")
@click.option("--show", is_flag=True, help="Only show how far it is, and what it has found.")
@click.option("--stop", is_flag=True, help="End the comparison that is under way.")
@asks_server
def compare(
    session: Session,
    job_id: str,
    tables: tuple[str, ...],
    rows_per_second: int,
    continuous: bool,
    show: bool,
    stop: bool,
) -> None:
    """Compare the rows and definitions of a job's source and target while it replicates: exactly, without false alarms.

    Both servers are read as of the same transaction. Rows that differ are in udup.difference on the target, definitions
    in udup.unlike_definition. What only the target has and does no harm, an index say, is told and does not count.

    \b
    Exit codes: 0 all was compared and is equal (--show, --stop, --continuous: it was told, done, begun),
    1 something differs or could not be compared.

    \b
    Examples:
      udup job compare shop
      udup job compare shop shop.orders shop.items --rows-per-second 50000
      udup job compare shop --show
    """
    if [show, stop, continuous].count(True) > 1:
        raise click.UsageError("--show, --stop and --continuous exclude each other")
    job = find_job(session.api, job_id)["ID"]
    path = job_path(job, PART)
    if show:
        tell(session, session.api.get(path))
        return
    if stop:
        ended = session.api.send("DELETE", path)
        if session.out.as_json:
            session.out.json(ended)
        else:
            session.out.say("ended" if ended["Success"] else f"no comparison of job {job} is under way")
        return
    body: Json = {"Tables": list(tables), "RowsPerSecond": rows_per_second, "Continuous": continuous}
    begun = session.api.send("POST", path, body)
    if continuous and session.out.as_json:
        session.out.json(begun)
        return
    if continuous:
        session.out.say("begun; see what it finds with --show")
        return
    last = follow(session, job)
    tell(session, last)
    sys.exit(ExitCode.OK if last["Equal"] else ExitCode.FAILED)


def follow(session: Session, job: str) -> Json:
    """Say how far it is whenever that has changed, until it is over; return it."""
    try:
        return _follow(session, job_path(job, PART))
    except KeyboardInterrupt:
        named = shlex.quote(job)
        goes_on = f"\nit goes on: udup job compare {named} --show tells how far it is, --stop ends it"
        click.echo(goes_on, err=True)
        sys.exit(ExitCode.INTERRUPTED)


def _follow(session: Session, path: str) -> Json:
    told = asked = ""
    while True:
        comparison: Json = patiently(lambda: session.api.get(path))
        asked = asked or comparison["ID"]
        if comparison["State"] != "running" or comparison["ID"] != asked:
            return comparison
        now = _line(comparison)
        if now != told and not session.out.as_json:
            session.out.say(now)
            told = now
        time.sleep(_POLL_SECONDS)


def _line(comparison: Json) -> str:
    waits = f"; waits: {shown(comparison['Text'])}" if comparison["Text"] and comparison["State"] == "running" else ""
    tables, rows = counted(comparison["TablesCompared"], "table"), counted(comparison["RowsCompared"], "row")
    if comparison["Repair"]:
        return f"{comparison['State']}: {rows} repaired{waits}"
    unlike = comparison["UnlikeDefinitions"]
    defined = f", {counted(unlike, 'definition')} differ{'s' if unlike == 1 else ''}" if unlike else ""
    return f"{comparison['State']}: {tables}, {rows}, {number(comparison['Differences'])} differ{defined}{waits}"


def tell(session: Session, comparison: Json) -> None:
    if session.out.as_json:
        session.out.json(comparison)
        return
    for row in comparison["Found"]:
        session.out.say(shown(row))
    more = comparison["Differences"] - len(comparison["Found"])
    if more > 0 and comparison["Found"]:
        session.out.say(f"… and {counted(more, 'row')} more: udup job repair --all --dry-run lists those that are kept")
    for table in comparison["Unlike"]:
        problem = shown(table["Problem"])
        rows = counted(table["Differences"], "row")
        what = f"not compared: {problem}" if problem else f"{rows} differ{'s' if table['Differences'] == 1 else ''}"
        session.out.say(f"{shown(table['Name'])}: {what}")
    _tell_definitions(session, comparison)
    session.out.say("equal" if comparison["Equal"] else _line(comparison))
    if comparison["State"] in ("failed", "stopped") and comparison["Text"]:
        session.out.say(shown(comparison["Text"]))


def _tell_definitions(session: Session, comparison: Json) -> None:
    found = comparison["Definitions"]
    for each in found:
        session.out.say(f"{shown(each['Text'])}{'' if each['Counts'] else ' (told, and does not count)'}")
        if each["Remedy"] and each["Counts"]:
            session.out.say(f"    {shown(each['Remedy'])}")
    if comparison["UnlikeDefinitions"] > sum(each["Counts"] for each in found):
        session.out.say("… and more: udup.unlike_definition on the target has all")
