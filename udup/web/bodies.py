"""Reading a request's body: JSON whatever its content type says, within limits, and never a reason for a 500.

What JSON allows and the rest of the system could not carry is refused here: NaN and infinite numbers, halves of
surrogate pairs (not writable as UTF-8), and nesting so deep that a reader would run out of stack.
"""

from __future__ import annotations

import json
from typing import Any

import falcon

#: Levels of objects and lists; a job needs 8.
MAX_DEPTH = 64

_WHITE_SPACE = " \t\r\n"


def read_json(req: falcon.Request, limit: int) -> Any:
    """The JSON value that the body starts with; what follows it is ignored. At most `limit` bytes."""
    length = req.content_length or 0
    data = b"" if length > limit else req.bounded_stream.read(limit + 1)
    if length > limit or len(data) > limit:
        raise falcon.HTTPContentTooLarge(
            description=f"the request's body is larger than {limit} bytes; raise http.max_body_bytes if it must be"
        )
    try:
        text = data.decode("utf-8-sig").lstrip(_WHITE_SPACE)
    except UnicodeDecodeError as error:
        raise _bad(f"the body is not UTF-8: byte {error.start} is 0x{data[error.start]:02x}") from error
    if not text:
        raise _bad("EOF: the request has no body; send the job as a JSON object")
    try:
        value, _ = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite).raw_decode(text)
    except json.JSONDecodeError as error:
        raise _bad(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise _bad(f"the body is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise _bad(f"the body is not JSON that Udup can use: {error}") from error
    _check(value)
    return value


def _check(value: Any) -> None:
    """Depth and text of a whole value, level by level rather than by recursion."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str) and not _encodable(item):
                raise _bad("the body holds half of a surrogate pair, which is no character")
        if not below:
            return
        level = below
    raise _bad(f"the body is nested deeper than {MAX_DEPTH} levels")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _bad(text: str) -> falcon.HTTPBadRequest:
    return falcon.HTTPBadRequest(description=text)
