"""Foreign keys that are made later: between tables of a job that stand apart for a while (`jobs/growth.py`).

They only check. What CASCADE and SET NULL do cannot wait: such a key is refused (`checks/parts.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.dictionary.catalog import Table

Name = tuple[str, str]

NAME = r"`(?:[^`]|``)*`"
_LIST = rf"\({NAME}(?:, ?{NAME})*\)"

#: A foreign key as SHOW CREATE TABLE prints it.
FOREIGN_KEY = re.compile(
    rf"CONSTRAINT (?P<name>{NAME}) FOREIGN KEY (?P<columns>{_LIST})"
    rf" REFERENCES (?:(?P<schema>{NAME})\.)?(?P<parent>{NAME}) (?P<others>{_LIST})(?P<rules>.*)",
    re.DOTALL,
)

#: What changes rows of the child.
_ACTS = re.compile(r"ON (?:DELETE|UPDATE) (?:CASCADE|SET NULL|SET DEFAULT)")

#: How a server names a key that its maker has not named.
_GENERATED = "_ibfk_"


class LaterKey(msgspec.Struct, frozen=True, array_like=True):
    """One, under the target's names; `columns` and `others` are lists of the child's and the parent's, in SQL."""

    schema: str
    table: str
    name: str
    columns: str
    parent_schema: str
    parent: str
    others: str
    rules: str = ""

    @property
    def child(self) -> Name:
        return self.schema, self.table

    @property
    def of(self) -> Name:
        return self.parent_schema, self.parent

    @property
    def acts(self) -> bool:
        """Return whether it changes rows of the child."""
        return bool(_ACTS.search(self.rules))

    @property
    def add(self) -> str:
        """Return the statement that makes it."""
        return (
            f"ALTER TABLE {qualified(*self.child)} ADD CONSTRAINT {quote(self.name)} FOREIGN KEY {self.columns}"
            f" REFERENCES {qualified(*self.of)} {self.others}{self.rules}"
        )

    @property
    def drop(self) -> str:
        return f"ALTER TABLE {qualified(*self.child)} DROP FOREIGN KEY {quote(self.name)}"

    def __str__(self) -> str:
        return f"foreign key {self.name} of {self.schema}.{self.table} to {self.parent_schema}.{self.parent}"

    def moved(self, moves: Mapping[Name, Name]) -> LaterKey:
        """Return it as it is when tables have got other names; a generated name follows its table's."""
        child, of = moves.get(self.child, self.child), moves.get(self.of, self.of)
        name = self.name
        if child[1] != self.table and name.startswith(self.table + _GENERATED):
            name = child[1] + name[len(self.table) :]
        return LaterKey(*child, name, self.columns, *of, self.others, self.rules)


def key_of(item: str, schema: str, table: str) -> LaterKey | None:
    """Return the foreign key that an item of a table's definition is, None if it is none."""
    found = FOREIGN_KEY.match(item)
    if found is None:
        return None
    parent = unquoted(found["schema"]) if found["schema"] else schema, unquoted(found["parent"])
    return LaterKey(
        schema, table, unquoted(found["name"]), found["columns"], *parent, found["others"], found["rules"].rstrip()
    )


def unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`")


def without(table: Table, items: Sequence[str], options: str, names: Iterable[str]) -> Table:
    """Return a table whose definition lacks these foreign keys; `items` and `options` are what it consists of."""
    gone = set(names)
    left = [each for each in items if (key := key_of(each, table.schema, table.name)) is None or key.name not in gone]
    text = f"CREATE TABLE {quote(table.name)} (\n  " + ",\n  ".join(left) + f"\n){options}"
    return replace(table, create_sql=text)


def keys_of(table: Table, items: Sequence[str]) -> Iterator[LaterKey]:
    yield from filter(None, (key_of(each, table.schema, table.name) for each in items))
