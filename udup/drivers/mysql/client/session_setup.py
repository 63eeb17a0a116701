"""Brings a session to what its use needs, in two round trips, whatever the server made of it.

The first lifts what would cut short or refuse the server's answer and asks for the present values of everything that
Udup sets; the second sets what is otherwise. The first connection to a server asks by SHOW VARIABLES, which also tells
which variables there are; all others select just these, as one value: a column for each costs the client more than all
the rest of a connection. So a variable that the server does not have costs nothing, and one that needs a privilege
(SESSION_VARIABLES_ADMIN) is touched only where it has to be. A refusal is an error that names the grant or the global
setting that helps.

A new connection of a use that this account has opened before needs one round trip: what was set then is set in front
of the question, whose answer shows whether that was all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pymysql
from pymysql.constants import CR, ER

from udup.base.errors import Fault, Refused, UdupError
from udup.drivers.mysql.client.dialect import fitting, has_uca_0900, name_of
from udup.drivers.mysql.client.flavour import is_mariadb, version_of
from udup.drivers.mysql.client.sessions import ALL, BASE, OPTIONAL, UNLIMITED, Session
from udup.drivers.mysql.mariadb import sessions as mariadb

if TYPE_CHECKING:
    from udup.drivers.mysql.client.connection import Connection

#: What a question itself depends on. Each server passes over the comments that are not for it, and the limits in them.
_ABLE_TO_ASK = (
    "SET SESSION sql_select_limit = 18446744073709551615, max_join_size = 18446744073709551615, sql_big_selects = 1"
    " /*!50708 , max_execution_time = 0 */ /*M!100101 , max_statement_time = 0 */"
)

#: Older servers are told of by the checks, whatever their sessions are like.
_OLDEST = (5, 6, 0)

#: Errors that belong to one assignment: a missing privilege, a value or a variable that the server does not take.
_NOT_SETTABLE = frozenset(
    {ER.SPECIFIC_ACCESS_DENIED_ERROR, ER.WRONG_VALUE_FOR_VAR, ER.WRONG_TYPE_FOR_VAR, ER.UNKNOWN_SYSTEM_VARIABLE}
    | {ER.INCORRECT_GLOBAL_LOCAL_VAR, ER.UNKNOWN_CHARACTER_SET, ER.UNKNOWN_COLLATION}
    | {1621}  # a variable that is only read in a session
)

#: Variables that decide how a string of a statement is read: in a session of UTF-16 the values of others are none.
_READING_STRINGS = frozenset(
    {"character_set_client", "character_set_results", "collation_connection", "collation_server"}
)

#: Asked for with the session's variables: which server this is, and which number the session has there. Proxies answer
#: SELECT CONNECTION_ID() by themselves.
_SERVER_UUID, _NUMBER = "server_uuid", "pseudo_thread_id"

Assignment = tuple[str, str]

#: Every variable that some use of a connection sets, and those of them that are ON or OFF.
_EVERY = frozenset(BASE).union(*(session.own for session in ALL))
_SWITCHES = frozenset(
    name
    for settings in (BASE, *(session.own for session in ALL))
    for name in settings
    if settings[name] in ("ON", "OFF")
)
_SWITCHES |= {"tx_read_only"} | mariadb.SWITCHES  # by other names
_SWITCHED = {"1": "ON", "0": "OFF"}

#: In the one value that all variables are asked for as: what stands between two, and for NULL. They are numbers, since
#: how a string is read is among what is asked.
_BETWEEN, _NULL = "CHAR(31)", "CHAR(0)"


@dataclass(frozen=True)
class _Known:
    """Which variables a server has, of those that it was asked for."""

    asked: frozenset[str]
    there: frozenset[str]


#: By address and version: the first connection learns it, and all others ask for what is there alone.
_KNOWN: dict[tuple[str, int, str], _Known] = {}

#: What a new connection had set, by address, version and account, and by its use.
_BEGUN: dict[tuple[object, ...], list[Assignment]] = {}


class SessionRefused(Refused):
    """The account may connect, and may not set its session as it has to be."""


def enter(connection: Connection, session: Session) -> None:
    """Set everything that a use of the connection has; raises `Refused` where the account may not, `UdupError` if the
    server does not tell what its session is like.

    MySQL's other errors pass. A transaction that is open stays open, unless the use is one without autocommit.
    """
    _bring_about(connection, session, [])


def begin(connection: Connection, session: Session) -> None:
    """As `enter`, of a connection that is new."""
    key = (*_server(connection), connection.user, tuple(session.settings.items()))
    before = _BEGUN.pop(key, [])
    more = _bring_about(connection, session, before)
    if more is not None:
        _BEGUN[key] = [*before, *more]


def _bring_about(connection: Connection, session: Session, before: list[Assignment]) -> list[Assignment] | None:
    """Set it all, these at once; return what was set besides, None where something could not be set like that."""
    wanted = _wanted(connection, session)
    asked = {**wanted, _SERVER_UUID: None, _NUMBER: None}
    if is_mariadb(_version(connection)):
        asked |= dict.fromkeys(mariadb.IDENTITY)
    try:
        current, as_before = present(connection, asked, before), True
    except pymysql.MySQLError as error:
        if not before or _code(error) not in _NOT_SETTABLE:
            raise
        current, as_before = present(connection, asked), False  # another server, other rights, another build
    identity = mariadb.identity(current)
    connection.server_uuid = current.pop(_SERVER_UUID, identity)
    number = current.pop(_NUMBER, "")
    connection.session_number = int(number) if number.isdecimal() else 0
    if "autocommit" not in current:  # every server has it
        raise UdupError(
            f"{connection.host}:{connection.port} does not tell the variables of its session: something on the way"
            " there answers in the server's place"
        )
    changes = differing(wanted, current)
    try:
        if changes:
            _set(connection, changes)
    except pymysql.MySQLError as error:
        if _code(error) not in _NOT_SETTABLE:
            raise
        _set_singly(connection, session, changes, current)
        return None
    return changes if as_before else None


def _wanted(connection: Connection, session: Session) -> dict[str, str | None]:
    """Return what a use has on this server, by the names that the server has for it."""
    version = _version(connection)
    if not is_mariadb(version):
        return fitting(session.settings, version)
    return fitting(mariadb.for_mariadb(session.settings, knows_0900=has_uca_0900(version)), version)


def present(
    connection: Connection, wanted: Mapping[str, str | None], before: Sequence[Assignment] = ()
) -> dict[str, str]:
    """Return the session's values of those variables that the server has, as SHOW VARIABLES prints them.

    `before` is set first, in the same round trip.
    """
    server = _server(connection)
    known = _KNOWN.get(server)
    if known is not None and known.asked.issuperset(wanted):
        try:
            return _selected(connection, [name for name in wanted if name in known.there], before)
        except pymysql.MySQLError as error:
            if _code(error) != ER.UNKNOWN_SYSTEM_VARIABLE:  # else another build listens there now
                raise
    asked = {name_of(name, server[2]) for name in _EVERY}.union(wanted)
    current = _listed(connection, asked)
    if "autocommit" in current:
        _KNOWN[server] = _Known(frozenset(asked), frozenset(current))
    return current


def _server(connection: Connection) -> tuple[str, int, str]:
    return connection.host, connection.port, _version(connection)


def _version(connection: Connection) -> str:
    return str(connection.get_server_info())  # type: ignore[no-untyped-call]


def _listed(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    listed = ", ".join(f"'{name}'" for name in sorted(names))
    rows = _asked(connection, f"SHOW SESSION VARIABLES WHERE Variable_name IN ({listed})")
    if any(len(row) != 2 for row in rows):
        raise pymysql.OperationalError(CR.CR_MALFORMED_PACKET, "SHOW VARIABLES was answered with other columns")
    return {_text(name): _text(value) for name, value in rows}


def _selected(connection: Connection, names: Sequence[str], before: Sequence[Assignment]) -> dict[str, str]:
    """Return what SHOW VARIABLES would print: that has the server format all of its 650, a millisecond more."""
    each = ", ".join(f"COALESCE(@@{name}, {_NULL})" for name in names)
    rows = _asked(connection, f"SELECT CONCAT_WS({_BETWEEN}, {each})", before)
    found = [_text(row[0]).split("\x1f") if len(row) == 1 else [] for row in rows]
    if any(len(values) != len(names) for values in found) or len(found) > 1:
        raise pymysql.OperationalError(CR.CR_MALFORMED_PACKET, "a question for variables was answered with others")
    return {name: _as_shown(name, value) for values in found for name, value in zip(names, values, strict=True)}


def _asked(connection: Connection, question: str, before: Sequence[Assignment] = ()) -> Sequence[Sequence[object]]:
    with connection.cursor() as cursor:
        cursor.execute("; ".join([_ABLE_TO_ASK, *_statements(before), question]))
        rows: Sequence[Sequence[object]] = ()
        while cursor.nextset():
            rows = cursor.fetchall()
    return rows


def _as_shown(name: str, value: str) -> str:
    """Return a variable's value as SHOW VARIABLES prints it: SELECT has 1 and 0 for ON and OFF, NULL for nothing."""
    if value == "\0":
        return ""
    if value == "-1":  # MySQL 5.6 takes its largest number for a signed one when it makes a text of it
        return UNLIMITED
    return _SWITCHED.get(value, value) if name in _SWITCHES else value


