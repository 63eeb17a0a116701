"""Foreign keys by which rows change with others', of tables that are on the target already.

What CASCADE and SET NULL change is not in the log of every source. There the target's keys have to do the same; and one
that the target has alone takes away rows that the source keeps. RESTRICT and NO ACTION change nothing: a target that
has such a key alone refuses a row, and the job stops.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.later_keys import FOREIGN_KEY, NAME, unquoted
from udup.drivers.mysql.load.create_table import split_definition

Name = tuple[str, str]

_EACH = re.compile(NAME)
_RULE = re.compile(r"ON (DELETE|UPDATE) (CASCADE|SET NULL|SET DEFAULT|RESTRICT|NO ACTION)")

#: What changes rows of the child.
_ACTIONS = frozenset({"CASCADE", "SET NULL"})

#: Schemas named in one statement.
_AT_A_TIME = 500

_SQL = """
SELECT r.CONSTRAINT_SCHEMA, r.TABLE_NAME, r.CONSTRAINT_NAME, k.COLUMN_NAME, k.REFERENCED_TABLE_SCHEMA,
       k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME, r.DELETE_RULE, r.UPDATE_RULE
FROM information_schema.REFERENTIAL_CONSTRAINTS r JOIN information_schema.KEY_COLUMN_USAGE k
  ON k.CONSTRAINT_SCHEMA = r.CONSTRAINT_SCHEMA AND k.TABLE_NAME = r.TABLE_NAME
  AND k.CONSTRAINT_NAME = r.CONSTRAINT_NAME AND k.REFERENCED_TABLE_NAME IS NOT NULL
WHERE (r.DELETE_RULE IN ('CASCADE', 'SET NULL') OR r.UPDATE_RULE IN ('CASCADE', 'SET NULL'))
  AND (r.CONSTRAINT_SCHEMA IN ({0}) OR r.UNIQUE_CONSTRAINT_SCHEMA IN ({0}))
ORDER BY 1, 2, 3, k.ORDINAL_POSITION
"""


@dataclass(frozen=True)
class ActingKey:
    """A foreign key with CASCADE or SET NULL; another name is no other key, nor is the order of its pairs."""

    name: str
    child: Name
    parent: Name
    pairs: tuple[tuple[str, str], ...]
    on_delete: str = ""
    on_update: str = ""

    @property
    def meaning(self) -> tuple[object, ...]:
        """Return what is equal for two keys that do the same."""
        pairs = frozenset((mine.lower(), other.lower()) for mine, other in self.pairs)
        return self.child, self.parent, pairs, _action(self.on_delete), _action(self.on_update)

    @property
    def add(self) -> str:
        """Return the statement that makes it."""
        columns, others = (", ".join(quote(each[at]) for each in self.pairs) for at in (0, 1))
        rules = f"{self._rule('DELETE', self.on_delete)}{self._rule('UPDATE', self.on_update)}"
        return (
            f"ALTER TABLE {qualified(*self.child)} ADD CONSTRAINT {quote(self.name)} FOREIGN KEY ({columns})"
            f" REFERENCES {qualified(*self.parent)} ({others}){rules}"
        )

    @staticmethod
    def _rule(of: str, action: str) -> str:
        return f" ON {of} {action}" if _action(action) else ""

    @property
    def drop(self) -> str:
        """Return the statement that takes it away."""
        return f"ALTER TABLE {qualified(*self.child)} DROP FOREIGN KEY {quote(self.name)}"

    def __str__(self) -> str:
        rules = self._rule("DELETE", self.on_delete) + self._rule("UPDATE", self.on_update)
        return f"{quote(self.name)} of {qualified(*self.child)} to {qualified(*self.parent)},{rules}"


def _action(rule: str) -> str:
    return rule if rule in _ACTIONS else ""


def keys_of(table: Table) -> Iterator[ActingKey]:
    """Yield those of a table of a copy, as its definition says them."""
    items = split_definition(table)[0] if "FOREIGN KEY" in table.create_sql else []
    for found in filter(None, map(FOREIGN_KEY.match, items)):
        rules = dict(_RULE.findall(found["rules"]))
        if _ACTIONS.isdisjoint(rules.values()):
            continue
        mine, others = (_EACH.findall(found[part]) for part in ("columns", "others"))
        yield ActingKey(
            unquoted(found["name"]),
            (table.schema, table.name),
            (unquoted(found["schema"]) if found["schema"] else table.schema, unquoted(found["parent"])),
            tuple(zip(map(unquoted, mine), map(unquoted, others), strict=True)),
            rules.get("DELETE", ""),
            rules.get("UPDATE", ""),
        )


def read_keys(connection: Connection, tables: Iterable[Name]) -> list[ActingKey]:
    """Return those of a server in whose schemas these tables are; the account sees keys of tables that it may use."""
    schemas = sorted({schema for schema, _ in tables})
    found: dict[tuple[str, str, str], ActingKey] = {}
    for at in range(0, len(schemas), _AT_A_TIME):
        some = schemas[at : at + _AT_A_TIME]
        sql = _SQL.format(", ".join(["%s"] * len(some)))
        rows: dict[tuple[str, str, str], list[tuple[str, ...]]] = {}
        for schema, table, name, *rest in query(connection, sql, *some, *some):
            rows.setdefault((str(schema), str(table), str(name)), []).append(tuple(map(str, rest)))
        for (schema, table, name), parts in rows.items():
            pairs = tuple((column, other) for column, _, _, other, _, _ in parts)
            _, parent_schema, parent, _, on_delete, on_update = parts[0]
            key = ActingKey(name, (schema, table), (parent_schema, parent), pairs, on_delete, on_update)
            found[schema, table, name] = key
    return list(found.values())


def missing_keys(ours: Iterable[ActingKey], theirs: Iterable[ActingKey]) -> list[ActingKey]:
    """Return those of the source of which the target does not have the like."""
    there = {key.meaning for key in theirs}
    return [key for key in ours if key.meaning not in there]


def foreign_keys(ours: Iterable[ActingKey], theirs: Iterable[ActingKey], filled: Collection[Name]) -> list[ActingKey]:
    """Return those of the target whose parent is filled and that the source does not have."""
    own = {key.meaning for key in ours}
    return [key for key in theirs if key.parent in filled and key.meaning not in own]
