"""A log is told from another one by the times of its transactions, whoever made them."""

from __future__ import annotations

import uuid
from contextlib import closing

from udup.drivers.mysql.client.asking import Asking
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.dictionary.copied_before import CopiedTable
from udup.drivers.mysql.snapshot.same_log import SameLog
from udup.sandbox.server import MysqlServer


def _looked_at(source: MysqlServer, schema: str, position: str, *stamps: str) -> SameLog:
    before = [CopiedTable("s", "t", "", (), stamps=each) for each in stamps]
    with closing(Asking(source.endpoint)) as asking:
        return SameLog(source.endpoint, schema, position, before, asking)


def test_the_log_of_a_server_that_makes_no_transactions_itself_is_told_by_others(
    source: MysqlServer, schema: str
) -> None:
    """As that of a read replica is."""
    other = str(uuid.uuid4())
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"SET SESSION gtid_next = '{other}:1'")
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, "SET SESSION gtid_next = 'AUTOMATIC'")
    first = _looked_at(source, schema, f"{other}:1")
    assert first.stamps.startswith(f"{other}:1@") and first.why
    assert not _looked_at(source, schema, f"{other}:1", first.stamps).why
    assert "were reset" in _looked_at(source, schema, f"{other}:1", f"{other}:1@17").why
    assert "nothing tells" in _looked_at(source, schema, f"{other}:1", "").why