def forget_servers() -> None:
    """Ask every server again which variables it has: for tests that put another one in its place."""
    _KNOWN.clear()
    _BEGUN.clear()


@contextmanager
def unconverted(connection: Connection) -> Iterator[None]:
    """Have answers come as the server has them, and their texts as bytes."""
    name, before = "character_set_results", BASE["character_set_results"]
    _set(connection, [(name, "NULL")])
    connection.use_unicode = False
    try:
        yield
    finally:
        connection.use_unicode = True
        _set(connection, [(name, f"'{before}'")])


def reset(connection: Connection, session: Session, *names: str) -> None:
    """Give back these variables what they have in a session that `enter` has brought about; one round trip."""
    version, wanted = _version(connection), _wanted(connection, session)
    _set(connection, [(each, _literal(wanted[each])) for each in (name_of(name, version) for name in names)])


def differing(wanted: Mapping[str, str | None], current: Mapping[str, str]) -> list[Assignment]:
    """The assignments, in their order, for what a server has and has otherwise than it is wanted."""
    changes = []
    for name, value in wanted.items():
        if name not in current:
            continue
        if name == "optimizer_switch":
            value = _flags(value or "", current[name])
        elif (value or "").casefold() == current[name].casefold():
            continue
        elif name == "sql_mode" and _modes(value) == _modes(current[name]):
            continue  # a server prints them in an order of its own
        if value != "" or name != "optimizer_switch":
            changes.append((name, _literal(value)))
    return changes


