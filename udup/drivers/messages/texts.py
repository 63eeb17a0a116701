"""JSON of single values, as bytes."""

from __future__ import annotations

import json

import msgspec

NULL = b"null"


def json_text(value: str | None) -> bytes:
    """Return a string as JSON, `null` for None. Characters beyond ASCII stay; halves of surrogates become `?`."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def json_number(value: int | None) -> bytes:
    return NULL if value is None else b"%d" % value


def compact(value: object) -> bytes:
    """Return a document without spaces, its members in their order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
