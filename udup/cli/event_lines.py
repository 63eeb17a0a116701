"""A message of a subscription as people read it: what happened to which row, and what is another value now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from udup.cli.output import shown

#: Characters of a value, and of all that is said of a row.
VALUE_WIDTH, LINE_WIDTH = 60, 400

WORDS = {"c": "create", "u": "update", "d": "delete", "r": "read", "t": "truncate"}

#: What an ID ends with that is of no row.
_OTHERS = {"begin": "begin", "end": "end", "ddl": "ddl", "trunc": "truncate"}

#: What a value left out because of its size says in its place.
_META = ("__op", "__gtid", "__ts_us", "__deleted")


def raw_line(event: Mapping[str, Any]) -> str:
    """Return a message as one line of JSON: key and value are as they are in the sink, digit for digit."""
    parts = (
        ("subject", json.dumps(event["Subject"], ensure_ascii=False)),
        ("key", _raw(event["Key"])),
        ("value", _raw(event["Value"])),
        ("id", json.dumps(event["ID"], ensure_ascii=False)),
    )
    return "{" + ",".join(f'"{name}":{text}' for name, text in parts) + "}"


def _raw(text: str | None) -> str:
    """Return a JSON text on one line, any other as a JSON string."""
    if text is None:
        return "null"
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(text, ensure_ascii=False)
    return text.replace("\n", " ").replace("\r", " ")


def lines(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield a message as a line for each row in it, and one for what it says."""
    origin, table, what = _place(event["ID"])
    value = _parsed(event["Value"])
    rows = value if isinstance(value, list) else [value]
    for row in rows:
        operation, before, after = _images(row)
        word = _OTHERS.get(what) or WORDS.get(operation or event["Operation"], operation)
        if event["Value"] is None:
            word = "tombstone"
        key = _key(event["Key"], after or before) if table else ""
        named = "  ".join(part for part in (table or event["Subject"], key, origin) if part)
        yield shown(f"{event['Time'][11:23].rstrip('Z'):<12}  {word or 'message':<9}  {named}")
        told = _said(row, before, after, what)
        if told:
            yield shown(f"    {told if len(told) <= LINE_WIDTH else told[: LINE_WIDTH - 1] + '…'}")


def _place(message_id: str) -> tuple[str, str, str]:
    """Return GTID (or the snapshot's number), table, and what an ID ends with."""
    parts = message_id.split(":")
    at = next((number for number, part in enumerate(parts) if "." in part), None)
    if at is None:
        return ":".join(parts[:-1]), "", parts[-1]
    schema, _, name = parts[at].partition(".")
    return ":".join(parts[:at]), f"{unquote(schema)}.{unquote(name)}", parts[-1]


def _parsed(text: str | None) -> Any:
    """Return a JSON value whose numbers keep their digits, the text itself if it is none."""
    if text is None:
        return None
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return text


def _images(row: Any) -> tuple[str, Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """Return operation and both images of a row, in whichever of the forms it came."""
    if not isinstance(row, dict):
        return "", None, None
    inner = _payload(row)
    if "data" in inner and "iodebeziumop" in inner:
        data = _payload(inner["data"])
        return str(inner["iodebeziumop"]), _object(data.get("before")), _object(data.get("after"))
    if "__op" in inner:
        columns = {name: said for name, said in inner.items() if name not in _META}
        operation = str(inner["__op"])
        return operation, (columns if operation == "d" else None), (None if operation == "d" else columns)
    return str(inner.get("op") or ""), _object(inner.get("before")), _object(inner.get("after"))


def _payload(value: Any) -> Mapping[str, Any]:
    inner = value.get("payload", value) if isinstance(value, dict) and "schema" in value else value
    return inner if isinstance(inner, dict) else {}


def _object(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


def _key(text: str | None, image: Mapping[str, Any] | None) -> str:
    """Return the key's columns; of several rows in a message, whose key is the table's, those are not known."""
    key = _parsed(text)
    columns = _payload(key) if isinstance(key, dict) else {}
    if set(columns) == {"table"} and image is not None and "table" not in image:
        return ""
    return " ".join(f"{name}={_short(said)}" for name, said in columns.items())


def _said(row: Any, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, what: str) -> str:
    if before is not None and after is not None:
        changed = {name: said for name, said in after.items() if name not in before or before[name] != said}
        told = (f"{name}: {_short(before.get(name))} → {_short(said)}" for name, said in changed.items())
        return ", ".join(told) or "nothing is another value"
    image = after if after is not None else before
    if image is not None:
        return ", ".join(f"{name}: {_short(said)}" for name, said in image.items())
    inner = _payload(row)
    if "ddl" in inner:
        return str(inner["ddl"])
    if row is None or what in ("begin", "trunc"):
        return ""
    return row if isinstance(row, str) else json.dumps(inner or row, ensure_ascii=False, default=str)


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= VALUE_WIDTH else f"{text[: VALUE_WIDTH - 1]}…"
