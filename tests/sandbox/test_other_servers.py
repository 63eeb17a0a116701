"""Throw-away servers of MariaDB and MySQL 5.6 keep the promises of a MySQL one."""

from __future__ import annotations

import pymysql
import pytest

from tests.other_servers import MakeServer
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.sandbox.ports import HOST
from udup.sandbox.server import MysqlServer


def read(server: MysqlServer, *statements: str) -> object:
    """What the last statement finds."""
    connection = connect(server.endpoint)
    try:
        for sql in statements[:-1]:
            query(connection, sql)
        return scalar(connection, statements[-1])
    finally:
        connection.close()


def test_a_new_mariadb_logs_rows_with_their_names_and_has_spent_no_gtid(mariadb_source: MysqlServer) -> None:
    assert "MariaDB" in str(read(mariadb_source, "SELECT VERSION()"))
    assert read(mariadb_source, "SELECT @@log_bin + @@log_slave_updates") == 2
    assert read(mariadb_source, "SELECT CONCAT(@@binlog_format, @@binlog_row_metadata)") == "ROWFULL"


def test_a_mariadb_that_is_killed_comes_back_with_its_data_and_goes_on_in_its_log(mariadb_server: MakeServer) -> None:
    server = mariadb_server(max_allowed_packet="32M")
    endpoint = server.endpoint
    assert read(server, "SELECT @@gtid_binlog_pos") == ""
    read(server, "CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)", "SELECT 1")
    server.kill()
    server.start()
    assert server.endpoint == endpoint
    assert read(server, "SELECT COUNT(*) FROM d.t") == 1
    assert read(server, "SELECT @@gtid_binlog_pos") == f"0-{endpoint.port}-3"
    server.restart()
    assert read(server, "SELECT @@max_allowed_packet") == 32 << 20


def test_a_mariadb_without_its_password_lets_nobody_in(mariadb_source: MysqlServer) -> None:
    for user in ("root", ""):
        for where in (
            {"host": HOST, "port": mariadb_source.endpoint.port},
            {"unix_socket": str(mariadb_source.socket)},
        ):
            with pytest.raises(pymysql.err.OperationalError, match=r"1045|1698"):
                pymysql.connect(user=user, password="", ssl_disabled=True, **where)


def test_a_mysql_5_6_has_gtids_on_and_its_password(mysql56_server: MakeServer) -> None:
    server = mysql56_server()
    assert read(server, "SELECT CONCAT(@@gtid_mode, @@binlog_format, @@GLOBAL.gtid_executed)") == "ONROW"
    read(server, "CREATE DATABASE d", "SELECT 1")
    server.restart()
    assert str(read(server, "SELECT @@GLOBAL.gtid_executed")).endswith(":1")
    for user in ("root", ""):
        with pytest.raises(pymysql.err.OperationalError, match="1045"):
            pymysql.connect(host=HOST, port=server.endpoint.port, user=user, password="", ssl_disabled=True)


def test_two_of_mysql_5_6_have_different_identities(mysql56_source: MysqlServer, mysql56_target: MysqlServer) -> None:
    assert read(mysql56_source, "SELECT @@server_uuid") != read(mysql56_target, "SELECT @@server_uuid")
