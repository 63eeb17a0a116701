"""What tells a table from another of its name, and which foreign keys act, asked of a server."""

from __future__ import annotations

from contextlib import closing

from tests.full_copy import catalog_of, run
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.dictionary.present import TABLE, Present
from udup.drivers.mysql.load.foreign_keys import keys_of, missing_keys, read_keys
from udup.drivers.mysql.load.standing import read_standing
from udup.sandbox.server import MysqlServer


def test_rows_leave_a_table_what_it_was_and_a_truncate_does_not(target: MysqlServer, schema: str) -> None:
    table = Present(TABLE, schema, "a b_c")
    with closing(connect(target.endpoint)) as connection:
        run(connection, f"CREATE DATABASE {schema}", f"USE {schema}", "CREATE TABLE `a b_c` (id INT PRIMARY KEY)")
        run(connection, "CREATE TABLE `a bxc` (id INT) ENGINE=MyISAM")
        first = read_standing(connection, [table])[table]
        run(connection, "INSERT INTO `a b_c` VALUES (1)", "ANALYZE TABLE `a b_c`")
        assert read_standing(connection, [table])[table] == first and first.engine == "innodb"
        run(connection, "TRUNCATE TABLE `a b_c`")
        second = read_standing(connection, [table])[table]
        run(connection, "ALTER TABLE `a b_c` FORCE")
        assert len({first, second, read_standing(connection, [table])[table]}) == 3
        assert read_standing(connection, [Present(TABLE, schema, "none")]) == {}


def test_keys_are_the_same_in_a_definition_and_in_the_dictionary(source: MysqlServer, schema: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        run(
            connection,
            f"CREATE DATABASE {schema}",
            f"USE {schema}",
            "CREATE TABLE `p``q` (a INT, `b,c` INT, PRIMARY KEY (a, `b,c`))",
            "CREATE TABLE c (x INT, `y``z` INT, CONSTRAINT k FOREIGN KEY (x, `y``z`) REFERENCES `p``q` (a, `b,c`)"
            " ON DELETE SET NULL ON UPDATE CASCADE)",
            "CREATE TABLE d (x INT, `y` INT, CONSTRAINT k2 FOREIGN KEY (x, y) REFERENCES `p``q` (a, `b,c`)"
            " ON UPDATE RESTRICT)",
            "CREATE TABLE e (id INT PRIMARY KEY, up INT, CONSTRAINT k3 FOREIGN KEY (up) REFERENCES e (id)"
            " ON DELETE CASCADE)",
        )
        tables = catalog_of(source.endpoint, schema).tables
        ours = [key for table in tables for key in keys_of(table)]
        theirs = read_keys(connection, [(schema, "c")])
    assert {key.name for key in ours} == {key.name for key in theirs} == {"k", "k3"}
    assert not missing_keys(ours, theirs) and not missing_keys(theirs, ours)
