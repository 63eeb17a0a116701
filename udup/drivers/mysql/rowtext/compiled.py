"""The compiled reader: rows events to JSON texts through a shared library, where installing Udup has built it.

The library (`udup/_rows/`) is driven by the same program as the generated reader, and gives the same texts, a whole
event in one call. What it does not know it does not do: `CompiledRows.of` returns None for a table, and its methods
return None for an event; then the generated reader is asked, which also says what is wrong with a damaged one.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from udup.base import row_library
from udup.base.row_library import COMPILED, PYTHON
from udup.drivers.mysql.binlog.event import CRC_SIZE
from udup.drivers.mysql.rows.events import WRITES
from udup.drivers.mysql.rows.table import Table
from udup.drivers.mysql.rowtext.ops import ColumnProgram, Program, TextOp
from udup.drivers.mysql.rowtext.table_text import GeneratedTableText
from udup.pipeline.ports.delivery import RowText, TableText, Template

#: Bytes of text that a call has room for, and those of the largest room that is kept for the next.
ROOM = 1 << 20
ROOM_KEPT_MAX = 1 << 23

#: Where an event says its kind, and the kinds of those that insert rows.
_KIND = 4
_WRITES = frozenset(bytes([kind]) for kind in WRITES)

#: Rows of a call at most, and rooms that are kept.
ROWS_MAX = 4096
ROOMS_MAX = 4

#: What the library returns instead of a number of rows; from `_WANTED` down it is the room that a row takes.
_DAMAGED, KEY_CHANGED, _WANTED = -1, -2, -16


class _Piece(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char_p), ("size", ctypes.c_int64)]


class _Texts(ctypes.Structure):
    _fields_ = [("texts", ctypes.c_char_p), ("starts", ctypes.POINTER(ctypes.c_int64)), ("count", ctypes.c_int64)]


_NUMBERS = (
    *("op", "width", "sized", "longest", "nullable", "kept", "signed", "precision", "digits", "fill", "adjust"),
    *("quirks", "large", "key", "ascii"),
)
_PIECES = ("label", "zero", "null", "unavailable")


class _Column(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in _NUMBERS),
        *((name, _Piece) for name in _PIECES),
        ("texts", _Texts),
    ]


class _Program(ctypes.Structure):
    _fields_ = [
        ("columns", ctypes.POINTER(_Column)),
        ("count", ctypes.c_int64),
        ("key_columns", ctypes.POINTER(ctypes.c_int64)),
        ("key_count", ctypes.c_int64),
    ]


class _Template(ctypes.Structure):
    _fields_ = [
        (f"{name}{part}", kind)
        for name in Template._fields
        for part, kind in (("", ctypes.c_char_p), ("_size", ctypes.c_int64))
    ]


class Library:
    """The functions of a library; `OSError` for a file that is none, `ValueError` for one of another version."""

    def __init__(self, path: Path) -> None:
        loaded = row_library.load(path)
        self.path = path
        self.check = loaded.udup_rows_check
        self.check.restype = ctypes.c_int64
        self.check.argtypes = [ctypes.POINTER(_Program)]
        self.read = loaded.udup_rows_read
        self.read.restype = ctypes.c_int64
        self.read.argtypes = [
            *(ctypes.POINTER(_Program), ctypes.c_char_p, ctypes.c_int64, ctypes.POINTER(ctypes.c_int64)),
            *(ctypes.POINTER(_Template), ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p),
            ctypes.c_int64,
        ]


@cache
def library() -> Library | None:
    """Return the library that was built when Udup was installed; None if there is none that can be used."""
    for path in row_library.libraries():
        try:
            return Library(path)
        except (OSError, ValueError, AttributeError):
            continue
    return None


def reader_kind() -> str:
    """Return which reader of rows runs here: `compiled` or `python`."""
    return PYTHON if library() is None else COMPILED


class _Room:
    """Where a call writes its texts, and where each of them ends."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.text = ctypes.create_string_buffer(size)
        self.view = memoryview(self.text).cast("B")
        self.ends = (ctypes.c_int64 * (4 * ROWS_MAX))()
        self.place = ctypes.c_int64()
        self.around = _Template()
        # Made once: making them takes as long as a row.
        self.text_address = ctypes.addressof(self.text)
        self.ends_address = ctypes.addressof(self.ends)
        self.place_pointer = ctypes.byref(self.place)
        self.around_pointer = ctypes.byref(self.around)

    def put_around(self, template: Template) -> None:
        """Note what stands around the images of each row."""
        around = self.around
        around.before, around.after, around.row, around.end = before, after, row, end = template
        around.before_size, around.after_size = len(before), len(after)
        around.row_size, around.end_size = len(row), len(end)


