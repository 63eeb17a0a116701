"""Definitions (DDL) on the target, each in the session it was written in.

A statement's meaning depends on its session: character sets, sql_mode, time zone, checks. The Query event carries
them, and `run_ddl` sets every one of them, those the event does not mention too, so that nothing is left of
the statement before. The SQL goes out as the bytes that came in.

DDL commits by itself, so it cannot share a transaction with the checkpoint. With `gtid_next` set to the source's
GTID the target's server keeps the account: it skips, without an error, a statement whose GTID it has executed
already (MySQL Reference Manual, "GTID Life Cycle"), and makes a second session that uses the same GTID wait for
the first. A definition that is sent twice is thus executed once.

An event is made without being started (`event_state.py`): rows that it changes on the source arrive as row events,
and would otherwise be changed twice.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from udup.base.causes import Cause, reason
from udup.base.errors import Contradicted, Divergence, Fault, Refused, Unsupported
from udup.drivers.mysql.apply.event_state import disabled_on_replica, with_state
from udup.drivers.mysql.apply.refused_ddl import NOWHERE, explained, shown_sql
from udup.drivers.mysql.apply.row_order import check_row_order
from udup.drivers.mysql.binlog.query import (
    FLAG_AUTO_IS_NULL,
    FLAG_NO_FOREIGN_KEY_CHECKS,
    FLAG_RELAXED_UNIQUE_CHECKS,
    QueryEvent,
    StatusVariables,
)
from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.drivers.mysql.client.errors import (
    ER,
    MySQLError,
    error_code,
    is_transient,
    told,
)
from udup.drivers.mysql.client.limits import DENIED
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.raw import COMMAND
from udup.drivers.mysql.client.sql_modes import has_other_types
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.sqltokens import codec_of
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.mariadb.collations import Server, server_of
from udup.drivers.mysql.mariadb.spelling import Spelling
from udup.pipeline.checks import DEST

#: Errors by which a server tells that a statement was ended from outside; whether it had taken effect they leave open.
_ENDED = frozenset({ER.SERVER_SHUTDOWN, ER.QUERY_INTERRUPTED, ER.NEW_ABORTING_CONNECTION, 1927, 3024, 3169, 4031})

#: Errors of a lost connection that servers and clients make themselves.
_OF_THE_WAY = (range(1158, 1162), range(2000, 3000))

#: A source of which nothing else is known, and how sessions are said between two of its kind.
MYSQL = Server.of("")
BY_NUMBER = Spelling(MYSQL, MYSQL)

#: From here on MariaDB has explicit_defaults_for_timestamp ON unless it is told otherwise.
_EXPLICIT_ON_MARIADB = (10, 10, 0)

#: The end of a statement that was run once. A word, no string: the context is still the statement's.
_AUTOMATIC = "gtid_next=AUTOMATIC"


@dataclass
class Attempt:
    """What has become of a statement: whether it was sent, and whether the server has answered that it did not take
    effect (`refused`), or that it did where the source's had failed (`ran`). `sign` goes in front of it.
    """

    sign: bytes = b""
    sent: bool = False
    refused: bool = False
    ran: bool = False


def run_ddl(
    connection: Connection,
    event: QueryEvent,
    gtid_next: str | None = None,
    computing: bytes = b"",
    unlogged: bytes = b"",
    attempt: Attempt | None = None,
    source: Server = MYSQL,
) -> None:
    """Execute a Query event's statement in its own session context, exactly once if `gtid_next` is given.

    `unlogged` is the SET of what the event cannot say, as the source's sessions begin with it.
    `computing` is the SET of a context whose time zone is to be taken: where the event says none and rows follow in the
    same transaction, between which and it no SET may come; and where the target knows the zone by another name.
    The connection is given over to this: its session is changed for good. `Transient` is worth another try,
    `Divergence` and `Unsupported` are not. `attempt` is told what has become of the statement. `source`: whose session
    it was.
    """
    variables = event.variables()
    statement = classify_query(event)
    doing = f"run on the target {shown_of(event, statement)}"
    if has_other_types(variables.sql_mode or 0, event.sql.decode("latin1")):
        raise Unsupported(
            f"cannot {doing}: its sql_mode has MAXDB, in which TIMESTAMP is DATETIME; run it on the target by hand,"
            " with DATETIME, and skip the statement"
        )
    try:
        if statement.numbers_rows:
            check_row_order(connection, statement.objects[0], gtid_next, source)
        # All that we ask and set ourselves comes first: in the statement's context a string of ours may be UTF-16.
        _enter_schema(connection, event)
        spelling = Spelling(source, server_of(connection))
        settings = session_settings(event, variables, spelling)
        restricted = _restricted_settings(connection, variables, spelling, unlogged)
        connection.rollback()  # without autocommit our questions began a transaction, in which not all can be set
        _check_settable(connection, restricted, doing)
        settings += restricted
        if unlogged:
            _send(connection, unlogged)
        if computing:
            _send(connection, computing)  # its time zone stays, all else is said by the event too
            settings = [each for each in settings if not each.startswith("time_zone=")]
        to_run = _not_running(connection, event, statement, variables)
        _execute_once(connection, to_run, settings, gtid_next, attempt or Attempt())
        if statement.kind is Kind.EVENT_DDL and not statement.verb.startswith("DROP"):
            _keep_from_running(connection, statement, variables)
    except MySQLError as error:
        at = statement.one_table
        raise explained(error, doing, event).against(Contradicted((at,)) if at else None) from error


def finish_ddl(connection: Connection, event: QueryEvent, source: Server = MYSQL) -> None:
    """Do what belongs to a statement that an earlier run has run, and may not have finished: its event never runs."""
    statement = classify_query(event)
    if statement.kind is not Kind.EVENT_DDL or statement.verb.startswith("DROP"):
        return
    variables = event.variables()
    try:
        _enter_schema(connection, event)
        _set(connection, session_settings(event, variables, Spelling(source, server_of(connection))))
        _keep_from_running(connection, statement, variables)
    except MySQLError as error:
        raise explained(error, f"finish on the target {shown_of(event, statement)}", event) from error


def shown_of(event: QueryEvent, statement: Statement) -> str:
    """Return a statement for people, with the database that it ran in. An account's holds the hash of a password."""
    if statement.kind is Kind.ACCOUNT:
        return statement.verb
    schema = event.schema.decode("utf-8", "replace")
    return shown_sql(event, event.variables()) + (f" (in database {schema})" if schema else "")


