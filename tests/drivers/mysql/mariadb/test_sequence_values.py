"""Sequences on a MariaDB target: what a log says of them is set apart from the rows, and nothing is set back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drivers.mysql.mariadb.recorded_forms import events_of
from udup.base.errors import Divergence, Unsupported
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType, ends_statement, resized
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.split import split
from udup.drivers.mysql.binlog.table_map import TableName, table_name
from udup.drivers.mysql.dictionary.catalog import NumberSequence
from udup.drivers.mysql.mariadb import sequence_values
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.log import Translation
from udup.drivers.mysql.mariadb.row_forms import RowForms
from udup.drivers.mysql.mariadb.sequence_values import SequenceValues, check_sequence, make_sequences

_DEFINITION = (1, 9223372036854775806, 10, 5, 1000, 0)


class _Server:
    """Answers as a MariaDB with one sequence does, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.definition: tuple[int, ...] = _DEFINITION
        self.kind = "SEQUENCE"

    def query(self, _connection: object, sql: str, *_args: object) -> list[tuple[int, ...]]:
        self.asked.append(sql)
        return [self.definition] if "minimum_value" in sql else [(0,)]

    def scalar(self, _connection: object, _sql: str, *_args: object) -> str:
        return self.kind


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    made = _Server()
    monkeypatch.setattr(sequence_values, "query", made.query)
    monkeypatch.setattr(sequence_values, "scalar", made.scalar)
    return made


def _events(*tables: str) -> list[bytes]:
    """Return the TABLE_MAPs and rows of these tables, as a MariaDB gets them."""
    translation = Translation(GtidSet(), RowForms(Server.of("11.8.9-MariaDB")))
    translation.begin({})
    found, is_wanted = [], False
    for event in (made for each in events_of("11.8.9") for made in translation.events_of(each)):
        if event[4] == EventType.TABLE_MAP:
            is_wanted = table_name(event).table in tables
        if is_wanted and (event[4] == EventType.TABLE_MAP or event[4] in ROWS_EVENTS):
            found.append(event)
    return found


def test_what_a_log_says_of_sequences_is_set_by_setval_and_taken_out_of_the_rows(server: _Server) -> None:
    of_tables = _events("u", "v")
    values = SequenceValues(object())  # type: ignore[arg-type]
    mixed = [*_events("s"), *of_tables, *_events("s")]
    assert values.without(b"".join(mixed), has_crc=True) == b"".join(of_tables)
    assert [sql for sql in server.asked if "SETVAL" in sql] == [
        f"SELECT SETVAL(`d`.`s`, {number}, 0, 0)" for number in (5010, 9005, 5010, 9005)
    ]
    assert sum("minimum_value" in sql for sql in server.asked) == 1, "its definition is asked for once"


def test_rows_without_sequences_are_the_very_same_bytes_and_nothing_is_asked(server: _Server) -> None:
    data = b"".join(_events("u", "v"))
    assert SequenceValues(object()).without(data, has_crc=True) is data  # type: ignore[arg-type]
    assert not server.asked


def test_a_statement_that_a_sequence_has_ended_is_ended_by_what_is_left_of_it(server: _Server) -> None:
    table_map, rows, *_ = _events("u")
    open_rows = resized(rows[:25] + b"\0\0" + rows[27:], has_crc=True)
    assert ends_statement(rows) and not ends_statement(open_rows)
    made = SequenceValues(object()).without(b"".join([table_map, open_rows, *_events("s")]), has_crc=True)  # type: ignore[arg-type]
    assert ends_statement(list(split(made))[-1])


def test_a_sequence_that_was_made_another_one_by_insert_stops_the_job(server: _Server) -> None:
    server.definition = (1, 99, 10, 5, 1000, 1)
    wanted = r"the sequence d\.s is another one on the source \(maximum_value 92\d+ there, 99 here, cyc"
    with pytest.raises(Unsupported, match=wanted):
        SequenceValues(object()).without(b"".join(_events("s")), has_crc=True)  # type: ignore[arg-type]
    assert not any("SETVAL" in sql for sql in server.asked)


def test_a_sequence_that_is_not_there_or_is_a_table_is_a_divergence(server: _Server) -> None:
    check_sequence(object(), TableName("d", "s"))  # type: ignore[arg-type]
    server.kind = "BASE TABLE"
    with pytest.raises(Divergence, match=r"the sequence d\.s on the source"):
        check_sequence(object(), TableName("d", "s"))  # type: ignore[arg-type]


def test_a_copied_sequence_is_made_and_goes_on_where_the_sources_does(server: _Server) -> None:
    make_sequences(object(), [NumberSequence("d", "s", " start with 10 increment by 5 cycle", 35, 2)])  # type: ignore[arg-type]
    assert server.asked == [
        "CREATE SEQUENCE `d`.`s` start with 10 increment by 5 cycle",
        "SELECT SETVAL(`d`.`s`, 35, 0, 2)",
    ]
