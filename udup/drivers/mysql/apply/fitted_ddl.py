"""A definition of the log in the words of a target of the other family, or of an older one."""

from __future__ import annotations

from dataclasses import replace

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.query import QueryEvent
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.ddl.ignored import ignores, keeps_end, says_no_end, without_ignored
from udup.drivers.mysql.ddl.sqltokens import codec_of, decoded
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.mariadb.collations import Server, server_of
from udup.drivers.mysql.mariadb.definitions import fit_statement, needs_fitting
from udup.drivers.mysql.mariadb.numbers import collation_name

_HAS_END = "SELECT 1 FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s AND EVENT_NAME = %s AND ENDS IS NOT NULL"


def fitted_ddl(
    event: QueryEvent, statement: Statement, source: Server, target: Server
) -> tuple[QueryEvent | None, tuple[str, ...]]:
    """Return the statement for the target, None if nothing of it is left, and what is to be told.

    Raise `Unsupported` for what the target cannot have.
    """
    if ignores(source, target) and statement.kind is not Kind.ACCOUNT:
        kept = _without_ignored(event, statement, source, target)
        if kept is None:
            return None, ()
        event = kept
    if not needs_fitting(source, target):
        return event, ()
    if statement.kind is Kind.ACCOUNT and source.is_mariadb is not target.is_mariadb:
        raise Unsupported(
            f"{statement.verb}: accounts are not carried between MySQL and MariaDB, which keep passwords and rights"
            " otherwise; leave ExpandSyntaxSupport off: delete the job, and start it with another ID"
        )
    variables = event.variables()
    codec = codec_of(variables.charset.client) if variables.charset else "utf-8"
    text, exact = decoded(event.sql, codec)
    schema = next(iter(statement.objects), None)
    named = schema.schema if schema is not None else event.schema.decode("utf-8", "replace")
    number = variables.default_collation_for_utf8mb4
    of_utf8mb4 = (number and collation_name(number, source)) or ""
    connection = collation_name(variables.charset.connection, source) if variables.charset else None
    literals = (connection or "utf8mb4").partition("_")[0]
    fitted = fit_statement(
        text, variables.sql_mode or 0, named, source, target, of_utf8mb4=of_utf8mb4, literals=literals
    )
    if fitted.refusals:
        told = "; ".join(map(str, fitted.refusals))
        raise Unsupported(told)
    if not fitted.sql:
        return None, fitted.notices
    return replace(event, sql=fitted.sql.encode(exact)), fitted.notices


def check_end(connection: Connection, event: QueryEvent, statement: Statement, source: Server) -> None:
    """Raise `Unsupported` for ALTER EVENT that leaves an end as it was on one of the two servers alone."""
    keeps = keeps_end(source)
    if statement.verb != "ALTER EVENT" or keeps is keeps_end(server_of(connection)):
        return
    variables = event.variables()
    text, _ = decoded(event.sql, codec_of(variables.charset.client) if variables.charset else "utf-8")
    schema, name = statement.objects[0]
    if says_no_end(text, variables.sql_mode or 0) and query(connection, _HAS_END, schema, name):
        one, other = ("source", "target") if keeps else ("target", "source")
        raise Unsupported(
            f"ALTER EVENT … ON SCHEDULE EVERY without ENDS: the {one} keeps the end that the event {schema}.{name} has,"
            f" and the {other} takes it away; have the event on the target be like the source's by hand, and skip the"
            " statement"
        )


def _without_ignored(event: QueryEvent, statement: Statement, source: Server, target: Server) -> QueryEvent | None:
    """Return it without what the source has passed over; None if nothing is left."""
    variables = event.variables()
    text, exact = decoded(event.sql, codec_of(variables.charset.client) if variables.charset else "utf-8")
    kept = without_ignored(text, variables.sql_mode or 0, source, target)
    if not kept:
        return None
    return event if kept == text else replace(event, sql=kept.encode(exact))
