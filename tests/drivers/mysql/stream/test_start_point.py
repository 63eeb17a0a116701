"""A place in a real binary log as a GTID set: every boundary, everything between them, several files and servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.conftest import MakeServer
from udup.base.errors import Refused
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.stream.log_file import first_events, read_file
from udup.drivers.mysql.stream.start_point import find_start
from udup.pipeline.ports import StartPoint
from udup.sandbox.server import MysqlServer

#: A server that this one has replicated from.
OTHER = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


@dataclass
class Log:
    server: MysqlServer

    def run(self, *statements: str) -> None:
        with closing(connect(self.server.endpoint)) as connection:
            for statement in statements:
                query(connection, statement)

    def as_other(self, *numbers: int) -> None:
        """Commit transactions of another server."""
        for number in numbers:
            self.run(
                f"SET gtid_next = '{OTHER}:{number}'", "INSERT INTO d.t (a) VALUES (0)", "SET gtid_next = AUTOMATIC"
            )

    @property
    def uuid(self) -> str:
        return str(self._ask("SELECT @@server_uuid"))

    @property
    def executed(self) -> GtidSet:
        return GtidSet.parse(str(self._ask("SELECT @@gtid_executed")))

    @property
    def purged(self) -> GtidSet:
        return GtidSet.parse(str(self._ask("SELECT @@gtid_purged")))

    def _ask(self, sql: str) -> object:
        with closing(connect(self.server.endpoint)) as connection:
            return scalar(connection, sql)

    @property
    def end(self) -> tuple[str, int]:
        """Where the log ends."""
        with closing(connect(self.server.endpoint)) as connection:
            [(file, offset, *_)] = query(connection, "SHOW BINARY LOG STATUS")
            return str(file), int(offset)

    def shown(self, file: str) -> list[tuple[int, str, int, str]]:
        """Return what the server itself says of a file: offset, kind, end, text of each event."""
        with closing(connect(self.server.endpoint)) as connection:
            events = query(connection, "SHOW BINLOG EVENTS IN %s", file)
            return [(int(at), str(kind), int(end), str(text)) for _, at, kind, _, end, text in events]

    def before(self, file: str, offset: int) -> GtidSet:
        return GtidSet.parse(find_start(self.server.endpoint, StartPoint(file=file, offset=offset)).position)

    def before_gtid(self, gtid: str) -> GtidSet:
        return GtidSet.parse(find_start(self.server.endpoint, StartPoint(gtid=gtid)).position)

    def refused(self, point: StartPoint) -> tuple[str, str]:
        """Return what is said of a place that is none, and what to do."""
        with pytest.raises(Refused) as caught:
            find_start(self.server.endpoint, point)
        (fault,) = caught.value.faults
        return f"{fault.where}: {fault.problem}", fault.remedy


def _log(server: MysqlServer) -> Log:
    log = Log(server)
    log.run("CREATE DATABASE d", "CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b LONGTEXT)")
    return log


@pytest.fixture
def log(mysql_server: MakeServer) -> Iterator[Log]:
    yield _log(mysql_server())


def test_every_offset_of_a_file_is_a_boundary_or_refused_with_the_two_beside_it(log: Log) -> None:
    """The server's own SHOW BINLOG EVENTS says where transactions stand."""
    log.run(
        "INSERT INTO d.t (a) VALUES (1), (2)",
        "UPDATE d.t SET a = a + 1",
        "ALTER TABLE d.t ADD COLUMN c INT",
        "XA START 'x'", "INSERT INTO d.t (a) VALUES (9)", "XA END 'x'", "XA PREPARE 'x'",
    )  # fmt: skip
    log.run("XA COMMIT 'x'", "INSERT INTO d.t (a) VALUES (3)")
    file, end = log.end
    events = log.shown(file)
    executed, boundaries = GtidSet(), {4: ""}
    for at, kind, _, text in events:
        if kind == "Gtid":
            boundaries[at] = str(executed)
            executed.update(GtidSet.parse(text.split("'")[1]))
        elif kind == "Previous_gtids":
            boundaries[at] = ""
    boundaries[end] = str(executed)
    assert len(boundaries) == 2 + 2 + 6 + 1, "two of the schema, six of this test"
    for at in range(4, end + 1):
        if at in boundaries:
            assert str(log.before(file, at)) == boundaries[at], at
    inside = sorted({at + 1 for at, *_ in events} | {at for at, *_ in events} - boundaries.keys())
    for at in inside:
        said, remedy = log.refused(StartPoint(file=file, offset=at))
        assert "BinlogPos" in said and str(at) in said
        earlier = max(each for each in boundaries if each < at)
        later = min(each for each in boundaries if each > at)
        if "in the middle of" in said:
            assert remedy == f"write {earlier} to begin with that transaction, {later} behind it"
        else:
            assert remedy == "write 4 to begin with the file" and earlier in (4, events[1][0])


