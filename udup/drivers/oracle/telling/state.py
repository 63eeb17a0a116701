"""What a destination has of the rows that were read for it: the text that it keeps with its position.

A snapshot that was cut goes on: whole tables are left out, the table in whose middle it was cut is read again from its
beginning. Each try reads at an SCN of its own. The log is followed from that of the first, and of each table what was
committed up to the SCN at which it was told *first* is left out: a table that one try has read whole comes exactly
once. Of one that two tries have told, the log comes from the first on, so that a row which went in between is told of.

`joins` are tables whose rows come while the log is followed (`joining.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import msgspec

from udup.drivers.oracle.tables import OracleTable
from udup.pipeline.selection.kept import selection_of
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection

#: Above every SCN.
NEVER = 1 << 63


class Join(msgspec.Struct):
    """A table whose rows are to come. `begun`: some were told; `again`: the job had it before."""

    owner: str
    name: str
    begun: bool = False
    again: bool = False

    @property
    def tells_changes(self) -> bool:
        """Return whether the destination knows rows of it already, so that it must be told of every change."""
        return self.begun or self.again


class Until(msgspec.Struct, array_like=True):
    """All tables up to this one, in the order of their names, were told, first at this SCN."""

    owner: str
    name: str
    scn: int

    @property
    def table(self) -> Name:
        return self.owner, self.name


class TellingState(msgspec.Struct, omit_defaults=True):
    """`position` is that of the first try, `sign` one of the tables' definitions, `selection` what the job chose then.

    `done` grows with the tables in their order, an entry for each SCN; `open` is the table that was told in part.
    `wish` is the last wish that was taken up.
    """

    selection: Any = None
    sign: str = ""
    position: str = ""
    done: list[Until] = []
    open: Until | None = None
    joins: list[Join] = []
    wish: int = 0

    @classmethod
    def parse(cls, text: str) -> TellingState:
        return _decode(text) if text else cls()

    def text(self) -> str:
        return msgspec.json.encode(self).decode()

    def chosen(self, now: Selection) -> Selection:
        """Return what the job chose when the snapshot began; what it chooses now where nothing is kept."""
        return now if self.selection is None else selection_of(self.selection, folds=now.folds)

    def is_done(self, table: Name) -> bool:
        return bool(self.done) and table <= self.done[-1].table

    @property
    def newest(self) -> int:
        """Return the highest SCN at which rows were told; 0 if none were."""
        return max([each.scn for each in (*self.done, *filter(None, [self.open]))], default=0)

    def begin(self, table: Name, scn: int) -> None:
        """Note that rows of a table are told, as they were at an SCN; an earlier one counts."""
        if self.open is None or self.open.table != table:
            self.open = Until(*table, scn)

    def end(self, table: Name, scn: int) -> None:
        """Note that a table was told whole."""
        first = self.open.scn if self.open is not None and self.open.table == table else scn
        if self.done and self.done[-1].scn == first:
            self.done.pop()
        self.done.append(Until(*table, first))
        self.open = None

    def floor(self, table: Name) -> int:
        """Return up to which SCN the log of a table is left out; 0 where all of it is told."""
        for each in self.joins:
            if (each.owner, each.name) == table:
                return 0 if each.tells_changes else NEVER
        return next((each.scn for each in self.done if table <= each.table), 0)


_decode = msgspec.json.Decoder(TellingState).decode


def sign_of(tables: Iterable[OracleTable]) -> str:
    """Return a sign of the names, columns and keys of tables."""
    shown = [
        [each.owner, each.name, [[c.name, c.kind, c.length, c.precision, c.scale, c.nullable] for c in each.columns]]
        for each in tables
    ]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]
