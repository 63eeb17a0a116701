"""A source whose log is not the one that was read is told from one that is, by when its transactions were committed."""

from __future__ import annotations

import uuid
from contextlib import closing

import pytest

from tests.conftest import MakeServer
from tests.source_log import executed
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.stream.continuity import Continuity, check_continuity
from udup.pipeline.stamps import Stamp, Stamps
from udup.sandbox.server import MysqlServer

A, B = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"

#: Of the server that is failed over to in these tests: in microseconds.
LONG_AGO = 1_500_000_000_123_456


def _check(server: MysqlServer, start_after: GtidSet, stamps: Stamps) -> Continuity:
    return check_continuity(server.endpoint, 900_300, str(uuid.uuid4()), start_after, stamps)


def _run(server: MysqlServer, *statements: str) -> GtidSet:
    with closing(connect(server.endpoint)) as connection:
        for statement in statements:
            query(connection, statement)
        return executed(connection)


def test_stamps_keep_the_last_transaction_of_each_of_the_newest_origins() -> None:
    stamps = Stamps.parse(f"{A}:7@100,{A}:tag:3@50")
    stamps.note(A, 6, 900)
    stamps.note(B, 1, 0)
    stamps.update(Stamps([Stamp(B, 9, 200)]))
    assert str(stamps) == f"{B}:9@200,{A}:7@100,{A}:tag:3@50"
    assert str(Stamps.parse(str(stamps))) == str(stamps)
    assert [stamp.gtid for stamp in stamps.within(GtidSet.parse(f"{A}:1-9,{B}:1-8"))] == [f"{A}:7"]
    many = Stamps(Stamp(f"{A}:t{number}", 1, number) for number in range(1, 50))
    assert len(str(many).split(",")) == 8 and f"{A}:t49:1@49" in str(many)


def test_a_log_is_recognised_after_a_restart_and_not_after_a_reset_however_much_has_come_since(
    mysql_server: MakeServer,
) -> None:
    server = mysql_server()
    first = _run(server, "CREATE DATABASE d", "CREATE TABLE d.t (a INT)", "INSERT INTO d.t VALUES (1)")
    _run(server, "INSERT INTO d.t VALUES (2)")
    learnt = _check(server, first, Stamps())
    assert learnt.server_uuid and not learnt.doubt
    [stamp] = learnt.seen.within(first)
    assert str(first).endswith(f"-{stamp.number}") and stamp.committed_us > LONG_AGO
    server.restart()
    assert _check(server, first, learnt.seen).seen.within(first) == [stamp]
    _run(server, "RESET BINARY LOGS AND GTIDS", *["INSERT INTO d.t VALUES (3)"] * 20)
    with pytest.raises(Unsupported, match=rf"{stamp.gtid}, which the target has, .* were reset.*purge=true"):
        _check(server, first, learnt.seen)


def test_a_replica_that_takes_the_sources_place_is_recognised_by_what_the_source_committed(
    mysql_server: MakeServer,
) -> None:
    """Its own times are others; tagged GTIDs have theirs in another form."""
    server = mysql_server()
    replicated = [
        f"SET SESSION original_commit_timestamp = {LONG_AGO}",
        f"SET gtid_next = '{A}:5'",
        "CREATE DATABASE d",
        f"SET SESSION original_commit_timestamp = {LONG_AGO}",
        f"SET gtid_next = '{A}:x:3'",
        "CREATE TABLE d.t (a INT)",
        "SET gtid_next = 'AUTOMATIC'",
    ]
    start = _run(server, *replicated)
    right = Stamps.parse(f"{A}:5@{LONG_AGO}")
    assert not _check(server, start, right).doubt
    tagged = Stamps.parse(f"{A}:x:3@{LONG_AGO}")
    seen = _check(server, start, tagged)
    assert not seen.doubt and str(tagged) in str(seen.seen)
    for wrong in (f"{A}:5@{LONG_AGO + 1}", f"{A}:x:3@{LONG_AGO + 1}"):
        with pytest.raises(Unsupported):
            _check(server, start, Stamps.parse(wrong))


def test_what_was_purged_leaves_a_doubt_that_is_told(mysql_server: MakeServer) -> None:
    server = mysql_server()
    start = _run(server, "CREATE DATABASE d", "CREATE TABLE d.t (a INT)")
    stamps = _check(server, start, Stamps()).seen
    _run(server, "FLUSH BINARY LOGS", "INSERT INTO d.t VALUES (1)")
    with closing(connect(server.endpoint)) as connection:
        last = query(connection, "SHOW BINARY LOGS")[-1][0]
        query(connection, f"PURGE BINARY LOGS TO '{last}'")
        assert scalar(connection, "SELECT GTID_SUBSET(%s, @@global.gtid_purged)", str(start))
    assert "purged" in _check(server, start, stamps).doubt
    assert not _check(server, start, Stamps()).doubt, "nothing is known, so nothing is missed"
