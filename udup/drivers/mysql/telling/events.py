"""Rows events of a snapshot's rows, a chunk's in blocks of a few: what is read, in the form of the source's log."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import chain

from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER, HEADER_SIZE, STMT_END, EventType
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.patience import patiently
from udup.drivers.mysql.client.prepared import binary_rows
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.rows.codec import RowCodec
from udup.drivers.mysql.rows.events import Front, joined
from udup.drivers.mysql.rows.table import parse_table
from udup.drivers.mysql.snapshot.chunks import Chunk
from udup.drivers.mysql.snapshot.rows import Block, from_clause
from udup.drivers.mysql.snapshot.spool import spooled
from udup.drivers.mysql.telling.definitions import TableDefinition
from udup.drivers.mysql.telling.rows import form_of
from udup.pipeline.records import PIECE_BYTES

#: Bytes of the rows of an event at most, unless it is one row; the server's own events hold 8 kB.
EVENT_BYTES = 48 << 10

#: Rows of a record at most: a destination stores them together, with its position, and takes 1,000 messages at once.
ROWS_MAX = 999

#: Bytes of a chunk that are read before its table's lock is given up; what is more is read on while it is held.
HELD_BYTES = 8 << 20

#: Types whose order is known here as well as on the server.
WHOLE_KINDS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})

#: The server_id and the time of events that no server has written.
_NOBODY = 0


class SnapshotTable:
    """A table whose rows are read: its TABLE_MAP as the destination is to have it, and what makes events of rows.

    `number` is the table's in its events, `key` the columns of a key of whole numbers (`key_of`): the rows come in its
    order then, and each block says how far they go.
    """

    def __init__(
        self,
        definition: TableDefinition,
        named: TableDefinition,
        number: int,
        *,
        has_crc: bool,
        key: Sequence[str] = (),
    ) -> None:
        form = form_of(definition)
        names = [column.name for column in definition.columns]
        self._key = [names.index(name) for name in key]
        self._order = f" ORDER BY {', '.join(map(quote, key))}" if key else ""
        self.table_map = named.table_map(number, has_crc=has_crc)
        self._fields, self._write, self._has_crc = form.fields, form.write, has_crc
        header = HEADER.pack(0, EventType.WRITE_ROWS, _NOBODY, 0, 0, 0)
        columns = len(definition.columns)
        present = b"\xff" * ((columns + 7) // 8)  # as the server has it, also of what is left over
        table_id = self.table_map[HEADER_SIZE : HEADER_SIZE + 6]
        self._codec = RowCodec(parse_table(self.table_map, has_crc=has_crc))
        self._front = Front(EventType.WRITE_ROWS, header, table_id, STMT_END, b"", columns, None, present)
        # What a record may have beside its TABLE_MAP, so that another event still fits.
        self._most = max(PIECE_BYTES - len(self.table_map) - 2 * EVENT_BYTES, EVENT_BYTES)

    def blocks(
        self, connection: Connection, table: Table, chunk: Chunk, release: Callable[[Connection], None]
    ) -> Generator[Block]:
        """Yield a chunk's rows, each block's text one or more events (`ReadBlocks`).

        No lock is held while they are taken, but for what is too much to be kept meanwhile.
        """
        stream = patiently(lambda: _begun(self._stream(connection, table, chunk.where)))
        held, size = [], 0
        for block in stream:
            held.append(block)
            size += len(block.text)
            if size >= HELD_BYTES:
                rest = _released(chain(held, stream), connection, release)
                yield from spooled(rest, lambda: shut_down(connection))
                return
        release(connection)
        yield from held

    def _stream(self, connection: Connection, table: Table, where: str) -> Iterator[Block]:
        images: list[bytes] = []
        events: list[bytes] = []
        size = gathered = rows = 0
        for found in binary_rows(connection, f"SELECT {self._fields} {from_clause(table, where)}{self._order}"):
            for image in self._write(found):
                is_full = rows + len(images) >= ROWS_MAX
                if images and (is_full or size + len(image) > EVENT_BYTES):
                    events.append(self._event(images))
                    gathered, rows = gathered + len(events[-1]), rows + len(images)
                    last, images, size = images[-1], [], 0
                    if is_full or gathered + len(image) > self._most:
                        yield Block(rows, b"".join(events), last=self._key_of(last))
                        events, gathered, rows = [], 0, 0
                images.append(image)
                size += len(image)
        if images:
            events.append(self._event(images))
            yield Block(rows + len(images), b"".join(events), last=self._key_of(images[-1]))

    def _event(self, images: list[bytes]) -> bytes:
        return joined(self._front, images, has_crc=self._has_crc)

    def _key_of(self, image: bytes) -> tuple[int, ...]:
        if not self._key:
            return ()
        [(_, row)] = self._codec.read(self._event([image]), has_crc=self._has_crc).changes
        assert row is not None
        return tuple(int(row[place]) for place in self._key)  # type: ignore[arg-type]


def key_of(table: Table) -> tuple[str, ...]:
    """Return the columns of the key by which a table is cut; none if they are not all whole numbers."""
    kinds = {column.name: column.kind for column in table.columns}
    return table.key if all(kinds[name] in WHOLE_KINDS for name in table.key) else ()


def _begun(blocks: Iterator[Block]) -> Iterator[Block]:
    """Return the same, with its first block read: from then on its statement has the lock."""
    first = next(blocks, None)
    return blocks if first is None else chain([first], blocks)


def _released(
    blocks: Iterator[Block], connection: Connection, release: Callable[[Connection], None]
) -> Iterator[Block]:
    yield from blocks
    release(connection)


def format_description(*, has_crc: bool) -> bytes:
    """Return a FORMAT_DESCRIPTION for a snapshot's events, which are written by none."""
    lengths = bytes(_LENGTHS.get(kind, 0) for kind in range(1, _KINDS + 1))
    body = b"\4\0" + b"snapshot".ljust(50, b"\0") + bytes(4) + bytes([HEADER_SIZE]) + lengths + bytes([has_crc])
    size = HEADER_SIZE + len(body) + CRC_SIZE
    event = HEADER.pack(0, EventType.FORMAT_DESCRIPTION, _NOBODY, size, 0, 0) + body
    return event + _crc(event)


def _crc(event: bytes) -> bytes:
    return zlib.crc32(event).to_bytes(CRC_SIZE, "little")


#: Kinds of events that servers write, and the bytes behind the header of those that a snapshot has.
_KINDS = 42
_LENGTHS: dict[int, int] = {
    EventType.TABLE_MAP: 8,
    EventType.WRITE_ROWS: 10,
    EventType.UPDATE_ROWS: 10,
    EventType.DELETE_ROWS: 10,
}
