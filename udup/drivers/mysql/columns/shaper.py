"""Rows events of a table with a column map, as events of a table that has the mapped columns alone.

The map is put in at the source: what is behind it knows a table of these columns, by BINLOG or by statements. An update
that changes nothing but what is left out is no change of that table; it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import ending_statement, ends_statement
from udup.drivers.mysql.columns.mapping import map_of
from udup.drivers.mysql.columns.table_map import mapped_table_map
from udup.drivers.mysql.rows.codec import RowCodec, RowCodecs, completed
from udup.drivers.mysql.rows.values import ABSENT, Change, Row
from udup.pipeline.selection.selection import ColumnNames, Selection

NAMES_NEEDED = "binlog_row_metadata = 'FULL' on the source, and give the job another ID"
IMAGES_NEEDED = "SET PERSIST binlog_row_image = 'FULL' on the source, have its clients connect again"


class MappedTable:
    """A definition of a table in the log, and the one of its mapped columns."""

    def __init__(self, codec: RowCodec, columns: ColumnNames, codecs: RowCodecs) -> None:
        self._codec, self._codecs = codec, codecs
        self._places, self._names = _places(codec, columns), [new for _, new in columns]

    def table_map(self, event: bytes, *, has_crc: bool) -> bytes:
        """Return the TABLE_MAP of the mapped columns."""
        return mapped_table_map(event, self._places, self._names, has_crc=has_crc)

    def shaped(self, events: Sequence[bytes], table_map: bytes, *, has_crc: bool) -> list[bytes]:
        """Return the events of the mapped columns, those that change nothing left out.

        `table_map` is the mapped one. If the last event ends its statement, the last that is returned does.
        """
        codec = self._codecs.of(table_map, has_crc=has_crc)
        made = [each for event in events if (each := self._event(codec, event, has_crc=has_crc))]
        if made and ends_statement(events[-1]) and not ends_statement(made[-1]):
            made[-1] = ending_statement(made[-1])
        return made

    def _event(self, codec: RowCodec, event: bytes, *, has_crc: bool) -> bytes:
        rows = self._codec.read(event, has_crc=has_crc)
        changes = [change for before, after in rows.changes if (change := self._change(before, after)) is not None]
        if not changes:
            return b""
        mapped = completed(replace(rows, changes=changes))
        return codec.write(mapped.of_kind(mapped.kind, mapped.changes), has_crc=has_crc)

    def _change(self, before: Row | None, after: Row | None) -> Change | None:
        """Return a change of the mapped columns, None if it is none."""
        old = None if before is None else tuple(before[place] for place in self._places)
        new = None if after is None else tuple(after[place] for place in self._places)
        if old is not None and all(value is ABSENT for value in old):
            raise self._absent("was logged without any column of its map, so that the target cannot find it")
        if old is None and new is not None and all(value is ABSENT for value in new):
            raise self._absent("was inserted and logged without any column of its map")
        if old is not None and new is not None and _is_equal(old, new):
            return None
        return old, new

    def _absent(self, what: str) -> Unsupported:
        return Unsupported(
            f"a row of {self._codec.table} {what}; {IMAGES_NEEDED}, and give the job another ID, or name its key in "
            "ColumnMapFrom"
        )


def _is_equal(old: Row, new: Row) -> bool:
    """Return whether an update leaves all of these as they were; what is absent behind it was not set."""
    return all(
        after is ABSENT or (type(before) is type(after) and before == after and repr(before) == repr(after))
        for before, after in zip(old, new, strict=True)
    )


def _places(codec: RowCodec, columns: ColumnNames) -> list[int]:
    table = codec.table
    if any(column.name is None for column in table.columns):
        raise Unsupported(
            f"the log does not name the columns of {table}, which has a ColumnMapFrom; SET PERSIST {NAMES_NEEDED}"
        )
    places = [table.index_of(name) for name, _ in columns]
    if None in places:
        name = columns[places.index(None)][0]
        raise Unsupported(
            f"{table} has no column {name} in the log, which its ColumnMapFrom names; write a map of the columns that "
            "it has, in a job with another ID"
        )
    return [place for place in places if place is not None]


class ColumnMaps:
    """Makes the mapped table of each definition that the log has of a table with a column map."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._codecs = RowCodecs()

    @classmethod
    def of(cls, selection: Selection) -> ColumnMaps | None:
        """Return them, None for a job without column maps."""
        return cls(selection) if selection.maps_columns else None

    def mapped(self, schema: str, table: str, table_map: bytes, *, has_crc: bool) -> MappedTable | None:
        """Return what maps a table's rows, None if all of its columns are the job's."""
        columns = map_of(self._selection, schema, table)
        return MappedTable(self._codecs.of(table_map, has_crc=has_crc), columns, self._codecs) if columns else None
