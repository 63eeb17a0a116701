"""GTID sets say what the server's own say; a set that is wrong is named."""

from __future__ import annotations

import random
import time
import uuid
from contextlib import closing

import pytest

from tests.source_log import executed
from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER_SIZE, EventType
from udup.drivers.mysql.binlog.gtid import Gtid, GtidSet, brief, parse_gtid_event
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.drivers.mysql.stream.stream import BinlogStream
from udup.sandbox.server import MysqlServer

A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
B = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("", ""),
        (" \n ", ""),
        (f"{A}:1", f"{A}:1"),
        (f"{A.upper()}:1-5", f"{A}:1-5"),
        (f"{A}:1-5:7:9-11", f"{A}:1-5:7:9-11"),
        (f"{A}:7:1-5", f"{A}:1-5:7"),
        (f"{A}:1-5:6", f"{A}:1-6"),
        (f"{A}:1-5:3-9", f"{A}:1-9"),
        (f"{B}:1,\n{A}:2", f"{A}:2,{B}:1"),
        (f"{A}:1,{A}:2-3", f"{A}:1-3"),
        (f"{A}:tag:1-3", f"{A}:tag:1-3"),
        (f"{A}:1-2:tag:4:_x9:5-6", f"{A}:1-2,{A}:_x9:5-6,{A}:tag:4"),
        (f"{A}:TAG:1", f"{A}:tag:1"),
        (f", {A}:1 ,", f"{A}:1"),
    ],
)
def test_a_set_is_read_as_a_server_writes_it(text: str, normal: str) -> None:
    assert str(GtidSet.parse(text)) == normal
    assert GtidSet.parse(normal) == GtidSet.parse(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nonsense", "nonsense"),
        (A, A),
        (f"{A}:", "''"),
        (f"{A}:0", "'0'"),
        (f"{A}:5-3", "'5-3'"),
        (f"{A}:1-", "'1-'"),
        (f"{A}:1-2-3", "'1-2-3'"),
        (f"{A}:tag", f"{A}:tag"),
        (f"{A}:9tag:1", "'9tag'"),
        (f"{A}:{'t' * 33}:1", "t" * 33),
        (f"{A}:1,xyz:2", "xyz:2"),
        ("aaaaaaaa-aaaa:1", "aaaaaaaa-aaaa:1"),
    ],
)
def test_the_part_that_is_wrong_is_named(text: str, named: str) -> None:
    with pytest.raises(ValueError) as failure:
        GtidSet.parse(text)
    assert named in str(failure.value)


def test_sets_behave_as_sets_of_single_transactions() -> None:
    dice = random.Random(5)
    keys = [A, B, f"{A}:tag"]
    for _ in range(150):
        sets = [GtidSet(), GtidSet()]
        plain: list[set[tuple[str, int]]] = [set(), set()]
        for which in (0, 1):
            for _ in range(dice.randrange(12)):
                key, start, length = dice.choice(keys), dice.randint(1, 30), dice.randint(1, 6)
                sets[which].add_range(key, start, start + length)
                plain[which] |= {(key, number) for number in range(start, start + length)}
        (one, other), (left, right) = sets, plain
        assert _members(one | other) == left | right
        assert _members(one - other) == left - right
        assert (one <= other) == (left <= right)
        assert (one == other) == (left == right)
        assert len(one) == len(left) and bool(one) == bool(left)
        assert all(one.contains(key, number) == ((key, number) in left) for key in keys for number in range(1, 40))
        assert GtidSet.parse(str(one)) == one == GtidSet.decode(one.encode())


def _members(gtids: GtidSet) -> set[tuple[str, int]]:
    return {(key, number) for key, ranges in gtids.items() for start, stop in ranges for number in range(start, stop)}


def test_single_transactions_in_any_order_close_their_gaps() -> None:
    numbers = list(range(1, 200))
    random.Random(7).shuffle(numbers)
    gtids = GtidSet()
    for number in numbers:
        gtids.add(A, number)
        assert gtids.contains(A, number)
    assert str(gtids) == f"{A}:1-199"
    gtids.add(A, 100)
    assert len(gtids) == 199


def test_a_copy_goes_its_own_way() -> None:
    one = GtidSet.parse(f"{A}:1-5")
    other = one.copy()
    other.add(A, 6)
    assert str(one) == f"{A}:1-5" and str(other) == f"{A}:1-6"
    assert str(one | other) == f"{A}:1-6" and str(one) == f"{A}:1-5"


def test_sets_with_tens_of_thousands_of_gaps_are_no_burden() -> None:
    """Every report and every heartbeat holds such a set against another."""
    begun = time.process_time()  # whatever else the machine does meanwhile
    full = GtidSet.parse(f"{A}:" + ":".join(str(2 * number + 1) for number in range(20_000)))
    part = GtidSet.parse(f"{A}:" + ":".join(str(2 * number + 1) for number in range(0, 20_000, 3)))
    assert len(full - part) == len(full) - len(part) and not full - full and part <= full
    assert (full | GtidSet.parse(f"{A}:1-40000")) == GtidSet.parse(f"{A}:1-40000")
    assert time.process_time() - begun < 5, "it grows with the square of the gaps"


