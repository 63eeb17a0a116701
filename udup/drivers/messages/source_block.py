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
        self._schema = b'","db":%b,"sequence":null,"ts_us":' % json_text(schema)
        self._table = b',"table":%b,"server_id":' % json_text(table)

    def parts(self, origin: Origin) -> tuple[bytes, bytes]:
        """Return the block in front of the number of `row` and behind it."""
        us, snapshot, server_id, gtid, file, position, thread, query = origin
        before = b'%b%d,"snapshot":"%b%b%d,"ts_ns":%d%b%d,"gtid":%b,"file":%b,"pos":%d,"row":' % (
            self._front,
            us // 1000,
            snapshot.encode(),
            self._schema,
            us,
            us * 1000,
            self._table,
            server_id,
            json_text(gtid),
            json_text(file),
            position,
        )
        return before, b',"thread":%b,"query":%b}' % (json_number(thread), json_text(query))

    def whole(self, origin: Origin) -> bytes:
        before, after = self.parts(origin)
        return before + b"0" + after
