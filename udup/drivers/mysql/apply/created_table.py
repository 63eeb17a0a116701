"""CREATE TABLE … SELECT by statements: the table is made first, its rows follow in a transaction with the checkpoint.

On the source both are one transaction, and by BINLOG they are one here too (CREATE TABLE … START TRANSACTION). No other
statement may follow such a CREATE, so by statements the table is there, empty, for a moment. It is noted before it is
made, and the note goes with its rows: a table that a take-over finds noted was made by a session that is over, and is
dropped.
"""

from __future__ import annotations

from dataclasses import replace

from udup.base.causes import Cause, reason
from udup.base.errors import Divergence
from udup.drivers.mysql.apply import intents
from udup.drivers.mysql.apply.fitted_ddl import fitted_ddl
from udup.drivers.mysql.apply.rows_path import Mark
from udup.drivers.mysql.apply.run_ddl import MYSQL, run_ddl
from udup.drivers.mysql.binlog.query import QueryEvent, parse_query
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.errors import missing_row
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.sqltokens import codec_of, decoded, tokenize
from udup.drivers.mysql.mariadb.collations import Server, server_of
from udup.pipeline.selection.schemas import UDUP_SCHEMA

_THERE = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"


def make_for_rows(connection: Connection, mark: Mark, create: bytes, context: bytes, source: Server = MYSQL) -> None:
    """Note the table and make it, in its own session context, which stays the connection's."""
    event = parse_query(create, has_crc=False)
    made = classify_query(event).objects[0]
    job = mark.job.decode()
    event, replaces = _by_itself(event)
    _check_mark(connection, mark)
    if replaces and query(connection, _THERE, made.schema, made.name):
        # OR REPLACE drops it too; what comes behind is then as for a new one, whoever does it again.
        query(connection, f"DROP TABLE {qualified(made.schema, made.name)}")
        _check_mark(connection, mark)
    if query(connection, _THERE, made.schema, made.name):
        raise Divergence(
            f"the target has a table {made.schema}.{made.name}, which the source makes now (CREATE TABLE … SELECT):"
            " drop it there, then resume the job",
            table=f"{made.schema}.{made.name}",
        ).because(reason(Cause.STATEMENT_REFUSED, {"table": f"{made.schema}.{made.name}"}))
    intents.note_made(connection, job, intents.Made(made.schema, made.name, mark.gtids))
    connection.commit()
    fitted, _ = fitted_ddl(event, classify_query(event), source, server_of(connection))
    if fitted is not None:
        run_ddl(connection, fitted, computing=context, source=source)


def _check_mark(connection: Connection, mark: Mark) -> None:
    """Lock the checkpoint's row, which is there if the job is still this run's."""
    sql = f"SELECT 1 FROM {UDUP_SCHEMA}.checkpoint WHERE job = %s AND slot = %s AND version = %s LOCK IN SHARE MODE"
    if not query(connection, sql, mark.job.decode(), mark.slot, mark.version):
        raise missing_row(f"no row was found where one had to be: this job's in '{UDUP_SCHEMA}.checkpoint'")


def drop_unfilled(connection: Connection, job: str) -> None:
    """Drop what a session that is over has made and not filled; with autocommit on, during a take-over."""
    for made in intents.made_tables(connection, job):
        name = qualified(made.schema, made.table)
        if query(connection, _THERE, made.schema, made.table):
            if query(connection, f"SELECT 1 FROM {name} LIMIT 1"):
                raise Divergence(
                    f"the table {made.schema}.{made.table} on the target holds rows that are not the job's: its rows"
                    " (CREATE TABLE … SELECT) were not committed. Look there, run"
                    f" DROP TABLE {name}, and resume the job",
                    table=f"{made.schema}.{made.table}",
                ).because(reason(Cause.STATEMENT_REFUSED, {"table": f"{made.schema}.{made.table}"}))
            query(connection, f"DROP TABLE {name}")
    intents.forget_made(connection, job)


def _by_itself(event: QueryEvent) -> tuple[QueryEvent, bool]:
    """Return the statement without OR REPLACE, and whether it had that; and without START TRANSACTION, which stands
    among the table's options or behind them.
    """
    variables = event.variables()
    codec = codec_of(variables.charset.client) if variables.charset else "utf-8"
    text, exact = decoded(event.sql, codec)
    words = tokenize(text, variables.sql_mode or 0)
    depth = 0
    for one, other in zip(reversed(words[:-1]), reversed(words[1:]), strict=True):
        depth += (other.upper == ")") - (other.upper == "(")
        if not depth and (one.upper, other.upper) == ("START", "TRANSACTION"):
            text = text[: one.start] + text[other.end :]
            break
    replaces = [word.upper for word in words[1:3]] == ["OR", "REPLACE"]
    if replaces:
        text = text[: words[1].start] + text[words[2].end :]
    return replace(event, sql=text.encode(exact)), replaces
