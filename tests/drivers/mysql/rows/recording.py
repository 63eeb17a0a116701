"""What a server logged for statements, and what it said of its tables afterwards: kept in a file, for quick tests.

`python -m tests.drivers.mysql.rows.recording` runs the statements on a throw-away server and writes the file again.
"""

from __future__ import annotations

import json
import tempfile
import zlib
from base64 import b64decode, encodebytes
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.row_cells import Cell, Column
from tests.source_log import logged_by
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.sessions import PLAIN
from udup.sandbox.provision import provision
from udup.sandbox.server import MysqlServer

FILE = Path(__file__).parent / "recorded.b64"

_SESSION = PLAIN.with_("recording", time_zone="+00:00", sql_mode="ALLOW_INVALID_DATES")

_OPTIONS: dict[str, str | int] = {"binlog-row-metadata": "FULL", "innodb-flush-method": "nosync", "sync-binlog": 0}

#: Every type, some in several widths. `id` is the key.
ALL_TYPES = (
    "id INT PRIMARY KEY",
    "ti TINYINT, tu TINYINT UNSIGNED, si SMALLINT, su SMALLINT UNSIGNED, mi MEDIUMINT, mu MEDIUMINT UNSIGNED",
    "ii INT, iu INT UNSIGNED, bi BIGINT, bu BIGINT UNSIGNED, y YEAR, f FLOAT, d DOUBLE",
    "n1 DECIMAL(1,0), n2 DECIMAL(12,2), n3 DECIMAL(65,30), n4 DECIMAL(10,10), n5 DECIMAL(18,9)",
    "b1 BIT(1), b10 BIT(10), b64 BIT(64)",
    "da DATE, dt DATETIME, dt1 DATETIME(1), dt3 DATETIME(3), dt6 DATETIME(6)",
    "t TIME, t2 TIME(2), t4 TIME(4), t6 TIME(6)",
    "ts TIMESTAMP NULL, ts2 TIMESTAMP(2) NULL, ts4 TIMESTAMP(4) NULL, ts6 TIMESTAMP(6) NULL",
    "c CHAR(10), cl CHAR(255) CHARACTER SET utf8mb4, v VARCHAR(20) CHARACTER SET latin1, vl VARCHAR(300)",
    "tt TINYTEXT, tx TEXT CHARACTER SET utf16, mt MEDIUMTEXT, lt LONGTEXT",
    "bn BINARY(8), bl BINARY(255), vb VARBINARY(20), tb TINYBLOB, bb BLOB, mb MEDIUMBLOB, lb LONGBLOB",
    "e ENUM('a', 'ö', ',') CHARACTER SET latin1, s SET('x', 'y', 'z'), s9 SET("
    + ", ".join(f"'m{i}'" for i in range(9))
    + ")",
    "s64 SET(" + ", ".join(f"'n{i}'" for i in range(64)) + "), j JSON, g GEOMETRY, p POINT SRID 4326, x VECTOR(3)",
)

_JSON = (
    "JSON_OBJECT('a', 1, 'bb', JSON_ARRAY(TRUE, NULL, 'text \\\" \\\\ \\n', 1.5e0, 1e100, -0e0, 123456789012345678e0))",
    "JSON_OBJECT('dec', CAST('-1.10' AS DECIMAL(5,2)), 'date', DATE '2024-02-29', 'time', TIME '-10:11:12.5',"
    " 'ts', TIMESTAMP '2024-02-29 01:02:03.000004', 'blob', x'00FF', 'bit', b'101', 'u', CAST(5 AS UNSIGNED))",
    "JSON_ARRAY(-32768, 65535, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615, 1e-7, 0.0001e0)",
    "JSON_OBJECT('long', REPEAT('x', 66000), 'ö', REPEAT('ü', 200), '', JSON_OBJECT())",
    "JSON_ARRAY(x'" + "ab" * 200 + "', CAST('x' AS BINARY(3)))",
)

_FULL_ROW = (
    "INSERT INTO t VALUES (1, -128, 255, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295,"
    " -9223372036854775808, 18446744073709551615, 2155, 0.1, 0.1, -9, -1234567890.12,"
    " 12345678901234567890123456789012345.123456789012345678901234567890, 0.0123456789, -123456789.987654321,"
    " 1, 513, 0xF000000000000001, '2024-02-31', '9999-12-31 23:59:59', '2024-02-31 01:02:03.4',"
    " '0000-00-00 00:00:00.123', '2024-01-01 00:00:00.000001', '-838:59:59', '-00:00:00.01', '-01:02:03.0405',"
    " '838:59:58.999999', '2038-01-19 03:14:07', '1970-01-01 00:00:01.99', '2024-01-01 01:02:03.0004',"
    " '2024-01-01 01:02:03.000005', 'ab', 'ö', 'caf\u00e9 ', REPEAT('y', 300), 'tiny', 'ü\U0001f600', 'medium', 'long',"
    " 'ab\\0c\\0\\0', 'z', x'00FF00', x'00', x'', 'm', REPEAT('L', 300), 2, 'x,z', 'm0,m8', 'n0,n63',"
    " '{\"k\": [1, 2.50, \"v\"]}', ST_GeomFromText('LINESTRING(0 1, 2 3)'), ST_GeomFromText('POINT(1 2)', 4326),"
    " TO_VECTOR('[1, -2.5, 3e-3]'))"
)

