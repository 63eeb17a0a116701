"""What an error of the target means for the run, in whose transaction it came."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from udup.base.causes import Cause, Reason, reason
from udup.base.errors import Conflict, Contradicted, Fault, Refused, Superseded, Transient, UdupError, Unavailable
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.row_image import LOOKING_EVENTS, first_key
from udup.drivers.mysql.binlog.split import split
from udup.drivers.mysql.binlog.table_map import TableName, table_id, table_name
from udup.drivers.mysql.client.errors import (
    ER,
    Meaning,
    MySQLError,
    NamedRowError,
    describe,
    error_code,
    failure,
    is_limit,
    is_transient,
    meaning,
    told,
)
from udup.drivers.mysql.client.errors import remedy as advice
from udup.drivers.mysql.client.limits import OF_SIZE
from udup.pipeline.checks import DEST

#: Of a transaction that the target would take if it could.
_LIMITED = "a limit or a privilege of the target stands against it, nothing in the data does; nothing of it was applied"

#: Group replication refuses a commit: it takes none now, or this one is too large for it. It does not say which.
_REFUSED_BY_GROUP = 3100

#: Bytes of events below which no transaction is too large for a group.
_SMALL = 1 << 20

#: "Duplicate entry '5' for key 't.PRIMARY'", the value of the key first.
_QUOTED = re.compile(r"'([^']*)'")

#: "Can't find record in 't'", in whatever language the server speaks.
_NAMED_TABLE = re.compile(r"'([^']+)'[^']*$")


def failure_of(
    error: MySQLError,
    label: str,
    events: Sequence[bytes],
    is_taken_over: Callable[[], bool],
    *,
    has_crc: bool = True,
    remedy: Callable[[str, str], str] = lambda schema, table: "",
    alone: bool = True,
) -> UdupError:
    """Return what the run gets for an error of the target that came while transactions were applied.

    `label` names them; `is_taken_over` tells whether the slot's checkpoint row is not the expected one. `events` are
    theirs from the beginning, as far as they are at hand; `has_crc` tells whether each ends in a CRC. `remedy` is asked
    about a table in which a row was not found. `alone`: it is one transaction, so a limit that it has met is its own;
    several are taken one by one first. Raises `Unavailable` if the connection is lost before that is known.
    """
    gtid = one_gtid(label)
    if error_code(error) == _REFUSED_BY_GROUP and not 0 < sum(map(len, events)) < _SMALL:
        # Of several none may be too large by itself; a single one that is would be waited for without end.
        told_so = f"{label}: {describe(error)}"
        return Transient(told_so, gtid=gtid) if alone else Conflict(told_so)
    if is_transient(error):
        return failure(error, label)
    if is_limit(error) and (alone or error_code(error) not in OF_SIZE):
        fault = Fault(label, f"{_LIMITED} ({told(error)})", f"{advice(error)}; then resume the job", DEST)
        limit = reason(Cause.LIMIT, {"error": told(error)})
        return Refused([fault], gtid=gtid).because(limit)
    text = f"{label}: {describe(error)}"
    if _is_missing(error) and _answered(is_taken_over, f"{text}; "):
        return Superseded(f"{label}: another run has taken the job over")
    whole = list(split(b"".join(events)))
    names = list(dict.fromkeys(table_name(event) for event in whole if event[4] == EventType.TABLE_MAP))
    if not names:
        return Conflict(text, gtid=gtid)
    tables = ", ".join(map(str, names))
    unnamed = _is_missing(error) and not isinstance(error, NamedRowError)
    name, key = _looked_for(whole, str(error), has_crc=has_crc) if unnamed else (None, "")
    looked_for = "" if name is None else f"; the first row that it looks for in {name}: {key}"
    looked_for += "" if name is None else remedy(name.schema, name.table)
    conflict = Conflict(f"{text} (it changes {tables}{looked_for})", gtid=gtid, table=tables)
    against = Contradicted(_against(names, error), rows=True)
    return conflict.against(against).because(_reason(error, against, key))


def _reason(error: MySQLError, against: Contradicted, key: str) -> Reason:
    """Return what exactly is the matter; `key` is the row's that was looked for, "" where that is not known."""
    cause = Cause.ROW_MISSING if _is_missing(error) else Cause.ROW_DIFFERS
    if error_code(error) == ER.DUP_ENTRY:
        found = _QUOTED.search(told(error))
        cause, key = Cause.ROW_EXISTS, found[1] if found is not None else ""
    tables = ", ".join(f"{schema}.{table}" for schema, table in against.tables)
    return reason(cause, {"table": tables, "error": told(error)}, key=key)


def _against(names: Sequence[TableName], error: MySQLError) -> tuple[tuple[str, str], ...]:
    """Return the tables that an error names by the last name that it quotes, all of them where it names none.

    It is the table's own where a row is missing, and stands before the key's where one is there already (`'t.PRIMARY'`;
    MariaDB quotes the key alone).
    """
    found = _NAMED_TABLE.search(describe(error))
    said = found[1] if found is not None else ""
    missing = _is_missing(error)
    meant = [each for each in names if (said == each.table if missing else said.startswith(f"{each.table}."))] or names
    return tuple((each.schema, each.table) for each in meant)


def _answered(is_taken_over: Callable[[], bool], front: str) -> bool:
    try:
        return is_taken_over()
    except Unavailable as lost:
        raise lost.beginning(front) from lost


def one_gtid(label: str) -> str:
    """Return the GTID by which people are told of one transaction, "" if the label names several."""
    return "" if " " in label else label


def _is_missing(error: MySQLError) -> bool:
    return meaning(error) is Meaning.MISSING_ROW


def _looked_for(events: Sequence[bytes], error: str, *, has_crc: bool) -> tuple[TableName | None, str]:
    """Return the table that the server names, and the first row that is looked for in it; None where that is unknown.

    Which row is missing the server does not say: in a transaction that changes one row of the table it is this one.
    """
    named = _NAMED_TABLE.search(error)
    maps: dict[bytes, bytes] = {}
    for event in events:
        if event[4] == EventType.TABLE_MAP:
            maps[table_id(event)] = event
        elif event[4] in LOOKING_EVENTS and (table_map := maps.get(table_id(event))) is not None:
            name = table_name(table_map)
            if named is None or named[1] == name.table:
                return name, first_key(table_map, event, has_crc=has_crc)
    return None, ""
