"""Types of Oracle's become types that hold each value exactly; a value that does not fit is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from udup.drivers.mysql.rows.temporal import DateTime
from udup.drivers.oracle import statements
from udup.drivers.oracle.literals import NoFit
from udup.drivers.oracle.logminer.values import UNSUPPORTED, Call, Literal
from udup.drivers.oracle.times import OddTime
from udup.drivers.oracle.types import OracleColumn, mapped


def number(precision: int | None, scale: int | None) -> OracleColumn:
    return OracleColumn("C", "NUMBER", 22, 0, precision, scale)


@pytest.mark.parametrize(
    ("column", "there"),
    [
        (number(2, 0), "tinyint"),
        (number(3, 0), "smallint"),
        (number(4, 0), "smallint"),
        (number(6, 0), "mediumint"),
        (number(9, 0), "int"),
        (number(18, 0), "bigint"),
        (number(19, 0), "decimal(19,0)"),
        (number(38, 0), "decimal(38,0)"),
        (number(None, 0), "decimal(38,0)"),
        (number(None, None), "decimal(65,30)"),
        (number(10, 2), "decimal(10,2)"),
        (number(3, 5), "decimal(5,5)"),
        (number(3, -2), "mediumint"),
        (number(38, -20), "decimal(58,0)"),
        (OracleColumn("C", "FLOAT", 22, 0, 126), "decimal(65,30)"),
        (OracleColumn("C", "BINARY_FLOAT"), "float"),
        (OracleColumn("C", "BINARY_DOUBLE"), "double"),
        (OracleColumn("C", "VARCHAR2", 80, 20), "varchar(20)"),
        (OracleColumn("C", "CHAR", 300, 300), "varchar(300)"),
        (OracleColumn("C", "NVARCHAR2", 40, 20), "varchar(20)"),
        (OracleColumn("C", "RAW", 16), "varbinary(16)"),
        (OracleColumn("C", "DATE"), "datetime"),
        (OracleColumn("C", "TIMESTAMP(0)", scale=0), "datetime"),
        (OracleColumn("C", "TIMESTAMP(3)", scale=3), "datetime(3)"),
        (OracleColumn("C", "TIMESTAMP(9)", scale=9), "datetime(6)"),
        (OracleColumn("C", "TIMESTAMP(6) WITH TIME ZONE", scale=6), "varchar(40)"),
        (OracleColumn("C", "TIMESTAMP(6) WITH LOCAL TIME ZONE", scale=6), "datetime(6)"),
        (OracleColumn("C", "INTERVAL DAY(2) TO SECOND(6)"), "varchar(32)"),
        (OracleColumn("C", "INTERVAL YEAR(2) TO MONTH"), "varchar(32)"),
        (OracleColumn("C", "CLOB"), "longtext"),
        (OracleColumn("C", "BLOB"), "longblob"),
        (OracleColumn("C", "ROWID"), "varchar(18)"),
    ],
)
def test_a_type_has_its_type_on_the_target(column: OracleColumn, there: str) -> None:
    assert mapped(column).column_type == there


@pytest.mark.parametrize(
    "column",
    [
        number(38, 31),
        number(38, -40),
        OracleColumn("C", "LONG"),
        OracleColumn("C", "BFILE"),
        OracleColumn("C", "XMLTYPE"),
        OracleColumn("C", "SDO_GEOMETRY"),
        OracleColumn("C", "JSON"),
        OracleColumn("C", "BOOLEAN"),
        OracleColumn("C", "VECTOR"),
        OracleColumn("C", "VARCHAR2", 32767, 32767),
        OracleColumn("C", "RAW", 32767),
        OracleColumn("C", "NUMBER", virtual=True),
        OracleColumn("C", "NUMBER", hidden=True),
    ],
)
def test_other_types_are_refused(column: OracleColumn) -> None:
    with pytest.raises(NoFit):
        mapped(column)


STAMP = OracleColumn("C", "TIMESTAMP(9)", scale=9)
ZONED = OracleColumn("C", "TIMESTAMP(6) WITH TIME ZONE", scale=6)
LOCAL = OracleColumn("C", "TIMESTAMP(6) WITH LOCAL TIME ZONE", scale=6)


@pytest.mark.parametrize(
    ("column", "literal", "value"),
    [
        (number(4, 0), "-9999", -9999),
        (number(4, 0), None, None),
        (number(4, 0), "", None),
        (number(38, 0), "1" * 38, Decimal("1" * 38)),
        (number(10, 2), "-.5", Decimal("-0.50")),
        (number(3, -2), "12300", 12300),
        (number(None, None), "1E-30", Decimal("1E-30")),
        (number(None, None), "12345678901234567890.5", Decimal("12345678901234567890.5")),
        (OracleColumn("C", "BINARY_DOUBLE"), "1.0000000000000001E-001", 0.1),
        (OracleColumn("C", "BINARY_FLOAT"), "1.00000001E-001", 0.10000000149011612),
        (OracleColumn("C", "BINARY_FLOAT"), "5.0E-001", 0.5),
        (OracleColumn("C", "VARCHAR2", 80, 20), "中", "中".encode()),
        (OracleColumn("C", "VARCHAR2", 80, 20), "", None),
        (OracleColumn("C", "CHAR", 5, 5), "ab   ", b"ab   "),
        (OracleColumn("C", "RAW", 16), b"\0\1", b"\0\1"),
        (OracleColumn("C", "DATE"), Call("TO_DATE", "2024-02-29 13:14:15"), DateTime.of(2024, 2, 29, 13, 14, 15)),
        (OracleColumn("C", "DATE"), " 2024-02-29 00:00:00", DateTime.of(2024, 2, 29)),
        (STAMP, Call("TO_TIMESTAMP", " 2024-02-29 13:14:15.5"), DateTime.of(2024, 2, 29, 13, 14, 15, 500000)),
        (STAMP, Call("TO_TIMESTAMP", "2024-02-29 13:14:15.123456000"), DateTime.of(2024, 2, 29, 13, 14, 15, 123456)),
        (ZONED, Call("TO_TIMESTAMP_TZ", "2024-02-29 13:14:15.5 -03:30"), b"2024-02-29 13:14:15.500000000 -03:30"),
        (ZONED, " 2024-02-29 13:14:15.500000000 -03:30", b"2024-02-29 13:14:15.500000000 -03:30"),
        (LOCAL, Call("TO_TIMESTAMP_TZ", "2024-03-01 00:30:00.0 +01:00"), DateTime.of(2024, 2, 29, 23, 30, 0)),
        (OracleColumn("C", "INTERVAL DAY(2) TO SECOND(6)"), "+02 10:20:30.000000", b"+2 10:20:30.000000000"),
        (OracleColumn("C", "INTERVAL YEAR(2) TO MONTH"), Call("TO_YMINTERVAL", "-02-11"), b"-2-11"),
        (OracleColumn("C", "CLOB"), Call("EMPTY_CLOB"), b""),
        (OracleColumn("C", "BLOB"), Call("EMPTY_BLOB"), b""),
    ],
)
def test_a_value_is_exact(column: OracleColumn, literal: Literal, value: object) -> None:
    assert mapped(column).value(literal) == value


@pytest.mark.parametrize(
    ("column", "literal"),
    [
        (number(10, 2), "1.234"),
        (number(4, 0), "1.5"),
        (number(4, 0), "x"),
        (number(None, None), "1E-31"),
        (number(None, None), "1E36"),
        (OracleColumn("C", "BINARY_DOUBLE"), "Inf"),
        (OracleColumn("C", "BINARY_DOUBLE"), "Nan"),
        (OracleColumn("C", "BINARY_DOUBLE"), ".1"),
        (OracleColumn("C", "BINARY_FLOAT"), "1.0E+300"),
        (OracleColumn("C", "VARCHAR2", 80, 20), "\ud83d"),
        (OracleColumn("C", "VARCHAR2", 80, 20), b"x"),
        (OracleColumn("C", "VARCHAR2", 80, 20), UNSUPPORTED),
        (OracleColumn("C", "RAW", 16), "text"),
        (OracleColumn("C", "DATE"), Call("TO_DATE", "29-FEB-24")),
        (OracleColumn("C", "DATE"), Call("TO_DATE", "2024-02-29 13:14:15", "DD.MM.YYYY")),
        (OracleColumn("C", "DATE"), Call("TO_DATE", "-4712-01-01 00:00:00")),
        (OracleColumn("C", "DATE"), Call("TO_DATE", " 0999-12-31 00:00:00")),
        (OracleColumn("C", "DATE"), Call("TO_DATE", "2023-02-29 00:00:00")),
        (OracleColumn("C", "DATE"), Call("TO_TIMESTAMP", "2024-02-29 00:00:00")),
        (STAMP, Call("TO_TIMESTAMP", "2024-02-29 13:14:15.123456789")),
        (OracleColumn("C", "TIMESTAMP(3)", scale=3), Call("TO_TIMESTAMP", "2024-02-29 13:14:15.123456")),
        (ZONED, Call("TO_TIMESTAMP_TZ", "2024-02-29 13:14:15.5 EUROPE/BERLIN")),
        (ZONED, Call("TO_TIMESTAMP_TZ", "2024-02-29 13:14:15.5")),
        (LOCAL, Call("TO_TIMESTAMP", "2024-02-29 13:14:15.5")),
        (OracleColumn("C", "INTERVAL YEAR(2) TO MONTH"), Call("TO_YMINTERVAL", "2 years")),
    ],
)
def test_a_value_that_is_not_exact_is_refused(column: OracleColumn, literal: Literal) -> None:
    with pytest.raises((NoFit, OddTime)):
        mapped(column).value(literal)


def test_redo_prints_years_bc_so_that_they_are_seen() -> None:
    """YYYY prints the year 2000 BC like 2000 AD."""
    formats = [sql for sql in statements.SESSION if "DATE_FORMAT" in sql or "TIMESTAMP" in sql]
    assert len(formats) == 3
    assert all("'SYYYY-" in sql for sql in formats)
    with pytest.raises(OddTime, match="before the year 1000"):
        mapped(OracleColumn("C", "DATE")).value(Call("TO_DATE", "-2000-01-01 00:00:00", "SYYYY-MM-DD HH24:MI:SS"))
