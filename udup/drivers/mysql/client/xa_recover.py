"""The XA transactions that are prepared on a server, asked in the one way that every version understands.

`XA RECOVER CONVERT XID` is of MySQL 5.7.5, and not MariaDB's. Without it an xid comes as its bytes, which the server
calls a text.
"""

from __future__ import annotations

from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, query

#: Error "the account may not ask for prepared XA transactions"; from 8.0 on it takes XA_RECOVER_ADMIN.
XA_RECOVER_DENIED = 1401


@dataclass(frozen=True)
class PreparedXa:
    """One xid; `str` of it is how XA COMMIT takes it."""

    format_id: int
    gtrid: bytes
    bqual: bytes

    def __str__(self) -> str:
        return f"X'{self.gtrid.hex()}',X'{self.bqual.hex()}',{self.format_id}"


def recover(connection: Connection) -> list[PreparedXa]:
    """Return what is prepared. MySQL's own errors pass, `XA_RECOVER_DENIED` among them."""
    with connection.reading_bytes():
        rows = query(connection, "XA RECOVER")
    found = []
    for format_id, gtrid_bytes, _, data in rows:
        raw = data if isinstance(data, bytes) else str(data).encode("latin1")
        found.append(PreparedXa(int(format_id), raw[: int(gtrid_bytes)], raw[int(gtrid_bytes) :]))
    return found