def session_settings(event: QueryEvent, variables: StatusVariables, spelling: Spelling = BY_NUMBER) -> list[str]:
    """The assignments of one SET that make the session like the event's; what the event leaves out is default."""
    flags = variables.flags2 or 0
    increment, offset = variables.auto_increment or (1, 1)
    settings = [
        f"foreign_key_checks={int(not flags & FLAG_NO_FOREIGN_KEY_CHECKS)}",
        f"unique_checks={int(not flags & FLAG_RELAXED_UNIQUE_CHECKS)}",
        f"sql_auto_is_null={int(bool(flags & FLAG_AUTO_IS_NULL))}",
        f"sql_mode={spelling.sql_mode(variables.sql_mode) if variables.sql_mode is not None else 'DEFAULT'}",
        f"auto_increment_increment={increment}",
        f"auto_increment_offset={offset}",
        f"time_zone={_literal(variables.time_zone) if variables.time_zone else 'DEFAULT'}",
        f"lc_time_names={variables.lc_time_names or 0}",
        f"timestamp={event.timestamp}.{variables.microseconds or 0:06d}",
    ]
    if variables.charset is not None:
        settings += [
            f"character_set_client={spelling.charset(variables.charset.client)}",
            f"collation_connection={spelling.collation(variables.charset.connection)}",
            f"collation_server={spelling.collation(variables.charset.server)}",
        ]
    if variables.collation_database is not None:
        settings.append(f"collation_database={spelling.collation(variables.collation_database)}")
    return settings


