"""`udup job repair`: rows that a comparison has found are put right on the target, and compared once more."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from typing import Any

import click

from udup.base.errors import UdupError
from udup.cli.client import job_path
from udup.cli.commands import Command, ExitCode
from udup.cli.completing import JOB_ID
from udup.cli.job_compare import PART, follow, tell
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server
from udup.cli.output import counted, shown

Json = dict[str, Any]

_PAGE = "1000"

#: What a row needs, by how it differs.
_NEEDS = {"missing": "would be inserted", "extra": "would be deleted", "differs": "would be replaced"}

_NEVER = "0001-"


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.argument("tables", metavar="[SCHEMA.TABLE]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="The rows of every table.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@asks_server
def repair(session: Session, job_id: str, tables: tuple[str, ...], everything: bool, dry_run: bool) -> None:
    """Put rows right on the target that a comparison has found, as the source has them, while the job replicates.

    What each row was before and is after stays in udup.difference on the target. The tables are compared behind it.
    Of a job that has stopped, since a row was not as the source's, name the table: it is compared and put right.

    \b
    Exit codes: 0 all is repaired and equal (--dry-run: it was told), 1 something is not.

    \b
    Examples:
      udup job repair shop shop.orders --dry-run
      udup job repair shop shop.orders
      udup job repair shop --all
    """
    if bool(tables) == everything:
        raise click.UsageError("name the tables, or give --all")
    found = find_job(session.api, job_id)
    job = found["ID"]
    if found["Status"] == "dead":
        _catch_up(session, job, tables, dry_run=dry_run)
        return
    rows = [row for row in differences(session, job) if row["Repaired"].startswith(_NEVER) and _is_of(row, tables)]
    if dry_run:
        _tell_plan(session, rows)
        return
    if not rows:
        _say(session, f"nothing is to be repaired: udup job compare {_named(job, tables)} finds what differs")
        return
    session.api.send("POST", job_path(job, "repair"), {"Tables": list(tables), "All": everything})
    path = job_path(job, PART)
    asked = session.api.get(path)["ID"]
    done = follow(session, job)
    if done["ID"] != asked:
        _goes_on(session, job)
        return
    if done["State"] != "done" or done["Unlike"]:
        tell(session, done)
        sys.exit(ExitCode.FAILED)
    _say(session, f"repaired: {counted(done['RowsCompared'], 'row')}; their tables are compared once more")
    named = sorted({f"{row['Schema']}.{row['Table']}" for row in rows})
    try:
        session.api.send("POST", path, {"Tables": named})
    except UdupError:
        if session.api.get(path)["State"] != "running":
            raise
        _goes_on(session, job)
        return
    last = follow(session, job)
    tell(session, last)
    sys.exit(ExitCode.OK if last["Equal"] else ExitCode.FAILED)


def _catch_up(session: Session, job: str, tables: tuple[str, ...], *, dry_run: bool) -> None:
    """Put tables right of a job that has stopped at one of them."""
    if dry_run:
        raise UdupError(f"job {job} does not run: what differs is known when it has been compared, or repaired")
    session.api.send("POST", job_path(job, "repair"), {"Tables": list(tables), "All": not tables})
    done = follow(session, job)
    if done["State"] != "done" or done["Unlike"] or session.out.as_json:
        tell(session, done)
        sys.exit(ExitCode.OK if done["State"] == "done" and not done["Unlike"] else ExitCode.FAILED)
    are, them = ("is", "it") if len(tables) == 1 else ("are", "them")
    session.out.say(
        f"repaired: {counted(done['RowsCompared'], 'row')}; {', '.join(map(shown, tables))} {are} as the source has"
        f" {them} now"
    )
    session.out.say(f"now have the job go on: udup job resume {shlex.quote(job)}")


def _goes_on(session: Session, job: str) -> None:
    """A continuous comparison goes on behind the repair, and compares what was repaired."""
    if session.out.as_json:
        session.out.json(session.api.get(job_path(job, PART)))
        return
    session.out.say(f"repaired; the comparison goes on: udup job compare {shlex.quote(job)} --show")


def _say(session: Session, text: str) -> None:
    """Tell people; programs get the last comparison alone."""
    if not session.out.as_json:
        session.out.say(text)


def _named(job: str, tables: tuple[str, ...]) -> str:
    return " ".join(map(shlex.quote, (job, *tables)))


def differences(session: Session, job: str) -> Iterator[Json]:
    """Yield the rows of a job's ledger that are rows of tables."""
    after = ""
    while True:
        page = session.api.get(job_path(job, "differences"), after=after, limit=_PAGE)
        yield from (row for row in page["Rows"] if not row["Definition"])
        after = page["Next"]
        if not after:
            return


def _is_of(row: Json, tables: tuple[str, ...]) -> bool:
    return not tables or f"{row['Schema']}.{row['Table']}" in tables


def _tell_plan(session: Session, rows: list[Json]) -> None:
    if session.out.as_json:
        session.out.json(rows)
        return
    for row in rows:
        told = f"{row['Schema']}.{row['Table']} {row['Key']}: {_NEEDS.get(row['Kind'], row['Kind'])}"
        session.out.say(shown(told))
    session.out.say(f"{counted(len(rows), 'row')} would be repaired")
