"""Tables and rows of every case of the conformance suite: what is made of them is what the source logs."""

from __future__ import annotations

from collections import Counter
from contextlib import closing, suppress

import pytest

from tests.conformance.pairs import SAME
from tests.conftest import MakeServer
from tests.drivers.mysql.telling.logged import InLog, Name, of_log
from tests.source_log import logged_by
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.binlog.table_map import definition_bytes
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.prepared import binary_rows
from udup.drivers.mysql.client.sessions import ROWS
from udup.drivers.mysql.telling.definitions import TableDefinition, read_all
from udup.drivers.mysql.telling.rows import form_of
from udup.pipeline.selection.schemas import is_user_schema
from udup.selftest import CASES
from udup.selftest.case import read_cases
from udup.selftest.client import Client

#: Cases with members that the dictionary does not tell: the server prints a question mark for them.
_LOST_MEMBERS = ("supplementary_in_enum", "supplementary_member")

#: Cases with documents that were changed in place, or decimals in documents, whose number of digits no text tells; and
#: with what is computed by the time zone of the session.
_OTHER_BYTES = ("json_keys_order", "json_large", "json_opaque_values", "json_partial", "index_of_another_zone")

_TABLES = (
    "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES"
    " WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'MRG_MYISAM'"
)
_TRIGGERS = "SELECT TRIGGER_SCHEMA, TRIGGER_NAME FROM information_schema.TRIGGERS"


@pytest.mark.slow
def test_definitions_and_rows_are_those_of_the_log(mysql_server: MakeServer) -> None:
    endpoint = mysql_server(binlog_row_metadata="FULL").endpoint
    _run_cases(endpoint)
    with closing(connect(endpoint)) as connection:
        tables = [(str(a), str(b)) for a, b in query(connection, _TABLES) if is_user_schema(str(a))]
        definitions = read_all(connection, tables)
    ours = {name: rows for name in tables if (rows := _images(endpoint, name, definitions[name])) is not None}
    theirs = _deleted(endpoint, tables)
    assert len(theirs.images) > 500
    for name, logged in theirs.maps.items():
        if not name[0].endswith(_LOST_MEMBERS):
            assert definition_bytes(definitions[name].table_map(1, has_crc=True), has_crc=True) == logged, name
    for name, images in theirs.images.items():
        if name in ours and not any(each in name[0] for each in _OTHER_BYTES):
            assert Counter(ours[name]) == Counter(images), name


def _run_cases(endpoint: Endpoint) -> None:
    for number, case in enumerate(SAME.cases(read_cases(CASES))):
        schema = f"c{number}_{case.stem}"
        with closing(connect(endpoint)) as connection:
            query(connection, f"CREATE DATABASE {schema}")
        client = Client(endpoint, case, schema)
        try:
            for late in (False, True):
                client.run(late=late)
        finally:
            client.close()


def _images(endpoint: Endpoint, name: Name, definition: TableDefinition) -> list[bytes] | None:
    """Return a table's rows; None for one that the source itself cannot read."""
    form = form_of(definition)
    sql = f"SELECT {form.fields} FROM {qualified(*name)}"
    with closing(connect(endpoint, ROWS)) as connection, suppress(MySQLError):
        return [image for rows in binary_rows(connection, sql) for image in form.write(rows)]
    return None


def _deleted(endpoint: Endpoint, tables: list[Name]) -> InLog:
    def work(connection: Connection) -> None:
        query(connection, "SET foreign_key_checks = 0, sql_mode = 'ALLOW_INVALID_DATES'")
        for schema, trigger in query(connection, _TRIGGERS):
            if is_user_schema(str(schema)):
                query(connection, f"DROP TRIGGER {qualified(str(schema), str(trigger))}")
        for name in tables:
            with suppress(MySQLError):  # of an engine that deletes nothing, or broken
                query(connection, f"DELETE FROM {qualified(*name)}")

    return of_log(logged_by(endpoint, work))
