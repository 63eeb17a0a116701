"""What MySQL's error numbers mean to Udup: the one table of them, and how an error becomes one of Udup's.

A number that says something at one place only (a missing table while a checkpoint is removed) is named there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto

import pymysql
from pymysql.constants import CR
from pymysql.constants import ER as ER  # the numbers' names, for all of this driver

from udup.base.errors import Contended, Fault, Refused, Transient, UdupError, Unavailable
from udup.drivers.mysql.client import limits

MySQLError = pymysql.err.MySQLError


class Meaning(Enum):
    """What follows from an error's number alone."""

    #: A lock was not granted or a deadlock broken. The server has undone the statement or all; try it again.
    CONTENDED = auto()
    #: The server, the way to it or the room on it is out of order for a while.
    UNAVAILABLE = auto()
    #: What came is no answer that MySQL gives, or a larger one than Udup holds. It may be right next time, or never.
    UNREADABLE = auto()
    #: A row that an event changes is not there.
    MISSING_ROW = auto()
    #: The server's objects are not those that the statement was written for.
    OTHER_OBJECTS = auto()
    #: A function that does not say what it does, or a function or trigger of an account without SUPER.
    UNSAFE_FUNCTION = auto()
    #: A limit, a setting or a privilege keeps the server from what is right, until somebody changes it: `limits.py`.
    LIMIT = auto()


