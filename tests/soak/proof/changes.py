"""Changes made on the target alone, and what a comparison is to say of each: every kind that is easily overlooked."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.soak.proof.tables import KEPT, KINDS, NEW, OLD, SCHEMA
from udup.drivers.mysql.client.connection import Connection, query

#: Table, key, kind, and how often, as a comparison tells them.
Expected = tuple[str, str, str, int]

#: A value of the table `odd` that looks like what is there, by its column.
LOOKALIKES = (
    ("s", "''"),
    ("s", "NULL"),
    ("s", "'a '"),
    ("s", "'A'"),
    ("s", "'á'"),
    ("p", "'a '"),
    ("p", "'A'"),
    ("p", "'ä'"),
    ("t", "''"),
    ("t", "'NULL'"),
    ("d", "-0e0"),
    ("d", "2.3e-308"),
    ("f", "0.10000001"),
    ("f", "0.1000001"),
    ("j", "'{\"a\": 1.0}'"),
    ("j", '\'{"a": "1"}\''),
    ("j", "'{\"a\": true}'"),
    ("j", "'null'"),
    ("j", "NULL"),
    ("m", "1.500001"),
    ("at", "'2026-01-01 00:00:00.000001'"),
    ("b", "b'100000001'"),
)

#: Tables of (id, v, n), by their names on the target.
_ALIKE = {
    f"{SCHEMA}.{name}": f"{SCHEMA}.{name}" for name in ("big", "parts", "computed", "parent", "child", "some")
} | {f"{OLD}.customers": f"{NEW}.clients"}


@dataclass
class Changes:
    """Made on `connection`, which is the target's; `expected` is what a comparison is to find."""

    connection: Connection
    dice: random.Random
    expected: list[Expected] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)
    _taken: Counter[str] = field(default_factory=Counter)

    def make(self, number: int) -> None:
        """Make at least so many changes, and at least one of each kind."""
        query(self.connection, "SET SESSION sql_mode = '', foreign_key_checks = 0")
        while sum(self.made.values()) < number:
            for kind, statements, *found in self._round():
                changed = 0
                for sql in statements:
                    changed += self._run(sql)
                assert changed, f"{statements} changed nothing"
                self.expected += found
                self.made[kind] += 1

    def _run(self, sql: str) -> int:
        with self.connection.cursor() as cursor:
            return int(cursor.execute(sql))

    def _round(self) -> Iterator[tuple[str, list[str], *tuple[Expected, ...]]]:
        yield from self._rows()
        yield from self._lookalikes()
        yield from self._texts_as_keys()
        yield from self._without_key()
        yield from self._others()

    def _rows(self) -> Iterator[tuple[str, list[str], *tuple[Expected, ...]]]:
        """Rows that were changed, deleted, added."""
        for name, there in _ALIKE.items():
            row, gone, free = self._row(name), self._row(name), self._free(name)
            yield "changed", [f"UPDATE {there} SET v = UPPER(v) WHERE id = {row}"], (name, row, "differs", 1)
            yield "deleted", [f"DELETE FROM {there} WHERE id = {gone}"], (name, gone, "missing", 1)
            yield "added", [f"INSERT INTO {there} (id, v, n) VALUES ({free}, 'new', 11)"], (name, free, "extra", 1)

    def _lookalikes(self) -> Iterator[tuple[str, list[str], *tuple[Expected, ...]]]:
        for column, value in LOOKALIKES:
            row, odd = self._row("odd"), f"{SCHEMA}.odd"
            # MySQL takes some of them for the same, and leaves the row as it is.
            between = f"UPDATE {odd} SET {column} = {'NULL' if value != 'NULL' else repr('1')} WHERE id = {row}"
            yield (
                f"{column} = {value}",
                [between, f"UPDATE {odd} SET {column} = {value} WHERE id = {row}"],
                (odd, row, "differs", 1),
            )

    def _texts_as_keys(self) -> Iterator[tuple[str, list[str], *tuple[Expected, ...]]]:
        for table in (f"{SCHEMA}.by_text", f"{SCHEMA}.folded"):
            for other in ("KEY", "kéy", "Key"):
                row = self._row(table)
                more = f", {row}" if table.endswith("folded") else ""
                yield (
                    "key in other letters",
                    [f"UPDATE {table} SET k = '{other}{row}' WHERE k = 'key{row}'"],
                    (table, f"key{row}{more}", "missing", 1),
                    (table, f"{other}{row}{more}", "extra", 1),
                )
            row, gone = self._row(table), self._row(table)
            yield (
                "changed",
                [f"UPDATE {table} SET v = 'V' WHERE k = 'key{row}'"],
                (table, _key(table, row), "differs", 1),
            )
            yield "deleted", [f"DELETE FROM {table} WHERE k = 'key{gone}'"], (table, _key(table, gone), "missing", 1)

    def _without_key(self) -> Iterator[tuple[str, list[str], *tuple[Expected, ...]]]:
        bare = f"{SCHEMA}.bare"
        twice, gone, other, free = self._row(bare), self._row(bare), self._row(bare), self._free(bare)
        text = "{0}, v{0}, 0.5, [1]"
        yield (
            "twice",
            [f"INSERT INTO {bare} VALUES ({twice}, 'v{twice}', 0.5, '[1]')"],
            (bare, text.format(twice), "extra", 1),
        )
        yield "too few", [f"DELETE FROM {bare} WHERE id = {gone}"], (bare, text.format(gone), "missing", 1)
        yield (
            "too many",
            [f"INSERT INTO {bare} VALUES ({free}, 'v{free}', 0.5, '[1]')"] * 3,
            (bare, text.format(free), "extra", 3),
        )
        yield (
            "changed without a key",
            [f"UPDATE {bare} SET v = 'V{other}' WHERE id = {other}"],
            (bare, text.format(other), "missing", 1),
            (bare, text.format(other).replace("v", "V"), "extra", 1),
        )

    def _others(self) -> Iterator[tuple[str, list[str], *tuple[Expected, ...]]]:
        """Columns under other names, hidden ones, computed ones, and one of each type."""
        cols, computed, hidden = f"{SCHEMA}.cols", f"{SCHEMA}.computed", f"{SCHEMA}.hidden"
        row, gone, free = self._row(cols), self._row(cols), self._free(cols)
        yield "mapped", [f"UPDATE {cols} SET words = '' WHERE id = {row}"], (cols, row, "differs", 1)
        yield "mapped", [f"DELETE FROM {cols} WHERE id = {gone}"], (cols, gone, "missing", 1)
        yield "mapped", [f"INSERT INTO {cols} VALUES ('w', {free}, 0)"], (cols, free, "extra", 1)
        row = self._row(computed)
        yield "invisible", [f"UPDATE {computed} SET h = NULL WHERE id = {row}"], (computed, row, "differs", 1)
        row = self._row(computed)
        yield "computed", [f"UPDATE {computed} SET n = 1 WHERE id = {row}"], (computed, row, "differs", 1)
        row = self._row(hidden)
        at = str((int(row) + 1) // 2)  # its rows are numbered as they were filled
        yield "hidden key", [f"UPDATE {hidden} SET n = 1 WHERE id = {row}"], (hidden, at, "differs", 1)
        filtered = self._free(f"{SCHEMA}.some")
        more = f"INSERT INTO {SCHEMA}.some VALUES ({filtered}, 'new', 1)"
        yield "outside of the filter", [more], (f"{SCHEMA}.some", filtered, "extra", 1)
        yield from self._of_every_type()

    def _of_every_type(self) -> Iterator[tuple[str, list[str], *tuple[Expected, ...]]]:
        """A column of a row, NULL as a rule, since another value of its type might be that which is there."""
        every = f"{SCHEMA}.every"
        names = list(KINDS)
        self.dice.shuffle(names)
        for name in names[: 3 + len(names) // 4]:
            at = 1 + 6 * self._taken[every]
            if at > KEPT:
                return
            self._taken[every] += 1
            yield "any type", [f"UPDATE {every} SET {name} = NULL WHERE id = {at}"], (every, str(at), "differs", 1)

    def _row(self, table: str) -> str:
        """Return the number of a row that is there, and that nothing was done to."""
        self._taken[table] += 1
        assert 2 * self._taken[table] - 1 <= KEPT, f"{table} has too few rows"
        return str(2 * self._taken[table] - 1)

    def _free(self, table: str) -> str:
        """Return a number that no row has."""
        self._taken[f"free {table}"] += 1
        return str(2 * self._taken[f"free {table}"])


def _key(table: str, row: str) -> str:
    return f"key{row}, {row}" if table.endswith("folded") else f"key{row}"
