"""A worker's share of a copy: chunks as they arrive, to the table that each belongs to (`loader.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from udup.base.endpoint import Endpoint
from udup.base.errors import Divergence, Side
from udup.drivers.mysql.apply.ownership import loader_place
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.client.errors import MySQLError, failure
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.dictionary.details import LoadDetails
from udup.drivers.mysql.load.converting import Converting
from udup.drivers.mysql.load.copied_parts import note_chunk
from udup.drivers.mysql.load.copy_fence import CopyFence
from udup.drivers.mysql.load.loader import Loader
from udup.pipeline.ports import Piece


@behind_the_seam(Side.TARGET)
class MySQLRowLoader:
    """`RowLoader` of `pipeline/ports/`; `instructions` are the encoded `LoadDetails`."""

    def __init__(self, endpoint: Endpoint, job: str, slot: int, instructions: bytes) -> None:
        self.endpoint = endpoint
        details = LoadDetails.decode(instructions)
        self._tables, self._notes, self._job = details.tables, details.notes, job
        fence = CopyFence(job, details.version)
        try:
            self._loader = Loader(
                endpoint, details.method, fence, loader_place(slot), details.contexts, fills=details.filled is not None
            )
            self._converting = Converting(details) if details.converts else None
        except MySQLError as error:
            raise failure(error, f"opening a loader on {endpoint}", Divergence) from error

    def load(self, pieces: Iterator[Piece]) -> int:
        """Load one chunk. It begins with its first piece; the rest is taken as it comes."""
        first = next(pieces)
        last = first

        def data() -> Iterator[bytes]:
            nonlocal last
            for piece in chain([first], pieces):
                yield piece.data
                last = piece

        def note(connection: Connection, loaded: int) -> None:
            if self._notes and last.span:
                note_chunk(connection, self._job, self._tables[last.table], last.chunk, last.span, loaded)

        made = data()
        as_loaded = None
        if self._converting is not None:
            as_loaded = self._converting.of(first.table)
            made = as_loaded.looked_at(made, values=first.values)
        return self._loader.load(
            self._tables[first.table],
            made,
            lambda: last.rows,
            values=first.values,
            odd_dates=first.odd_dates,
            charsets=as_loaded.charsets if as_loaded is not None else {},
            note=note,
        )

    def abandon(self) -> None:
        self._loader.abandon()