def _modes(text: str | None) -> frozenset[str]:
    return frozenset((text or "").casefold().split(","))


def _flags(wanted: str, current: str) -> str:
    """The flags of an optimizer_switch that the server has with another value."""
    present = dict(flag.split("=", 1) for flag in current.split(",") if "=" in flag)
    pairs = [flag.split("=", 1) for flag in wanted.split(",")]
    return ",".join(f"{name}={value}" for name, value in pairs if present.get(name, value) != value)


def _set(connection: Connection, changes: list[Assignment]) -> None:
    """All of them or none, in one round trip."""
    with connection.cursor() as cursor:
        cursor.execute("; ".join(_statements(changes)))
        while cursor.nextset():
            pass


def _statements(changes: Sequence[Assignment]) -> list[str]:
    """Return what sets them: what strings are read by comes first, and is named without a string."""
    words = [f"{name} = {value.strip(chr(39))}" for name, value in changes if name in _READING_STRINGS]
    others = [f"{name} = {value}" for name, value in changes if name not in _READING_STRINGS]
    return [f"SET SESSION {', '.join(each)}" for each in (words, others) if each]


def _set_singly(
    connection: Connection, session: Session, changes: list[Assignment], current: Mapping[str, str]
) -> None:
    """The server took none of them, as one is refused: what may stay as it is does, the others are told at once."""
    needed = [change for change in changes if change[0] not in OPTIONAL]
    refused = [] if _takes(connection, needed) is None else [(each, _takes(connection, [each])) for each in needed]
    for change in changes:
        if change[0] in OPTIONAL:
            _takes(connection, [change])
    faults = [_fault(connection, session, change, current, error) for change, error in refused if error is not None]
    if faults and _is_known(connection):
        raise SessionRefused(faults)


def _is_known(connection: Connection) -> bool:
    """Whether the server is one that Udup works with; another is refused by the checks that follow, and told why."""
    return version_of(_version(connection)) >= _OLDEST


def _takes(connection: Connection, changes: list[Assignment]) -> pymysql.MySQLError | None:
    """Set all of them or none; the error if the server refuses one."""
    try:
        if changes:
            _set(connection, changes)
    except pymysql.MySQLError as error:
        if _code(error) not in _NOT_SETTABLE:
            raise
        return error
    return None


def _fault(
    connection: Connection,
    session: Session,
    change: Assignment,
    current: Mapping[str, str],
    error: pymysql.MySQLError,
) -> Fault:
    name, value = change
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        (account,) = cursor.fetchone() or ("",)
    user, _, host = _text(account).rpartition("@")
    return Fault(
        f"'{user}'@'{host}' on {connection.host}:{connection.port}",
        f"{session.use} needs a session with {name} = {value}, this server begins one with {current[name]!r}, and the"
        f" account may not change it (error {error.args[0]}: {error.args[1]})",
        f"GRANT {_setter(connection, name)} ON *.* TO '{user}'@'{host}', or SET GLOBAL {name} = {value}",
    )


def _setter(connection: Connection, name: str) -> str:
    """Return the privilege to set what is restricted in a session: MySQL has one of its own since 8.0.14."""
    if is_mariadb(_version(connection)):
        return mariadb.SETTER.get(name, "SUPER")
    is_old = (0, 0, 0) < version_of(_version(connection)) < (8, 0, 14)
    return "SUPER" if is_old else "SESSION_VARIABLES_ADMIN"


def _literal(value: str | None) -> str:
    if value is None:
        return "NULL"
    return value if value.replace(".", "", 1).isdecimal() else f"'{value}'"


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _code(error: BaseException) -> int:
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0
