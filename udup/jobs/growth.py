"""How a job gets other tables while it goes on: what a document changes of them, and how far that has come.

Tables that come new, or are loaded again, are copied and followed by a *side job*, with a record and a checkpoint of
its own, while the job itself goes on for the tables that stay. When the side job has caught up, both stand still for
a moment and the job's next take-over on the target joins their checkpoints (`pipeline/positions.py`).

    LEAVING --the job has let go of what it is to leave--> COPYING --the side job stands still--> JOINING --> none
                                                              '--it is given up--> ENDING --> CLOSING --> none

Each state is stored before anything is done by it. All here is pure.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from udup.base.errors import Fault, Refused, Transient
from udup.base.kept import Kept
from udup.jobs.document.replicate import ReplicateDoDb, selection_of
from udup.pipeline.selection.kept import only
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

#: What a side job is called behind the ID of its job. No client can post it: IDs have no spaces.
SIDE = " tables"

#: Characters of a job's ID on the target.
_ID_MAX = 255

#: Tables that one request loads again.
RELOADED_MAX = 100

#: Keys of a document that choose tables.
CHOOSING = ("ReplicateDoDb", "ReplicateIgnoreDb")

#: Tables that are told by name.
_TOLD = 5

TableName = tuple[str, str]


class GrowthState(StrEnum):
    LEAVING = "leaving"  # the job lets go of tables; no side job yet
    COPYING = "copying"  # the side job copies and follows
    JOINING = "joining"  # the side job stands still for good, and the job's next run takes it in
    ENDING = "ending"  # it is given up: the side job is removed
    CLOSING = "closing"  # that is done, and the job's next run goes by its document


class Growth(Kept):
    """`side` is the side job's ID, "" where tables are taken out alone; `incarnation` tells it from others of its ID.

    `before` is how the document before chose tables (`chosen_by`), `reloads` the tables that are loaded again.
    `given_up`: it is not wanted any more; `after` is what the document chose then. `since_ns` is since the epoch;
    `problem` is why the last join could not be.
    """

    state: GrowthState
    side: str = ""
    incarnation: str = ""
    before: dict[str, Any] = {}
    reloads: tuple[str, ...] = ()
    since_ns: int = 0
    problem: str = ""
    given_up: bool = False
    after: dict[str, Any] = {}


@dataclass(frozen=True)
class Parts:
    """The tables of a job that grows: `before`, what of them stays, what the side job has, and all `after`.

    `new` is None where tables are taken out alone.
    """

    before: Selection
    staying: Selection
    new: Selection | None
    after: Selection

    @property
    def leaves(self) -> bool:
        """Whether the job is to let go of tables before it goes on."""
        return self.staying.digest != self.before.digest


def side_id(job: str) -> str:
    """Return what the side job of a job is called; of a job whose ID is too long nothing can be added, "" then."""
    made = job + SIDE
    return made if len(made) <= _ID_MAX else ""


def whole_id(side: str) -> str:
    """Return the ID of the job that a side job is a part of."""
    return side.removesuffix(SIDE)


def chosen_by(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a document says which tables its job has."""
    for task in document.get("Tasks") or []:
        config = task.get("Config") if isinstance(task, dict) else None
        if isinstance(config, dict) and task.get("Type") == "Src":
            return {key: config[key] for key in CHOOSING if config.get(key)}
    return {}


def selection_by(chosen: Mapping[str, Any]) -> Selection:
    """Return the selection that `chosen_by` has kept."""
    do, ignore = ([ReplicateDoDb.model_validate(each) for each in chosen.get(key) or ()] for key in CHOOSING)
    return selection_of(do, ignore)


def parts_of(growth: Growth, after: Selection) -> Parts:
    """Return the tables of a job that grows to a selection, which is its document's."""
    if growth.given_up:
        after = selection_by(growth.after).folding(after.folds)
    if growth.reloads:
        tables = [table_of(each) for each in growth.reloads]
        loaded = Selection(tuple(rule for schema, table in tables for rule in only(after, schema, table).rules))
        exact = Selection(tuple(SchemaRule(schema, tables=(NameRule(table),)) for schema, table in tables))
        return Parts(after, after.without(exact), loaded, after)
    return changed(selection_by(growth.before), after, has_side=bool(growth.side))


def changed(before: Selection, after: Selection, *, has_side: bool = True) -> Parts:
    """Return the tables of a job whose document has another selection."""
    if not has_side:
        return Parts(before, after, None, after)
    staying = before if contains(after, before) else before.within(after)
    return Parts(before, staying, after.without(before), after)


def table_of(name: str) -> TableName:
    schema, _, table = name.partition(".")
    return schema, table


# ---- What may be asked for ----


def contains(one: Selection, other: Selection) -> bool:
    """Return whether all that the other chooses is chosen by one, as far as their rules show it."""
    ignored = all(any(_covers(by, each) for by in other.ignored) for each in one.ignored)
    rules = not one.rules or (bool(other.rules) and all(_has(one.rules, each) for each in other.rules))
    return ignored and rules and all(each in other.less for each in one.less)


def _has(rules: Sequence[SchemaRule], rule: SchemaRule) -> bool:
    """Return whether rules choose all that one rule does: each of its tables may be another's."""
    if any(_covers(each, rule) for each in rules):
        return True
    return bool(rule.tables) and all(
        any(_covers(each, SchemaRule(rule.name, rule.regex, tables=(table,))) for each in rules)
        for table in rule.tables
    )


