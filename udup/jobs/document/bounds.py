"""How large a posted document may be, beyond its bytes: what takes long to read, or would be told fault by fault.

A megabyte holds 80,000 keys that nobody knows, or 250,000 schemas without a name. Documents that are stored already are
not measured, so that what was accepted once stays readable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from udup.base.errors import Fault
from udup.jobs.document.keys import Level, join

#: Keys that Udup does not know, and what is in them: clients keep notes of their own in a document.
MAX_UNKNOWN = 5_000

#: Elements of lists, by their key. Each is far more than a job needs.
MAX_ELEMENTS: Mapping[str, int] = {
    "Tasks": 16,
    "Datacenters": 1_000,
    "SqlFilter": 100,
    "ReplicateDoDb": 20_000,
    "ReplicateIgnoreDb": 20_000,
    "Tables": 100_000,
}

#: Regular expressions in a document, each of which must be compiled.
MAX_PATTERNS = 1_000


def excess(document: Mapping[str, Any], level: Level) -> Iterator[Fault]:
    """The first thing that is too much in a document."""
    unknown = patterns = 0
    left: list[tuple[str, Any, Level | None]] = [("", document, level)]
    while left:
        path, value, known = left.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                name = known.spellings.get(key.lower()) if known else None
                unknown += name is None
                patterns += name is not None and name.endswith("Regex")
                if isinstance(item, (dict, list)):
                    left.append((join(path, name or key), item, known.inside.get(name) if known and name else None))
        elif isinstance(value, list):
            limit = MAX_ELEMENTS.get(path.rpartition(".")[2])
            if limit is not None and len(value) > limit:
                yield Fault(
                    path, f"has {len(value)} elements, and {limit} are the most", "make several jobs of this one"
                )
                return
            if known is None and limit is None:
                unknown += len(value)
            left.extend((path, item, known) for item in value if isinstance(item, (dict, list)))
        if unknown > MAX_UNKNOWN:
            yield Fault("body", f"holds more than {MAX_UNKNOWN} keys that Udup does not know", "leave them out")
            return
        if patterns > MAX_PATTERNS:
            yield Fault("body", f"holds more than {MAX_PATTERNS} regular expressions", "make several jobs of this one")
            return
