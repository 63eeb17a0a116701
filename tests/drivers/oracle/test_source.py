"""The whole source over a database in memory, which answers the documented statements and no others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile

import pytest

from tests.drivers.oracle.fake_oracle import Column, FakeOracle, Shown
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, Transient, Unavailable, Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.dictionary.details import CopyDetails
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.oracle import log as log_module
from udup.drivers.oracle import statements
from udup.drivers.oracle.logminer.rows import Code
from udup.drivers.oracle.position import Progress, source_uuid
from udup.drivers.oracle.source import SCN, OracleSource, look_from_wire, look_to_wire
from udup.pipeline.ports import LogPlan, Piece, Scope, StartPoint
from udup.pipeline.positions import AheadNote, AheadNotes
from udup.pipeline.records import CopyTotals, Definition, Record, Skipped, StartRows, Transaction
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import FilterWord, SqlFilter

ORDERS = ("SHOP", "ORDERS")
COLUMNS = (
    Column("ID", "NUMBER", precision=9, scale=0, nullable=False),
    Column("NOTE", "VARCHAR2", 800, 200),
    Column("TOTAL", "NUMBER", precision=10, scale=2),
    Column("MADE", "DATE", 7),
    Column("RAW_ONE", "RAW", 20),
)
MADE = datetime(2024, 2, 29, 13, 14, 15)
SCOPE = Scope(Selection.of([("SHOP", [])]))


def row(key: int, note: str | None = "a note") -> dict[str, object]:
    return {"ID": key, "NOTE": note, "TOTAL": "1.5", "MADE": MADE, "RAW_ONE": b"\0\xff"}


@pytest.fixture
def server() -> FakeOracle:
    server = FakeOracle()
    server.create(*ORDERS, COLUMNS, ["ID"])
    return server


def source_of(server: FakeOracle) -> OracleSource:
    settings = {"ServiceName": "ORCL", "Pdb": server.pdb}
    return OracleSource(Endpoint("ora", 1521, "repl", "secret"), settings, lambda: server)


def records(source: OracleSource, position: str, scope: Scope = SCOPE) -> Iterator[Record]:
    """Those up to the first moment at which nothing more is there."""
    log = source.open_log(LogPlan("job", scope, position))
    log.begin()
    try:
        yield from takewhile(lambda record: record is not None, log)  # type: ignore[misc]
    finally:
        log.close()


def notes(found: list[Record]) -> list[str]:
    """What the rows of transactions say, each with the letter of what was done."""
    codecs, said = RowCodecs(), []
    for record in found:
        if isinstance(record, Transaction) and record.events:
            events, table_map = record.events, b""
            while events:
                size = int.from_bytes(events[9:13], "little")
                event, events = events[:size], events[size:]
                if event[4] == 19:
                    table_map = event
                    continue
                for before, after in codecs.of(table_map, has_crc=False).read(event, has_crc=False).changes:
                    shown = [str(each[1]) for each in (before, after) if each is not None]
                    said.append({30: "i ", 31: "u ", 32: "d "}[event[4]] + " to ".join(shown))
    return said


def copied(source: OracleSource) -> tuple[list[bytes], CopyTotals, str, CopyDetails]:
    copy = source.open_copy(SCOPE, readers=1, chunk_rows=2)
    totals: list[CopyTotals] = []
    pieces: list[Piece] = []
    copy.start(StartRows("load"), totals.append)
    copy.read(0, pieces.append)
    [total] = totals
    assert sum(each.rows for each in pieces if each.last) == total.rows
    assert len([each for each in pieces if each.last]) == total.chunks
    return [each.data for each in pieces], total, copy.plan.position, CopyDetails.decode(copy.plan.details)


def test_a_copy_has_the_rows_of_one_moment_and_the_log_what_was_open_then(server: FakeOracle) -> None:
    with server.transaction() as one:
        one.insert(ORDERS, row(1, "it's"))
        one.insert(ORDERS, row(2, None))
        one.insert(ORDERS, row(3))
    waiting = server.begin()
    first = waiting.insert(ORDERS, row(4, "open"))
    source = source_of(server)
    text, total, position, details = copied(source)
    assert b"".join(text).splitlines() == [
        b"1,'it\\'s',1.50,'2024-02-29 13:14:15','\\0\xff'",
        b"2,NULL,1.50,'2024-02-29 13:14:15','\\0\xff'",
        b"3,'a note',1.50,'2024-02-29 13:14:15','\\0\xff'",
    ]
    assert (total.chunks, total.rows) == (2, 3)
    assert details.catalog.tables[0].create_sql.startswith("CREATE TABLE `ORDERS` (\n  `ID` int NOT NULL,")
    waiting.update(ORDERS, first, NOTE="中")
    waiting.commit()
    assert notes(list(records(source, position))) == ["i b'open'", "u b'open' to " + repr("中".encode())]


def test_a_job_of_everything_leaves_out_what_is_oracles_own_udups_own_or_temporary(server: FakeOracle) -> None:
    key = [Column("ID", "NUMBER")]
    others = [
        server.create(*name, key, ["ID"]) for name in (("SYS", "OBJ$"), ("SHOP", "MLOG$_ORDERS"), ("SHOP", "TMP"))
    ]
    others.append(server.create("REPL", statements.FLUSH_TABLE, key, ["ID"]))
    server.tables["SHOP", "TMP"].temporary = True
    everything = Scope(Selection())
    source = source_of(server)
    assert [name[1] for name in source.tables(everything, None).tables] == ["ORDERS"]
    begins = source.find_start(StartPoint()).position
    with server.transaction() as one:
        for table in others:
            one.insert(table, {"ID": 1})
        one.insert(ORDERS, row(1))
    server.define(("SHOP", "TMP"), "truncate table shop.tmp")
    server.define(("SHOP", "NEWER"), "create global temporary table shop.newer (id number)")
    server.define(("SHOP", "NEWER"), "truncate table shop.newer")
    server.define(("SHOP", "V"), "create or replace view v as select 1 from dual")
    found = list(records(source, begins, everything))
    assert notes(found) == ["i b'a note'"]
    assert not [each for each in found if isinstance(each, Definition)]


def test_the_log_of_a_container_is_mined_in_the_root(server: FakeOracle) -> None:
    server.pdb = "PDB1"
    source = source_of(server)
    *_, position, _ = copied(source)
    with server.transaction() as one:
        one.insert(ORDERS, row(1))
    assert notes(list(records(source, position))) == ["i b'a note'"]


def test_the_position_goes_on_where_it_was(server: FakeOracle) -> None:
    source = source_of(server)
    *_, position, _ = copied(source)
    executed = GtidSet.parse(position)
    for key in range(3):
        with server.transaction() as one:
            one.insert(ORDERS, row(key, f"note {key}"))
        found = list(records(source, str(executed)))
        assert notes(found) == [f"i b'note {key}'"]
        for record in found:
            if isinstance(record, Skipped):
                executed.update(GtidSet.parse(record.gtids))
            elif isinstance(record, Transaction):
                executed.add(record.id.source, record.id.number)
    assert Progress(source_uuid(4711, 1), executed).resume > 1000
    assert executed <= source.executed()
    assert server.ran.count(statements.ADD_LOGFILE) >= 3


def test_kinds_of_changes_are_left_out_as_the_job_says(server: FakeOracle) -> None:
    source = source_of(server)
    *_, position, _ = copied(source)
    with server.transaction() as one:
        row_id = one.insert(ORDERS, row(1))
        one.delete(ORDERS, row_id)
    scope = Scope(SCOPE.selection, SqlFilter(frozenset({FilterWord.NO_DELETE})))
    assert notes(list(records(source, position, scope))) == ["i b'a note'"]


def test_a_definition_comes_in_its_place_and_rows_behind_it_by_the_new_dictionary(server: FakeOracle) -> None:
    source = source_of(server)
    *_, position, _ = copied(source)
    log = source.open_log(LogPlan("job", SCOPE, position))
    log.begin()
    stream = iter(log)
    with server.transaction() as one:
        row_id = one.insert(ORDERS, row(1))
    before = list(takewhile(lambda record: record is not None, stream))
    assert notes(before) == ["i b'a note'"]  # type: ignore[arg-type]

    def add() -> None:
        server.tables[ORDERS].columns.append(Column("EXTRA", "NUMBER", precision=4, scale=0))
        server.present[ORDERS][row_id]["EXTRA"] = None

    server.define(ORDERS, "alter table shop.orders add (extra number(4));", add)
    with server.transaction() as one:
        one.update(ORDERS, row_id, EXTRA=7)
    behind = list(takewhile(lambda record: record is not None, stream))
    log.close()
    [definition] = [each for each in behind if isinstance(each, Definition)]
    assert parse_query(definition.query, has_crc=False).sql == (
        b"ALTER TABLE `SHOP`.`ORDERS` ADD COLUMN `EXTRA` smallint DEFAULT NULL"
    )
    assert notes(behind) == ["u b'a note' to b'a note'"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (Shown(0, Code.DDL, "", "alter table orders modify (note varchar2(9))", info="USER DDL"), "MODIFY"),
        (Shown(0, Code.UPDATE, "", 'update "SHOP"."ORDERS" set "NOTE" = \'it\'s\' where "ID" = \'1\''), "expected"),
        (Shown(0, Code.UPDATE, "", 'update "SHOP"."ORDERS" set "NOTE" = \'x\' where "ID" = \'1\''), "SUPPLEMENTAL"),
        (Shown(0, Code.DELETE, "", 'insert into "SHOP"."ORDERS"("ID") values (\'1\')'), "by its row"),
        (Shown(0, Code.INSERT, "", "", status=2, info="Dictionary Mismatch"), "Dictionary Mismatch"),
        (Shown(0, Code.LOB_WRITE, "", "buf := 'x'"), "LOB"),
    ],
)
def test_what_is_not_understood_stops_with_its_text(
    server: FakeOracle, shown: Shown, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before it is sent first: None says so, and there is time for it."""
    monkeypatch.setattr(log_module, "LAST_SECONDS", 0.0)
    source = source_of(server)
    *_, position, _ = copied(source)
    with server.transaction() as before:
        before.insert(ORDERS, row(1, "before"))
    one = server.begin()
    of = {"scn": server.scn, "xid": one.xid, "owner": "SHOP", "table": "ORDERS", "row_id": "R", "data_obj": 1}
    server.show(Shown(**{**shown.__dict__, **of}))
    one.commit()
    log = source.open_log(LogPlan("job", SCOPE, position))
    log.begin()
    found: list[Record | None] = []
    with pytest.raises(Unsupported, match=why) as raised:
        found.extend(log)
    assert notes([each for each in found if each is not None]) == ["i b'before'"]
    assert found[-1] is None
    committed = max(each.scn for each in server.shown if each.code == Code.COMMIT)
    assert raised.value.gtid == f"{source_uuid(4711, 1)}:{committed}"


