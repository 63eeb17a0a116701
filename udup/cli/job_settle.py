"""`udup job settle`."""

from __future__ import annotations

import click

from udup.cli.client import job_path
from udup.cli.commands import Command
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server


@click.command(cls=Command)
@click.argument("job_id", metavar="ID")
@click.option("--gtid", required=True, metavar="GTID", help="The transaction that the job's failure names.")
@click.option(
    "--applied/--not-applied",
    required=True,
    default=None,
    help="All its rows are on the target, or none is.",
)
@asks_server
def settle(session: Session, job_id: str, gtid: str, applied: bool) -> None:
    """Say whether a transaction's rows are on the target, where the job cannot know, and carry the job on.

    A job stops at it when the target's server ended while it took rows for a table without transactions. Look at the
    table; what of its rows is there in part, take out or complete.

    \b
    Examples:
      udup job settle shop --gtid 3e11fa47-71ca-11e1-9e33-c80aa9429562:23 --applied
      udup job settle shop --gtid 3e11fa47-71ca-11e1-9e33-c80aa9429562:23 --not-applied
    """
    found = find_job(session.api, job_id)["ID"]
    said = "true" if applied else "false"
    answer = session.api.send("PUT", job_path(found, "settle"), gtid=gtid, applied=said)
    if session.out.as_json:
        session.out.json(answer)
    else:
        session.out.say(f"job {found}: {gtid} is {'there' if applied else 'to be applied'}; the job goes on")