_rooms: list[_Room] = []


def _room() -> _Room:
    try:
        return _rooms.pop()
    except IndexError:
        return _Room(ROOM)


def _keep(room: _Room) -> None:
    if room.size <= ROOM_KEPT_MAX and len(_rooms) < ROOMS_MAX:
        _rooms.append(room)


#: Texts of rows, and where in them each part of a row ends.
_Piecewise = list[tuple[bytes, list[int]]]


class CompiledRows:
    """Reads the rows events of one table's program. `of` makes one. `inserted`: what INSERTs are read by."""

    def __init__(self, used: Library, program: _Program, inserted: _Program, kept: Sequence[Any]) -> None:
        self._library = used
        self._program, self._inserted = ctypes.byref(program), ctypes.byref(inserted)
        self._kept = (program, inserted, kept)  # what the structures point to
        self._has_key = bool(program.key_count)

    @classmethod
    def of(cls, program: Program, used: Library | None = None) -> CompiledRows | None:
        """Return what reads by a program; None where that is the generated reader only."""
        used = used or library()
        if used is None or not _is_known(program):
            return None
        made, kept = _laid_out(program)
        inserted, further = made, kept
        if any(column.unset != column.unavailable for column in program.columns):
            inserted, further = _laid_out(_of_inserts(program))
        return cls(used, made, inserted, (kept, further)) if used.check(ctypes.byref(made)) else None

    def rows(self, event: bytes, end: int) -> list[RowText] | None:
        """Return the rows of an event whose rows end at `end`; None if the generated reader is to be asked."""
        pieces = self._read(event, end, None, 0, 4)
        if isinstance(pieces, int):
            return None
        found: list[RowText] = []
        for texts, ends in pieces:
            start = 0
            for before, after, key, old in zip(ends[::4], ends[1::4], ends[2::4], ends[3::4], strict=True):
                found.append(
                    RowText(
                        texts[after:key] or None,
                        texts[key:old] or None,
                        texts[start:before] or None,
                        texts[before:after] or None,
                    )
                )
                start = old
        return found

    def values(
        self, event: bytes, end: int, template: Template, first: int
    ) -> list[tuple[bytes | None, bytes]] | int | None:
        """Return key and value of each row; `KEY_CHANGED`, or None if the generated reader is to be asked."""
        pieces = self._read(event, end, template, first, 2)
        if isinstance(pieces, int):
            return KEY_CHANGED if pieces == KEY_CHANGED else None
        found: list[tuple[bytes | None, bytes]] = []
        for texts, ends in pieces:
            if len(ends) == 2:  # one row, as most events of small transactions have
                middle = ends[0]
                found.append((texts[middle:] if self._has_key else None, texts[:middle]))
                continue
            middles, keys = ends[::2], ends[1::2]
            starts = [0, *keys[:-1]]
            if self._has_key:
                found += [
                    (texts[middle:key], texts[start:middle])
                    for start, middle, key in zip(starts, middles, keys, strict=True)
                ]
            else:
                found += [(None, texts[start:middle]) for start, middle in zip(starts, middles, strict=True)]
        return found

    def _read(self, event: bytes, end: int, template: Template | None, first: int, parts: int) -> _Piecewise | int:
        """Return the texts of all rows, in pieces as there is room for; or why not."""
        room = _room()
        read_rows, around = self._library.read, None
        program = self._inserted if event[_KIND : _KIND + 1] in _WRITES else self._program
        if template is not None:
            room.put_around(template)
            around = room.around_pointer
        room.place.value = at = 0
        pieces: _Piecewise = []
        while True:
            read: int = read_rows(
                *(program, event, end, room.place_pointer, around, first),
                *(room.text_address, room.size, room.ends_address, ROWS_MAX),
            )
            at = room.place.value
            if read > 0:
                ends = room.ends[: parts * read]
                pieces.append((room.view[: ends[-1]].tobytes(), ends))
                first += read
            elif read <= _WANTED:
                room = _Room(max(2 * room.size, _WANTED - read))
                room.place.value = at
                if template is not None:
                    room.put_around(template)
                    around = room.around_pointer
                continue
            if read < 0 or at >= end:
                _keep(room)
                return read if read < 0 else pieces


