"""Triggers that a cut-over's target lacks: made there as they are on the source, definers included.

Each is made in the session that it was made in, as in a full copy. `Trigger.definition` is the stored object as JSON,
`Trigger.restores` the collation that its schema has: one that was made under another is made while the schema has that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.checks.definers import StoredSide, stored_checks
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query, scalar
from udup.drivers.mysql.client.errors import failure
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.sessions import triggers_session
from udup.drivers.mysql.cutover.trigger_rehearsal import rehearse
from udup.drivers.mysql.dictionary.catalog import StoredObject
from udup.drivers.mysql.dictionary.definers import TRIGGER, Defined, read_accounts
from udup.drivers.mysql.load.objects import create
from udup.pipeline.checks import DEST, Check, Outcome
from udup.pipeline.ports import Trigger
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: In the order in which those of one table, moment and kind of change run.
_THERE = (
    "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION"
    " FROM information_schema.TRIGGERS ORDER BY 1, 3, 4, 5, ACTION_ORDER"
)

_SCHEMAS = "SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"

_FOLDS = "SELECT @@lower_case_table_names"


def lacking(connection: Connection, triggers: Sequence[Trigger]) -> list[Trigger]:
    """Return those that the server does not have, with the collations of their schemas."""
    if not triggers:
        return []
    missing = _missing(connection, triggers)
    collations = _collations(connection) if missing else {}
    return [replace(each, restores=_collation_of(collations, each.schema)) for each in missing]


def _missing(connection: Connection, triggers: Sequence[Trigger]) -> list[Trigger]:
    folds = bool(scalar(connection, _FOLDS))
    there = {_key(str(schema), str(name), folds=folds) for schema, name, *_ in query(connection, _THERE)}
    return [each for each in triggers if _key(each.schema, each.name, folds=folds) not in there]


def _key(schema: str, name: str, *, folds: bool) -> tuple[str, str]:
    return (schema.lower(), name.lower()) if folds else (schema, name)


def _collations(connection: Connection) -> dict[str, str]:
    return {str(schema): str(collation) for schema, collation in query(connection, _SCHEMAS)}


def _collation_of(collations: Mapping[str, str], schema: str) -> str:
    """Return a schema's collation, whose name the server may keep in lower case; "" if there is no such schema."""
    return collations.get(schema) or collations.get(schema.lower(), "")


def checks(
    connection: Connection, endpoint: Endpoint, facts: ServerFacts, missing: Sequence[Trigger], name: str
) -> list[Check]:
    """Return what keeps the server from taking them; `name` is that of these checks."""
    if not missing:
        return []
    found = [*_of_privileges(facts, missing, name), *_of_collations(connection, facts, missing, name)]
    defined = [Defined(TRIGGER, each.schema, each.name, each.definer) for each in missing]
    for each in stored_checks(StoredSide(facts, defined, read_accounts(connection), copies=True)):
        if each.outcome is not Outcome.PASS:
            found.append(Check(DEST, name, each.outcome, f"to make the source's triggers: {each.found}", each.remedy))
    there = "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s"
    if any(each.outcome is Outcome.FAIL for each in found) or facts.is_on("super_read_only"):
        return found
    if not query(connection, there, UDUP_SCHEMA):
        return found  # without it there is no checkpoint, which is told
    return [*found, *rehearse(endpoint, missing, name)]


def _of_privileges(facts: ServerFacts, missing: Sequence[Trigger], name: str) -> Iterator[Check]:
    for schema, table in sorted({(each.schema, each.table) for each in missing}):
        if not facts.privileges.has("TRIGGER", schema, table):
            text = f"{facts.account} has not TRIGGER on {schema}.{table} of the target {facts.address}"
            yield Check(DEST, name, Outcome.FAIL, text, facts.grant("TRIGGER", f"{quote(schema)}.*"))
    if not facts.privileges.has("TRIGGER", UDUP_SCHEMA):
        text = (
            f"{facts.account} has not TRIGGER on {UDUP_SCHEMA}.* of the target {facts.address}, where the source's"
            " triggers are tried before anything is changed"
        )
        yield Check(DEST, name, Outcome.FAIL, text, facts.grant("TRIGGER", f"{quote(UDUP_SCHEMA)}.*"))


