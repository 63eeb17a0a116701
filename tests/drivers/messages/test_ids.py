"""IDs of messages: unique, in order, and read again exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drivers.messages.tables import (
    COMMITTED_US,
    GTID,
    PreparedTable,
    deleted,
    encoder,
    inserted,
    moved,
    updated,
)
from udup.drivers.messages.ids import MessageId, gtid, parse_id, row_ids, row_number, table_id
from udup.pipeline.ports.delivery import Message, Operation, RowText

_NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
_GTIDS = st.sampled_from([GTID, "3e11fa47-71ca-11e1-9e33-c80aa9429562:tag_1:5", "server:7"])


@given(_NAMES, _NAMES)
def test_a_tables_name_in_an_id_is_ascii_and_tells_the_name(schema: str, name: str) -> None:
    text = table_id(schema, name)
    assert text.isascii() and text.isprintable() and not set(text) & set(" :\r\n")
    assert MessageId("", text).names == (schema, name)


@given(_GTIDS, _NAMES, _NAMES, st.integers(0, 10**9), st.sampled_from(["", ":d", ":t", ":c"]))
def test_a_rows_id_is_read_again(gtid: str, schema: str, name: str, row: int, suffix: str) -> None:
    text = f"{gtid}:{table_id(schema, name)}:{row}{suffix}"
    found = parse_id(text)
    assert (found.origin, found.names, found.last, found.suffix) == (gtid, (schema, name), row, suffix[1:])
    assert row_number(text) == row and row_ids(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{GTID}:begin", MessageId(GTID, what="begin")),
        (f"{GTID}:end", MessageId(GTID, what="end")),
        (f"{GTID}:ddl", MessageId(GTID, what="ddl")),
        (f"{GTID}:shop.t:trunc", MessageId(GTID, "shop.t", what="trunc")),
        (f"{GTID}:shop.t:3-9", MessageId(GTID, "shop.t", 3, 9)),
        ("s4:shop.t:2:17", MessageId("s4", "shop.t", 17, 17, chunk=2)),
        ("heartbeat:1700", MessageId("heartbeat", last=1700, what="heartbeat")),
    ],
)
def test_every_kind_of_id_is_read(text: str, expected: MessageId) -> None:
    assert parse_id(text) == expected


@pytest.mark.parametrize(
    "text", ["", "x", "shop.t:1", f"{GTID}:shop.t", f"{GTID}:shop.t:x", f"{GTID}:shop.t:1:2", GTID]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_id(text)


def _row(number: int, kind: str) -> tuple[Operation, RowText]:
    return {
        "c": (Operation.CREATE, inserted(number)),
        "u": (Operation.UPDATE, updated(number)),
        "d": (Operation.DELETE, deleted(number)),
        "m": (Operation.UPDATE, moved(number, number + 1000)),
    }[kind]


#: A transaction: events of a table (by number), each of one kind with some rows.
_EVENTS = st.lists(st.tuples(st.integers(0, 1), st.sampled_from("cudm"), st.integers(1, 5)), max_size=8)
_OPTIONS = st.sampled_from([{}, {"provide.transaction.metadata": "true"}, {"tombstones.on.delete": "false"}])


def _transaction(events: list[tuple[int, str, int]], options: dict[str, str], rows_per_message: int) -> list[Message]:
    made = encoder(options, rows_per_message=rows_per_message)
    counts: dict[str, int] = {}
    tables = [PreparedTable(), PreparedTable(schema="a.b", name="ü:1")]
    messages = made.begin(GTID, COMMITTED_US)
    for number, kind, rows in events:
        operation = _row(0, kind)[0]
        event = tables[number].event(operation, *(_row(each, kind)[1] for each in range(rows)))
        messages += made.rows(GTID, COMMITTED_US, counts, event)
    return messages + made.end(GTID, COMMITTED_US, counts)


@given(_EVENTS, _OPTIONS, st.integers(1, 4))
def test_ids_are_unique_and_in_the_order_of_their_places(
    events: list[tuple[int, str, int]], options: dict[str, str], rows: int
) -> None:
    messages = _transaction(events, options, rows)
    assert len({each.id for each in messages}) == len(messages)
    for table in {parse_id(each.id).table for each in messages}:
        places = [found.place for each in messages if (found := parse_id(each.id)).table in (table, "")]
        inner = [place for place in places if place.table == table]
        assert inner == sorted(inner) and len(set(inner)) == len(inner)
        if options:
            assert places[0] == min(places) or len(places) == 1


@given(_EVENTS, _OPTIONS, st.integers(1, 4), st.integers(1, 4), st.data())
def test_a_run_that_finds_any_part_of_it_sends_the_rest_exactly(
    events: list[tuple[int, str, int]], options: dict[str, str], rows: int, later_rows: int, data: st.DataObject
) -> None:
    """Also where a message now has more rows in it, or less."""
    wanted = _transaction(events, options, rows)
    sent = encoder(options, rows_per_message=rows).packed(wanted)
    found = sent[: data.draw(st.integers(0, len(sent)))]
    there = {row for each in found for row in row_ids(each.id)}
    again = [each for each in _transaction(events, options, rows) if each.id not in there]
    rest = encoder(options, rows_per_message=later_rows).packed(again)
    assert [row for each in (*found, *rest) for row in row_ids(each.id)] == [each.id for each in wanted]


@pytest.mark.parametrize("of", [GTID, "3e11fa47-71ca-11e1-9e33-c80aa9429562:tag_1:5"])
def test_an_id_tells_its_transaction(of: str) -> None:
    for what in ("begin", "end", "ddl", "shop.t:trunc", "shop.t:0", "shop.t:0:d", "shop.t:3-9"):
        assert gtid(f"{of}:{what}") == of


@pytest.mark.parametrize(
    "text", ["", "heartbeat:1700", "s4:shop.t:2:17", "550e8400-e29b-41d4-a716-446655440000", "a:b-c"]
)
def test_a_message_of_no_transaction_or_of_somebody_else_names_none(text: str) -> None:
    assert gtid(text) == ""
    assert row_ids(text) == [text]
