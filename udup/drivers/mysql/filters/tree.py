"""A row filter as a tree of what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Node:
    """Any part of a filter; `parts` are the parts that it is made of."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True)
class ColumnRef(Node):
    name: str = ""


@dataclass(frozen=True)
class Constant(Node):
    """A literal: None for NULL, `bytes` for a binary one, `float` where it has an exponent.

    `typed` is DATE, TIME or TIMESTAMP where the literal says so, BITS for `b'101'`.
    """

    value: int | Decimal | float | str | bytes | None = None
    typed: str = ""


@dataclass(frozen=True)
class Junction(Node):
    """AND, OR, XOR of its parts."""

    word: str = "AND"


@dataclass(frozen=True)
class Negation(Node):
    """NOT."""


@dataclass(frozen=True)
class IsNull(Node):
    negated: bool = False


@dataclass(frozen=True)
class IsTruth(Node):
    """IS TRUE, IS FALSE, IS UNKNOWN (None)."""

    truth: bool | None = True
    negated: bool = False


@dataclass(frozen=True)
class Comparison(Node):
    sign: str = "="


@dataclass(frozen=True)
class Between(Node):
    """The value, the lower and the upper bound."""

    negated: bool = False


@dataclass(frozen=True)
class InList(Node):
    """The value, then the list."""

    negated: bool = False


@dataclass(frozen=True)
class Match(Node):
    """LIKE or REGEXP: the text and the pattern."""

    word: str = "LIKE"
    negated: bool = False
    escape: str | None = None


@dataclass(frozen=True)
class Arithmetic(Node):
    """A sign with one operand or two."""

    sign: str = "+"


@dataclass(frozen=True)
class Shifted(Node):
    """A date and a number of units: `+ INTERVAL n DAY`."""

    sign: str = "+"
    unit: str = "DAY"


@dataclass(frozen=True)
class Call(Node):
    name: str = ""


@dataclass(frozen=True)
class Cast(Node):
    """`type` is CHAR, BINARY, SIGNED, UNSIGNED, DOUBLE, DECIMAL, DATE or DATETIME; `size` as written behind it."""

    type: str = "CHAR"
    size: str = ""


@dataclass(frozen=True)
class Collated(Node):
    collation: str = ""


@dataclass(frozen=True)
class Choice(Node):
    """CASE: `subject` if there is one, then pairs of condition and result, and the other result last if given."""

    has_subject: bool = False
    has_other: bool = False


def column_names(node: Node) -> Iterator[str]:
    """Yield the names of the columns that a filter looks at, as it writes them, as often as it does."""
    if isinstance(node, ColumnRef):
        yield node.name
    for part in node.parts:
        yield from column_names(part)


def is_deeper(node: Node, most: int) -> bool:
    """Return whether a tree has more levels than can be walked; long chains of one sign have many."""
    level = [node]
    for _ in range(most):
        level = [part for each in level for part in each.parts]
        if not level:
            return False
    return True
