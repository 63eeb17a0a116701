"""Conditions are true of a row in the session in which they are asked: the job's own, or one like the writer's."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.binlog.table_map import TableName
from udup.drivers.mysql.rows.codec import FUNCTIONS_MAX
from udup.drivers.mysql.rows.temporal import Date, DateTime, Timestamp
from udup.drivers.mysql.rows.values import ABSENT, Value
from udup.drivers.mysql.statements.plan import PlanColumn, TablePlan
from udup.drivers.mysql.statements.texts import TableTexts

DATE = ColumnDefinition(ColumnType.DATE, b"", False)
CLOCK = ColumnDefinition(ColumnType.DATETIME, b"\0", False)
MOMENT = ColumnDefinition(ColumnType.TIMESTAMP, b"\0", False)
UTF8MB3 = ColumnDefinition(ColumnType.VARCHAR, b"\x1e\0", False, collation=33)
CHAR = ColumnDefinition(ColumnType.STRING, b"\xfe\x1e", False, collation=255)
NUMBER = ColumnDefinition(ColumnType.LONG, b"", False)


def _texts(*definitions: ColumnDefinition, zoned: bool = True, lacks_default: bool = False) -> TableTexts:
    columns = tuple(PlanColumn(f"`c{number}`", each) for number, each in enumerate(definitions))
    return TableTexts(TablePlan(TableName("s", "t"), columns, (0,), lacks_default=lacks_default), zoned=zoned)


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        *((DATE, Date.parse(text)) for text in ("0000-00-00", "2021-00-10", "2021-02-00", "2021-02-31", "0000-01-01")),
        (CLOCK, DateTime.parse("2021-02-29 10:00:00")),
        (MOMENT, Timestamp(0)),
    ],
    ids=str,
)
def test_a_date_that_is_no_day_is_no_constant_where_the_sessions_mode_may_refuse_it(
    definition: ColumnDefinition, value: Value
) -> None:
    assert _texts(definition).where((value,)).startswith("CAST(`c0` AS CHAR) = '")
    assert _texts(definition, zoned=False).where((value,)).startswith("`c0` = '")


@pytest.mark.parametrize("text", ["2024-02-29", "2021-12-31", "9999-12-31"])
def test_a_day_is_one_in_every_mode(text: str) -> None:
    assert _texts(DATE).where((Date.parse(text),)) == f"`c0` = '{text}'"


@pytest.mark.parametrize("zoned", [True, False])
def test_no_condition_of_a_legacy_set_warns(zoned: bool) -> None:
    found = _texts(UTF8MB3, zoned=zoned).where((b"a",))
    assert found == "(`c0` = _utf8mb4 x'61' AND CAST(`c0` AS BINARY) = x'61')"


def test_a_char_is_compared_without_the_blanks_that_a_mode_adds() -> None:
    plan = TablePlan(TableName("s", "t"), (PlanColumn("`c`", CHAR, characters=9),), (0,))
    assert TableTexts(plan, zoned=True).where((b"a",)) == (
        "(`c` IN (_utf8mb4 x'61', RPAD(_utf8mb4 x'61', 9, ' '))"
        " AND CAST(TRIM(TRAILING ' ' FROM `c`) AS BINARY) = x'61')"
    )
    assert TableTexts(plan, zoned=False).where((b"a",)) == "(`c` = _utf8mb4 x'61' AND CAST(`c` AS BINARY) = x'61')"


def test_a_row_for_which_the_target_lacks_a_default_goes_in_a_session_that_is_not_strict() -> None:
    for lacks in (False, True):
        ((text, odd),) = _texts(NUMBER, lacks_default=lacks).rows((0,), [(None, (7,))])
        assert (text, odd) == ("(7)", lacks)


def test_what_is_kept_of_a_table_is_bounded() -> None:
    texts = _texts(*[NUMBER] * 10)
    for number in range(FUNCTIONS_MAX * 2):
        row = tuple(1 if number >> place & 1 else ABSENT for place in range(10))
        places = texts.inserted(row)
        texts.head(places)
        texts.rows(places, [])
    assert len(texts._inserts) == len(texts._heads) == FUNCTIONS_MAX
