"""Rows of V$LOGMNR_CONTENTS: which columns are asked for, and statements of several rows joined (CSF)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from udup.base.errors import Unsupported
from udup.drivers.oracle.remedies import REPORT

#: The columns of the view, in the order in which they are asked for.
COLUMNS = (
    "SCN, SQL_REDO, OPERATION_CODE, TIMESTAMP, XID, CSF, TABLE_NAME, SEG_OWNER, OPERATION, ROW_ID, ROLLBACK, STATUS,"
    " INFO, SSN, THREAD#, DATA_OBJ#, DATA_OBJV#, DATA_OBJD#, START_SCN, COMMIT_SCN, SEQUENCE#, RS_ID"
)


class Code(IntEnum):
    """OPERATION_CODE, of what is asked for."""

    INSERT = 1
    DELETE = 2
    UPDATE = 3
    DDL = 5
    START = 6
    COMMIT = 7
    SELECT_LOB_LOCATOR = 9
    LOB_WRITE = 10
    LOB_TRIM = 11
    REPLICATION_MARKER = 27
    LOB_ERASE = 29
    MISSING_SCN = 34
    ROLLBACK = 36
    XML_DOC_BEGIN = 68
    XML_DOC_WRITE = 70
    XML_DOC_END = 71
    EXTENDED_STRING_BEGIN = 91
    EXTENDED_STRING_WRITE = 92
    EXTENDED_STRING_END = 93
    UNSUPPORTED = 255


#: STATUS of a row whose SQL could not be rebuilt: the dictionary did not fit.
NOT_REBUILT = 2


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of the view, or several that CSF joins. `xid` is in hex, `microseconds` its time since the epoch."""

    scn: int
    sql: str
    code: int
    xid: str
    microseconds: int = 0
    csf: bool = False
    owner: str = ""
    table: str = ""
    row_id: str = ""
    rollback: bool = False
    status: int = 0
    info: str = ""
    data_obj: int = 0
    thread: int = 1


def row_of(values: Sequence[Any]) -> LogRow:
    """Return a fetched row, whose values are in the order of `COLUMNS`."""
    scn, sql, code, time, xid, csf, table, owner, _, row_id, rollback, status, info, _, thread, data_obj, *_ = values
    return LogRow(
        int(scn),
        _text(sql),
        int(code),
        bytes(xid).hex() if isinstance(xid, bytes | bytearray | memoryview) else _text(xid).lower(),
        _microseconds(time),
        bool(int(csf or 0)),
        _text(owner),
        _text(table),
        _text(row_id),
        bool(int(rollback or 0)),
        int(status or 0),
        _text(info),
        int(data_obj or 0),
        int(thread or 1),
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _microseconds(time: object) -> int:
    """Return the microseconds of TIMESTAMP: a DATE in the session's time zone, which is UTC."""
    if not isinstance(time, datetime):
        return 0
    moment = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000


def whole_rows(rows: Iterable[LogRow]) -> Iterator[LogRow]:
    """Yield rows with the whole of their statement: CSF = 1 says that it goes on in the next row.

    Raise `Unsupported` where the next row is of something else, or there is none.
    """
    begun: LogRow | None = None
    parts: list[str] = []
    for row in rows:
        if begun is None:
            if not row.csf:
                yield row
                continue
            begun = row
        elif (row.xid, row.code) != (begun.xid, begun.code):
            raise _without_end(begun)
        parts.append(row.sql)
        if not row.csf:
            yield replace(begun, sql="".join(parts), csf=False)
            begun, parts = None, []
    if begun is not None:
        raise _without_end(begun)


def _without_end(row: LogRow) -> Unsupported:
    return Unsupported(
        f"LogMiner has begun a statement at SCN {row.scn} (transaction {row.xid}) and has not ended it:"
        f" {row.sql[:200]!r} …; nothing of this transaction was applied: {REPORT}"
    )
