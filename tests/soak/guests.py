"""Schemas that come into the job and go, written to in the same transactions as tables that stay in it.

Their tables keep their columns, nearly, so that a statement fits whatever it meets; they are exchanged, dropped, made
again and emptied. `calm` is in the random schema: its upper rows nobody writes, so that what a hand changes of them on
the target stays different until it is repaired.
"""

from __future__ import annotations

import random

SCHEMAS = ("soak_one", "soak_two")

#: Rows of `calm` that writers leave alone lie above the first number, and end at the second.
CALM_FROM, CALM_TO = 100, 200

#: Tables of which a hand changes rows on the target.
CHANGED_BY_HAND = frozenset({"soak.calm", "soak.calm_bare"})

_COLUMNS = "(id INT AUTO_INCREMENT PRIMARY KEY, v INT, text VARCHAR(60), more JSON)"


def creation() -> list[str]:
    """Return the statements that make the schemas, and `calm` in the schema of the session."""
    found = [
        "CREATE TABLE calm (id INT PRIMARY KEY, v INT, text VARCHAR(60) COLLATE utf8mb4_0900_ai_ci)",
        "CREATE TABLE calm_bare (v INT, text VARCHAR(60))",
        *(f"INSERT INTO calm VALUES ({number}, {number}, 'text {number}')" for number in range(1, CALM_TO + 1)),
    ]
    for schema in SCHEMAS:
        found.append(f"CREATE DATABASE {schema}")
        found += [f"CREATE TABLE {schema}.{table} {_COLUMNS}" for table in "abc"]
        found.append(f"CREATE TABLE {schema}.bare (v INT, text VARCHAR(60))")
        found += [f"INSERT INTO {schema}.{table} (v, text) VALUES (1, 'x'), (2, 'y'), (3, 'z')" for table in "abc"]
    return found


def guest_statement(dice: random.Random) -> str:
    """Return one change of rows."""
    v, schema = dice.randint(0, 999), dice.choice(SCHEMAS)
    table = f"{schema}.{dice.choice('abc')}"
    return dice.choice(
        [
            f"INSERT INTO {table} (v, text) VALUES ({v}, 'a{v}'), ({v}, NULL)",
            f"INSERT INTO {table} (v, text, more) SELECT v + 1, text, JSON_OBJECT('v', v) FROM {table} LIMIT 20",
            f"UPDATE {table} SET v = v + 1 WHERE v % 7 = {v % 7} LIMIT 20",
            f"UPDATE {table} SET id = id + 100000 WHERE v = {v} LIMIT 1",
            f"DELETE FROM {table} WHERE v % 5 = {v % 5} LIMIT 15",
            f"INSERT INTO {schema}.bare VALUES ({v}, 'same'), ({v % 3}, 'same')",
            f"DELETE FROM {schema}.bare WHERE v % 3 = {v % 3} LIMIT 2",
            f"UPDATE calm SET v = {v} WHERE id = {v % CALM_FROM + 1}",
            f"INSERT INTO calm_bare VALUES ({v % 10}, 'same')",
            f"DELETE FROM calm_bare WHERE v = {v % 10} LIMIT 1",
        ]
    )


def guest_definitions(dice: random.Random) -> list[str]:
    """Return statements that change definitions, to be run one after the other."""
    schema, other = dice.sample(SCHEMAS, 2)
    one, two, three = dice.sample("abc", 3)
    name = f"{schema}.{one}"
    return dice.choice(
        [
            [f"RENAME TABLE {name} TO {schema}.x, {schema}.{two} TO {name}, {schema}.x TO {schema}.{two}"],
            [f"TRUNCATE TABLE {name}"],
            [f"DROP TABLE {name}, {schema}.{two}", *(f"CREATE TABLE {schema}.{t} {_COLUMNS}" for t in (one, two))],
            [f"DROP TABLE {name}", f"CREATE TABLE {name} LIKE {schema}.{three}"],
            [f"RENAME TABLE {name} TO {schema}.aside", f"CREATE TABLE {name} {_COLUMNS}", f"DROP TABLE {schema}.aside"],
            [f"ALTER TABLE {name} ADD COLUMN z INT", f"ALTER TABLE {name} DROP COLUMN z"],
            [f"ALTER TABLE {name} RENAME TO {schema}.aside", f"ALTER TABLE {schema}.aside RENAME TO {name}"],
            [f"CREATE TABLE {schema}.made {_COLUMNS}", f"INSERT INTO {schema}.made (v) VALUES (1)"],
            [f"DROP TABLE IF EXISTS {schema}.made, {other}.made"],
        ]
    )
