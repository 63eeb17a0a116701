"""What every connection to a source is asked for, on MySQL 5.6."""

from __future__ import annotations

from contextlib import closing

import pytest

from udup.drivers.mysql.client import sessions
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.dialect import fitting
from udup.drivers.mysql.client.facts import read_facts
from udup.drivers.mysql.client.session_setup import differing, present
from udup.drivers.mysql.client.sessions import Session
from udup.drivers.mysql.client.xa_recover import recover
from udup.drivers.mysql.stream.contexts import read_defaults
from udup.sandbox.server import MysqlServer

_OF_A_SOURCE = (
    *(sessions.PLAIN, sessions.DICTIONARY, sessions.OBSERVER, sessions.LOCKER, sessions.SNAPSHOT, sessions.ROWS),
    *(sessions.LOCKED_ROWS, sessions.FILTER, sessions.DUMP, sessions.SUMS, sessions.PRINTED),
)


@pytest.mark.parametrize("session", _OF_A_SOURCE, ids=lambda session: session.use)
def test_a_session_of_a_source_comes_about(mysql56_source: MysqlServer, session: Session) -> None:
    for _ in range(2):  # the second by what the first has learnt
        with closing(connect(mysql56_source.endpoint, session)) as connection:
            version = str(connection.get_server_info())  # type: ignore[no-untyped-call]
            wanted = fitting(session.settings, version)
            assert "tx_isolation" in wanted
            assert differing(wanted, present(connection, wanted)) == []


def test_its_facts_are_read(mysql56_source: MysqlServer) -> None:
    with closing(connect(mysql56_source.endpoint)) as connection:
        facts = read_facts(connection)
        defaults = read_defaults(connection)
    assert facts.version == (5, 6, 24) and facts.named == f"MySQL {facts.version_text}"
    assert facts.uuid and facts.privileges.has("SUPER") and "mysql_native_password" in facts.plugins
    assert not facts.logs_signs and not facts.logs_cascades
    assert defaults["explicit_defaults_for_timestamp"] == "OFF"
    assert defaults["default_collation_for_utf8mb4"] == "utf8mb4_general_ci"


def test_prepared_transactions_are_told_by_their_bytes(mysql56_source: MysqlServer) -> None:
    xid = "X'ff00c3',X'61',5"
    with closing(connect(mysql56_source.endpoint)) as one, closing(connect(mysql56_source.endpoint)) as other:
        for statement in (f"XA START {xid}", f"XA END {xid}", f"XA PREPARE {xid}"):
            query(one, statement)
        assert [str(each) for each in recover(other)] == [xid]
        query(one, f"XA ROLLBACK {xid}")
        assert query(other, "SELECT 'é'") == [("é",)], "texts are read as ever"