def test_offsets_are_those_of_the_server_in_every_kind_of_file(log: Log) -> None:
    log.run(
        "SET SESSION binlog_transaction_compression = ON",
        "INSERT INTO d.t (b) VALUES (REPEAT('x', 100000))",
        "SET GLOBAL binlog_checksum = NONE",  # another file begins
        "INSERT INTO d.t (b) VALUES ('y')",
        "SET GLOBAL binlog_checksum = CRC32",
        f"INSERT INTO d.t (b) VALUES (REPEAT('z', {20 << 20}))",  # an event of more than one packet
        "FLUSH BINARY LOGS",
        "INSERT INTO d.t (b) VALUES ('last')",
    )
    seen = GtidSet()
    with closing(connect(log.server.endpoint)) as connection:
        files = [str(name) for name, *_ in query(connection, "SHOW BINARY LOGS")]
    assert len(files) == 4
    for file in files:
        found = list(read_file(log.server.endpoint, file))
        gtids = {at: text.split("'")[1] for at, kind, _, text in log.shown(file) if kind == "Gtid"}
        assert {event.start: str(event.gtid) for event in found if event.gtid is not None} == gtids
        (before,) = [event.before for event in found if event.before is not None]
        assert before == seen
        for gtid in gtids.values():
            assert log.before_gtid(gtid) == seen
            seen.update(GtidSet.parse(gtid))
        assert log.before(file, found[-1].end) == seen, "behind what ends the file is behind its last transaction"
    assert seen == log.executed and log.before(*log.end) == seen


def test_a_start_is_after_what_the_log_has_before_it_also_of_other_servers(log: Log) -> None:
    log.run("INSERT INTO d.t (a) VALUES (1)")
    log.as_other(1, 2)
    log.run("INSERT INTO d.t (a) VALUES (2)")
    log.as_other(3)
    uuid = log.uuid
    assert str(log.before_gtid(f"{uuid}:3")) == f"{uuid}:1-2"
    assert log.before_gtid(f"{OTHER}:2") == GtidSet.parse(f"{OTHER}:1,{uuid}:1-3")
    # In the log behind it there are transactions of the other server: none of them counts as executed.
    assert log.before_gtid(f"{uuid}:4") == GtidSet.parse(f"{OTHER}:1-2,{uuid}:1-3")


def test_a_file_may_begin_with_a_statement_that_is_no_utf8(log: Log) -> None:
    """The server shows a file's statements as they came, and the first files are looked at to find the right one."""
    log.run("INSERT INTO d.t (a) VALUES (1)", "FLUSH BINARY LOGS")
    with closing(connect(log.server.endpoint)) as connection:
        connection.set_character_set("latin1")
        query(connection, "CREATE TABLE d.c (a INT COMMENT 'caf\xe9')")
        assert [kind for kind, _ in first_events(connection, log.end[0])] == [
            *("Format_desc", "Previous_gtids"),
            *("Gtid", "Query"),
        ]
    log.run("FLUSH BINARY LOGS", "INSERT INTO d.t (a) VALUES (2)")
    assert [str(log.before_gtid(f"{log.uuid}:{number}")) for number in (3, 4)] == [
        f"{log.uuid}:1-{number}" for number in (2, 3)
    ]


def test_the_next_transaction_of_a_server_is_a_start_and_a_later_one_is_not(log: Log) -> None:
    log.as_other(1, 2)
    uuid = log.uuid
    assert log.before_gtid(f"{uuid}:3") == log.before_gtid(f"{OTHER}:3") == log.executed
    said, remedy = log.refused(StartPoint(gtid=f"{uuid}:4"))
    assert f"has not executed {uuid}:4: its last of that server is {uuid}:2" in said and "AutoGtid" in remedy
    unknown = "cccccccc-cccc-cccc-cccc-cccccccccccc"
    said, remedy = log.refused(StartPoint(gtid=f"{unknown}:1"))
    assert "it has none of that server" in said and "AutoGtid" in remedy


def test_a_start_behind_a_later_transaction_of_its_server_is_refused(log: Log) -> None:
    log.as_other(1, 3, 2)
    said, remedy = log.refused(StartPoint(gtid=f"{OTHER}:2"))
    assert f"has {OTHER}:3 in front of {OTHER}:2" in said and "Gtid" in remedy
    assert str(log.before_gtid(f"{OTHER}:3") - GtidSet.parse(f"{log.uuid}:1-9")) == f"{OTHER}:1"


def test_what_is_purged_is_refused_and_what_is_left_is_named(log: Log) -> None:
    log.run("INSERT INTO d.t (a) VALUES (1)")
    first, offset = log.end
    log.run("FLUSH BINARY LOGS", "INSERT INTO d.t (a) VALUES (2)", "FLUSH BINARY LOGS")
    second = f"{first.rpartition('.')[0]}.{int(first.rpartition('.')[2]) + 1:06d}"
    log.run(f"PURGE BINARY LOGS TO '{second}'")
    uuid = log.uuid
    said, remedy = log.refused(StartPoint(file=first, offset=offset))
    assert f"the source has purged its file {first}: it has {second} to {log.end[0]}" in said
    assert "SHOW BINARY LOGS" in remedy
    said, remedy = log.refused(StartPoint(gtid=f"{uuid}:3"))
    assert f"has purged {uuid}:3" in said and "copy" in remedy
    assert str(log.before_gtid(f"{uuid}:4")) == str(log.before(second, 4)) == f"{uuid}:1-3"
    said, _ = log.refused(StartPoint(file="other.000001", offset=4))
    assert "has no file 'other.000001'" in said
    said, _ = log.refused(StartPoint(file=f"{first.rpartition('.')[0]}.000099", offset=4))
    assert "has no file" in said


