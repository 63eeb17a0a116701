"""`udup job run`: posts jobs, and optionally follows them until they run."""

from __future__ import annotations

import sys

import click

from udup.cli.client import Answered, job_path
from udup.cli.commands import Command, CommandError, ExitCode
from udup.cli.jobs import Json
from udup.cli.options import Session, asks_server
from udup.cli.output import shown
from udup.cli.validate import STDIN, Document, read_job, wrapped
from udup.cli.watch import goal
from udup.cli.watch import watch as watch_job


@click.command(cls=Command)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--watch", is_flag=True, help="Show the copy and the lag until the job runs, is complete, or fails.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Watch no longer than this.")
@click.option("--check-index", type=int, metavar="N", help="Only if the job's JobModifyIndex is N; 0: if it is new.")
@click.option("--no-check", is_flag=True, help="Do not ask the servers of a running job whether it could start so.")
@asks_server
def run(
    session: Session,
    files: tuple[str, ...],
    watch: bool,
    timeout: float | None,
    check_index: int | None,
    no_check: bool,
) -> None:
    """Create a job from each FILE, or change the one with its ID; - reads standard input.

    FILE is JSON, the job itself or wrapped as {"Job": {...}}; `udup init` writes an example. Prints the job's ID. With
    --json: the job as the server has it, with --watch one such line a look.

    All files are read before any job is posted. A document by which a running job could not start is refused, and the
    job goes on as it was; for a change while a server is away there is --no-check.

    \b
    Exit codes with --watch: 0 the job runs (a migration: is complete),
    4 it failed, was paused or deleted, 5 it is not there after --timeout.

    \b
    Examples:
      udup job run job.json
      udup job run --watch job.json
      udup job run jobs/*.json
      jq '.Name = "nightly"' job.json | udup job run -
    """
    if len(files) > 1 and check_index is not None:
        raise click.UsageError("--check-index is for one FILE")
    documents = {file: read_job(file) for file in files}
    _check_different(documents, files)
    if len(files) == 1:
        body = documents[files[0]] if check_index is None else wrapped(documents[files[0]], check_index)
        _run_one(session, body, watch, timeout, check=not no_check)
    else:
        sys.exit(_run_several(session, documents, watch, timeout, check=not no_check))


def _check_different(documents: dict[str, Document], files: tuple[str, ...]) -> None:
    """Raise `CommandError` if a file is named twice, or two of them are the same job."""
    seen: dict[str, str] = {}
    for file in files:
        inner = documents[file].get("Job")
        job = inner if isinstance(inner, dict) else documents[file]
        job_id = next((str(value) for key, value in job.items() if key.lower() == "id"), f"file {file}")
        if job_id in seen:
            named = "standard input" if file == STDIN else file
            what = "is given twice" if seen[job_id] == file else f"and {seen[job_id]} are both the job {job_id}"
            raise CommandError(f"{named} {what}; nothing was posted")
        seen[job_id] = file


def _run_one(session: Session, body: Document, watch: bool, timeout: float | None, *, check: bool) -> None:
    job = _posted(session, body, check)
    if watch:
        sys.exit(watch_job(session, job["ID"], goal(job), timeout))
    if session.out.as_json:
        session.out.json(job)
    else:
        session.out.say(f"Look at it with: udup job status {job['ID']}")


def _run_several(
    session: Session, documents: dict[str, Document], watch: bool, timeout: float | None, *, check: bool
) -> int:
    """Post one after another, telling what came of each; then watch them in turn. The first exit code that is not 0."""
    jobs: dict[str, Json] = {}
    errors: dict[str, str] = {}
    for file, document in documents.items():
        try:
            jobs[file] = _posted(session, document, check)
        except Answered as error:
            errors[file] = error.text
            click.echo(f"{file}: {error}", err=True)
    code: int = ExitCode.FAILED if errors else ExitCode.OK
    if watch:
        watched = [watch_job(session, job["ID"], goal(job), timeout) for job in jobs.values()]
        return next((each for each in (code, *watched) if each), ExitCode.OK)
    if session.out.as_json:
        told = [{"File": file, "Job": jobs.get(file), "Error": errors.get(file, "")} for file in documents]
        session.out.json(told)
    return code


def _posted(session: Session, body: Document, check: bool) -> Json:
    job_id, answer = session.api.register(body, check=check)
    job: Json = session.api.get(job_path(job_id))
    if not session.out.as_json:
        session.out.say(f"job {job_id} registered")
        if warning := (answer or {}).get("Warning"):
            session.out.say(f"warning: {shown(warning)}")
    return job
