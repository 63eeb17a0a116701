"""Finding a job by what the user wrote of its ID, and reading its answer."""

from __future__ import annotations

from typing import Any

from udup.cli.client import Answered, Api, job_path
from udup.cli.commands import CommandError

Json = dict[str, Any]


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
