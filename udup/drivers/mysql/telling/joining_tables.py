"""The tables that come into a log that is followed: how far each has come, and what statements make of it.

A table keeps its rows when it is renamed, so how far it has come goes with it. One that is dropped is gone: what is
made under its name afterwards is in the log from its first row on, or comes as any other. Where the columns of its key
change, what was sent is not told from what was not any more: all of its rows come again, and all of its changes are
told.

`rest`: a snapshot was cut, and definitions have changed since (`log_instead.py`). Then all tables join that the
snapshot has not told whole, whatever they are called by now: which ones is known when the log has come to a place at
which their names are known.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from udup.drivers.mysql.ddl.statement import Statement
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.telling.judge import RowJudge
from udup.drivers.mysql.telling.ranges import Key, KeyRanges
from udup.pipeline.selection.kept import kept_selection
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection


@dataclass(eq=False)
class JoiningTable:
    """How far a table has come (`judge.Read`). `tells_all`: some rows were told that may have no place in `ranges`.

    `again`: it has been there before, and its rows come again; its changes are told all the time.
    """

    name: Name
    key: tuple[str, ...] = ()
    ranges: KeyRanges = field(default_factory=KeyRanges)
    tells_all: bool = False
    is_done: bool = False
    chunk: int = 0
    again: bool = False

    @classmethod
    def of(cls, kept: Any) -> JoiningTable:
        """Return it from what is kept; an earlier version kept the last key alone."""
        schema, table = kept["table"]
        upper = kept.get("upper")
        ranges = kept.get("ranges") or ([[upper, 0], [None, None]] if upper else [[None, None]])
        key, told = tuple(kept["key"]), kept["all"]
        return cls((schema, table), key, KeyRanges(ranges).as_one(), told, False, kept["chunk"], kept["again"])

    def kept(self) -> dict[str, object]:
        return {
            "table": self.name,
            "key": self.key,
            "ranges": self.ranges.kept(),
            "all": self.tells_all,
            "chunk": self.chunk,
            "again": self.again,
        }

    @property
    def has_begun(self) -> bool:
        return bool(self.ranges.tries)

    def tells(self, key: Key, source: str, number: int) -> bool:
        return self.ranges.at(key) is not None

    def resumed(self, position: str) -> str:
        """Return the state from which the reading of the next part goes on (`order.py`)."""
        if not self.key or not self.has_begun:
            return ""
        table = {
            "table": self.name,
            "number": self.chunk,
            "begun": True,
            "at": 0,
            "key": self.key,
            "ranges": self.ranges.kept(),
        }
        chosen = kept_selection(Selection())
        return json.dumps({"selection": chosen, "positions": [position], "until": [], "done": [], "open": [table]})

    def note(self, state: str) -> None:
        """Note what a record's state says of the table."""
        found = json.loads(state)["open"]
        if not found:
            self.is_done = True
        elif "ranges" not in found[0]:
            self.begin_again()
        else:
            self.key, self.chunk = tuple(found[0]["key"]), found[0]["number"]
            self.ranges = KeyRanges(found[0]["ranges"]).as_one()

    def begin_again(self) -> None:
        """Have all of its rows come again, and tell all of its changes."""
        self.key, self.ranges, self.chunk, self.tells_all = (), KeyRanges(), 0, True


class JoinJudge:
    """Judges what the log has of a table with one definition."""

    def __init__(self, table: JoiningTable, table_map: bytes, codecs: RowCodecs) -> None:
        self._table, self._table_map, self._codecs = table, table_map, codecs
        self._judge: RowJudge | None = None

    def shaped(self, event: bytes, source: str, number: int, *, has_crc: bool) -> list[bytes]:
        """Return the events to be kept instead."""
        table = self._table
        if table.is_done or table.tells_all or table.again:
            return [event]
        if not table.has_begun:
            return []
        if self._judge is None:
            self._judge = RowJudge(self._codecs.of(self._table_map, has_crc=has_crc), table, table.key)
        return self._judge.shaped(event, source, number, has_crc=has_crc)


