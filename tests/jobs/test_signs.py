"""A quiet job's report is as old as the last note that it holds, and a note is of no other report."""

from __future__ import annotations

import os

import pytest

from udup.jobs.signs import SignsOfLife, refreshed

A, B = "a" * 16, "b" * 16
LEVEL = {"level": True, "lag_ms": 0, "reported_at": 10.0, "current_until": 10.0}


@pytest.fixture
def signs() -> SignsOfLife:
    made = SignsOfLife(places=2)
    made.admit(A)
    made.made(A, 10.0)
    return made


def test_a_report_that_holds_is_as_new_as_its_last_note(signs: SignsOfLife) -> None:
    assert signs.notes() == {} and signs.refreshed(A, LEVEL) == {}, "it was just made"
    assert signs.still(A, 10.0, 15.0)
    assert signs.notes() == {A: (10.0, 15.0)}
    assert signs.refreshed(A, LEVEL) == {"reported_at": 15.0, "current_until": 15.0}


def test_nothing_is_said_of_another_report(signs: SignsOfLife) -> None:
    assert not signs.still(A, 9.0, 15.0), "by who has made another since"
    signs.still(A, 10.0, 15.0)
    assert signs.refreshed(A, {**LEVEL, "reported_at": 12.0}) == {}
    signs.made(A, 12.0)
    assert signs.refreshed(A, {**LEVEL, "reported_at": 10.0}) == {} and signs.notes() == {}


def test_a_target_that_was_behind_is_not_said_to_be_current() -> None:
    behind = {**LEVEL, "level": False, "lag_ms": 700}
    assert refreshed(behind, (10.0, 15.0)) == {"reported_at": 15.0}


def test_a_job_without_a_place_sends_its_reports(signs: SignsOfLife) -> None:
    signs.admit(B)
    signs.admit("c" * 16)
    signs.made("c" * 16, 10.0)
    assert not signs.still("c" * 16, 10.0, 15.0), "there are two places"
    signs.dismiss(A)
    assert not signs.still(A, 10.0, 15.0)
    signs.admit("c" * 16)
    signs.made("c" * 16, 10.0)
    assert signs.still("c" * 16, 10.0, 15.0) and not signs.still(A, 10.0, 15.0)
    signs.clear()
    assert not signs.still("c" * 16, 10.0, 15.0) and signs.notes() == {}


def test_what_a_forked_process_notes_is_seen(signs: SignsOfLife) -> None:
    child = os.fork()
    if not child:
        os._exit(0 if signs.still(A, 10.0, 15.0) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert signs.notes() == {A: (10.0, 15.0)}
