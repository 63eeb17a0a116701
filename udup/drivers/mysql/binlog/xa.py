"""XA transactions as the binary log holds them.

A prepared transaction is one GTID: Query `XA START xid`, its rows, Query `XA END xid`, XA_PREPARE. Its end comes under
a GTID of its own, any time later and from any session: Query `XA COMMIT xid` or `XA ROLLBACK xid`. With ONE PHASE there
is only the first, whose XA_PREPARE event says that it commits at once. The server writes an xid in one form only:
X'gtrid in hex',X'bqual in hex',format id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import HEADER_SIZE
from udup.drivers.mysql.binlog.remedies import UNKNOWN

_STATEMENT = re.compile(rb"XA (START|END|COMMIT|ROLLBACK) (X'[0-9a-fA-F]*',X'[0-9a-fA-F]*',\d+)")


class XaVerb(StrEnum):
    START = "START"
    END = "END"
    COMMIT = "COMMIT"
    ROLLBACK = "ROLLBACK"


@dataclass(frozen=True, slots=True)
class XaStatement:
    """`xid` is the server's text, which XA COMMIT takes as it is."""

    verb: XaVerb
    xid: str


def is_xa(sql: bytes) -> bool:
    return sql.startswith(b"XA ")


def parse_xa(sql: bytes) -> XaStatement:
    """Raise `Unsupported` for a form that no server is known to write."""
    match = _STATEMENT.fullmatch(sql)
    if match is None:
        raise Unsupported(f"an XA statement of an unknown form: {sql.decode('utf-8', 'replace')}; {UNKNOWN}")
    return XaStatement(XaVerb(match[1].decode()), match[2].decode())


def is_one_phase(xa_prepare: bytes) -> bool:
    """Return whether the XA_PREPARE event commits its transaction at once (the first byte after the header)."""
    return bool(xa_prepare[HEADER_SIZE])
