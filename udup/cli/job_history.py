"""`udup job history` and `revert`: the documents that a job had."""

from __future__ import annotations

import click

from udup.cli.client import job_path
from udup.cli.commands import Command
from udup.cli.completing import JOB_ID
from udup.cli.jobs import Json, find_job
from udup.cli.options import Session, asks_server
from udup.cli.output import local_time, shown

#: Changes of a document that a line of the table tells.
_TOLD = 5


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option("--verbose", is_flag=True, help="Every change.")
@asks_server
def history(session: Session, job_id: str, verbose: bool) -> None:
    """Show a job's last ten documents: when each came, and what it changed. Passwords are masked.

    \b
    Examples:
      udup job history shop
      udup job history shop --json
    """
    found = find_job(session.api, job_id)["ID"]
    documents = session.api.get(job_path(found, "history"))
    if session.out.as_json:
        session.out.json(documents)
        return
    rows = (
        (
            each["Number"],
            local_time(each["Time"]),
            f"{each['How']} (present)" if each["Present"] else each["How"],
            _changes(each, None if verbose else _TOLD),
        )
        for each in documents
    )
    session.out.table(("Number", "Came at", "How", "Changed"), rows, ("Number",))


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.argument("number", metavar="[N]", type=click.IntRange(min=1), required=False)
@click.option("--no-check", is_flag=True, help="Do not ask the servers of a running job whether it could start so.")
@asks_server
def revert(session: Session, job_id: str, number: int | None, no_check: bool) -> None:
    """Give a job its document N back, as `job history` numbers them; without N the one before the present.

    It is checked and applied as if it were posted, with the passwords that it had. What the target has stays.

    \b
    Examples:
      udup job revert shop
      udup job revert shop 3
    """
    found = find_job(session.api, job_id)["ID"]
    before = _present(session, found)
    query = {"to": str(number)} if number is not None else {}
    answer = session.api.send("PUT", job_path(found, "revert"), **query, **({"check": "false"} if no_check else {}))
    if session.out.as_json:
        session.out.json(answer)
        return
    after = _present(session, found)
    if after["Number"] == before["Number"]:
        session.out.say(f"job {found} has that document already")
    else:
        session.out.say(f"job {found} {after['How']}: {_changes(after, None)}")


def _present(session: Session, job_id: str) -> Json:
    documents: list[Json] = session.api.get(job_path(job_id, "history"))
    return documents[-1]


def _changes(document: Json, most: int | None) -> str:
    changes = document["Changes"]
    told = [_change(each) for each in changes[: len(changes) if most is None else most]]
    more = len(changes) - len(told) + int(document["MoreChanges"])
    return "; ".join(told + ([f"and {more} more"] if more else []))


def _change(change: Json) -> str:
    before, after = shown(change["Before"]), shown(change["After"])
    if not before:
        return f"{change['Key']} came: {after}"
    return f"{change['Key']}: {before} → {after}" if after else f"{change['Key']} went: {before}"
