"""What of a source's settings and privileges is asked of MariaDB in another way than of MySQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.facts import ServerFacts
from udup.pipeline.checks import Finding, failed, warned
from udup.pipeline.selection.selection import Selection

if TYPE_CHECKING:
    from udup.drivers.mysql.checks.source import SourceSide

#: The first release that Udup was run against, which has the privileges that are asked for.
OLDEST_MARIADB = (10, 5, 2)

#: To be sent the log, and to be told of its files.
GLOBAL_PRIVILEGES = ("REPLICATION SLAVE", "BINLOG MONITOR")


def row_metadata(side: SourceSide) -> Iterator[Finding]:
    """Demand names of columns in the log: without them neither signs nor sequences can be told from it."""
    value = side.facts.value("binlog_row_metadata", "FULL").upper()
    if value != "FULL":
        yield failed(
            f"binlog_row_metadata is {value}, so that the log says neither names nor signs of columns",
            "SET GLOBAL binlog_row_metadata = 'FULL', and write it into the server's file; what is logged before that"
            " cannot be carried: begin with a copy, or behind it",
        )
    if side.facts.value("binlog_row_image").upper() == "NOBLOB":
        yield warned(
            "binlog_row_image is NOBLOB: the log has rows of the past, of tables WITH SYSTEM VERSIONING, without their"
            " texts, which a MariaDB target would lack",
            "SET GLOBAL binlog_row_image = 'FULL', and write it into the server's file",
        )


def strict_mode(side: SourceSide) -> Iterator[Finding]:
    """Recommend what keeps the numbers of a domain growing."""
    if not side.facts.is_on("gtid_strict_mode"):
        yield warned(
            "gtid_strict_mode is OFF: numbers of a domain that do not grow, as of two servers that are written to at"
            " once, would stop the job",
            "SET GLOBAL gtid_strict_mode = 1; give each server that is written to a gtid_domain_id of its own",
        )


def versioned_tables(connection: Connection, facts: ServerFacts, selection: Selection) -> Iterator[str]:
    """Yield the job's tables whose history is by transactions: what changes them is logged as statements alone."""
    if not facts.is_mariadb:
        return
    sql = (
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.COLUMNS"
        " WHERE GENERATION_EXPRESSION = 'ROW START' AND DATA_TYPE = 'bigint'"
    )
    for schema, table in query(connection, sql):
        if selection.wants(str(schema), str(table)):
            yield f"{schema}.{table}"
