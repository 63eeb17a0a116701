"""The source block of a message: where in the source a change stands, in Debezium's order of the fields.

The order is that of `AbstractSourceInfoStructMaker` and `BinlogSourceInfoStructMaker`; the version is Udup's own.
"""

from __future__ import annotations

from typing import NamedTuple

from udup import __version__
from udup.drivers.messages.texts import json_number, json_text

CONNECTOR = "mysql"


class Origin(NamedTuple):
    """What is the same for all rows of an event. `committed_us`: µs since the epoch; `row` differs and is not here."""

    committed_us: int
    snapshot: str
    server_id: int
    gtid: str | None
    file: str
    position: int
    thread: int | None = None
    query: str | None = None


class SourceBlock:
    """The block of one table; with `table` None that of what is about none. `parts` is what makes all of its texts."""

    def __init__(self, prefix: str, schema: str, table: str | None) -> None:
        self._front = b'{"version":%b,"connector":"%b","name":%b,"ts_ms":' % (
            json_text(__version__),
            CONNECTOR.encode(),
            json_text(prefix),
        )
        self._schema, self._table = json_text(schema), json_text(table)

    def parts(self, origin: Origin) -> tuple[bytes, bytes]:
        """Return the block in front of the number of `row` and behind it."""
        us = origin.committed_us
        before = b'%b%d,"snapshot":"%b","db":%b,"sequence":null,"ts_us":%d,"ts_ns":%d,"table":%b,"server_id":%d' % (
            self._front,
            us // 1000,
            origin.snapshot.encode(),
            self._schema,
            us,
            us * 1000,
            self._table,
            origin.server_id,
        )
        place = b',"gtid":%b,"file":%b,"pos":%d,"row":' % (
            json_text(origin.gtid),
            json_text(origin.file),
            origin.position,
        )
        return before + place, b',"thread":%b,"query":%b}' % (json_number(origin.thread), json_text(origin.query))

    def whole(self, origin: Origin) -> bytes:
        before, after = self.parts(origin)
        return before + b"0" + after
