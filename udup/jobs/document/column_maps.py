"""ColumnMapFrom and ColumnMapTo: which columns of a table are carried, in which order, under which names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from udup.base.errors import Fault
from udup.jobs.document.keys import join
from udup.pipeline.selection.selection import ColumnNames

FROM, TO = "ColumnMapFrom", "ColumnMapTo"

#: The longest name of a column, in characters.
_LENGTH = 64


def pairs(columns: Sequence[str], names: Sequence[str]) -> ColumnNames:
    """Return each column with its name on the target."""
    return tuple(zip(columns, names or columns, strict=False))


def name_problem(name: str) -> str:
    """Return why this is no column's name, "" if it is one."""
    if not name:
        return "must not be empty"
    if len(name) > _LENGTH:
        return f"is longer than MySQL's {_LENGTH} characters"
    return f"{name!r} is no name of a column" if name.endswith(" ") or "\0" in name else ""


def faults(table: dict[str, Any], where: str) -> Iterator[Fault]:
    """Return what is wrong between the two keys of a table's entry."""
    columns, names = _list(table, FROM), _list(table, TO)
    if names and not columns:
        yield Fault(join(where, TO), f"is given without {FROM}", f"name the source's columns in {FROM}, in this order")
    elif names and len(names) != len(columns):
        yield Fault(
            join(where, TO),
            f"has {len(names)} names, and {FROM} has {len(columns)} columns",
            f"give each column of {FROM} one name, or leave {TO} out",
        )
    for key, listed in ((FROM, columns), (TO, names)):
        seen: set[str] = set()
        for name in listed:
            if name.casefold() in seen:
                yield Fault(join(where, key), f"names {name} twice", "name each column once; case does not count")
            seen.add(name.casefold())


def ignored(table: dict[str, Any], where: str) -> Iterator[Fault]:
    """Return the faults of the keys where they have no meaning."""
    for key in (FROM, TO):
        if _list(table, key):
            yield Fault(
                join(where, key),
                "has no meaning for what is left out",
                "write it into the table's entry in ReplicateDoDb",
            )


def contradictions(entries: Sequence[tuple[str, dict[str, Any], str, bool]]) -> Iterator[Fault]:
    """Return the faults of exact names of which two entries take other columns.

    An entry is its schema, its table's own, its path, and whether it takes the whole schema.
    """
    wholes = {schema for schema, _, _, whole in entries if whole and schema}
    seen: dict[tuple[str, str], ColumnNames] = {}
    for schema, table, where, whole in entries:
        name = table.get("TableName")
        if whole or not schema or not isinstance(name, str) or not name:
            continue
        own = pairs(_list(table, FROM), _list(table, TO))
        other = () if schema in wholes else seen.setdefault((schema, name), own)
        if own != other:
            yield Fault(
                join(where, FROM if own else "TableName"),
                f"another entry takes {'other columns' if other else 'all columns'} of {schema}.{name}",
                "give a table one entry",
            )


def _list(table: dict[str, Any], key: str) -> list[str]:
    value = table.get(key)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