#: Statements, each after the ones before. The tables are compared at the end.
STATEMENTS = (
    f"CREATE TABLE t ({', '.join(ALL_TYPES)})",
    _FULL_ROW,
    "INSERT INTO t (id) VALUES (2)",
    "INSERT INTO t (id, y, f, d, da, dt, t, ts, c, bn, e, s, b10, n2) VALUES (3, 0, -0e0, -1.7976931348623157e308,"
    " '0000-00-00', 0, 0, 0, '', '', 0, 0, 0, 0)",
    "INSERT INTO t (id, n2, n3, t2, t6, dt1) VALUES (4, -0.01, -1e-30, '00:00:00', '-00:00:00.000001', '0001-01-01')",
    "UPDATE t SET v = 'changed', j = NULL, tx = NULL WHERE id = 1",
    "DELETE FROM t WHERE id = 2",
    "CREATE TABLE j (id INT PRIMARY KEY, doc JSON)",
    *(f"INSERT INTO j VALUES ({number}, {document})" for number, document in enumerate(_JSON)),
    "CREATE TABLE k (a INT NOT NULL, b VARCHAR(100) NOT NULL, c INT INVISIBLE DEFAULT 5, d TEXT, e JSON,"
    " PRIMARY KEY (b(10), a))",
    "INSERT INTO k (a, b, d, e) VALUES (1, 'one', 'text', '{}'), (2, 'two', NULL, NULL)",
    "SET binlog_row_image = 'MINIMAL'",
    "UPDATE k SET c = 6 WHERE a = 1",
    "UPDATE k SET d = 'new' WHERE a = 2",
    "SET binlog_row_image = 'NOBLOB'",
    "UPDATE k SET c = 7 WHERE a = 1",
    "DELETE FROM k WHERE a = 2",
    "SET binlog_row_image = 'FULL'",
    "CREATE TABLE m (id INT PRIMARY KEY, v VARCHAR(20), i JSON, j JSON, k JSON)",
    'INSERT INTO m VALUES (1, \'v\', \'[1, 2, 3]\', \'{"a": "0123456789", "b": {"c d": [1, 2, 3]}}\', \'{"z": 1}\')',
    "SET binlog_row_value_options = 'PARTIAL_JSON'",
    "UPDATE m SET j = JSON_SET(j, '$.a', 'short', '$.n', CAST('1.50' AS DECIMAL(4,2)))",
    "UPDATE m SET j = JSON_REMOVE(JSON_REPLACE(j, '$.b.\"c d\"[1]', 99), '$.a'), k = '{}'",
    "UPDATE m SET i = JSON_REPLACE(i, '$[2]', 4), k = JSON_REPLACE(k, '$.z', 2), v = 'w'",
    "SET binlog_row_value_options = ''",
    "CREATE TABLE o (a INT DEFAULT 1, b INT)",
    "SET binlog_row_image = 'MINIMAL'",
    "INSERT INTO o VALUES ()",
    "SET binlog_row_image = 'FULL'",
)

#: Tables whose rows are all in the log, in full.
COMPARED = ("t", "j", "m")


@dataclass(frozen=True)
class Recorded:
    """TABLE_MAPs and rows events in their order, and each table's columns and rows as the server has them."""

    events: list[bytes]
    columns: dict[str, list[Column]]
    rows: dict[str, list[tuple[Cell, ...]]]


def read() -> Recorded:
    kept = json.loads(zlib.decompress(b64decode(FILE.read_bytes())))
    columns = {table: [Column(*each) for each in found] for table, found in kept["columns"].items()}
    rows = {
        table: [tuple(column.cell_of(cell) for column, cell in zip(columns[table], row, strict=True)) for row in found]
        for table, found in kept["rows"].items()
    }
    return Recorded([bytes.fromhex(event) for event in kept["events"]], columns, rows)


def record(server: MysqlServer) -> None:
    def work(connection: Connection) -> None:
        for sql in ("CREATE DATABASE rec", "USE rec", *STATEMENTS):
            query(connection, sql)

    # In the session of `connect`; what is stored must not depend on its mode.
    with closing(connect(server.endpoint)) as connection:
        query(connection, "SET GLOBAL sql_mode = 'ALLOW_INVALID_DATES', GLOBAL time_zone = '+00:00'")
    logged = logged_by(server.endpoint, lambda connection: (query(connection, _MODE), work(connection))[1])
    wanted = [each.event.hex() for each in logged if each.kind in ROWS_EVENTS or each.kind == EventType.TABLE_MAP]
    columns: dict[str, list[list[str]]] = {}
    rows: dict[str, list[list[str | None]]] = {}
    with closing(connect(server.endpoint, _SESSION, database="rec")) as connection:
        for table in COMPARED:
            found = query(connection, _COLUMNS, table)
            columns[table] = [[str(name), str(kind), str(extra)] for name, kind, extra in found]
            fields = ", ".join(Column(*each).expression for each in columns[table])
            rows[table] = [
                [None if cell is None else cell.decode() if isinstance(cell, bytes) else str(cell) for cell in row]
                for row in query(connection, f"SELECT {fields} FROM {table}")
            ]
    kept = json.dumps({"events": wanted, "columns": columns, "rows": rows})
    FILE.write_bytes(encodebytes(zlib.compress(kept.encode(), 9)))


_MODE = "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'"

_COLUMNS = (
    "SELECT COLUMN_NAME, DATA_TYPE, EXTRA FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = 'rec' AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION"
)


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(prefix="udup-recording-") as folder,
        MysqlServer(provision(print), Path(folder), options=_OPTIONS) as server,
    ):
        record(server)
    print(f"{FILE}: {FILE.stat().st_size} bytes")
