"""The end of the demo: every table's checksums on both sides, and the numbers of the run."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from udup.cli.progress import Observer
from udup.sandbox.load_process import LoadStats
from udup.verify.compare import Comparison
from udup.verify.sums import TableSum

#: Hexadecimal digits of a checksum that are shown.
SHOWN_DIGITS = 12


@dataclass(frozen=True)
class Numbers:
    """Seconds and rows of the run's parts."""

    copied_rows: int
    copy_seconds: float
    level_seconds: float
    load: LoadStats


def show_verdict(console: Console, comparison: Comparison, numbers: Numbers, observer: Observer) -> None:
    table = Table(title="checksums of every row, computed by the servers", title_justify="left")
    for title in ("table", "rows", "source", "target", ""):
        table.add_column(title, justify="right" if title == "rows" else "left")
    for entry in comparison.tables:
        rows = f"{entry.source.rows:,}" if entry.source else "–"
        verdict = "equal" if entry.equal else "[bold red]NOT EQUAL[/]"
        table.add_row(".".join(entry.table), rows, _digits(entry.source), _digits(entry.target), verdict)
    console.print(table)
    for line in _lines(numbers, observer):
        console.print(line, highlight=False)
    if comparison.equal:
        summary = f"{len(comparison.tables)} tables, {comparison.rows:,} rows and all definitions are equal"
        console.print(f"[bold green]EQUAL[/]: {summary}", highlight=False)
    else:
        console.print("[bold red]NOT EQUAL[/]", highlight=False)
        console.print(comparison.report(), highlight=False, markup=False)


def _lines(numbers: Numbers, observer: Observer) -> list[str]:
    load = numbers.load
    rate = numbers.copied_rows / numbers.copy_seconds if numbers.copy_seconds else 0.0
    lines = [
        f"full copy: {numbers.copied_rows:,} rows in {numbers.copy_seconds:.1f} s, {rate:,.0f} rows/s, while writing",
        f"written meanwhile: {load.transactions:,} transactions, {load.rows:,} rows, {load.rollbacks} rolled back",
    ]
    if load.errors:
        lines.append(f"the load met {load.errors} errors, the last: {load.last_error}")
    if observer.lags:
        lines.append(
            f"lag while running: median {median(observer.lags):.0f} ms, highest {max(observer.lags):.0f} ms;"
            f" up to {observer.peak_tx:,.0f} transactions/s"
        )
    lines.append(f"level {numbers.level_seconds:.2f} s after the last write")
    return lines


def _digits(table: TableSum | None) -> str:
    return "–" if table is None else table.xor[:SHOWN_DIGITS].lower()
