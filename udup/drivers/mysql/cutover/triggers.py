"""Triggers of a source, and those that a target lacks: made there as they are on the source, definers included.

Each is made in the session that it was made in, as in a full copy. `Trigger.definition` is the stored object as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError, Unsupported
from udup.drivers.mysql.checks.definers import StoredSide, stored_checks
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query, scalar
from udup.drivers.mysql.client.errors import failure
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.sessions import triggers_session
from udup.drivers.mysql.dictionary.catalog import StoredObject
from udup.drivers.mysql.dictionary.definers import TRIGGER, Defined, read_accounts
from udup.drivers.mysql.load.objects import create
from udup.drivers.mysql.snapshot.renamed_catalog import renamed_object
from udup.drivers.mysql.snapshot.stored import read_triggers
from udup.pipeline.checks import DEST, Check, Outcome
from udup.pipeline.ports import Trigger
from udup.pipeline.selection.renames import Renaming
from udup.pipeline.selection.selection import Selection

_DEFINERS = "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, DEFINER FROM information_schema.TRIGGERS"

_NAMES = "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES"

#: In the order in which those of one table, moment and kind of change run.
_THERE = (
    "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION"
    " FROM information_schema.TRIGGERS ORDER BY 1, 3, 4, 5, ACTION_ORDER"
)


def read(connection: Connection, selection: Selection) -> list[Trigger]:
    """Return the triggers of the job's tables by their names on the target, in the order of creation."""
    definers = {
        (str(schema), str(name)): str(definer)
        for schema, name, table, definer in query(connection, _DEFINERS)
        if selection.wants(str(schema), str(table))
    }
    problems: list[str] = []
    stored = [
        each
        for schema in sorted({schema for schema, _ in definers})
        for each in read_triggers(connection, schema, selection, problems)
    ]
    if problems:
        raise Unsupported(
            f"the source does not show its triggers: {'; '.join(problems)}; GRANT TRIGGER on their schemas to the job's"
            " account there, then cut over again"
        )
    names = query(connection, _NAMES) if stored and selection.renames else []
    renaming = Renaming(selection, {(str(schema), name) for schema, table in names for name in ("", str(table))})
    return [_trigger(renamed_object(each, renaming), definers.get((each.schema, each.name), "")) for each in stored]


def _trigger(stored: StoredObject, definer: str) -> Trigger:
    return Trigger(stored.schema, stored.name, stored.table, definer, json.dumps(asdict(stored)))


def lacking(connection: Connection, triggers: Sequence[Trigger]) -> list[Trigger]:
    """Return those that the server does not have."""
    if not triggers:
        return []
    folds = bool(scalar(connection, "SELECT @@lower_case_table_names"))
    there = {_key(str(schema), str(name), folds=folds) for schema, name, *_ in query(connection, _THERE)}
    return [each for each in triggers if _key(each.schema, each.name, folds=folds) not in there]


def _key(schema: str, name: str, *, folds: bool) -> tuple[str, str]:
    return (schema.lower(), name.lower()) if folds else (schema, name)


def checks(connection: Connection, facts: ServerFacts, missing: Sequence[Trigger], name: str) -> Iterator[Check]:
    """Yield what keeps the account from making them; `name` is that of these checks."""
    for schema, table in sorted({(each.schema, each.table) for each in missing}):
        if not facts.privileges.has("TRIGGER", schema, table):
            text = f"{facts.account} has not TRIGGER on {schema}.{table} of the target {facts.address}"
            remedy = f"GRANT TRIGGER ON {quote(schema)}.* TO {facts.account}"
            yield Check(DEST, name, Outcome.FAIL, text, remedy)
    defined = [Defined(TRIGGER, each.schema, each.name, each.definer) for each in missing]
    accounts = read_accounts(connection) if defined else None
    for each in stored_checks(StoredSide(facts, defined, accounts, copies=True)) if defined else ():
        if each.outcome is not Outcome.PASS:
            yield Check(DEST, name, each.outcome, f"to make the source's triggers: {each.found}", each.remedy)


def make(endpoint: Endpoint, triggers: Sequence[Trigger], seconds: float) -> list[str]:
    """Make those that are not there; return what people should know."""
    if not triggers:
        return []
    with closing(connect(endpoint, triggers_session(max(1, int(seconds))))) as connection:
        wanted = lacking(connection, triggers)
        for each in wanted:
            try:
                create(connection, StoredObject(**json.loads(each.definition)))
            except MySQLError as error:
                raise failure(error, f"making the trigger {each} on the target {endpoint}", UdupError) from error
        made = {(each.schema, each.name) for each in wanted}
        return [f"{each}: look whether that is their order on the source" for each in _mixed(connection, made)]


def _mixed(connection: Connection, made: Collection[tuple[str, str]]) -> Iterator[str]:
    """Yield the triggers that were made behind others of the same table, moment and kind of change."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for schema, name, *what in query(connection, _THERE):
        groups.setdefault((str(schema), *map(str, what)), []).append(str(name))
    for (schema, table, moment, change), names in groups.items():
        if 0 < sum((schema, name) in made for name in names) < len(names):
            yield f"{moment} {change} on {schema}.{table} run {', then '.join(names)} there"
