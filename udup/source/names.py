"""The names that the source has now, for what a job makes of them on the target."""

from __future__ import annotations

from contextlib import closing

from udup.binlog.sqlreader import ObjectName
from udup.errors import Fault
from udup.mysql.connection import Connection, Endpoint, connect, query, scalar
from udup.mysql.engines import is_transactional
from udup.mysql.facts import ServerFacts
from udup.mysql.renames import Name, problems_of
from udup.mysql.selection import Selection


def read_names(connection: Connection, selection: Selection) -> list[Name]:
    """The job's schemas as (schema, ""), its tables and views; nothing is asked for where nothing has a new name."""
    if not selection.renames:
        return []
    schemas = [str(name) for (name,) in query(connection, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")]
    tables = query(connection, "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES")
    found: list[Name] = [(schema, "") for schema in schemas if selection.wants_schema(schema)]
    found += [(str(schema), str(table)) for schema, table in tables if selection.wants(schema, table)]
    return sorted(found)


def is_transactional_there(endpoint: Endpoint, table: ObjectName) -> bool:
    """Whether a table of the source takes part in transactions now; one that is not there any more is taken to."""
    sql = "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    with closing(connect(endpoint)) as connection:
        engine = scalar(connection, sql, *table)
        return engine is None or is_transactional(str(engine))


def check_names(connection: Connection, facts: ServerFacts, selection: Selection) -> list[Fault]:
    """New names that can be none, and names of which two would become one."""
    folded = selection.folding(facts.lower_case_table_names != 0)
    problems = problems_of(folded, read_names(connection, folded))
    return [Fault(f"Src {facts.address}", problem) for problem in problems]
