"""Transactions of which a destination has the beginning: the source must have them still, and they must be the same."""

from __future__ import annotations

import uuid
from contextlib import closing

import pytest

from tests.conftest import MakeServer
from tests.source_log import executed
from udup.base.errors import Unavailable, Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.stream import in_part
from udup.drivers.mysql.stream.continuity import check_continuity
from udup.drivers.mysql.stream.in_part import check_in_part
from udup.pipeline.ports import InPart
from udup.pipeline.stamps import Stamp, Stamps
from udup.sandbox.server import MysqlServer

ANOTHER = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


def _check(server: MysqlServer, told: InPart) -> None:
    check_in_part(server.endpoint, 900_301, str(uuid.uuid4()), told, lambda: False, lambda _stream: None)


def _run(server: MysqlServer, *statements: str) -> GtidSet:
    with closing(connect(server.endpoint)) as connection:
        for statement in statements:
            query(connection, statement)
        return executed(connection)


def test_what_was_told_in_part_is_known_by_its_time_and_must_be_there(
    mysql_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_part, "PATIENCE", 0.1)
    server = mysql_server()
    all_of_it = _run(server, "CREATE DATABASE d", "CREATE TABLE d.t (a INT)", "INSERT INTO d.t VALUES (1)")
    seen = check_continuity(server.endpoint, 900_301, str(uuid.uuid4()), all_of_it, Stamps()).seen
    [stamp] = seen.newest()
    right, wrong = str(seen), str(Stamps([Stamp(stamp.source, stamp.number, stamp.committed_us - 1)]))
    _check(server, InPart(stamp.gtid, right))
    _check(server, InPart(stamp.gtid))  # nobody knows when
    with pytest.raises(Unsupported, match=rf"{stamp.gtid}, of which messages .* is another transaction"):
        _check(server, InPart(stamp.gtid, wrong))
    later = f"{stamp.source}:{stamp.number + 1}"
    with pytest.raises(Unsupported, match=rf"{later}, of which messages .* lost its last transactions.*purge=true"):
        _check(server, InPart(later, right))
    with pytest.raises(Unavailable, match=f"has not executed {ANOTHER}:7.* when this server has it"):
        _check(server, InPart(f"{stamp.gtid},{ANOTHER}:7", right))
    _run(server, f"SET gtid_next = '{ANOTHER}:7'", "INSERT INTO d.t VALUES (2)", "SET gtid_next = 'AUTOMATIC'")
    _check(server, InPart(f"{stamp.gtid},{ANOTHER}:7", right))
