"""In what a table's definition differs, what counts of it, and what can be done."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.compare.shapes import Meant
from udup.drivers.mysql.compare.table_parts import (
    CHECK,
    COLUMN,
    FOREIGN_KEY,
    INDEX,
    OPTION,
    ORDER,
    PARTITIONS,
    Part,
    Shape,
    Value,
    names_paired,
)
from udup.pipeline.ports.compare import DefinitionDifference, Kind

#: Letters of what is shown of a definition.
SHOWN = 200


@dataclass(frozen=True)
class Unlike:
    """What tells the differences of one table, in a job of this ID."""

    job: str
    meant: Meant

    def found(self, ours: Shape, theirs: Shape | None) -> Iterator[DefinitionDifference]:
        """Yield in what the target's differs."""
        if theirs is None:
            yield self._told("", Kind.MISSING, remedy=self._reload)
            return
        theirs = names_paired(ours, theirs)
        for part in sorted(ours.parts.keys() | theirs.parts.keys()):
            mine, there = ours.parts.get(part), theirs.parts.get(part)
            if mine is not None and there is not None and mine.fields != there.fields:
                shown = _shown(mine, there)
                yield self._told(str(part), Kind.DIFFERS, *shown, remedy=self._change(part, mine))
            elif there is None and mine is not None:
                if not _is_served(part, ours, theirs):
                    yield self._missing(part, mine)
            elif mine is None and there is not None:
                yield self._extra(part, there)
        common = [name for name in ours.columns if name in theirs.columns]
        order = [name for name in theirs.columns if name in ours.columns]
        if common != order:
            yield self._told(ORDER, Kind.DIFFERS, _cut(", ".join(common)), _cut(", ".join(order)), remedy=self._reload)

    def _missing(self, part: Part, mine: Value) -> DefinitionDifference:
        if (part.kind in (OPTION, CHECK) and not part.name) or part.kind in (OPTION, PARTITIONS):
            return self._told(str(part), Kind.DIFFERS, *_shown(mine, Value(("none",))), remedy=self._change(part, mine))
        remedy = self._reload if part.kind == COLUMN or not mine.words else f"{self._alter} ADD {mine.words}"
        return self._told(str(part), Kind.MISSING, remedy=remedy)

    def _extra(self, part: Part, there: Value) -> DefinitionDifference:
        if part.kind in (OPTION, PARTITIONS):
            shown = _shown(Value(("none",)), there)
            return self._told(str(part), Kind.DIFFERS, *shown, remedy=self._change(part, None))
        counts = part.kind in (FOREIGN_KEY, CHECK) or (part.kind == INDEX and _is_unique(there))
        return self._told(str(part), Kind.EXTRA, counts=counts, remedy=self._drop(part) if counts else "")

    def _change(self, part: Part, mine: Value | None) -> str:
        """Return the statement that makes a part as it is meant."""
        words = mine.words if mine is not None else ""
        if part.kind == COLUMN and words:
            return f"{self._alter} MODIFY COLUMN {words}"
        if part.kind == OPTION and words and part.name != "others":
            return f"{self._alter} {words}"
        if part.kind in (INDEX, FOREIGN_KEY, CHECK) and part.name and words:
            # In one statement MySQL passes over INVISIBLE; a column that is numbered needs its key throughout.
            between = ", " if part == Part(INDEX, "PRIMARY") else f"; {self._alter} "
            return f"{self._drop(part)}{between}ADD {words}"
        return self._reload

    def _drop(self, part: Part) -> str:
        if part == Part(INDEX, "PRIMARY"):
            return f"{self._alter} DROP PRIMARY KEY"
        word = {INDEX: "INDEX", FOREIGN_KEY: "FOREIGN KEY", CHECK: "CONSTRAINT"}[part.kind]
        return f"{self._alter} DROP {word} {quote(part.name)}"

    @property
    def _alter(self) -> str:
        return f"ALTER TABLE {qualified(*self.meant.there)}"

    @property
    def _reload(self) -> str:
        return f"udup job reload {shlex.quote(self.job)} {shlex.quote('.'.join(self.meant.name))}"

    def _told(
        self, what: str, kind: Kind, source: str = "", target: str = "", *, counts: bool = True, remedy: str = ""
    ) -> DefinitionDifference:
        return DefinitionDifference(".".join(self.meant.name), what, kind, source, target, counts, remedy)


def _is_served(part: Part, ours: Shape, theirs: Shape) -> bool:
    """Return whether this is the index that a server makes for a foreign key, and takes away when another serves it."""
    if part.kind != INDEX or Part(FOREIGN_KEY, part.name) not in ours.parts:
        return False
    wanted = _columns(ours.parts[part])
    others = (_columns(value) for other, value in theirs.parts.items() if other.kind == INDEX)
    return any(columns[: len(wanted)] == wanted for columns in others)


def _columns(value: Value) -> list[str]:
    """Return an index's columns, of a line of SHOW CREATE TABLE or of rows."""
    text = value.fields[0]
    if "KEY (" in text:
        return text.partition("(")[2].rpartition(")")[0].split(",")
    return [row.split(", ")[2] for row in text.split("; ")]


def _is_unique(value: Value) -> bool:
    """Of a line of SHOW CREATE TABLE, or of rows whose fourth word is NON_UNIQUE."""
    text = value.fields[0]
    return text.startswith(("UNIQUE ", "PRIMARY ")) or (text[:3] == "1, " and text.split(", ")[3:4] == ["0"])


def _shown(mine: Value, there: Value) -> tuple[str, str]:
    """Return the fields that differ, of each side; of long texts the lines."""
    if len(mine.fields) != len(there.fields):
        return _cut(", ".join(mine.fields)), _cut(", ".join(there.fields))
    pairs = [(one, other) for one, other in zip(mine.fields, there.fields, strict=True) if one != other]
    one, other = (", ".join(each) for each in zip(*pairs, strict=True))
    if "\n" in one + other:
        lines = [text.split("\n") for text in (one, other)]
        one, other = ("; ".join(line for line in lines[at] if line not in lines[1 - at]) for at in (0, 1))
    return _cut(one or "nothing more"), _cut(other or "nothing more")


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
