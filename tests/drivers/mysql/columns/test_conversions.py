"""Which values of a source's column are values of another type on the target."""

from __future__ import annotations

from dataclasses import replace

import pytest

from udup.base.errors import Conflict
from udup.drivers.mysql.apply.column_check import TargetColumn
from udup.drivers.mysql.binlog.table_map import TableName
from udup.drivers.mysql.columns.conversions import Conversion, NoConversion, conversion
from udup.drivers.mysql.columns.existing import Collations, compared, described
from udup.drivers.mysql.columns.plans import ConvertedPlan
from udup.drivers.mysql.dictionary.catalog import Column, Table
from udup.drivers.mysql.load.row_statements import insert_statements, load_statement
from udup.drivers.mysql.statements.plan import PlanColumn, TablePlan

CHARSETS = {63: "binary", 8: "latin1", 255: "utf8mb4", 76: "utf8mb3", 65: "ascii", 28: "gbk"}
COLLATIONS = Collations(CHARSETS, {name: number for number, name in CHARSETS.items()})
_WIDTHS = {"latin1": 1, "ascii": 1, "utf8mb3": 3, "utf8mb4": 4, "gbk": 2}


def column(type_: str, charset: str | None = None, *, nullable: bool = True, name: str = "c") -> Column:
    kind = type_.partition("(")[0].split()[0].lower()
    octets = 0
    if kind in ("char", "varchar"):
        charset = charset or "utf8mb4"
        octets = int(type_.partition("(")[2].rstrip(")")) * _WIDTHS[charset]
    elif kind in ("varbinary", "binary"):
        octets = int(type_.partition("(")[2].rstrip(")"))
    elif kind in ("tinytext", "text"):
        charset, octets = charset or "utf8mb4", 255 if kind == "tinytext" else 65535
    elif kind in ("tinyblob", "blob"):
        octets = 255 if kind == "tinyblob" else 65535
    elif kind in ("enum", "set"):
        charset = "utf8mb4"
    return Column(name, kind, type_, charset, charset, nullable, False, octets)


def target(type_: str, charset: str | None = None, *, nullable: bool = True) -> TargetColumn:
    made = column(type_, charset, nullable=nullable)
    letters = made.octets // _WIDTHS[made.charset] if made.charset in _WIDTHS and made.kind.endswith("char") else 0
    there = described(made, COLLATIONS)
    return TargetColumn(there.definition, type_, made.charset, there.members, made.octets, letters)


def how(source: Column, other: TargetColumn) -> Conversion | NoConversion:
    mine = described(source, COLLATIONS)
    return conversion(mine.definition, mine.members or None, other, CHARSETS)


@pytest.mark.parametrize(
    ("source", "other"),
    [
        (column("smallint unsigned"), target("int")),
        (column("bigint"), target("decimal(19,0)")),
        (column("bigint unsigned"), target("decimal(20,0)")),
        (column("decimal(8,2)"), target("decimal(10,4)")),
        (column("float"), target("double")),
        (column("varchar(20)"), target("varchar(50)")),
        (column("varchar(20)", "latin1"), target("varchar(20)", "utf8mb4")),
        (column("varchar(20)", "utf8mb3"), target("text", "utf8mb4")),
        (column("char(5)"), target("char(6)")),
        (column("tinytext"), target("text")),
        (column("varbinary(5)"), target("blob")),
        (column("varchar(5)", "gbk"), target("varchar(6)", "gbk")),
        (column("datetime"), target("datetime(6)")),
        (column("time(2)"), target("time(3)")),
        (column("date"), target("datetime")),
        (column("bit(5)"), target("bit(9)")),
        (column("enum('a','b')"), target("enum('a','b','c')")),
    ],
)
def test_every_value_fits_a_wider_type(source: Column, other: TargetColumn) -> None:
    found = how(source, other)
    assert isinstance(found, Conversion) and found.fits is None and found.takes_null


@pytest.mark.parametrize(
    ("source", "other", "fit", "do_not"),
    [
        (column("int"), target("tinyint"), [b"-128", b"127"], [b"128", b"-129"]),
        (column("int"), target("bigint unsigned"), [b"0"], [b"-1"]),
        (column("int"), target("decimal(4,2)"), [b"99", b"-99"], [b"100"]),
        (column("decimal(8,4)"), target("decimal(5,2)"), [b"123.4500", b"-999.99"], [b"1000.00", b"0.001"]),
        (
            column("decimal(65,20)"),
            target("decimal(48,10)"),
            [b"9" * 38 + b"." + b"9" * 10 + b"0" * 10, b"-" + b"9" * 38 + b".0", b"0" * 7 + b"9" * 38],
            [b"1" + b"0" * 38, b"12345678901234567890.00000000000000000001", b"0.00000000001"],
        ),
        (column("decimal(5,2)"), target("decimal(5,2) unsigned"), [b"0.01", b"-0.00"], [b"-0.01", b"-1.00"]),
        (
            column("timestamp(6)"),
            target("timestamp(3)"),
            [b"2020-01-01 00:00:00.123000+00:00", b"2020-01-01 00:00:00.123000"],
            [b"2020-01-01 00:00:00.123400+00:00"],
        ),
        (column("double"), target("float"), [b"0.5", b"-0.0"], [b"0.1", b"1e300"]),
        (column("varchar(9)"), target("varchar(2)"), ["äö".encode(), b""], [b"abc"]),
        (column("varchar(9)"), target("char(9)"), [b" a"], [b"a "]),
        (column("varchar(9)"), target("varchar(9)", "latin1"), ["ä€\x81".encode()], ["ł".encode(), b"\xff"]),
        (column("varchar(9)"), target("varchar(9)", "utf8mb3"), ["ł".encode()], ["\U0001f600".encode()]),
        (column("varchar(99)", "latin1"), target("tinytext", "utf8mb4"), [b"\xe4" * 99], ["€".encode("cp1252") * 99]),
        (column("text"), target("varchar(3)"), ["äöü".encode()], [b"abcd"]),
        (column("varbinary(9)"), target("varbinary(1)"), [b"\0"], [b"\0\0"]),
        (column("datetime(6)"), target("datetime(1)"), [b"2020-01-01 00:00:00.50"], [b"2020-01-01 00:00:00.510000"]),
        (column("time(3)"), target("time"), [b"-01:00:00.000", b"01:00:00"], [b"01:00:00.001"]),
    ],
)  # fmt: skip
def test_each_value_is_looked_at_where_not_all_fit(
    source: Column, other: TargetColumn, fit: list[bytes], do_not: list[bytes]
) -> None:
    found = how(source, other)
    assert isinstance(found, Conversion) and found.fits is not None
    assert [found.fits(text) for text in fit] == [True] * len(fit)
    assert [found.fits(text) for text in do_not] == [False] * len(do_not)


