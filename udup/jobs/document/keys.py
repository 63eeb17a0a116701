"""Keys of a document match in any case: `name` is `Name`, at every level that Udup knows.

A document is rewritten once to the canonical spelling before anything looks into it, so that all other code and all
faults know one spelling. `null` means absent, so such keys are dropped. Values and unknown keys pass untouched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from udup.base.errors import Fault
from udup.base.secrets import shown_name


@dataclass(frozen=True)
class Level:
    """The keys known at one level, and the levels of the objects (or lists of objects) that some of them hold."""

    names: Iterable[str]
    inside: Mapping[str, Level] = field(default_factory=dict)

    @cached_property
    def spellings(self) -> dict[str, str]:
        """Lower case to canonical; made once, since a job may name thousands of tables."""
        return {name.lower(): name for name in self.names}


def canonical(value: object, level: Level, path: str, faults: list[Fault]) -> Any:
    """`value` with canonical keys. A key that is given twice in different cases is a fault: which one is meant?"""
    if isinstance(value, list):
        return [canonical(item, level, f"{path}[{place}]", faults) for place, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    spellings = level.spellings
    given_as: dict[str, str] = {}
    result: dict[str, Any] = {}
    items: Iterable[tuple[str, Any]] = value.items()
    for key, item in items:
        name: str = spellings.get(key.lower(), key)
        where = join(path, name)
        if name in given_as:
            faults.append(Fault(where, f"is given twice, as {given_as[name]!r} and as {key!r}", "keep one of them"))
            continue
        given_as[name] = key
        if item is not None:
            inner = level.inside.get(name)
            result[name] = canonical(item, inner, where, faults) if inner else item
    return result


def join(path: str, name: str) -> str:
    """The path of a key inside an object, as it may be shown: `Tasks[0].Config` + `Gtid`."""
    name = shown_name(name)
    return f"{path}.{name}" if path else name
