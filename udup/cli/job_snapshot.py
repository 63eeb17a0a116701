"""`udup job snapshot`: the rows of single tables once more, while a subscription goes on."""

from __future__ import annotations

import click

from udup.cli.client import job_path
from udup.cli.commands import Command
from udup.cli.completing import JOB_ID
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.argument("tables", metavar="SCHEMA.TABLE...", nargs=-1, required=True)
@asks_server
def snapshot(session: Session, job_id: str, tables: tuple[str, ...]) -> None:
    """Have a subscription deliver all rows of tables once more, while its changes go on.

    The rows come as reads (`r`) marked `incremental`, each where it stands in the stream: what came of it before is
    older, what comes behind it is newer. A table that a new document brings into the job needs no snapshot of its own.

    \b
    Examples:
      udup job snapshot shop-events shop.orders
      udup job snapshot shop-events shop.orders shop.items
    """
    job = find_job(session.api, job_id)
    found = job["ID"]
    answer = session.api.send("PUT", job_path(found, "snapshot"), table=list(tables))
    if session.out.as_json:
        session.out.json(answer)
        return
    if job.get("Stage") in ("paused", "failed", "completed"):
        session.out.say(
            f"job {found}: the rows of {', '.join(tables)} come again when it is carried on: it is {job['Stage']}"
        )
        return
    session.out.say(f"job {found}: the rows of {', '.join(tables)} come again, while its changes go on")
    session.out.say(f"how far they are: udup job status {found}")
