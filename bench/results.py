"""What a benchmark found: one line a contestant, the ratio to Udup, a table for people and JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import MySQLError, describe

#: The contestant that the others are measured against.
OURS = "Udup"

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Line:
    """One contestant's value in the result's unit, smaller is better; None when it could not run, `detail` says why."""

    contestant: str
    value: float | None
    detail: str = ""
    what: str = ""  # which figure, where a contestant has several


@dataclass
class Result:
    name: str
    title: str
    unit: str
    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def attempt(self, contestant: str, measure: Callable[[], list[Line]]) -> None:
        """Adds what `measure` finds, or why it could not: the other contestants' figures are worth having anyway."""
        try:
            self.lines.extend(measure())
        except (UdupError, MySQLError) as error:
            self.lines.append(Line(contestant, None, f"failed: {describe(error)}"))
        self.note(f"after {contestant}: load average of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")

    @property
    def complete(self) -> bool:
        return all(line.value is not None for line in self.lines if line.contestant == OURS)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def ratio(self, line: Line) -> float | None:
        """How many times Udup's value this is: above 1, Udup is faster."""
        ours = [other.value for other in self.lines if other.contestant == OURS and other.what == line.what]
        if not ours or not ours[0] or line.value is None or line.contestant == OURS:
            return None
        return line.value / ours[0]


def show(result: Result, console: Console) -> None:
    table = Table(title=f"{result.name}: {result.title}", title_justify="left")
    table.add_column("")
    table.add_column("figure")
    table.add_column(result.unit, justify="right")
    table.add_column("times Udup's", justify="right")
    table.add_column("", overflow="fold")
    for line in result.lines:
        ratio = result.ratio(line)
        table.add_row(
            line.contestant,
            line.what,
            "–" if line.value is None else f"{line.value:.2f}",
            "" if ratio is None else f"{ratio:.2f}",
            line.detail,
        )
    console.print(table)
    for note in result.notes:
        console.print(f"  {note}", highlight=False, markup=False)


def save(results: list[Result], mysql: str, quick: bool) -> Path:
    """A JSON file named by the time."""
    now = datetime.now(UTC)
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{now:%Y%m%d-%H%M%S}.json"
    document = {
        "at": now.isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}",
        "python": platform.python_version(),
        "mysql": mysql,
        "quick": quick,
        "results": [
            asdict(result) | {"times_udup": {f"{x.contestant} {x.what}".strip(): result.ratio(x) for x in result.lines}}
            for result in results
        ],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path
