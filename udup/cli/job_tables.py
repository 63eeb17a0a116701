"""`udup job tables`: where each table of a job stands."""

from __future__ import annotations

from typing import Any

import click

from udup.cli.client import job_path
from udup.cli.commands import Command
from udup.cli.jobs import Json, find_job
from udup.cli.options import Session, asks_server
from udup.cli.output import shown

#: Tables that are asked for at a time.
_PAGE = 10_000


@click.command("tables", cls=Command)
@click.argument("job_id", metavar="ID")
@click.option("--state", metavar="STATE", help="Only those in this state, as it is told: 'catching up', diverged ...")
@asks_server
def tables(session: Session, job_id: str, state: str | None) -> None:
    """Show where each table of a job stands: waiting, copying, catching up, live, reloading, diverged ...

    The source is asked which tables there are.

    \b
    Examples:
      udup job tables shop
      udup job tables shop --state diverged
    """
    found = find_job(session.api, job_id)["ID"]
    listed, states = _all(session, found)
    wanted = [each for each in listed if state is None or each["State"] == state]
    if session.out.as_json:
        session.out.json(wanted)
        return
    rows = ((each["Table"], each["State"], _copied(each), _told(each)) for each in wanted)
    session.out.table(("Table", "State", "Copied", ""), rows, ("Copied",))
    session.out.say(", ".join(f"{count} {each}" for each, count in sorted(states.items())))


def _all(session: Session, job: str) -> tuple[list[Json], dict[str, int]]:
    found: list[Json] = []
    after = ""
    while True:
        page: dict[str, Any] = session.api.get(job_path(job, "tables"), after=after, limit=str(_PAGE))
        found += page["Tables"]
        after = page["Next"]
        if not after:
            return found, page["States"]


def _copied(table: Json) -> str:
    return "" if table["Percent"] is None else f"{table['Percent']:.1f} %"


def _told(table: Json) -> str:
    """Return what else is to be known of a table."""
    differs = f"{table['Differences']} rows differ" if table["Differences"] else ""
    reloads = "loaded again" if table["Reload"] else ""
    return shown(", ".join(filter(None, (reloads, differs, table["Problem"]))))
