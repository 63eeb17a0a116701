"""How a filter is read: as MySQL reads it, and what is refused."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.filters.columns import FilterColumn, Kind
from udup.drivers.mysql.filters.lexer import FilterProblem
from udup.drivers.mysql.filters.meaning import Columns, condition
from udup.drivers.mysql.filters.parser import parse

COLUMNS = Columns(
    [
        *(FilterColumn(name, Kind.NUMBER, "NULL") for name in ("a", "b", "c", "select")),
        *(FilterColumn(kind.name.lower(), kind, "NULL") for kind in Kind),
        FilterColumn("due", Kind.DATE, "NULL", nullable=False),
    ]
)


def sql(where: str) -> str:
    return condition(parse(where), COLUMNS)


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        ("a = 1 OR b = 2 AND c = 3", "((`a` = 1) OR ((`b` = 2) AND (`c` = 3)))"),
        ("a = 1 XOR b = 2 AND c", "((`a` = 1) XOR ((`b` = 2) AND `c`))"),
        ("NOT a = 1", "(NOT (`a` = 1))"),
        ("NOT a IS NULL", "(NOT (`a` IS NULL))"),
        ("a = 1 IS TRUE", "((`a` = 1) IS TRUE)"),
        ("a BETWEEN 1 AND 2 AND b", "((`a` BETWEEN 1 AND 2) AND `b`)"),
        ("a + 2 * 3 = 7", "((`a` + (2 * 3)) = 7)"),
        ("a & 2 = 2", "((`a` & 2) = 2)"),
        ("a | b & c << 1 + 2", "(`a` | (`b` & (`c` << (1 + 2))))"),
        ("-a ^ 2 = 1", "(((- `a`) ^ 2) = 1)"),
        ("a MOD 2", "(`a` % 2)"),
        ("A = -1", "(`a` = -1)"),
        ("`select` = 1", "(`select` = 1)"),
        ("t.a = 1 and shop.t.b = 2", "((`a` = 1) AND (`b` = 2))"),
        ("text = 'it''s' 'x' ", "(`text` = _utf8mb4'it''sx')"),
        (r"text = 'a\\b\n\'\%'", "(`text` = _utf8mb4'a\\\\b\n''\\\\%')"),
        ('text = "a""b"', "(`text` = _utf8mb4'a\"b')"),
        ("bytes = 0xfF", "(`bytes` = _binary x'ff')"),
        ("bits = b'101'", "(`bits` = 5)"),
        ("json->>'$.a' = 'x'", "(JSON_UNQUOTE(JSON_EXTRACT(`json`, _utf8mb4'$.a')) = _utf8mb4'x')"),
        ("CAST(a AS CHAR(3)) LIKE '1%' ESCAPE '|'",
         "(CAST(`a` AS CHAR(3) CHARACTER SET utf8mb4) LIKE _utf8mb4'1%' ESCAPE _utf8mb4'|')"),
        ("date + INTERVAL 1 DAY > '2024-01-01'", "((`date` + INTERVAL 1 DAY) > _utf8mb4'2024-01-01')"),
        ("HEX(a) = 'F'", "(CONVERT(HEX(`a`) USING utf8mb4) = _utf8mb4'F')"),
        ("CASE a WHEN 1 THEN 2 ELSE 3 END = 2", "((CASE `a` WHEN 1 THEN 2 ELSE 3 END) = 2)"),
    ],
)  # fmt: skip
def test_a_filter_is_read_as_mysql_reads_it(where: str, meant: str) -> None:
    assert sql(where) == meant


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("a IN (SELECT 1)", "a subquery"),
        ("EXISTS (SELECT 1)", "a subquery"),
        ("a = ANY (SELECT 1)", "a subquery"),
        ("a = @x", "a variable"),
        ("a = @@global.x", "a variable"),
        ("a = ?", "a parameter"),
        ("a = 1; DROP TABLE t", "the end of a statement"),
        ("a = 1) OR (1", "where it should end"),
        ("a = 1 -- x", "a comment"),
        ("a = 1 /*! OR 1 */", "a comment"),
        ("a = 1 # x", "a comment"),
        ("a || b", r"\|\|, which means OR or CONCAT"),
        ("!a", "!, which binds otherwise"),
        ("a > RAND()", "the function RAND, which is not among"),
        ("date < NOW()", "the function NOW, which is not among"),
        ("date < CURRENT_DATE", "CURRENT_DATE, whose answer is another one at another time"),
        ("text = USER()", "the function USER"),
        ("SLEEP(1)", "the function SLEEP"),
        ("DATE_FORMAT(date, '%W') = 'x'", "the function DATE_FORMAT"),
        ("shop.f(a) = 1", "a stored function"),
        ("MATCH (text) AGAINST ('x')", "a full-text search"),
        ("(a, b) = (1, 2)", "a list of values"),
        ("a = ", "its end where a value should stand"),
        ("a = 'x", "does not end"),
        ("nobody = 1", "looks at nobody, and the table has no such column"),
        ("text", "has a text where a condition should stand"),
        ("time > date", "takes the present day"),
        ("time > '2024-01-01'", "a TIME is compared with hh:mm:ss"),
        ("listed = 1", "compare it with the text of a member"),
        ("listed + 1 = 2", "takes an ENUM or SET for a number"),
        ("year = 24", "whole numbers of four digits"),
        ("bits = '1'", "a BIT is compared with whole numbers"),
        ("shape = 'x'", "a geometry or vector is compared with nothing"),
        ("COALESCE(text, 1) = 1", "write a CAST"),
        ("LOWER(real) = '1'", "takes a FLOAT or DOUBLE for a text"),
        ("due IS NULL", "finds the date of zeros"),
        ("IF(a) = 1", "gives IF 1 arguments"),
        ("a COLLATE utf8mb4_bin = 'x' COLLATE 'y'", "no name of a collation"),
        ("(" * 70 + "a" + ")" * 70, "more than 24 expressions"),
        ("-" * 2 + "a", "a comment"),
        ("a" + " XOR a" * 300, "more than 100 operations"),
        ("NOT " * 300 + "a", "more than 100 operations"),
        ("a" + " + 1" * 300, "more than 100 operations"),
    ],
)
def test_what_does_not_depend_on_the_row_alone_is_refused(where: str, problem: str) -> None:
    with pytest.raises(FilterProblem, match=problem):
        sql(where)
