"""An event of Udup's own in a MariaDB log that is read: numbers of a domain that hold nothing for anybody."""

from __future__ import annotations

import struct

from udup.drivers.mysql.binlog.event import HEADER_SIZE
from udup.drivers.mysql.mariadb.gtids import domain_of, server_of

#: Its type, which is GTID_LIST's of MariaDB: that one is not passed on.
PASSED = 163

#: Domain, the server of the transaction behind them, first number, the number behind the last.
_BODY = struct.Struct("<IIQQ")


def passed_event(header: bytes, source: str, first: int, stop: int) -> bytes:
    """Return the event, without a CRC and its size, in front of the one that this header is of."""
    body = _BODY.pack(int(domain_of(source)), server_of(source), first, stop)
    return header[:4] + bytes([PASSED]) + header[5:] + body


def parse_passed(event: bytes) -> tuple[str, int, int]:
    """Return `domain-server`, the first number, and the one behind the last."""
    domain, server, first, stop = _BODY.unpack_from(event, HEADER_SIZE)
    return f"{domain}-{server}", first, stop
