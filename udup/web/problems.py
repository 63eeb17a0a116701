"""The body of an error: bare text, or an object for a client that names JSON in its Accept.

    application/json           {"error": "…", "details": [{"field": "…", "problem": "… -- remedy"}]}
    application/problem+json   {"type", "title", "status", "detail", "errors": [{"field", "problem", "remedy"}]}

The second is RFC 9457's; who names both gets it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from udup.base.errors import Fault

JSON, PROBLEM, TEXT = "application/json", "application/problem+json", "text/plain; charset=utf-8"

#: What Accept may say for JSON; clients made from the description name what it lists, some the whole family.
_JSON_NAMES = (JSON, "application/*")


def error_body(accept: str, code: int, text: str, faults: Sequence[Fault] = ()) -> tuple[bytes, str]:
    """Return the body of an error, and its type, as who sent this Accept reads it."""
    names = list(_named(accept))
    if PROBLEM in names:
        return _encoded(_problem(code, text, faults)), PROBLEM
    if any(name in _JSON_NAMES or name.endswith("+json") for name in names):
        details = [{"field": fault.where, "problem": _told(fault)} for fault in faults]
        return _encoded({"error": text.rstrip("\n"), "details": details}), JSON
    return text.encode(), TEXT


def _problem(code: int, text: str, faults: Sequence[Fault]) -> dict[str, Any]:
    try:
        title = HTTPStatus(code).phrase
    except ValueError:
        title = str(code)
    errors = [{"field": fault.where, "problem": fault.problem, "remedy": fault.remedy} for fault in faults]
    return {"type": "about:blank", "title": title, "status": code, "detail": text.rstrip("\n"), "errors": errors}


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _told(fault: Fault) -> str:
    return f"{fault.problem} -- {fault.remedy}" if fault.remedy else fault.problem


def _named(accept: str) -> Iterator[str]:
    """Yield what an Accept names; `*/*`, which every client sends, is no name of anything."""
    for media in accept.lower().split(","):
        name, *parameters = (part.strip() for part in media.split(";"))
        if not any(map(_is_zero_quality, parameters)):
            yield name


def _is_zero_quality(parameter: str) -> bool:
    key, _, value = parameter.partition("=")
    return key.strip() == "q" and not value.strip().strip("0.")
