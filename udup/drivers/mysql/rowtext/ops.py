"""How a table's rows become texts, column by column: what both readers of rows events go by.

`program_of` (`program.py`) makes it of a table and the options. The generated reader (`expressions.py`) says by its
code what every `TextOp` means, and so it is the specification; a compiled reader is driven by the same program. A
program says everything that a reader needs: where a value lies in an image (`sized`, `width`), what is made of it (`op`
and its parameters), what stands for NULL, for a date that is none and for a value that the image does not have.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from udup.drivers.mysql.rowtext.masks import Mask


class TextOp(IntEnum):
    """What is made of a value. `b64` is base64 in quotes; numbers little-endian unless said otherwise."""

    INT = 1  # a number of `width` bytes, `signed` or not
    BOOLEAN = 2  # true if any byte is not 0
    UNSIGNED_BASE64 = 3  # 8 bytes: b64 of the number, as DECIMAL_BASE64 has it
    YEAR = 4  # 1 byte: 1900 more; 0 stays 0 without `quirks`
    FLOAT = 5  # 4 bytes: the fewest digits that are this float, in Python's form of a float's repr
    FLOAT_WIDE = 6  # 4 bytes: the float as a double
    DOUBLE = 7  # 8 bytes: Python's repr
    DECIMAL_BASE64 = 8  # b64 of the unscaled number in the fewest bytes, two's complement, big-endian
    DECIMAL_STRING = 9  # "-12.50": all digits of the scale, in quotes
    DECIMAL_DOUBLE = 10  # the double that is nearest
    BITS = 11  # b64 of the bytes turned round
    ENUM = 12  # `texts` by number
    SET = 13  # `texts` of the members whose bit is set, between commas, in quotes
    TEXT_UTF8 = 14  # in quotes; what is no UTF-8 becomes U+FFFD, as Python's "replace" has it
    TEXT_BYTES = 15  # in quotes: `texts` by byte, escaped already
    TEXT_OTHER = 16  # in quotes: decoded from `charset`
    BASE64 = 17  # filled up with zeros to `fill` bytes, then b64
    BASE64_URL = 18  # the same with - and _
    HEX = 19  # the same in hexadecimal
    JSON_LEGACY = 20  # the document as a compact text, in quotes
    JSON_DATABASE = 21  # the document as the server prints it, in quotes
    GEOMETRY = 22  # {"wkb":b64,"srid":number or null}
    POINT = 23  # {"x":1.0,"y":1.0,"wkb":b64,"srid":number or null}
    VECTOR = 24  # [1.0,2.5], floats as FLOAT
    DATE_DAYS = 25  # days since 1970
    DATE_ISO = 26  # "2017-09-15Z"
    DATETIME_MS = 27  # milliseconds since 1970, cut downwards
    DATETIME_US = 28
    DATETIME_NS = 29  # null where 64 bits do not hold it, and refused where that cannot stand
    DATETIME_ISO = 30  # "2019-07-09T02:28:57.123456Z", the fraction without zeros at its end
    TIMESTAMP_ISO = 31  # "2014-09-08T17:51:04.78Z", `digits` of a fraction
    TIME_MS = 32  # milliseconds
    TIME_US = 33
    TIME_NS = 34
    TIME_CONNECT = 35  # milliseconds; null where it is not within a day, and refused where that cannot stand
    TIME_ISO = 36  # "04:05:11.789Z"; the same where it is not within a day
    NULL = 40  # null, whatever it is
    CONSTANT = 41  # `texts[0]` for all that is not NULL
    MASKED = 42  # the text of `under`, masked: not for a compiled reader


#: What only the generated reader does: a table with one of them goes to it as a whole.
GENERATED_ONLY = frozenset({TextOp.MASKED, TextOp.TEXT_OTHER})


@dataclass(frozen=True)
class ColumnProgram:
    """One column. `index` is its place in the table, `label` what stands in front of its value: `"id":`.

    `sized`: `width` bytes of length, then that many bytes, `longest` at most; else a value of `width` bytes. `kept`:
    images have it. `precision` are digits of a DECIMAL or bits of a BIT, `digits` those behind the point or of a
    second, `fill` the bytes of a BINARY. `adjust`: years 0 to 69 are 2000 and more, 70 to 99 are 1970 and more.
    `zero` stands for a date that is none, `null` for NULL, `unavailable` for what an image of all but large values does
    not have ("": left out), `unset` for what any image of an INSERT lacks: what MySQL gives a column that was not
    named. `kind` is the type's name in schemas, where the operation does not say it.
    """

    index: int
    label: str
    op: TextOp
    width: int
    sized: bool = False
    longest: int = 0
    nullable: bool = True
    kept: bool = True
    signed: bool = False
    precision: int = 0
    digits: int = 0
    fill: int = 0
    adjust: bool = False
    quirks: bool = False
    zero: str = "null"
    null: str = "null"
    unavailable: str = ""
    unset: str = ""
    large: bool = False
    texts: tuple[str, ...] = ()
    charset: str = ""
    kind: str = ""
    under: TextOp = TextOp.NULL
    mask: Mask | None = None
    characters: int = 0


@dataclass(frozen=True)
class Program:
    """`columns` are all of the table's in their order, `key` those of the key in its order, unmasked."""

    columns: tuple[ColumnProgram, ...]
    key: tuple[ColumnProgram, ...]

    @property
    def is_generated_only(self) -> bool:
        """Return whether a compiled reader cannot do all of it."""
        used = [*(column for column in self.columns if column.kept), *self.key]
        return any(column.op in GENERATED_ONLY for column in used)
