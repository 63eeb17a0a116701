"""Cascades arrive once, whether the source's SQL layer made and logged them or its engine did without a word.

Each row event says which (a flag of MySQL 9.6 and newer), and the target's server does what is left to do.
"""

from __future__ import annotations

import pytest

from tests.applied import apply_all, records, run, session
from tests.conftest import MakeServer
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare

TABLES = (
    "CREATE TABLE {0}.parent (id INT PRIMARY KEY)",
    "CREATE TABLE {0}.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES {0}.parent (id)"
    " ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TABLE {0}.grandchild (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES {0}.child (id)"
    " ON DELETE SET NULL)",
)
WRITES = (
    "INSERT INTO {0}.parent VALUES (1), (2), (3)",
    "INSERT INTO {0}.child VALUES (10, 1), (11, 1), (20, 2), (30, 3)",
    "INSERT INTO {0}.grandchild VALUES (1, 10), (2, 11), (3, 20)",
    "DELETE FROM {0}.parent WHERE id = 1",
    "UPDATE {0}.parent SET id = 7 WHERE id = 2",
    # Under a source that logs cascades the children of a replaced parent stay; its engine would take them away.
    "REPLACE INTO {0}.parent VALUES (3)",
    "SET foreign_key_checks = 0",
    "DELETE FROM {0}.parent WHERE id = 3",
    "INSERT INTO {0}.child VALUES (99, 99)",
)


def test_cascades_arrive_once_between_both_kinds_of_server(
    source: MysqlServer, mysql_server: MakeServer, schema: str
) -> None:
    with connect(source.endpoint) as connection:
        if not query(connection, "SHOW GLOBAL VARIABLES LIKE 'innodb_native_foreign_keys'"):
            pytest.skip("before MySQL 9.6 there is one kind of server")
    native = mysql_server(innodb_native_foreign_keys="ON")
    for origin, destination in ((source, native), (native, source)):
        for server in (origin, destination):
            run(server.endpoint, f"DROP DATABASE IF EXISTS {schema}", f"CREATE DATABASE {schema}")
            run(server.endpoint, *(each.format(schema) for each in TABLES))
        before = run(origin.endpoint, *(each.format(schema) for each in WRITES))
        made = records(origin.endpoint, before, Selection.of([(schema, [])]))
        with session(destination.endpoint, f"{schema}_{destination is native}") as (opened, position):
            apply_all(opened, position, made)
        comparison = compare(origin.endpoint, destination.endpoint, [schema])
        assert comparison.equal, comparison.report()
        with connect(destination.endpoint) as connection:
            assert scalar(connection, f"SELECT GROUP_CONCAT(id, '-', p ORDER BY id) FROM {schema}.child") == (
                "20-7,99-99" if origin is native else "20-7,30-3,99-99"
            )
