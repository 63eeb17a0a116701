"""The log behind a snapshot that took several tries: which changes of its tables the destination is told of.

The log is followed from where the first try stood. Of a table that one try has read, what that one's S holds is left
out. Of a table that several have read, and whose key is of whole numbers, each image is judged by the try that has sent
its key, as in `judge.py`. Of another such table the first try counts: what lies between comes once more, and nothing is
lost (`order.py` says why).

A table that is emptied or dropped meanwhile is judged no more from there on: what was read behind that goes with it,
and the log brings all of it again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.query_action import Action, Decide, QueryDecision
from udup.drivers.mysql.rows.codec import RowCodec, RowCodecs
from udup.drivers.mysql.telling.judge import RowJudge
from udup.drivers.mysql.telling.ranges import Key, KeyRanges
from udup.pipeline.selection.renames import Name

#: Statements behind which nothing is left of what a snapshot has brought of their tables.
_EMPTYING = frozenset({"TRUNCATE TABLE", "DROP TABLE", "DROP DATABASE"})


class _TableJudge:
    """Leaves out all changes of a table up to the position at which a snapshot has read it."""

    def __init__(self, executed: GtidSet) -> None:
        self._executed = executed

    def shaped(self, event: bytes, source: str, number: int, *, has_crc: bool) -> list[bytes]:
        """Return the event, or nothing."""
        return [] if self._executed.contains(source, number) else [event]


class _RangesRead:
    """A table that several tries have read, each some ranges of its key (`judge.Read`)."""

    is_done = False

    def __init__(self, ranges: KeyRanges, sets: Sequence[GtidSet]) -> None:
        self._ranges, self._sets = ranges, sets

    def tells(self, key: Key, source: str, number: int) -> bool:
        """Return whether the destination is told of an image with this key, in this transaction."""
        at = self._ranges.at(key)
        return at is not None and not self._sets[at].contains(source, number)


class _RangesJudge:
    """Judges the rows of such a table by their keys, up to the position of the last try."""

    def __init__(self, codec: RowCodec, read: _RangesRead, columns: Sequence[str], last: GtidSet) -> None:
        self._codec, self._read, self._columns, self._last = codec, read, columns, last
        self._judge: RowJudge | None = None

    def shaped(self, event: bytes, source: str, number: int, *, has_crc: bool) -> list[bytes]:
        """Return the events to be kept instead."""
        if not self._last.contains(source, number):
            return [event]
        if self._judge is None:
            self._judge = RowJudge(self._codec, self._read, self._columns)
        return self._judge.shaped(event, source, number, has_crc=has_crc)


class SnapshotJudges:
    """Judges the log behind a snapshot by its state (`order.py`)."""

    def __init__(self, state: str) -> None:
        self._kept = kept = json.loads(state)
        self._sets = [GtidSet.parse(position) for position in kept["positions"]]
        self._until: list[tuple[Name, int]] = [((name[0], name[1]), at) for name, at in kept["until"]]
        self._at: dict[Name, int] = {(name[0], name[1]): at for name, at in kept["done"]}
        self._at |= {_name(each): each["at"] for each in kept["open"]}
        split = [each for each in (*kept["open"], *kept.get("split", ())) if "ranges" in each]
        self._split = {_name(each): (each["key"], KeyRanges(each["ranges"])) for each in split}
        self._codecs = RowCodecs()
        self._over: set[Name] = {(name[0], name[1]) for name in kept.get("over", ())}
        self._changed = ""

    @classmethod
    def of(cls, state: str, start_after: str = "") -> SnapshotJudges | None:
        """Return them, None where all was read at one position, or the log is followed from behind the last."""
        positions = json.loads(state)["positions"] if state else []
        if len(positions) < 2 or GtidSet.parse(positions[-1]) <= GtidSet.parse(start_after):
            return None
        return cls(state)

    def judge(self, schema: str, table: str, table_map: bytes, *, has_crc: bool) -> _TableJudge | _RangesJudge | None:
        """Return the judge of a table, None for one that no later try has read."""
        name = schema, table
        if name in self._over or (schema, "") in self._over:
            return None
        if (split := self._split.get(name)) is not None:
            columns, ranges = split
            codec = self._codecs.of(table_map, has_crc=has_crc)
            return _RangesJudge(codec, _RangesRead(ranges, self._sets), columns, self._sets[-1])
        at = self._at.get(name)
        if at is None:
            at = next((at for last, at in self._until if name <= last), 0)
        return _TableJudge(self._sets[at]) if at else None

    # ---- Tables that are emptied ----

    def watching(self, decide: Decide, *, fold_names: bool) -> Decide:
        """Return the same decisions, and notice by them which tables are emptied or dropped."""

        def watched(event: bytes, has_crc: bool) -> QueryDecision:
            decision = decide(event, has_crc)
            if decision.action is Action.CARRY:
                statement = classify_query(parse_query(event, has_crc=has_crc), fold_names=fold_names)
                if statement.verb in _EMPTYING:
                    names = [(each.schema, each.name) for each in statement.objects]
                    self._end([*names, *((schema, "") for schema in statement.schemas)])
            return decision

        return watched

    def _end(self, names: Sequence[Name]) -> None:
        """Judge these no more; "" as a table stands for all of its schema."""
        if not self._over.issuperset(names):
            self._over.update(names)
            self._changed = json.dumps(self._kept | {"over": sorted(self._over)}, ensure_ascii=False)

    def changed(self) -> str:
        """Return the state that holds from here on, once; "" if it is what it was."""
        changed, self._changed = self._changed, ""
        return changed


def _name(kept: Any) -> Name:
    return kept["table"][0], kept["table"][1]
