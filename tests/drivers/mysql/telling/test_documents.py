"""JSON documents out of their texts: the bytes that the encoder of rows makes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udup.base.errors import Unsupported
from udup.drivers.mysql.rows.json_encoding import encode
from udup.drivers.mysql.rows.json_values import JsonValue, Opaque, Unsigned, key_order
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time
from udup.drivers.mysql.rows.values import Json
from udup.drivers.mysql.telling.documents import document
from udup.drivers.mysql.telling.plain_documents import integer, plain_document

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=150)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXTS,
)


def _containers(inner: st.SearchStrategy[JsonValue]) -> st.SearchStrategy[JsonValue]:
    objects = st.dictionaries(_TEXTS, inner, max_size=5)
    return st.lists(inner, max_size=5) | objects.map(
        lambda found: {key: found[key] for key in sorted(found, key=key_order)}
    )


@given(st.recursive(_SCALARS, _containers, max_leaves=20))
def test_plain_documents_are_those_of_the_encoder(value: JsonValue) -> None:
    text = json.dumps(value, ensure_ascii=False).encode()
    assert plain_document(text) == encode(json.loads(text, parse_int=integer))


@pytest.mark.parametrize("value", [["x" * 1000] * 100, {"a": {"b": ["y" * 70_000]}}, {f"k{i}": i for i in range(9999)}])
def test_large_documents_count_in_four_bytes(value: JsonValue) -> None:
    assert Json(plain_document(json.dumps(value).encode())).tree() == json.loads(json.dumps(value))


def test_numbers_are_signed_as_the_server_reads_them() -> None:
    tree = Json(plain_document(b"[1, 4294967295, 4294967296, -5]")).tree()
    assert [type(each) for each in tree] == [int, int, Unsigned, int]  # type: ignore[union-attr]


def test_values_that_text_does_not_tell_are_made_by_their_types() -> None:
    text = (
        b'{"d": 1.50, "u": 5, "at": "2024-02-29 01:02:03.000004", "day": "2024-02-29", "bin": "base64:type252:AP8=",'
        b' "list": ["-10:11:12.500000", 7, "x"]}'
    )
    types = b"OBJECT|DECIMAL,UNSIGNED INTEGER,DATETIME,DATE,BLOB,ARRAY|TIME,INTEGER,STRING"
    tree = Json(document(text, types)).tree()
    assert isinstance(tree, dict)
    assert str(tree["d"]) == "1.50" and isinstance(tree["u"], Unsigned)
    assert tree["at"] == DateTime.of(2024, 2, 29, 1, 2, 3, 4) and tree["day"] == Date.of(2024, 2, 29)
    assert tree["bin"] == Opaque(252, b"\0\xff")
    assert tree["list"] == [Time.of(10, 11, 12, 500_000, negative=True), 7, "x"]


def test_a_document_whose_types_are_not_told_stops_the_snapshot() -> None:
    with pytest.raises(Unsupported, match="max_allowed_packet"):
        document(b"[1]", b"?")
