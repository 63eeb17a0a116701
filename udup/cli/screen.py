"""How a view of a job looks: a live panel on a terminal, one line a second where there is none."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from udup.cli.progress import TableProgress, View

#: Seconds between two lines where no terminal shows the live panel.
LINE_SECONDS = 1.0

#: Columns of a table's progress bar.
BAR_WIDTH = 24

#: Tables shown at a time, so that the panel fits a screen.
MOST_TABLES = 16


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
    """A line each LINE_SECONDS, and one at every new stage."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._next = 0.0

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
    if view.restarts or view.last_error:
        parts.append(Text(f"restarts: {view.restarts}  {view.last_error}".rstrip(), style="yellow"))
    return Group(*parts)


def line(view: View) -> str:
    """The same in one line."""
    parts = [f"{view.seconds:5.1f} s  {view.stage:<11}"]
    if view.copying and not view.tables:
        parts.append(view.phase or "the servers are being looked at")
    elif view.copying:
        parts.append(
            f"{view.rows:,} of {view.total:,} rows, {view.copy_rate:,.0f} rows/s, ETA {_seconds(view.copy_eta)}"
        )
        parts += [f"{table.name} {table.fraction:.0%}" for table in view.tables if table.rows > 0 and not table.done]
    elif view.flowing:
        parts.append(f"lag {_lag(view)}, {view.tx_per_s:,.0f} tx/s, {view.rows_per_s:,.0f} rows/s")
    if view.written is not None:
        parts.append(f"source: {view.written} commits")
    if view.last_error:
        parts.append(f"restarts: {view.restarts}, {view.last_error}")
    return "; ".join(parts)


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
