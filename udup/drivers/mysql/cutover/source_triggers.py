"""The triggers of a cut-over's source: their names, their definitions, and which of them the account may not see.

information_schema shows the triggers of a table to an account that has TRIGGER on it, and says nothing of the others.
So the account is looked at before its silence counts as "there are none".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import NamedTuple

from udup.base.errors import Unsupported
from udup.base.long_text import some_of
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.snapshot.names import read_base_tables
from udup.drivers.mysql.snapshot.renamed_catalog import renamed_object
from udup.drivers.mysql.snapshot.stored import read_triggers
from udup.pipeline.checks import SRC, Check, Outcome
from udup.pipeline.ports import Trigger
from udup.pipeline.selection.renames import Renaming
from udup.pipeline.selection.selection import Selection

_TRIGGERS = (
    "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, DEFINER FROM information_schema.TRIGGERS"
    " ORDER BY TRIGGER_SCHEMA, EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER"
)

_NAMES = "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES"

#: Names shown of a list.
_SHOWN = 5


class Listed(NamedTuple):
    """A trigger of one of the job's tables, by its names on the source."""

    schema: str
    name: str
    table: str
    definer: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def listed(connection: Connection, selection: Selection) -> list[Listed]:
    """Return the triggers of the job's tables that the account sees, in the order of creation."""
    found = [Listed(*map(str, row)) for row in query(connection, _TRIGGERS)]
    return [each for each in found if selection.wants(each.schema, each.table)]


def names(connection: Connection, facts: ServerFacts, selection: Selection) -> list[Trigger]:
    """Return the triggers that the target is to have; `Unsupported` if the account may not see all of them."""
    if unseen := list(_unseen(connection, facts, selection)):
        raise Unsupported("; ".join(f"{found}; run there {remedy}, then cut over again" for found, remedy in unseen))
    return [_named(each, selection) for each in listed(connection, selection) if _is_brought(each, selection)]


def _named(each: Listed, selection: Selection) -> Trigger:
    schema, table = selection.renamed_table(each.schema, each.table)
    return Trigger(schema, each.name, table, each.definer)


def _is_brought(each: Listed, selection: Selection) -> bool:
    return selection.brings_triggers_of(each.schema, each.table)


def defined(connection: Connection, selection: Selection, triggers: Sequence[Trigger]) -> list[Trigger]:
    """Return these with their definitions, those that are gone left out."""
    wanted = {(each.schema, each.name): each for each in triggers}
    by_schema: dict[str, dict[str, Trigger]] = {}
    for each in listed(connection, selection):
        found = wanted.get((_named(each, selection).schema, each.name))
        if found is not None and _is_brought(each, selection):
            by_schema.setdefault(each.schema, {})[each.name] = found
    problems: list[str] = []
    stored = [
        each
        for schema, triggers_there in by_schema.items()
        for each in read_triggers(connection, schema, triggers_there, problems)
    ]
    if problems:
        raise Unsupported(
            f"the source does not show its triggers: {'; '.join(problems)}; GRANT TRIGGER on their schemas to the job's"
            " account there, then cut over again"
        )
    tables = query(connection, _NAMES) if stored and selection.renames else []
    renaming = Renaming(selection, {(str(schema), name) for schema, table in tables for name in ("", str(table))})
    made = []
    for each_stored in stored:
        trigger = by_schema[each_stored.schema][each_stored.name]
        there = renamed_object(each_stored, renaming)
        made.append(
            Trigger(there.schema, there.name, there.table, trigger.definer, json.dumps(asdict(there)), trigger.restores)
        )
    return made


def checks(connection: Connection, facts: ServerFacts, selection: Selection, name: str) -> Iterator[Check]:
    """Yield which triggers the account may not see, and which the target does not get; `name` is that of the checks."""
    for found, remedy in _unseen(connection, facts, selection):
        yield Check(SRC, name, Outcome.FAIL, found, remedy)
    if not selection.maps_columns:
        return
    if own := [f"{each} on {each.table}" for each in listed(connection, selection) if not _is_brought(each, selection)]:
        found = (
            "triggers of tables with a ColumnMapFrom do not go to the target, whose columns are others: "
            f"{some_of(own, _SHOWN)}; make there what they are to be, when the job has ended and before applications"
            " write"
        )
        yield Check(SRC, name, Outcome.WARN, found, "nothing else has to be done")


def _unseen(connection: Connection, facts: ServerFacts, selection: Selection) -> Iterator[tuple[str, str]]:
    """Yield what is wrong, and the remedy, for each schema with tables on which the account has not TRIGGER."""
    if facts.privileges.has("TRIGGER"):
        return
    hidden: dict[str, list[str]] = {}
    whole: dict[str, bool] = {}
    for schema, table in read_base_tables(connection, selection):
        if schema not in whole:
            whole[schema] = facts.privileges.has("TRIGGER", schema)
        if not whole[schema] and not facts.privileges.has("TRIGGER", schema, table):
            hidden.setdefault(schema, []).append(table)
    for schema, tables in hidden.items():
        few = len(tables) <= _SHOWN
        places = [qualified(schema, table) for table in tables] if few else [f"{quote(schema)}.*"]
        named = some_of([f"{schema}.{table}" for table in tables], _SHOWN)
        yield (
            f"{facts.account} has not TRIGGER on {named} of the source "
            f"{facts.address}, and so does not see whether they have triggers, which the target would lack",
            "; ".join(facts.grant("TRIGGER", place) for place in places),
        )
