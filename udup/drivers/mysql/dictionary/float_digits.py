"""FLOAT(M,D) and DOUBLE(M,D): columns whose text is not their value.

The server rounds and clips to these digits what comes in as SQL, but ALTER TABLE changes the digits without touching
the rows: a DOUBLE(10,2) may hold 12345.67891, and a FLOAT(10,5) holds 100000 for the 99999.99999 that was put in. No
text brings such a value back in, whatever its precision. So a copy loads them into the column without its digits, and
gives these back after the rows by an ALTER that, in turn, does not touch the rows.
"""

from __future__ import annotations

import re

from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.dictionary.catalog import Column

_DIGITS = re.compile(r"(?:float|double)\((?P<total>\d+),(?P<decimals>\d+)\)", re.IGNORECASE)

#: Definitions that compute from a column while its rows are loaded, and keep the result.
_COMPUTES = re.compile(r"GENERATED ALWAYS AS|PARTITION BY|KEY `(?:[^`]|``)*` \([^\n]*?[(,]\(")


def digits(column: Column) -> tuple[int, int] | None:
    """M and D of such a column."""
    found = _DIGITS.match(column.column_type) if column.kind in ("float", "double") else None
    return (int(found["total"]), int(found["decimals"])) if found else None


def is_loose(create_sql: str, column: Column) -> bool:
    """Return whether a copy loads the column without its digits."""
    return digits(column) is not None and not column.generated and not _is_bound(create_sql, column)


def _is_bound(create_sql: str, column: Column) -> bool:
    """Return whether the digits must be there while rows are loaded, as something may be computed from the column then.

    Asked of the text as a whole: rather once too often than not.
    """
    name = quote(column.name)
    if re.search(rf"{re.escape(name)} {_DIGITS.pattern}[^\n]* AUTO_INCREMENT\b", create_sql):
        return True
    computed = _COMPUTES.search(create_sql)
    return computed is not None and name in create_sql[computed.start() :]


def without_digits(item: str) -> str:
    """Return a column's line of CREATE TABLE without the digits of its type."""
    name_end = item.index("` ", 1) + 2  # a name may hold a quote, but is followed by its type
    head, rest = item[:name_end], item[name_end:]
    return head + _DIGITS.sub(lambda found: found.group().partition("(")[0], rest, count=1)


def text_loses(column: Column, *, casts: bool = True) -> str:
    """SQL: whether a value does not come back from the text of its digits.

    `casts`: the server has CAST(… AS FLOAT). Otherwise a FLOAT comes back if its text is nearer to it than to any
    other: by half of the last of its 24 bits at most.
    """
    total, decimals = digits(column) or (0, 0)
    name, kind = quote(column.name), column.kind.upper()
    text = f"CAST({name} AS CHAR)"
    if casts:
        same = f"CAST({text} AS {kind}) = CAST({name} AS {kind})"
    elif kind == "DOUBLE":
        same = f"{text} + 0e0 = {name} * 1e0"
    else:
        half = f"POW(2, FLOOR(LOG2(ABS({name} * 1e0))) - 24)"
        same = f"({name} = 0 OR ABS({name} * 1e0 - ({text} + 0e0)) <= {half})"
    return f"NOT ({same} AND ABS({name} * 1e0) < 1e{total - decimals})"
