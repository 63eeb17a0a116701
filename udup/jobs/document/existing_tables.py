"""What a document says of tables that are on the target already: which of its keys do not go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from udup.base.errors import Fault
from udup.jobs.document.keys import join
from udup.jobs.document.values import FALSE_WORDS

_FILL, _DROP, _CONVERT = "SkipCreateDbTable", "DropTableIfExists", "ApproveHeterogeneous"


def faults(tasks: object) -> Iterator[Fault]:
    """Return what is wrong between the tasks' keys, which are canonical."""
    configs = [each.get("Config") for each in tasks if isinstance(each, dict)] if isinstance(tasks, list) else []
    given = [(place, config) for place, config in enumerate(configs) if isinstance(config, dict)]
    where = {key: _place(given, key) for key in (_FILL, _DROP, _CONVERT)}
    if where[_FILL] and where[_DROP]:
        yield Fault(
            where[_FILL],
            f"is given together with {where[_DROP]}: the one keeps the target's tables, the other drops them",
            "keep one of them",
        )
    modes = [(place, config["ApplyMode"]) for place, config in given if isinstance(config.get("ApplyMode"), str)]
    for place, mode in modes:
        if where[_CONVERT] and mode.strip().lower() == "events":
            yield Fault(
                join(f"Tasks[{place}].Config", "ApplyMode"),
                f"is events, and {where[_CONVERT]} asks for values: BINLOG converts nothing",
                'leave it out, or write "statements"',
            )


def _place(configs: list[tuple[int, dict[str, Any]]], key: str) -> str:
    """Return the path of a key that is set, "" if none is."""
    for place, config in configs:
        value = config.get(key)
        if value and not (isinstance(value, str) and value.strip() in FALSE_WORDS):
            return join(f"Tasks[{place}].Config", key)
    return ""
