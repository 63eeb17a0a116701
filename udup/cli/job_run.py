"""`udup job run`: posts a job, and optionally follows it until it runs."""

from __future__ import annotations

import sys

import click

from udup.cli.client import job_path
from udup.cli.commands import Command
from udup.cli.options import Session, asks_server
from udup.cli.validate import read_job, wrapped
from udup.cli.watch import goal
from udup.cli.watch import watch as watch_job


@click.command(cls=Command)
@click.argument("file")
@click.option("--watch", is_flag=True, help="Show the copy and the lag until the job runs, is complete, or fails.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Watch no longer than this.")
@click.option("--check-index", type=int, metavar="N", help="Only if the job's JobModifyIndex is N; 0: if it is new.")
@asks_server
def run(session: Session, file: str, watch: bool, timeout: float | None, check_index: int | None) -> None:
    """Create a job from FILE, or change the one with its ID; - reads standard input.

    FILE is JSON, the job itself or wrapped as {"Job": {...}}; `udup init` writes an example. Prints the job's ID. With
    --json: the job as the server has it, with --watch one such line a look.

    \b
    Exit codes with --watch: 0 the job runs (a migration: is complete),
    4 it failed, was paused or deleted, 5 it is not there after --timeout.

    \b
    Examples:
      udup job run job.json
      udup job run --watch job.json
      jq '.Name = "nightly"' job.json | udup job run -
    """
    document = read_job(file)
    body = document if check_index is None else wrapped(document, check_index)
    job_id, _ = session.api.register(body)
    job = session.api.get(job_path(job_id))
    if not session.out.as_json:
        session.out.say(f"job {job_id} registered")
    if watch:
        sys.exit(watch_job(session, job_id, goal(job), timeout))
    if session.out.as_json:
        session.out.json(job)
    else:
        session.out.say(f"Look at it with: udup job status {job_id}")
