"""A subscription with an Oracle source: rows and changes as messages, each once, whatever dies."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Any

import pytest

from tests.drivers.oracle.fake_oracle import Column, FakeOracle
from tests.drivers.oracle.stories import ITEMS, KEYLESS, ORDERS, OWNER, story
from tests.drivers.oracle.subscriber import Consumer, Death, Subscription, payload
from udup.base.errors import Transient, Unsupported
from udup.pipeline.ports import Scope
from udup.pipeline.selection.selection import Selection

A, B, C = ("SHOP", "A"), ("SHOP", "B"), ("SHOP", "C")
COLUMNS = [
    Column("ID", "NUMBER", precision=9, scale=0, nullable=False),
    Column("NOTE", "VARCHAR2", 800, 200),
]
KEYS = {A: "ID", B: "ID", C: "ID", ORDERS: "ID", ITEMS: "K"}


def scope(*tables: str) -> Scope:
    return Scope(Selection.of([("SHOP", list(tables))]))


@pytest.fixture
def server() -> FakeOracle:
    server = FakeOracle()
    for table in (A, B, C):
        server.create(*table, COLUMNS, ["ID"])
    return server


def fill(server: FakeOracle, table: tuple[str, str], first: int, last: int) -> list[str]:
    with server.transaction() as one:
        return [one.insert(table, {"ID": key, "NOTE": f"n{key}"}) for key in range(first, last)]


def told(subscription: Subscription) -> list[tuple[str, str, Any]]:
    found = [payload(each) for each in subscription.sink.messages if each.value is not None]
    return [(each["op"], each["source"]["table"], (each["after"] or each["before"])["ID"]) for each in found]


def rebuilt(subscription: Subscription, *, strict: bool) -> dict[tuple[str, str], list[Any]]:
    consumer = Consumer(strict=strict)
    consumer.take(subscription.sink.messages, KEYS)
    return {name: sorted(map(repr, rows)) for name, rows in consumer.tables.items()}


def there(server: FakeOracle, *tables: tuple[str, str]) -> dict[tuple[str, str], list[Any]]:
    return {table: sorted(map(repr, server.present[table].values())) for table in tables}


def test_the_rows_of_one_moment_and_every_change_behind_it(server: FakeOracle) -> None:
    [first, second] = fill(server, A, 1, 3)
    waiting = server.begin()
    waiting.insert(B, {"ID": 7, "NOTE": "open"})
    subscription = Subscription(server, scope("A", "B"))
    subscription.run()
    with server.transaction() as one:
        one.update(A, first, NOTE=None)
        one.delete(A, second)
    waiting.commit()
    subscription.run()
    assert told(subscription) == [("r", "A", 1), ("r", "A", 2), ("u", "A", 1), ("d", "A", 2), ("c", "B", 7)]
    assert rebuilt(subscription, strict=True) == there(server, A, B)
    words = [payload(each)["source"]["snapshot"] for each in subscription.sink.messages[:2]]
    assert words == ["first", "last"]
    sources = [payload(each)["source"] for each in subscription.sink.messages if each.value]
    assert [each["gtid"] is None for each in sources] == [True, True, False, False, False]
    assert sources[0]["file"] == "SCN" and sources[0]["pos"] > 1000


def test_words_for_the_rows_of_several_tables(server: FakeOracle) -> None:
    fill(server, A, 1, 4)
    fill(server, C, 1, 2)
    subscription = Subscription(server, scope("A", "B", "C"))
    subscription.run()
    words = [payload(each)["source"]["snapshot"] for each in subscription.sink.messages]
    assert words == ["first", "true", "last_in_data_collection", "last"]
    assert (subscription.place.copying, subscription.place.snapshots) == (False, 1)


def test_the_place_to_begin_again_follows_without_a_message(
    server: FakeOracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("udup.drivers.oracle.reading.RESUME_SECONDS", 0.0)
    subscription = Subscription(server, scope("A"))
    subscription.run()
    fill(server, A, 1, 3)
    subscription.run()
    assert told(subscription) == [("c", "A", 1), ("c", "A", 2)]
    ranges = dict(subscription.place.executed.items())
    [resume] = [each for source, each in ranges.items() if source.endswith(":resume")]
    assert resume[0][1] > 1000


def test_of_a_table_that_one_try_has_told_whole_nothing_comes_twice(server: FakeOracle) -> None:
    """The log is followed from the first try; of B, which the second has read, what it has seen is left out."""
    [first] = fill(server, A, 1, 2)
    [second] = fill(server, B, 1, 2)
    subscription = Subscription(server, scope("A", "B"))
    with pytest.raises(Death):
        subscription.run(life=2)  # the format, and the row of A
    with server.transaction() as one:
        one.update(A, first, NOTE="later")
        one.update(B, second, NOTE="later")
        one.insert(B, {"ID": 2, "NOTE": "new"})
    subscription.run()
    assert told(subscription) == [("r", "A", 1), ("r", "B", 1), ("r", "B", 2), ("u", "A", 1)]
    assert rebuilt(subscription, strict=True) == there(server, A, B)


def test_a_table_that_is_emptied_between_two_tries_is_told_right(server: FakeOracle) -> None:
    fill(server, A, 1, 2)
    fill(server, B, 1, 2)
    subscription = Subscription(server, scope("A", "B"))
    with pytest.raises(Death):
        subscription.run(life=2)
    server.define(B, "truncate table shop.b", lambda: server.present[B].clear())
    fill(server, B, 5, 6)
    subscription.run()
    assert told(subscription) == [("r", "A", 1), ("r", "B", 5)]


def test_a_table_that_was_altered_between_two_tries_stops_the_job(server: FakeOracle) -> None:
    fill(server, A, 1, 2)
    fill(server, B, 1, 2)
    subscription = Subscription(server, scope("A", "B"))
    with pytest.raises(Death):
        subscription.run(life=2)
    server.tables[B].columns.append(Column("EXTRA", "NUMBER", precision=4, scale=0))
    with pytest.raises(Unsupported, match="since a snapshot of them was begun"):
        subscription.run()


def test_tables_that_come_into_the_job_join_at_one_moment(server: FakeOracle) -> None:
    fill(server, A, 1, 2)
    [row] = fill(server, B, 1, 2)
    subscription = Subscription(server, scope("A"))
    subscription.run()
    with server.transaction() as one:
        one.update(B, row, NOTE="before it joins")
    waiting = server.begin()
    waiting.update(B, row, NOTE="open when it joins")
    subscription.scope = scope("A", "B")
    subscription.run()
    waiting.commit()
    subscription.run()
    assert told(subscription) == [("r", "A", 1), ("r", "B", 1), ("u", "B", 1)]
    assert rebuilt(subscription, strict=True) == there(server, A, B)
    assert payload(subscription.sink.messages[1])["source"]["snapshot"] == "incremental"


def test_rows_that_are_wished_for_come_again_once(server: FakeOracle) -> None:
    first, _ = fill(server, A, 1, 3)
    subscription = Subscription(server, scope("A"))
    subscription.run()
    with server.transaction() as one:
        one.delete(A, first)
    subscription.wishes = ((1, ("SHOP.A",)),)
    subscription.run()
    subscription.run()
    assert told(subscription) == [("r", "A", 1), ("r", "A", 2), ("d", "A", 1), ("r", "A", 2)]
    assert rebuilt(subscription, strict=False) == there(server, A)


def test_a_snapshot_alone_tells_tables_with_lobs(server: FakeOracle) -> None:
    """And a row that is longer than what travels in one piece."""
    server.create("SHOP", "D", [COLUMNS[0], Column("BODY", "CLOB")], ["ID"])
    with server.transaction() as one:
        one.insert(("SHOP", "D"), {"ID": 1, "BODY": "x" * 700_000})
        one.insert(("SHOP", "D"), {"ID": 2, "BODY": None})
    subscription = Subscription(server, scope("D"))
    subscription.run(alone=True)
    found = [payload(each) for each in subscription.sink.messages]
    assert [each["after"]["BODY"] and len(each["after"]["BODY"]) for each in found] == [700_000, None]
    assert [each["source"]["snapshot"] for each in found] == ["first", "last"]


def test_undo_that_is_gone_has_the_next_try_read_at_a_later_scn(server: FakeOracle) -> None:
    fill(server, A, 1, 3)
    subscription = Subscription(server, scope("A"))
    server.denied = {"AS OF SCN": "ORA-01555: snapshot too old"}
    with pytest.raises(Transient, match="ORA-01555"):
        subscription.run()
    server.denied = {}
    subscription.run()
    assert told(subscription) == [("r", "A", 1), ("r", "A", 2)]


@pytest.mark.parametrize("seed", range(3))
def test_a_consumer_has_the_sources_rows_whatever_dies(seed: int) -> None:
    """The history grows while runs die anywhere; the last one comes to its end."""
    random = Random(seed)
    told = story(random)
    server = told.server
    goals = sorted(random.sample(range(told.copied_at, told.altered), 6))
    present = told.copied_at
    server.visible = lambda: present
    subscription = Subscription(server, Scope(Selection.of([(OWNER, ["ORDERS"])])))
    for number, goal in enumerate(goals):
        with suppress(Death):
            subscription.run(life=random.choice([2, 3, 9, 40]))
        present = goal
        if number == 3:  # more tables join
            subscription.run()
            subscription.scope = Scope(Selection.of([(OWNER, ["ORDERS", "ITEMS", "KEYLESS"])]))
    for present in (told.altered, told.end):  # noqa: B007 - the lambda above reads it
        subscription.run()
    consumer = Consumer(strict=False)
    consumer.take(subscription.sink.messages, KEYS)
    for table in (ORDERS, ITEMS):
        keys = [row[KEYS[table]] for row in consumer.tables[table]]
        assert len(keys) == len(set(keys))
        assert set(map(str, keys)) == {str(row[KEYS[table]]) for row in server.present[table].values()}
    assert len(consumer.tables[KEYLESS]) == len(server.present[KEYLESS])
    notes = {row["ID"]: row["NOTE"] for row in consumer.tables[ORDERS]}
    assert notes == {row["ID"]: row["NOTE"] for row in server.present[ORDERS].values()}
