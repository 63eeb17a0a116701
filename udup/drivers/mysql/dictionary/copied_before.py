"""What the target has of a copy that has not ended, as MySQL's two ends tell each other: text to the machine between.

A copy that begins again opens another snapshot, and goes on with what is there: tables that are complete stay, and of
a table whose primary key begins with an integer the rows up to a key. What stays is as it was in the snapshot that it
was read from; what came since comes with the log (`pipeline/positions.py`).
"""

from __future__ import annotations

import msgspec


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """Rows that were read at a position: up to a number in the key, behind those of the segment before; None: all."""

    position: str
    up_to: int | None = None


class CopiedTable(msgspec.Struct, frozen=True):
    """A table, by its name on the target.

    `definition` tells what it was made by. `whole`: it is complete, with its indexes. `stamps` tell the source.
    """

    schema: str
    name: str
    definition: str
    segments: tuple[Segment, ...]
    whole: bool = False
    rows: int = 0
    stamps: str = ""


class Resumable(msgspec.Struct, frozen=True, array_like=True):
    """What is to be noted of a table of a copy: nothing without a `definition`. `kept` is what of it stays.

    `by_key`: its chunks are noted one by one. `key` is the column that its primary key begins with, and `keys` how many
    columns that has; `column` its place and `bits` those of an unsigned one, 0 of others.
    """

    definition: str = ""
    by_key: bool = False
    key: str = ""
    keys: int = 0
    column: int = -1
    bits: int = 0
    kept: CopiedTable | None = None

    @property
    def up_to(self) -> int | None:
        """Return up to which number in its key the rows are there already, None if none are or all."""
        return self.kept.segments[-1].up_to if self.kept is not None and not self.kept.whole else None


def encoded(tables: list[CopiedTable]) -> str:
    """Return text that `decoded` reads, "" for nothing."""
    return msgspec.json.encode(tables).decode() if tables else ""


def decoded(text: str) -> list[CopiedTable]:
    return _decode(text) if text else []


encode_segments = msgspec.json.Encoder().encode
decode_segments = msgspec.json.Decoder(tuple[Segment, ...]).decode
_decode = msgspec.json.Decoder(list[CopiedTable]).decode
