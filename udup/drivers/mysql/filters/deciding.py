"""Decides about rows of the log: here where that is exactly what the source's server does, else by its answers.

A condition is taken apart along AND, OR, XOR, NOT and IS. A part that compares numbers, dates or binary strings with
literals, or asks for NULL, becomes a Python function of the row. Every other part is a `Question`: what the server
answers depends on the values of its columns alone, so an answer is kept under these values. Rows often share them (a
status, a region), and then nothing more is asked.

Three values as in SQL: True, False and None; and `PENDING` while an answer is missing that matters.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from udup.drivers.mysql.binlog.table_definition import ColumnType
from udup.drivers.mysql.filters.columns import FilterColumn, Kind
from udup.drivers.mysql.filters.meaning import Columns, condition
from udup.drivers.mysql.filters.questions import PENDING, Answers, Question, Verdict
from udup.drivers.mysql.filters.tree import (
    Between,
    ColumnRef,
    Comparison,
    Constant,
    InList,
    IsNull,
    IsTruth,
    Junction,
    Negation,
    Node,
    column_names,
)
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time, Timestamp
from udup.drivers.mysql.rows.values import Row, Value

#: Decides about a row.
Decide = Callable[[Row], Verdict]


def compile_filter(
    node: Node, columns: Mapping[int, FilterColumn], answers: Answers | None = None
) -> tuple[Decide, list[Question]]:
    """Return what decides, and the questions in it. `FilterProblem` for what is not carried out.

    `columns` are those that the filter looks at, by their places in a row; `answers` keeps what is answered.
    """
    compiler = _Compiler(columns, answers or Answers())
    condition(node, compiler.columns)  # the whole must be right before its parts are looked at
    return compiler.predicate(node), compiler.questions


class _Compiler:
    def __init__(self, columns: Mapping[int, FilterColumn], answers: Answers) -> None:
        self.columns = Columns(columns.values())
        self._answers = answers
        self._places = {column.name.casefold(): place for place, column in columns.items()}
        self.questions: list[Question] = []

    def predicate(self, node: Node) -> Decide:
        match node:
            case Junction():
                return self._junction(node)
            case Negation():
                return _negated(self.predicate(node.parts[0]))
            case IsTruth():
                return _truth(self.predicate(node.parts[0]), node.truth, node.negated)
            case Constant() if not isinstance(node.value, (str, bytes)):
                value = None if node.value is None else bool(node.value)
                return lambda _row: value
        return self._known(node) or self._asked(node)

    def _junction(self, node: Junction) -> Decide:
        # What is known here first, so that the server is not asked where its answer would not matter.
        made: list[tuple[bool, Decide]] = []
        for part in node.parts:
            before = len(self.questions)
            decide = self.predicate(part)
            made.append((len(self.questions) > before, decide))
        made.sort(key=lambda each: each[0])
        parts = [decide for _, decide in made]
        if node.word == "XOR":
            return _exclusive(parts)
        return _joined(parts, node.word == "OR")

    def _asked(self, node: Node) -> Decide:
        names = dict.fromkeys(name.casefold() for name in column_names(node))
        columns = [self.columns.of(name) for name in names]
        places = [self._places[name] for name in names]
        question = Question(condition(node, self.columns), columns, places, self._answers)
        self.questions.append(question)
        return question.decide

    # ---- What is known here ----

    def _known(self, node: Node) -> Decide | None:
        if isinstance(node, IsNull) and isinstance(node.parts[0], ColumnRef):
            place, negated = self._place(node.parts[0]), node.negated
            return lambda row: (row[place] is None) is not negated
        if isinstance(node, ColumnRef):
            column, place = self.columns.of(node.name), self._place(node)
            if column.kind in (Kind.NUMBER, Kind.BITS):
                return lambda row: None if row[place] is None else bool(row[place])
            return None
        if isinstance(node, Comparison):
            return self._comparison(node)
        if isinstance(node, Between):
            return self._between(node)
        if isinstance(node, InList):
            return self._in_list(node)
        return None

    def _place(self, node: ColumnRef) -> int:
        return self._places[node.name.casefold()]

    def _comparison(self, node: Comparison) -> Decide | None:
        one, other, sign = node.parts[0], node.parts[1], node.sign
        if isinstance(one, Constant):
            one, other, sign = other, one, _TURNED[sign]
        if not isinstance(one, ColumnRef):
            return None
        place = self._place(one)
        if isinstance(other, ColumnRef):
            return self._two_columns(one, other, sign)
        if not isinstance(other, Constant):
            return None
        if other.value is None:
            return (lambda row: row[place] is None) if sign == "<=>" else lambda _row: None
        bound = _comparable(self.columns.of(one.name), other)
        if bound is None:
            return None
        if sign == "<=>":
            return lambda row: row[place] == bound
        compare = _SIGNS[sign]
        return lambda row: None if (value := row[place]) is None else compare(value, bound)

    def _two_columns(self, one: ColumnRef, other: ColumnRef, sign: str) -> Decide | None:
        kinds = {self.columns.of(each.name).kind for each in (one, other)}
        if kinds != {Kind.NUMBER}:
            return None
        first, second = self._place(one), self._place(other)
        if sign == "<=>":
            return lambda row: row[first] == row[second]
        compare = _SIGNS[sign]

        def decide(row: Row) -> Verdict:
            value, bound = row[first], row[second]
            return None if value is None or bound is None else compare(value, bound)

        return decide

    def _between(self, node: Between) -> Decide | None:
        value, low, high = node.parts
        # With a bound of NULL the server does not always say what two comparisons would (TIME, 9.7).
        if not _alike(low, high) or any(isinstance(each, Constant) and each.value is None for each in (low, high)):
            return None
        above, below = ("<", ">") if node.negated else (">=", "<=")
        one, other = (
            self._comparison(Comparison((value, low), above)),
            self._comparison(Comparison((value, high), below)),
        )
        return None if one is None or other is None else _joined([one, other], node.negated)

    def _in_list(self, node: InList) -> Decide | None:
        value, *listed = node.parts
        if not isinstance(value, ColumnRef) or not all(isinstance(each, Constant) for each in listed):
            return None
        column, place = self.columns.of(value.name), self._place(value)
        constants = [each for each in listed if isinstance(each, Constant)]
        bounds = [_comparable(column, each) for each in constants if each.value is not None]
        if any(bound is None for bound in bounds) or not _alike(*listed):
            return None
        members = frozenset(bounds)
        unknown = None if any(each.value is None for each in constants) else False

        def decide(row: Row) -> Verdict:
            found = row[place]
            return None if found is None else (True if found in members else unknown)

        return _negated(decide) if node.negated else decide


_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TURNED = {"=": "=", "<>": "<>", "<=>": "<=>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


# ---- Three-valued logic ----


def _negated(decide: Decide) -> Decide:
    def negated(row: Row) -> Verdict:
        verdict = decide(row)
        return verdict if verdict is None or verdict is PENDING else not verdict

    return negated


def _truth(decide: Decide, truth: bool | None, negated: bool) -> Decide:
    def is_truth(row: Row) -> Verdict:
        verdict = decide(row)
        return verdict if verdict is PENDING else (verdict is truth) is not negated

    return is_truth


def _joined(parts: list[Decide], decisive: bool) -> Decide:
    """Return AND (False decides) or OR (True decides)."""

    def joined(row: Row) -> Verdict:
        verdict: Verdict = not decisive
        for decide in parts:
            found = decide(row)
            if found is decisive:
                return decisive
            if found is PENDING or (found is None and verdict is not PENDING):
                verdict = found
        return verdict

    return joined


def _exclusive(parts: list[Decide]) -> Decide:
    def exclusive(row: Row) -> Verdict:
        verdict: Verdict = False
        for decide in parts:
            found = decide(row)
            if found is None:
                return None
            verdict = PENDING if PENDING in (found, verdict) else bool(found) is not verdict
        return verdict

    return exclusive


# ---- Literals beside a column ----


def _alike(*literals: Node) -> bool:
    """Return whether literals of one list are of one kind.

    Beside others the server converts some of them: to MySQL 9.7, -1 is IN (1.0, 18446744073709551615).
    """
    return len({type(each.value) for each in literals if isinstance(each, Constant) and each.value is not None}) <= 1


_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?")
_CLOCK = re.compile(r"-?\d{2,3}:\d\d:\d\d(?:\.\d{1,6})?")

#: Digits that the server's DECIMAL has at most.
_DIGITS = 65


def _comparable(column: FilterColumn, constant: Constant) -> Value | None:
    """Return the literal as a value that compares with the column's as the server does; None if it is to be asked."""
    value = constant.value
    match column.kind:
        case Kind.NUMBER | Kind.BITS | Kind.YEAR:
            if isinstance(value, (int, Decimal)) and len(format(value, "f").strip("-").replace(".", "")) <= _DIGITS:
                return value
        case Kind.BYTES:
            if isinstance(value, bytes):
                return value
            if isinstance(value, str) and not constant.typed:
                return value.encode()
        case Kind.DATE | Kind.DATETIME:
            if isinstance(value, str) and constant.typed != "TIME":
                return _moment(column, value)
        case Kind.TIME:
            if isinstance(value, str) and constant.typed in ("", "TIME") and _CLOCK.fullmatch(value):
                found = Time.parse(value)
                hours, minutes, seconds = found.clock
                return found if hours < 838 and minutes < 60 and seconds < 60 else None
    return None


def _moment(column: FilterColumn, text: str) -> Value | None:
    """Return a date, or date and time, that is written in full and is one of the calendar."""
    found = _DATE.fullmatch(text) or _MOMENT.fullmatch(text)
    if found is None or column.definition is None:
        return None
    parts = [int(part) for part in found.groups()[:6]]
    try:
        date(*parts[:3])
    except ValueError:
        return None
    clock = parts[3:]
    if clock and (clock[0] > 23 or clock[1] > 59 or clock[2] > 59):
        return None
    moment = DateTime.parse(text) if clock else DateTime.of(*parts)
    if column.definition.kind is ColumnType.DATE:
        return None if clock else Date.of(*parts[:3])
    if column.definition.kind is ColumnType.TIMESTAMP:
        return Timestamp.parse(str(moment)) if _FIRST <= parts[0] < _LAST else None
    return moment


#: Years whose moments are all TIMESTAMPs, so that one compares as the moment that it is.
_FIRST, _LAST = 1971, 2038
