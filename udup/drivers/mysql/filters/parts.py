"""A part of a filter with what is known of its values, and literals as SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from udup.drivers.mysql.filters.columns import Kind
from udup.drivers.mysql.filters.lexer import FilterProblem
from udup.drivers.mysql.filters.tree import Cast, ColumnRef, Constant, Node

CLOCK = re.compile(r"-?\d{2,3}:\d\d:\d\d(\.\d{1,6})?")


@dataclass(frozen=True)
class Meaning:
    """A part of a filter: its kind, its SQL, and the node that it is of. `padded`: its text has a column's zeros."""

    kind: Kind
    sql: str
    node: Node
    padded: bool = False


def constant(node: Constant) -> Meaning:
    value = node.value
    if node.typed and isinstance(value, str):
        kind = {"DATE": Kind.DATE, "TIME": Kind.TIME, "TIMESTAMP": Kind.DATETIME}[node.typed]
        if kind is Kind.TIME and not CLOCK.fullmatch(value):
            raise FilterProblem(f"has a TIME that is not written hh:mm:ss: {value!r}")
        return Meaning(kind, f"{node.typed}{_plain_quoted(value)}", node)
    if value is None:
        return Meaning(Kind.NULL, "NULL", node)
    if isinstance(value, str):
        return Meaning(Kind.TEXT, quoted(value), node)
    if isinstance(value, bytes):
        return Meaning(Kind.BYTES, f"_binary x'{value.hex()}'", node)
    if isinstance(value, float):
        text = repr(value)
        if "inf" in text:
            raise FilterProblem("has a number beyond what a DOUBLE holds")
        return Meaning(Kind.REAL, text if "e" in text else f"{text}e0", node)
    kind = Kind.BITS if node.typed == "BITS" else Kind.NUMBER
    return Meaning(kind, format(value, "f") if isinstance(value, Decimal) else str(value), node)


def check_padding(found: Meaning) -> None:
    """Raise `FilterProblem` for the text of a number that has zeros in front, of which the log does not tell."""
    if found.padded:
        raise FilterProblem(
            f"takes {found.sql} for a text, whose zeros (ZEROFILL) the log does not tell: compare numbers"
        )


def is_plain_double(found: Meaning) -> bool:
    """Return whether a part is a DOUBLE whose digits are not counted, so that no quotient of it has counted ones."""
    node = found.node
    if isinstance(node, Cast):
        return node.type == "DOUBLE"
    return found.kind is Kind.REAL and isinstance(node, (ColumnRef, Constant))


def quoted(text: str) -> str:
    """Return a text of utf8mb4, whatever the session's character set is."""
    return f"_utf8mb4{_plain_quoted(text)}"


def _plain_quoted(text: str) -> str:
    """Return a text in quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0") + "'"
