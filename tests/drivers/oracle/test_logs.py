"""The logs that LogMiner is given: all of them, each once, without a gap; and windows that hold all of an SCN."""

from __future__ import annotations

import pytest

from tests.drivers.oracle.fake_oracle import Column, FakeOracle
from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.drivers.oracle import mining, statements
from udup.drivers.oracle.logs import LogFile, NotArchived, needed_logs
from udup.drivers.oracle.mining import Miner
from udup.drivers.oracle.session import Place


def log(sequence: int, *, current: bool = False) -> LogFile:
    name = "/redo" if current else f"/archive/{sequence}"
    return LogFile(name, sequence * 10, 0 if current else sequence * 10 + 10, sequence, 1, current)


def names(logs: list[LogFile]) -> list[str]:
    return [each.name for each in logs]


def test_those_from_the_scn_on_are_needed() -> None:
    found = needed_logs([log(4, current=True), log(2), log(3), log(1)], 25)
    assert names(found) == ["/archive/2", "/archive/3", "/redo"]


def test_an_scn_at_the_end_of_a_log_does_not_need_it() -> None:
    assert names(needed_logs([log(1), log(2), log(3, current=True)], 19)) == ["/archive/2", "/redo"]
    assert names(needed_logs([log(1), log(2), log(3, current=True)], 18)) == ["/archive/1", "/archive/2", "/redo"]


def test_a_log_that_was_archived_between_two_looks_is_taken_once() -> None:
    logs = [log(1), log(2, current=True), log(2), log(3, current=True)]
    assert names(needed_logs(logs, 15)) == ["/archive/1", "/archive/2", "/redo"]


@pytest.mark.parametrize(
    "logs",
    [
        [],
        [log(1), log(3, current=True)],
        [log(1), log(2)],
        [log(1), log(2), log(4), log(5, current=True)],
        [log(1), LogFile("/other", 21, 30, 2, 1, False), log(3, current=True)],
    ],
)
def test_a_gap_is_waited_for(logs: list[LogFile]) -> None:
    """A log that is written no more and not archived yet stands in no list."""
    with pytest.raises(NotArchived):
        needed_logs(logs, 15)


def test_logs_that_are_gone_are_told() -> None:
    with pytest.raises(Unsupported, match="the redo behind SCN 15 is gone"):
        needed_logs([log(2), log(3, current=True)], 15)


def miner(server: FakeOracle, after: int) -> Miner:
    return Miner(lambda: server, Place(Endpoint("ora", 1521, "repl", "secret"), "ORCL"), after)


def test_windows_are_read_until_the_present_with_the_logs_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mining, "WINDOW_SCNS", 7)
    monkeypatch.setattr(mining, "ROWS_FEW", 0)
    server = FakeOracle()
    table = server.create("A", "T", [Column("ID", "NUMBER")], ["ID"])
    for key in range(40):
        with server.transaction() as one:
            one.insert(table, {"ID": key})
    reader = miner(server, 1000)
    scns: list[int] = []
    while (window := reader.next_window()) is not None:
        scns += [row.scn for row in window.rows]
        if window.is_last:
            break
    assert scns == [row.scn for row in server.shown]
    assert server.ran.count(statements.END_LOGMNR) == 3, "a log switch makes another LogMiner session"
    assert server.ran.count(statements.FLUSH) == server.ran.count(statements.START_LOGMNR) > 15


def test_a_window_grows_where_nothing_happens() -> None:
    """SCNs may jump by any number."""
    server = FakeOracle(scns_per_log=10**12)
    reader = miner(server, 1000)
    sizes = []
    for _ in range(3):
        server.tick(10**7)
        window = reader.next_window()
        assert window is not None
        before = reader.after
        assert not list(window.rows)
        sizes.append(window.to - before)
    assert sizes == [20_000, 80_000, 320_000]


def test_the_end_of_a_window_is_read_before_the_commit_that_has_the_log_written() -> None:
    server = FakeOracle()
    server.tick(5)
    reader = miner(server, 1000)
    server.ran.clear()
    window = reader.next_window()
    assert window is not None
    list(window.rows)
    order = [sql for sql in server.ran if sql in (statements.CLOCK, statements.FLUSH, statements.START_LOGMNR)]
    assert order == [statements.CLOCK, statements.FLUSH, statements.START_LOGMNR]


def test_logs_of_two_threads_are_refused() -> None:
    """Their sequences are numbered apart: one of two logs with the same number would be left out."""
    other = LogFile("/thread2", 10, 40, 2, 2, False)
    with pytest.raises(Unsupported, match="2 redo threads"):
        needed_logs([log(1), log(2), other, log(3, current=True)], 15)


def test_a_window_does_not_grow_where_the_present_ended_it() -> None:
    """Else the first window behind a pause of the job would be all that was written meanwhile, in memory."""
    server = FakeOracle(scns_per_log=10**12)
    reader = miner(server, 1000)
    for _ in range(20):
        server.tick(3)
        window = reader.next_window()
        assert window is not None
        list(window.rows)
    server.tick(10**9)
    before, window = reader.after, reader.next_window()
    assert window is not None
    assert window.to - before == mining.WINDOW_SCNS