def _is_known(program: Program) -> bool:
    """Return whether the library can do all of it: operations, and keys that are as the columns show them."""
    if program.is_generated_only or any(not column.label for column in program.columns):
        return False
    if len({column.index for column in program.key}) < len(program.key):
        return False
    return all(program.columns[column.index] == column for column in program.key)


def _of_inserts(program: Program) -> Program:
    """Return the program by which rows that were inserted are read: what their images lack was not named."""
    columns = tuple(replace(column, unavailable=column.unset) for column in program.columns)
    return Program(columns, tuple(columns[column.index] for column in program.key))


def _laid_out(program: Program) -> tuple[_Program, Sequence[Any]]:
    kept: list[Any] = []
    places = {column.index: place for place, column in enumerate(program.key)}
    columns = (_Column * len(program.columns))(
        *(_column(column, places.get(column.index, -1), kept) for column in program.columns)
    )
    key = (ctypes.c_int64 * len(places))(*places)
    kept += [columns, key]
    return _Program(columns, len(columns), key, len(places)), kept


def _column(column: ColumnProgram, key: int, kept: list[Any]) -> _Column:
    made = _Column()
    for name in _NUMBERS[:-2]:
        setattr(made, name, int(getattr(column, name)))
    made.key = key
    for name, text in (
        ("label", f",{column.label}"),
        ("zero", column.zero),
        ("null", column.null),
        ("unavailable", column.unavailable),
    ):
        coded = _coded(text)
        kept.append(coded)
        setattr(made, name, _Piece(coded, len(coded)))
    texts = [_coded(text) for text in column.texts]
    made.ascii = column.op is TextOp.TEXT_BYTES and _is_ascii(texts)
    starts = (ctypes.c_int64 * (len(texts) + 1))()
    for number, each in enumerate(texts):
        starts[number + 1] = starts[number] + len(each)
    joined = b"".join(texts)
    kept += [joined, starts]
    made.texts = _Texts(joined, starts, len(texts))
    return made


def _coded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _is_ascii(texts: Sequence[bytes]) -> bool:
    """Return whether letters of ASCII that need no escape stand for themselves."""
    return all(texts[code] == bytes([code]) for code in range(32, 128) if chr(code) not in '"\\')


class CompiledTableText:
    """The `TableText` of a table that the library reads; for what it does not read it asks the `generated` reader."""

    def __init__(self, generated: GeneratedTableText, rows: CompiledRows, *, has_crc: bool) -> None:
        self.generated = generated
        self.schema, self.name, self.key_columns = generated.schema, generated.name, generated.key_columns
        self.key_schema, self.row_schema = generated.key_schema, generated.row_schema
        self._rows = rows
        self._crc = CRC_SIZE if has_crc else 0

    def rows(self, event: bytes) -> list[RowText]:
        """Return the rows of an event; raise as the generated reader does."""
        found = self._rows.rows(event, len(event) - self._crc)
        return self.generated.rows(event) if found is None else found

    def values(self, event: bytes, template: Template, first: int) -> list[tuple[bytes | None, bytes]] | None:
        """Return key and value of each row; None if a row's key has changed. Raise as the generated reader does."""
        found = self._rows.values(event, len(event) - self._crc, template, first)
        if found is None:
            return self.generated.values(event, template, first)
        return None if isinstance(found, int) else found


def table_text(table: Table, program: Program, *, has_crc: bool) -> TableText:
    """Return what reads a table's rows the quickest way that there is."""
    generated = GeneratedTableText(table, program, has_crc=has_crc)
    rows = CompiledRows.of(program)
    return generated if rows is None else CompiledTableText(generated, rows, has_crc=has_crc)
