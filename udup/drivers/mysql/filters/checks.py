"""Whether a source carries out the row filters of a job, asked before it starts.

Each filter is first prepared by the server as it was written, so that what is wrong with it is said in the server's own
words. Nothing runs by that, and only one statement is taken, whatever the text holds. Then the server is given both
forms in which Udup asks it: over the table, and over values of the log. Tables of which the filter looks at the same
columns are asked of once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from udup.base.errors import Fault, Unsupported
from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, is_transient, query
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.session_setup import enter
from udup.drivers.mysql.client.sessions import FILTER, PLAIN
from udup.drivers.mysql.dictionary.catalog import Column
from udup.drivers.mysql.filters.asking import probe
from udup.drivers.mysql.filters.columns import of_dictionary
from udup.drivers.mysql.filters.parser import parse
from udup.drivers.mysql.filters.table_filter import dictionary_condition, filter_of
from udup.drivers.mysql.filters.tree import column_names
from udup.drivers.mysql.snapshot.json_before_8 import has_json_table
from udup.drivers.mysql.snapshot.schema import read_columns
from udup.pipeline.checks import SRC
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection

#: What the log must hold of each change: whole rows, and the names of their columns.
_NEEDED = {
    "binlog_row_image": "a row that an update moves into a Where is not whole in the log",
    "binlog_row_metadata": "the log does not name the columns at which a Where looks",
}

_WRITE = "write another Where (docs/jobs.md, Some rows of a table)"


@dataclass(frozen=True)
class FilterProblem:
    """What is wrong with a job's row filters on this source, and what to do."""

    problem: str
    remedy: str


def filter_faults(connection: Connection, facts: ServerFacts, selection: Selection) -> list[Fault]:
    """Return everything that speaks against the row filters, as it is told at a start."""
    folded = selection.folding(facts.lower_case_table_names != 0)
    found = filter_problems(connection, facts, folded)
    return [Fault(f"Src {facts.address}", each.problem, each.remedy, SRC) for each in found]


def filter_problems(connection: Connection, facts: ServerFacts, selection: Selection) -> list[FilterProblem]:
    """Return the same; `selection` folds names as the server does. The session is as before."""
    if not selection.filters_rows:
        return []
    looks = _looks(connection, selection)
    enter(connection, FILTER)
    try:
        return [*_settings(facts), *_problems(connection, selection, looks)]
    finally:
        enter(connection, PLAIN)


def _settings(facts: ServerFacts) -> Iterator[FilterProblem]:
    for name, why in _NEEDED.items():
        value = facts.value(name, "FULL").upper()
        if value != "FULL":
            reconnect = ", then reconnect every client" if name == "binlog_row_image" else ""
            yield FilterProblem(f"{name} is {value}, and {why}", f"SET PERSIST {name} = 'FULL'{reconnect}")


@dataclass(frozen=True)
class _Look:
    """A filter, and what the server's answer to it depends on: the columns that it looks at."""

    where: str
    columns: tuple[Column, ...]


def _looks(connection: Connection, selection: Selection) -> dict[_Look, list[Name]]:
    """Return the tables that there are and have a filter, those together of which the same is to be asked.

    The dictionary is read once for each schema: a regular expression may choose thousands of tables.
    """
    looks: dict[_Look, list[Name]] = {}
    columns: dict[str, dict[str, tuple[Column, ...]]] = {}
    for schema, table, where in list(_filtered(connection, selection)):
        if schema not in columns:
            columns[schema] = read_columns(connection, schema)
        look = _Look(where, _looked_at(where, columns[schema].get(table, ())))
        looks.setdefault(look, []).append((schema, table))
    return looks


def _filtered(connection: Connection, selection: Selection) -> Iterator[tuple[str, str, str]]:
    """Yield the tables that there are and have a filter, and it; "" where there are two."""
    sql = (
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES"
        " WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY 1, 2"
    )
    for schema, table in query(connection, sql):
        conditions = selection.filters_of(schema, table)
        if conditions != ("",):
            yield schema, table, conditions[0] if len(conditions) == 1 else ""


def _looked_at(where: str, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    try:
        names = {name.casefold() for name in column_names(parse(where))} if where else set()
    except Unsupported:
        names = set()  # the filter itself is wrong, for every table alike
    return tuple(each for each in columns if each.name.casefold() in names)


def _problems(
    connection: Connection, selection: Selection, looks: Mapping[_Look, Sequence[Name]]
) -> Iterator[FilterProblem]:
    for look, tables in looks.items():
        others = f" (and so for {len(tables) - 1} more)" if len(tables) > 1 else ""
        for found in _filter(connection, selection, tables[0], look):
            yield replace(found, problem=found.problem + others)


def _filter(connection: Connection, selection: Selection, table: Name, look: _Look) -> Iterator[FilterProblem]:
    name, where = ".".join(table), look.where
    try:
        filter_of(selection, *table)  # there may be two
        if refused := _prepared(connection, f"SELECT 1 FROM {qualified(*table)} WHERE ({where}\n) LIMIT 0"):
            yield FilterProblem(f"the source refuses the Where of {name} ({where}): {refused}", _WRITE)
            return
        condition = dictionary_condition(selection, *table, look.columns)
    except Unsupported as error:
        yield FilterProblem(str(error), _WRITE)
        return
    over_values = probe(condition, [of_dictionary(each) for each in look.columns])
    if "JSON_TABLE(" in over_values and not has_json_table(connection):
        yield FilterProblem(
            f"in the Where of {name} ({where}) texts of more than one column meet, or a COLLATE: a source before MySQL"
            " 8.0.4, or MariaDB 10.6, does not decide about such a one",
            _WRITE,
        )
        return
    refused = _asked(connection, f"SELECT 1 FROM {qualified(*table)} WHERE {condition} LIMIT 0")
    if refused := refused or _asked(connection, over_values):
        yield FilterProblem(f"the source cannot decide about rows by the Where of {name} ({where}): {refused}", _WRITE)


def _prepared(connection: Connection, sql: str) -> str:
    """Return why the server does not take a statement, which does not run."""
    return _asked(connection, "PREPARE udup_filter FROM %s", sql) or _asked(
        connection, "DEALLOCATE PREPARE udup_filter"
    )


def _asked(connection: Connection, sql: str, *args: object) -> str:
    """Return why the server does not answer, in a session as rows are decided in."""
    try:
        query(connection, sql, *args)
    except MySQLError as error:
        if is_transient(error):
            raise
        return describe(error)
    return ""