def _of_collations(
    connection: Connection, facts: ServerFacts, missing: Sequence[Trigger], name: str
) -> Iterator[Check]:
    """Of triggers that were made while their schema had another collation: it has it again while they are made."""
    known = {str(each) for (each,) in query(connection, "SELECT COLLATION_NAME FROM information_schema.COLLATIONS")}
    other: dict[tuple[str, str], str] = {}
    for each in missing:
        collation = _made_under(each)
        if collation and collation != each.restores:
            other.setdefault((each.schema, collation), each.name)
    for (schema, collation), trigger in other.items():
        front = f"the trigger {schema}.{trigger} was made while its schema had the collation {collation}, "
        if collation not in known:
            remedy = "drop it on the source and make it again, in a schema of another collation"
            yield Check(DEST, name, Outcome.FAIL, f"{front}which the target {facts.address} does not know", remedy)
        elif not facts.privileges.has("ALTER", schema):
            text = (
                f"{front}which the schema must have again while it is made, and {facts.account} has not ALTER on"
                f" {schema} of the target {facts.address}"
            )
            yield Check(DEST, name, Outcome.FAIL, text, facts.grant("ALTER", f"{quote(schema)}.*"))


def _made_under(trigger: Trigger) -> str:
    return StoredObject(**json.loads(trigger.definition)).collation_database


def make(endpoint: Endpoint, triggers: Sequence[Trigger], seconds: float) -> list[str]:
    """Make those that are not there; return what people should know."""
    if not triggers:
        return []
    with closing(connect(endpoint, triggers_session(max(1, int(seconds))))) as connection:
        return make_on(connection, triggers, f"the target {endpoint}")


def make_on(connection: Connection, triggers: Sequence[Trigger], where: str) -> list[str]:
    """Make them on this connection, which serves nothing else."""
    restore_collations(connection, triggers)
    for each in _missing(connection, triggers):
        try:
            create(connection, StoredObject(**json.loads(each.definition)))
        except MySQLError as error:
            raise failure(error, f"making the trigger {each} on {where}", UdupError) from error
    return [f"{each}: look whether that is their order on the source" for each in _mixed(connection, triggers)]


def restore_collations(connection: Connection, triggers: Sequence[Trigger]) -> None:
    """Give schemas their collations back that an attempt before has changed and not restored: it was killed.

    Whatever is lacking still. A schema that has a third collation by now somebody else has given it.
    """
    found = _collations(connection)
    for schema, own in sorted({(each.schema, each.restores) for each in triggers if each.restores}):
        now = _collation_of(found, schema)
        if now != own and now in {_made_under(each) for each in triggers if each.schema == schema}:
            query(connection, f"ALTER DATABASE {quote(schema)} COLLATE {own}")


def _mixed(connection: Connection, made: Sequence[Trigger]) -> Iterator[str]:
    """Yield triggers that were made behind others of the same table, moment and kind of change.

    `made` are all of the cut-over's, also those that an attempt before has made.
    """
    folds = bool(scalar(connection, _FOLDS))
    of_job = {_key(each.schema, each.name, folds=folds) for each in made}
    groups: dict[tuple[str, ...], list[str]] = {}
    for schema, name, *what in query(connection, _THERE):
        groups.setdefault((str(schema), *map(str, what)), []).append(str(name))
    for (schema, table, moment, change), names in groups.items():
        if 0 < sum(_key(schema, name, folds=folds) in of_job for name in names) < len(names):
            yield f"{moment} {change} on {schema}.{table} run {', then '.join(names)} there"