def test_redo_that_is_gone_stops_the_job(server: FakeOracle) -> None:
    source = source_of(server)
    *_, position, _ = copied(source)
    server.tick(400)
    server.oldest_log = 30
    with pytest.raises(Unsupported, match="the oldest log that the source lists is number 30"):
        list(records(source, position))
    with pytest.raises(Refused, match="is gone"):
        source.open_clock().check_kept(position)


def test_another_incarnation_is_no_source_of_the_job(server: FakeOracle) -> None:
    source = source_of(server)
    *_, position, _ = copied(source)
    server.resetlogs = 5000
    with pytest.raises(Unsupported, match="RESETLOGS"):
        list(records(source, position))


def test_a_start_at_an_scn_stops_at_a_transaction_that_was_open_there(
    server: FakeOracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "LAST_SECONDS", 0.0)
    source = source_of(server)
    waiting = server.begin()
    row_id = waiting.insert(ORDERS, row(1))
    begins = source.find_start(StartPoint(file=SCN, offset=server.scn)).position
    with server.transaction() as one:
        one.insert(ORDERS, row(2, "whole"))
    assert notes(list(records(source, begins))) == ["i b'whole'"]
    waiting.update(ORDERS, row_id, NOTE="half")
    waiting.commit()
    log = source.open_log(LogPlan("job", SCOPE, begins))
    log.begin()
    with pytest.raises(Unsupported, match="it was open at SCN"):
        list(log)


