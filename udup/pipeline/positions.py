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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from udup.pipeline.selection.kept import kept_selection, selection_of
from udup.pipeline.selection.selection import Selection

if TYPE_CHECKING:
    from udup.pipeline.ports.values import Position

P = TypeVar("P", bound="Position")

#: A group without a table.
NOTHING = Selection().without(Selection())


#: The integers that a primary key begins with, in its order.
Numbers: TypeAlias = tuple[int, ...]

#: Keys from behind one up to another and with it; None: from the first, or up to the last.
Range: TypeAlias = tuple[Numbers | None, Numbers | None]


@dataclass(frozen=True)
class RowsBehind:
    """Rows of a table whose primary key begins with integers, by `ranges` of these.

    `columns` are their places in a row from 0; `bits` those of each that is unsigned, 0 of a signed one: not every log
    says which it is.
    """

    ranges: tuple[Range, ...]
    columns: tuple[int, ...]
    bits: tuple[int, ...]

    def has(self, values: Sequence[int]) -> bool:
        """Return whether a row with these values of the columns, as the log says them, is one of them."""
        pairs = zip(values, self.bits, strict=True)
        key = tuple(value + (1 << bits) if bits and value < 0 else value for value, bits in pairs)
        return any(
            (behind is None or behind < key) and (up_to is None or key <= up_to) for behind, up_to in self.ranges
        )

    def kept(self) -> list[Any]:
        return [self.ranges, self.columns, self.bits]

    @classmethod
    def of_kept(cls, kept: Sequence[Any]) -> RowsBehind:
        ranges, columns, bits = kept
        return cls(tuple((_numbers(one), _numbers(other)) for one, other in ranges), tuple(columns), tuple(bits))


def _numbers(kept: Sequence[int] | None) -> Numbers | None:
    return None if kept is None else tuple(kept)


@dataclass(frozen=True)
class AheadNote:
    """The tables of `group` are at R ∪ `position`.

    `rows_behind`: these rows of them are not, but at R alone. `objects`: what stands beside tables is at R ∪ `position`
    too, whatever tables it belongs to: triggers, and accounts. `unchecked`: tables that stand elsewhere than those that
    foreign keys tie them to while there is this note, by keys that change no rows; they are not looked at meanwhile.
    `overtaken`: a copy read rows while what is in `position` was carried out, which a snapshot does not always hide.
    """

    group: Selection
    position: Position
    rows_behind: RowsBehind | None = None
    objects: bool = False
    unchecked: Selection | None = None
    overtaken: bool = False

    def kept(self) -> tuple[str, str, str]:
        """Return group, position and the rest, each as text."""
        rest: dict[str, Any] = {"objects": True} if self.objects else {}
        if self.rows_behind is not None:
            rest["rows_behind"] = self.rows_behind.kept()
        if self.unchecked is not None:
            rest["unchecked"] = kept_selection(self.unchecked)
        if self.overtaken:
            rest["overtaken"] = True
        return json.dumps(kept_selection(self.group)), str(self.position), json.dumps(rest)

    @classmethod
    def of_kept(cls, kept: Iterable[str], parse: Callable[[str], Position], *, folds: bool = False) -> AheadNote:
        group, position, rest = kept
        told = json.loads(rest)
        rows, unchecked = told.get("rows_behind"), told.get("unchecked")
        return cls(
            selection_of(json.loads(group), folds=folds),
            parse(position),
            None if rows is None else RowsBehind.of_kept(rows),
            bool(told.get("objects")),
            None if unchecked is None else selection_of(unchecked, folds=folds),
            bool(told.get("overtaken")),
        )

    def with_groups(self, change: Callable[[Selection], Selection]) -> AheadNote:
        unchecked = None if self.unchecked is None else change(self.unchecked)
        return replace(self, group=change(self.group), unchecked=unchecked)


def _of_both(one: RowsBehind, other: RowsBehind) -> RowsBehind:
    """Return the rows that both have; they are of one table."""
    ranges = []
    for behind, up_to in one.ranges:
        for also_behind, also_up_to in other.ranges:
            begin = max((each for each in (behind, also_behind) if each is not None), default=None)
            end = min((each for each in (up_to, also_up_to) if each is not None), default=None)
            if begin is None or end is None or begin < end:
                ranges.append((begin, end))
    return replace(one, ranges=tuple(ranges))


class AheadPart:
    """What of one transaction is left out: tables, single rows of tables, triggers and accounts."""

    def __init__(self, notes: Iterable[AheadNote]) -> None:
        notes = tuple(notes)
        self._whole = tuple(each.group for each in notes if each.rows_behind is None)
        self._rows = tuple((each.group, each.rows_behind) for each in notes if each.rows_behind is not None)
        self.objects = any(each.objects for each in notes)
        self.overtaken = any(each.overtaken for each in notes)

    def leaves_out(self, schema: str, table: str) -> bool:
        """Return whether the target has all that the transaction does to a table."""
        return any(each.wants(schema, table) for each in self._whole)

    def rows_behind(self, schema: str, table: str) -> RowsBehind | None:
        """Return which rows of a table are still to be changed where it has all others; None if that is not so."""
        found = [rows for group, rows in self._rows if group.wants(schema, table)]
        return reduce(_of_both, found) if found else None

    def cuts(self, schema: str, table: str) -> bool:
        """Return whether single rows of a table have it, and others have not."""
        return not self.leaves_out(schema, table) and self.rows_behind(schema, table) is not None

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

    def checks(self, schema: str, table: str) -> bool:
        """Return whether a table's foreign keys are looked at."""
        return not any(each.unchecked is not None and each.unchecked.wants(schema, table) for each in self.notes)

    # ---- How they change ----

    def merged(self, executed: Position) -> AheadNotes:
        """Return those that say more than a position of the job does."""
        return AheadNotes(each for each in self.notes if not each.position <= executed)

    def within(self, selection: Selection) -> AheadNotes:
        """Return the same of a part of the job's tables."""
        return AheadNotes(each.with_groups(lambda group: group.within(selection)) for each in self.notes)

    def folding(self, folds: bool) -> AheadNotes:
        """Return the same for a source that keeps names in lower case, or does not."""
        return AheadNotes(each.with_groups(lambda group: group.folding(folds)) for each in self.notes)

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
