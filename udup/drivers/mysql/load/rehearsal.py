"""The stored objects of a copy, made once before the rows and taken away again.

They are made in earnest when the rows are there, so that no trigger fires on a copied row. What the target's server
refuses of them (a function without characteristics, a definer, a sql_mode that it does not know, a view on what the
job leaves out) would come to light after hours then. Only the server knows all its reasons, so it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from udup.base.errors import Fault, Refused
from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, error_code, is_transient, query
from udup.drivers.mysql.client.errors import ER, Meaning, failure, meaning
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.dictionary.catalog import StoredObject
from udup.drivers.mysql.load import objects

#: A view that names an index, or needs a FULLTEXT one: indexes are built after the rows.
_FOR_WANT_OF_AN_INDEX = frozenset({ER.KEY_DOES_NOT_EXITS, ER.FT_MATCHING_KEY_NOT_FOUND})

_EXISTS = frozenset({ER.TABLE_EXISTS_ERROR, ER.SP_ALREADY_EXISTS, ER.TRG_ALREADY_EXISTS, 1537})
_MISSING = frozenset({ER.BAD_DB_ERROR, ER.NO_SUCH_TABLE, ER.BAD_FIELD_ERROR, ER.SP_DOES_NOT_EXIST, ER.VIEW_INVALID})

_PRIVILEGES = re.compile(r"of\) the (.+?) privilege")


def rehearse(
    connection: Connection,
    stored_objects: Sequence[StoredObject],
    replace: bool,
    where: str,
    *,
    tables_come_later: bool = False,
) -> None:
    """`Refused` with everything that the target would not take, on a session of `DEFINITION`.

    With `replace` those of the same name are dropped first, as they are when the objects are made in earnest.
    `tables_come_later`: not all tables are there yet, so that what lacks one is left for later.
    """
    made: list[StoredObject] = []
    pending = list(stored_objects)
    failed: list[tuple[StoredObject, MySQLError]] = []
    try:
        while pending:
            before, failed = len(pending), []
            for stored in pending:
                try:
                    objects.create(connection, stored, replace)
                    made.append(stored)
                except MySQLError as error:
                    if is_transient(error):
                        raise failure(error, f"trying {_place(stored)} on the target") from error
                    failed.append((stored, error))
            pending = [stored for stored, _ in failed]
            if len(failed) == before:
                break
    finally:
        if connection.open:
            for stored in reversed(made):
                query(connection, f"DROP {stored.kind} IF EXISTS {qualified(stored.schema, stored.name)}")
    faults = [
        _fault(where, stored, error) for stored, error in failed if not _comes_later(stored, error, tables_come_later)
    ]
    if faults:
        raise Refused(faults)


def _comes_later(stored: StoredObject, error: MySQLError, tables_come_later: bool) -> bool:
    if tables_come_later and error_code(error) in _MISSING:
        return True
    return stored.kind == "VIEW" and (stored.stale or error_code(error) in _FOR_WANT_OF_AN_INDEX)


def _fault(where: str, stored: StoredObject, error: MySQLError) -> Fault:
    return Fault(where, f"the target does not take {_place(stored)}: {describe(error)}", remedy_of(stored, error))


def remedy_of(stored: StoredObject, error: MySQLError) -> str:
    """Return what to do about an object that the target refuses."""
    code, place = error_code(error), qualified(stored.schema, stored.name)
    if meaning(error) is Meaning.UNSAFE_FUNCTION:
        return "run on the target: SET PERSIST log_bin_trust_function_creators = ON"
    if code == ER.SPECIFIC_ACCESS_DENIED_ERROR and (named := _PRIVILEGES.search(describe(error))):
        wanted = [each.strip() for each in re.split(r",|\bor\b", named[1]) if each.strip() not in ("", "SUPER")]
        return f"run on the target: GRANT {', '.join(wanted) or 'SUPER'} ON *.* TO the job's account"
    if code == ER.WRONG_VALUE_FOR_VAR:
        return (
            f"make it again on the source in a session whose settings the target knows too (sql_mode {stored.sql_mode})"
        )
    if code == ER.UNKNOWN_TIME_ZONE:
        return "fill the target's time zone tables: mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql mysql"
    if code in _EXISTS:
        return f"run on the target: DROP {stored.kind} {place}; or set DropTableIfExists, which replaces it"
    if code in _MISSING:
        return "have ReplicateDoDb choose what it refers to as well, or make that on the target, or leave it out"
    return f"fix the cause on the target, or run on the source: DROP {stored.kind} {place}"


def _place(stored: StoredObject) -> str:
    return f"{stored.kind.lower()} {qualified(stored.schema, stored.name)}"