def test_a_start_now_knows_what_was_open(server: FakeOracle) -> None:
    source = source_of(server)
    waiting = server.begin()
    waiting.insert(ORDERS, row(1))
    begins = source.find_start(StartPoint()).position
    waiting.commit()
    assert notes(list(records(source, begins))) == ["i b'a note'"]


@pytest.mark.parametrize(
    "point", [StartPoint(gtid="x:1"), StartPoint(file="b.1"), StartPoint(file=SCN, offset=1 << 40)]
)
def test_other_starts_are_refused(server: FakeOracle, point: StartPoint) -> None:
    with pytest.raises(Refused):
        source_of(server).find_start(point)


def test_a_look_tells_what_cannot_be_carried_and_travels(server: FakeOracle) -> None:
    server.create("SHOP", "FILES", [Column("ID", "NUMBER"), Column("BODY", "BFILE")], ["ID"])
    server.create("SHOP", "TEXTS", [Column("ID", "NUMBER"), Column("BODY", "CLOB")], ["ID"])
    server.tables[ORDERS].log_group = "USER LOG GROUP"
    look = source_of(server).look(SCOPE)
    assert [str(fault).split(" -- ")[0] for fault in look.faults] == [
        "Src ora:1521/ORCL: table SHOP.FILES: column BODY is BFILE, which is not carried"
    ]
    assert look.info.unlogged == ("SHOP.ORDERS",)  # type: ignore[attr-defined]
    assert look.info.lobs == ("SHOP.TEXTS",)  # type: ignore[attr-defined]
    assert look_from_wire(look_to_wire(look)) == look


