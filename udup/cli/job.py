"""The group `udup job`."""

from __future__ import annotations

import click

from udup.cli.commands import Group

_COMMANDS = {
    "run": "udup.cli.job_run:run",
    "list": "udup.cli.job_list:list_jobs",
    "status": "udup.cli.job_status:status",
    "logs": "udup.cli.job_logs:logs",
    "pause": "udup.cli.job_write:pause",
    "resume": "udup.cli.job_write:resume",
    "settle": "udup.cli.job_settle:settle",
    "stop": "udup.cli.job_write:stop",
    "delete": "udup.cli.job_write:delete",
}


@click.group(cls=Group, sections={"Commands": _COMMANDS})
def job() -> None:
    """Run jobs, look at them, pause, resume and delete them.

    ID is a job's ID or the beginning of one, if no other job's ID begins so.
    """
