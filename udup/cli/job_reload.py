"""`udup job reload`: tables of a job are loaded again while it goes on for all others."""

from __future__ import annotations

import click

from udup.cli.client import job_path
from udup.cli.commands import Command
from udup.cli.completing import JOB_ID
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server
from udup.cli.output import shown


@click.command("reload", cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.argument("tables", metavar="[SCHEMA.TABLE...]", nargs=-1)
@click.option("--give-up", is_flag=True, help="Have the job go on without the tables that it loads again, or gets.")
@asks_server
def reload_tables(session: Session, job_id: str, tables: tuple[str, ...], *, give_up: bool) -> None:
    """Load tables of a job again, while it goes on for all others.

    The job lets go of them for a while: they are dropped on the target, copied from the source and followed by
    themselves, and joined to the job when they have caught up. On the target they are empty or old meanwhile.
    A job that has stopped at one of them goes on.

    --give-up ends that, and the adding of new tables as well: the job's document chooses those alone that it has
    meanwhile. What was copied stays on the target.

    \b
    Examples:
      udup job reload shop shop.orders
      udup job reload shop shop.orders shop.items
      udup job reload shop --give-up
    """
    if give_up == bool(tables):
        raise click.UsageError("Name the tables to load again; or --give-up, alone.")
    job = find_job(session.api, job_id)
    found = job["ID"]
    if give_up:
        _give_up(session, found)
        return
    answer = session.api.send("PUT", job_path(found, "reload"), table=list(tables))
    if session.out.as_json:
        session.out.json(answer)
        return
    session.out.say(f"job {found}: {', '.join(tables)} are loaded again, while it goes on for its other tables")
    if answer["Warning"]:
        session.out.say(f"warning: {shown(answer['Warning'])}")
    session.out.say(f"how far they are: udup job status {found}")


def _give_up(session: Session, job: str) -> None:
    answer = session.api.send("DELETE", job_path(job, "reload"))
    if session.out.as_json:
        session.out.json(answer)
    elif answer["Success"]:
        session.out.say(f"job {job} goes on with the tables that it has: udup job history {job}")
        session.out.say(shown(answer.get("Warning", "")))
    else:
        session.out.say(f"no tables of job {job} are under way")
