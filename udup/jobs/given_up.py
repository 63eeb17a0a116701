"""What a job's document chooses once tables that are under way are given up: those that the job has meanwhile.

Tables that came new are not chosen any more; those that were to be loaded again are ignored, since the job has let go
of them. All here is pure.
"""

from __future__ import annotations

import copy
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from udup.base.errors import Fault, Refused
from udup.jobs.growth import (
    CHOOSING,
    Growth,
    GrowthState,
    chosen_by,
    contains,
    parts_of,
    selection_by,
    table_of,
)
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

Entry = dict[str, Any]
Chosen = dict[str, Any]


class _NoWords(Exception):
    """Two patterns choose what both match, which no entry of a document says."""


def document_without(document: Mapping[str, Any], growth: Growth, job: str) -> dict[str, Any]:
    """Return a job's document less the tables that are under way; `Refused` where no document says that."""
    chosen = left(growth, chosen_by(document))
    if chosen is None:
        problem = f"the tables that job {job} has besides those under way cannot be written as a ReplicateDoDb"
        remedy = (
            f"have the new tables come (udup job status {shlex.quote(job)} says what keeps them), or delete the job"
        )
        raise Refused([Fault("ReplicateDoDb", problem, remedy)])
    made = copy.deepcopy(dict(document))
    for task in made.get("Tasks") or []:
        if isinstance(task, dict) and task.get("Type") == "Src" and isinstance(task.get("Config"), dict):
            config = task["Config"]
            for key in CHOOSING:
                config.pop(key, None)
            config.update(copy.deepcopy(chosen))
    return made


def gives_up(growth: Growth, old: Selection, new: Selection, chosen: Chosen) -> bool:
    """Return whether a document wants what the job has meanwhile, and nothing of what is under way.

    `old` is the selection of its document until now, which `chosen` says.
    """
    if not growth.side or growth.given_up or growth.state not in (GrowthState.LEAVING, GrowthState.COPYING):
        return False
    staying = parts_of(growth, old).staying
    if new.digest == staying.digest:
        return True
    said = left(growth, chosen)
    if said is not None and selection_by(said).digest == new.digest:
        return True
    names = named(new)
    return names is not None and names == named(staying)


def left(growth: Growth, chosen: Chosen) -> Chosen | None:
    """Return what chooses the tables that stay; None where no document says that, or none does."""
    if growth.reloads:
        return _less(chosen, growth.reloads)
    if contains(selection_by(chosen), selection_by(growth.before)):
        return growth.before
    try:
        made = _both(growth.before, chosen)
    except _NoWords:
        return None
    return made if made.get("ReplicateDoDb") else None


def named(selection: Selection) -> frozenset[tuple[str, str]] | None:
    """Return the tables of a selection that names each of them exactly; None for all others."""
    rules = selection.rules
    if not rules or any(not rule.name or not rule.tables or any(each.regex for each in rule.tables) for rule in rules):
        return None
    names = ((rule.name, each.name) for rule in rules for each in rule.tables)
    return frozenset(each for each in names if selection.wants(*each))


def _less(chosen: Chosen, tables: Iterable[str]) -> Chosen:
    schemas: dict[str, list[Entry]] = {}
    for each in tables:
        schema, table = table_of(each)
        schemas.setdefault(schema, []).append({"TableName": table})
    ignored = [{"TableSchema": schema, "Tables": names} for schema, names in schemas.items()]
    return {**chosen, "ReplicateIgnoreDb": [*(chosen.get("ReplicateIgnoreDb") or ()), *ignored]}


# ---- What both of two documents choose ----


def _both(one: Chosen, other: Chosen) -> Chosen:
    pairs = _pairs(one.get("ReplicateDoDb") or [{}], other.get("ReplicateDoDb") or [{}])
    do = [met for mine, theirs in pairs for met in _schemas(mine, theirs)]
    ignored: list[Entry] = []
    for each in (*(one.get("ReplicateIgnoreDb") or ()), *(other.get("ReplicateIgnoreDb") or ())):
        if each not in ignored:
            ignored.append(each)
    made: Chosen = {"ReplicateDoDb": [each for place, each in enumerate(do) if each not in do[:place]]}
    if ignored:
        made["ReplicateIgnoreDb"] = ignored
    return made


def _pairs(ours: Sequence[Entry], others: Sequence[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Yield what is to be met; an entry of both sides with itself alone: it has all that it shares with others."""
    yield from ((each, each) for each in ours if each in others)
    yield from ((each, other) for each in ours if each not in others for other in others if other not in ours)


def _schemas(mine: Entry, theirs: Entry) -> Iterator[Entry]:
    """Yield what chooses what two entries of ReplicateDoDb do."""
    if not mine or not theirs:
        yield mine or theirs
        return
    narrow = _narrower(mine, theirs, "TableSchema")
    if narrow is None:
        return
    ours, others = mine.get("Tables") or [], theirs.get("Tables") or []
    schema = {key: value for key, value in narrow.items() if key != "Tables"}
    if not ours or not others:
        yield {**schema, "Tables": ours or others}
        return
    found: list[Entry] = []
    for pair in _pairs(ours, others):
        met = _narrower(*pair, "TableName")
        if met is not None and met not in found:
            found.append(met)
    if found:
        yield {**schema, "Tables": found}


def _narrower(mine: Entry, theirs: Entry, key: str) -> Entry | None:
    """Return which of two entries chooses no more than the other; None where none matches what the other does."""
    (name, regex), (other, others) = _names(mine, key), _names(theirs, key)
    if (name, regex) == (other, others):
        return mine
    if regex and others:
        raise _NoWords
    if not regex and not others:
        return None
    exact, pattern, entry = (name, others, mine) if name else (other, regex, theirs)
    return entry if NameRule(regex=pattern).matches(exact, folds=False) else None


def _names(entry: Entry, key: str) -> tuple[str, str]:
    """Return the exact name and the regular expression of an entry, one of which is empty."""
    rule = SchemaRule(str(entry.get(key) or ""), str(entry.get(f"{key.removesuffix('Name')}Regex") or ""))
    return rule.name, rule.regex
