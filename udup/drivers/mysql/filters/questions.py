"""Parts of filters about which the source's server decides, and what it has answered.

What the server answers depends on the values of a question's columns alone, so an answer is kept under these values.
All questions of a job share one bound of memory, whatever the number of its tables and of their definitions.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from udup.drivers.mysql.filters.columns import FilterColumn
from udup.drivers.mysql.rows.values import Row, Value


class Pending(Enum):
    PENDING = "pending"


PENDING: Final = Pending.PENDING

Verdict = bool | None | Pending

#: The values of a question's columns in one row.
Key = tuple[Value | str, ...]

#: Bytes of memory that a job's answers may take, by estimate, beyond those that the rows at hand need.
KEPT_BYTES = 64 << 20

#: Bytes of values under which an answer is kept beyond the rows that it is for.
LARGEST_KEY = 512

#: Bytes that an answer takes beside those of its texts, and each of its values.
_ANSWER_BYTES, _VALUE_BYTES = 200, 60


class Answers:
    """What the questions of a job want to know, and have been told."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._most = kept_bytes
        self._size = 0
        #: Questions with values that wait for an answer, and those that have answers.
        self._waiting: dict[Question, None] = {}
        self._answered: dict[Question, None] = {}
        self._large: list[tuple[Question, Key]] = []

    @property
    def size(self) -> int:
        """Bytes that the kept answers take, by estimate."""
        return self._size

    def waiting(self) -> list[Question]:
        """Return the questions that want an answer."""
        return list(self._waiting)

    def want(self, question: Question) -> None:
        """Note that a question wants one."""
        self._waiting[question] = None

    def keep(self, question: Question, key: Key) -> None:
        """Note an answer that was given."""
        if not question.wanted:
            self._waiting.pop(question, None)
        size = sum(len(value) for value in key if isinstance(value, (bytes, str)))
        if size > LARGEST_KEY:
            self._large.append((question, key))
        else:
            self._answered[question] = None
            self._size += _ANSWER_BYTES + len(key) * _VALUE_BYTES + size

    def forget(self) -> None:
        """Drop answers that would take too much memory, when the rows that they are for have been decided."""
        for question, key in self._large:
            question.forget(key)
        self._large.clear()
        if self._size > self._most:
            for question in self._answered:
                question.forget_all()
            self._answered.clear()
            self._size = 0


class Question:
    """A part of a filter about which the source's server decides."""

    def __init__(
        self, sql: str, columns: list[FilterColumn], places: list[int], answers: Answers | None = None
    ) -> None:
        """`places` are the columns' in the row."""
        self.sql = sql
        self.columns = columns
        self._places = places
        self._kept = answers or Answers()
        #: Asked for and not answered yet.
        self.wanted: dict[Key, None] = {}
        self._answers: dict[Key, bool | None] = {}

    def decide(self, row: Row) -> Verdict:
        """Return what was answered for these values; `PENDING` notes that it is wanted."""
        key = tuple([_keyed(row[place]) for place in self._places])
        answer = self._answers.get(key, PENDING)
        if answer is PENDING:
            self.wanted[key] = None
            self._kept.want(self)
        return answer

    def answer(self, key: Key, verdict: bool | None) -> None:
        """Keep an answer."""
        self._answers[key] = verdict
        self.wanted.pop(key, None)
        self._kept.keep(self, key)

    def forget(self, key: Key) -> None:
        """Drop one answer."""
        self._answers.pop(key, None)

    def forget_all(self) -> None:
        """Drop all answers."""
        self._answers.clear()


def _keyed(value: Value) -> Value | str:
    """Return a value that differs wherever the server could tell it apart: zero has a sign."""
    return repr(value) if isinstance(value, float) else value
