"""A definition of the log in the words of a target of the other family, or of an older one."""

from __future__ import annotations

from dataclasses import replace

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.query import QueryEvent
from udup.drivers.mysql.ddl.ignored import ignores, keeps_end, without_ignored
from udup.drivers.mysql.ddl.sqltokens import codec_of, decoded
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.definitions import fit_statement, needs_fitting


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
    fitted = fit_statement(text, variables.sql_mode or 0, named, source, target)
    if fitted.refusals:
        told = "; ".join(map(str, fitted.refusals))
        raise Unsupported(told)
    if not fitted.sql:
        return None, fitted.notices
    return replace(event, sql=fitted.sql.encode(exact)), fitted.notices


def _without_ignored(event: QueryEvent, statement: Statement, source: Server, target: Server) -> QueryEvent | None:
    """Return it without what the source has passed over; None if nothing is left."""
    variables = event.variables()
    text, exact = decoded(event.sql, codec_of(variables.charset.client) if variables.charset else "utf-8")
    if statement.verb == "ALTER EVENT" and keeps_end(text, variables.sql_mode or 0, source, target):
        raise Unsupported(
            "ALTER EVENT … ON SCHEDULE EVERY without ENDS: the source keeps the end that the event had, and the target"
            " would not; run it on the target by hand, with ENDS, and skip the statement"
        )
    kept = without_ignored(text, variables.sql_mode or 0, source, target)
    if not kept:
        return None
    return event if kept == text else replace(event, sql=kept.encode(exact))
