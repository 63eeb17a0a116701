"""ReplicateDoDb and ReplicateIgnoreDb: what a job carries and under which names, as a document says it.

Single values are checked by the models, what they mean together by `faults`, so that every fault has its own path.
A name is given exactly or by a regular expression, never both; an empty text is an absent one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from udup.base.errors import Fault
from udup.jobs.document import column_maps, values
from udup.jobs.document.keys import join
from udup.jobs.document.model import Model
from udup.pipeline.selection.patterns import pattern_problem, template_problem
from udup.pipeline.selection.renames import target_problem
from udup.pipeline.selection.schemas import SYSTEM_SCHEMAS, UDUP_SCHEMA
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.pipeline.selection.sqlfilter import FilterWord

#: Keys that only the Src's Config may give: they are read at the source.
SOURCE_KEYS = ("ReplicateDoDb", "ReplicateIgnoreDb", "SqlFilter")


def _name(value: object) -> str:
    text = values.weak_text(value)
    return values.identifier(text) if text else ""


def _schema(value: object) -> str:
    name = _name(value)
    if name.lower() in SYSTEM_SCHEMAS:
        raise values.fault(f"{name!r} belongs to the server itself and is never replicated")
    if name.lower() == UDUP_SCHEMA:
        raise values.fault(f"{name!r} holds Udup's own tables and is never replicated")
    return name


def _pattern(value: object) -> str:
    text = values.weak_text(value)
    if problem := pattern_problem(text):
        raise values.fault(problem)
    return text


def filter_word(value: object) -> FilterWord:
    """In any case, as clients have always been allowed to write it."""
    text = values.weak_text(value)
    for word in FilterWord:
        if word.lower() == text.lower():
            return word
    raise values.fault(f"{values.shown(text)} is no word of SqlFilter", f"known are {', '.join(FilterWord)}")


#: Characters of a row filter at most: it is told in errors, and sent with every chunk of a copy.
WHERE_LENGTH = 4096


def _where(value: object) -> str:
    """A row filter; one that lets every row pass is none."""
    text = values.weak_text(value).strip()
    if len(text) > WHERE_LENGTH:
        raise values.fault(f"is longer than {WHERE_LENGTH} characters")
    return "" if _lets_all_pass(text) else text


def _lets_all_pass(where: str) -> bool:
    """Return whether a Where is none: empty, or `true`, the original's default. `false` lets no row pass."""
    return where.lower() in ("", "true")


def _column(value: object) -> str:
    text = values.plain_text(value)
    if problem := column_maps.name_problem(text):
        raise values.fault(problem, "write a column's name")
    return text


Text = Annotated[str, BeforeValidator(values.weak_text)]


class ReplicatedTable(Model):
    """Tables of a schema, and their name on the target."""

    table_name: Annotated[str, BeforeValidator(_name)] = ""
    """Its name; or else give TableRegex."""
    table_regex: Annotated[str, BeforeValidator(_pattern)] = ""
    """In place of TableName: matches anywhere in a name, 256 characters at most."""
    table_rename: Text = ""
    """Its name on the target; with TableRegex `${1}` and `${name}` are groups of it."""
    where: Annotated[str, BeforeValidator(_where)] = ""
    """Which of its rows: an SQL condition over its columns; absent: all."""

    column_map_from: list[Annotated[str, BeforeValidator(_column)]] = []
    """Which of its columns, in the order that they have on the target; empty: all."""
    column_map_to: list[Annotated[str, BeforeValidator(_column)]] = []
    """Their names on the target, one for each of ColumnMapFrom; empty: their own."""

    def rule(self) -> NameRule:
        columns = column_maps.pairs(self.column_map_from, self.column_map_to)
        return NameRule(self.table_name, self.table_regex, self.table_rename, where=self.where, columns=columns)


class ReplicateDoDb(Model):
    """Schemas, their name on the target, and which of their tables; none means all of them."""

    table_schema: Annotated[str, BeforeValidator(_schema)] = ""
    """Its name; or else give TableSchemaRegex."""
    table_schema_regex: Annotated[str, BeforeValidator(_pattern)] = ""
    """In place of TableSchema: matches anywhere in a name, 256 characters at most."""
    table_schema_rename: Text = ""
    """Its name on the target; with TableSchemaRegex `${1}` and `${name}` are groups of it."""
    tables: list[ReplicatedTable] = []
    """Empty: the whole schema, with its routines and events."""

    def rule(self) -> SchemaRule:
        tables = tuple(each.rule() for each in self.tables)
        return SchemaRule(self.table_schema, self.table_schema_regex, self.table_schema_rename, tables)


def selection_of(do: list[ReplicateDoDb], ignore: list[ReplicateDoDb]) -> Selection:
    return Selection(tuple(each.rule() for each in do), tuple(each.rule() for each in ignore))


def faults(config: object, path: str, *, is_source: bool) -> Iterator[Fault]:
    """What is wrong between the keys of a Config, which has canonical keys."""
    if not isinstance(config, dict):
        return
    if not is_source:
        for key in SOURCE_KEYS[1:]:
            if config.get(key):
                yield Fault(join(path, key), "is read at the source only", "put it into the Src's Config")
        return
    do = list(_entries(config, "ReplicateDoDb", path))
    for schema, where in do:
        yield from _one_name(schema, where, "TableSchema")
        yield from _rename(schema, where, "TableSchema")
        for table, table_where in _entries(schema, "Tables", where):
            yield from _one_name(table, table_where, "TableName")
            yield from _rename(table, table_where, "TableName")
            yield from column_maps.faults(table, table_where)
    yield from _meetings(do)
    yield from _contradictions(do)
    yield from column_maps.contradictions(list(_tables(do)))
    for schema, where in _entries(config, "ReplicateIgnoreDb", path):
        yield from _ignored(schema, where)


