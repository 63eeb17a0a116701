"""What a filter means for the columns of one table: checked, and written as SQL that means it in every session.

The source's server sees a filter in two forms: in the copy over the table itself, in the log over values of the
filter's columns that travel without it. Both must give the same answer. So what depends on the session is written out
(a text's character set, that of a number's text), and what depends on more than the values is refused: a TIME beside a
date takes the present day, an ENUM beside a number its place in the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.filters.columns import FilterColumn, Kind
from udup.drivers.mysql.filters.functions import FUNCTIONS, Answer
from udup.drivers.mysql.filters.lexer import FilterProblem
from udup.drivers.mysql.filters.parts import CLOCK, Meaning, check_padding, constant, is_plain_double, quoted
from udup.drivers.mysql.filters.tree import (
    Arithmetic,
    Between,
    Call,
    Cast,
    Choice,
    Collated,
    ColumnRef,
    Comparison,
    Constant,
    InList,
    IsNull,
    IsTruth,
    Junction,
    Match,
    Negation,
    Node,
    Shifted,
)

_NUMBERS = frozenset({Kind.NUMBER, Kind.REAL, Kind.YEAR, Kind.BITS})
_DAYS = frozenset({Kind.DATE, Kind.DATETIME})

#: The first number that a YEAR is compared with as it is: below it, the server takes it for one of two digits.
_FIRST_YEAR = 100


class Columns:
    """The columns of a table by their names, whose case does not count."""

    def __init__(self, columns: Iterable[FilterColumn]) -> None:
        self._by_name: Mapping[str, FilterColumn] = {column.name.casefold(): column for column in columns}

    def of(self, name: str) -> FilterColumn:
        """Return a column. Raise `FilterProblem` if there is none of this name."""
        found = self._by_name.get(name.casefold())
        if found is None:
            raise FilterProblem(f"looks at {name}, and the table has no such column")
        return found


def condition(node: Node, columns: Columns) -> str:
    """Return the SQL of a condition. Raise `FilterProblem` for what is not carried out."""
    return _Reader(columns).truth(node).sql


class _Reader:
    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def truth(self, node: Node) -> Meaning:
        found = self.read(node)
        if found.kind not in (Kind.NUMBER, Kind.REAL, Kind.BITS, Kind.NULL):
            raise FilterProblem(f"has {found.kind.value} where a condition should stand: {found.sql}")
        return found

    def read(self, node: Node) -> Meaning:
        match node:
            case ColumnRef():
                column = self._columns.of(node.name)
                if column.decimals is not None:
                    raise FilterProblem(
                        f"compares {column.name}, which the server compares within {column.decimals} digits and the "
                        f"log has exactly: write CAST({column.name} AS DECIMAL(…, {column.decimals})) or AS DOUBLE"
                    )
                return self._column(column, node)
            case Constant():
                return constant(node)
            case Junction():
                return self._flag(node, f" {node.word} ".join(self.truth(each).sql for each in node.parts))
            case Negation():
                return self._flag(node, f"NOT {self.truth(node.parts[0]).sql}")
            case IsNull():
                self._check_null(node.parts[0])
                return self._flag(node, f"{self._bare(node.parts[0]).sql} IS {_not(node.negated)}NULL")
            case IsTruth():
                word = "UNKNOWN" if node.truth is None else str(node.truth).upper()
                return self._flag(node, f"{self.truth(node.parts[0]).sql} IS {_not(node.negated)}{word}")
            case Comparison():
                one, other = self._compared(node.parts)
                return self._flag(node, f"{one.sql} {node.sign} {other.sql}")
            case Between():
                value, low, high = self._compared(node.parts)
                return self._flag(node, f"{value.sql} {_not(node.negated)}BETWEEN {low.sql} AND {high.sql}")
            case InList():
                value, *others = self._compared(node.parts)
                listed = ", ".join(each.sql for each in others)
                return self._flag(node, f"{value.sql} {_not(node.negated)}IN ({listed})")
            case Match():
                return self._match(node)
            case Arithmetic():
                return self._arithmetic(node)
            case Shifted():
                return self._shifted(node)
            case Call():
                return self._call(node)
            case Cast():
                return self._cast(node)
            case Collated():
                text = self._text(node.parts[0])
                if text.kind is not Kind.TEXT:
                    raise FilterProblem(f"has COLLATE behind {text.kind.value}")
                return Meaning(Kind.TEXT, f"({text.sql} COLLATE {node.collation})", node)
            case Choice():
                return self._choice(node)
        raise FilterProblem(f"has what is not carried out: {type(node).__name__}")

    @staticmethod
    def _column(column: FilterColumn, node: Node) -> Meaning:
        return Meaning(column.kind, quote(column.name), node, column.padded)

    def _bare(self, node: Node) -> Meaning:
        """Return what is cast, or asked for NULL: also a column of which nothing else may be asked."""
        return self._column(self._columns.of(node.name), node) if isinstance(node, ColumnRef) else self.read(node)

    def _check_null(self, node: Node) -> None:
        """Raise `FilterProblem` where IS NULL would find the date of zeros, as it does in a column without NULLs."""
        column = self._columns.of(node.name) if isinstance(node, ColumnRef) else None
        if column is not None and column.kind in _DAYS and not column.nullable:
            raise FilterProblem(
                f"asks whether {column.name} is NULL, which it never is; to the server that finds the date of zeros: "
                f"compare it with '0000-00-00'"
            )

    @staticmethod
    def _flag(node: Node, sql: str) -> Meaning:
        return Meaning(Kind.NUMBER, f"({sql})", node)

    # ---- Comparing ----

    def _compared(self, nodes: tuple[Node, ...]) -> list[Meaning]:
        """Return the parts of a comparison, of which the first is compared with each other one."""
        first, *others = (self.read(each) for each in nodes)
        for other in others:
            _check_pair(first, other)
        return [first, *others]

    def _match(self, node: Match) -> Meaning:
        text, pattern = self._text(node.parts[0]), self._text(node.parts[1])
        if node.word == "REGEXP" and Kind.BYTES in (text.kind, pattern.kind):
            raise FilterProblem("has REGEXP on a binary string")
        escape = "" if node.escape is None else f" ESCAPE {quoted(node.escape)}"
        return self._flag(node, f"{text.sql} {_not(node.negated)}{node.word} {pattern.sql}{escape}")

    # ---- Computing ----

    def _text(self, node: Node) -> Meaning:
        """Return a value as a text; a number's has a character set of its own, not the session's."""
        found = self.read(node)
        check_padding(found)
        if found.kind in (Kind.TEXT, Kind.BYTES, Kind.NULL):
            return found
        if found.kind is Kind.LISTED:
            # As a text, since the server looks a member up in the column of a SET, by its bytes (FIND_IN_SET).
            return Meaning(Kind.TEXT, f"CONCAT({found.sql})", node)
        if found.kind in (Kind.NUMBER, Kind.DATE, Kind.DATETIME):
            return Meaning(Kind.TEXT, f"CAST({found.sql} AS CHAR CHARACTER SET utf8mb4)", node)
        raise FilterProblem(f"takes {found.kind.value} for a text: {found.sql}")

    def _number(self, node: Node) -> Meaning:
        found = self.read(node)
        if found.kind not in _NUMBERS and found.kind is not Kind.NULL:
            raise FilterProblem(f"takes {found.kind.value} for a number: {found.sql}; write a CAST")
        return found

    def _day(self, node: Node) -> Meaning:
        found = self.read(node)
        if found.kind in _DAYS or found.kind is Kind.NULL:
            return found
        if isinstance(node, Constant) and isinstance(node.value, str) and not node.typed:
            return found
        raise FilterProblem(f"takes {found.kind.value} for a date: {found.sql}; write a CAST")

    def _arithmetic(self, node: Arithmetic) -> Meaning:
        operands = [self._number(each) for each in node.parts]
        kind = Kind.REAL if any(each.kind is Kind.REAL for each in operands) else Kind.NUMBER
        if len(operands) == 1:
            return Meaning(kind, f"({node.sign} {operands[0].sql})", node, operands[0].padded)
        if node.sign == "/" and not any(is_plain_double(each) for each in operands):
            raise FilterProblem(
                f"divides {operands[0].sql} by {operands[1].sql}, to as many digits as div_precision_increment says at "
                "the moment: write CAST(… AS DOUBLE) for one of them; DIV and % are exact"
            )
        return Meaning(kind, f"({operands[0].sql} {node.sign} {operands[1].sql})", node)

    def _shifted(self, node: Shifted) -> Meaning:
        date, count = self._day(node.parts[0]), self._number(node.parts[1])
        if date.kind is Kind.TEXT:
            raise FilterProblem("counts from a text: write DATE or TIMESTAMP in front of it")
        return Meaning(Kind.DATETIME, f"({date.sql} {node.sign} INTERVAL {count.sql} {node.unit})", node)

    def _cast(self, node: Cast) -> Meaning:
        value = self._bare(node.parts[0])
        if node.type in ("CHAR", "BINARY"):
            check_padding(value)
        if value.kind in (Kind.SHAPE, Kind.TIME):
            raise FilterProblem(f"has a CAST of {value.kind.value}: {value.sql}")
        if value.kind is Kind.LISTED and node.type not in ("CHAR", "BINARY"):
            raise FilterProblem(f"takes the number of a member: {value.sql}; an ENUM or SET is compared by its texts")
        if value.kind in (Kind.REAL, Kind.YEAR, Kind.BITS) and node.type in ("CHAR", "BINARY", "DATE", "DATETIME"):
            raise FilterProblem(f"has a CAST of {value.kind.value} to {node.type}: {value.sql}")
        kinds = {"CHAR": Kind.TEXT, "BINARY": Kind.BYTES, "DATE": Kind.DATE, "DATETIME": Kind.DATETIME}
        kind = kinds.get(node.type, Kind.REAL if node.type == "DOUBLE" else Kind.NUMBER)
        charset = " CHARACTER SET utf8mb4" if kind is Kind.TEXT else ""
        return Meaning(kind, f"CAST({value.sql} AS {node.type}{node.size}{charset})", node)

    def _choice(self, node: Choice) -> Meaning:
        parts = list(node.parts)
        subject = self.read(parts.pop(0)) if node.has_subject else None
        other = self.read(parts.pop()) if node.has_other else None
        whens, results = parts[::2], [self.read(each) for each in parts[1::2]]
        written = ["CASE", *([subject.sql] if subject else [])]
        for when, result in zip(whens, results, strict=True):
            found = self.read(when) if subject else self.truth(when)
            if subject:
                _check_pair(subject, found)
            written.append(f"WHEN {found.sql} THEN {result.sql}")
        if other is not None:
            written.append(f"ELSE {other.sql}")
        kind = _common([*results, *([other] if other else [])])
        padded = any(each.padded for each in [*results, *([other] if other else [])])
        return Meaning(kind, f"({' '.join(written)} END)", node, padded)

    def _call(self, node: Call) -> Meaning:
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise FilterProblem(
                f"has the function {node.name}, which is not among those whose answer depends on their arguments alone"
            )
        count = len(node.parts)
        if not function.least <= count <= function.most:
            raise FilterProblem(f"gives {node.name} {count} arguments")
        takes = [function.takes[min(place, len(function.takes) - 1)] for place in range(count)]
        values = [self._argument(each, take) for each, take in zip(node.parts, takes, strict=True)]
        padded = False
        if function.answer is Answer.SAME:
            kind = _common(values[function.same_from :])
            padded = any(each.padded for each in values[function.same_from :])
        elif function.answer is Answer.TEXT:
            kind = Kind.BYTES if any(value.kind is Kind.BYTES for value in values) else Kind.TEXT
        else:
            kind = {Answer.NUMBER: Kind.NUMBER, Answer.DATE: Kind.DATE, Answer.JSON: Kind.JSON}[function.answer]
            if kind is Kind.NUMBER and any(value.kind is Kind.REAL for value in values):
                kind = Kind.REAL
        if node.name == "MEMBER OF":
            return Meaning(kind, f"({values[0].sql} MEMBER OF ({values[1].sql}))", node)
        made = f"{node.name}({', '.join(value.sql for value in values)})"
        return Meaning(kind, f"CONVERT({made} USING utf8mb4)" if function.plain else made, node, padded)

    def _argument(self, node: Node, take: str) -> Meaning:
        match take:
            case "text":
                return self._text(node)
            case "number":
                return self._number(node)
            case "day":
                return self._day(node)
            case "truth":
                return self.truth(node)
        found = self.read(node)
        allowed = {
            "clock": _DAYS | {Kind.TIME, Kind.NULL},
            "json": {Kind.JSON, Kind.TEXT, Kind.NULL},
            "any": set(Kind) - {Kind.TIME, Kind.SHAPE, Kind.LISTED, Kind.YEAR, Kind.BITS},
        }[take]
        if found.kind not in allowed:
            raise FilterProblem(f"gives a function {found.kind.value}: {found.sql}")
        return found


def _check_pair(one: Meaning, other: Meaning) -> None:
    """Raise `FilterProblem` if a comparison would take more than the two values into account."""
    if Kind.NULL in (one.kind, other.kind):
        return
    for first, second in ((one, other), (other, one)):
        problem = _problem(first, second)
        if problem:
            raise FilterProblem(f"compares {first.sql} with {second.sql}: {problem}")


def _problem(one: Meaning, other: Meaning) -> str:
    match one.kind:
        case Kind.SHAPE:
            return "a geometry or vector is compared with nothing; IS NULL is carried out"
        case Kind.TIME if other.kind is not Kind.TIME:
            if isinstance(other.node, Constant) and isinstance(other.node.value, str) and not other.node.typed:
                return "" if CLOCK.fullmatch(other.node.value) else "a TIME is compared with hh:mm:ss"
            return f"a TIME beside {other.kind.value} takes the present day; compare it with hh:mm:ss"
        case Kind.LISTED if other.kind is not Kind.TEXT:
            return f"an ENUM or SET beside {other.kind.value} is its number; compare it with the text of a member"
        case Kind.BITS if other.kind not in (Kind.NUMBER, Kind.BITS) or _are_literals(one, other):
            return "a BIT is compared with whole numbers"
        case Kind.YEAR if other.kind is not Kind.YEAR:
            value = other.node.value if isinstance(other.node, Constant) else None
            if not isinstance(value, int) or value < _FIRST_YEAR:
                return "a YEAR is compared with whole numbers of four digits"
        case Kind.JSON if other.kind not in (Kind.JSON, Kind.TEXT, Kind.NUMBER, Kind.REAL):
            return f"a JSON document beside {other.kind.value} is not carried out; write a CAST"
        case Kind.BYTES if other.kind is not Kind.BYTES and not _is_text_literal(other):
            return f"a binary string beside {other.kind.value} is not carried out; write a CAST"
    return ""


def _are_literals(one: Meaning, other: Meaning) -> bool:
    return isinstance(one.node, Constant) and isinstance(other.node, Constant)


def _is_text_literal(meaning: Meaning) -> bool:
    return meaning.kind is Kind.TEXT and isinstance(meaning.node, Constant)


def _common(values: list[Meaning]) -> Kind:
    kinds = {value.kind for value in values} - {Kind.NULL}
    if kinds <= {Kind.NUMBER, Kind.REAL}:
        return Kind.REAL if Kind.REAL in kinds else Kind.NUMBER if kinds else Kind.NULL
    if kinds <= _DAYS:
        return Kind.DATETIME if Kind.DATETIME in kinds else Kind.DATE
    if len(kinds) == 1:
        (kind,) = kinds
        if kind in (Kind.TEXT, Kind.BYTES, Kind.JSON):
            return kind
    shown = " and ".join(sorted(kind.value for kind in kinds))
    raise FilterProblem(f"chooses between {shown}; write a CAST, so that they are of one kind")


def _not(negated: bool) -> str:
    return "NOT " if negated else ""
