"""How values are to look in messages: Debezium's options by their own names and values, and a few of Udup's.

Only names that are about values are read here; `is_known` says which they are. What is wrong with any of them is told
at once, as `Refused` with a fault each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from udup.base.errors import Fault, Refused
from udup.base.secrets import Unresolvable, read_password, shown_name
from udup.drivers.mysql.rowtext.masks import HASHES, Hash, Mask, MaskKind
from udup.drivers.mysql.rowtext.patterns import KeyColumns, Patterns, parse_keys, parse_patterns


class Decimals(StrEnum):
    PRECISE = "precise"
    STRING = "string"
    DOUBLE = "double"


class UnsignedBigint(StrEnum):
    LONG = "long"
    PRECISE = "precise"


class Times(StrEnum):
    ADAPTIVE_MICROSECONDS = "adaptive_time_microseconds"
    ADAPTIVE = "adaptive"
    CONNECT = "connect"
    ISOSTRING = "isostring"
    MICROSECONDS = "microseconds"
    NANOSECONDS = "nanoseconds"


class Binary(StrEnum):
    BYTES = "bytes"
    BASE64 = "base64"
    BASE64_URL_SAFE = "base64-url-safe"
    HEX = "hex"


class JsonForm(StrEnum):
    LEGACY = "legacy"  # compact, as Debezium writes what it reads from the log
    DATABASE = "database"  # as the server prints it


class Values(StrEnum):
    DEBEZIUM = "debezium"
    EXACT = "exact"


PLACEHOLDER = "__debezium_unavailable_value"


@dataclass(frozen=True)
class ValueOptions:
    """The options of one subscription. `quirks`: Debezium's form also where it is wrong about the data.

    `masks` are in the order in which they were written; the first that fits a column holds. `tinyint1` wants the
    dictionary (`facts.py`), as the log does not say how wide a TINYINT is shown.
    """

    decimals: Decimals = Decimals.PRECISE
    unsigned_bigint: UnsignedBigint = UnsignedBigint.LONG
    times: Times = Times.ADAPTIVE_MICROSECONDS
    binary: Binary = Binary.BYTES
    adjust_years: bool = True
    placeholder: str = PLACEHOLDER
    keys: tuple[KeyColumns, ...] = ()
    include: Patterns | None = None
    exclude: Patterns | None = None
    masks: tuple[Mask, ...] = ()
    json: JsonForm = JsonForm.LEGACY
    tinyint1: bool = False
    quirks: bool = False

    def keeps(self, column: str) -> bool:
        """Return whether images have this column (`schema.table.column`)."""
        if self.include is not None:
            return self.include.matches(column)
        return self.exclude is None or not self.exclude.matches(column)

    def mask_of(self, column: str) -> Mask | None:
        return next((mask for mask in self.masks if mask.columns.matches(column)), None)

    def key_of(self, table: str) -> tuple[str, ...] | None:
        """Return the columns that `message.key.columns` says for a table (`schema.table`)."""
        return next((keys.columns for keys in self.keys if keys.tables.matches(table)), None)


@dataclass
class _Draft:
    """What has been read of the options so far."""

    found: dict[str, Any] = field(default_factory=dict)
    masks: list[Mask] = field(default_factory=list)
    exact: bool = False
    faults: list[Fault] = field(default_factory=list)

    def wrong(self, name: str, value: str, problem: str, remedy: str) -> None:
        self.faults.append(Fault(f"Options.{shown_name(name)}", f"{value!r} {problem}", remedy))


def is_known(name: str) -> bool:
    """Return whether an option is one of those that say how values look."""
    return name in _PLAIN or any(pattern.fullmatch(name) for pattern, _ in _MASKS)


def parse_options(options: Mapping[str, str], *, quirks: bool = False) -> ValueOptions:
    """Return what the options say; `Refused` with a fault for each that is wrong.

    Others' options are passed over; those of columns are nobody else's.
    """
    draft = _Draft()
    for name, value in options.items():
        plain = _PLAIN.get(name)
        if plain is not None:
            plain(draft, name, value)
            continue
        for pattern, make in _MASKS:
            found = pattern.fullmatch(name)
            if found:
                _mask(draft, name, value, found, make)
                break
        else:
            if name.startswith(_OF_COLUMNS):  # a misspelt mask would show what it was to hide
                draft.faults.append(Fault(f"Options.{shown_name(name)}", "there is no such option", _COLUMNS_REMEDY))
    if "include" in draft.found and "exclude" in draft.found:
        draft.wrong("column.exclude.list", options["column.exclude.list"], "stands beside column.include.list", _ONE)
    if draft.faults:
        raise Refused(draft.faults)
    base = _EXACT if draft.exact else ValueOptions()
    return replace(base, masks=tuple(draft.masks), quirks=quirks, **draft.found)


_ONE = "give one of the two lists"

#: What `Values: exact` begins with: nothing of a value is bent, and JSON is the server's own text.
_EXACT = ValueOptions(
    unsigned_bigint=UnsignedBigint.PRECISE,
    adjust_years=False,
    json=JsonForm.DATABASE,
)

_Read = Callable[[_Draft, str, str], None]
E_ = TypeVar("E_", bound=StrEnum)


def _one_of(target: str, words: type[E_]) -> _Read:
    def read(draft: _Draft, name: str, value: str) -> None:
        try:
            draft.found[target] = words(value.strip().lower())
        except ValueError:
            draft.wrong(name, value, "is no value of it", f"give one of {', '.join(words)}")

    return read


def _switch(target: str) -> _Read:
    def read(draft: _Draft, name: str, value: str) -> None:
        word = value.strip().lower()
        if word not in ("true", "false"):
            draft.wrong(name, value, "is neither true nor false", "give true or false")
        else:
            draft.found[target] = word == "true"

    return read


def _text(draft: _Draft, name: str, value: str) -> None:
    if value.startswith("hex:"):
        draft.wrong(name, value, "is a placeholder of bytes", "give it as text")
    else:
        draft.found["placeholder"] = value


def _list(target: str) -> _Read:
    def read(draft: _Draft, name: str, value: str) -> None:
        patterns = _patterns(draft, name, value)
        if patterns is not None:
            draft.found[target] = patterns

    return read


def _patterns(draft: _Draft, name: str, value: str) -> Patterns | None:
    try:
        return parse_patterns(value)
    except ValueError as error:
        draft.wrong(name, value, f"is no list of patterns: {error}", "give regular expressions of schema.table.column")
        return None


def _keys(draft: _Draft, name: str, value: str) -> None:
    try:
        draft.found["keys"] = parse_keys(value)
    except ValueError as error:
        draft.wrong(name, value, f"says no keys: {error}", "give schema.table:column,column;schema.table:column")


def _values(draft: _Draft, name: str, value: str) -> None:
    word = value.strip().lower()
    if word not in tuple(Values):
        draft.wrong(name, value, "is no value of it", f"give one of {', '.join(Values)}")
    draft.exact = word == Values.EXACT


_PLAIN: dict[str, _Read] = {
    "decimal.handling.mode": _one_of("decimals", Decimals),
    "bigint.unsigned.handling.mode": _one_of("unsigned_bigint", UnsignedBigint),
    "time.precision.mode": _one_of("times", Times),
    "binary.handling.mode": _one_of("binary", Binary),
    "enable.time.adjuster": _switch("adjust_years"),
    "unavailable.value.placeholder": _text,
    "message.key.columns": _keys,
    "column.include.list": _list("include"),
    "column.exclude.list": _list("exclude"),
    "json.string.formatting.mode": _one_of("json", JsonForm),
    "TinyInt1AsBoolean": _switch("tinyint1"),
    "Values": _values,
}


# ---- Masks, whose names say what they do ----

_Make = Callable[[re.Match[str], Patterns], Mask]


def _mask(draft: _Draft, name: str, value: str, found: re.Match[str], make: _Make) -> None:
    patterns = _patterns(draft, name, value)
    if patterns is None:
        return
    try:
        draft.masks.append(make(found, patterns))
    except ValueError as error:
        draft.faults.append(Fault(f"Options.{shown_name(name)}", str(error), _MASK_REMEDY))


def _hash(found: re.Match[str], columns: Patterns) -> Mask:
    algorithm = found["algorithm"].upper()
    if algorithm not in HASHES:
        raise ValueError(f"there is no algorithm {found['algorithm']}")
    version = 2 if found["version"] else 1
    try:
        salt = read_password(found["salt"])
    except Unresolvable as error:
        raise ValueError(f"its salt {error}") from error
    return Mask(columns, MaskKind.HASH, hash=Hash(HASHES[algorithm], salt, version))


def _truncate(found: re.Match[str], columns: Patterns) -> Mask:
    if not int(found["length"]):
        raise ValueError("nothing would be left of the values")
    return Mask(columns, MaskKind.TRUNCATE, int(found["length"]))


_MASK_REMEDY = (
    f"write column.mask.hash.v2.ALGORITHM.with.salt.SALT with one of {', '.join(HASHES)},"
    " column.truncate.to.N.chars with N from 1 up, or column.mask.with.0.chars"
)

_OF_COLUMNS = "column."

_COLUMNS_REMEDY = f"write column.include.list or column.exclude.list; for a mask {_MASK_REMEDY.removeprefix('write ')}"

_MASKS: tuple[tuple[re.Pattern[str], _Make], ...] = (
    (
        re.compile(r"column\.mask\.hash\.(?P<version>v2\.)?(?P<algorithm>[^.]+)\.with\.salt\.(?P<salt>.+)"),
        _hash,
    ),
    (
        re.compile(r"column\.mask\.with\.(?P<length>\d{1,9})\.chars"),
        lambda found, columns: Mask(columns, MaskKind.STARS, int(found["length"])),
    ),
    (
        re.compile(r"column\.truncate\.to\.(?P<length>\d{1,9})\.chars"),
        _truncate,
    ),
    (re.compile(r"column\.mask\.with\.null"), lambda _, columns: Mask(columns, MaskKind.NULL)),
)
