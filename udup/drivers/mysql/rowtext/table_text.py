"""One definition of a table, and the rows of its events as JSON texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import CRC_SIZE, EventType
from udup.drivers.mysql.rows.codec import FUNCTIONS_MAX, RowCodec, completed
from udup.drivers.mysql.rows.errors import DAMAGE, damaged
from udup.drivers.mysql.rows.events import Front, parse_front
from udup.drivers.mysql.rows.table import Table
from udup.drivers.mysql.rowtext.compiling import Images, ReadRows, ReadValues
from udup.drivers.mysql.rowtext.ops import Program
from udup.drivers.mysql.rowtext.schema import fields_of
from udup.pipeline.ports.delivery import RowText, Template

#: A call that reads an event's rows: what stands in front of them, where they begin, where they end.
_Reading = Callable[[bytes, Front, int, int], Any]


class GeneratedTableText:
    """The `TableText` of a program, read by generated functions. `has_crc`: its events end in a CRC."""

    def __init__(self, table: Table, program: Program, *, has_crc: bool) -> None:
        self.table = table
        self.program = program
        self.schema, self.name = table.schema, table.name
        self.key_columns: Sequence[str] = tuple(table.columns[column.index].name or "" for column in program.key)
        self._crc = CRC_SIZE if has_crc else 0
        self._codec = RowCodec(table)
        self._rows: dict[tuple[bytes | None, bytes | None], ReadRows] = {}
        self._values: dict[tuple[bytes | None, bytes | None], ReadValues] = {}

    def key_schema(self) -> Sequence[Mapping[str, Any]]:
        return fields_of(self.table, self.program.key)

    def row_schema(self) -> Sequence[Mapping[str, Any]]:
        return fields_of(self.table, [column for column in self.program.columns if column.kept])

    def rows(self, event: bytes) -> list[RowText]:
        """Return the rows of an event. Raise `DamagedRows` for bytes that are no rows of the table, `Unsupported` where
        the event does not have what is needed.
        """

        def read(event: bytes, front: Front, at: int, end: int) -> list[RowText]:
            return self._rows_of(front)(event, at, end)

        found: list[RowText] = self._read(event, read)
        return found

    def values(self, event: bytes, template: Template, first: int) -> list[tuple[bytes | None, bytes]] | None:
        """Return key and value of each row; None if a row's key has changed. Raise as `rows`."""

        def read(event: bytes, front: Front, at: int, end: int) -> list[tuple[bytes | None, bytes]] | None:
            before, after, row, behind = [part.decode() for part in template]
            return self._values_of(front)(event, at, end, before, after, row, behind, first)

        found: list[tuple[bytes | None, bytes]] | None = self._read(event, read)
        return found

    def _read(self, event: bytes, read: _Reading) -> Any:
        try:
            if event[4] == EventType.PARTIAL_UPDATE_ROWS:
                event = self._whole(event)
            end = len(event) - self._crc
            front, at = parse_front(event, end)
            if front.columns != len(self.table.columns):
                raise damaged(f"a rows event has {front.columns} columns where there are {len(self.table.columns)}")
            return read(event, front, at, end)
        except Unsupported as error:
            raise error.beginning(f"rows of {self.table}: ") from error
        except DAMAGE as error:
            raise damaged(f"rows of {self.table} cannot be read ({type(error).__name__}: {error})") from error

    def _whole(self, event: bytes) -> bytes:
        """Return a partial update of documents as one that has them whole."""
        has_crc = bool(self._crc)
        return self._codec.write(completed(self._codec.read(event, has_crc=has_crc)), has_crc=has_crc)

    def _rows_of(self, front: Front) -> ReadRows:
        key = front.before, front.after
        found = self._rows.get(key)
        if found is None:
            _make_room(self._rows)
            found = self._rows[key] = self._images(front).rows()
        return found

    def _values_of(self, front: Front) -> ReadValues:
        key = front.before, front.after
        found = self._values.get(key)
        if found is None:
            _make_room(self._values)
            found = self._values[key] = self._images(front).values()
        return found

    def _images(self, front: Front) -> Images:
        return Images(self.program, self._present(front.before), self._present(front.after))

    def _present(self, bitmap: bytes | None) -> tuple[int, ...] | None:
        """Return the columns that an image has."""
        if bitmap is None:
            return None
        return tuple(index for index in range(len(self.table.columns)) if bitmap[index // 8] >> index % 8 & 1)


def _make_room(kept: dict[Any, Any]) -> None:
    """Have the oldest go where one more would be too many: with MINIMAL images every set of columns has its own."""
    if len(kept) >= FUNCTIONS_MAX:
        del kept[next(iter(kept))]
