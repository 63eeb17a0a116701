"""The compiled reader of rows: where it lies, if installing Udup has built it, and whether it can be used.

What drives it is the source's driver; what is known here is enough to tell people which reader they have.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import udup

#: Of the structures that it is driven by and of what it gives; a library of another version is not used.
VERSION = 2

#: The kinds of readers.
COMPILED, PYTHON = "compiled", "python"

#: What is to be done where there is none.
REMEDY = "install a C++ compiler (apt-get install g++), and then Udup again"


def libraries() -> Iterator[Path]:
    """Yield the files that may be it."""
    beside = Path(udup.__file__).parent
    for suffix in EXTENSION_SUFFIXES:
        path = beside / f"_rows{suffix}"
        if path.exists():
            yield path


def load(path: Path) -> ctypes.CDLL:
    """Return a library; `OSError` or `AttributeError` for a file that is none, `ValueError` for another version."""
    loaded = ctypes.CDLL(str(path))
    version = loaded.udup_rows_version
    version.restype = ctypes.c_int64
    if version() != VERSION:
        raise ValueError(f"{path} is a compiled reader of another version; install Udup again")
    return loaded


def kind() -> str:
    """Return which reader of rows runs here."""
    for path in libraries():
        try:
            load(path)
        except (OSError, ValueError, AttributeError):
            continue
        return COMPILED
    return PYTHON
