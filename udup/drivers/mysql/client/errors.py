"""What MySQL's error numbers mean to Udup: the one table of them, and how an error becomes one of Udup's.

A number that says something at one place only (a missing table while a checkpoint is removed) is named there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

import pymysql
from pymysql.constants import CR
from pymysql.constants import ER as ER  # the numbers' names, for all of this driver

from udup.base.errors import Contended, UdupError, Unavailable

MySQLError = pymysql.err.MySQLError


class Meaning(Enum):
    """What follows from an error's number alone."""

    #: A lock was not granted or a deadlock broken. The server has undone the statement or all; try it again.
    CONTENDED = auto()
    #: The server, the way to it or the room on it is out of order for a while.
    UNAVAILABLE = auto()
    #: A row that an event changes is not there.
    MISSING_ROW = auto()
    #: The server's objects are not those that the statement was written for.
    OTHER_OBJECTS = auto()
    #: A function that does not say what it does, or a function or trigger of an account without SUPER.
    UNSAFE_FUNCTION = auto()


MEANINGS: Mapping[int, Meaning] = {
    ER.LOCK_WAIT_TIMEOUT: Meaning.CONTENDED,  # 1205
    ER.LOCK_DEADLOCK: Meaning.CONTENDED,  # 1213
    ER.CON_COUNT_ERROR: Meaning.UNAVAILABLE,  # 1040, too many connections
    ER.TOO_MANY_USER_CONNECTIONS: Meaning.UNAVAILABLE,  # 1203
    1226: Meaning.UNAVAILABLE,  # the account has exceeded a resource
    ER.NEW_ABORTING_CONNECTION: Meaning.UNAVAILABLE,  # 1184
    ER.QUERY_INTERRUPTED: Meaning.UNAVAILABLE,  # 1317
    ER.SERVER_SHUTDOWN: Meaning.UNAVAILABLE,  # 1053
    ER.OPTION_PREVENTS_STATEMENT: Meaning.UNAVAILABLE,  # 1290, read-only during a failover
    1836: Meaning.UNAVAILABLE,  # running in read-only mode
    3032: Meaning.UNAVAILABLE,  # offline mode
    ER.DISK_FULL: Meaning.UNAVAILABLE,  # 1021
    ER.RECORD_FILE_FULL: Meaning.UNAVAILABLE,  # 1114
    1159: Meaning.UNAVAILABLE,  # reading from the network took too long
    1161: Meaning.UNAVAILABLE,  # writing to the network took too long
    3169: Meaning.UNAVAILABLE,  # the session was killed
    4031: Meaning.UNAVAILABLE,  # disconnected for inactivity
    CR.CR_CONNECTION_ERROR: Meaning.UNAVAILABLE,  # 2002
    CR.CR_CONN_HOST_ERROR: Meaning.UNAVAILABLE,  # 2003
    CR.CR_SERVER_GONE_ERROR: Meaning.UNAVAILABLE,  # 2006
    CR.CR_SERVER_LOST: Meaning.UNAVAILABLE,  # 2013
    CR.CR_SERVER_LOST_EXTENDED: Meaning.UNAVAILABLE,  # 2055
    CR.CR_MALFORMED_PACKET: Meaning.UNAVAILABLE,  # 2027
    ER.KEY_NOT_FOUND: Meaning.MISSING_ROW,  # 1032
    ER.DB_CREATE_EXISTS: Meaning.OTHER_OBJECTS,  # 1007
    ER.DB_DROP_EXISTS: Meaning.OTHER_OBJECTS,  # 1008
    ER.BAD_DB_ERROR: Meaning.OTHER_OBJECTS,  # 1049
    ER.TABLE_EXISTS_ERROR: Meaning.OTHER_OBJECTS,  # 1050
    ER.BAD_TABLE_ERROR: Meaning.OTHER_OBJECTS,  # 1051
    ER.BAD_FIELD_ERROR: Meaning.OTHER_OBJECTS,  # 1054
    ER.DUP_FIELDNAME: Meaning.OTHER_OBJECTS,  # 1060
    ER.DUP_KEYNAME: Meaning.OTHER_OBJECTS,  # 1061
    ER.DUP_ENTRY: Meaning.OTHER_OBJECTS,  # 1062
    ER.CANT_DROP_FIELD_OR_KEY: Meaning.OTHER_OBJECTS,  # 1091
    ER.NO_SUCH_TABLE: Meaning.OTHER_OBJECTS,  # 1146
    ER.SP_ALREADY_EXISTS: Meaning.OTHER_OBJECTS,  # 1304
    ER.SP_DOES_NOT_EXIST: Meaning.OTHER_OBJECTS,  # 1305
    ER.TRG_ALREADY_EXISTS: Meaning.OTHER_OBJECTS,  # 1359
    ER.TRG_DOES_NOT_EXIST: Meaning.OTHER_OBJECTS,  # 1360
    1537: Meaning.OTHER_OBJECTS,  # the event exists already
    1539: Meaning.OTHER_OBJECTS,  # unknown event
    ER.BINLOG_UNSAFE_ROUTINE: Meaning.UNSAFE_FUNCTION,  # 1418
    ER.BINLOG_CREATE_ROUTINE_NEED_SUPER: Meaning.UNSAFE_FUNCTION,  # 1419
}

#: A row lock was not granted (lock wait, deadlock): the server undoes the group, and the same group may succeed.
LOCK_ERRORS = frozenset(code for code, meaning in MEANINGS.items() if meaning is Meaning.CONTENDED)

#: What people can do about a limit that a session cannot lift by itself.
_REMEDIES = {
    3170: "; SET GLOBAL parser_max_mem_size = 18446744073709551615 there, or GRANT CONNECTION_ADMIN ON *.* TO the"
    " account, which then lifts it for itself",
}


def error_code(error: BaseException) -> int:
    """Return the server's error number, 0 if it has none."""
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0


def meaning(error: BaseException) -> Meaning | None:
    """Return what an error of MySQL's means, None if its number says nothing by itself."""
    if isinstance(error, (pymysql.err.InterfaceError, OSError)):
        return Meaning.UNAVAILABLE
    return MEANINGS.get(error_code(error)) if isinstance(error, MySQLError) else None


def is_transient(error: BaseException) -> bool:
    """Return whether the same work may succeed on a new connection or a new try."""
    return meaning(error) in (Meaning.CONTENDED, Meaning.UNAVAILABLE)


def describe(error: BaseException) -> str:
    """Return a MySQL error as people read it: number and text."""
    if len(error.args) >= 2:
        return f"error {error.args[0]}: {error.args[1]}{_REMEDIES.get(error_code(error), '')}"
    return str(error) or type(error).__name__


def failure(error: BaseException, doing: str, otherwise: type[UdupError] = UdupError) -> UdupError:
    """Return Udup's error for one of MySQL's; `otherwise` is its class if the number does not say more.

    `doing` is what was tried, on what: it stands before the server's words.
    """
    text = f"{doing}: {describe(error)}" if doing else describe(error)
    match meaning(error):
        case Meaning.CONTENDED:
            return Contended(text)
        case Meaning.UNAVAILABLE:
            return Unavailable(text)
    return otherwise(text)