def _covers(one: SchemaRule, other: SchemaRule) -> bool:
    """Return whether a rule chooses all that another does."""
    if (one.name, one.regex) != (other.name, other.regex) and not (
        one.regex and other.name and one.matches(other.name, folds=False)
    ):
        return False
    if not one.tables:
        return True
    return bool(other.tables) and all(any(_covers_table(by, each) for by in one.tables) for each in other.tables)


def _covers_table(one: NameRule, other: NameRule) -> bool:
    if (one.name, one.regex) == (other.name, other.regex):
        return True
    return bool(one.regex and other.name and one.matches(other.name, folds=False))


def check_change(before: Selection, after: Selection) -> None:
    """Raise `Refused` if tables that stay were to get another name, other rows or other columns."""
    for schema, table in _named(before, after):
        if not (before.wants(schema, table) and after.wants(schema, table)):
            continue
        for what, one, other in (
            ("name on the target", before.renamed_table(schema, table), after.renamed_table(schema, table)),
            ("Where", before.filters_of(schema, table), after.filters_of(schema, table)),
            ("columns", before.columns_of(schema, table), after.columns_of(schema, table)),
        ):
            if one != other:
                raise Refused([_other_treatment(f"{schema}.{table}", what)])
    ours, theirs = set(_treating(before)), set(_treating(after))
    for rule in sorted(ours ^ theirs, key=repr):
        schema = rule[0]
        if rule[1] or not (before.wants_schema(schema) and after.wants_schema(schema)):
            continue
        raise Refused([_other_treatment(schema, "name on the target")])
    for pattern in sorted(_patterns(before) ^ _patterns(after), key=repr):
        raise Refused([_other_treatment(str(pattern[0]), "name on the target, or its rows or columns")])


def _named(*selections: Selection) -> Iterator[TableName]:
    """Yield the tables that selections name exactly."""
    for selection in selections:
        for rule in (*selection.rules, *selection.ignored):
            yield from ((rule.name, each.name) for each in rule.tables if rule.name and each.name)


def _treating(selection: Selection) -> Iterator[tuple[str, str, str]]:
    """Yield the schemas that have another name on the target, by their exact names: (schema, "", new name)."""
    for rule in selection.rules:
        if rule.name and rule.rename:
            yield rule.name, "", rule.rename


def _patterns(selection: Selection) -> set[tuple[object, ...]]:
    """Return what regular expressions do to tables besides choosing them."""
    found: set[tuple[object, ...]] = set()
    for rule in selection.rules:
        if rule.regex and rule.rename:
            found.add((rule.regex, rule.rename))
        for each in rule.tables:
            if (each.regex or rule.regex) and (each.rename or each.where or each.columns):
                found.add((each.regex or each.name, rule.regex or rule.name, each.rename, each.where, each.columns))
    return found


def _other_treatment(what: str, key: str) -> Fault:
    return Fault(
        "ReplicateDoDb",
        f"another {key} of {what}, which stays in the job: what is on the target was made as the job has it now",
        "take the table out of the job (post it without), then add it again as it is to be: it is copied then, once"
        " its table on the target is out of the way or DropTableIfExists is set; or give the job another ID",
    )


def check_reload(job: str, selection: Selection, tables: Sequence[str]) -> None:
    """Raise `Refused` if tables cannot be loaded again: the job does not have them."""
    if not 0 < len(tables) <= RELOADED_MAX:
        raise Refused([Fault("table", f"{len(tables)} tables are named", f"name 1 to {RELOADED_MAX}")])
    unwanted = [each for each in tables if "." not in each or not selection.wants(*table_of(each))]
    if unwanted:
        remedy = "name tables as the source has them, SCHEMA.TABLE; add others in the job's ReplicateDoDb"
        raise Refused([Fault("table", f"job {job} does not have {', '.join(map(repr, unwanted))}", remedy)])


def check_one_at_a_time(job: str, growth: Growth | None, *, runs: bool) -> None:
    """Raise `Transient` while tables are under way: the next change waits. `runs`: the job is carried out."""
    if growth is None:
        return
    named = shlex.quote(job)
    raise Transient(
        f"job {job} is still {doing(growth)}: one change of its tables at a time."
        f" {'Wait' if runs else f'Have the job go on (udup job resume {named}), wait'} until that is done (udup job"
        f" status {named}), then try again{give_up_instead(job, growth)}"
    )


def give_up_instead(job: str, growth: Growth) -> str:
    """Return how somebody who would not wait gives up what is under way; "" where there is nothing to give up."""
    if not growth.side or growth.given_up or growth.state not in (GrowthState.LEAVING, GrowthState.COPYING):
        return ""
    return f"; or give it up: udup job reload {shlex.quote(job)} --give-up"


def doing(growth: Growth) -> str:
    """Return what is done to the tables of a job, for people."""
    if growth.given_up:
        return f"giving up what was to be {'loaded again' if growth.reloads else 'taken in'}"
    if growth.reloads:
        return f"loading {told(growth.reloads)} again"
    return "taking tables in" if growth.side else "leaving tables out"


def told(tables: Sequence[str]) -> str:
    """Return tables for people, the first of many."""
    more = f" and {len(tables) - _TOLD} more" if len(tables) > _TOLD else ""
    return ", ".join(tables[:_TOLD]) + more
