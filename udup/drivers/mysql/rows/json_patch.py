"""What a partial update of JSON logs: changes at paths, and the document after them.

A patch is a row of changes: an operation, the path with its length before it, and but for a removal the new value,
with its length before it, in the binary form of documents. Paths are those of the server's JSON functions, such as
`$.a[2]."b c"`. A change replaces what stands at its path, or inserts there (a member, or an element before the one at
that index), or removes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from udup.drivers.mysql.binlog.event import read_lenenc
from udup.drivers.mysql.rows.errors import DAMAGE, DamagedRows, damaged
from udup.drivers.mysql.rows.json_binary import parse
from udup.drivers.mysql.rows.json_values import JsonValue, key_order

_STEP = re.compile(r'\.(?P<quoted>"(?:[^"\\]|\\.)*")|\.(?P<bare>[^.\["]+)|\[(?P<index>\d+)\]', re.DOTALL)

Step = str | int


class Operation(IntEnum):
    REPLACE = 0
    INSERT = 1
    REMOVE = 2


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `path` is as the server wrote it; `value` is None for a removal too."""

    operation: Operation
    path: str
    value: JsonValue = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return keys and indexes from the document's root on; `DamagedRows` for what is no path."""
        return parse_path(self.path)


def parse_patch(data: bytes) -> tuple[Change, ...]:
    """Return the changes in their order; `DamagedRows` for bytes that are none."""
    try:
        return tuple(_changes(data))
    except DamagedRows:
        raise
    except DAMAGE as error:
        raise damaged(f"a partial update of JSON cannot be read ({type(error).__name__}: {error})") from error


def _changes(data: bytes) -> list[Change]:
    changes = []
    at = 0
    while at < len(data):
        operation = Operation(data[at])
        path, at = _sized(data, at + 1)
        value: JsonValue = None
        if operation is not Operation.REMOVE:
            document, at = _sized(data, at)
            value = parse(document)
        changes.append(Change(operation, path.decode(), value))
    return changes


def _sized(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = read_lenenc(data, at)
    if at + size > len(data):
        raise damaged("a partial update of JSON is longer than its bytes")
    return data[at : at + size], at + size


def parse_path(path: str) -> tuple[Step, ...]:
    """Return a path's keys and indexes; `DamagedRows` for what is none."""
    if path[:1] != "$":
        raise damaged(f"a partial update of JSON has the path {path!r}")
    steps: list[Step] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise damaged(f"a partial update of JSON has the path {path!r}")
        at = found.end()
        if found["index"] is not None:
            steps.append(int(found["index"]))
        else:
            steps.append(found["bare"] if found["bare"] is not None else str(json.loads(found["quoted"], strict=False)))
    return tuple(steps)


def apply(document: JsonValue, changes: Sequence[Change]) -> JsonValue:
    """Return the document after the changes; `DamagedRows` if a path leads nowhere in it."""
    for change in changes:
        document = _changed(document, change.steps, change)
    return document


def _changed(document: JsonValue, steps: tuple[Step, ...], change: Change) -> JsonValue:
    """Return a copy of this part of the document with the change in it; the parts beside it are shared."""
    if not steps:
        if change.operation is not Operation.REPLACE:
            raise _leads_nowhere(change)
        return change.value
    step, rest = steps[0], steps[1:]
    if isinstance(document, dict) and isinstance(step, str):
        return _changed_object(document, step, rest, change)
    if isinstance(document, list) and isinstance(step, int):
        return _changed_array(document, step, rest, change)
    raise _leads_nowhere(change)


def _changed_object(
    document: dict[str, JsonValue], key: str, rest: tuple[Step, ...], change: Change
) -> dict[str, JsonValue]:
    if not rest and change.operation is Operation.INSERT:
        if key in document:
            raise _leads_nowhere(change)
        members = document | {key: change.value}
        return {each: members[each] for each in sorted(members, key=key_order)}
    if key not in document:
        raise _leads_nowhere(change)
    if not rest and change.operation is Operation.REMOVE:
        return {each: value for each, value in document.items() if each != key}
    return document | {key: _changed(document[key], rest, change)}


def _changed_array(document: list[JsonValue], index: int, rest: tuple[Step, ...], change: Change) -> list[JsonValue]:
    if not rest and change.operation is Operation.INSERT:
        return [*document[:index], change.value, *document[index:]]
    if index >= len(document):
        raise _leads_nowhere(change)
    behind = document[index + 1 :]
    if not rest and change.operation is Operation.REMOVE:
        return [*document[:index], *behind]
    return [*document[:index], _changed(document[index], rest, change), *behind]


def _leads_nowhere(change: Change) -> DamagedRows:
    return damaged(f"a partial update of JSON has {change.operation.name} {change.path}, which its row does not have")
