"""What the fake servers' logs hold: changes of rows, one line of JSON each, so that their bytes can be joined and cut.

A row is a history: each transaction that changes it appends its entry to the row's list. So whatever is lost, doubled
or in another order shows in the rows by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import msgspec

from udup.pipeline.ownership import TableName

#: A row: the entries of the transactions that have written it, the oldest first.
Row: TypeAlias = tuple[str, ...]


class Op(StrEnum):
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"  # of a prepared transaction: `key` is its xid, `entry` a piece of its events
    KEEP_CONTEXT = "keep context"  # and the session that it was prepared in


class Change(msgspec.Struct, frozen=True, array_like=True):
    """A change of one row; `entry` is what is appended to it."""

    table: TableName
    op: Op
    key: str
    entry: str = ""


class Shape(msgspec.Struct, frozen=True, array_like=True):
    """What a log says of a table before its first rows, as MySQL's TABLE_MAP does."""

    table: TableName
    shape: str


class Verb(StrEnum):
    CREATE = "CREATE TABLE"
    ALTER = "ALTER TABLE"  # appends its entry to every row: a repetition shows
    DROP = "DROP TABLE"
    RENAME = "RENAME TABLE"


class Statement(msgspec.Struct, frozen=True, array_like=True):
    """A definition. Fields behind `table` as in `Table`."""

    verb: Verb
    table: TableName
    shape: str = "id"
    keyed: bool = True
    transactional: bool = True
    computes: bool = False
    entry: str = ""
    new_name: TableName | None = None

    def __str__(self) -> str:
        return f"{self.verb.value} {'.'.join(self.table)}"


@dataclass
class Table:
    """`shape` is its definition. Without a key nothing is noticed: a row is appended to, whatever it was before.

    `transactional`: whether it can undo. `computes`: entries say the time zone of the session that wrote them.
    """

    shape: str = "id"
    keyed: bool = True
    transactional: bool = True
    computes: bool = False
    rows: dict[str, Row] = field(default_factory=dict)

    @classmethod
    def of(cls, statement: Statement) -> Table:
        return cls(statement.shape, statement.keyed, statement.transactional, statement.computes)

    def copy(self) -> Table:
        return Table(self.shape, self.keyed, self.transactional, self.computes, dict(self.rows))


def encode(changes: Iterable[Change]) -> bytes:
    return b"".join(_encode(change) + b"\n" for change in changes)


def decode(events: bytes) -> list[Change]:
    """Return the changes of whole events."""
    return [_decode(line) for line in events.splitlines()]


def as_text(data: bytes) -> str:
    """Return any bytes as text that JSON can carry; `from_text` returns them."""
    return data.decode("latin-1")


def from_text(text: str) -> bytes:
    return text.encode("latin-1")


class Splitter:
    """Puts changes together from pieces that are cut anywhere."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[Change]:
        whole, cut, self._rest = (self._rest + piece).rpartition(b"\n")
        return decode(whole + cut)

    @property
    def complete(self) -> bool:
        """Whether nothing of a change is left over."""
        return not self._rest


def entry_in(table: Table, entry: str, zone: str) -> str:
    """Return what a row of the table gets when a session of this time zone writes the entry."""
    return f"{entry}@{zone}" if table.computes else entry


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Change).decode
encode_shape = msgspec.json.Encoder().encode
decode_shape = msgspec.json.Decoder(Shape).decode
encode_statement = msgspec.json.Encoder().encode
decode_statement = msgspec.json.Decoder(Statement).decode
encode_settings = msgspec.json.Encoder().encode
decode_settings = msgspec.json.Decoder(dict[str, str]).decode
