"""`udup job skip`: passing over the one transaction at which a failed job stands."""

from __future__ import annotations

import click

from udup.cli.client import job_path
from udup.cli.commands import Command, confirmed
from udup.cli.completing import JOB_ID
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option("--gtid", required=True, metavar="GTID", help="The transaction that the job's failure names.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@asks_server
def skip(session: Session, job_id: str, gtid: str, yes: bool) -> None:
    """Pass over the transaction at which a failed job stands, asking first, and carry the job on.

    Nothing of the transaction is applied, so the target differs from the source until somebody repairs it. The job's
    status tells of it for as long as the job lives.

    \b
    Examples:
      udup job skip shop --gtid 3e11fa47-71ca-11e1-9e33-c80aa9429562:23
      udup job skip shop --gtid 3e11fa47-71ca-11e1-9e33-c80aa9429562:23 --yes
    """
    found = find_job(session.api, job_id)["ID"]
    question = f"Are you sure you want to leave {gtid} out of the target of job {found!r}?"
    if not (yes or confirmed(question, "job skip")):
        return
    answer = session.api.send("PUT", job_path(found, "skip"), gtid=gtid)
    if session.out.as_json:
        session.out.json(answer)
        return
    session.out.say(f"job {found}: {gtid} is passed over; the job goes on")
    session.out.say(f"warning: {answer.get('Warning', '')}")
