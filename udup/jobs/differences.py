"""What differs between two documents of a job, for people and for the question whether anything does.

Keys are compared in their canonical spelling. Tasks are told by their types, schemas and tables by their names, so that
one table more is one difference. What is secret is compared and never shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from udup.base.secrets import MASK, is_reference, is_secret
from udup.jobs.document.acceptance import essence
from udup.jobs.document.keys import canonical, join
from udup.jobs.document.spec import DOCUMENT
from udup.jobs.document.values import shown
from udup.jobs.words import Driver, EndWhen, JobType

#: What an element of a list is called by, the first that it has.
_NAMES = ("Type", "TableSchema", "TableSchemaRegex", "TableName", "TableRegex")

#: Keys of a job on which nothing depends that a start could meet.
_PLACES = ("Region", "Datacenters", "Failover", "Compression", "Verify", "Meta")

#: What a task says that says nothing of it.
_SILENT_IN_TASK = {"NodeId": "", "NodeName": "", "Driver": Driver.MYSQL.value}

_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """A key by its path, and its values as they may be shown; "" for an absent one."""

    path: str
    before: str
    after: str


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two documents say the same."""
    return bool(_canonical(one) == _canonical(other))


def starts_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a start by one document meets what a start by the other meets."""
    return all(re.split(r"[.[]", each.path)[0] in _PLACES for each in differences(one, other))


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield what differs, in the order of the keys."""
    return _compared("", _canonical(before), _canonical(after))


def _canonical(document: Mapping[str, Any]) -> Any:
    """The document in canonical spelling, without what says nothing: answers show the defaults that were not given."""
    made = {"Type": JobType.SYNCHRONOUS.value, **canonical(essence(document), DOCUMENT, "", [])}
    if isinstance(tasks := made.get("Tasks"), list):
        made["Tasks"] = [_SILENT_IN_TASK | task if isinstance(task, dict) else task for task in tasks]
    if made.get("EndWhen") in ("", EndWhen.LEVEL.value):
        del made["EndWhen"]
    if made.get("Failover") is False:
        del made["Failover"]
    if made.get("Compression") == "":
        del made["Compression"]
    return made


def _compared(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            one, other = before.get(key, _ABSENT), after.get(key, _ABSENT)
            if is_secret(key) and one != other:
                yield Difference(join(path, key), _masked(one), _masked(other))
            else:
                yield from _compared(join(path, key), one, other)
    elif isinstance(before, list) and isinstance(after, list):
        ours, theirs = _named(before), _named(after)
        for name in dict.fromkeys((*ours, *theirs)):
            yield from _compared(f"{path}[{name}]", ours.get(name, _ABSENT), theirs.get(name, _ABSENT))
    elif before is _ABSENT or after is _ABSENT or before != after:
        yield Difference(path, _shown(before), _shown(after))


def _named(items: list[Any]) -> dict[str, Any]:
    """The elements of a list by name, or by place where they have no names of their own."""
    names = [_name(item) for item in items]
    counts = Counter(names)
    return {
        name if name and counts[name] == 1 else str(place): item
        for place, (name, item) in enumerate(zip(names, items, strict=True))
    }


def _name(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    return next((str(item[key]) for key in _NAMES if isinstance(item.get(key), str) and item[key]), "")


def _masked(value: Any) -> str:
    if value is _ABSENT:
        return ""
    return shown(value) if is_reference(value) else MASK


def _shown(value: Any) -> str:
    return "" if value is _ABSENT else shown(value).removeprefix("the number ")
