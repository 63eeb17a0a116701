"""How many rows of which table events insert, update and delete, without reading any: a compiled walk over them.

Rows travel as bytes, so counting them must cost next to nothing: the library (`udup/_rows/tally.h`) goes over them by
the widths of their columns. Where it was not built, and of events that it does not understand, how many rows there are
is not known, and that is told.
"""

from __future__ import annotations

import ctypes
import struct
import weakref
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate

from udup.base import row_library
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType
from udup.drivers.mysql.binlog.split import EventSplitter, split
from udup.drivers.mysql.binlog.table_map import TableName, table_id, table_name
from udup.pipeline.ports.tables import LargeTally, RowsOfTable

#: Bytes of room for what is counted in a call: that of some hundred tables.
_ROOM = 64 << 10

#: In front of a table's names: what was counted of it, and how long the names are.
_NUMBERS = struct.Struct("<7q")


class Functions:
    """The functions of a library; `AttributeError` for one that was built before it could count."""

    def __init__(self, loaded: ctypes.CDLL) -> None:
        self.begin, self.end = loaded.udup_tally_begin, loaded.udup_tally_end
        self.feed, self.take = loaded.udup_tally_feed, loaded.udup_tally_take
        self.begin.restype, self.begin.argtypes = ctypes.c_void_p, []
        self.end.restype, self.end.argtypes = None, [ctypes.c_void_p]
        self.feed.restype = self.take.restype = ctypes.c_int64
        self.feed.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64, ctypes.c_int64]
        self.take.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]


@cache
def library() -> Functions | None:
    """Return what counts, None where installing Udup has built nothing that does."""
    for path in row_library.libraries():
        try:
            return Functions(row_library.load(path))
        except (OSError, ValueError, AttributeError):
            continue
    return None


class _Compiled:
    """One tally of the library's."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._tally = functions.begin()
        if not self._tally:
            raise MemoryError
        weakref.finalize(self, functions.end, self._tally)
        self._make_room(_ROOM)

    def _make_room(self, size: int) -> None:
        self._size = size
        self._room = ctypes.create_string_buffer(size)
        self._address = ctypes.addressof(self._room)
        self._view = memoryview(self._room).cast("B")

    def feed(self, events: bytes, *, has_crc: bool) -> None:
        if self._functions.feed(self._tally, events, len(events), has_crc):
            raise MemoryError

    def take(self, ends: Sequence[int] = ()) -> list[RowsOfTable]:
        """Return what was counted and forget it. `ends` are those of the transactions that were fed, if of several."""
        count = self._functions.take(self._tally, self._address, self._size)
        if count < 0:
            self._make_room(-count)
            count = self._functions.take(self._tally, self._address, self._size)
        found, start, view = [], _NUMBERS.size, self._view
        for _ in range(count):
            inserted, updated, deleted, uncounted, last, length, more = _NUMBERS.unpack_from(
                view, start - _NUMBERS.size
            )
            middle = start + length
            end = middle + more
            schema, table = str(view[start:middle], "utf-8", "replace"), str(view[middle:end], "utf-8", "replace")
            last = bisect_right(ends, last) if ends else 0
            found.append(RowsOfTable(schema, table, inserted, updated, deleted, uncounted, last))
            start = end + _NUMBERS.size
        if self._size > _ROOM:
            self._make_room(_ROOM)
        return found


class _Large:
    """`LargeTally` by the library."""

    def __init__(self, functions: Functions, *, has_crc: bool) -> None:
        self._compiled, self._has_crc = _Compiled(functions), has_crc

    def feed(self, events: bytes) -> None:
        self._compiled.feed(events, has_crc=self._has_crc)

    def counted(self) -> list[RowsOfTable]:
        return self._compiled.take()


class _Uncounted:
    """`LargeTally` without the library: how many events each table has."""

    def __init__(self) -> None:
        self._splitter = EventSplitter("a large transaction")
        self._maps: dict[bytes, TableName] = {}
        self._found: dict[TableName, int] = {}

    def feed(self, events: bytes) -> None:
        self.note(self._splitter.feed(events))

    def note(self, events: Iterable[bytes]) -> None:
        for event in events:
            if event[4] == EventType.TABLE_MAP:
                self._maps[table_id(event)] = table_name(event)
            elif event[4] in ROWS_EVENTS and (name := self._maps.get(table_id(event))) is not None:
                self._found[name] = self._found.get(name, 0) + 1

    def counted(self) -> list[RowsOfTable]:
        return [RowsOfTable(name.schema, name.table, 0, 0, 0, count, 0) for name, count in self._found.items()]


class MySQLTally:
    """`RowTally` of `pipeline/ports/`.

    `has_crc`: events end in a CRC, as the log's FORMAT_DESCRIPTION says, of what is committed; `comes_with_crc`: the
    same of what has come, which may wait behind the next one.
    """

    def __init__(self, *, has_crc: bool = True, functions: Functions | None = None) -> None:
        self.has_crc = self.comes_with_crc = has_crc
        self._functions = functions or library()
        self._compiled = _Compiled(self._functions) if self._functions is not None else None

    def count(self, transactions: Sequence[bytes]) -> list[RowsOfTable]:
        if self._compiled is None:
            return _by_headers(transactions)
        if len(transactions) == 1:
            self._compiled.feed(transactions[0], has_crc=self.has_crc)
            return self._compiled.take()
        self._compiled.feed(b"".join(transactions), has_crc=self.has_crc)
        ends = list(accumulate(map(len, transactions)))
        return self._compiled.take(ends)

    def begin_large(self) -> LargeTally:
        return _Uncounted() if self._functions is None else _Large(self._functions, has_crc=self.comes_with_crc)


def _by_headers(transactions: Sequence[bytes]) -> list[RowsOfTable]:
    found: dict[tuple[str, str], RowsOfTable] = {}
    for place, events in enumerate(transactions):
        tally = _Uncounted()
        tally.note(split(events))
        for each in tally.counted():
            before = found.get((each.schema, each.table))
            more = 0 if before is None else before.uncounted
            found[each.schema, each.table] = each._replace(uncounted=each.uncounted + more, last=place)
    return list(found.values())