def test_a_message_names_the_beginning_of_a_long_set() -> None:
    text = f"{A}:" + ":".join(str(2 * number + 1) for number in range(1000))
    assert (brief(""), brief(f"{A}:1-5"), brief(GtidSet.parse(f"{B}:7"))) == ("nothing", f"{A}:1-5", f"{B}:7")
    assert text.startswith(brief(text).split(" ")[0]) and len(brief(text)) < 700
    assert brief(text).endswith(f"({len(text):,} characters in all)")


def test_a_difference_leaves_no_source_without_numbers() -> None:
    empty = GtidSet.parse(f"{A}:1-5") - GtidSet.parse(f"{A}:1-9")
    assert not empty and empty == GtidSet() and str(empty) == "" and list(empty.items()) == []


@pytest.fixture
def tagged(source: MysqlServer, schema: str) -> GtidSet:
    """What the source has executed: several UUIDs, tags, gaps, at the end of a log file."""
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        other = uuid.uuid4()
        for gtid in (f"{other}:3", f"{other}:5", f"{other}:zebra:2", f"{other}:_a1:7", "AUTOMATIC:udup_test"):
            _empty_transaction(connection, gtid)
        query(connection, "FLUSH BINARY LOGS")
        return executed(connection)


def _empty_transaction(connection: Connection, gtid: str) -> None:
    query(connection, f"SET gtid_next = '{gtid}'")
    if gtid.startswith("AUTOMATIC"):
        query(connection, f"ALTER DATABASE {scalar(connection, 'SHOW DATABASES LIKE %s', 'test%')} READ ONLY = 0")
    else:
        connection.begin()
        connection.commit()
    query(connection, "SET gtid_next = 'AUTOMATIC'")


def test_the_binary_form_is_that_of_the_servers_own_event(source: MysqlServer, tagged: GtidSet) -> None:
    assert "udup_test" in str(tagged) and ":zebra:2" in str(tagged) and ":3:5" in str(tagged)
    stream = BinlogStream(source.endpoint, 900_100, tagged, str(uuid.uuid4()))
    try:
        event = next(event for event in stream if event[4] == EventType.PREVIOUS_GTIDS)
    finally:
        stream.close()
    body = event[HEADER_SIZE:-CRC_SIZE]
    assert GtidSet.decode(body) == tagged
    assert tagged.encode() == body


def test_set_algebra_is_the_servers(source: MysqlServer) -> None:
    one, other = f"{A}:1-10:20-30:tag:1-4,{B}:5", f"{A}:3-5:25:tag:2,{B}:5-6"
    with closing(connect(source.endpoint)) as connection:
        theirs = scalar(connection, "SELECT GTID_SUBTRACT(%s, %s)", one, other)
        assert GtidSet.parse(theirs) == GtidSet.parse(one) - GtidSet.parse(other)
        for left, right in ((one, other), (theirs, one), (one, one), ("", one)):
            subset = bool(scalar(connection, "SELECT GTID_SUBSET(%s, %s)", left, right))
            assert (GtidSet.parse(left) <= GtidSet.parse(right)) == subset


def test_a_gtid_event_tells_identity_order_and_time(source: MysqlServer, schema: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
        before = executed(connection)
        own = scalar(connection, "SELECT @@server_uuid")
        query(connection, f"INSERT INTO {schema}.t VALUES (1)")
        query(connection, "SET gtid_next = 'AUTOMATIC:some_tag'")
        query(connection, f"INSERT INTO {schema}.t VALUES (2)")
        query(connection, "SET gtid_next = 'AUTOMATIC'")
        now_us = int(scalar(connection, "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1e6 AS SIGNED)"))
        after = executed(connection)
    raw = _gtid_events(source, before, 2)
    plain, tagged = (parse_gtid_event(event, has_crc=True) for event in raw)
    assert plain.source == own and tagged.source == f"{own}:some_tag"
    assert str(after - before) == str(GtidSet.parse(f"{plain},{tagged}"))
    assert tagged.sequence == plain.sequence + 1
    assert plain.last_committed < plain.sequence and tagged.last_committed < tagged.sequence
    assert all(now_us - 30_000_000 < gtid.committed_us <= now_us for gtid in (plain, tagged))


def _gtid_events(source: MysqlServer, after: GtidSet, count: int) -> list[bytes]:
    found: list[bytes] = []
    stream = BinlogStream(source.endpoint, 900_101, after, str(uuid.uuid4()))
    try:
        for event in stream:
            if event[4] in (EventType.GTID, EventType.GTID_TAGGED):
                found.append(event)
                if len(found) == count:
                    break
    finally:
        stream.close()
    return found


def test_a_gtid_is_written_as_the_server_writes_it() -> None:
    assert str(Gtid(A, 5, 0, 1, 0)) == f"{A}:5"
    assert str(Gtid(f"{A}:tag", 5, 0, 1, 0)) == f"{A}:tag:5"
