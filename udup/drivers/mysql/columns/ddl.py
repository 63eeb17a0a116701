"""What becomes of the log's definitions of a table with a column map.

The target's table is another one than the source's, so a statement about the one is none about the other. Carried is
what means the same on both: TRUNCATE, DROP, RENAME TABLE. Passed over is what certainly concerns no mapped column: an
ALTER TABLE that does nothing but add columns, or drop, change and modify columns that are not in the map or give
these another default (a row may be logged without what it has by default), and triggers. At everything else the job
stops.
"""

from __future__ import annotations

from udup.drivers.mysql.columns.mapping import folded, told
from udup.drivers.mysql.ddl.alter_action import AlterAction
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.pipeline.selection.selection import Selection

_OF_COLUMNS = frozenset(
    {
        AlterAction.ADD_COLUMN,
        AlterAction.DROP_COLUMN,
        AlterAction.MODIFY_COLUMN,
        AlterAction.CHANGE_COLUMN,
        AlterAction.ALTER_COLUMN,
        AlterAction.NONE,
    }
)

_CARRIED = frozenset({"TRUNCATE TABLE", "DROP TABLE", "RENAME TABLE"})

_BY_HAND = (
    "do on the target what it means there, with its rows if it brings any, pass over the transaction (udup job skip, "
    "as the job's reason says), and "
    "the job goes on; or give the job another ID"
)


def concerns_no_mapped_column(statement: Statement, selection: Selection) -> bool:
    """Return whether a statement of a mapped table is none of the target's table's. It is one of the job's."""
    if not selection.maps_columns:
        return False
    mapped = [table for table in statement.objects if _is_mapped(table, selection)]
    if statement.kind is Kind.TRIGGER_DDL:
        return statement.verb == "CREATE TRIGGER" and bool(mapped)
    if statement.kind is not Kind.TABLE_DDL or statement.verb != "ALTER TABLE" or not mapped:
        return False
    if statement.moves or statement.sources or statement.rewrites or statement.numbers_rows or statement.moves_files:
        return False
    if not statement.actions or not _OF_COLUMNS.issuperset(statement.actions):
        return False
    changed = folded((*statement.changed, *statement.defaults))
    return all(not changed & _names(table, selection) for table in mapped)


def map_problem(statement: Statement, selection: Selection) -> str:
    """Return why a statement cannot be carried for the column maps of its tables; "" if they do not mind."""
    if not selection.maps_columns or statement.kind is not Kind.TABLE_DDL:
        return ""
    for old, new in statement.moves:
        one, other = selection.columns_of(*old), selection.columns_of(*new)
        if one != other and selection.wants(*old):
            return f"{statement.verb} makes {new} of {old}, which has another ColumnMapFrom in the job; {_BY_HAND}"
    mapped = [table for table in statement.objects if _is_mapped(table, selection)]
    if mapped and statement.verb not in _CARRIED:
        columns = " and ".join(told(each) for each in selection.columns_of(*mapped[0]) if each)
        return (
            f"{statement.verb} of {mapped[0]}, of which the target has other columns ({columns}), is not carried; "
            f"{_BY_HAND}"
        )
    if sources := [table for table in statement.sources if _is_mapped(table, selection)]:
        return (
            f"{statement.verb} depends on {sources[0]}, of which the target has other columns, and is not carried; "
            f"{_BY_HAND}"
        )
    return ""


def _is_mapped(table: ObjectName, selection: Selection) -> bool:
    return selection.columns_of(*table) != ((),)


def _names(table: ObjectName, selection: Selection) -> set[str]:
    return folded(name for columns in selection.columns_of(*table) for name, _ in columns)
