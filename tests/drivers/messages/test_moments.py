"""When a message's transaction was committed is read out of every form that says it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drivers.messages.tables import COMMITTED_US, GTID, PreparedTable, deleted, encoder, inserted
from udup.drivers.messages.moments import committed_us, moments
from udup.pipeline.ports.delivery import Message, Operation

_PLANS: list[dict[str, Any]] = [
    {},
    {"schemas": True},
    {"format": "flat"},
    {"format": "flat", "schemas": True},
    {"format": "cloudevents"},
    {"format": "cloudevents", "schemas": True},
    {"rows_per_message": 20},
    {"rows_per_message": 20, "schemas": True},
    {"options": {"provide.transaction.metadata": "true"}},
]


def _sent(plan: dict[str, Any]) -> list[Message]:
    made = encoder(**plan)
    messages = made.begin(GTID, COMMITTED_US)
    messages += made.rows(GTID, COMMITTED_US, {}, PreparedTable().event(Operation.CREATE, inserted(1), inserted(2)))
    messages += made.rows(GTID, COMMITTED_US, {}, PreparedTable().event(Operation.DELETE, deleted(1)))
    return made.packed(messages)


@pytest.mark.parametrize("plan", _PLANS, ids=str)
def test_every_form_says_when_its_transaction_was_committed(plan: dict[str, Any]) -> None:
    sent = _sent(plan)
    assert moments((each.id, each.value) for each in sent) == {GTID: COMMITTED_US}
    rows = [each for each in sent if each.operation]
    assert rows and {committed_us(each.value, GTID) for each in rows} == {COMMITTED_US}


@pytest.mark.parametrize(
    "value",
    [
        *(None, b"", b"{", b"[]", b"7", b'{"source":"x"}', b'{"source":{"ts_us":null}}'),
        *(b'{"source":{"ts_us":5}}', b'{"source":{"gtid":"u:1","ts_us":5}}', b'{"__gtid":"u:1","__ts_us":5}'),
        *(b'{"iodebeziumtsus":5}', b'{"source":{"gtid":"%b","ts_us":1e999}}' % GTID.encode()),
        b'{"__gtid":"%b"}' % GTID.encode(),
    ],
)
def test_what_does_not_say_it_of_its_transaction_is_no_fault(value: bytes | None) -> None:
    """A row of an outbox is whatever its user has written."""
    assert committed_us(value, GTID) == 0