def test_errors_are_udups_own(server: FakeOracle) -> None:
    source = source_of(server)
    for text, kind in (
        ("ORA-12541: TNS:no listener", Unavailable),
        ("ORA-00942: table or view does not exist", Refused),
        ("ORA-01555: snapshot too old", Transient),
        ("ORA-00600: internal error", Transient),
    ):
        server.denied = {"V$DATABASE": text}
        with pytest.raises(kind, match=text[:9]):
            source.executed()
    server.denied = {}
    wrong = OracleSource(Endpoint("ora", 1521, "repl", "guess"), {}, lambda: server)
    with pytest.raises(Refused, match="ORA-01017"):
        wrong.look(SCOPE)


def test_a_session_that_ends_is_waited_for(server: FakeOracle) -> None:
    source = source_of(server)
    *_, position, _ = copied(source)
    log = source.open_log(LogPlan("job", SCOPE, position))
    log.begin()
    stream = iter(log)
    next(stream)
    server.end_all_sessions()
    with pytest.raises(Unavailable, match="DPY-4011"):
        list(takewhile(lambda record: record is not None, stream))


def test_what_a_table_has_already_is_left_out_rows_and_definitions(server: FakeOracle) -> None:
    items = server.create("SHOP", "ITEMS", COLUMNS, ["ID"])
    source = source_of(server)
    begins = source.find_start(StartPoint()).position
    with server.transaction() as one:
        one.insert(ORDERS, row(1, "order"))
        one.insert(items, row(1, "item"))
    server.define(items, "truncate table shop.items")
    later = source.find_start(StartPoint()).position
    with server.transaction() as one:
        one.insert(items, row(2, "new item"))
    ahead = AheadNotes([AheadNote(Selection.of([("SHOP", ["ITEMS"])]), GtidSet.parse(later))]).to_json()
    log = source.open_log(LogPlan("job", SCOPE, begins, ahead=ahead))
    log.begin()
    found = [each for each in takewhile(lambda record: record is not None, log) if each is not None]
    log.close()
    assert notes(found) == ["i b'order'", "i b'new item'"]
    assert not [each for each in found if isinstance(each, Definition)]
