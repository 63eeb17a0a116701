"""What a self-test shows while it runs: how far it is, and at once what did not come out equal."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from udup.selftest.verdict import NOT_RUN, Outcome, Verdict

_STYLES = {Outcome.DIFFERENT: "bold red", Outcome.FAILED: "red", Outcome.REFUSED: "yellow", Outcome.SKIPPED: "dim"}

#: Characters of a text on the screen; the report has all of it.
_SHOWN = 160


class Screen:
    """A bar on a terminal; in a pipe a line for each group of cases."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._done = 0
        self._began = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("cases", total=total)

    def __enter__(self) -> Screen:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def doing(self, text: str) -> None:
        self._bar.update(self._task, description=text)

    def took(self, phase: str, verdicts: list[Verdict], group: int) -> None:
        """Show the verdicts of a group of so many cases."""
        told = [each for each in verdicts if each.outcome is not Outcome.EQUAL and not each.refusal]
        if len(told) > 1 and len({each.fault for each in told}) == 1:  # a server or the node is gone
            self._tell(told[0].outcome, f"{len(told)} cases ({phase}): {told[0].fault}")
        else:
            for each in told:
                self._tell(each.outcome, f"{each.case} ({phase}): {each.fault}")
        self._done += group
        self._bar.update(self._task, completed=self._done)
        if not self._console.is_terminal:
            seconds = time.monotonic() - self._began
            self._console.print(f"{phase}: {self._done} of {self._total} done, {seconds:.0f} s", highlight=False)

    def _tell(self, outcome: Outcome, text: str) -> None:
        line = f"{outcome}: {_short(text)}"
        self._console.print(line, style=_STYLES[outcome], highlight=False, markup=False, soft_wrap=True)


def _short(text: str) -> str:
    line = " ".join(text.replace(NOT_RUN, "").split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]} …"
