"""Random tables, and the changes that their definitions go through. The one model of them that the writers share.

A writer holds a table's lock shared for the time of a transaction only by luck: definitions change under its feet, as
in life. What the server then refuses (an unknown column, a table that is gone) is no fault.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

from tests.soak.columns import Kind, key_kind, random_kind
from udup.drivers.mysql.client.names import quote

#: Tables at the beginning, and the bounds that DDL keeps to.
TABLES, FEWEST, MOST = 8, 4, 14

#: Columns of a table at most: rows must fit the server's limit of 65,535 bytes.
MOST_COLUMNS = 14

_OPTIONS = ["", "", "", "ROW_FORMAT=COMPRESSED", "DEFAULT CHARSET=latin1", "COMMENT='a \\'quoted\\' word'"]


@dataclass
class Table:
    """`columns` by name; `key` names those of the primary key, empty for a table without one."""

    name: str
    columns: dict[str, Kind]
    key: tuple[str, ...]
    auto: bool = False
    generated: list[str] = field(default_factory=list)

    def create_sql(self, dice: random.Random) -> str:
        parts = ["id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY"] if self.auto else []
        for name, kind in self.columns.items():
            null = "NOT NULL" if name in self.key else ""
            parts.append(f"{quote(name)} {kind.declared} {null}")
        parts += self.generated
        if self.key:
            parts.append(f"PRIMARY KEY ({', '.join(quote(name) for name in self.key)})")
        for number, (name, kind) in enumerate(self.columns.items()):
            if kind.key_part and name not in self.key and dice.random() < 0.25:
                parts.append(f"KEY k{number} ({kind.key_part.format(quote(name))})")
        return f"CREATE TABLE {quote(self.name)} ({', '.join(parts)}) {dice.choice(_OPTIONS)}"


class Model:
    """The tables of the schema, as far as one knows."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._lock = threading.Lock()
        self._number = 0
        self.tables: dict[str, Table] = {}

    def new_table(self) -> Table:
        dice = self._dice
        self._number += 1
        columns = {f"c{place}": random_kind(dice) for place in range(dice.randint(1, 8))}
        style = dice.random()
        key: tuple[str, ...] = ()
        if style < 0.5:
            names = [f"p{place}" for place in range(dice.choice([1, 1, 2]))]
            columns = {name: key_kind(dice) for name in names} | columns
            key = tuple(names)
        generated = []
        if dice.random() < 0.3:
            generated.append(f"g int GENERATED ALWAYS AS (LENGTH(c0)) {dice.choice(['STORED', 'VIRTUAL'])}")
        return Table(f"t{self._number}", columns, key, auto=0.5 <= style < 0.8, generated=generated)

    def pick(self, dice: random.Random) -> Table | None:
        with self._lock:
            return dice.choice(list(self.tables.values())) if self.tables else None

    def put(self, table: Table) -> None:
        with self._lock:
            self.tables[table.name] = table

    def drop(self, name: str) -> None:
        with self._lock:
            self.tables.pop(name, None)


def change(model: Model, dice: random.Random) -> tuple[str, Table | None, Table | None]:
    """A statement that changes a definition, the table that it takes away and the one that it leaves, if any."""
    table = model.pick(dice)
    if table is None or (len(model.tables) < MOST and dice.random() < 0.15):
        made = model.new_table()
        return made.create_sql(dice), None, made
    name, columns = quote(table.name), dict(table.columns)
    others = [column for column in columns if column not in table.key and column != "c0"]
    match dice.choice(["add", "add", "drop", "modify", "rename column", "index", "rename", "truncate", "gone", "move"]):
        case "add" if len(columns) < MOST_COLUMNS:
            new, kind = f"a{dice.getrandbits(40):x}", random_kind(dice)
            where = dice.choice(["", "", "FIRST", f"AFTER {quote(dice.choice(list(columns)))}"])
            columns[new] = kind
            return _altered(table, columns, f"ADD COLUMN {quote(new)} {kind.declared} {where}")
        case "drop" if others:
            gone = dice.choice(others)
            del columns[gone]
            return _altered(table, columns, f"DROP COLUMN {quote(gone)}")
        case "rename column" if others:
            old, new = dice.choice(others), f"r{dice.getrandbits(40):x}"
            columns = {new if column == old else column: kind for column, kind in columns.items()}
            return _altered(table, columns, f"RENAME COLUMN {quote(old)} TO {quote(new)}")
        case "move" if others:
            moved = dice.choice(others)
            return _altered(table, columns, f"MODIFY COLUMN {quote(moved)} {columns[moved].declared} FIRST")
        case "index":
            keyed = [column for column in columns if columns[column].key_part]
            if keyed:
                column = dice.choice(keyed)
                part = columns[column].key_part.format(quote(column))
                return _altered(table, columns, f"ADD INDEX i{dice.getrandbits(40):x} ({part})")
        case "rename":
            renamed = Table(f"n{dice.getrandbits(40):x}", columns, table.key, table.auto, table.generated)
            return f"RENAME TABLE {name} TO {quote(renamed.name)}", table, renamed
        case "truncate":
            return f"TRUNCATE TABLE {name}", table, table
        case "gone" if len(model.tables) > FEWEST:
            return f"DROP TABLE {name}", table, None
    return f"ALTER TABLE {name} COMMENT = 'touched {dice.getrandbits(20)}'", table, table


def _altered(table: Table, columns: dict[str, Kind], action: str) -> tuple[str, Table, Table]:
    changed = Table(table.name, columns, table.key, table.auto, table.generated)
    return f"ALTER TABLE {quote(table.name)} {action}", table, changed
