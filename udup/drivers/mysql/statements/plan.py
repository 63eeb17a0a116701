"""What has to be known of a target's table to write statements for it: names, keys, what it computes by itself.

A rows event has its columns by their place. Which names they have is asked of the target's own dictionary, whose
definition was compared with the source's before the table's first rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from udup.base.causes import Cause, reason
from udup.base.errors import Divergence, Unsupported
from udup.drivers.mysql.apply.computing import Computing
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.binlog.table_map import TableName
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified, quote

_COLUMNS = (
    "SELECT COLUMN_NAME, COALESCE(GENERATION_EXPRESSION, '') <> '', EXTRA LIKE '%on update%', COLUMN_TYPE,"
    " COLUMN_DEFAULT IS NULL AND IS_NULLABLE = 'NO' AND EXTRA NOT LIKE '%auto_increment%',"
    " NUMERIC_PRECISION, NUMERIC_SCALE, IF(DATA_TYPE = 'char', CHARACTER_MAXIMUM_LENGTH, 0)"
    " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {} ORDER BY ORDINAL_POSITION"
)

_KEYS = (
    "SELECT INDEX_NAME, COLUMN_NAME, NULLABLE FROM information_schema.STATISTICS"
    " WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {} AND NON_UNIQUE = 0"
    " ORDER BY INDEX_NAME <> 'PRIMARY', IS_VISIBLE <> 'YES', INDEX_NAME, SEQ_IN_INDEX"
)

_TRIGGERS = (
    "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS"
    " WHERE EVENT_OBJECT_SCHEMA = {} AND EVENT_OBJECT_TABLE = {} ORDER BY 1"
)

_REALS = (ColumnType.FLOAT, ColumnType.DOUBLE)

_INTEGERS = frozenset(
    {ColumnType.TINY, ColumnType.SHORT, ColumnType.INT24, ColumnType.LONG, ColumnType.LONGLONG, ColumnType.YEAR}
)


@dataclass(frozen=True)
class PlanColumn:
    """`name` is quoted, `definition` that of the log. `digits` of a FLOAT(M,D): all of them, and behind the point.

    `characters` of a CHAR. `texts`: the character sets of its texts in the log and on the target, where they differ.
    """

    name: str
    definition: ColumnDefinition
    generated: bool = False
    updates_itself: bool = False
    lacks_default: bool = False
    digits: tuple[int, int] | None = None
    characters: int = 0
    texts: tuple[str, str] = ("", "")

    @property
    def is_integer(self) -> bool:
        return self.definition.kind in _INTEGERS


@dataclass(frozen=True)
class TablePlan:
    """`key` are the places of a key's columns, none of which may be NULL; empty if there is no such key.

    `computes` tells what the server computes from rows, "" for nothing. `lacks_default`: it has a column besides that
    gets a value with a warning where none is given.
    """

    table: TableName
    columns: tuple[PlanColumn, ...]
    key: tuple[int, ...]
    computes: str = ""
    lacks_default: bool = False

    @property
    def name(self) -> str:
        return qualified(self.table.schema, self.table.table)


def read_plan(
    connection: Connection, table: TableName, columns: Sequence[ColumnDefinition], names: Sequence[str] = ()
) -> TablePlan:
    """Ask the dictionary of a target; `Unsupported` if statements would not do what rows do there.

    `names` are those of the target's columns, one for each; left out, the columns are in the target's order.
    """
    place = _literal(table.schema), _literal(table.table)
    rows = query(connection, _COLUMNS.format(*place))
    if names:
        by_name = {str(row[0]): row for row in rows}
        rows = [*(by_name.pop(name) for name in names), *by_name.values()]
    if len(rows) < len(columns):
        raise Divergence(
            f"table {table} has {len(columns)} columns in the source's log and {len(rows)} on the target; run there the"
            f" ALTER TABLE that gives it the source's (SHOW CREATE TABLE {table}), then resume the job",
            table=str(table),
        ).because(reason(Cause.DEFINITION, {"table": table}))
    if triggers := triggers_of(connection, table):
        raise with_triggers(table, triggers)
    found = tuple(_column(row, definition) for row, definition in zip(rows, columns, strict=False))
    places = {str(row[0]): number for number, row in enumerate(rows[: len(columns)])}
    computing = Computing().look(connection, table)
    lacking = any(row[4] and not row[1] for row in rows[len(columns) :])
    return TablePlan(table, found, _key(query(connection, _KEYS.format(*place)), places), computing, lacking)


def triggers_of(connection: Connection, table: TableName) -> tuple[str, ...]:
    """Return the names of a table's triggers, which statements set off and events do not."""
    rows = query(connection, _TRIGGERS.format(_literal(table.schema), _literal(table.table)))
    return tuple(str(name) for (name,) in rows)


def left_out(schema: str, trigger: str) -> str:
    """Return what is told of a trigger that the target does not get."""
    return (
        f"the trigger {schema}.{trigger} is not made on the target: rows get there by statements, which would set it"
        " off while what it does on the source comes with the log; udup job cutover makes it, or you when the job has"
        " ended"
    )


def left_out_by(statement: str) -> str:
    """Return what is told of a statement that makes a trigger."""
    return (
        f"this is not run on the target: {statement}: rows get there by statements, which would set the trigger off;"
        " udup job cutover makes it there, or you when the job has ended"
    )


def with_triggers(table: TableName, triggers: Sequence[str]) -> Unsupported:
    """Return the error for rows that would set off triggers, whose own rows the log brings besides."""
    dropped = "; ".join(f"DROP TRIGGER {qualified(table.schema, each)}" for each in triggers)
    return Unsupported(
        f"table {table} has triggers on the target ({', '.join(triggers)}), which would run for each row that is"
        " applied by a statement, while what they did on the source comes with the log. Keep their definitions (SHOW"
        f" CREATE TRIGGER), run on the target: {dropped}; then resume the job: udup job cutover makes there those of"
        " the source, or you when it has ended"
    )


def _column(row: Sequence[object], definition: ColumnDefinition) -> PlanColumn:
    name, generated, updates, column_type, lacks_default, precision, scale, characters = row
    rounded = definition.kind in _REALS and "(" in str(column_type) and isinstance(scale, int)
    return PlanColumn(
        quote(str(name)),
        definition,
        bool(generated),
        bool(updates),
        bool(lacks_default),
        (int(str(precision)), int(str(scale))) if rounded else None,
        int(str(characters)),
    )


def _key(rows: Sequence[Sequence[object]], names: dict[str, int]) -> tuple[int, ...]:
    """Return the first key of which every column is the log's and is never NULL."""
    keys: dict[str, list[tuple[object, object]]] = {}
    for index, column, nullable in rows:
        keys.setdefault(str(index), []).append((column, nullable))
    for parts in keys.values():
        if all(column in names and nullable != "YES" for column, nullable in parts):
            return tuple(names[str(column)] for column, _ in parts)
    return ()


def _literal(text: str) -> str:
    """Return a name as SQL that is read alike in every session."""
    return f"_utf8mb4 x'{text.encode().hex()}'"
