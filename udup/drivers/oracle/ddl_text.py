"""The statement of MySQL's that a definition of Oracle's becomes."""

from __future__ import annotations

from udup.drivers.oracle.ddl import Action, Ddl
from udup.drivers.oracle.tables import MappedTable, OracleTable
from udup.pipeline.selection.renames import Name


def statement_of(ddl: Ddl, name: Name, new_name: Name | None, created: MappedTable | None) -> str:
    """Return the statement for a table by its name on the target.

    `new_name` is that of a RENAME, `created` the table of a CREATE. Raise `NoFit` for a column that cannot be carried.
    """
    table = _qualified(name)
    match ddl.action:
        case Action.ADD:
            added = MappedTable(OracleTable(ddl.owner, ddl.table, ddl.columns))
            listed = ", ".join(f"ADD COLUMN {added.column_sql(column.name)}" for column in ddl.columns)
            return f"ALTER TABLE {table} {listed}"
        case Action.DROP:
            return f"ALTER TABLE {table} {', '.join(f'DROP COLUMN {_quote(column)}' for column in ddl.names)}"
        case Action.RENAME_COLUMN:
            old, new = ddl.names
            return f"ALTER TABLE {table} RENAME COLUMN {_quote(old)} TO {_quote(new)}"
        case Action.RENAME if new_name is not None:
            return f"RENAME TABLE {table} TO {_qualified(new_name)}"
        case Action.TRUNCATE:
            return f"TRUNCATE TABLE {table}"
        case Action.DROP_TABLE:
            return f"DROP TABLE {table}"
        case Action.CREATE if created is not None:
            return created.create_sql(name[1]).replace(_quote(name[1]), table, 1)
    raise ValueError(f"{ddl.action} has no statement")


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _qualified(name: Name) -> str:
    return ".".join(map(_quote, name))
