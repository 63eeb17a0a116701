"""Reading requests: what a query asks for beside the path, and the JSON of a body.

Numbers, durations and truth values in a query are written as Go writes them, since that is what clients send: `1m30s`,
`true`. A body is JSON whatever its content type says, within limits, and never a reason for a 500. What JSON allows and
the rest of the system could not carry is refused here: NaN and infinite numbers, halves of surrogate pairs (not
writable as UTF-8), and nesting so deep that a reader would run out of stack.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import falcon
from pydantic_core import PydanticCustomError

from udup.base.errors import Fault, Refused
from udup.jobs.document.gtid_text import gtid_set, is_one_gtid

#: Seconds that a request blocks when it does not say how long, and at most.
LONGEST_WAIT_S = 300.0

#: The greatest index that there can be (unsigned 64 bits).
_LAST_INDEX = (1 << 64) - 1

_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_STEP = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_DURATION = re.compile(rf"[+-]?(0|({_STEP.pattern})+)")

#: Seconds that a question whether a job is level waits when it does not say how long.
LEVEL_WAIT_S = 30.0

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})

_UUID_LENGTH = 36
_UUID_HYPHENS = 4

#: Levels of objects and lists; a job needs 8.
MAX_DEPTH = 64

_WHITE_SPACE = " \t\r\n"


class RegionRule:
    """One node is one region: a request for another is turned away."""

    def __init__(self, region: str) -> None:
        self._region = region

    def check(self, req: falcon.Request, document: dict[str, Any] | None = None) -> None:
        """The query's word counts before the body's; an empty one is no word."""
        said: object = req.get_param("region")
        where = "region"
        if not said and document:
            said = next((value for key, value in document.items() if key.lower() == "region"), None)
            where = "Region"
        if isinstance(said, str) and said and said != self._region:
            raise Refused([Fault(where, f"No path to region {said!r}", f"this node's is {self._region!r}")])


@dataclass(frozen=True)
class Blocking:
    """Wait until the answer's index is greater than `index` (0: do not wait), for at most so many seconds."""

    index: int
    wait_s: float


def read_blocking(req: falcon.Request) -> Blocking:
    """`wait` and `index`; a wrong `wait` is told first, also where it does not matter for want of an index."""
    wait = req.get_param("wait")
    seconds = 0.0
    if wait:
        if not _DURATION.fullmatch(wait):
            raise falcon.HTTPBadRequest(description="Invalid wait time")
        seconds = sum(float(number) * _UNITS_S[unit] for number, unit in _STEP.findall(wait))
        seconds = 0.0 if wait.startswith("-") else seconds
    index = req.get_param("index") or "0"
    if not (index.isascii() and index.isdecimal() and len(index) <= 20 and int(index) <= _LAST_INDEX):
        raise falcon.HTTPBadRequest(description="Invalid index")
    return Blocking(int(index), min(seconds, LONGEST_WAIT_S) if seconds > 0 else LONGEST_WAIT_S)


def is_true(req: falcon.Request, name: str) -> bool:
    """A truth value as Go's ParseBool has it; anything else, and its absence, is false."""
    return req.get_param(name, default="") in _TRUE


def is_false(req: falcon.Request, name: str) -> bool:
    """Whether a truth value is given and false; anything else, and its absence, is true."""
    return req.get_param(name, default="") in _FALSE


def read_number(req: falcon.Request, name: str) -> int | None:
    """A whole number from 1 on, None where it is not given."""
    text = req.get_param(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text)):
        raise Refused(
            [Fault(name, f"must be a whole number from 1 on, got {text[:40]!r}", f"write {name}=1, or leave it out")]
        )
    return int(text)


def read_count(req: falcon.Request, name: str) -> int:
    """Return a whole number from 0 on, 0 where it is not given."""
    text = req.get_param(name) or "0"
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        remedy = f"write {name}=0, or leave it out"
        raise Refused([Fault(name, f"must be a whole number from 0 on, got {text[:40]!r}", remedy)])
    return int(text)


