"""Values of MariaDB's COMPRESSED columns, which a row holds as the table does: one of them may be stored plainly.

A value that is not empty begins with a byte: 0 where it is plain, else 0x80 for zlib, 8 where zlib's own header is left
out, and how many bytes of its length follow (`compress_zlib` in MariaDB's `sql/field_comp.cc`). Which of its values are
compressed is the server's business (`column_compression_threshold`), so what is written here is plain.
"""

from __future__ import annotations

import zlib

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType

COMPRESSED = frozenset({ColumnType.BLOB_COMPRESSED, ColumnType.VARCHAR_COMPRESSED})

_PLAIN, _ZLIB, _BARE, _LENGTH, _METHOD = 0, 0x80, 8, 7, 0xF0


def inflated_value(stored: bytes) -> bytes:
    """Return a value; `ValueError` for bytes that are none."""
    if not stored:
        return b""
    head = stored[0]
    if head == _PLAIN:
        return stored[1:]
    if head & _METHOD != _ZLIB:
        raise ValueError(f"a value is compressed in an unknown way ({head})")
    start = 1 + (head & _LENGTH)
    size = int.from_bytes(stored[1:start], "big")
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS if head & _BARE else zlib.MAX_WBITS)
    try:
        value = unpacker.decompress(stored[start:], size + 1)
    except zlib.error as error:
        raise ValueError(f"a compressed value cannot be read ({error})") from error
    if len(value) != size or not unpacker.eof:
        raise ValueError(f"a compressed value is not of the {size} bytes that it says")
    return value


def stored_value(value: bytes) -> bytes:
    """Return a value as such a column has it, plainly."""
    return b"\0" + value if value else b""


def plain_column(column: ColumnDefinition) -> tuple[ColumnType, bytes]:
    """Return type and metadata of the column without its compression: the length counts the byte in front."""
    if column.kind is ColumnType.BLOB_COMPRESSED:
        return ColumnType.BLOB, column.metadata
    return ColumnType.VARCHAR, (int.from_bytes(column.metadata, "little") - 1).to_bytes(2, "little")
