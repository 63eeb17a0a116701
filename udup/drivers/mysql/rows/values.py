"""What the value of each column type is. Every value is exact: written again, it gives the bytes that it was read of.

| type | value |
| --- | --- |
| TINYINT … BIGINT, YEAR | `int` with its sign; the year itself, 0 for 0000 |
| BIT | `int`, the first bit is the highest |
| DECIMAL | `decimal.Decimal` with all digits of its scale |
| FLOAT, DOUBLE | `float`: of a FLOAT, the same number in twice the bits |
| DATE, DATETIME, TIME, TIMESTAMP | `Date`, `DateTime`, `Time`, `Timestamp` (`temporal.py`): packed numbers that sort |
| CHAR, VARCHAR, TEXT | `bytes` in the column's character set |
| BINARY, VARBINARY, BLOB | `bytes`; of BINARY all, with the zeros that the log leaves out |
| ENUM | `int`: the member's number from 1, 0 for the error value |
| SET | `int`: bit 0 is the first member |
| JSON | `Json`, the document's bytes with `.tree()` and `.text()`; `JsonPatch` in a partial update |
| geometry | `Geometry`: SRID and WKB |
| VECTOR | `Vector`: the floats' bytes |

`None` is NULL. `ABSENT` stands where the log does not have the column (images MINIMAL and NOBLOB).
"""

from __future__ import annotations

import struct
from decimal import Decimal
from enum import Enum
from typing import Final

from udup.drivers.mysql.rows.json_binary import parse
from udup.drivers.mysql.rows.json_encoding import encode
from udup.drivers.mysql.rows.json_patch import Change as JsonChange
from udup.drivers.mysql.rows.json_patch import apply, parse_patch
from udup.drivers.mysql.rows.json_text import json_text
from udup.drivers.mysql.rows.json_values import JsonValue
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time, Timestamp

#: Bytes of the SRID in front of the WKB, and of one number of a VECTOR.
SRID_BYTES = 4
VECTOR_ITEM_BYTES = 4


class Absent(Enum):
    """What a row says of a column that its image does not have."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


class Json(bytes):
    """A document in MySQL's binary form; no bytes are the JSON null."""

    __slots__ = ()

    @classmethod
    def of(cls, tree: JsonValue) -> Json:
        """Return the document of these values; `ValueError` for what no document can hold."""
        return cls(encode(tree))

    def tree(self) -> JsonValue:
        """Return its values (`json_values.py`); `DamagedRows` for bytes that are no document."""
        return parse(self)

    def text(self) -> str:
        """Return its text as the server prints it; `DamagedRows` for bytes that are no document."""
        return json_text(parse(self))

    def __repr__(self) -> str:
        return f"Json(0x{self.hex()})"


class JsonPatch(bytes):
    """What a partial update changes in a document."""

    __slots__ = ()

    def changes(self) -> tuple[JsonChange, ...]:
        """Return the changes in their order; `DamagedRows` for bytes that are none."""
        return parse_patch(self)

    def apply(self, document: Json) -> Json:
        """Return the document after it; `DamagedRows` if a path leads nowhere in it."""
        changes = self.changes()
        return Json.of(apply(document.tree(), changes)) if changes else document

    def __repr__(self) -> str:
        return f"JsonPatch(0x{self.hex()})"


class Geometry(bytes):
    """SRID and WKB, as the server keeps and sends it; the axes are in the order of the WKB."""

    __slots__ = ()

    @property
    def srid(self) -> int:
        return int.from_bytes(self[:SRID_BYTES], "little")

    @property
    def wkb(self) -> bytes:
        return self[SRID_BYTES:]

    def __repr__(self) -> str:
        return f"Geometry(0x{self.hex()})"


class Vector(bytes):
    """The numbers of a VECTOR, four bytes each."""

    __slots__ = ()

    def numbers(self) -> tuple[float, ...]:
        """Return them; `ValueError` for bytes that are none."""
        if len(self) % VECTOR_ITEM_BYTES:
            raise ValueError(f"a VECTOR of {len(self)} bytes")
        return struct.unpack(f"<{len(self) // VECTOR_ITEM_BYTES}f", self)

    def __repr__(self) -> str:
        return f"Vector(0x{self.hex()})"


#: Subclasses of `int` and `bytes` are those of temporal.py and the ones above.
Value = int | float | Decimal | bytes | Date | DateTime | Time | Timestamp | Absent | None

#: A value for each column of the table, in its order.
Row = tuple[Value, ...]

#: The images before and after: none before an insert, none after a delete.
Change = tuple[Row | None, Row | None]
