"""Traps of LogMiner and of databases that change under a job: each is handled, or stops the job with words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile

import pytest

from tests.drivers.oracle.fake_oracle import Column, FakeOracle, Shown
from tests.drivers.oracle.fake_sessions import FakeCursor
from tests.drivers.oracle.test_checks import GOOD, PLAN, failed
from tests.drivers.oracle.test_losses import copied
from tests.drivers.oracle.test_source import COLUMNS, ORDERS, SCOPE, notes, records, row, source_of
from udup.base.errors import Unavailable, Unsupported
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.oracle import carrying, statements
from udup.drivers.oracle import log as log_module
from udup.drivers.oracle.logminer import kept
from udup.drivers.oracle.logminer.assembly import Assembly
from udup.drivers.oracle.logminer.kept import CHANGE_BYTES
from udup.drivers.oracle.logminer.rows import Code, LogRow, whole_rows
from udup.drivers.oracle.position import source_uuid
from udup.drivers.oracle.source import OracleSource
from udup.pipeline.ports import InPart, LogPlan, Scope, StartPoint
from udup.pipeline.records import Definition, Part, Record, Transaction
from udup.pipeline.selection.sqlfilter import FilterWord, SqlFilter

OTHER = ("SHOP", "OTHER")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeOracle:
    monkeypatch.setattr(log_module, "LAST_SECONDS", 0.0)
    server = FakeOracle()
    server.create(*ORDERS, COLUMNS, ["ID"])
    return server


def following(source: OracleSource, position: str, scope: Scope = SCOPE, *, tells: bool = False) -> Iterator[Record]:
    """A run that has begun; it is to be read from time to time."""
    log = source.open_log(LogPlan("job", scope, position, tells=tells))
    log.begin()
    return iter(log)  # type: ignore[arg-type]


def due(stream: Iterator[Record]) -> list[Record]:
    return list(takewhile(lambda record: record is not None, stream))


def read_on(stream: Iterator[Record]) -> None:
    """Until an error comes: None may stand in front of it."""
    due(stream)
    due(stream)


def rename(server: FakeOracle, old: tuple[str, str], new: tuple[str, str]) -> None:
    """What LogMiner shows of the table, it shows under the new name from now on, also of before."""

    def change() -> None:
        server.tables[new], server.present[new] = server.tables.pop(old), server.present.pop(old)
        number = server.tables[new].number
        server.shown[:] = [
            replace(each, table=new[1], sql=each.sql.replace(f'"{old[1]}"', f'"{new[1]}"'))
            if each.data_obj == number
            else each
            for each in server.shown
        ]

    server.define(old, f"alter table shop.{old[1]} rename to {new[1]}", change)


# ---- Names in the log's order ----


def test_rows_of_before_a_rename_go_to_the_table_that_they_were_made_in(server: FakeOracle) -> None:
    """Two tables change names. LogMiner knows the present ones alone: the rows of one were carried into the other."""
    server.create(*OTHER, COLUMNS, ["ID"])
    source = source_of(server)
    stream = following(source, copied(source))
    due(stream)
    with server.transaction() as one:
        one.insert(ORDERS, row(1, "of orders"))
        one.insert(OTHER, row(2, "of other"))
    rename(server, ORDERS, ("SHOP", "BETWEEN"))
    rename(server, OTHER, ORDERS)
    rename(server, ("SHOP", "BETWEEN"), OTHER)
    with server.transaction() as one:
        one.insert(ORDERS, row(3, "behind"))
    found = due(stream)
    tables = [map_name(each.new_maps) for each in found if getattr(each, "events", b"")]
    assert notes(found) == ["i b'of orders'", "i b'of other'", "i b'behind'"]
    assert tables == [["ORDERS", "OTHER"], ["ORDERS"]]
    renames = [parse_query(each.query, has_crc=False).sql for each in found if isinstance(each, Definition)]
    assert renames[1] == b"RENAME TABLE `SHOP`.`OTHER` TO `SHOP`.`ORDERS`"


def map_name(maps: list[bytes]) -> list[str]:
    """The tables' names in TABLE_MAPs: behind the schema's, each with its length in front."""
    names = []
    for each in maps:
        at = 19 + 8 + 1 + each[27] + 1
        names.append(each[at + 1 : at + 1 + each[at]].decode())
    return names


@pytest.mark.parametrize(
    "sql", ["alter table shop.orders rename to newer", "alter table orders rename column note to n"]
)
def test_a_rename_that_was_made_before_the_run_began_stops_it(server: FakeOracle, sql: str) -> None:
    """Under which names its rows of before were shown to a run that was behind, nobody knows."""
    source = source_of(server)
    position = copied(source)
    server.define(ORDERS, sql)
    with pytest.raises(Unsupported, match=r"ORDERS was renamed.* before this run began.*udup job skip"):
        read_on(following(source, position))


@pytest.mark.parametrize("how", ["told", "filtered"])
def test_a_drop_of_before_stops_where_rows_of_dropped_tables_are_to_be_kept(server: FakeOracle, how: str) -> None:
    """Their changes show a number that nobody knows any more, so they were passed over."""
    source = source_of(server)
    position = copied(source)
    one = server.begin()
    lost = Shown(server.scn, Code.INSERT, one.xid, "insert", owner="UNKNOWN", table="OBJ# 77", row_id="R", data_obj=77)
    server.show(lost)
    one.commit()
    server.define(ORDERS, "drop table shop.orders")
    filtered = Scope(SCOPE.selection, SqlFilter(frozenset({FilterWord.NO_DROP_TABLE})))
    with pytest.raises(Unsupported, match=r"was dropped before this run began.*passed over"):
        read_on(following(source, position, filtered if how == "filtered" else SCOPE, tells=how == "told"))
    assert any(isinstance(each, Definition) for each in records(source, position))


@pytest.mark.parametrize(
    "sql", ["drop user shop cascade", 'DROP USER "SHOP" CASCADE', "drop tablespace users including contents"]
)
def test_what_drops_tables_without_naming_them_stops_the_job(server: FakeOracle, sql: str) -> None:
    source = source_of(server)
    position = copied(source)
    server.define(("", ""), "drop user somebody cascade")
    assert not notes(list(records(source, position)))
    server.define(("", ""), sql)
    with pytest.raises(Unsupported, match=r"is not understood at '(?i:drop)"):
        read_on(following(source, position))


# ---- What LogMiner shows ----


def test_operations_that_nobody_knows_are_asked_for(server: FakeOracle) -> None:
    """A list of those that are known would leave others out in silence."""
    sql, _ = statements.contents(("SHOP",), of_container=False)
    assert "OPERATION_CODE NOT IN (0, 5, 6, 7, 25, 34, 36) AND SEG_OWNER IN (:owner0, :owner1)" in sql
    source = source_of(server)
    position = copied(source)
    one = server.begin()
    server.show(Shown(server.scn, 99, one.xid, owner="SHOP", table="ORDERS", row_id="R", data_obj=1))
    one.commit()
    with pytest.raises(Unsupported, match="that LogMiner calls 99"):
        read_on(following(source, position))


def test_a_definition_without_a_reason_is_asked_for() -> None:
    """NULL is not unlike anything: NOT LIKE alone leaves it out."""
    assert "INFO IS NULL OR INFO NOT LIKE 'INTERNAL DDL%'" in statements.contents((), of_container=True)[0]


def test_a_statement_that_is_not_valid_is_no_change(server: FakeOracle) -> None:
    """STATUS is 2 where the dictionary did not fit; any other is as little a statement that can be run."""
    assembly = Assembly(lambda owner, table: True)
    of = {"owner": "A", "table": "T", "row_id": "R", "data_obj": 7}
    bad = LogRow(1, "sql", Code.INSERT, "0001000200000003", status=5, info="XML", **of)  # type: ignore[arg-type]
    assembly.feed([bad, LogRow(2, "", Code.COMMIT, "0001000200000003")])
    [found] = assembly.take()
    assert "STATUS 5: XML" in found.problems[0][1]


def test_a_statement_of_very_many_rows_is_joined_in_one_go() -> None:
    """Each joined to what came before it, a long one took time by the square of its rows."""
    part = LogRow(1, "x" * 4000, Code.INSERT, "0001000200000003", csf=True)
    rows = [part] * 2000 + [replace(part, csf=False)]
    [whole] = whole_rows(rows)
    assert len(whole.sql) == 4000 * 2001


def test_many_small_changes_count_with_what_they_take() -> None:
    """Their SQL is the least of it; and what was committed waits for its window's end."""
    assembly = Assembly(lambda owner, table: True, open_bytes=100 * CHANGE_BYTES)
    of = {"owner": "A", "table": "T", "data_obj": 7}
    with pytest.raises(Unsupported, match="were committed within one window"):
        for number in range(101):
            xid = f"{number:016x}"
            change = LogRow(number, "", Code.INSERT, xid, row_id=f"R{number}", **of)  # type: ignore[arg-type]
            assembly.feed([change, LogRow(number, "", Code.COMMIT, xid)])
    assembly.take()
    assembly.feed([LogRow(500, "", Code.INSERT, "00000000000000ff", row_id="R", **of)])  # type: ignore[arg-type]


