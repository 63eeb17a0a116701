"""Where single tables of a job stand: all of them at the job's position, or ahead of it.

A job has one position R, its checkpoint, and reads its source's log from there. Beside it may stand *notes*: a note
says that the target has of a group of tables all of R ∪ P. What is in P and not in R was put there by a copy of these
tables, or by a run of their own. So a transaction of the log that is in P leaves the tables of the group out, rows and
definitions. Everything else of a job knows one position only.

A note is of no more use as soon as R holds all of P, and goes then. Where two parts of a job that went each its own
way come together, R is what both have, and each part gets a note of what it has (`joined`).

All names are the source's. A group is a selection, so a table that is made later falls into it as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from udup.pipeline.selection.kept import kept_selection, selection_of
from udup.pipeline.selection.selection import Selection

if TYPE_CHECKING:
    from udup.pipeline.ports.values import Position

P = TypeVar("P", bound="Position")


@dataclass(frozen=True)
class RowsUpTo:
    """Rows of a table whose primary key begins with an integer up to `last`, by the place of that column from 0.

    `bits` of an unsigned column, 0 of a signed one: not every log says which it is.
    """

    last: int
    column: int
    bits: int = 0

    def has(self, value: int) -> bool:
        """Return whether a row with this value, as the log says it, is one of them."""
        if self.bits and value < 0:
            value += 1 << self.bits
        return value <= self.last


@dataclass(frozen=True)
class AheadNote:
    """The tables of `group` are at R ∪ `position`.

    `rows_up_to`: these rows of them are not, but at R alone. `objects`: what stands beside tables is at R ∪ `position`
    too, whatever tables it belongs to: triggers, and accounts.
    """

    group: Selection
    position: Position
    rows_up_to: RowsUpTo | None = None
    objects: bool = False

    def kept(self) -> tuple[str, str, str]:
        """Return group, position and the rest, each as text."""
        rest: dict[str, Any] = {"objects": True} if self.objects else {}
        if (rows := self.rows_up_to) is not None:
            rest["rows_up_to"] = [rows.last, rows.column, rows.bits]
        return json.dumps(kept_selection(self.group)), str(self.position), json.dumps(rest)

    @classmethod
    def of_kept(cls, kept: Iterable[str], parse: Callable[[str], Position], *, folds: bool = False) -> AheadNote:
        group, position, rest = kept
        told = json.loads(rest)
        rows = told.get("rows_up_to")
        return cls(
            selection_of(json.loads(group), folds=folds),
            parse(position),
            None if rows is None else RowsUpTo(*rows),
            bool(told.get("objects")),
        )


class AheadPart:
    """What of one transaction is left out: tables, single rows of tables, triggers and accounts."""

    def __init__(self, notes: Iterable[AheadNote]) -> None:
        notes = tuple(notes)
        self._whole = tuple(each.group for each in notes if each.rows_up_to is None)
        self._rows = tuple((each.group, each.rows_up_to) for each in notes if each.rows_up_to is not None)
        self.objects = any(each.objects for each in notes)

    def leaves_out(self, schema: str, table: str) -> bool:
        """Return whether the target has all that the transaction does to a table."""
        return any(each.wants(schema, table) for each in self._whole)

    def rows_up_to(self, schema: str, table: str) -> RowsUpTo | None:
        """Return which rows of a table are still to be changed where it has all others; None if that is not so."""
        found = [rows for group, rows in self._rows if group.wants(schema, table)]
        return min(found, key=lambda rows: rows.last) if found else None

    def cuts(self, schema: str, table: str) -> bool:
        """Return whether single rows of a table have it, and others have not."""
        return not self.leaves_out(schema, table) and self.rows_up_to(schema, table) is not None

    def left_of(self, selection: Selection) -> Selection:
        """Return a selection less the tables that are left out."""
        return selection.without(*self._whole)


class AheadNotes:
    """The notes of one job, none nearly always. They are never changed: each step returns new ones."""

    def __init__(self, notes: Iterable[AheadNote] = ()) -> None:
        self.notes = tuple(notes)

    def __bool__(self) -> bool:
        return bool(self.notes)

    def __len__(self) -> int:
        return len(self.notes)

    def __iter__(self) -> Iterator[AheadNote]:
        return iter(self.notes)

    def __repr__(self) -> str:
        return f"AheadNotes({self.to_json()})" if self.notes else "AheadNotes()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AheadNotes) and self.notes == other.notes

    __hash__ = None  # type: ignore[assignment]

    # ---- What they say ----

    def of(self, source: str, number: int) -> AheadPart | None:
        """Return what is left out of a transaction, None if nothing is."""
        found = [each for each in self.notes if each.position.contains(source, number)]
        return AheadPart(found) if found else None

    def ahead(self, source: str, number: int, schema: str, table: str) -> bool:
        """Return whether the target has all that a transaction behind R does to a table."""
        part = self.of(source, number)
        return part is not None and part.leaves_out(schema, table)

    # ---- How they change ----

    def merged(self, executed: Position) -> AheadNotes:
        """Return those that say more than a position of the job does."""
        return AheadNotes(each for each in self.notes if not each.position <= executed)

    def within(self, selection: Selection) -> AheadNotes:
        """Return the same of a part of the job's tables."""
        return AheadNotes(replace(each, group=each.group.within(selection)) for each in self.notes)

    def folding(self, folds: bool) -> AheadNotes:
        """Return the same for a source that keeps names in lower case, or does not."""
        return AheadNotes(replace(each, group=each.group.folding(folds)) for each in self.notes)

    def plus(self, *notes: AheadNote) -> AheadNotes:
        return AheadNotes((*self.notes, *notes))

    # ---- As they are kept ----

    def to_json(self) -> str:
        """Return text that `of_json` reads, "" for none."""
        return json.dumps([each.kept() for each in self.notes]) if self.notes else ""

    @classmethod
    def of_json(cls, text: str, parse: Callable[[str], Position], *, folds: bool = False) -> AheadNotes:
        return cls(AheadNote.of_kept(each, parse, folds=folds) for each in json.loads(text)) if text else cls()


def both(one: P, other: P) -> P:
    """Return what two positions have in common."""
    return one - (one - other)


@dataclass(frozen=True)
class Standing:
    """A part of a job's tables, and where it stands: at a position, some of it ahead of that."""

    position: Position
    group: Selection
    notes: AheadNotes


def joined(one: Standing, other: Standing) -> tuple[Position, AheadNotes]:
    """Return where two parts stand that come together: what both have, and notes of what each has beyond it.

    The groups must have no table in common, and neither may have a prepared transaction whose end it has not executed.
    """
    position = both(one.position, other.position)
    notes = AheadNotes()
    for each in (one, other):
        notes = notes.plus(AheadNote(each.group, each.position), *each.notes.within(each.group))
    return position, notes.merged(position)
