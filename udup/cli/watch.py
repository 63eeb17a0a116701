"""Watching a job: a live panel on a terminal, a line a second elsewhere, JSON lines for programs; then an exit code.

A server that goes away meanwhile, being restarted, is waited for: the job goes on without it being asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import nullcontext
from typing import Any

import click

from udup.cli import exits
from udup.cli.jobs import Json, job_or_none
from udup.cli.options import Session
from udup.cli.patience import ABSENCE_SECONDS, patiently
from udup.cli.progress import Observer
from udup.cli.refusal import reasons
from udup.cli.screen import Screen, open_screen

#: Seconds between two looks.
POLL_SECONDS = 0.5

#: Stages that a job does not leave by itself.
_ENDED = ("completed", "failed", "paused")

Show = Callable[[Json], None]


def goal(job: Json) -> tuple[str, ...]:
    """The stages at which a watched job has arrived: a migration's end, else when it keeps the target current."""
    return ("completed",) if job.get("Type") == "migration" else ("running", "completed")


def watch(session: Session, job_id: str, until: Collection[str], limit: float | None) -> int:
    """Show the job until it is in one of these stages, has ended, or `limit` seconds are over: the exit code."""
    end = None if limit is None else time.monotonic() + limit
    with _open(session) as screen:
        job = _follow(session, job_id, _shower(session, screen), until, end)
    if job is None:
        click.echo(f"udup: job {job_id} was deleted meanwhile", err=True)
        return exits.JOB_FAILED
    stage = job.get("Stage", "")
    if stage in until:
        return exits.OK
    if stage not in _ENDED:
        click.echo(f"udup: job {job_id} is still {stage} after {limit:.0f} s; it goes on", err=True)
        return exits.TIMED_OUT
    click.echo(
        "\n".join([f"udup: job {job_id} {'is' if stage == 'paused' else 'has'} {stage}", *reasons(job)]), err=True
    )
    return exits.JOB_FAILED


def _follow(session: Session, job_id: str, show: Show, until: Collection[str], end: float | None) -> Json | None:
    """The job as it was last, None when it is gone."""
    while True:
        left = ABSENCE_SECONDS if end is None else min(ABSENCE_SECONDS, end - time.monotonic())
        job = patiently(lambda: job_or_none(session.api, job_id), left)
        if job is None:
            return None
        show(job)
        over = end is not None and time.monotonic() >= end
        if over or job.get("Stage") in until or job.get("Stage") in _ENDED:
            return job
        time.sleep(POLL_SECONDS)


def _open(session: Session) -> Any:
    return nullcontext() if session.out.as_json else open_screen(session.out.console)


def _shower(session: Session, screen: Screen | None) -> Show:
    if screen is None:
        return session.out.json_line
    observer = Observer()
    return lambda job: screen.show(observer.view(job))
