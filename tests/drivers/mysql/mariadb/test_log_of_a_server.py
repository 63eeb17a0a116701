"""A real MariaDB's log: where a stream and a job begin in it, what a snapshot is of, what an account may see."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest

from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, Unsupported
from udup.drivers.mysql.binlog.event import EventType, has_checksums
from udup.drivers.mysql.binlog.gtid import GtidSet, parse_gtid_event
from udup.drivers.mysql.checks.source import check_source
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.drivers.mysql.client.facts import read_facts
from udup.drivers.mysql.client.log_state import read_executed
from udup.drivers.mysql.mariadb.passed import PASSED, parse_passed
from udup.drivers.mysql.snapshot.snapshot import open_snapshot
from udup.drivers.mysql.stream.continuity import check_continuity
from udup.drivers.mysql.stream.start_point import find_start
from udup.drivers.mysql.stream.stream import BinlogStream
from udup.pipeline.ports import StartPoint
from udup.pipeline.selection.selection import Selection
from udup.pipeline.stamps import Stamp, Stamps
from udup.sandbox.server import MysqlServer


@pytest.fixture
def source(mariadb_source: MysqlServer) -> Endpoint:
    return mariadb_source.endpoint


@pytest.fixture
def connection(source: Endpoint) -> Iterator[Connection]:
    with closing(connect(source)) as connection:
        yield connection


@pytest.fixture
def schema(connection: Connection) -> Iterator[str]:
    name = f"m_{uuid.uuid4().hex[:10]}"
    query(connection, f"CREATE DATABASE {name}")
    query(connection, f"CREATE TABLE {name}.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
    yield name
    query(connection, f"DROP DATABASE {name}")


def _parts(gtid: str) -> tuple[int, int, int]:
    """Domain, server and number."""
    domain, server, number = map(int, gtid.split("-"))
    return domain, server, number


def _write(connection: Connection, schema: str, times: int = 1) -> str:
    """Write transactions; return the GTID of the last one."""
    for _ in range(times):
        query(connection, f"INSERT INTO {schema}.t (v) VALUES (1)")
    return str(scalar(connection, "SELECT @@last_gtid"))


def _read(source: Endpoint, after: str, last: str) -> GtidSet:
    """Return what a stream tells, up to a transaction, each once."""
    found, has_crc = GtidSet(), True
    with closing(BinlogStream(source, 900_700, GtidSet.parse(after), str(uuid.uuid4()))) as stream:
        for event in stream:
            if event[4] == EventType.FORMAT_DESCRIPTION:
                has_crc = has_checksums(event)
            elif event[4] == PASSED:
                found.add_range(*parse_passed(event))
            elif event[4] == EventType.GTID:
                gtid = parse_gtid_event(event, has_crc=has_crc)
                assert not found.contains(gtid.source, gtid.number)
                found.add(gtid.source, gtid.number)
                if str(gtid) == last:
                    return found
    raise AssertionError("the stream has ended")


def test_a_stream_goes_on_behind_gaps_and_where_a_number_was_never_used(
    source: Endpoint, connection: Connection, schema: str
) -> None:
    domain, server, number = _parts(_write(connection, schema, 4))
    query(connection, f"SET SESSION gtid_seq_no = {number + 50}")
    _write(connection, schema)
    last = _write(connection, schema, 2)
    everything = GtidSet.parse(read_executed(connection))
    for after in (
        f"{domain}-{server}-{number}",  # as it is
        f"{domain}-{server}-{number + 20}",  # a number that nobody has used
        f"{domain}-0-{number - 1}",  # who wrote it is not known
        f"{domain}-{server}-{number - 3},{domain}-{server}-{number - 1}:{number + 50}",  # a gap
    ):
        assert _read(source, after, last) == everything - GtidSet.parse(after)


def test_a_position_that_is_not_in_the_log_is_refused(source: Endpoint, connection: Connection, schema: str) -> None:
    domain, server, number = _parts(_write(connection, schema))
    for after in (f"{domain}-{server}-{number + 500}", f"{domain}-{server + 1}-{number}"):
        with pytest.raises(Unsupported, match="not in the master's binlog"):
            _read(source, after, "")


def test_the_transaction_that_a_job_stands_at_is_recognised(
    source: Endpoint, connection: Connection, schema: str
) -> None:
    gtid = _write(connection, schema)
    domain, server, number = _parts(gtid)
    after = GtidSet.parse(gtid)
    found = check_continuity(source, 900_701, str(uuid.uuid4()), after, Stamps())
    [seen] = [stamp for stamp in found.seen.newest() if stamp.gtid == gtid]
    check_continuity(source, 900_701, str(uuid.uuid4()), after, found.seen)
    other = Stamps([Stamp(f"{domain}-{server}", number, seen.committed_us - 60_000_000)])
    with pytest.raises(Unsupported, match="reset, or it is another server"):
        check_continuity(source, 900_701, str(uuid.uuid4()), after, other)


def test_a_job_begins_with_a_transaction_at_an_offset_or_now(
    source: Endpoint, connection: Connection, schema: str
) -> None:
    domain, server, number = _parts(_write(connection, schema))
    [(file, offset, *_)] = query(connection, "SHOW MASTER STATUS")
    _write(connection, schema, 3)
    before = f"{domain}-{server}-{number}"

    def found(position: str) -> str:
        """Of the domain: the server may have others of tests before."""
        return ",".join(each for each in position.split(",") if each.startswith(f"{domain}-"))

    assert found(find_start(source, StartPoint(file=str(file), offset=int(offset))).position) == before
    assert found(find_start(source, StartPoint(gtid=f"{domain}-{server}-{number + 1}")).position) == before
    assert found(find_start(source, StartPoint()).position) == found(read_executed(connection))
    awaited = find_start(source, StartPoint(gtid=f"{domain}-{server}-{number + 4}"))
    assert awaited.awaited
    assert found(awaited.position) == f"{domain}-{server}-{number + 3}"
    query(connection, "FLUSH BINARY LOGS")
    _write(connection, schema)
    assert find_start(source, StartPoint(gtid=f"{domain}-{server}-{number + 4}")).position == awaited.position
    with pytest.raises(Refused, match="in the middle of"):
        find_start(source, StartPoint(file=str(file), offset=int(offset) + 1))
    with pytest.raises(Refused, match="has not executed"):
        find_start(source, StartPoint(gtid=f"{domain}-{server}-{number + 99}"))


def test_a_snapshot_is_of_the_place_that_it_says(source: Endpoint, connection: Connection, schema: str) -> None:
    """Writers count up in two tables at once; each snapshot has as many as the log before its place."""
    query(connection, f"CREATE TABLE {schema}.u LIKE {schema}.t")
    first = _parts(_write(connection, schema))[2]
    query(connection, f"DELETE FROM {schema}.t")
    over = threading.Event()

    def write() -> None:
        with closing(connect(source, autocommit=False)) as writing:
            while not over.is_set():
                query(writing, f"INSERT INTO {schema}.t (v) VALUES (1)")
                query(writing, f"INSERT INTO {schema}.u (v) VALUES (1)")
                writing.commit()

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(8):
            snapshot = open_snapshot(source, 3)
            with closing(snapshot):
                number = max(stop - 1 for _, ranges in GtidSet.parse(snapshot.gtid_set).items() for _, stop in ranges)
                counts = {
                    int(scalar(each, f"SELECT COUNT(*) FROM {schema}.{table}"))
                    for each in snapshot.connections
                    for table in "tu"
                }
                assert counts == {number - first - 1}  # the DELETE is one
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_an_account_is_told_what_it_lacks(source: Endpoint, connection: Connection) -> None:
    account = f"a{uuid.uuid4().hex[:8]}"
    query(connection, f"CREATE USER {account} IDENTIFIED BY 'x'")
    try:
        endpoint = Endpoint(source.host, source.port, account, "x")
        with closing(connect(endpoint)) as poor:
            told = "\n".join(map(str, check_source(read_facts(poor), Selection(), None)))
        assert "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.*" in told
        assert "has not SELECT, SHOW VIEW, TRIGGER, EVENT" in told and _to_see_routines(connection) in told
        query(
            connection,
            f"GRANT REPLICATION SLAVE, BINLOG MONITOR, SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO {account}",
        )
        with closing(connect(endpoint)) as enough:
            assert check_source(read_facts(enough), Selection(), None) == []
        with closing(open_snapshot(endpoint, 2)) as snapshot:
            assert len(snapshot.connections) == 2
    finally:
        query(connection, f"DROP USER {account}")


def _to_see_routines(connection: Connection) -> str:
    return "SHOW CREATE ROUTINE on every schema" if connection.version >= (11, 3, 0) else "SELECT ON `mysql`.`proc`"
