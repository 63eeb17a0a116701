"""Watching a job: a live panel on a terminal, a line a second elsewhere, JSON lines for programs; then an exit code.

A server that goes away meanwhile, being restarted, is waited for: the job goes on without it being asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import nullcontext
from types import TracebackType
from typing import Any, Protocol, TypeVar

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from udup.cli.client import Unreachable
from udup.cli.commands import ExitCode
from udup.cli.jobs import Json, job_or_none
from udup.cli.options import Session
from udup.cli.progress import Observer, TableProgress, View
from udup.cli.reasons import brief, reasons

#: Seconds between two looks.
POLL_SECONDS = 0.5

#: Stages that a job does not leave by itself.
_ENDED = ("completed", "failed", "paused")

Show = Callable[[Json], None]

#: Seconds that a server may be away: a node starts in some 5.
ABSENCE_SECONDS = 60.0

#: Seconds between two tries.
_PAUSE_SECONDS = 0.5

Answer = TypeVar("Answer")

#: Seconds between two lines where no terminal shows the live panel.
LINE_SECONDS = 1.0

#: Seconds after which a line says again what the one before has said.
SAME_SECONDS = 10.0

#: Columns of a table's progress bar.
BAR_WIDTH = 24

#: Tables shown at a time, so that the panel fits a screen.
MOST_TABLES = 16


def goal(job: Json) -> tuple[str, ...]:
    """The stages at which a watched job has arrived: its end where it ends by itself, else that it follows the source.

    A migration that is ended by hand stays level until then.
    """
    ends = job.get("Type") == "migration" and job.get("EndWhen") != "finished"
    return ("completed",) if ends else ("running", "completed")


def watch(session: Session, job_id: str, until: Collection[str], limit: float | None) -> int:
    """Show the job until it is in one of these stages, has ended, or `limit` seconds are over: the exit code."""
    end = None if limit is None else time.monotonic() + limit
    with _open(session) as screen:
        job = _follow(session, job_id, _shower(session, screen), until, end)
    if job is None:
        click.echo(f"udup: job {job_id} was deleted meanwhile", err=True)
        return ExitCode.JOB_FAILED
    stage = job.get("Stage", "")
    if stage in until:
        return ExitCode.OK
    if stage not in _ENDED:
        click.echo(f"udup: job {job_id} is still {stage} after {limit:.0f} s; it goes on", err=True)
        return ExitCode.TIMED_OUT
    click.echo(
        "\n".join([f"udup: job {job_id} {'is' if stage == 'paused' else 'has'} {stage}", *reasons(job)]), err=True
    )
    return ExitCode.JOB_FAILED


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


def patiently(question: Callable[[], Answer], seconds: float = ABSENCE_SECONDS) -> Answer:
    """The answer to a question that changes nothing; `Unreachable` when nobody has answered in all that time."""
    end = time.monotonic() + seconds
    while True:
        try:
            return question()
        except Unreachable:
            if time.monotonic() >= end:
                raise
        time.sleep(_PAUSE_SECONDS)


class Screen(Protocol):
    """Shows views while it is open, as a context manager."""

    def __enter__(self) -> Screen: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, view: View) -> None: ...


def open_screen(console: Console) -> Screen:
    return LivePanel(console) if console.is_terminal else PlainLines(console)


class LivePanel:
    """One panel that is redrawn in place and stays as it was last."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> LivePanel:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, view: View) -> None:
        self._live.update(panel(view), refresh=True)


