"""ROTATE events: the log goes on in another file."""

from __future__ import annotations

from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER_SIZE, checksum_is_right

#: Where the file's name begins: behind the header and the position in that file.
_NAME_OFFSET = HEADER_SIZE + 8


def parse_rotate(event: bytes) -> tuple[str, int]:
    """Return the name of the file and the position in it. An event made for the dump may come without its CRC."""
    name = event[_NAME_OFFSET : -CRC_SIZE if checksum_is_right(event) else None]
    return name.decode("utf-8", "replace"), int.from_bytes(event[HEADER_SIZE:_NAME_OFFSET], "little")
