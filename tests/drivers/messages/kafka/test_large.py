"""Messages without their longest values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from udup.drivers.messages.large_values import without_longest
from udup.pipeline.ports.delivery import Message

_GONE = "__debezium_unavailable_value"


def _message(value: Any) -> Message:
    return Message("s.db.t", b'{"id":1}', json.dumps(value, separators=(",", ":")).encode(), "g:1:db.t:0")


def _shorter(value: Any, too_much: int) -> Any:
    before = _message(value)
    after = without_longest(before, too_much)
    assert after is not None and after.value is not None and before.value is not None
    assert len(after.value) <= len(before.value) - too_much
    return json.loads(after.value)


def test_the_longest_values_go_first_and_no_more_than_needed() -> None:
    value = {
        "before": {"id": 1, "a": "x" * 300, "b": "y" * 200},
        "after": {"id": 1, "a": "z" * 400, "b": "w"},
        "op": "u",
    }
    found = _shorter(value, 300)
    assert found["after"] == {"id": 1, "a": _GONE, "b": "w"}
    assert found["before"] == value["before"]
    found = _shorter(value, 500)
    assert found["after"]["a"] == found["before"]["a"] == _GONE
    assert found["before"]["b"] == "y" * 200


def test_what_stays_is_as_it_was_written() -> None:
    text = '{"before":null,"after":{"d":1.0E22,"n":12345678901234567890123,"s":"%s"},"op":"c"}' % ("x" * 200)
    found = without_longest(Message("t", None, text.encode(), "i"), 100)
    assert found is not None and found.value == text.replace("x" * 200, _GONE).encode()


@pytest.mark.parametrize("around", ["payload", "data"])
def test_an_envelope_may_lie_in_another(around: str) -> None:
    inner = {"before": None, "after": {"a": "x" * 300}, "op": "c"}
    assert _shorter({around: inner, "x": 1}, 200) == {around: {**inner, "after": {"a": _GONE}}, "x": 1}


def test_a_flat_message_is_one_image() -> None:
    assert _shorter({"id": 1, "a": "x" * 300, "op": "c"}, 200) == {"id": 1, "a": _GONE, "op": "c"}


@pytest.mark.parametrize("value", [{"before": None, "after": {"a": "x" * 50}}, ["x" * 300], "x" * 300])
def test_a_message_that_cannot_be_so_much_shorter_is_told(value: Any) -> None:
    assert without_longest(_message(value), 100) is None