def _tables(do: list[tuple[dict[str, Any], str]]) -> Iterator[tuple[str, dict[str, Any], str, bool]]:
    """Schema, entry and path of each table, and of each schema that is chosen whole."""
    for schema, where in do:
        name = _text(schema, "TableSchema")
        if not schema.get("Tables"):
            yield name, {}, where, True
        for table, table_where in _entries(schema, "Tables", where):
            yield name, table, table_where, False


_WHERE_PLACE = "write the condition of the rows that are carried into the table's entry in ReplicateDoDb"


def _ignored(schema: dict[str, Any], where: str) -> Iterator[Fault]:
    yield from _one_name(schema, where, "TableSchema")
    yield from _no_rename(schema, where, "TableSchemaRename")
    for table, table_where in _entries(schema, "Tables", where):
        yield from _one_name(table, table_where, "TableName")
        yield from _no_rename(table, table_where, "TableRename")
        yield from column_maps.ignored(table, table_where)
        if _condition(table):
            yield Fault(join(table_where, "Where"), "has no meaning for what is left out", _WHERE_PLACE)


def _no_rename(entry: dict[str, Any], where: str, key: str) -> Iterator[Fault]:
    if _text(entry, key):
        yield Fault(join(where, key), "has no meaning for what is left out", "remove it")


def _keys(name: str) -> tuple[str, str]:
    """The keys of the regular expression and of the new name that belong to TableSchema or TableName."""
    stem = name.removesuffix("Name")
    return f"{stem}Regex", f"{stem}Rename"


def _one_name(entry: dict[str, Any], where: str, name: str) -> Iterator[Fault]:
    regex, _ = _keys(name)
    if entry.get(name) and entry.get(regex):
        yield Fault(join(where, regex), f"is given together with {name}", "keep one of them")
    elif not entry.get(name) and not entry.get(regex):
        problem = "must not be empty" if name in entry else "is required"
        yield Fault(join(where, name), problem, f"give it, or {regex}")


def _rename(entry: dict[str, Any], where: str, name: str) -> Iterator[Fault]:
    """A new name that can be none, as far as the document alone shows it."""
    regex_key, rename_key = _keys(name)
    rename, regex = _text(entry, rename_key), _text(entry, regex_key)
    if not rename:
        return
    if regex:
        problem = "" if pattern_problem(regex) else template_problem(regex, rename)
    elif "${" in rename:
        problem = f"takes a group, and there is no {regex_key}"
    else:
        problem = target_problem(rename)
        if name == "TableSchema" and rename.lower() in {*SYSTEM_SCHEMAS, UDUP_SCHEMA}:
            problem = f"{rename!r} is not for replicated tables"
    if problem:
        yield Fault(join(where, rename_key), problem, "write another new name (docs/jobs.md, New names)")


def _meetings(do: list[tuple[dict[str, Any], str]]) -> Iterator[Fault]:
    """Exact names of which two would become one, or one two."""
    schemas = _Targets("TableSchema")
    tables: dict[str, _Targets] = {}
    for schema, where in do:
        name = _text(schema, "TableSchema")
        if not name:
            continue
        yield from schemas.add(schema, where)
        for table, table_where in _entries(schema, "Tables", where):
            if _text(table, "TableName"):
                yield from tables.setdefault(name, _Targets("TableName")).add(table, table_where)


def _contradictions(do: list[tuple[dict[str, Any], str]]) -> Iterator[Fault]:
    """Exact names of which one entry takes other rows than another."""
    seen: dict[tuple[str, str], str] = {}
    whole = {_text(schema, "TableSchema") for schema, _ in do if not schema.get("Tables")} - {""}
    for schema, where in do:
        name = _text(schema, "TableSchema")
        for table, table_where in _entries(schema, "Tables", where):
            condition = _condition(table)
            key = (name, _text(table, "TableName"))
            if "" in key:
                continue
            other = "" if name in whole else seen.setdefault(key, condition)
            if other != condition:
                rows = f"the rows where {other}" if other else "all of its rows"
                yield Fault(
                    join(table_where, "Where" if condition else "TableName"),
                    f"another entry takes {rows}",
                    "give a table one entry, with all that is wanted of it in one Where",
                )


def _condition(table: dict[str, Any]) -> str:
    try:
        given = values.weak_text(table.get("Where", "")).strip()
    except PydanticCustomError:
        return ""  # told of the value itself
    return "" if _lets_all_pass(given) else given


class _Targets:
    """The exact names of one level and what they become."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._of_source: dict[str, str] = {}
        self._of_target: dict[str, str] = {}

    def add(self, entry: dict[str, Any], where: str) -> Iterator[Fault]:
        rename_key = _keys(self._key)[1]
        name, rename = _text(entry, self._key), _text(entry, rename_key)
        target = rename or name
        if self._of_source.setdefault(name, target) != target:
            yield Fault(
                join(where, rename_key if rename else self._key),
                f"{name} has the new name {self._of_source[name]} in an entry before",
                "give one new name in all entries",
            )
        elif self._of_target.setdefault(target, name) != name:
            yield Fault(
                join(where, rename_key if rename else self._key),
                f"{self._of_target[target]} and {name} would both be {target} on the target",
                "give one of them another name",
            )


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _entries(config: dict[str, Any], key: str, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    items = config.get(key)
    for place, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield item, f"{join(path, key)}[{place}]"
