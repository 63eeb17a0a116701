"""What an Oracle source could lose without anybody seeing it: it is not lost, or it stops the job."""

from __future__ import annotations

from itertools import takewhile

import pytest

from tests.drivers.oracle.fake_oracle import FakeOracle
from tests.drivers.oracle.test_source import COLUMNS, ORDERS, SCOPE, notes, records, row, source_of
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.oracle import log as log_module
from udup.drivers.oracle import statements
from udup.drivers.oracle.source import SCN, OracleSource
from udup.pipeline.ports import LogPlan, Scope, StartPoint
from udup.pipeline.records import Skipped, Transaction
from udup.pipeline.selection.selection import Selection


@pytest.fixture
def server() -> FakeOracle:
    server = FakeOracle()
    server.create(*ORDERS, COLUMNS, ["ID"])
    return server


def copied(source: OracleSource, scope: Scope = SCOPE) -> str:
    """Return the position of a copy; its rows are not read."""
    return source.open_copy(scope, readers=1, chunk_rows=2).plan.position


def test_what_is_open_in_a_container_is_asked_for_in_it(server: FakeOracle) -> None:
    """In the root V$TRANSACTION does not show it to an ordinary account: its changes of before would be lost."""
    server.pdb = "PDB1"
    source = source_of(server)
    waiting = server.begin()
    waiting.insert(ORDERS, row(1, "open"))
    server.tick(5)
    position = copied(source)
    begins = source.find_start(StartPoint()).position
    waiting.commit()
    assert notes(list(records(source, position))) == ["i b'open'"]
    assert notes(list(records(source, begins))) == ["i b'open'"]


def test_a_source_that_was_set_back_is_told(server: FakeOracle) -> None:
    """Its disks were copied back, without RESETLOGS: it would be waited for, and what it commits meanwhile left out."""
    source = source_of(server)
    position = copied(source)
    server.scn -= 50
    with pytest.raises(Unsupported, match="was set back"):
        list(records(source, position))


def test_a_flush_table_without_its_row_gets_it(server: FakeOracle) -> None:
    """Whoever made the table may have died before: a commit that changes nothing has no log written."""
    server.has_flush_table = True
    source = source_of(server)
    copied(source)
    assert server.flush_rows == 1


def test_the_scn_of_a_copy_is_in_the_log_before_it_is_used(server: FakeOracle) -> None:
    """An SCN that only the memory of a server has come to may come again behind a crash, and be left out."""
    copied(source_of(server))
    asked = [sql for sql in server.ran if sql in (statements.CURRENT_SCN, statements.FLUSH)]
    assert asked[-2:] == [statements.CURRENT_SCN, statements.FLUSH]


def test_a_start_at_an_scn_stops_at_what_changed_nothing_since(
    server: FakeOracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "LAST_SECONDS", 0.0)
    source = source_of(server)
    waiting = server.begin()
    waiting.insert(ORDERS, row(1))
    begins = source.find_start(StartPoint(file=SCN, offset=server.scn)).position
    with server.transaction() as one:
        one.insert(ORDERS, row(2, "whole"))
    found = list(records(source, begins))
    assert notes(found) == ["i b'whole'"]
    again = GtidSet.parse(begins)
    for record in found:
        if isinstance(record, Transaction):
            again.add(record.id.source, record.id.number)
        elif isinstance(record, Skipped):
            again.update(GtidSet.parse(record.gtids))
    waiting.commit()
    log = source.open_log(LogPlan("job", SCOPE, str(again)))
    log.begin()
    with pytest.raises(Unsupported, match="it was open at SCN"):
        list(log)


def test_a_start_at_an_scn_lets_go_of_it_when_all_that_was_open_has_ended(server: FakeOracle) -> None:
    source = source_of(server)
    begins = source.find_start(StartPoint(file=SCN, offset=server.scn)).position
    with server.transaction() as one:
        one.insert(ORDERS, row(2, "whole"))
    log = source.open_log(LogPlan("job", SCOPE, begins))
    log.begin()
    stream = iter(log)
    found = list(takewhile(lambda record: record is not None, stream))
    server.tick(5)
    found += list(takewhile(lambda record: record is not None, stream))
    log.close()
    assert any(isinstance(each, Transaction) and each.id.source.endswith(":resume") for each in found)


def test_oracles_own_tables_are_no_tables_of_the_job(server: FakeOracle) -> None:
    """A job of all schemas, or of one that has logs of materialized views, comes past them all the time."""
    source = source_of(server)
    everything = Scope(Selection())
    position = copied(source, everything)
    tables = [
        server.create(*each, COLUMNS, ["ID"])
        for each in (("SYSTEM", "AUD$"), ("REPL", "UDUP_LOG_FLUSH"), ("SHOP", "MLOG$_ORDERS"))
    ]
    with server.transaction() as one:
        for table in tables:
            one.insert(table, row(1))
        one.insert(ORDERS, row(2, "ours"))
    for table in tables:
        del server.tables[table]
    assert notes(list(records(source, position, everything))) == ["i b'ours'"]


def test_who_takes_a_key_depends_on_who_gives_it_up(server: FakeOracle) -> None:
    """An INSERT is in the redo before it waits for the key, which the other transaction has not given up for good."""
    source = source_of(server)
    with server.transaction() as one:
        row_id = one.insert(ORDERS, row(1, "old"))
        one.insert(ORDERS, row(7, "other"))
    position = copied(source)
    giving, taking, other = server.begin(), server.begin(), server.begin()
    giving.delete(ORDERS, row_id)
    taking.insert(ORDERS, row(1, "new"))
    other.insert(ORDERS, row(8))
    giving.commit()
    taking.commit()
    other.commit()
    found = [each for each in records(source, position) if isinstance(each, Transaction) and each.events]
    first, second, third = (each.id.order for each in found)
    assert second.last_committed == first.sequence
    assert third.last_committed < first.sequence
