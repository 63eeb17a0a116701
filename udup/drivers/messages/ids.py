"""IDs of messages: where in the source a message comes from, so that it is the same whoever makes it again.

    <gtid>:<schema>.<table>:<n>            row n of the rows of that table in the transaction, from 0
    <gtid>:<schema>.<table>:<n>:d|t|c      half of a change of the key; the tombstone behind a delete
    <gtid>:<schema>.<table>:<n>-<m>        rows n to m in one message (`packing.py`)
    <gtid>:<schema>.<table>:trunc
    <gtid>:begin  <gtid>:ddl  <gtid>:end
    s<snapshot>:<schema>.<table>:<chunk>:<n>
    s<snapshot>:<n>:ddl                    statement n of those that make its tables
    heartbeat:<ms>

A table's name is percent-encoded where it has other characters than ASCII's letters, digits, `_`, `-`, `~` and `$`. So
an ID is a header's value as it is, has at most one dot, and colons between its parts only.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote

BEGIN, DDL, END, TRUNCATE, HEARTBEAT = "begin", "ddl", "end", "trunc", "heartbeat"

#: What a message is of its row, in the order that they are sent.
WHOLE, DELETED, TOMBSTONE, CREATED = "", "d", "t", "c"
_SUFFIXES = (WHOLE, DELETED, TOMBSTONE, CREATED)

#: A GTID, MySQL's, perhaps with a tag, or MariaDB's, and the colon behind it.
_GTID = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?::[a-z_][a-z0-9_]{0,31})?:[0-9]{1,19}"
    r"|[0-9]{1,10}-[0-9]{1,10}-[0-9]{1,19}):"
)

_STEPS = {BEGIN: 0, DDL: 1, TRUNCATE: 2, "": 3, END: 4}


class Place(NamedTuple):
    """Where a message stands in its transaction (or snapshot). Places compare as the messages of a table are sent.

    Between rows of two tables the order is that of the names: what the log's was, their IDs do not say.
    """

    step: int
    table: str
    chunk: int
    row: int
    suffix: int


class MessageId(NamedTuple):
    """The parts of an ID.

    `origin` is the GTID, `s<n>` for a snapshot. `table` is `schema.table` encoded as in the ID, "" for what is of none.
    `first` and `last` are the rows in it; `what` is `begin`, `ddl`, `end`, `trunc`, `heartbeat`, or "" for rows.
    """

    origin: str
    table: str = ""
    first: int = 0
    last: int = 0
    suffix: str = WHOLE
    what: str = ""
    chunk: int = 0

    @property
    def place(self) -> Place:
        """Where the last of its rows stands."""
        return Place(_STEPS.get(self.what, 0), self.table, self.chunk, self.last, _SUFFIXES.index(self.suffix))

    @property
    def of_snapshot(self) -> bool:
        return self.origin.startswith("s") and self.origin[1:].isdigit()

    @property
    def names(self) -> tuple[str, str]:
        """Schema and name of the table as they are."""
        schema, _, name = self.table.partition(".")
        return unquote(schema), unquote(name)


@lru_cache(10_000)
def table_id(schema: str, name: str) -> str:
    """Return what stands for a table in IDs, which is its plain name for nearly all tables."""
    return f"{_encoded(schema)}.{_encoded(name)}"


def parse_id(text: str) -> MessageId:
    """Return the parts of an ID; `ValueError` for a text that is none."""
    parts = text.split(":")
    at = next((number for number, part in enumerate(parts) if "." in part), 0)
    if not at:
        return _without_table(text, parts)
    origin, table, rest = ":".join(parts[:at]), parts[at], parts[at + 1 :]
    if rest == [TRUNCATE]:
        return MessageId(origin, table, what=TRUNCATE)
    found = MessageId(origin, table)
    suffix = rest.pop() if rest and rest[-1] in _SUFFIXES[1:] else WHOLE
    chunk = int(rest.pop(0)) if found.of_snapshot and len(rest) == 2 else 0
    if len(rest) != 1:
        raise ValueError(f"not the ID of a message: {text!r}")
    first, _, last = rest[0].partition("-")
    return found._replace(first=int(first), last=int(last or first), suffix=suffix, chunk=chunk)


def row_ids(text: str) -> list[str]:
    """Return the IDs of the rows that are in the message of this ID: itself, unless it is of several.

    A stream may have messages of others, whose IDs may be anything.
    """
    front, _, numbers = text.rpartition(":")
    first, dash, last = numbers.partition("-")
    if not (front and dash and _is_number(first) and _is_number(last)):
        return [text]
    return [f"{front}:{number}" for number in range(int(first), int(last) + 1)]


def gtid(text: str) -> str:
    """Return the transaction that an ID is of; "" for one of a snapshot or a heartbeat, and for what is no ID."""
    found = _GTID.match(text)
    return found[1] if found else ""


def row_number(text: str) -> int:
    """Return the number of the row (the last of several) that a message is of."""
    return parse_id(text).last


def _without_table(text: str, parts: list[str]) -> MessageId:
    if parts[0] == HEARTBEAT and len(parts) == 2:
        return MessageId(HEARTBEAT, last=int(parts[1]), what=HEARTBEAT)
    if len(parts) < 2 or parts[-1] not in (BEGIN, DDL, END):
        raise ValueError(f"not the ID of a message: {text!r}")
    return MessageId(":".join(parts[:-1]), what=parts[-1])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _encoded(name: str) -> str:
    return quote(name, safe="$").replace(".", "%2E")
