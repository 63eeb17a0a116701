"""`udup job compare`: begins a comparison of a job's two servers and follows it, shows how far it is, or ends it."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from udup.cli.client import job_path
from udup.cli.commands import Command, ExitCode
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server
from udup.cli.output import number
from udup.cli.watch import patiently

Json = dict[str, Any]

PART = "compare"

#: Seconds between looks.
_POLL_SECONDS = 0.5


@click.command(cls=Command)
@click.argument("job_id", metavar="ID")
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
    path = job_path(find_job(session.api, job_id)["ID"], PART)
    if show:
        tell(session, session.api.get(path))
        return
    if stop:
        session.api.send("DELETE", path)
        session.out.say("ended")
        return
    body: Json = {"Tables": list(tables), "RowsPerSecond": rows_per_second, "Continuous": continuous}
    session.api.send("POST", path, body)
    if continuous:
        session.out.say("begun; see what it finds with --show")
        return
    last = follow(session, path)
    tell(session, last)
    sys.exit(ExitCode.OK if last["Equal"] else ExitCode.FAILED)


def follow(session: Session, path: str) -> Json:
    """Say how far it is whenever that has changed, until it is over; return it."""
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
    waits = f"; waits: {comparison['Text']}" if comparison["Text"] and comparison["State"] == "running" else ""
    unlike = comparison["UnlikeDefinitions"]
    defined = f", {number(unlike)} definitions differ" if unlike else ""
    return (
        f"{comparison['State']}: {number(comparison['TablesCompared'])} tables, "
        f"{number(comparison['RowsCompared'])} rows, {number(comparison['Differences'])} differ{defined}{waits}"
    )


def tell(session: Session, comparison: Json) -> None:
    if session.out.as_json:
        session.out.json(comparison)
        return
    for row in comparison["Found"]:
        session.out.say(row)
    for table in comparison["Unlike"]:
        what = (
            f"not compared: {table['Problem']}" if table["Problem"] else f"{number(table['Differences'])} rows differ"
        )
        session.out.say(f"{table['Name']}: {what}")
    for each in comparison["Definitions"]:
        session.out.say(f"{each['Text']}{'' if each['Counts'] else ' (told, and does not count)'}")
        if each["Remedy"] and each["Counts"]:
            session.out.say(f"    {each['Remedy']}")
    if comparison["UnlikeDefinitions"] > sum(each["Counts"] for each in comparison["Definitions"]):
        session.out.say("… and more: udup.unlike_definition on the target has all")
    session.out.say("equal" if comparison["Equal"] else _line(comparison))
    if comparison["State"] in ("failed", "stopped") and comparison["Text"]:
        session.out.say(comparison["Text"])
