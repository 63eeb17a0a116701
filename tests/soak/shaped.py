"""Tables of which a job carries some rows, or some columns under other names, in a schema beside the random one.

Their definitions stay. Rows move into the filters and out of them, keys change, and both sides are read and compared as
the job's document says.
"""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import dataclass

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect, query
from udup.sandbox.api import Json

SCHEMA = "soak_shaped"

_COLUMNS = "v INT, text VARCHAR(40), secret VARCHAR(80), price DECIMAL(12, 3), at DATETIME(3)"

#: Rows have one of so many keys, so that they meet.
_KEYS = 300

_WORDS = ("NULL", "''", "'a'", "'A'", "'élan'", "'Elan '", "'zebra'", "'\\\\ \\' %'")


@dataclass(frozen=True)
class Shaped:
    """One table: `where` lets rows pass, `columns` are carried as `names`; empty, all are."""

    name: str
    where: str = ""
    columns: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    key: str = "id INT PRIMARY KEY"

    @property
    def create_sql(self) -> str:
        return f"CREATE TABLE {SCHEMA}.{self.name} ({self.key}, {_COLUMNS})"

    @property
    def entry(self) -> Json:
        entry: Json = {"TableName": self.name}
        if self.where:
            entry["Where"] = self.where
        if self.columns:
            entry |= {"ColumnMapFrom": list(self.columns), "ColumnMapTo": list(self.names)}
        return entry

    def read(self, endpoint: Endpoint, *, is_source: bool) -> list[tuple[object, ...]]:
        """Return the rows that the target is to have, or that it has, in one order."""
        columns = ", ".join((self.columns if is_source else self.names) or ("*",))
        where = f" WHERE {self.where}" if is_source and self.where else ""
        with closing(connect(endpoint)) as connection:
            return sorted(query(connection, f"SELECT {columns} FROM {SCHEMA}.{self.name}{where}"), key=repr)


TABLES = (
    Shaped("some_rows", "v % 3 = 1 OR text LIKE 'e%'"),
    Shaped("rows_without_key", "price >= 50.5 AND text <> 'a'", key="id INT"),
    Shaped("some_columns", "", ("text", "id", "price"), ("words", "number", "price")),
    Shaped("exchanged_names", "", ("id", "text", "secret", "v"), ("id", "secret", "text", "v")),
    Shaped("rows_and_columns", "secret IS NULL OR at < '2020-01-01'", ("id", "v"), ("id", "w")),
)

ENTRY: Json = {"TableSchema": SCHEMA, "Tables": [each.entry for each in TABLES]}


def shaped_statement(dice: random.Random) -> str:
    """Return one change of rows."""
    table, key = f"{SCHEMA}.{dice.choice(TABLES).name}", dice.randint(1, _KEYS)
    values = {
        "v": str(dice.randint(0, 9)),
        "text": dice.choice(_WORDS),
        "secret": dice.choice(("NULL", f"'{dice.getrandbits(60):x}'")),
        "price": f"{dice.randint(0, 100_000) / 1000:.3f}",
        "at": f"'{dice.choice((2019, 2020, 2021))}-01-01 00:00:{dice.randint(0, 59):02d}.125'",
    }
    some = dice.sample(sorted(values), dice.randint(1, 3))
    sets = ", ".join(f"{column} = {values[column]}" for column in some)
    return dice.choice(
        [
            f"REPLACE INTO {table} (id, {', '.join(values)}) VALUES ({key}, {', '.join(values.values())})",
            f"INSERT IGNORE INTO {table} (id, {', '.join(values)}) SELECT id + 1, {', '.join(values)} FROM {table}"
            f" ORDER BY RAND() LIMIT {dice.choice([1, 20])}",
            f"UPDATE {table} SET {sets} WHERE id BETWEEN {key} AND {key + dice.choice([0, 3, 60])}",
            f"UPDATE IGNORE {table} SET id = {dice.randint(1, _KEYS)}, {sets} WHERE id = {key}",
            f"DELETE FROM {table} WHERE id BETWEEN {key} AND {key + dice.choice([0, 5, 30])}",
        ]
    )


def differences(source: Endpoint, target: Endpoint) -> list[str]:
    """Return the tables of which the target has not what the job carries."""
    found = []
    for table in TABLES:
        wanted, there = table.read(source, is_source=True), table.read(target, is_source=False)
        if wanted != there:
            missing = [row for row in wanted if row not in there][:3]
            more = [row for row in there if row not in wanted][:3]
            found.append(f"{table.name}: {len(wanted)} rows wanted, {len(there)} there; missing {missing}, more {more}")
    return found