class PlainLines:
    """A line each LINE_SECONDS that says something new, one at every new stage, and now and then the same again."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._next = self._again = 0.0
        self._said = ""

    def __enter__(self) -> PlainLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, view: View) -> None:
        now = time.monotonic()
        if now < self._next and view.stage == self._stage:
            return
        self._stage, self._next = view.stage, now + LINE_SECONDS
        told = "; ".join(_parts(view))
        if told == self._said and now < self._again:
            return
        self._said, self._again = told, now + SAME_SECONDS
        self._console.print(line(view), highlight=False, soft_wrap=True)


def panel(view: View) -> RenderableType:
    """The whole state: the tables while they are copied, the flow of changes after that."""
    written = "" if view.written is None else f"   source: {view.written} commits"
    phase = f"   {view.phase}" if view.copying and view.phase else ""
    head = Text.assemble((f" {view.stage} ", "reverse bold"), f"  {view.seconds:.0f} s{phase}{written}")
    parts: list[RenderableType] = [head]
    if view.flowing:
        parts.append(_flow_table(view))
    elif view.copying and view.tables:
        parts.append(_copy_table(view))
    if view.waits:
        parts.append(Text(view.waits, style="yellow"))
    if view.waiting:
        parts.append(Text(view.waiting, style="bold yellow"))
    elif view.restarts or view.last_error:
        parts.append(Text(f"restarts: {view.restarts}  {brief(view.last_error)}".rstrip(), style="yellow"))
    return Group(*parts)


def line(view: View) -> str:
    """The same in one line."""
    return "; ".join([f"{view.seconds:5.1f} s  {_parts(view)[0]}", *_parts(view)[1:]])


def _parts(view: View) -> list[str]:
    """What the line says but the time; nothing of what is not known."""
    parts = [f"{view.stage:<11}"]
    if view.waiting:
        return [*parts, view.waiting]
    if view.copying and not view.tables:
        parts.append(view.phase or "the servers are being looked at")
    elif view.copying:
        eta = "" if view.copy_eta is None else f", ETA {_seconds(view.copy_eta)}"
        parts.append(f"{view.rows:,} of {view.total:,} rows, {view.copy_rate:,.0f} rows/s{eta}")
        parts += [f"{table.name} {table.fraction:.0%}" for table in view.tables if table.rows > 0 and not table.done]
    elif view.flowing:
        lag = "" if view.lag_ms is None else f"lag {_lag(view)}, "
        parts.append(f"{lag}{view.tx_per_s:,.0f} tx/s, {view.rows_per_s:,.0f} rows/s")
    if view.written is not None:
        parts.append(f"source: {view.written} commits")
    if view.waits:
        parts.append(view.waits)
    if view.last_error:
        parts.append(f"restarts: {view.restarts}, {brief(view.last_error)}")
    return parts


def _copy_table(view: View) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("table", "", "rows", "of about", "rows/s", "ETA"):
        table.add_column(title, justify="right" if title not in ("table", "") else "left")
    for row in _most_telling(view):
        bar = ProgressBar(total=1.0, completed=row.fraction, width=BAR_WIDTH)
        rate = f"{row.rate:,.0f}" if row.rate else ""
        eta = "" if row.done else _seconds(row.eta)
        table.add_row(row.name, bar, f"{row.rows:,}", f"{row.total:,}", rate, eta)
    if len(view.tables) > MOST_TABLES:
        done = sum(table.done for table in view.tables)
        table.add_row(f"… {len(view.tables):,} tables, {done:,} of them copied", style="dim")
    total = (f"{view.rows:,}", f"{view.total:,}", f"{view.copy_rate:,.0f}", _seconds(view.copy_eta))
    table.add_row("all", "", *total, style="bold")
    return table


def _most_telling(view: View) -> list[TableProgress]:
    """The tables in their order; of many, those that are being copied first, then those that wait."""
    if len(view.tables) <= MOST_TABLES:
        return list(view.tables)
    return sorted(view.tables, key=lambda table: (table.done, table.rows == 0))[:MOST_TABLES]


def _flow_table(view: View) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right", min_width=12)
    table.add_row("lag", _lag(view), style="bold")
    table.add_row("transactions/s", f"{view.tx_per_s:,.0f}")
    table.add_row("rows/s", f"{view.rows_per_s:,.0f}")
    if view.tables:
        table.add_row("rows copied", f"{view.rows:,}")
    return table


def _lag(view: View) -> str:
    return "not known" if view.lag_ms is None else f"{view.lag_ms:,.0f} ms"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} s"
