"""What the query of a GET asks for beside the path: region, index and wait, prefixes, truth values.

Numbers, durations and truth values are written as Go writes them, since that is what clients send: `1m30s`, `true`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import falcon

from udup.base.errors import Fault, Refused
from udup.jobs.document.gtid_text import is_one_gtid

#: Seconds that a request blocks when it does not say how long, and at most.
LONGEST_WAIT_S = 300.0

#: The greatest index that there can be (unsigned 64 bits).
_LAST_INDEX = (1 << 64) - 1

_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_STEP = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_DURATION = re.compile(rf"[+-]?(0|({_STEP.pattern})+)")

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})

_UUID_LENGTH = 36
_UUID_HYPHENS = 4


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
