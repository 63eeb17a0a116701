"""`udup job list`: all jobs in a table."""

from __future__ import annotations

from collections.abc import Iterator

import click

from udup.cli.commands import Command
from udup.cli.jobs import Json, progress
from udup.cli.options import Session, asks_server
from udup.cli.output import number

_TITLES = ("ID", "Name", "Type", "Status", "Stage", "Lag ms", "tx/s", "rows/s", "Copied")
_NUMBERS = ("Lag ms", "tx/s", "rows/s", "Copied")
_STYLES = {"running": "green", "failed": "bold red", "dead": "bold red", "paused": "yellow", "pause": "yellow"}


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
