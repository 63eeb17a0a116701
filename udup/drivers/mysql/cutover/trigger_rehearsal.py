"""Triggers that a cut-over is to make, tried before it begins: only the server knows all its reasons to refuse one.

They cannot be made on their tables while rows are applied there. So each is made on an empty table like its own, in
Udup's schema, and goes with that. Of its body the server looks at its own table's columns, and not at other tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from udup.base.endpoint import Endpoint
from udup.base.errors import Contended
from udup.drivers.mysql.client.connection import (
    Connection,
    MySQLError,
    connect,
    describe,
    error_code,
    is_transient,
    query,
    scalar,
)
from udup.drivers.mysql.client.errors import NOTHING_THERE, failure
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.sessions import triggers_session
from udup.drivers.mysql.ddl.sqltokens import UntokenizableError, Word, tokenize
from udup.drivers.mysql.dictionary.catalog import StoredObject
from udup.drivers.mysql.load.objects import create
from udup.drivers.mysql.load.rehearsal import remedy_of
from udup.drivers.mysql.snapshot.renamed_catalog import mode_bits
from udup.pipeline.checks import DEST, Check, Outcome
from udup.pipeline.ports import Trigger
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: The empty table; one that a death has left behind goes when the next rehearsal begins.
TABLE = "rehearsal"

#: One rehearsal on a server at a time, and seconds to wait for another.
_LOCK, _LOCK_SECONDS = "udup.rehearsal", 30

#: Seconds for the lock of the table that the empty one is like.
_TABLE_SECONDS = 5


def rehearse(endpoint: Endpoint, triggers: Sequence[Trigger], name: str) -> Iterator[Check]:
    """Yield what the server does not take of them; `name` is that of these checks."""
    tables: dict[tuple[str, str], list[StoredObject]] = {}
    for each in triggers:
        tables.setdefault((each.schema, each.table), []).append(StoredObject(**json.loads(each.definition)))
    with closing(connect(endpoint, triggers_session(_TABLE_SECONDS))) as connection:
        if scalar(connection, "SELECT GET_LOCK(%s, %s)", _LOCK, _LOCK_SECONDS) != 1:
            raise Contended(f"another cut-over tries its triggers on {endpoint}; try again when it has done so")
        for table, stored in tables.items():
            yield from _on_table(connection, table, stored, name)


def _on_table(
    connection: Connection, table: tuple[str, str], triggers: Sequence[StoredObject], name: str
) -> Iterator[Check]:
    empty = qualified(UDUP_SCHEMA, TABLE)
    query(connection, f"DROP TABLE IF EXISTS {empty}")
    try:
        query(connection, f"CREATE TABLE {empty} LIKE {qualified(*table)}")
    except MySQLError as error:
        yield _no_table(table, error, name)
        return
    try:
        for number, stored in enumerate(triggers):
            if (check := _try(connection, stored, f"trigger{number}", name)) is not None:
                yield check
    finally:
        if connection.open:
            query(connection, f"DROP TABLE IF EXISTS {empty}")


def _no_table(table: tuple[str, str], error: MySQLError, name: str) -> Check:
    place = ".".join(table)
    if is_transient(error):
        raise failure(error, f"making an empty table like {place}, to try its triggers") from error
    if error_code(error) in NOTHING_THERE:
        text = f"the source has triggers on {place}, which the target does not have: {describe(error)}"
        return Check(DEST, name, Outcome.FAIL, text, "make the table there, or leave it out of the job")
    text = f"whether the target takes the triggers of {place} was not tried: {describe(error)}"
    return Check(DEST, name, Outcome.WARN, text, "look at them yourself: one that is refused stops the cut-over")


def _try(connection: Connection, stored: StoredObject, new_name: str, name: str) -> Check | None:
    """Make a trigger; return what is wrong with it."""
    place = f"{stored.schema}.{stored.name}"
    try:
        tried = moved(stored, new_name)
    except UntokenizableError as error:
        text = f"whether the target takes the trigger {place} was not tried, as its text cannot be read: {error}"
        return Check(DEST, name, Outcome.WARN, text, "look at it yourself: one that is refused stops the cut-over")
    try:
        create(connection, tried)
    except MySQLError as error:
        if is_transient(error):
            raise failure(error, f"trying the trigger {place} on the target") from error
        text = f"the target does not take the trigger {place}: {describe(error)}"
        return Check(DEST, name, Outcome.FAIL, text, remedy_of(stored, error))
    return None


def moved(stored: StoredObject, new_name: str) -> StoredObject:
    """Return a trigger of another name on the empty table, whose schema keeps its collation."""
    sql = stored.sql
    try:
        words = tokenize(sql, mode_bits(stored.sql_mode))
        trigger = _behind(words, 0, "TRIGGER")
        if words[trigger].upper == "IF":  # NOT EXISTS
            trigger += 3
        name = _name(words, trigger)
        table = _name(words, _behind(words, trigger + 1, "ON"))
    except (IndexError, StopIteration) as error:
        raise UntokenizableError(f"it is no CREATE TRIGGER: {sql[:120]!r}") from error
    there = qualified(UDUP_SCHEMA, TABLE)
    text = f"{sql[: name[0]]}{qualified(UDUP_SCHEMA, new_name)}{sql[name[1] : table[0]]}{there}{sql[table[1] :]}"
    return replace(stored, schema=UDUP_SCHEMA, name=new_name, table=TABLE, sql=text, collation_database="")


def _behind(words: Sequence[Word], start: int, keyword: str) -> int:
    return next(at for at in range(start, len(words)) if words[at].upper == keyword) + 1


def _name(words: Sequence[Word], at: int) -> tuple[int, int]:
    """Return where a name begins and ends, which may be one with its schema."""
    last = at + 2 if words[at + 1].text == "." else at
    return words[at].start, words[last].end
