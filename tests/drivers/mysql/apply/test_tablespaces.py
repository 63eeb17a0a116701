"""A table that names a general tablespace finds one on the target, or goes into a file of its own, which is told."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.apply.tablespaces import housed
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.drivers.mysql.ddl.sqltokens import MODE_ANSI_QUOTES
from udup.sandbox.server import MysqlServer


@pytest.fixture
def space(target: MysqlServer) -> Iterator[str]:
    """The name of a tablespace that is not there."""
    name = f"space_{uuid.uuid4().hex[:10]}"
    yield name
    with closing(connect(target.endpoint)) as connection, suppress(MySQLError):
        query(connection, f"DROP TABLESPACE {name}")


def _housed(endpoint: Endpoint, sql: str, sql_mode: int = 0) -> tuple[str, str]:
    with closing(connect(endpoint)) as connection:
        text, told = housed(connection, sql.encode(), "utf-8", sql_mode)
        return text.decode(), told


def test_it_is_made_where_it_is_missing_and_used_where_it_is_there(target: MysqlServer, space: str) -> None:
    for sql in (
        f"CREATE TABLE t (id INT) TABLESPACE {space}",
        f"ALTER TABLE t TABLESPACE=`{space}`, ADD c INT",
        f"create table t (id int) /*!50100 TABLESPACE `{space}` */ engine=InnoDB",
    ):
        assert _housed(target.endpoint, sql) == (sql, "")
    with closing(connect(target.endpoint)) as connection:
        sql = "SELECT COUNT(*) FROM information_schema.INNODB_TABLESPACES WHERE NAME = %s"
        assert query(connection, sql, space) == [(1,)]


def test_an_account_that_may_not_make_it_is_told_and_the_table_gets_a_file(target: MysqlServer, space: str) -> None:
    user = f"u{uuid.uuid4().hex[:10]}"
    with closing(connect(target.endpoint)) as connection:
        query(connection, f"CREATE USER {user} IDENTIFIED BY 'Some.pass1'")
        try:
            low = Endpoint(target.endpoint.host, target.endpoint.port, user, "Some.pass1")
            text, told = _housed(low, f'CREATE TABLE t (a INT COMMENT "x") TABLESPACE "{space}"', MODE_ANSI_QUOTES)
            assert text == 'CREATE TABLE t (a INT COMMENT "x") TABLESPACE innodb_file_per_table'
            assert space in told and "1227" in told
        finally:
            query(connection, f"DROP USER {user}")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (id INT) TABLESPACE innodb_system",
        "CREATE TABLE t (tablespace INT) COMMENT 'TABLESPACE nowhere'",
        "ALTER TABLE t DISCARD TABLESPACE",
        "GRANT CREATE TABLESPACE ON *.* TO u",
        "CREATE PROCEDURE p() CREATE TABLE t (id INT) TABLESPACE nowhere",
    ],
)
def test_what_names_none_stays_as_it_is(target: MysqlServer, sql: str) -> None:
    assert _housed(target.endpoint, sql) == (sql, "")
