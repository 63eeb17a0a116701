"""What MySQL's two ends tell each other about a full copy: opaque bytes to the machine between them."""

from __future__ import annotations

import msgspec

from udup.drivers.mysql.apply.column_check import TargetColumn
from udup.drivers.mysql.columns.existing import Collations
from udup.drivers.mysql.dictionary.catalog import Catalog, Table
from udup.drivers.mysql.dictionary.copied_before import Resumable
from udup.drivers.mysql.dictionary.later_keys import LaterKey


class SourceLog(msgspec.Struct, frozen=True, array_like=True):
    """What the source's log says of rows: the names of their columns, and what foreign keys change."""

    names_columns: bool = False
    has_cascades: bool = False


class CopyDetails(msgspec.Struct, frozen=True, array_like=True):
    """What a copy brings, under the target's names; the source's global settings if a table computes something; and
    what comes behind the copy. `source` is the source's VERSION(), "" one of MySQL of today. `resumables`, one for each
    table, say what is to be noted so that another copy can go on; there are none where that is not worth it. `stamps`
    tell the source. `later` are foreign keys that are made when the tables stand together with the job's others.
    """

    catalog: Catalog
    context: dict[str, str] = {}
    log: SourceLog = SourceLog()
    source: str = ""
    resumables: tuple[Resumable, ...] = ()
    stamps: str = ""
    later: tuple[LaterKey, ...] = ()

    def encoded(self) -> bytes:
        return msgspec.msgpack.encode(self)

    @staticmethod
    def decode(data: bytes) -> CopyDetails:
        return _decode_copy(data)


class Filled(msgspec.Struct, frozen=True, array_like=True):
    """The columns of tables that were on the target before the copy, and the collations there."""

    collations: Collations
    columns: tuple[tuple[TargetColumn, ...], ...]


class LoadDetails(msgspec.Struct, frozen=True, array_like=True):
    """What a worker needs to load rows.

    `method` is `load` or `insert`, `version` that of the copy's base row. `contexts`: the SETs of a session that loads
    a table which computes something: as the source's own, and with an sql_mode that takes every date. `filled`: the
    tables were there before the copy; `converts`: with columns that may be others than the source's. `notes`: chunks
    are noted as they are loaded.
    """

    tables: tuple[Table, ...]
    method: str
    version: int
    contexts: tuple[bytes, bytes] = (b"", b"")
    filled: Filled | None = None
    converts: bool = False
    notes: bool = False

    def encoded(self) -> bytes:
        return msgspec.msgpack.encode(self)

    @staticmethod
    def decode(data: bytes) -> LoadDetails:
        return _decode_load(data)


# Made here, on one thread: two that decode a type for the first time at once may stand still for ever.
_decode_copy = msgspec.msgpack.Decoder(CopyDetails).decode
_decode_load = msgspec.msgpack.Decoder(LoadDetails).decode
