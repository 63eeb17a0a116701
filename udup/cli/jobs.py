"""The group `udup job`: list, pause, resume, settle, stop and delete; finding a job by what the user wrote of its ID.

The commands that watch a job or tell more of it have files of their own: `job_run`, `job_status`, `job_logs`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import click

from udup.cli.client import Answered, Api, job_path
from udup.cli.commands import Command, CommandError, Group, confirmed
from udup.cli.options import Session, asks_server
from udup.cli.output import number

Json = dict[str, Any]

_COMMANDS = {
    "run": "udup.cli.job_run:run",
    "list": "udup.cli.jobs:list_jobs",
    "status": "udup.cli.job_status:status",
    "logs": "udup.cli.job_logs:logs",
    "pause": "udup.cli.jobs:pause",
    "resume": "udup.cli.jobs:resume",
    "settle": "udup.cli.jobs:settle",
    "cutover": "udup.cli.job_cutover:cutover",
    "stop": "udup.cli.jobs:stop",
    "delete": "udup.cli.jobs:delete",
}

#: Faults are told as one text, joined by "; "; each begins with the server or the place in the document.
_BETWEEN_FAULTS = re.compile(r"; (?=(?:Src|Dest) \S+: |Tasks\b)")

_TITLES = ("ID", "Name", "Type", "Status", "Stage", "Lag ms", "tx/s", "rows/s", "Copied")

_NUMBERS = ("Lag ms", "tx/s", "rows/s", "Copied")

_STYLES = {"running": "green", "failed": "bold red", "dead": "bold red", "paused": "yellow", "pause": "yellow"}


@click.group(cls=Group, sections={"Commands": _COMMANDS})
def job() -> None:
    """Run jobs, look at them, pause, resume and delete them.

    ID is a job's ID or the beginning of one, if no other job's ID begins so.
    """


def find_job(api: Api, given: str) -> Json:
    """The job with this ID, or the only one whose ID begins so; `CommandError` for none or several."""
    found: list[Json] = api.get("/v1/jobs", prefix=given) if given.strip() else []
    exact = [stub for stub in found if stub["ID"] == given]
    match exact or found:
        case []:
            raise CommandError(f'No job(s) with prefix or id "{given}" found')
        case [stub]:
            job: Json = api.get(job_path(stub["ID"]))
            return job
        case several:
            raise CommandError(_ambiguous(given, several))


def job_or_none(api: Api, job_id: str) -> Json | None:
    """The job of exactly this ID, None when there is none (any more)."""
    try:
        job: Json = api.get(job_path(job_id))
    except Answered as error:
        if error.status == 404:
            return None
        raise
    return job


def progress(job: Json) -> Json:
    return job.get("Progress") or {}


def task(job: Json, kind: str) -> Json:
    """The Config of the job's task, {} if there is none."""
    configs = (task.get("Config") for task in job.get("Tasks") or [] if task.get("Type") == kind)
    return next((config for config in configs if isinstance(config, dict)), {})


def endpoint(job: Json, kind: str) -> str:
    """user@host:port of a task's server."""
    connection = task(job, kind).get("ConnectionConfig")
    if not isinstance(connection, dict):
        return ""
    return f"{connection.get('User', '')}@{connection.get('Host', '')}:{connection.get('Port', '')}"


def _ambiguous(given: str, found: list[Json]) -> str:
    lines = [f"  {stub['ID']}  {stub.get('Name', '')}  {stub.get('Status', '')}" for stub in found]
    return "\n".join([f'Prefix "{given}" matches several jobs:', *lines])


def reasons(job: Json) -> list[str]:
    """The lines below "job X has failed"."""
    text = str(job.get("StatusDescription") or progress(job).get("last_error") or "")
    return [f"  {fault}" for fault in _BETWEEN_FAULTS.split(text)] if text else []


@click.command("list", cls=Command)
@click.argument("prefix", default="")
@asks_server
def list_jobs(session: Session, prefix: str) -> None:
    """Show all jobs, or those whose ID begins with PREFIX.

    \b
    Examples:
      udup job list
      udup job list shop --json
    """
    jobs = session.api.get("/v1/jobs", **({"prefix": prefix} if prefix else {}))
    if session.out.as_json:
        session.out.json(jobs)
    elif not jobs:
        session.out.say(f'No job(s) with prefix "{prefix}"' if prefix else "No running jobs")
    else:
        session.out.table(_TITLES, _rows(jobs), _NUMBERS, _STYLES)


def _rows(stubs: list[Json]) -> Iterator[tuple[object, ...]]:
    for stub in stubs:
        job = stub.get("JobSummary") or {}
        now = progress(job)
        flows = job.get("Stage") in ("catching_up", "running")
        yield (
            stub["ID"],
            stub["Name"],
            stub["Type"],
            stub["Status"],
            job.get("Stage", ""),
            *(number(now.get(key)) if flows else "" for key in ("lag_ms", "tx_per_s", "rows_per_s")),
            _copied(now),
        )


def _copied(now: Json) -> str:
    """How much of the full copy is there, "" for a job without one."""
    tables = (now.get("tables") or {}).values()
    rows, total = (sum(int(table.get(key) or 0) for table in tables) for key in ("rows", "total"))
    if not tables:
        return ""
    return "100%" if rows >= total else f"{100 * rows // total}%"


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
        _remove(session, job["ID"], purge)


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
        _remove(session, job["ID"], purge)


def _remove(session: Session, job_id: str, purge: bool) -> Any:
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
