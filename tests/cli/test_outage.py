"""What a job waits for is one line: for which side, since when, why, and when it tries next."""

from __future__ import annotations

from typing import Any

import pytest

from udup.cli.outage import outage, outages, stage
from udup.cli.progress import Observer
from udup.cli.watch import line

NOW = 1_700_000_100.0


def _job(**waits: Any) -> dict[str, Any]:
    told = {"side": "target", "kind": "Unavailable", "why": "error 2003", "since": NOW - 90, "next_try": NOW + 4}
    return {"Stage": "running", "Progress": {"reconnecting": {**told, "attempts": 7, **waits}}}


def test_a_job_that_waits_shows_for_what_in_place_of_its_stage() -> None:
    assert stage(_job()) == "reconnecting target"
    assert stage(_job(side=None)) == "reconnecting"
    assert stage(_job(kind="Contended")) == "waiting for a lock"
    assert stage({"Stage": "running", "Progress": {"reconnecting": None}}) == "running"
    assert stage({"Stage": "running"}) == "running"


def test_two_servers_that_are_away_have_a_line_each() -> None:
    source = {"side": "source", "to": "u@s:1", "since": NOW - 3600, "why": "refused", "next_try": NOW + 4}
    target = {"side": "target", "to": "u@t:2", "since": NOW - 90, "why": "error 2003", "next_try": NOW + 4}
    job = _job(sides=[source, target])
    assert stage(job) == "reconnecting source, target"
    first, second = outages(job, NOW)
    assert first.startswith("reconnecting source (u@s:1) since 20") and "(1h00m): refused; tried 7 times" in first
    assert second.startswith("reconnecting target (u@t:2) since 20") and "(1m30s): error 2003" in second
    assert second.endswith("next try in 4s") and outage(job, NOW) == f"{first}; and {second}"
    locked = _job(kind="Contended", side="target", sides=[source])
    assert stage(locked) == "waiting for a lock"
    assert [each.split(" since")[0] for each in outages(locked, NOW)] == [
        "waiting for a lock",
        "reconnecting source (u@s:1)",
    ]


def test_the_line_says_since_when_why_and_when_it_tries_next() -> None:
    said = outage(_job(), NOW)
    assert (
        said.startswith("reconnecting target since 20") and "(1m30s): error 2003; tried 7 times, next try in 4s" in said
    )
    assert outage(_job(next_try=NOW - 1), NOW).endswith("trying now")
    assert outage({"Progress": {}}, NOW) == ""


@pytest.mark.parametrize("why", ["a\x1b[31m b", None])
def test_what_a_terminal_would_act_on_is_not_shown(why: str | None) -> None:
    assert "\x1b" not in outage(_job(why=why), NOW)


def test_a_watched_job_says_what_it_waits_for_in_place_of_its_lag() -> None:
    shown = line(Observer().view(_job()))
    assert "reconnecting target" in shown and "lag" not in shown