def _restricted_settings(
    connection: Connection, variables: StatusVariables, spelling: Spelling, unlogged: bytes
) -> list[str]:
    """Assignments for variables that need a privilege even in one's own session, where the value is another one.

    One that the target does not have is left out: it came with a feature that the target then lacks too.
    """
    utf8mb4 = None if connection.is_mariadb else variables.default_collation_for_utf8mb4
    timestamps = variables.explicit_defaults_for_timestamp
    if timestamps is None and spelling.source.is_mariadb and b"explicit_defaults_for_timestamp" not in unlogged:
        timestamps = spelling.source.version >= _EXPLICIT_ON_MARIADB
    wanted = {
        "default_collation_for_utf8mb4": _collation_name(connection, utf8mb4) if utf8mb4 else None,
        # The source took it without a key, if its session was so; one that insisted on keys has made one.
        "sql_require_primary_key": None if variables.sql_require_primary_key else "OFF",
        "default_table_encryption": _switch(variables.default_table_encryption),
        "explicit_defaults_for_timestamp": _switch(timestamps),
        "restrict_fk_on_non_standard_key": "OFF",  # in no log: the source took the key as it was
        # The source logs a key that it generated as part of the statement; the target must not add one.
        "sql_generate_invisible_primary_key": "OFF",
        **{name: f"'{value}'" for name, value in spelling.of_charsets(variables).items()},
    }
    listed = ", ".join(f"'{name}'" for name in wanted)
    current = dict(query(connection, f"SHOW SESSION VARIABLES WHERE Variable_name IN ({listed})"))
    return [
        f"{name}={value}"
        for name, value in wanted.items()
        if value is not None and name in current and current[name] != value
    ]


def _check_settable(connection: Connection, settings: list[str], doing: str) -> None:
    """Raise `Refused` that names the one which the account may not set."""
    for setting in settings:
        try:
            _set(connection, [setting])
        except MySQLError as error:
            if error_code(error) not in DENIED:
                raise
            name, _, value = setting.partition("=")
            remedy = f"GRANT SESSION_VARIABLES_ADMIN ON *.* TO the account, or SET PERSIST {name} = {value}"
            fault = Fault(
                f"cannot {doing}",
                f"its session has {name} = {value}, which the account may not set ({told(error)})",
                f"{remedy} (on a managed server: in its parameter group); then resume the job",
                DEST,
            )
            raise Refused([fault]) from error


def _switch(value: bool | None) -> str | None:
    return None if value is None else "ON" if value else "OFF"


def _collation_name(connection: Connection, number: int) -> str | None:
    name = scalar(connection, f"SELECT COLLATION_NAME FROM information_schema.COLLATIONS WHERE ID = {number}")
    if name is None:
        raise Unsupported(
            f"the target has no collation with the number {number}, which the source used for utf8mb4; "
            "upgrade the target, then resume the job"
        )
    return str(name)


def _set(connection: Connection, settings: list[str]) -> None:
    if settings:
        _send(connection, ("SET " + ", ".join(settings)).encode("ascii"))


def _enter_schema(connection: Connection, event: QueryEvent) -> None:
    """USE the event's schema, or one that nothing can be made in where the target does not have it.

    Otherwise a name without a schema would be found in that of the statement before. Done before the context is
    set, since the schema's name is UTF-8 whatever the client's character set is.
    """
    connection.set_character_set("utf8mb4")
    try:
        connection.select_db(event.schema.decode() or NOWHERE)
    except MySQLError as error:
        if error_code(error) not in (ER.BAD_DB_ERROR, ER.DBACCESS_DENIED_ERROR):
            raise
        connection.select_db(NOWHERE)


