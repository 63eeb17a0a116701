"""The column map of a table: which of its columns are carried, in which order, under which names."""

from __future__ import annotations

from collections.abc import Iterable

from udup.base.errors import Unsupported
from udup.pipeline.selection.selection import ColumnNames, Selection


def map_of(selection: Selection, schema: str, table: str) -> ColumnNames:
    """Return a table's column map, () for one that is carried whole. `Unsupported` if there are two."""
    found = selection.columns_of(schema, table)
    if len(found) == 1:
        return found[0]
    shown = " and ".join(told(each) if each else "all of its columns" for each in found)
    raise Unsupported(
        f"{schema}.{table} is chosen by several entries of ReplicateDoDb, for {shown}; write one entry "
        "for it, with one ColumnMapFrom"
    )


def told(columns: ColumnNames) -> str:
    """Return a map for people."""
    return ", ".join(name if name == new else f"{name} as {new}" for name, new in columns)


def folded(names: Iterable[str]) -> set[str]:
    """Return names as they are compared: the case of a column's name does not count."""
    return {name.lower() for name in names}