class JoiningTables:
    """Those of one job; `kept` is the state (`order.py`), of which these are the parts that `keep` brings forward."""

    def __init__(self, kept: dict[str, Any], selection: Selection) -> None:
        self._kept, self._selection = kept, selection
        found = [JoiningTable.of(each) for each in kept.get("joins", ())]
        self.open = [each for each in found if selection.wants(*each.name)]
        self._until: Name | None = _name(kept["until"][-1][0]) if kept.get("until") else None
        self._told = {_name(each) for each in kept.get("told", ())}
        self._whole = {_name(name) for name, _ in kept.get("done", ())}

    @property
    def has_rest(self) -> bool:
        """Return whether tables join whose names are not known yet."""
        return bool(self._kept.get("rest"))

    def find(self, name: Name) -> JoiningTable | None:
        """Return the table of this name, if it joins."""
        found = next((each for each in self.open if each.name == name), None)
        if found is None and self._is_of_rest(name):
            self.open.append(found := JoiningTable(name))
        return found

    def add(self, table: JoiningTable) -> None:
        if all(each.name != table.name for each in self.open):
            self.open.append(table)

    def end(self, table: JoiningTable) -> None:
        """Note that a table is there whole, or is gone."""
        table.is_done = True
        self.open = [each for each in self.open if each is not table]

    def name_rest(self, names: Sequence[Name]) -> None:
        """Note which tables there are where the log is now; those that are made later are in it whole."""
        for name in names:
            self.find(name)
        there = set(names)
        for gone in [each for each in self.open if each.name not in there]:
            self.end(gone)
        self._kept.pop("rest")
        self._kept.pop("told", None)

    def keep(self) -> None:
        """Put what is known by now into the state."""
        self._kept["joins"] = [each.kept() for each in self.open]
        if self.has_rest and self._told:
            self._kept["told"] = sorted(self._told)

    def _is_of_rest(self, name: Name) -> bool:
        if not self.has_rest or name in self._told or name in self._whole or not self._selection.wants(*name):
            return False
        return self._until is None or name > self._until

    # ---- Statements ----

    def changed_by(self, statement: Statement, gtid: str) -> bool:
        """Note what a statement makes of the tables, once; return whether that has changed the state."""
        if self._kept.get("statement") == gtid:
            return False  # the state is stored in front of the statement, which a later run reads again
        changed = False
        if statement.verb == "DROP TABLE":
            changed = self._drop([(each.schema, each.name) for each in statement.objects])
        elif statement.verb == "DROP DATABASE":
            changed = self._drop([each.name for each in self.open if each.name[0] in statement.schemas])
        elif statement.verb == "ALTER TABLE":
            changed = self._begin_again(statement)
        for old, new in statement.moves:
            changed |= self._move((old.schema, old.name), (new.schema, new.name))
        if changed:
            self._kept["statement"] = gtid
        return changed

    def _drop(self, names: Sequence[Name]) -> bool:
        found = [table for name in names if (table := self.find(name)) is not None]
        for each in found:
            self.end(each)
        return bool(found)

    def _move(self, old: Name, new: Name) -> bool:
        table = self.find(old)
        if table is None:
            if self.has_rest:
                self._told.add(new)  # it is not one of the rest under its new name either
            return self.has_rest
        self._told.discard(new)
        table.name = new
        if not self._selection.wants(*new):
            self.end(table)
        return True

    def _begin_again(self, statement: Statement) -> bool:
        """Have a table begin again whose key has other columns by now."""
        table = self.find((statement.objects[0].schema, statement.objects[0].name))
        columns = {each.lower() for each in statement.changed}
        if table is None or not table.has_begun or columns.isdisjoint(name.lower() for name in table.key):
            return False
        table.begin_again()
        return True


def _name(kept: Any) -> Name:
    return kept[0], kept[1]