def _execute_once(
    connection: Connection, event: QueryEvent, settings: list[str], gtid_next: str | None, attempt: Attempt
) -> None:
    """Send the statement in its context; an error that the source had with it too is no error."""
    if gtid_next is not None:
        _set(connection, [f"gtid_next='{gtid_next}'"])
    code = 0
    try:
        _set(connection, settings)
        attempt.sent = True
        try:
            _send(connection, attempt.sign + event.sql)
        except MySQLError as error:
            code = error_code(error)
            attempt.refused = _answers(code)
            if code != event.error_code or is_transient(error):
                raise
    except MySQLError:
        if gtid_next is not None and connection.open:
            _give_up(connection)
        raise
    if gtid_next is not None:
        _set(connection, [_AUTOMATIC])
    if code != event.error_code:
        attempt.ran = True
        raise Divergence(
            f"a statement that ended with error {event.error_code} on the source succeeded on the target: "
            f"{shown_sql(event, event.variables())}; the two servers' objects differ: compare "
            "them, undo it there, then resume the job"
        ).because(reason(Cause.STATEMENT_REFUSED, statement=shown_sql(event, event.variables())))


def _answers(code: int) -> bool:
    """Return whether an error is the server's answer to a statement, which it has undone."""
    return code > 0 and code not in _ENDED and not any(code in each for each in _OF_THE_WAY)


def _give_up(connection: Connection) -> None:
    """Release the GTID of a statement that the server did not run: one that it could not parse, for example, keeps it.

    An error of this would hide the statement's own; the session that is left ends with its connection.
    """
    with suppress(MySQLError):
        _send(connection, b"ROLLBACK")
        _set(connection, [_AUTOMATIC])


def _send(connection: Connection, sql: bytes) -> None:
    """One statement as bytes, which PyMySQL's cursors would decode and encode again."""
    packets: Any = connection  # PyMySQL's packet layer, which its type stubs leave out
    packets._execute_command(COMMAND.COM_QUERY, sql)
    packets._read_query_result()


def _not_running(
    connection: Connection, event: QueryEvent, statement: Statement, variables: StatusVariables
) -> QueryEvent:
    """The statement, with its event disabled if it makes or alters one."""
    if statement.kind is not Kind.EVENT_DDL:
        return event
    codec = codec_of(variables.charset.client) if variables.charset else "utf-8"
    state = disabled_on_replica(connection)
    return replace(event, sql=with_state(event.sql, codec, variables.sql_mode or 0, state))


def _keep_from_running(connection: Connection, statement: Statement, variables: StatusVariables) -> None:
    """Leave the event as on a replica: defined, with its definer, and not run.

    ALTER EVENT makes who runs it the definer and stores its session's sql_mode and time zone. So it runs in the
    context of the statement before, with the definer said: the event's invoker if the source logged one.
    """
    disabled = disabled_on_replica(connection)
    for schema, name in statement.objects:
        rows = query(
            connection,
            "SELECT DEFINER, STATUS FROM information_schema.EVENTS"
            f" WHERE EVENT_SCHEMA = {_utf8(schema)} AND EVENT_NAME = {_utf8(name)}",
        )
        for definer, status in rows:
            user, _, host = str(definer).rpartition("@")
            if statement.verb == "ALTER EVENT" and variables.invoker is not None:
                user, host = (part.decode() for part in variables.invoker)
            if status == "ENABLED" or f"{user}@{host}" != definer:
                account = f"{qualified(user, host).replace('`.`', '`@`')}"
                state = "DISABLE" if status == "DISABLED" else disabled
                sql = f"ALTER DEFINER={account} EVENT {qualified(schema, name)} {state}"
                charset = variables.charset
                _send(connection, sql.encode(codec_of(charset.client) if charset else "utf-8"))


def _utf8(text: str) -> str:
    """A string that means the same whatever the session's client character set is."""
    return f"CONVERT(X'{text.encode().hex()}' USING utf8mb4)"


def _literal(text: bytes) -> str:
    """A time zone's name as an SQL string; names are plain ASCII."""
    return "'" + text.decode("ascii").replace("\\", "\\\\").replace("'", "''") + "'"
