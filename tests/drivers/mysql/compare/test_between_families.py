"""A MariaDB and a MySQL that hold the same are found equal, whatever they order and write otherwise."""

from __future__ import annotations

from tests.drivers.mysql.compare.comparing import Two
from udup.sandbox.server import MysqlServer

_NUMBERS = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT"


def test_what_differs_between_families_is_told_and_no_other(
    mariadb_source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    two = Two(mariadb_source.endpoint, target.endpoint, schema)
    text = "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
    two.run(
        f"CREATE TABLE t (k VARCHAR(20) {text} PRIMARY KEY, j JSON, f FLOAT, d DOUBLE, u INT(5) ZEROFILL,"
        " e SET('a', 'b'))",
        "CREATE TABLE i (a INT PRIMARY KEY, v DATETIME(3), w VARBINARY(9), x DECIMAL(20, 5))",
        f"INSERT INTO t {_NUMBERS} CONCAT('k', i), '[1, 2.5]', i * 1e0 / 8, i * 1e-3, i, 1 + i % 2 FROM n",
        f"INSERT INTO i {_NUMBERS} i, '2024-02-29 01:02:03.5', CHAR(i), i FROM n",
    )
    assert two.compared().rows == []
    two.behind(
        "UPDATE t SET k = 'K7' WHERE k = 'k7'", "UPDATE t SET f = 0.1 WHERE k = 'k8'", "UPDATE i SET x = 0 WHERE a = 9"
    )
    found = two.compared()
    assert {(each.key, str(each.kind)) for each in found.rows} == {
        *(("k7", "missing"), ("K7", "extra"), ("k8", "differs"), ("9", "differs")),
    }
