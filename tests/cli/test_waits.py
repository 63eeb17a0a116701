"""One line says what a job waits for, for how long, and who is in the way."""

from __future__ import annotations

from typing import Any

import pytest

from udup.cli.waits import _SENTENCES, waiting_line
from udup.pipeline.waits import WaitKind


def _line(**wait: Any) -> str:
    return waiting_line({"waiting_for": {"since": 1000, **wait}}, now=1070.0)


def test_a_wait_is_told_with_the_session_that_is_in_the_way() -> None:
    other = {"session": 812, "user": "app@10.0.0.5", "statement": "UPDATE t SET a = 1", "seconds": 300, "idle": True}
    line = _line(what="row lock", side="target", table="shop.t", gtid="u:1", worker=2, blocked_by=other)
    assert line == (
        "waiting 1m10s for a row lock on the target (shop.t, u:1, worker 2); session 812 (app@10.0.0.5) holds it,"
        " idle in transaction for 5m00s, its last statement: UPDATE t SET a = 1"
    )
    line = _line(what="metadata lock", side="target", statement="ALTER TABLE t", blocked_by={**other, "idle": False})
    assert line.endswith("on the target: ALTER TABLE t; session 812 (app@10.0.0.5) holds it, running for 5m00s:"
                         " UPDATE t SET a = 1")  # fmt: skip


def test_what_would_tell_more_is_said_where_nobody_is_known() -> None:
    assert _line(what="statement", side="target", hint="GRANT SELECT").endswith("; GRANT SELECT")


@pytest.mark.parametrize("progress", [{}, {"waiting_for": None}, {"waiting_for": {"what": "row lock"}}])
def test_a_job_that_waits_for_nothing_says_nothing(progress: dict[str, Any]) -> None:
    assert waiting_line(progress) == ""


def test_every_kind_of_wait_has_its_sentence() -> None:
    assert set(_SENTENCES) == {kind.value for kind in WaitKind}
    assert "for something new" in _line(what="something new")
