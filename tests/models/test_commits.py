"""Commits, flushes, DDL and a take-over: each is there once, and not without any of the protections."""

from __future__ import annotations

from functools import partial

import pytest

from tests.models.checker import Walk, walk
from tests.models.commits import Rules, Target, Way, invariant, is_good_end, steps

BY_GTIDS = Way()


def _walk(way: Way = BY_GTIDS, **rules: bool) -> Walk:
    initial = Target(unseen=not way.seen)
    return walk(initial, partial(steps, Rules(**rules), way), invariant, is_good_end)


def test_everything_is_applied_once_and_in_order_and_every_history_ends_with_all_of_it() -> None:
    walked = _walk()
    assert not walked.broken and not walked.stuck and walked.states > 1000, walked


@pytest.mark.parametrize(
    ("left_out", "what"),
    [
        ("versions", "applied twice"),
        ("claims_left", "the checkpoint says"),
        ("own_gtids", "DDL ran twice"),
        ("swap", "the checkpoint says"),
    ],
)
def test_without_one_of_its_protections_it_does_not_hold(left_out: str, what: str) -> None:
    walked = _walk(**{left_out: False})
    assert walked.broken.startswith(what), walked


@pytest.mark.parametrize("seen", [True, False])
def test_without_gtids_definitions_run_once_by_what_is_noted(seen: bool) -> None:
    walked = _walk(Way(by_intents=True, seen=seen))
    assert not walked.broken and not walked.stuck and walked.states > 1000, walked


def test_who_holds_the_place_of_definitions_must_see_the_version_before_it_runs_one() -> None:
    walked = _walk(Way(by_intents=True, seen=False), looks=False)
    assert walked.broken.startswith("DDL ran again"), walked
