"""The row codec on one core: rows of a mixed table of 12 columns read into values, and written from them.

Beside it stands mysql-replication's own decoder, on the same events, which it gets one by one out of memory: neither
waits for a server.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

from pymysql.protocol import MysqlPacket
from pymysqlreplication import row_event
from pymysqlreplication.packet import BinLogPacketWrapper

from bench.results import OURS, Line, Result
from bench.servers import Bench, session
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.table_map import table_id
from udup.drivers.mysql.client.connection import query, scalar
from udup.drivers.mysql.rows.codec import RowCodec, RowCodecs
from udup.drivers.mysql.stream.stream import BinlogStream

PEER = "mysql-replication"

#: Rows that are inserted; a quarter is updated, a tenth deleted.
ROWS, QUICK_ROWS = 100_000, 20_000

#: Rows of a statement.
STATEMENT_ROWS = 500

_TABLE = """
CREATE TABLE mixed (id INT PRIMARY KEY, amount BIGINT UNSIGNED NOT NULL, name VARCHAR(100), made DATETIME(6) NOT NULL,
    changed TIMESTAMP NOT NULL, price DECIMAL(12,2) NOT NULL, attributes JSON,
    state ENUM('new', 'paid', 'sent', 'back') NOT NULL, day DATE NOT NULL, weight DOUBLE NOT NULL, note TEXT,
    parent INT)
"""

_INSERT = """
INSERT INTO mixed WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {last})
SELECT i, i * 1000003, CONCAT('customer number ', i), NOW(6) - INTERVAL i SECOND, NOW(), i / 7,
    JSON_OBJECT('colour', 'red', 'size', i, 'tags', JSON_ARRAY('a', i % 7), 'ratio', i / 3e0, 'ok', TRUE),
    1 + i % 4, CURDATE() - INTERVAL i % 9000 DAY, i / 3e0, REPEAT('words of a note ', i % 12),
    NULLIF(i % 3, 0) FROM n
"""


def run(bench: Bench) -> Result:
    rows = QUICK_ROWS if bench.quick else ROWS
    result = Result(
        "rows", f"{rows:,} inserted rows of 12 columns, a quarter updated, a tenth deleted", "µs of CPU a row"
    )
    with bench.server("source") as source:
        events = recorded(source.endpoint, rows)
    result.note(f"{len(events)} events of {sum(map(len, events)) / 1e6:.0f} MB, {STATEMENT_ROWS} rows a statement")
    result.attempt(PEER, lambda: [read_by_peer(events)])
    result.attempt(OURS, lambda: _read_and_write(events))
    return result


def recorded(endpoint: Endpoint, rows: int) -> list[bytes]:
    """TABLE_MAPs and rows events of the load."""
    with session(endpoint) as connection:
        query(connection, "CREATE DATABASE rows_bench")
        query(connection, "USE rows_bench")
        query(connection, _TABLE)
        base = GtidSet.parse(str(scalar(connection, "SELECT @@GLOBAL.gtid_executed")))
        for first in range(0, rows, STATEMENT_ROWS):
            query(connection, _INSERT.format(first=first, last=min(first + STATEMENT_ROWS, rows)))
        for first in range(0, rows // 4, STATEMENT_ROWS):
            query(connection, f"UPDATE mixed SET amount = 1, note = 'x' WHERE id >= {first} LIMIT {STATEMENT_ROWS}")
        query(connection, f"DELETE FROM mixed WHERE id < {rows // 10}")
        transactions = -(-rows // STATEMENT_ROWS) + -(-rows // 4 // STATEMENT_ROWS) + 1
    stream = BinlogStream(endpoint, 900_200, base, "00000000-0000-0000-0000-000000000001")
    wanted: list[bytes] = []
    try:
        for event in stream:
            if event[4] in ROWS_EVENTS or event[4] == EventType.TABLE_MAP:
                wanted.append(event)
            transactions -= event[4] == EventType.XID
            if not transactions:
                break
    finally:
        stream.close()
    return wanted


def line(contestant: str, what: str, rows: int, seconds: float) -> Line:
    return Line(contestant, seconds / rows * 1e6, f"{rows / seconds:,.0f} rows/s a core", what)


def read_by_peer(events: list[bytes]) -> Line:
    """An update counts once, as for Udup, though it has two images."""
    connection = SimpleNamespace(charset="utf8mb4", _get_dbms=lambda: "mysql")
    kinds = [row_event.TableMapEvent, row_event.WriteRowsEvent, row_event.UpdateRowsEvent, row_event.DeleteRowsEvent]
    tables: dict[int, object] = {}
    rows = 0
    began = time.process_time()
    for event in events:
        packet = MysqlPacket(b"\0" + event, "utf8mb4")
        nothing = (None, None, None, None)  # of tables and schemas to leave out
        settings = (False, False, False, True, False)
        found = BinLogPacketWrapper(packet, tables, connection, (9, 7, 0), True, kinds, *nothing, *settings).event
        if event[4] == EventType.TABLE_MAP:
            tables[found.table_id] = found.get_table()
        else:
            rows += len(found.rows)
    return line(PEER, "read", rows, time.process_time() - began)


def _read_and_write(events: list[bytes]) -> list[Line]:
    codecs = RowCodecs()
    pairs: list[tuple[RowCodec, bytes]] = []
    current: dict[bytes, RowCodec] = {}
    for event in events:
        if event[4] == EventType.TABLE_MAP:
            current[table_id(event)] = codecs.of(event, has_crc=True)
        else:
            pairs.append((current[table_id(event)], event))
    read = [codec.read(event, has_crc=True) for codec, event in pairs]
    rows = sum(len(each.changes) for each in read)

    began = time.process_time()
    for codec, event in pairs:
        codec.read(event, has_crc=True)
    middle = time.process_time()
    for (codec, _), values in zip(pairs, read, strict=True):
        codec.write(values, has_crc=True)
    return [line(OURS, "read", rows, middle - began), line(OURS, "write", rows, time.process_time() - middle)]