def test_a_large_transaction_waits_in_a_file_and_is_carried_in_parts(
    server: FakeOracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In memory it was all of its redo, twice; many of them ended the process."""
    monkeypatch.setattr(kept, "PART_BYTES", 20 * CHANGE_BYTES)
    monkeypatch.setattr(carrying, "PIECE_BYTES", 1000)
    source = source_of(server)
    position = copied(source)
    one = server.begin()
    ids = [one.insert(ORDERS, row(key, f"note {key}")) for key in range(300)]
    one.update(ORDERS, ids[0], NOTE="again")
    one.undo(1)
    one.undo(100)  # of which most are in the file
    one.insert(ORDERS, row(999, "last"))
    one.commit()
    with server.transaction() as other:
        other.insert(ORDERS, row(1000, "behind"))
    found = list(records(source, position))
    parts = [each for each in found if isinstance(each, Part)]
    assert len(parts) > 5 and [each.last for each in parts] == [False] * (len(parts) - 1) + [True]
    whole = Transaction(parts[0].id, b"".join(each.events for each in parts))
    assert notes([whole]) == [f"i {f'note {key}'.encode()}" for key in range(200)] + ["i b'last'"]
    behind = next(each for each in found if isinstance(each, Transaction) and each.events)
    assert behind.id.order.last_committed >= parts[0].id.order.sequence


def test_nothing_of_a_large_transaction_is_sent_that_cannot_be_carried(
    server: FakeOracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PART_BYTES", 5 * CHANGE_BYTES)
    source = source_of(server)
    position = copied(source)
    one = server.begin()
    for key in range(20):
        one.insert(ORDERS, row(key))
    server.show(Shown(server.scn, Code.DELETE, one.xid, "", 0, *ORDERS, "NOWHERE", rollback=1, data_obj=1))
    one.commit()
    stream = following(source, position)
    with pytest.raises(Unsupported, match=r"undoes a change of row NOWHERE.*which has not come"):
        assert not [each for each in due(stream) if isinstance(each, Part)]
        read_on(stream)


def test_a_full_disk_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "PART_BYTES", CHANGE_BYTES)
    monkeypatch.setattr(kept.tempfile, "TemporaryFile", full)
    changes = kept.Kept()
    with pytest.raises(Unavailable, match=r"No space left.*goes on when there is room"):
        changes.append(LogRow(1, "sql", Code.INSERT, "0" * 16))


def test_files_of_transactions_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PART_BYTES", 5 * CHANGE_BYTES)
    assembly = Assembly(lambda owner, table: True, file_bytes=2000)
    of = {"owner": "A", "table": "T", "data_obj": 7}
    rows = [LogRow(at, "x" * 100, Code.INSERT, "0" * 16, row_id=f"R{at}", **of) for at in range(99)]  # type: ignore[arg-type]
    with pytest.raises(Unsupported, match="GiB of files"):
        assembly.feed(rows)
    assembly.feed([LogRow(99, "", Code.ROLLBACK, "0" * 16)])


# ---- What a database is, and becomes ----


def test_years_are_of_the_calendar_that_is_set() -> None:
    assert statements.SESSION[0] == "ALTER SESSION SET NLS_CALENDAR = 'GREGORIAN'"


def test_a_switchover_makes_a_standby_of_the_source(server: FakeOracle) -> None:
    source = source_of(server)
    position = copied(source)
    server.role, server.open_mode = "PHYSICAL STANDBY", "READ ONLY WITH APPLY"
    with pytest.raises(Unavailable, match="name the primary"):
        list(records(source, position))
    server.role, server.open_mode = "PRIMARY", "READ WRITE"
    assert not notes(list(records(source, position)))


def test_a_container_that_was_set_back_is_no_source_of_the_job(server: FakeOracle) -> None:
    """Point-in-time recovery of a container leaves DBID and RESETLOGS of the database as they are."""
    server.pdb = "PDB1"
    source = source_of(server)
    position = copied(source)
    server.incarnation = 2000
    with pytest.raises(Unsupported, match="another database"):
        list(records(source, position))


def test_a_source_that_was_set_back_behind_what_was_told_in_part_is_told(server: FakeOracle) -> None:
    """Another transaction would come under its SCN, and the rest of its rows be taken for those that are missing."""
    source = source_of(server)
    position = copied(source)
    plan = LogPlan("job", SCOPE, position, in_part=InPart(f"{source_uuid(4711, 1)}:{server.scn + 500}"))
    with pytest.raises(Unsupported, match="was set back"):
        source.open_log(plan).begin()


@pytest.mark.parametrize(
    ("facts", "check"),
    [
        (replace(GOOD, role="PHYSICAL STANDBY", open_mode="READ ONLY"), "database_role"),
        (replace(GOOD, open_mode="READ ONLY"), "database_role"),
        (replace(GOOD, has_containers=True, service_container="PDB1"), "container"),
        (replace(GOOD, has_containers=True, service_container="CDB$ROOT"), "container"),
        (replace(GOOD, has_containers=True, container="PDB1", service_container="PDB1"), "container"),
    ],
)
def test_which_database_it_must_be(facts: object, check: str) -> None:
    assert failed(facts) == [check]  # type: ignore[arg-type]
    rooted = replace(GOOD, has_containers=True, container="PDB1", service_container="CDB$ROOT")
    assert not failed(rooted)
    assert not failed(replace(rooted, service_container="PDB1"), replace(PLAN, copy_alone=True))


def test_a_look_asks_where_the_service_leads(server: FakeOracle) -> None:
    server.pdb = "PDB1"
    info = source_of(server).look(SCOPE).info
    assert (info.has_containers, info.container, info.service_container) == (True, "PDB1", "CDB$ROOT")  # type: ignore[attr-defined]


def test_the_scn_of_a_start_now_is_in_the_log_before_it_is_used(server: FakeOracle) -> None:
    """As that of a copy: another transaction could have it behind a crash, and be left out."""
    source_of(server).find_start(StartPoint())
    asked = [sql for sql in server.ran if sql in (statements.CURRENT_SCN, statements.FLUSH)]
    assert asked[-2:] == [statements.CURRENT_SCN, statements.FLUSH]


def test_rows_with_lobs_are_fetched_by_a_few(server: FakeOracle, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is fetched at once is in memory: a thousand rows of 100 MB each are not."""
    server.create("SHOP", "FILES", [COLUMNS[0], Column("BODY", "CLOB")], ["ID"])
    copy = source_of(server).open_copy(SCOPE, readers=1, chunk_rows=2)
    fetched: list[int] = []
    monkeypatch.setattr(FakeCursor, "fetchmany", lambda self, size: fetched.append(size))
    copy.read(0, lambda piece: None)
    assert sorted(fetched) == [8, 1000]
