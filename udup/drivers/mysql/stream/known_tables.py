"""What the log's TABLE_MAPs mean for the job: whether a table is in it, and what becomes of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from udup.drivers.mysql.binlog.event import ending_statement, ends_statement
from udup.drivers.mysql.binlog.table_map import table_name, with_names
from udup.drivers.mysql.columns.shaper import ColumnMaps, MappedTable
from udup.drivers.mysql.filters.shaper import RowShaper, Shapers
from udup.pipeline.records import TransactionId
from udup.pipeline.selection.renames import Renaming
from udup.pipeline.selection.selection import Selection

#: Definitions of other jobs' tables that are remembered at most.
_UNWANTED_MAX = 10_000


class Judge(Protocol):
    """Leaves out changes of a table that comes into the job just now (`telling/judge.py`)."""

    def shaped(self, event: bytes, source: str, number: int, *, has_crc: bool) -> Sequence[bytes]: ...


class Judges(Protocol):
    """Makes the judge of each definition that the log has of such a table."""

    def judge(self, schema: str, table: str, table_map: bytes, *, has_crc: bool) -> Judge | None: ...


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A TABLE_MAP seen: its bytes tell whether the same id still means the same."""

    definition: bytes
    wanted: bool
    names: tuple[bytes, bytes] | None = None  # the target's schema and table, where they are others
    shaper: RowShaper | None = None  # what becomes of its rows, where not all of them are the job's
    mapped: MappedTable | None = None  # the same of its columns
    mapped_map: bytes = b""
    judge: Judge | None = None  # the same of a table that is read while the log is followed

    def table_map(self, event: bytes, *, has_crc: bool) -> bytes:
        """Return the TABLE_MAP as the target is to have it."""
        if self.mapped is not None:
            event = self.mapped.table_map(event, has_crc=has_crc)
        return event if self.names is None else with_names(event, *self.names, has_crc=has_crc)

    def shaped(self, event: bytes, of: TransactionId, *, has_crc: bool) -> Sequence[bytes]:
        """Return the rows events to be kept instead of one of this transaction."""
        kept: list[bytes] = [event]
        if self.judge is not None:
            kept = list(self.judge.shaped(event, of.source, of.number, has_crc=has_crc))
        if self.shaper is not None:
            kept = [each for judged in kept for each in self.shaper.shaped(judged, has_crc=has_crc)]
            if kept and ends_statement(event) and not ends_statement(kept[-1]):
                kept[-1] = ending_statement(kept[-1])
        if self.mapped is None or not kept:
            return kept
        return self.mapped.shaped(kept, self.mapped_map, has_crc=has_crc)


class KnownTables:
    """Looks at a TABLE_MAP that is new."""

    def __init__(
        self,
        selection: Selection,
        renaming: Renaming,
        shapers: Shapers | None = None,
        column_maps: ColumnMaps | None = None,
        judges: Judges | None = None,
    ) -> None:
        #: Definitions of tables that hold nothing for the job, those that came last.
        self.unwanted: set[bytes] = set()
        self._judges = judges
        self._selection = selection
        self._renaming = renaming
        self._shapers = shapers
        self._column_maps = column_maps

    def know(self, event: bytes, definition: bytes, *, has_crc: bool) -> KnownTable:
        """Return what a TABLE_MAP means; `Unsupported` if its rows cannot be carried as the job wants them."""
        name = table_name(event)
        if not self._selection.wants(name.schema, name.table):
            if len(self.unwanted) >= _UNWANTED_MAX:
                self.unwanted.clear()
            self.unwanted.add(definition)
            return KnownTable(definition, False)
        shaper, mapped, mapped_map = None, None, b""
        if self._shapers is not None:
            shaper = self._shapers.shaper(name.schema, name.table, event, has_crc=has_crc)
        if self._column_maps is not None:
            mapped = self._column_maps.mapped(name.schema, name.table, event, has_crc=has_crc)
            mapped_map = mapped.table_map(event, has_crc=has_crc) if mapped is not None else b""
        judge = None
        if self._judges is not None:
            judge = self._judges.judge(name.schema, name.table, event, has_crc=has_crc)
        names = None
        if self._renaming.active:
            self._renaming.enter(name.schema, name.table)
            schema, table = self._renaming.table(name.schema, name.table)
            names = schema.encode(), table.encode()
        return KnownTable(definition, True, names, shaper, mapped, mapped_map, judge)
