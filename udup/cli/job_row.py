"""`udup job row` and `udup job estimate`: a row that differs on both sides, and how long things take."""

from __future__ import annotations

from typing import Any

import click

from udup.cli.client import job_path
from udup.cli.commands import Command, CommandError
from udup.cli.completing import JOB_ID
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server
from udup.cli.output import shown

#: What stands where a value is NULL, and where there is no row.
_NULL, _ABSENT = "NULL", "-"


@click.command("row", cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.argument("table", metavar="SCHEMA.TABLE")
@click.argument("key", metavar="KEY")
@asks_server
def row(session: Session, job_id: str, table: str, key: str) -> None:
    """Show a row that a comparison has found, as both servers have it now, column by column.

    KEY is the row's as `udup job compare ID --show` and `udup job repair --dry-run` tell it.

    \b
    Examples:
      udup job row shop shop.orders 1007
    """
    schema, dot, name = table.partition(".")
    if not dot:
        raise CommandError(f"{table!r} names no table: write SCHEMA.TABLE, as shop.orders")
    found = find_job(session.api, job_id)["ID"]
    told: dict[str, Any] = session.api.get(job_path(found, "row"), schema=schema, table=name, key=key)
    if session.out.as_json:
        session.out.json(told)
        return
    if told["Problem"]:
        session.out.say(told["Problem"])
        return
    here, there = told["SourceThere"], told["TargetThere"]
    rows = (
        (
            each["Column"],
            _value(each["Source"], here),
            _value(each["Target"], there),
            "" if each["Equal"] else "differs",
        )
        for each in told["Columns"]
    )
    session.out.table(("Column", "Source", "Target", ""), rows)
    if told["Hidden"]:
        session.out.say("values are hidden by the server's setting console.show_values")


@click.command("estimate", cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.argument("act", type=click.Choice(("copy", "compare", "reload")))
@click.argument("tables", metavar="[SCHEMA.TABLE]...", nargs=-1)
@asks_server
def estimate(session: Session, job_id: str, act: str, tables: tuple[str, ...]) -> None:
    """Tell about how long a copy, a comparison or a reload of a job's tables takes, by their sizes.

    \b
    Examples:
      udup job estimate shop compare
      udup job estimate shop reload shop.orders
    """
    found = find_job(session.api, job_id)["ID"]
    told: dict[str, Any] = session.api.get(job_path(found, "estimate"), act=act, table=list(tables))
    if session.out.as_json:
        session.out.json(told)
    elif told["Seconds"] is None:
        session.out.say(f"nobody can say: {told['Why']}")
    else:
        size = f"{told['Rows']:,} rows, {told['Bytes'] / (1 << 20):,.0f} MiB"
        session.out.say(f"about {told['Seconds']:,.0f} s for {size}, by {told['Why']}")


def _value(value: str | None, is_there: bool) -> str:
    if not is_there:
        return _ABSENT
    return _NULL if value is None else shown(value)
