"""Of what both sides of a job say, its progress shows one: the cause."""

from __future__ import annotations

from typing import Any

import pytest

from udup.base.errors import Side
from udup.jobs.progress import TaskReport, WaitingFor, cause_of

ROW = {"what": "row lock", "since": 5, "side": "target", "blocked_by": {"session": 812, "idle": True}}
CREDITS = {"what": "credits", "since": 1, "side": "target"}
PREPARED = {"what": "prepared transactions", "since": 1, "side": "source"}
SILENT = {"what": "source", "since": 1, "side": "source"}


def _cause(target: dict[str, Any] | None, source: dict[str, Any] | None) -> str | None:
    waits = {Side.TARGET: _wait(target), Side.SOURCE: _wait(source)}
    found = cause_of(waits)
    return None if found is None else found.what


def _wait(told: dict[str, Any] | None) -> WaitingFor | None:
    return None if told is None else WaitingFor.model_validate(told)


@pytest.mark.parametrize(
    ("target", "source", "cause"),
    [
        (ROW, CREDITS, "row lock"),
        (None, CREDITS, "credits"),
        (SILENT, PREPARED, "prepared transactions"),
        (SILENT, None, "source"),
        (ROW, PREPARED, "row lock"),
        (None, None, None),
    ],
)
def test_the_cause_is_shown_and_not_the_consequence(
    target: dict[str, Any] | None, source: dict[str, Any] | None, cause: str | None
) -> None:
    assert _cause(target, source) == cause


def test_each_engine_tells_of_its_own_side() -> None:
    told = TaskReport.of({"rows": 3, "waiting_for": ROW})
    wait = told.waits[Side.TARGET]
    assert list(told.waits) == [Side.TARGET] and wait is not None and wait.blocked_by is not None
    assert (wait.what, wait.blocked_by.session) == ("row lock", 812)
    assert TaskReport.of({"source_waiting_for": None}).waits == {Side.SOURCE: None}
    assert TaskReport.of({"rows": 3}).waits == {}
