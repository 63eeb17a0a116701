"""What commands print: tables and pairs for people, JSON for programs.

On a terminal a table has a bold head and fits the screen; in a pipe it has neither colours nor folded lines, since the
next program reads it by columns. Allocations and evaluations, which several commands show, have their tables here.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

#: Columns of a line that is not for a screen: wide enough that nothing is folded.
_ENDLESS = 100_000

#: Characters of an ID that tell it from others, as the original shows it.
SHORT_ID = 8

_NANOSECONDS = 1_000_000_000


class Output:
    """`as_json`: programs read it."""

    def __init__(self, *, as_json: bool = False, colours: bool = True) -> None:
        self.as_json = as_json
        self.colours = colours

    @property
    def console(self) -> Console:
        from rich.console import Console  # takes a fifth of `udup job list`, and --json does not need it

        screen = sys.stdout.isatty()
        return Console(
            file=sys.stdout,
            width=None if screen else _ENDLESS,
            no_color=True if not self.colours else None,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def say(self, text: str) -> None:
        click.echo(text)

    def json(self, value: Any) -> None:
        """One JSON value, indented."""
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))

    def json_line(self, value: Any) -> None:
        """One JSON value on one line, for a sequence of them."""
        click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def table(
        self,
        titles: Sequence[str],
        rows: Iterable[Sequence[object]],
        right: Iterable[str] = (),
        styles: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """A table; `right` names the columns of numbers, `styles` the colours of certain words."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for title in titles:
            table.add_column(title, justify="right" if title in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(text, style=styles.get(text, "")) for text in map(shown, row)))
        self._print(table)

    def pairs(self, pairs: Iterable[tuple[str, object]]) -> None:
        """`Key  = value` lines, as the original prints an object; keys without a value are left out."""
        there = [(key, shown(value)) for key, value in pairs if value not in (None, "")]
        width = max((len(key) for key, _ in there), default=0)
        for key, value in there:
            click.echo(f"{key:<{width}} = {value}")

    def title(self, text: str) -> None:
        """A headline over the next table."""
        click.echo()
        click.echo(click.style(text, bold=True) if self.colours else text)

    def _print(self, renderable: Any) -> None:
        console = self.console
        with console.capture() as captured:
            console.print(renderable)
        for line in captured.get().splitlines():
            click.echo(line.rstrip(), color=None if self.colours else False)


def shown(value: object) -> str:
    """A value as text without anything that a terminal would act on."""
    text = "" if value is None else str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def number(value: object, unit: str = "") -> str:
    """12,345 or 12,345.6; "" for what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    return f"{value:,.{0 if isinstance(value, int) else 1}f}".removesuffix(".0") + unit


def counted(count: object, thing: str) -> str:
    """1 row, 2 rows, 12,345 rows."""
    return f"{number(count)} {thing}{'' if count == 1 else 's'}"


def short(identity: object, verbose: bool = False) -> str:
    """An ID cut to what tells it from others, whole with `verbose`."""
    text = shown(identity)
    return text if verbose else text[:SHORT_ID]


def size(count: object) -> str:
    """Bytes as people say them."""
    if not isinstance(count, (int, float)) or count <= 0:
        return ""
    value, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def duration(seconds: object) -> str:
    """7s, 3m20s, 2h05m, 4d03h."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"


def show_allocations(out: Output, allocations: list[dict[str, Any]], verbose: bool) -> None:
    if not allocations:
        out.say("No allocations placed")
        return
    titles = ("ID", "Eval ID", "Node ID", "Task", "Desired", "Status", "Created At")
    rows = (
        (
            short(each["ID"], verbose),
            short(each["EvalID"], verbose),
            short(each["NodeID"], verbose),
            each["Task"],
            each["DesiredStatus"],
            each["ClientStatus"],
            local_time(each["CreateTime"]),
        )
        for each in sorted(allocations, key=lambda each: (each["CreateTime"], each["Task"]))
    )
    out.table(titles, rows)


def show_evaluations(out: Output, evaluations: list[dict[str, Any]], verbose: bool) -> None:
    rows = (
        (short(each["ID"], verbose), each["TriggeredBy"], each["Status"], "true" if each["FailedTGAllocs"] else "false")
        for each in evaluations
    )
    out.table(("ID", "Triggered By", "Status", "Placement Failures"), rows)


def local_time(nanoseconds: object) -> str:
    """A time of the API as the clock on the wall shows it."""
    if not isinstance(nanoseconds, int) or nanoseconds <= 0:
        return ""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(nanoseconds // _NANOSECONDS))