@pytest.mark.parametrize(
    ("source", "other"),
    [
        (column("int"), target("varchar(20)")),
        (column("varchar(20)"), target("int")),
        (column("varchar(20)"), target("varbinary(80)")),
        (column("binary(3)"), target("binary(4)")),
        (column("timestamp"), target("datetime")),
        (column("int"), target("double")),
        (column("decimal(5,2)"), target("double")),
        (column("float"), target("float(5,2)")),
        (column("varchar(20)", "gbk"), target("varchar(20)", "utf8mb4")),
        (column("varchar(20)", "gbk"), target("varchar(10)", "gbk")),
        (column("bit(9)"), target("bit(8)")),
        (column("enum('a','b')"), target("enum('b','a')")),
        (column("json"), target("text")),
    ],
)
def test_what_is_not_certain_is_refused(source: Column, other: TargetColumn) -> None:
    found = how(source, other)
    if source.kind == "float":
        assert isinstance(found, Conversion), "of one definition in the log; the digits are refused by themselves"
    else:
        assert isinstance(found, NoConversion) and found.source


def test_a_null_does_not_fit_where_none_may_be() -> None:
    found = how(column("int"), target("int", nullable=False))
    assert isinstance(found, Conversion) and found.looks and not found.takes_null
    found = how(column("int", nullable=False), target("int", nullable=False))
    assert isinstance(found, Conversion) and not found.looks


def _table(*columns: Column) -> Table:
    return Table("s", "t", columns, (), 0, 0, "")


def test_by_name_the_order_does_not_count_and_what_is_missing_is_told() -> None:
    here = [target("bigint"), target("text")]
    named = [
        TargetColumn(_named(each, name), each.column_type, each.charset, (), each.octets, each.letters)
        for each, name in zip(here, ("B", "A"), strict=True)
    ]
    table = _table(column("varchar(5)", name="a"), column("int", name="b"))
    problems, conversions = compared(table, named, COLLATIONS, converts=True)
    assert not problems and len(conversions) == 2
    problems, _ = compared(table, named[:1], COLLATIONS, converts=True)
    assert ["it has no column a" in each for each in problems] == [True]
    problems, _ = compared(table, named, COLLATIONS, converts=False)
    assert len(problems) == 2, "places count where rows go as events"
    rounding = TargetColumn(_named(target("float(5,2)"), "b"), "float(5,2)", None)
    problems, _ = compared(_table(column("float", name="b")), [rounding], COLLATIONS, converts=True)
    assert "which rounds" in problems[0]


def _named(each: TargetColumn, name: str):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(each.definition, name=name)


@pytest.mark.parametrize("own", ["utf8mb4", "utf8mb3", "latin1", "ascii"])
@pytest.mark.parametrize("other", ["utf8mb4", "utf8mb3", "latin1", "ascii"])
def test_no_statement_names_a_set_that_warns(own: str, other: str) -> None:
    """MySQL warns of utf8mb3 in every statement, and a warning is what a copy stops at."""
    source, there = column("varchar(9)", own), target("varchar(9)", other)
    found = how(source, there)
    assert isinstance(found, Conversion)
    table = _table(source)
    text = load_statement(table, {"c": found.charset}) + "".join(found.texts)
    text += b"".join(insert_statements(table, b"", [b"'a'\n"], 99, charsets={"c": found.charset})).decode()
    assert "utf8mb3" not in text
    same_bytes = own == other or (own, other) == ("utf8mb3", "utf8mb4")
    assert bool(found.charset) != same_bytes


def test_a_value_of_the_log_that_does_not_fit_is_told_with_what_helps_there() -> None:
    """No change on the source takes it out of the log."""
    source, there = column("varchar(9)"), target("varchar(2)")
    found = how(source, there)
    assert isinstance(found, Conversion)
    definition = replace(described(source, COLLATIONS).definition, name="c")
    plan = ConvertedPlan(TablePlan(TableName("s", "t"), (PlanColumn("`c`", definition),), ()), (found,))
    plan.check([(None, (b"ab",)), ((b"ab",), None)])
    with pytest.raises(Conflict, match="udup job skip") as stopped:
        plan.check([(None, (b"abc",))])
    assert "value on the source" not in str(stopped.value)
