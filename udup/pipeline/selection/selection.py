"""Which schemas and tables a job carries (ReplicateDoDb, ReplicateIgnoreDb), and under which names.

A table is in the job if any rule chooses it and no rule of `ignored` does; without rules every user schema is chosen.
The server's own schemas and Udup's are never chosen, whatever a regular expression says. A schema's new name is that
of the first rule that matches it; a table's that of the first table rule that matches it, in the rules of its schema.

A selection may be less others (`without`): what those choose is not in it. A part of a job's tables is said so.

Names are compared as the source server compares them: exactly, or in lower case where it keeps them so (`folds`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

from udup.pipeline.selection.patterns import compiled, expand
from udup.pipeline.selection.schemas import is_user_schema

#: Names of columns on the source, each with the one on the target.
ColumnNames: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class NameRule:
    """Names by an exact name or by a regular expression, and the new name of what it matches ("" for none)."""

    name: str = ""
    regex: str = ""
    rename: str = ""
    #: Of tables: the condition of the rows that are carried, in the source's words; "" for all of them.
    where: str = field(default="", kw_only=True)
    #: Of tables: the columns that are carried, in the target's order, each with its name there; () for all of them.
    columns: ColumnNames = field(default=(), kw_only=True)

    def matches(self, name: str, folds: bool) -> bool:
        if self.regex:
            return compiled(self.regex, folds).search(name) is not None
        return name.lower() == self.name.lower() if folds else name == self.name

    def renamed(self, name: str, folds: bool) -> str:
        """The new name of a name that matches; itself if there is none."""
        if not self.rename:
            return name
        match = compiled(self.regex, folds).search(name) if self.regex else None
        new = expand(self.rename, match) if match else self.rename
        return new.lower() if folds else new


@dataclass(frozen=True)
class SchemaRule(NameRule):
    """Schemas, and which of their tables; no `tables` means all of them."""

    tables: tuple[NameRule, ...] = ()

    def chooses(self, table: str, folds: bool) -> bool:
        return not self.tables or self.first(table, folds) is not None

    def first(self, table: str, folds: bool) -> NameRule | None:
        """Return the first of the tables' rules that matches a name: one of ten thousand is found at once."""
        places, patterns = self._folded if folds else self._exact
        found = places.get(table.lower() if folds else table)
        for place, rule in patterns:
            if found is not None and found < place:
                break
            if rule.matches(table, folds):
                return rule
        return None if found is None else self.tables[found]

    @cached_property
    def _exact(self) -> _Places:
        return _places(self.tables, folds=False)

    @cached_property
    def _folded(self) -> _Places:
        return _places(self.tables, folds=True)

    def __getstate__(self) -> dict[str, object]:
        """Travel without what is made again."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


#: Where the first rule of each exact name stands, and the rules that are regular expressions with their places.
_Places: TypeAlias = tuple[dict[str, int], tuple[tuple[int, NameRule], ...]]


def _places(rules: tuple[NameRule, ...], *, folds: bool) -> _Places:
    names: dict[str, int] = {}
    for place, rule in enumerate(rules):
        if not rule.regex:
            names.setdefault(rule.name.lower() if folds else rule.name, place)
    return names, tuple((place, rule) for place, rule in enumerate(rules) if rule.regex)


@dataclass(frozen=True)
class Place:
    """Something that the job names for certain: a table, or a whole schema ("*"); `whole` if all of it is chosen."""

    schema: str
    table: str
    whole: bool


@dataclass(frozen=True)
class Selection:
    """`rules` choose, `ignored` take away again, and so does each of `less` with all that it chooses."""

    rules: tuple[SchemaRule, ...] = ()
    ignored: tuple[SchemaRule, ...] = ()
    folds: bool = False
    less: tuple[Selection, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[tuple[str, Iterable[str]]]) -> Selection:
        """From (schema, tables) pairs; no tables means the whole schema, no pairs the whole server."""
        return cls(
            tuple(SchemaRule(schema, tables=tuple(NameRule(name) for name in tables)) for schema, tables in entries)
        )

    def folding(self, folds: bool) -> Selection:
        """The same for a server that keeps names in lower case, or does not."""
        return replace(self, folds=folds, less=tuple(each.folding(folds) for each in self.less))

    def without(self, *others: Selection) -> Selection:
        """Return this one less what others choose."""
        return replace(self, less=self.less + tuple(each.folding(self.folds) for each in others))

    def within(self, other: Selection) -> Selection:
        """Return what both choose, as this one names it."""
        return self.without(self.without(other))

    @property
    def digest(self) -> str:
        """The same for equal selections only, however their names are compared."""
        plain = self._plain()
        described: object = plain
        if plain is None and (self.rules or self.ignored or self.less):
            parts: dict[str, object] = {"do": [_described(each) for each in self.rules]}
            parts["ignore"] = [_described(each) for each in self.ignored]
            if self.less:
                parts["less"] = sorted(each.digest for each in self.less)
            described = parts
        return hashlib.sha256(json.dumps(described).encode()).hexdigest()

    def _plain(self) -> list[tuple[str, list[str]]] | None:
        """What exact names alone choose; None for the whole server, and where there is more than exact names."""
        chosen: dict[str, frozenset[str] | None] = {}
        if self.ignored or self.less:
            return None
        for rule in self.rules:
            if any(each.regex or each.rename or each.where or each.columns for each in (rule, *rule.tables)):
                return None
            names = frozenset(each.name for each in rule.tables)
            before = chosen.get(rule.name, frozenset())
            chosen[rule.name] = before | names if names and before is not None else None
        return sorted((name, sorted(tables or ())) for name, tables in chosen.items()) or None

    @property
    def is_open(self) -> bool:
        """Whether its schemas are not known by their names: the whole server, or a regular expression for schemas."""
        return not self.rules or any(rule.regex for rule in self.rules)

    def places(self, *, renamed: bool = False) -> Iterator[Place]:
        """What is named for certain, under its own name or the new one; a table's regular expression is its schema."""
        for rule in self.rules:
            if rule.regex:
                continue
            schema = self._stored(rule, renamed)
            if any(each.wants_whole_schema(rule.name) for each in self.less):
                continue
            if not rule.tables or any(each.regex for each in rule.tables):
                yield Place(schema, "*", whole=not rule.tables)
                continue
            for table in rule.tables:
                if any(each.wants(rule.name, table.name) for each in self.less):
                    continue
                yield Place(schema, self._stored(table, renamed), whole=False)

    def _stored(self, rule: NameRule, renamed: bool) -> str:
        """A name as its server keeps it."""
        name = (renamed and rule.rename) or rule.name
        return name.lower() if self.folds else name

    @cached_property
    def _known(self) -> dict[tuple[str, str], bool]:
        """Answers about schemas. Those of selections in each other would double with each of them."""
        return {}

    def wants_schema(self, schema: str) -> bool:
        """Whether at least a part of the schema may be in the job."""
        key = ("part", schema)
        if key not in self._known:
            self._known[key] = self._wants_schema(schema)
        return self._known[key]

    def _wants_schema(self, schema: str) -> bool:
        if not is_user_schema(schema):
            return False
        if any(not each.tables and each.matches(schema, self.folds) for each in self.ignored):
            return False
        if any(each.wants_whole_schema(schema) for each in self.less):
            return False
        return not self.rules or any(each.matches(schema, self.folds) for each in self.rules)

    def wants_stored(self, schema: str) -> bool:
        """Whether everything in the schema is chosen, be it less single tables: then its routines and events are."""
        if not self.wants_schema(schema) or any(each.wants_stored(schema) for each in self.less):
            return False
        return not self.rules or any(not each.tables for each in self._rules_of(schema))

    def wants_whole_schema(self, schema: str) -> bool:
        """Whether everything in the schema is in the job, so that its end is too."""
        key = ("whole", schema)
        if key not in self._known:
            parts = (
                *(each.matches(schema, self.folds) for each in self.ignored),
                *(each.wants_schema(schema) for each in self.less),
            )
            self._known[key] = self.wants_stored(schema) and not any(parts)
        return self._known[key]

    def wants(self, schema: str, table: str) -> bool:
        if not self.wants_schema(schema):
            return False
        if any(each.matches(schema, self.folds) and each.chooses(table, self.folds) for each in self.ignored):
            return False
        if any(each.wants(schema, table) for each in self.less):
            return False
        return not self.rules or any(each.chooses(table, self.folds) for each in self._rules_of(schema))

    def wants_named(self, name: str) -> bool:
        """Whether this `schema.table`, each of which may have dots of its own, may be a table of the job."""
        parts = name.split(".")
        names = [(".".join(parts[:at]), ".".join(parts[at:])) for at in range(1, len(parts))]
        return any(schema and table and self.wants(schema, table) for schema, table in names)

    def _rules_of(self, schema: str) -> list[SchemaRule]:
        return [each for each in self.rules if each.matches(schema, self.folds)]

    @cached_property
    def filters_rows(self) -> bool:
        """Whether of any table only some rows are in the job."""
        return any(table.where for rule in self.rules for table in rule.tables)

    def filters_of(self, schema: str, table: str) -> tuple[str, ...]:
        """The conditions of a table's rows, one of each rule that chooses it; "" of one that takes all rows.

        More than one is a contradiction, which a start refuses.
        """
        if not self.filters_rows or not self.wants(schema, table):
            return ("",)
        found: dict[str, None] = {}
        for rule in self._rules_of(schema):
            if not rule.tables:
                found[""] = None
            for each in rule.tables:
                if each.matches(table, self.folds):
                    found[each.where] = None
        return tuple(found)

    @cached_property
    def maps_columns(self) -> bool:
        """Whether of any table only some columns are in the job, or under other names."""
        return any(table.columns for rule in self.rules for table in rule.tables)

    def columns_of(self, schema: str, table: str) -> tuple[ColumnNames, ...]:
        """The columns of a table that are carried, as each rule that chooses it says; () of one that takes all.

        More than one is a contradiction, which a start refuses.
        """
        if not self.maps_columns or not self.wants(schema, table):
            return ((),)
        found: dict[ColumnNames, None] = {}
        for rule in self._rules_of(schema):
            if not rule.tables:
                found[()] = None
            for each in rule.tables:
                if each.matches(table, self.folds):
                    found[each.columns] = None
        return tuple(found)

    def brings_triggers_of(self, schema: str, table: str) -> bool:
        """Return whether the target gets a table's triggers: not those of a column map, whose columns are others."""
        return self.wants(schema, table) and self.columns_of(schema, table) == ((),)

    @cached_property
    def renames(self) -> bool:
        """Whether anything has another name on the target."""
        return any(each.rename for rule in self.rules for each in (rule, *rule.tables))

    def renamed_schema(self, schema: str) -> str:
        """The target's name of a schema; its own if it is not in the job."""
        if not self.renames or not self.wants_schema(schema):
            return schema
        return next(each.renamed(schema, self.folds) for each in self._rules_of(schema))

    def renamed_table(self, schema: str, table: str) -> tuple[str, str]:
        """The target's schema and name of a table or view; its own if it is not in the job."""
        if not self.renames or not self.wants(schema, table):
            return schema, table
        found = (rule.first(table, self.folds) for rule in self._rules_of(schema))
        rule = next((each for each in found if each is not None), None)
        return self.renamed_schema(schema), table if rule is None else rule.renamed(table, self.folds)

    def source_of(self, schema: str, table: str) -> tuple[str, str] | None:
        """Return the name on the source of a table of the target; None where no exact rule tells it."""
        if not self.renames:
            return schema, table
        named = ((rule, each) for rule in self.rules for each in (*rule.tables, None))
        found = [(rule.name or schema, (each and each.name) or table) for rule, each in named]
        wanted = (schema, table) if not self.folds else (schema.lower(), table.lower())
        for name in (*found, (schema, table)):
            if self.wants(*name) and self.renamed_table(*name) == wanted:
                return name
        return None


def _described(rule: SchemaRule) -> list[object]:
    tables = [[each.name, each.regex, each.rename, *_parts(each)] for each in rule.tables]
    return [rule.name, rule.regex, rule.rename, tables]


def _parts(rule: NameRule) -> list[object]:
    """What of a table is carried, if that is not all of it."""
    if rule.columns:
        return [rule.where, [list(pair) for pair in rule.columns]]
    return [rule.where] if rule.where else []
