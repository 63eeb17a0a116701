"""The definitions of a full copy for tables with a column map: what a target's table has when it has these columns.

A key, an index, a CHECK comes along if all of its columns do, under their new names; what does not is told. Foreign
keys do not come: the rows are those of the source, which has checked them. Triggers do not either: their bodies know
the source's columns. Everything is cut out of the server's own text (SHOW CREATE TABLE) and put together again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from udup.base.errors import Unsupported
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.dictionary.catalog import Catalog, Table
from udup.drivers.mysql.load.create_table import split_definition

#: Names and strings of a definition.
_TOKEN = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_NAME = r"`(?:[^`]|``)*`"

_COLUMN = re.compile(_NAME)
_KEY = re.compile(rf"(?:(?:UNIQUE |FULLTEXT |SPATIAL )?KEY {_NAME}|PRIMARY KEY) ")
_CONSTRAINT = re.compile(rf"CONSTRAINT {_NAME} (?P<kind>FOREIGN KEY|CHECK) ")
_PARTITIONED = re.compile(r"PARTITION BY ")

_THERE = "the table on the target as it is to be, and set SkipCreateDbTable in the Dest's Config"


def mapped_catalog(catalog: Catalog) -> Catalog:
    """Return the catalog with tables of the mapped columns alone; what cannot be made is a table's `problem`."""
    mapped = {(table.schema, table.name): table for table in catalog.tables if table.mapped}
    if not mapped:
        return catalog
    triggers = [each for each in catalog.objects if each.kind == "TRIGGER" and (each.schema, each.table) in mapped]
    tables = []
    for table in catalog.tables:
        if table.mapped:
            own = [each.name for each in triggers if (each.schema, each.table) == (table.schema, table.name)]
            table = _mapped(table, [f"the trigger {name}" for name in own])
        tables.append(table)
    objects = tuple(each for each in catalog.objects if each not in triggers)
    return replace(catalog, tables=tuple(tables), objects=objects)


def _mapped(table: Table, left_out: list[str]) -> Table:
    new = dict(table.mapped)
    columns = tuple(replace(column, name=new[column.name]) for column in table.columns)
    made = replace(table, columns=columns, key=tuple(new.get(name, name) for name in table.key))
    try:
        create_sql = _create_sql(table, new, left_out)
    except Unsupported as error:
        return replace(made, problem=str(error))
    return replace(made, create_sql=create_sql, left_out=tuple(left_out))


def _create_sql(table: Table, new: Mapping[str, str], left_out: list[str]) -> str:
    """Return the CREATE TABLE of the mapped columns; note what it does not have."""
    items, options = split_definition(table)
    own = {_unquoted(found.group()): item for item in items if (found := _COLUMN.match(item))}
    names = {name.lower(): name for name in own}
    columns = [_column(table, own[column.name], new, names) for column in table.columns]
    others = []
    for item in items:
        if _COLUMN.match(item):
            continue
        if _CONSTRAINT.match(item) and _CONSTRAINT.match(item)["kind"] == "FOREIGN KEY":  # type: ignore[index]
            left_out.append(f"the foreign key {_first_name(item)}")
        elif (made := _renamed(item, new, names, _front(item))) is None:
            left_out.append(f"{_called(item)}, of which not all columns are in the map")
        else:
            others.append(made)
    _check_counter(table, columns, others)
    options = _options(table, options, new, names)
    return f"CREATE TABLE {quote(table.name)} (\n  " + ",\n  ".join([*columns, *others]) + f"\n){options}"


def _column(table: Table, item: str, new: Mapping[str, str], names: Mapping[str, str]) -> str:
    """Return a column's line under its new name; a default may be an expression of other columns."""
    made = _renamed(item, new, names, 0)
    if made is None:
        raise Unsupported(
            f"{table.schema}.{table.name}: the default of {_first_name(item)} looks at columns that are not in the "
            f"map; make {_THERE}"
        )
    return made


def _renamed(text: str, new: Mapping[str, str], names: Mapping[str, str], start: int) -> str | None:
    """Return a text with the new names of columns behind `start`, None if one of them is not in the map."""
    made, at = [], 0
    for token in _TOKEN.finditer(text, start):
        if not token.group().startswith("`"):
            continue
        name = names.get(_unquoted(token.group()).lower())
        if name is None:
            continue  # no column's
        if name not in new:
            return None
        made += [text[at : token.start()], quote(new[name])]
        at = token.end()
    return "".join(made) + text[at:]


def _front(item: str) -> int:
    """Return where the name of a key or constraint ends, behind which its columns stand."""
    found = _KEY.match(item) or _CONSTRAINT.match(item)
    return found.end() if found else 0


def _options(table: Table, options: str, new: Mapping[str, str], names: Mapping[str, str]) -> str:
    partitioned = _PARTITIONED.search(_TOKEN.sub(lambda found: "x" * len(found.group()), options))
    if partitioned is None:
        return options
    made = _renamed(options, new, names, partitioned.start())
    if made is None:
        raise Unsupported(
            f"{table.schema}.{table.name} is partitioned by columns that are not in its map; make {_THERE}"
        )
    return made


def _check_counter(table: Table, columns: list[str], others: list[str]) -> None:
    """An AUTO_INCREMENT column must be the first of a key."""
    for item in columns:
        name = _COLUMN.match(item)
        if name is None or not re.search(r" AUTO_INCREMENT\b", _TOKEN.sub("x", item)):
            continue
        if not any(_KEY.match(each) and each[_front(each) :].startswith(f"({name.group()}") for each in others):
            raise Unsupported(
                f"{table.schema}.{table.name}: no key of the mapped columns begins with {name.group()}, which is "
                f"AUTO_INCREMENT; make {_THERE}"
            )


def _called(item: str) -> str:
    """Return what a line of a definition makes, for people."""
    if item.startswith("PRIMARY KEY"):
        return "the primary key"
    kind = "the constraint" if item.startswith("CONSTRAINT") else "the index"
    return f"{kind} {_first_name(item)}"


def _first_name(item: str) -> str:
    found = re.search(_NAME, item)
    return _unquoted(found.group()) if found else ""


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`")