def test_what_was_never_in_the_log_is_in_front_of_every_place(log: Log) -> None:
    """A source that was made by CLONE, or from a dump, has executed transactions that no file of its log names."""
    log.run("RESET BINARY LOGS AND GTIDS", f"SET GLOBAL gtid_purged = '{OTHER}:1-5:2000-2010'")
    log.run("INSERT INTO d.t (a) VALUES (1)")
    file, offset = log.end
    log.run("INSERT INTO d.t (a) VALUES (2)")
    log.as_other(7, 1000)
    uuid = log.uuid
    given = GtidSet.parse(f"{OTHER}:1-5:2000-2010")
    assert given <= log.executed
    for found, more in (
        (log.before(file, offset), f"{uuid}:1"),
        (log.before(file, 4), ""),
        (log.before_gtid(f"{uuid}:2"), f"{uuid}:1"),
        (log.before_gtid(f"{OTHER}:7"), f"{uuid}:1-2"),
        (log.before_gtid(f"{OTHER}:1000"), f"{uuid}:1-2,{OTHER}:7"),
    ):
        expected = given.copy()
        expected.update(GtidSet.parse(more))
        assert found == expected
        assert log.purged <= found, "or a run that begins there is told that its log was purged"


def test_a_start_behind_the_first_half_of_an_xa_transaction_is_refused(log: Log) -> None:
    log.run("XA START 'half'", "INSERT INTO d.t (a) VALUES (9)", "XA END 'half'", "XA PREPARE 'half'")
    file, end = log.end
    points = {
        "AutoGtid": StartPoint(),
        "GtidStart": StartPoint(gtid=f"{log.uuid}:{_last(log) + 1}"),
        "BinlogFile": StartPoint(file=file, offset=end),
    }
    for key, point in points.items():
        said, remedy = log.refused(point)
        assert f"{key}: the source has prepared XA transactions" in said and "XA COMMIT or XA ROLLBACK" in remedy
    log.run("XA ROLLBACK 'half'")
    for point in points.values():
        find_start(log.server.endpoint, point)


def _last(log: Log) -> int:
    """Return the number of the source's own last transaction."""
    [(_, ranges)] = log.executed.items()
    return int(ranges[-1][1]) - 1


def test_an_offset_behind_the_end_of_the_log_is_refused(log: Log) -> None:
    file, end = log.end
    said, remedy = log.refused(StartPoint(file=file, offset=end + 100))
    assert f"ends at {end} now, before {end + 100}" in said and f"write {end}" in remedy
    log.run("FLUSH BINARY LOGS")
    said, _ = log.refused(StartPoint(file=file, offset=1 << 40))
    assert "ends at" in said


def test_a_start_now_is_what_is_executed(log: Log) -> None:
    found = find_start(log.server.endpoint, StartPoint())
    assert GtidSet.parse(found.position) == log.executed and found.server_uuid == log.uuid


def test_changes_without_a_gtid_in_front_of_the_place_are_refused(mysql_server: MakeServer) -> None:
    log = Log(mysql_server(gtid_mode="ON_PERMISSIVE"))
    log.run("CREATE DATABASE d", "CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, a INT)")
    with_gtid = log.end
    log.run("SET gtid_next = ANONYMOUS", "INSERT INTO d.t (a) VALUES (1)", "SET gtid_next = AUTOMATIC")
    log.run("INSERT INTO d.t (a) VALUES (2)")
    for point in (StartPoint(file=log.end[0], offset=log.end[1]), StartPoint(gtid=f"{log.uuid}:3")):
        said, remedy = log.refused(point)
        assert f"has changes without a GTID (at {with_gtid[1]})" in said and "later file" in remedy
    said, _ = log.refused(StartPoint(file=with_gtid[0], offset=with_gtid[1]))
    assert "has changes without a GTID" in said, "it would begin with one"
    first = next(at for at, kind, *_ in log.shown(with_gtid[0]) if kind == "Gtid")
    assert not log.before(with_gtid[0], first)


def test_two_looks_at_the_same_log_do_not_end_each_other(log: Log) -> None:
    log.run("INSERT INTO d.t (a) VALUES (1)")
    file, end = log.end
    one, other = read_file(log.server.endpoint, file), read_file(log.server.endpoint, file)
    ends = [0, 0]
    for first, second in zip(one, other, strict=True):
        ends = [first.end, second.end]
    assert ends == [end, end]
