"""Transactions that are in the sink in part: other rules for rows are refused, and a source without them is named."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.pipeline.deliver.machine import Subscription, T
from tests.pipeline.deliver.test_deliver import expected
from udup.base.errors import Refused, Transient, Unsupported
from udup.drivers.fake.position import FakePosition
from udup.pipeline.deliver import units
from udup.pipeline.deliver.partial import row_rules
from udup.pipeline.deliver.place import OpenTransaction, Place
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.pipeline.selection.sqlfilter import FilterWord, SqlFilter

PLAIN = Selection.of([("s", ["t", "u"])])
WITH_WHERE = Selection((SchemaRule("s", tables=(NameRule("t", where="id > 3"), NameRule("u"))),))
RENAMED = Selection((SchemaRule("s", tables=(NameRule("t", rename="other"), NameRule("u"))),))
NO_INSERTS = SqlFilter(frozenset([FilterWord.NO_INSERT]))


@pytest.fixture(autouse=True)
def _small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "UNIT_MESSAGES", 4)


def _half(subscription: Subscription, *, cut: int, of_unit: int = 2) -> None:
    """Have a run end in the middle of a transaction, `cut` messages into one of its units."""
    subscription.selection = PLAIN
    asyncio.run(subscription.run())
    subscription.sink.cuts[subscription.sink.units + of_unit] = cut
    subscription.insert(*(f"k{number:02}" for number in range(20)))
    with pytest.raises(Transient):
        asyncio.run(subscription.run())


@pytest.mark.parametrize("of_unit", [1, 2])
@pytest.mark.parametrize("cut", [1, 2, -1])
@pytest.mark.parametrize("selection", [WITH_WHERE, RENAMED])
def test_other_rules_for_rows_are_refused_until_a_transaction_that_has_begun_is_through(
    subscription: Subscription, cut: int, of_unit: int, selection: Selection
) -> None:
    _half(subscription, cut=cut, of_unit=of_unit)
    stored = subscription.ids()
    subscription.selection = selection
    with pytest.raises(Refused, match=r"alpha:3 was delivered in part.*post the former document"):
        asyncio.run(subscription.run())
    assert subscription.ids() == stored
    subscription.selection = PLAIN
    asyncio.run(subscription.run())
    assert subscription.ids() == expected(subscription)
    subscription.selection = selection
    asyncio.run(subscription.run(lambda: Place.parse(subscription.sink.position or "", FakePosition.parse).rules != ""))


def test_another_filter_for_kinds_of_changes_is_refused_as_well(subscription: Subscription) -> None:
    _half(subscription, cut=1)
    subscription.sql_filter = NO_INSERTS
    with pytest.raises(Refused, match="alpha:3"):
        asyncio.run(subscription.run())


def test_other_tables_without_conditions_are_taken_in_the_middle_of_a_transaction(subscription: Subscription) -> None:
    _half(subscription, cut=1)
    subscription.selection = Selection.of([("s", ["t"])])
    asyncio.run(subscription.run())
    assert [each for each in subscription.ids() if ":s.t:" in each] == [f"alpha:3:s.t:{number}" for number in range(20)]


def test_what_a_run_stores_behind_a_place_of_other_rules_is_known_as_its_own(
    subscription: Subscription,
) -> None:
    """Its first unit is cut: the place that is found is the one of before it."""
    subscription.selection = PLAIN
    asyncio.run(subscription.run())
    subscription.insert(*(f"k{number:02}" for number in range(20)))
    subscription.selection = WITH_WHERE
    subscription.sink.cuts[subscription.sink.units + 2] = 2  # behind the note of the rules
    with pytest.raises(Transient):
        asyncio.run(subscription.run())
    assert "alpha:3:s.t:0" in subscription.ids()
    subscription.selection = PLAIN
    with pytest.raises(Refused, match="alpha:3"):
        asyncio.run(subscription.run())
    subscription.selection = WITH_WHERE
    asyncio.run(subscription.run())
    assert subscription.ids() == expected(subscription)


def test_rules_are_other_ones_where_rows_or_names_may_be() -> None:
    no_updates = SqlFilter(frozenset([FilterWord.NO_UPDATE]))
    ddl_only = SqlFilter(frozenset([FilterWord.NO_DDL]))
    columns = Selection((SchemaRule("s", tables=(NameRule("t", columns=(("a", "a"),)), NameRule("u"))),))
    plain = row_rules(PLAIN, SqlFilter())
    assert plain == row_rules(Selection(), SqlFilter()) == row_rules(PLAIN, ddl_only) == row_rules(columns, SqlFilter())
    others = [(WITH_WHERE, SqlFilter()), (RENAMED, SqlFilter()), (PLAIN, NO_INSERTS), (PLAIN, no_updates)]
    assert len({plain, *(row_rules(*each) for each in others)}) == 5


def _begun_elsewhere(subscription: Subscription) -> None:
    """Have the sink hold a part of a transaction that another server had made."""
    place = Place(FakePosition(), begun={"beta:7": OpenTransaction("beta:7", {"s.t": 3})})
    subscription.sink.stored.append((None, place.text()))


def test_a_source_without_what_was_delivered_in_part_is_not_followed(subscription: Subscription) -> None:
    _begun_elsewhere(subscription)
    subscription.insert("a")
    with pytest.raises(Unsupported, match="beta:7 was told in part, which it never executed"):
        asyncio.run(subscription.run(lambda: False))
    assert not subscription.rows(T)


def test_a_place_that_says_no_rules_is_of_an_earlier_version_and_is_gone_on_from(subscription: Subscription) -> None:
    _half(subscription, cut=1)
    subscription.selection = WITH_WHERE
    stored = subscription.sink.stored
    for at, (message, position) in enumerate(stored):
        if position is not None:
            said = json.loads(position)
            said.pop("rules", None)
            stored[at] = message, json.dumps(said)
    asyncio.run(subscription.run())
    assert subscription.ids() == expected(subscription)
    assert Place.parse(subscription.sink.position or "", FakePosition.parse).rules == row_rules(WITH_WHERE, SqlFilter())
