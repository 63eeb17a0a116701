"""What a definition may not change while only some rows of a table are in the job.

A row filter says which rows those are by the columns as they are. Where a filter's column goes, or becomes another
type, rows that were left out may belong to the job now, and are not on the target: the job stops before.
"""

from __future__ import annotations

from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.filters.parser import parse
from udup.drivers.mysql.filters.tree import column_names
from udup.pipeline.selection.selection import Selection

_AGAIN = "give the job another ID after it, so that it is copied again by the filter as it is then"


def filter_problem(statement: Statement, selection: Selection) -> str:
    """Return why a statement cannot be carried for the row filters of its tables; "" if they do not mind."""
    if not selection.filters_rows or statement.kind is not Kind.TABLE_DDL:
        return ""
    for old, new in statement.moves:
        one, other = selection.filters_of(*old), selection.filters_of(*new)
        if one != other and selection.wants(*old):
            return f"{statement.verb} makes {new} of {old}, which has another Where in the job; {_AGAIN}"
    for table in statement.objects if statement.verb == "ALTER TABLE" else ():
        for where in selection.filters_of(*table):
            if where and (problem := _problem(statement, table, where)):
                return problem
    return ""


def _problem(statement: Statement, table: ObjectName, where: str) -> str:
    names = {name.casefold() for name in column_names(parse(where))}
    for column in statement.changed:
        if column.casefold() in names:
            return f"{statement.verb} changes {column} of {table}, at which its Where looks ({where}); {_AGAIN}"
    if statement.rewrites:
        changes = f"{statement.verb} … {statement.rewrites} changes which rows of {table} its Where chooses"
        return f"{changes} ({where}); {_AGAIN}"
    if statement.numbers_rows:
        return (
            f"{statement.verb} numbers the rows of {table}, of which the target has those where {where} alone, and "
            f"would give them other numbers; {_AGAIN}"
        )
    return ""
