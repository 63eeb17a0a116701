"""`udup job reload`: tables of a job are loaded again while it goes on for all others."""

from __future__ import annotations

import click

from udup.cli.client import job_path
from udup.cli.commands import Command
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server


@click.command("reload", cls=Command)
@click.argument("job_id", metavar="ID")
@click.argument("tables", metavar="SCHEMA.TABLE...", nargs=-1, required=True)
@asks_server
def reload_tables(session: Session, job_id: str, tables: tuple[str, ...]) -> None:
    """Load tables of a job again, while it goes on for all others.

    The job lets go of them for a while: they are dropped on the target, copied from the source and followed by
    themselves, and joined to the job when they have caught up. On the target they are empty or old meanwhile.

    \b
    Examples:
      udup job reload shop shop.orders
      udup job reload shop shop.orders shop.items
    """
    job = find_job(session.api, job_id)
    found = job["ID"]
    answer = session.api.send("PUT", job_path(found, "reload"), table=list(tables))
    if session.out.as_json:
        session.out.json(answer)
        return
    session.out.say(f"job {found}: {', '.join(tables)} are loaded again, while it goes on for its other tables")
    session.out.say(f"how far they are: udup job status {found}")
