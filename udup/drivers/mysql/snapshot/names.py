"""The names that the source has now, for what a job makes of them on the target."""

from __future__ import annotations

from contextlib import closing

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.dictionary.engines import is_transactional
from udup.drivers.mysql.dictionary.present import TABLE, VIEW, Present, read_present
from udup.pipeline.checks import SRC
from udup.pipeline.selection.renames import Name, problems_of
from udup.pipeline.selection.selection import Selection


def read_names(connection: Connection, selection: Selection) -> list[Name]:
    """Return the job's schemas as (schema, ""), its tables and views; nothing if no name is new."""
    if not selection.renames:
        return []
    schemas = [str(name) for (name,) in query(connection, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")]
    tables = query(connection, "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES")
    found: list[Name] = [(schema, "") for schema in schemas if selection.wants_schema(schema)]
    found += [(str(schema), str(table)) for schema, table in tables if selection.wants(schema, table)]
    return sorted(found)


def read_base_tables(connection: Connection, selection: Selection) -> list[Name]:
    """Return the job's tables, views left out."""
    sql = (
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES"
        " WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
    )
    found = [(str(schema), str(table)) for schema, table in query(connection, sql)]
    return sorted(name for name in found if selection.wants(*name))


def read_estimates(connection: Connection, tables: list[Name]) -> dict[Name, int]:
    """Return about how many rows each of these tables has, as the server's statistics say."""
    sql = "SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return {name: int(rows or 0) for name in tables for (rows,) in query(connection, sql, *name)}


def read_objects_named(connection: Connection, selection: Selection) -> list[Present]:
    """Return the job's views, routines, triggers and events, by the names that they have on the target."""
    schemas = [str(name) for (name,) in query(connection, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")]
    found = []
    for each, table in read_present(connection, filter(selection.wants_schema, schemas)):
        schema = selection.renamed_schema(each.schema)
        if each.kind == VIEW:
            if selection.wants(each.schema, each.name):
                found.append(Present(VIEW, *selection.renamed_table(each.schema, each.name)))
        elif each.kind == "TRIGGER":
            if selection.brings_triggers_of(each.schema, table):
                found.append(Present(each.kind, schema, each.name))
        elif each.kind != TABLE and selection.wants_stored(each.schema):
            found.append(Present(each.kind, schema, each.name))
    return found


def is_transactional_there(endpoint: Endpoint, table: ObjectName) -> bool:
    """Return whether a table of the source takes part in transactions now; one that is gone is taken to do so."""
    sql = "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    with closing(connect(endpoint)) as connection:
        engine = scalar(connection, sql, *table)
        return engine is None or is_transactional(str(engine))


#: What to do about names that cannot be.
NEW_NAMES = "write another TableSchemaRename or TableRename in ReplicateDoDb, or leave one out (ReplicateIgnoreDb)"


def check_names(connection: Connection, facts: ServerFacts, selection: Selection) -> list[Fault]:
    """Return new names that are not valid, and names of which two would become one, as faults."""
    folded = selection.folding(facts.lower_case_table_names != 0)
    problems = problems_of(folded, read_names(connection, folded))
    return [Fault(f"Src {facts.address}", problem, NEW_NAMES, SRC) for problem in problems]
