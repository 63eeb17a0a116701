"""Statements about tables WITH SYSTEM VERSIONING that a target would take, and come to something else by."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.query import QueryEvent
from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.ddl.sqltokens import UntokenizableError, codec_of, decoded, tokenize
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.history import forever

_PARTITIONED = (
    "SELECT COUNT(*) FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    " AND PARTITION_NAME IS NOT NULL"
)

#: Words before PARTITION with which rows of the past go, or the place for them comes.
_GOING = frozenset({"DROP", "TRUNCATE"})
_OF_PARTITIONS = _GOING | {"ADD", "REORGANIZE", "REBUILD", "COALESCE"}

#: Why a table that names its period is not carried between servers with another end of a TIMESTAMP.
OTHER_END = (
    "it names the columns of its period (WITH SYSTEM VERSIONING), in which rows of today end in 2038 on a server before"
    " MariaDB 11.5, and in 2106 on a newer one"
)


def has_other_end(source: Server, target: Server) -> bool:
    """Return whether rows of today end otherwise on the target than on the source."""
    return source.is_mariadb and target.is_mariadb and forever(source.version) != forever(target.version)


def left_out(connection: Connection, event: QueryEvent, statement: Statement, source: Server, target: Server) -> str:
    """Return what is told of a statement that is about the past alone, of which the target has nothing; "" to run it.

    Raise `Unsupported` for one that would do something else there.
    """
    if not source.is_mariadb or statement.kind is not Kind.TABLE_DDL:
        return ""
    words = _words(event)
    if has_other_end(source, target) and _follow(words, "ROW", "START"):
        raise Unsupported(f"{statement.objects[0]}: {OTHER_END}; leave the columns of the period to the server")
    if statement.verb != "ALTER TABLE" or not any(_follow(words, each, "PARTITION") for each in _OF_PARTITIONS):
        return ""
    table = statement.objects[0]
    if not target.is_mariadb:
        if scalar(connection, _PARTITIONED, *table):
            return ""
        return f"{table}: partitions of its past are left out, which the target has none of"
    if any(_follow(words, each, "PARTITION") for each in _GOING) and _is_by_count(connection, qualified(*table)):
        raise Unsupported(
            f"{table} is partitioned BY SYSTEM_TIME LIMIT, and which rows of the past are in which partition is each"
            " server's own affair: run on the source DELETE HISTORY, whose rows are in the log, and skip this statement"
        )
    return ""


def _is_by_count(connection: Connection, table: str) -> bool:
    shown = query(connection, f"SHOW CREATE TABLE {table}")
    return "BY SYSTEM_TIME LIMIT" in str(shown[0][1])


def _words(event: QueryEvent) -> list[str]:
    variables = event.variables()
    text, _ = decoded(event.sql, codec_of(variables.charset.client) if variables.charset else "utf-8")
    try:
        return [word.upper for word in tokenize(text, variables.sql_mode or 0)]
    except UntokenizableError:
        return []


def _follow(words: Sequence[str], first: str, second: str) -> bool:
    return any(pair == (first, second) for pair in pairwise(words))
