"""What of each transaction is left out because single tables have it already (`pipeline/positions.py`).

Rows are told by their TABLE_MAP, as what is not in the job; statements by a decision for the job less these tables
(`ddl/query_classifier.py`). Of a table that was copied in two goes only the rows of the first are changed by what came
between the goes: a row that an update moves out of those becomes a delete, one that it moves in an insert.
"""

from __future__ import annotations

from collections.abc import Sequence

from udup.base.causes import Cause, reason
from udup.base.errors import Unsupported
from udup.base.remedies import COPY_AGAIN, reload_of
from udup.drivers.mysql.binlog.event import without_checks
from udup.drivers.mysql.binlog.table_map import table_name
from udup.drivers.mysql.filters.shaper import EventShaper, filled
from udup.drivers.mysql.rows.codec import RowCodec, RowCodecs, completed
from udup.drivers.mysql.rows.values import Row
from udup.drivers.mysql.stream.damage import naming
from udup.pipeline.positions import AheadNotes, AheadPart, RowsBehind
from udup.pipeline.records import TransactionId


class AheadTables:
    """Follows the log's transactions: `part` is what is left out of the one that is read, None nearly always."""

    def __init__(self, notes: AheadNotes) -> None:
        self._notes = notes
        self._codecs = RowCodecs()
        self.part: AheadPart | None = None

    def begin(self, of: TransactionId) -> None:
        self.part = self._notes.of(of.source, of.number)

    def leaves_out(self, table_map: bytes) -> bool:
        """Return whether no row of a table is kept; it may have another definition there than at this transaction."""
        if self.part is None:
            return False
        name = table_name(table_map)
        return self.part.leaves_out(name.schema, name.table)

    def judge(self, schema: str, table: str, table_map: bytes, *, has_crc: bool) -> AheadRows | None:
        """Return what leaves out rows of a table, None of one that no note speaks of."""
        found = [each for each in self._notes if each.group.wants(schema, table)]
        checks = self._notes.checks(schema, table)
        if not found and checks:
            return None
        cuts = any(each.rows_behind is not None for each in found)
        codec = self._codecs.of(table_map, has_crc=has_crc) if cuts else None
        return AheadRows(self, (schema, table), codec, checks=checks)


class AheadRows:
    """Leaves out rows events of one table with one definition, or rows of them."""

    def __init__(
        self, tables: AheadTables, name: tuple[str, str], codec: RowCodec | None, *, checks: bool = True
    ) -> None:
        self._tables, self._name, self._codec, self._checks = tables, name, codec, checks
        self._events = None if codec is None else EventShaper(codec, "what was copied first")

    def shaped(self, event: bytes, source: str, number: int, *, has_crc: bool) -> Sequence[bytes]:
        """Return the events to be kept instead of one of the transaction that is read."""
        part = self._tables.part
        if part is None:
            return [event]
        if part.leaves_out(*self._name):
            return ()
        event = event if self._checks else without_checks(event)
        rows = part.rows_behind(*self._name)
        if rows is None:
            return [event]
        with naming(event):
            return self._behind(event, rows, has_crc=has_crc)

    def _behind(self, event: bytes, behind: RowsBehind, *, has_crc: bool) -> Sequence[bytes]:
        assert self._codec is not None and self._events is not None
        rows = self._codec.read(event, has_crc=has_crc)
        verdicts = [
            (
                before is not None and self._is_behind(before, behind),
                after is not None and self._is_behind(filled(before, after), behind),
            )
            for before, after in completed(rows).changes
        ]
        return self._events.shaped(event, rows, verdicts, has_crc=has_crc)

    def _is_behind(self, row: Row, behind: RowsBehind) -> bool:
        values = [value for each in behind.columns if each < len(row) and isinstance(value := row[each], int)]
        if len(values) < len(behind.columns):
            name = ".".join(self._name)
            stale = Unsupported(
                f"a row of {name} was logged without the numbers that its primary key begins with, by which it is told"
                " whether the copy has brought it in its first go or a later one; load the table again"
                f" ({reload_of([name])}), or {COPY_AGAIN}"
            )
            raise stale.loading([name]).because(reason(Cause.STALE_TABLE, {"table": name}))
        return behind.has(values)
