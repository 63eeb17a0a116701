"""Every row that a case logs is read by the codec as the source's server says it, and its event is written again.

The cases run on a source of their own, without a job: what a job makes of them, the other phases show.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.conformance.pairs import SAME
from tests.conformance.row_witness import Witness
from tests.conformance.servers import SOURCE_OPTIONS
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.sessions import DEFINITION
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer
from udup.selftest import CASES
from udup.selftest.case import Case, read_cases
from udup.selftest.client import Client

#: Another folder of cases, as for the other phases.
_FOLDER = Path(os.environ.get("UDUP_CONFORMANCE") or CASES)

_ALL = SAME.cases(read_cases(_FOLDER))

TOPICS = sorted({case.name.partition("/")[0] for case in _ALL})

#: Types of columns that the topic of types has; geometry is another.
TYPES = {
    *("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "bit"),
    *("year", "date", "time", "datetime", "timestamp", "char", "varchar", "binary", "varbinary"),
    *("tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob"),
    *("enum", "set", "json", "vector"),
}

#: What changes tables without a word in the log.
_UNLOGGED = "sql_log_bin"


@pytest.fixture(scope="module")
def row_source(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    with MysqlServer(programs, server_folder / "conformance-rows", options=SOURCE_OPTIONS) as server:
        yield server


def _cases(topic: str) -> list[Case]:
    cases = [case for case in _ALL if case.name.partition("/")[0] == topic]
    return [case for case in cases if not any(_UNLOGGED in step.sql for step in case.steps)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("topic", TOPICS)
def test_the_rows_of_a_topic(row_source: MysqlServer, topic: str) -> None:
    with closing(Witness(row_source.endpoint)) as witness:
        for case in _cases(topic):
            schemas = (f"r_{case.stem}", *case.schemas)
            _remove(row_source, schemas)
            _make(row_source, schemas[0])
            witness.look(case.name)
            with closing(Client(row_source.endpoint, case, schemas[0])) as client:
                client.run(late=False, after_each=lambda: witness.look(case.name))  # noqa: B023
                client.run(late=True, after_each=lambda: witness.look(case.name))  # noqa: B023
            _remove(row_source, schemas)
    assert not witness.seen.faults, "\n".join(witness.seen.faults[:10])
    assert witness.seen.events
    if topic == "types":
        assert not TYPES - witness.seen.cells.keys()


def _make(server: MysqlServer, schema: str) -> None:
    with closing(connect(server.endpoint, DEFINITION)) as connection:
        query(connection, f"CREATE DATABASE {quote(schema)}")


def _remove(server: MysqlServer, schemas: Sequence[str]) -> None:
    with closing(connect(server.endpoint, DEFINITION)) as connection:
        for schema in schemas:
            query(connection, f"DROP DATABASE IF EXISTS {quote(schema)}")