#: What is decided for each number. Time, or whoever looks after that server, heals what is `UNAVAILABLE`: nothing of
#: the job must change. What an account is refused (1044, 1045, 1130, 1227, 3118, 3159) is not: a job with a wrong
#: password would wait for ever, and a server that starts lets nobody in before it has read its accounts.
MEANINGS: Mapping[int, Meaning] = {
    ER.LOCK_WAIT_TIMEOUT: Meaning.CONTENDED,  # 1205
    ER.LOCK_DEADLOCK: Meaning.CONTENDED,  # 1213
    1613: Meaning.CONTENDED,  # a branch of an XA transaction was rolled back: it took too long
    1614: Meaning.CONTENDED,  # the same, by a deadlock
    1689: Meaning.CONTENDED,  # a wait for a lock was ended: somebody wants the table alone
    3101: Meaning.CONTENDED,  # group replication rolled it back: another member was first
    ER.CON_COUNT_ERROR: Meaning.UNAVAILABLE,  # 1040, too many connections
    ER.TOO_MANY_USER_CONNECTIONS: Meaning.UNAVAILABLE,  # 1203
    1226: Meaning.UNAVAILABLE,  # the account has exceeded a resource
    ER.HOST_IS_BLOCKED: Meaning.UNAVAILABLE,  # 1129, after broken connections; FLUSH HOSTS there ends it
    ER.BAD_HOST_ERROR: Meaning.UNAVAILABLE,  # 1042, the server's name service does not answer it
    ER.NEW_ABORTING_CONNECTION: Meaning.UNAVAILABLE,  # 1184
    ER.QUERY_INTERRUPTED: Meaning.UNAVAILABLE,  # 1317
    ER.SERVER_SHUTDOWN: Meaning.UNAVAILABLE,  # 1053
    ER.OPEN_AS_READONLY: Meaning.UNAVAILABLE,  # 1036, a table of a server that writes nothing (innodb_read_only)
    1836: Meaning.UNAVAILABLE,  # running in read-only mode
    3032: Meaning.UNAVAILABLE,  # offline mode
    3100: Meaning.UNAVAILABLE,  # group replication takes no commit now: no quorum, or a member that joins or leaves
    ER.DISK_FULL: Meaning.UNAVAILABLE,  # 1021
    ER.RECORD_FILE_FULL: Meaning.UNAVAILABLE,  # 1114
    1637: Meaning.UNAVAILABLE,  # too many transactions at a time
    ER.OUTOFMEMORY: Meaning.UNAVAILABLE,  # 1037, of the server; 1038 is a setting's and stays
    ER.OUT_OF_RESOURCES: Meaning.UNAVAILABLE,  # 1041, the same
    ER.CANT_CREATE_THREAD: Meaning.UNAVAILABLE,  # 1135
    ER.NET_READ_ERROR: Meaning.UNAVAILABLE,  # 1158, the way between the two
    1159: Meaning.UNAVAILABLE,  # reading from the network took too long
    ER.NET_ERROR_ON_WRITE: Meaning.UNAVAILABLE,  # 1160
    1161: Meaning.UNAVAILABLE,  # writing to the network took too long
    3169: Meaning.UNAVAILABLE,  # the session was killed
    4031: Meaning.UNAVAILABLE,  # disconnected for inactivity
    CR.CR_CONNECTION_ERROR: Meaning.UNAVAILABLE,  # 2002
    CR.CR_CONN_HOST_ERROR: Meaning.UNAVAILABLE,  # 2003, names that cannot be resolved now among them
    CR.CR_SERVER_GONE_ERROR: Meaning.UNAVAILABLE,  # 2006
    CR.CR_SERVER_LOST: Meaning.UNAVAILABLE,  # 2013
    CR.CR_SERVER_LOST_EXTENDED: Meaning.UNAVAILABLE,  # 2055
    CR.CR_MALFORMED_PACKET: Meaning.UNREADABLE,  # 2027
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

#: Errors of files and of the storage engine, which say by the operating system's number what was lacking.
_OF_THE_SYSTEM = frozenset(
    {
        *(1004, 1005, 1006),  # a file, a table, a schema cannot be made
        *(ER.CANT_OPEN_FILE, ER.ERROR_ON_WRITE, ER.GET_ERRNO),  # 1016, 1026, 1030
        *(ER.ERROR_DURING_COMMIT, 3, 20),  # 1180; the file system's own: a write failed, the disk is full
    }
)

#: ENOMEM, ENFILE, EMFILE, ENOSPC, EROFS: what a server lacks until somebody makes room. EDQUOT only where the text says
#: whose number it is: 122 of a storage engine is an error inside of it, and its numbers begin at 120.
_LACKS = re.compile(
    r"\b(?:OS errno|errno|error|errcode):? (?:12|23|24|28|30)\b|\bOS errno:? 122\b|\b122\b.*\bquota\b", re.IGNORECASE
)

#: In the text of 1290 when the option is one that a failover turns on and off.
_READ_ONLY = re.compile(r"read[-_]only", re.IGNORECASE)

#: Errors that say that there is no such schema or no such table: nothing of Udup's has been there.
NOTHING_THERE = frozenset({ER.BAD_DB_ERROR, ER.NO_SUCH_TABLE})

#: A row lock was not granted (lock wait, deadlock): the server undoes the group, and the same group may succeed.
LOCK_ERRORS = frozenset(code for code, meaning in MEANINGS.items() if meaning is Meaning.CONTENDED)

_WRITABLE = "if that is to end: SET PERSIST super_read_only = OFF, SET PERSIST read_only = OFF"

#: What people can do about what would also pass by itself.
_ADVICE = {
    1021: "free space on the server's disk",
    1026: "free space on the server's disk",
    1114: "free space on the server's disk; if the table is a MEMORY table: SET PERSIST max_heap_table_size ="
    " 2 * @@max_heap_table_size; if it is a temporary one: SET PERSIST temptable_max_ram = 2 * @@temptable_max_ram",
    1040: "run there: SET PERSIST max_connections = 2 * @@max_connections",
    1203: "run there: SET PERSIST max_user_connections = 0",
    1637: "end transactions there that stand open (SELECT * FROM information_schema.INNODB_TRX)",
    1836: _WRITABLE,
    3100: "look into performance_schema.replication_group_members there; if the transaction is too large for the group,"
    " run there: SET PERSIST group_replication_transaction_size_limit = 0",
    3032: "run there: SET PERSIST offline_mode = OFF",
}


def error_code(error: BaseException) -> int:
    """Return the server's error number, 0 if it has none."""
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0


class NamedRowError(pymysql.err.OperationalError):
    """A row is not there, and the text names it."""


def missing_row(text: str) -> MySQLError:
    """Return the error by which the server says that a row is not there, for what only its counts have told."""
    return NamedRowError(ER.KEY_NOT_FOUND, text)


def meaning(error: BaseException) -> Meaning | None:
    """Return what an error of MySQL's means, None if its number says nothing by itself."""
    if isinstance(error, (pymysql.err.InterfaceError, OSError)):
        return Meaning.UNAVAILABLE
    if not isinstance(error, MySQLError):
        return None
    code = error_code(error)
    if code in _OF_THE_SYSTEM and _LACKS.search(str(error)):
        return Meaning.UNAVAILABLE
    if _is_of_read_only(error):
        return Meaning.UNAVAILABLE
    return MEANINGS.get(code, Meaning.LIMIT if limits.is_limit(code) else None)


def is_limit(error: BaseException) -> bool:
    """Return whether a limit, a setting or a privilege is the cause, which says nothing about the data."""
    return meaning(error) is Meaning.LIMIT


def remedy(error: BaseException) -> str:
    """Return what people can do about an error, as its number tells; "" if that says nothing."""
    if _is_of_read_only(error):
        return _WRITABLE
    return _ADVICE.get(error_code(error)) or limits.remedy(error_code(error), _words(error))


def is_transient(error: BaseException) -> bool:
    """Return whether the same work may succeed on a new connection or a new try."""
    return meaning(error) in (Meaning.CONTENDED, Meaning.UNAVAILABLE, Meaning.UNREADABLE)


def _is_of_read_only(error: BaseException) -> bool:
    """Return whether an option stands against the statement that goes away after a failover."""
    return error_code(error) == ER.OPTION_PREVENTS_STATEMENT and bool(_READ_ONLY.search(_words(error)))


def _words(error: BaseException) -> str:
    return str(error.args[1]) if len(error.args) >= 2 else str(error)


def told(error: BaseException) -> str:
    """Return a MySQL error's number and text."""
    if len(error.args) >= 2:
        return f"error {error.args[0]}: {error.args[1]}"
    return str(error) or type(error).__name__


def describe(error: BaseException) -> str:
    """Return a MySQL error as people read it: number, text, and what to do where the number tells."""
    advice = remedy(error) if isinstance(error, MySQLError) else ""
    return f"{told(error)}; {advice}" if advice else told(error)


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
        case Meaning.UNREADABLE:
            return Transient(text)
        case Meaning.LIMIT:
            return Refused([Fault(doing, told(error), remedy(error))])
    return otherwise(text)
