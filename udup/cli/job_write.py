"""`udup job pause`, `resume`, `stop` and `delete`."""

from __future__ import annotations

from typing import Any

import click

from udup.cli.client import job_path
from udup.cli.commands import Command
from udup.cli.confirm import confirmed
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server


@click.command(cls=Command)
@click.argument("job_id", metavar="ID")
@asks_server
def pause(session: Session, job_id: str) -> None:
    """Stop a job at a transaction boundary, to be resumed where it was.

    \b
    Example: udup job pause shop
    """
    _change(session, job_id, "pause", "is being paused", "is paused already")


@click.command(cls=Command)
@click.argument("job_id", metavar="ID")
@asks_server
def resume(session: Session, job_id: str) -> None:
    """Carry on a job that was paused, or that has failed.

    \b
    Example: udup job resume shop
    """
    _change(session, job_id, "resume", "is being resumed", "is running already")


@click.command(cls=Command)
@click.argument("job_id", metavar="ID")
@click.option("--purge", is_flag=True, help="Remove its checkpoint from the target too: no way to go on from there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@asks_server
def stop(session: Session, job_id: str, purge: bool, yes: bool) -> None:
    """Stop a job and forget it, asking first if ID is only the beginning of its ID.

    What is on the target stays, its checkpoint too: a job that is run with the same ID goes on from there.

    \b
    Examples:
      udup job stop shop
      udup job stop --yes sh
    """
    job = find_job(session.api, job_id)
    ask = (job["ID"] != job_id or purge) and not yes
    if not ask or confirmed(f'Are you sure you want to stop job "{job["ID"]}"?', "job stop"):
        remove(session, job["ID"], purge)


@click.command(cls=Command)
@click.argument("job_id", metavar="ID")
@click.option("--purge", is_flag=True, help="Remove its checkpoint from the target too: no way to go on from there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@asks_server
def delete(session: Session, job_id: str, purge: bool, yes: bool) -> None:
    """Stop a job and forget it, asking first.

    What is on the target stays, its checkpoint too: a job that is run with the same ID goes on from there.

    \b
    Examples:
      udup job delete shop
      udup job delete --yes --purge shop
    """
    job = find_job(session.api, job_id)
    what = "and its checkpoint on the target" if purge else "(what is on the target stays)"
    if yes or confirmed(f'Are you sure you want to delete job "{job["ID"]}" {what}?', "job delete"):
        remove(session, job["ID"], purge)


def remove(session: Session, job_id: str, purge: bool) -> Any:
    """The server's answer to the deletion, which is shown as well."""
    answer = session.api.send("DELETE", job_path(job_id), **({"purge": "true"} if purge else {}))
    if session.out.as_json:
        session.out.json(answer)
    else:
        session.out.say(f"job {job_id} deleted" + (", with its checkpoint" if purge else ""))
    return answer


def _change(session: Session, given: str, verb: str, done: str, nothing: str) -> None:
    job_id = find_job(session.api, given)["ID"]
    answer = session.api.send("PUT", job_path(job_id, verb))
    if session.out.as_json:
        session.out.json(answer)
    else:
        session.out.say(f"job {job_id} {done if answer['Success'] else nothing}")
