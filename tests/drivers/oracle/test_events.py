"""Changes read from redo become events that say exactly the same."""

from __future__ import annotations

from decimal import Decimal

import pytest

from udup.drivers.mysql.binlog.event import EventType, has_checksums
from udup.drivers.mysql.binlog.layout import check_layout
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.binlog.split import headers
from udup.drivers.mysql.binlog.table_definition import primary_key
from udup.drivers.mysql.binlog.table_map import table_name
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.rows.temporal import DateTime
from udup.drivers.oracle.events import EventTable, events_of, format_description, query_event
from udup.drivers.oracle.literals import NoFit
from udup.drivers.oracle.logminer.redo import parse_redo
from udup.drivers.oracle.tables import MappedTable, OracleTable, RowProblem
from udup.drivers.oracle.types import OracleColumn

ORDERS = OracleTable(
    "SHOP",
    "ORDERS",
    (
        OracleColumn("ID", "NUMBER", 22, 0, 9, 0, nullable=False),
        OracleColumn("NOTE", "VARCHAR2", 80, 20),
        OracleColumn("SYS_NC00003$", "VARCHAR2", 80, 20, virtual=True, hidden=True),
        OracleColumn("TOTAL", "NUMBER", 22, 0, 10, 2),
        OracleColumn("MADE", "DATE", 7),
        OracleColumn("RAW_ONE", "RAW", 300),
    ),
    (("P", ("ID",)), ("U", ("NOTE", "TOTAL"))),
)

INSERT = (
    """insert into "SHOP"."ORDERS"("ID","NOTE","TOTAL","MADE","RAW_ONE") values ('7','it''s','-12.5',"""
    """TO_DATE('2024-02-29 13:14:15', 'YYYY-MM-DD HH24:MI:SS'),HEXTORAW('00ff'));"""
)
UPDATE = (
    """update "SHOP"."ORDERS" set "NOTE" = NULL, "TOTAL" = '1' where "ID" = '7' and "NOTE" = 'it''s' and"""
    """ "TOTAL" = '-12.5' and "MADE" = TO_DATE('2024-02-29 13:14:15', 'YYYY-MM-DD HH24:MI:SS') and"""
    """ "RAW_ONE" = HEXTORAW('00ff')"""
)
ROW = (7, b"it's", Decimal("-12.50"), DateTime.of(2024, 2, 29, 13, 14, 15), b"\0\xff")
AFTER = (7, None, Decimal("1.00"), *ROW[3:])


def read(events: bytes) -> list[tuple[EventType, list[object]]]:
    """The rows of events, read by the house's own codec."""
    codecs, found, table_map = RowCodecs(), [], b""
    for kind, start, end in headers(events, 0):
        event = events[start:end]
        if kind == EventType.TABLE_MAP:
            table_map = event
        else:
            rows = codecs.of(table_map, has_crc=False).read(event, has_crc=False)
            found.append((rows.kind, list(rows.changes)))
    return found


def test_events_say_what_the_redo_says() -> None:
    table = EventTable.of(MappedTable(ORDERS), ("shop2", "orders"), 5)
    changes = [(table, change.verb, table.mapped.images(change)) for change in map(parse_redo, (INSERT, UPDATE))]
    assert read(b"".join(events_of(changes))) == [
        (EventType.WRITE_ROWS, [(None, ROW)]),
        (EventType.UPDATE_ROWS, [(ROW, AFTER)]),
    ]
    assert str(table_name(table.table_map)) == "shop2.orders"
    assert primary_key(table.table_map, has_crc=False) == (0,)


def test_neighbours_of_a_kind_share_an_event() -> None:
    table = EventTable.of(MappedTable(ORDERS), ("SHOP", "ORDERS"), 5)
    change = parse_redo(INSERT)
    found = read(b"".join(events_of([(table, change.verb, table.mapped.images(change))] * 250)))
    assert [len(changes) for _, changes in found] == [200, 50]


@pytest.mark.parametrize(
    "sql",
    [
        """insert into "SHOP"."ORDERS"("ID","NOTE") values ('7','x');""",
        """insert into "SHOP"."ORDERS"("ID","NOTE","TOTAL","MADE","RAW_ONE","X") values ('7','','','','','1');""",
        """insert into "SHOP"."ORDERS"("ID","NOTE","TOTAL","MADE","RAW_ONE") values (NULL,NULL,NULL,NULL,NULL);""",
        """insert into "SHOP"."ORDERS"("ID","NOTE","TOTAL","MADE","RAW_ONE") values ('7',NULL,'0.001',NULL,NULL);""",
        """update "SHOP"."ORDERS" set "NOTE" = 'y' where "ID" = '7'""",
        """delete from "SHOP"."ORDERS" where "ID" = '7'""",
    ],
)
def test_a_change_that_is_not_whole_or_does_not_fit_is_refused(sql: str) -> None:
    with pytest.raises(RowProblem):
        MappedTable(ORDERS).images(parse_redo(sql))


def test_a_definition_is_made_of_the_dictionary() -> None:
    text = MappedTable(ORDERS).create_sql("orders")
    assert text.splitlines()[0] == "CREATE TABLE `orders` ("
    assert "  `ID` int NOT NULL," in text
    assert "  `NOTE` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin DEFAULT NULL," in text
    assert "  PRIMARY KEY (`ID`),\n  UNIQUE KEY `udup_1` (`NOTE`,`TOTAL`)\n)" in text


def test_long_strings_become_text_but_for_those_in_keys() -> None:
    columns = [OracleColumn(name, "VARCHAR2", size, size) for name, size in (("K", 4000), ("A", 501), ("B", 500))]
    table = MappedTable(OracleTable("A", "T", tuple(columns), (("P", ("K",)),)))
    assert [each.data_type for each in table.mapped.values()] == ["varchar", "text", "varchar"]
    assert table.long_keys() == ["(K) with 16000 bytes"]


def test_a_row_that_mysql_has_no_room_for_is_refused() -> None:
    columns = tuple(OracleColumn(f"C{number}", "VARCHAR2", 500, 500) for number in range(40))
    with pytest.raises(NoFit, match="has rows of up to"):
        MappedTable(OracleTable("A", "T", columns))


def test_the_format_is_one_that_is_known() -> None:
    check_layout(format_description())
    assert not has_checksums(format_description())


def test_a_statement_travels_with_its_session() -> None:
    event = parse_query(query_event("SHOP", "DROP TABLE `T`", 1700000000), has_crc=False)
    assert (event.schema, event.sql, event.timestamp) == (b"SHOP", b"DROP TABLE `T`", 1700000000)
    variables = event.variables()
    assert variables.time_zone == b"+00:00"
    assert variables.charset is not None
    assert variables.charset.client == 45
