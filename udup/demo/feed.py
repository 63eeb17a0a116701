"""The live screen of a subscription's demo: a few of the events as they pass, a line each, for people."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, OverflowMethod
from rich.text import Text

from udup.demo.columns import Column, image
from udup.demo.events import Event

#: Seconds between two lines.
LINE_SECONDS = 0.25

#: Characters of a value, and columns of an inserted or deleted row, that are shown.
SHOWN_CHARACTERS, SHOWN_COLUMNS = 24, 4

_WORDS = {"c": ("insert", "green"), "u": ("update", "yellow"), "d": ("delete", "red"), "r": ("row", "cyan")}


class Feed:
    """`columns` gives a table's columns by its name."""

    def __init__(
        self,
        console: Console,
        columns: Callable[[str], Mapping[str, Column]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console, self._columns, self._clock = console, columns, clock
        self._shown_at = float("-inf")

    def show(self, event: Event) -> None:
        """Show an event, unless another was shown just now."""
        now = self._clock()
        if event.committed_us is None or now - self._shown_at < LINE_SECONDS:
            return
        self._shown_at = now
        whole = not self._console.is_terminal  # there a line ends with the screen
        overflow: OverflowMethod = "ignore" if whole else "ellipsis"
        self._console.print(self._line(event), soft_wrap=whole, no_wrap=True, overflow=overflow, highlight=False)

    def _line(self, event: Event) -> Text:
        word, colour = _WORDS[event.operation]
        columns = self._columns(event.table)
        at = datetime.fromtimestamp((event.committed_us or 0) / 1e6, UTC)
        before, after = (None if said is None else image(columns, said) for said in (event.before, event.after))
        return Text.assemble(
            (f"{at:%H:%M:%S}.{at.microsecond // 1000:03} ", "dim"),
            (f"{word} ", colour),
            (f"{event.table:<12} ", "bold"),
            f"{event.key or '(no key)'} {changed(before, after, _key_columns(event.key))}",
        )


def changed(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, told: Collection[str] = ()) -> str:
    """Return what a change says in a few words: of an update the columns that it has changed.

    `told` are columns that are shown already.
    """
    if before is not None and after is not None:
        pairs = [(name, before.get(name), value) for name, value in after.items() if before.get(name) != value]
        return ", ".join(f"{name}: {_shown(old)} → {_shown(new)}" for name, old, new in pairs)
    said = [(name, value) for name, value in (after or before or {}).items() if name not in told]
    more = ", …" if len(said) > SHOWN_COLUMNS else ""
    return ", ".join(f"{name}: {_shown(value)}" for name, value in said[:SHOWN_COLUMNS]) + more


def _key_columns(key: str | None) -> Collection[str]:
    return () if key is None else json.loads(key).keys()


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    text = value.hex() if isinstance(value, bytes) else str(value)
    text = text.replace("\n", "⏎")
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
