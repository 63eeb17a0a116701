"""Whether a source's tables can be carried by their column maps, asked before a job starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from udup.base.errors import Fault, Unsupported
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.columns.mapping import folded, map_of
from udup.drivers.mysql.dictionary.catalog import Column
from udup.drivers.mysql.snapshot.schema import read_columns
from udup.pipeline.checks import SRC
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import ColumnNames, Selection

_WRITE = "write another ColumnMapFrom (docs/jobs.md, Some columns of a table)"


@dataclass(frozen=True)
class MapProblem:
    """What is wrong with a job's column maps on this source, and what to do."""

    problem: str
    remedy: str


def setting_problems(facts: ServerFacts, selection: Selection, *, converts: bool) -> Iterator[MapProblem]:
    """Yield what a job with column maps, or with tables of other columns, needs the log to say.

    By places no image is asked for: what tables that are there have by default was compared (`load/filling.py`).
    """
    metadata = facts.value("binlog_row_metadata", "FULL").upper()
    if metadata != "FULL" and (selection.maps_columns or converts):
        key = "ColumnMapFrom" if selection.maps_columns else "ApproveHeterogeneous"
        yield MapProblem(
            f"binlog_row_metadata is {metadata}, so the log does not name the columns, by whose names {key} goes",
            "SET PERSIST binlog_row_metadata = 'FULL'",
        )
    image = facts.value("binlog_row_image", "FULL").upper()
    if image != "FULL" and converts:
        yield MapProblem(
            f"binlog_row_image is {image}: rows are logged without what they have by default, and the defaults of "
            "tables that are on the target already may be others",
            "SET PERSIST binlog_row_image = 'FULL', then reconnect every client",
        )


def map_faults(connection: Connection, facts: ServerFacts, selection: Selection) -> list[Fault]:
    """Return everything that speaks against the column maps, as it is told at a start."""
    folded_names = selection.folding(facts.lower_case_table_names != 0)
    found = map_problems(connection, folded_names)
    return [Fault(f"Src {facts.address}", each.problem, each.remedy, SRC) for each in found]


def map_problems(connection: Connection, selection: Selection) -> list[MapProblem]:
    """Return the same; `selection` folds names as the server does."""
    if not selection.maps_columns:
        return []
    found: list[MapProblem] = []
    of_schema: dict[str, dict[str, tuple[Column, ...]]] = {}
    for table in _mapped(connection, selection):
        try:
            columns = map_of(selection, *table)
        except Unsupported as error:
            found.append(MapProblem(str(error), _WRITE))
            continue
        if table[0] not in of_schema:
            of_schema[table[0]] = read_columns(connection, table[0])
        found += _of_columns(table, columns, of_schema[table[0]].get(table[1], ()))
        found += _of_keys(table, columns, _keys(connection, table))
        found += _of_children(connection, table, columns, selection)
    return found


def _mapped(connection: Connection, selection: Selection) -> list[Name]:
    sql = (
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES"
        " WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY 1, 2"
    )
    rows = [(str(schema), str(table)) for schema, table in query(connection, sql)]
    return [name for name in rows if selection.columns_of(*name) != ((),)]


def _of_columns(table: Name, columns: ColumnNames, there: Sequence[Column]) -> Iterator[MapProblem]:
    name = ".".join(table)
    by_name = {column.name.lower(): column for column in there}
    if missing := [each for each, _ in columns if each.lower() not in by_name]:
        yield MapProblem(
            f"ColumnMapFrom of {name} names {', '.join(missing)}, and the table has no such column "
            f"(it has {', '.join(column.name for column in there)})",
            _WRITE,
        )
    if made := [each for each, _ in columns if (found := by_name.get(each.lower())) and found.generated]:
        yield MapProblem(
            f"ColumnMapFrom of {name} names {', '.join(made)}, which the source computes: such values are made by each "
            "server for itself",
            "leave it out of the map; with SkipCreateDbTable the target's table may compute one of its own",
        )


def _of_keys(table: Name, columns: ColumnNames, keys: dict[str, list[str]]) -> Iterator[MapProblem]:
    """Yield keys by which a row of the log is found and that are not whole in the map."""
    mapped = folded(name for name, _ in columns)
    needed = ["PRIMARY"] if "PRIMARY" in keys else list(keys)
    for key in needed:
        if lacking := [column for column in keys[key] if column.lower() not in mapped]:
            called = "the primary key" if key == "PRIMARY" else f"the unique key {key}"
            yield MapProblem(
                f"ColumnMapFrom of {'.'.join(table)} lacks {', '.join(lacking)} of {called}: by it the target finds "
                "the rows that change",
                f"add {', '.join(lacking)} to ColumnMapFrom",
            )


def _keys(connection: Connection, table: Name) -> dict[str, list[str]]:
    """Return the table's unique keys without NULLs and the columns of each."""
    rows = query(
        connection,
        "SELECT INDEX_NAME, COLUMN_NAME, NULLABLE FROM information_schema.STATISTICS"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX",
        *table,
    )
    found: dict[str, list[tuple[str | None, bool]]] = {}
    for index, column, nullable in rows:
        found.setdefault(str(index), []).append((column, nullable == "YES"))
    return {
        index: [str(column) for column, _ in parts]
        for index, parts in found.items()
        if all(column is not None and not nullable for column, nullable in parts)
    }


def _of_children(
    connection: Connection, table: Name, columns: ColumnNames, selection: Selection
) -> Iterator[MapProblem]:
    """Yield foreign keys of other tables of the job that refer to columns which the target does not have."""
    kept = folded(name for name, new in columns if name.lower() == new.lower())
    rows = query(
        connection,
        "SELECT CONSTRAINT_NAME, TABLE_SCHEMA, TABLE_NAME, REFERENCED_COLUMN_NAME"
        " FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_SCHEMA = %s AND REFERENCED_TABLE_NAME = %s",
        *table,
    )
    for key, schema, child, column in rows:
        whole = selection.wants(schema, child) and selection.columns_of(schema, child) == ((),)
        if whole and str(column).lower() not in kept:
            yield MapProblem(
                f"the foreign key {key} of {schema}.{child} refers to {column} of {'.'.join(table)}, which the target "
                "has under another name or not at all",
                f"name {column} in ColumnMapFrom and leave it its name, or give {schema}.{child} a ColumnMapFrom of "
                "its own, which leaves its foreign keys out",
            )
