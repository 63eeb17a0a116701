"""Each reason for which a server does not let Udup in comes with what lets it in."""

from __future__ import annotations

import ssl
from contextlib import closing

import pymysql
import pytest

from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, Unavailable
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.errors import failure
from udup.drivers.mysql.client.refusals import connection_refused
from udup.sandbox.server import MysqlServer

HERE = Endpoint("db.example", 3306, "repl", "secret")


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (1045, "ALTER USER 'repl'@'%' IDENTIFIED BY"),
        (1045, '"SslMode": "REQUIRED"'),
        (1130, "CREATE USER 'repl'@'%'"),
        (1129, "performance_schema.host_cache"),
        (1251, "IDENTIFIED WITH caching_sha2_password"),
        (2059, "IDENTIFIED WITH caching_sha2_password"),
        (1862, "PASSWORD EXPIRE NEVER"),
        (3118, "ACCOUNT UNLOCK"),
        (3159, '"SslMode": "REQUIRED"'),
        (2026, "DISABLED if that server offers no TLS"),
        (2012, "33060 is its X protocol"),
        (1049, "make the schema"),
    ],
)
def test_what_only_somebody_can_change_is_refused_with_the_change(code: int, remedy: str) -> None:
    refused = connection_refused(pymysql.err.OperationalError(code, "text"), HERE)
    assert isinstance(refused, Refused)
    [fault] = refused.faults
    assert fault.where == "cannot connect to MySQL as repl@db.example:3306"
    assert fault.problem == f"error {code}: text" and remedy in fault.remedy


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("[Errno -2] Name or service not known", "getent hosts db.example"),
        ("[Errno 111] Connection refused", "nothing listens there"),
        ("timed out", "no firewall"),
        ("the server did not finish the login in time", "is what answers there a MySQL server?"),
    ],
)
def test_what_may_pass_is_waited_for_with_advice(text: str, advice: str) -> None:
    told = connection_refused(pymysql.err.OperationalError(2003, f"Can't connect ({text})"), HERE)
    assert type(told) is Unavailable and advice in str(told)


def test_a_handshake_that_says_no_names_the_keys_of_the_document() -> None:
    error = pymysql.err.OperationalError(2003, "certificate verify failed")
    error.original_exception = ssl.SSLCertVerificationError("no")  # type: ignore[attr-defined]
    refused = connection_refused(error, HERE)
    assert isinstance(refused, Refused) and "SslCa must hold the authority" in refused.faults[0].remedy


def test_an_account_that_requires_tls_is_told_of_it(source: MysqlServer) -> None:
    with closing(connect(source.endpoint)) as root:
        query(root, "CREATE USER needs_tls IDENTIFIED BY 'secret' REQUIRE SSL")
        try:
            there = Endpoint(source.endpoint.host, source.endpoint.port, "needs_tls", "secret")
            with pytest.raises(Refused, match=r'if it has REQUIRE SSL, write "SslMode": "REQUIRED"'):
                connect(there)
        finally:
            query(root, "DROP USER needs_tls")


def test_a_directory_that_the_target_does_not_know_is_a_limit_with_a_remedy(target: MysqlServer, schema: str) -> None:
    with closing(connect(target.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        with pytest.raises(pymysql.err.MySQLError) as error:
            query(connection, f"CREATE TABLE {schema}.t (id INT) DATA DIRECTORY = '/nowhere/at/all'")
    refused = failure(error.value, "making a table")
    assert isinstance(refused, Refused) and "innodb_directories" in refused.faults[0].remedy
