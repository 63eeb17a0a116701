"""The group `udup job`, and its list; finding a job by what the user wrote of its ID.

The other commands have files of their own: `job_run`, `job_status`, `job_logs`, `job_history`, and `job_acts` for what
is asked of jobs by a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import click

from udup.cli import outage
from udup.cli.client import Answered, Api, job_path
from udup.cli.commands import Command, CommandError, Group
from udup.cli.completing import JOB_ID
from udup.cli.options import Session, asks_server
from udup.cli.output import number

Json = dict[str, Any]

_COMMANDS = {
    "run": "udup.cli.job_run:run",
    "list": "udup.cli.jobs:list_jobs",
    "status": "udup.cli.job_status:status",
    "logs": "udup.cli.job_logs:logs",
    "tail": "udup.cli.job_tail:tail",
    "wait": "udup.cli.job_wait:wait",
    "finish": "udup.cli.job_wait:finish",
    "history": "udup.cli.job_history:history",
    "revert": "udup.cli.job_history:revert",
    "export": "udup.cli.job_export:export",
    "pause": "udup.cli.job_acts:pause",
    "resume": "udup.cli.job_acts:resume",
    "settle": "udup.cli.job_acts:settle",
    "skip": "udup.cli.job_skip:skip",
    "reload": "udup.cli.job_reload:reload_tables",
    "tables": "udup.cli.job_tables:tables",
    "snapshot": "udup.cli.job_snapshot:snapshot",
    "move": "udup.cli.cluster_moves:move",
    "compare": "udup.cli.job_compare:compare",
    "repair": "udup.cli.job_repair:repair",
    "row": "udup.cli.job_row:row",
    "estimate": "udup.cli.job_row:estimate",
    "cutover": "udup.cli.job_cutover:cutover",
    "stop": "udup.cli.job_acts:stop",
    "delete": "udup.cli.job_acts:delete",
}

_TITLES = ("ID", "Name", "Type", "Status", "Stage", "Lag ms", "tx/s", "rows/s", "Copied")

#: Further columns where there are subscriptions.
_SINK_TITLES = ("events/s", "Sink")

_NUMBERS = ("Lag ms", "tx/s", "rows/s", "Copied", "events/s")

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
    """user@host:port of a task's server; of a subscription's destination the stream, or the brokers."""
    connection = task(job, kind).get("ConnectionConfig")
    if not isinstance(connection, dict):
        return sink(job)
    return f"{connection.get('User', '')}@{connection.get('Host', '')}:{connection.get('Port', '')}"


def sink(job: Json) -> str:
    """Where a subscription delivers, "" for a job to a database."""
    driver = next((each.get("Driver") for each in job.get("Tasks") or [] if each.get("Type") == "Dest"), None)
    config = task(job, "Dest")
    prefix = str(config.get("Prefix") or "")
    if driver == "NATS":
        nats = config.get("NatsConfig") or {}
        stream = nats.get("Stream") or f"UDUP_{re.sub('[^A-Za-z0-9_-]', '_', prefix)}"
        return f"NATS stream {stream}" + (f" at {nats['Url']}" if nats.get("Url") else "")
    if driver == "Kafka":
        brokers = (config.get("KafkaConfig") or {}).get("Brokers") or ""
        where = ",".join(map(str, brokers)) if isinstance(brokers, list) else brokers
        return f"Kafka {where} prefix {prefix}"
    return ""


def _ambiguous(given: str, found: list[Json]) -> str:
    lines = [f"  {stub['ID']}  {stub.get('Name', '')}  {stub.get('Status', '')}" for stub in found]
    return "\n".join([f'Prefix "{given}" matches several jobs:', *lines])


@click.command("list", cls=Command)
@click.argument("prefix", type=JOB_ID, default="")
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
        sinks = any(sink(stub.get("JobSummary") or {}) for stub in jobs)
        titles = (*_TITLES, *_SINK_TITLES) if sinks else _TITLES
        session.out.table(titles, _rows(jobs, sinks=sinks), _NUMBERS, _STYLES)


def _rows(stubs: list[Json], *, sinks: bool) -> Iterator[tuple[object, ...]]:
    for stub in stubs:
        job = stub.get("JobSummary") or {}
        now = progress(job)
        flows = job.get("Stage") in ("catching_up", "running")
        more = (number(now.get("events_per_s")) if flows else "", sink(job)) if sinks else ()
        yield (
            stub["ID"],
            stub["Name"],
            stub["Type"],
            stub["Status"],
            outage.stage(job),
            *(number(now.get(key)) if flows else "" for key in ("lag_ms", "tx_per_s", "rows_per_s")),
            _copied(now),
            *more,
        )


def _copied(now: Json) -> str:
    """How much of the full copy is there, "" for a job without one."""
    tables = (now.get("tables") or {}).values()
    rows, total = (sum(int(table.get(key) or 0) for table in tables) for key in ("rows", "total"))
    if not tables:
        return ""
    return "100%" if rows >= total else f"{100 * rows // total}%"
