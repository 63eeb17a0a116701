"""One thing that is looked at before a job starts, and what came of it.

What a start refuses and what a validation lists are the same checks: a failed one is a fault of the job's start, a
warning is told with its progress, and all of them with what was found are what `validate` answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from udup.base.errors import Fault

#: The tasks' names; the empty one is the job as a whole.
SRC, DEST, BOTH = "Src", "Dest", ""

#: The check of foreign keys between tables that come new and others of their job, on either side.
BETWEEN_PARTS = "foreign_keys_between_parts"


class Outcome(StrEnum):
    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """What was looked at (`name`), for which task (`Src`, `Dest`, or "" for the job as a whole), and what was found.

    `found` is the value where that is good, else what is wrong; `remedy` is the statement that fixes it. `cause` is
    as of a `Fault`.
    """

    task: str
    name: str
    outcome: Outcome
    found: str
    remedy: str = ""
    cause: str = ""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong (`FAIL`) or had better be otherwise (`WARN`)."""

    outcome: Outcome
    found: str
    remedy: str
    cause: str = ""


def failed(found: str, remedy: str, cause: str = "") -> Finding:
    return Finding(Outcome.FAIL, found, remedy, cause)


def warned(found: str, remedy: str) -> Finding:
    return Finding(Outcome.WARN, found, remedy)


T = TypeVar("T")


@dataclass(frozen=True)
class Rule(Generic[T]):
    """A named check of a `T`: `look` yields what is wrong, and when that is nothing, `value` says what is right."""

    name: str
    value: Callable[[T], str]
    look: Callable[[T], Iterable[Finding]]


def apply(rules: Iterable[Rule[T]], task: str, subject: T) -> Iterator[Check]:
    """Every rule's checks, one for each finding."""
    for rule in rules:
        findings = list(rule.look(subject))
        for finding in findings:
            yield Check(task, rule.name, finding.outcome, finding.found, finding.remedy, finding.cause)
        if not findings:
            yield Check(task, rule.name, Outcome.PASS, rule.value(subject))


def faults(where: str, checks: Iterable[Check], outcome: Outcome = Outcome.FAIL) -> list[Fault]:
    """Return the checks of one outcome as they are told at a start."""
    return [
        Fault(where, check.found, check.remedy, check.task, check.cause) for check in checks if check.outcome == outcome
    ]