def read_settlement(req: falcon.Request) -> tuple[str, bool]:
    """`gtid`, one transaction, and `applied`, both required."""
    gtid = req.get_param("gtid", default="")
    if not is_one_gtid(gtid):
        remedy = "name the one that the job's StatusDescription tells: ?gtid=UUID:NUMBER&applied=true"
        raise Refused([Fault("gtid", f"{gtid[:80]!r} is not the GTID of one transaction", remedy)])
    said = req.get_param("applied", default="")
    if said not in _TRUE | _FALSE:
        raise Refused([Fault("applied", f"{said[:80]!r} is neither true nor false", "say whether the rows are there")])
    return gtid, said in _TRUE


def read_level(req: falcon.Request) -> tuple[str | None, float]:
    """`gtid`, a GTID set, None where none is named; `timeout`, seconds that the question may wait."""
    gtid = req.get_param("gtid")
    if gtid is not None:
        remedy = "leave it out to have the source asked"
        try:
            gtid = gtid_set(gtid)
        except PydanticCustomError as error:
            context = error.context or {}
            raise Refused([Fault("gtid", str(context.get("problem")), f"{context.get('remedy')}; {remedy}")]) from error
        if not gtid:
            raise Refused([Fault("gtid", "is empty, which every target has", remedy)])
    return gtid, read_timeout(req, LEVEL_WAIT_S, LONGEST_WAIT_S)


def read_timeout(req: falcon.Request, default: float, longest: float) -> float:
    """`timeout`: seconds that a question may wait."""
    timeout = req.get_param("timeout")
    if timeout is None:
        return default
    if not _SECONDS.fullmatch(timeout):
        remedy = f"write timeout={default:.0f}, {longest:.0f} at most; 0 answers at once"
        raise Refused([Fault("timeout", f"{timeout[:80]!r} is not a number of seconds", remedy)])
    return min(float(timeout), longest)


def read_deadline(req: falcon.Request) -> float | None:
    """`deadline`: seconds until something is done in any case; None, where it is not given, for never."""
    text = req.get_param("deadline")
    if text is None:
        return None
    if not _SECONDS.fullmatch(text):
        remedy = "write deadline=600, or 0 for now; leave it out to wait for as long as it takes"
        raise Refused([Fault("deadline", f"{text[:80]!r} is not a number of seconds", remedy)])
    return float(text)


def read_gtid(req: falcon.Request) -> str:
    """`gtid`, one transaction, required."""
    gtid = req.get_param("gtid", default="")
    if not is_one_gtid(gtid):
        remedy = "name the one that the job's StatusDescription tells: ?gtid=UUID:NUMBER"
        raise Refused([Fault("gtid", f"{gtid[:80]!r} is not the GTID of one transaction", remedy)])
    return gtid


def check_uuid(text: str, table: str) -> None:
    """Turn away what is no UUID; `table` is `node`, `alloc` or `eval`."""
    if len(text) != _UUID_LENGTH:
        raise _lookup_failed(table, f"UUID must be {_UUID_LENGTH} characters")
    _digits(text, table)


def uuid_prefix(req: falcon.Request, table: str) -> str:
    """The `prefix` of a list whose IDs are UUIDs, as lower-case digits without hyphens."""
    text = req.get_param("prefix", default="")
    if len(text) > _UUID_LENGTH:
        raise _lookup_failed(table, f"Invalid UUID length. UUID have {_UUID_LENGTH} characters; got {len(text)}")
    return _digits(text, table)


def has_prefix(identity: str, digits: str) -> bool:
    return identity.replace("-", "").lower().startswith(digits)


def _digits(text: str, table: str) -> str:
    """Hexadecimal digits, two for each byte."""
    hyphens = text.count("-")
    if hyphens > _UUID_HYPHENS:
        raise _lookup_failed(table, f'UUID should have maximum of {_UUID_HYPHENS} "-"; got {hyphens}')
    digits = text.replace("-", "")
    if len(digits) % 2:
        raise _lookup_failed(table, "Input (without hyphens) must be even length")
    for digit in digits:
        if digit not in "0123456789abcdefABCDEF":
            raise _lookup_failed(table, f"Invalid UUID: encoding/hex: invalid byte: U+{ord(digit):04X} {digit!r}")
    return digits.lower()


def _lookup_failed(table: str, problem: str) -> falcon.HTTPBadRequest:
    return falcon.HTTPBadRequest(description=f"{table} lookup failed: index error: {problem}")


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
