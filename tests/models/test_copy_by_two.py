"""A full copy by two owners: the protocol holds in every order of steps, and not without any of its parts."""

from __future__ import annotations

from functools import partial

import pytest

from tests.models.checker import Walk, walk
from tests.models.copy_by_two import Rules, Target, invariant, is_good_end, steps


def _walk(**rules: bool) -> Walk:
    return walk(Target(), partial(steps, Rules(**rules)), invariant, is_good_end)


@pytest.mark.parametrize("keyed", [True, False])
def test_the_protocol_holds_and_every_history_ends_with_a_whole_copy(keyed: bool) -> None:
    walked = _walk(keyed=keyed)
    assert not walked.broken and not walked.stuck and walked.states > 1000, walked


def test_who_was_superseded_must_wait_or_both_may_give_up() -> None:
    walked = _walk(polite=False)
    assert not walked.broken and walked.stuck, walked


def test_a_table_whose_rows_cannot_be_rolled_back_is_safe_while_its_loader_holds_a_lock() -> None:
    assert not (walked := _walk(keyed=False, transactions=False)).broken, walked
    assert _walk(keyed=False, transactions=False, loaders=False).broken


@pytest.mark.parametrize("left_out", ["row", "swap", "builders", "look"])
def test_without_one_of_its_parts_it_does_not_hold(left_out: str) -> None:
    walked = _walk(keyed=False, **{left_out: False})
    assert walked.broken, f"without {left_out} {walked}"


def test_a_chunk_needs_the_lock_of_its_loader_or_the_version_in_its_transaction() -> None:
    for one in ("loaders", "chunks"):
        assert not (walked := _walk(keyed=False, **{one: False})).broken, walked
    assert _walk(keyed=False, loaders=False, chunks=False).broken
