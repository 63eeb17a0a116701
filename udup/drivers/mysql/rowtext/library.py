"""The library of the compiled reader: where it is, whether it can be used, and how what it is given is laid out.

Nothing else is imported here, so that saying which reader runs costs nothing.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import udup

#: Of the structures below and of what the library gives; one of another version is not used.
VERSION = 1


class PieceLayout(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char_p), ("size", ctypes.c_int64)]


class TextsLayout(ctypes.Structure):
    _fields_ = [("texts", ctypes.c_char_p), ("starts", ctypes.POINTER(ctypes.c_int64)), ("count", ctypes.c_int64)]


#: Numbers and texts of a column, in the order in which they lie there.
NUMBERS = (
    *("op", "width", "sized", "longest", "nullable", "kept", "signed", "precision", "digits", "fill", "adjust"),
    *("quirks", "large", "key", "ascii"),
)
PIECES = ("label", "zero", "null", "unavailable")


class ColumnLayout(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in NUMBERS),
        *((name, PieceLayout) for name in PIECES),
        ("texts", TextsLayout),
    ]


class ProgramLayout(ctypes.Structure):
    _fields_ = [
        ("columns", ctypes.POINTER(ColumnLayout)),
        ("count", ctypes.c_int64),
        ("key_columns", ctypes.POINTER(ctypes.c_int64)),
        ("key_count", ctypes.c_int64),
    ]


class TemplateLayout(ctypes.Structure):
    _fields_ = [
        (f"{name}{part}", kind)
        for name in ("before", "after", "row", "end")
        for part, kind in (("", ctypes.c_char_p), ("_size", ctypes.c_int64))
    ]


class Library:
    """The functions of a library; `OSError` for a file that is none, `ValueError` for one of another version."""

    def __init__(self, path: Path) -> None:
        loaded = ctypes.CDLL(str(path))
        version = loaded.udup_rows_version
        version.restype = ctypes.c_int64
        if version() != VERSION:
            raise ValueError(f"{path} is a compiled reader of another version; install Udup again")
        self.path = path
        self.check = loaded.udup_rows_check
        self.check.restype = ctypes.c_int64
        self.check.argtypes = [ctypes.POINTER(ProgramLayout)]
        self.read = loaded.udup_rows_read
        self.read.restype = ctypes.c_int64
        self.read.argtypes = [
            *(ctypes.POINTER(ProgramLayout), ctypes.c_char_p, ctypes.c_int64, ctypes.POINTER(ctypes.c_int64)),
            *(ctypes.POINTER(TemplateLayout), ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p),
            ctypes.c_int64,
        ]


@cache
def library() -> Library | None:
    """Return the library that was built when Udup was installed; None if there is none that can be used."""
    beside = Path(udup.__file__).parent
    for suffix in EXTENSION_SUFFIXES:
        path = beside / f"_rows{suffix}"
        if not path.exists():
            continue
        try:
            return Library(path)
        except (OSError, ValueError, AttributeError):
            continue
    return None


def reader_kind() -> str:
    """Return which reader of rows runs here: `compiled` or `python`."""
    return "python" if library() is None else "compiled"
