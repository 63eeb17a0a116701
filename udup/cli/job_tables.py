"""`udup job tables`: where each table of a job stands."""

from __future__ import annotations

from typing import Any

import click

from udup.cli.client import job_path
from udup.cli.commands import Command
from udup.cli.completing import JOB_ID
from udup.cli.jobs import Json, find_job
from udup.cli.options import Session, asks_server
from udup.cli.output import shown

#: Tables that are asked for at a time.
_PAGE = 10_000

#: What of a table is counted.
_KINDS = ("Inserted", "Updated", "Deleted")


@click.command("tables", cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option("--state", metavar="STATE", help="Only those in this state, as it is told: 'catching up', diverged ...")
@click.option(
    "--sort",
    type=click.Choice(("name", "changes", "last")),
    default="name",
    help="By name, by rows that were changed (most first), or by the last change (newest first)",
)
@asks_server
def tables(session: Session, job_id: str, state: str | None, sort: str) -> None:
    """Show where each table of a job stands: waiting, copying, catching up, live, reloading, diverged ...

    And how many rows the job has changed since it began, and when the source committed the last of these changes. The
    source is asked which tables there are, the target for the changes.

    \b
    Examples:
      udup job tables shop
      udup job tables shop --state diverged
      udup job tables shop --sort changes
    """
    found = find_job(session.api, job_id)["ID"]
    listed, page = _all(session, found)
    wanted = _sorted([each for each in listed if state is None or each["State"] == state], sort)
    if session.out.as_json:
        session.out.json(wanted)
        return
    rows = (
        (each["Table"], each["State"], _copied(each), *map(_count, map(each.get, _KINDS)), _last(each), _told(each))
        for each in wanted
    )
    session.out.table(("Table", "State", "Copied", *_KINDS, "Last change", ""), rows, ("Copied", *_KINDS))
    session.out.say(", ".join(f"{count} {each}" for each, count in sorted(page["States"].items())))
    if page.get("ChangesSince"):
        session.out.say(f"rows changed since {page['ChangesSince']}")
    if page.get("ChangesProblem"):
        session.out.say(f"what was changed is not known: {page['ChangesProblem']}")


def _sorted(tables: list[Json], by: str) -> list[Json]:
    if by == "changes":
        return sorted(tables, key=lambda each: -sum(each.get(kind) or 0 for kind in _KINDS))
    return sorted(tables, key=lambda each: each.get("LastChange") or "", reverse=True) if by == "last" else tables


def _all(session: Session, job: str) -> tuple[list[Json], Json]:
    found: list[Json] = []
    after = ""
    while True:
        page: dict[str, Any] = session.api.get(job_path(job, "tables"), after=after, limit=str(_PAGE))
        found += page["Tables"]
        after = page["Next"]
        if not after:
            return found, page


def _copied(table: Json) -> str:
    return "" if table["Percent"] is None else f"{table['Percent']:.1f} %"


def _count(rows: int | None) -> str:
    return "" if rows is None else str(rows)


def _last(table: Json) -> str:
    return str(table.get("LastChange") or "")


def _told(table: Json) -> str:
    """Return what else is to be known of a table."""
    differs = f"{table['Differences']} rows differ" if table["Differences"] else ""
    reloads = "loaded again" if table["Reload"] else ""
    return shown(", ".join(filter(None, (reloads, differs, table["Problem"]))))
