"""Every row that a case logs is read by the codec as the source's server says it, and its event is written again.

The cases run on a source of their own, without a job: what a job makes of them, the other phases show.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conformance import CASES
from tests.conformance.case import Case, read_cases
from tests.conformance.client import Client
from tests.conformance.row_witness import Witness
from tests.conformance.suite import SOURCE_OPTIONS
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.sessions import DEFINITION
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

#: Another folder of cases, as for the other phases.
_FOLDER = Path(os.environ.get("UDUP_CONFORMANCE") or CASES)

TOPICS = sorted({case.name.partition("/")[0] for case in read_cases(_FOLDER)})

#: What changes tables without a word in the log.
_UNLOGGED = "sql_log_bin"


@pytest.fixture(scope="module")
def row_source(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    with MysqlServer(programs, server_folder / "conformance-rows", options=SOURCE_OPTIONS) as server:
        yield server


def _cases(topic: str) -> list[Case]:
    cases = [case for case in read_cases(_FOLDER) if case.name.partition("/")[0] == topic]
    return [case for case in cases if not any(_UNLOGGED in step.sql for step in case.steps)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("topic", TOPICS)
def test_the_rows_of_a_topic(row_source: MysqlServer, topic: str) -> None:
    witness = Witness(row_source.endpoint)
    try:
        for case in _cases(topic):
            print(case, flush=True)
            schema = f"r_{case.stem}"
            with closing(connect(row_source.endpoint, DEFINITION)) as connection:
                for each in (schema, *case.schemas):
                    query(connection, f"DROP DATABASE IF EXISTS {quote(each)}")
                query(connection, f"CREATE DATABASE {quote(schema)}")
            witness.look(case.name)
            with closing(Client(row_source.endpoint, case, schema)) as client:
                for late in (False, True):
                    try:
                        client.run(late=late, after_each=lambda case=case: witness.look(case.name))
                    except UdupError as error:
                        print("DOES NOT RUN", case, error)
            with closing(connect(row_source.endpoint, DEFINITION)) as connection:
                for each in (schema, *case.schemas):
                    query(connection, f"DROP DATABASE IF EXISTS {quote(each)}")
        print(
            topic, witness.seen.rows, witness.seen.tables_compared, dict(witness.seen.cells), dict(witness.seen.events)
        )
    finally:
        witness.close()
    assert not witness.seen.faults, "\n".join(witness.seen.faults[:20])
