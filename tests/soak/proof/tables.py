"""The tables of the proof: every type, with and without keys, renamed, filtered, mapped, in partitions, computed.

Rows numbered up to `KEPT` are left alone by the writers, so that a change behind the job's back does not stop it: the
odd ones are there, the even ones are free. The writers have those beyond `LIVE`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.soak import columns
from tests.soak.columns import Kind
from udup.drivers.mysql.client.connection import Connection, query
from udup.sandbox.api import Json

SCHEMA, OLD, NEW = "proof", "proof_old", "proof_new"

#: The last row that only the target is changed in, and the number behind which the writers' rows are.
KEPT, LIVE = 599, 1000

#: Rows of the writers: in the large table, of which a chunk has 20,000; with a text as their key; in others.
BIG_ROWS, TEXT_ROWS, SOME_ROWS = 55_000, 25_000, 200


@dataclass(frozen=True)
class Made:
    """A table by its columns. `filled` names those that `fields`, SQL of a number n, fills."""

    name: str
    columns: str
    filled: str
    fields: str
    live: int = SOME_ROWS
    options: str = ""
    schema: str = SCHEMA

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    def make(self, connection: Connection) -> None:
        query(connection, f"CREATE TABLE {self.full_name} ({self.columns}) {self.options}")
        for first, step, last in ((1, 2, KEPT), (LIVE + 1, 1, LIVE + self.live)):
            numbers = f"WITH RECURSIVE n AS (SELECT {first} AS n UNION ALL SELECT n + {step} FROM n WHERE n < {last})"
            query(connection, f"INSERT INTO {self.full_name} ({self.filled}) {numbers} SELECT {self.fields} FROM n")


def _plain(name: str, fields: str = "n, CONCAT('v', n), 0", **more: object) -> Made:
    made = {"columns": "id INT PRIMARY KEY, v VARCHAR(40), n INT", **more}
    return Made(name, filled="id, v, n", fields=fields, **made)  # type: ignore[arg-type]


#: Values that look alike: see `changes.LOOKALIKES`.
_ODD = (
    "id INT PRIMARY KEY, s VARCHAR(20) COLLATE utf8mb4_0900_ai_ci, p VARCHAR(20) COLLATE utf8mb4_general_ci, t TEXT,"
    " d DOUBLE, f FLOAT, j JSON, m DECIMAL(20, 6), at DATETIME(6), b BIT(9)"
)
_BY_TEXT = "k VARCHAR(40) COLLATE utf8mb4_0900_ai_ci PRIMARY KEY, v VARCHAR(20), n INT"
_COMPUTED = (
    "id INT PRIMARY KEY, v VARCHAR(40), n INT, h INT INVISIBLE DEFAULT 7, c INT GENERATED ALWAYS AS (n * 2) STORED,"
    " w VARCHAR(41) GENERATED ALWAYS AS (CONCAT(v, '!')) VIRTUAL"
)
_PARTS = "PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (200), PARTITION b VALUES LESS THAN MAXVALUE)"
_FOLDED = "k VARCHAR(20) COLLATE utf8mb4_general_ci, n INT, v VARCHAR(40), PRIMARY KEY (k, n)"

PLAIN = (
    _plain("big", live=BIG_ROWS),
    _plain("parts", options=_PARTS),
    _plain("computed", columns=_COMPUTED),
    _plain("hidden", columns="id INT, v VARCHAR(40), n INT"),
    _plain("some", fields="n, CONCAT('v', n), 10 + n % 5"),
    _plain("cols", columns="id INT PRIMARY KEY, v VARCHAR(40), n INT, secret VARCHAR(9) DEFAULT 'secret'"),
    _plain("parent"),
    _plain(
        "child",
        columns="id INT PRIMARY KEY, v VARCHAR(40), n INT, FOREIGN KEY (id) REFERENCES parent (id) ON DELETE CASCADE",
    ),
    _plain("customers", schema=OLD),
)
ODD = Made(
    *("odd", _ODD, "id, s, p, t, d, f, j, m, at, b"),
    "n, 'a', 'a', NULL, 0, 0.1, '{\"a\": 1}', 1.5, '2026-01-01', b'1'",
)
BARE = Made("bare", "id INT, v VARCHAR(40), f FLOAT, j JSON", "id, v, f, j", "n, CONCAT('v', n), 0.5, '[1]'")
BY_TEXT = Made("by_text", _BY_TEXT, "k, v, n", "CONCAT('key', n), CONCAT('v', n), 0", live=TEXT_ROWS)
FOLDED = Made("folded", _FOLDED, "k, n, v", "CONCAT('key', n), n, CONCAT('v', n)")
TABLES = (*PLAIN, ODD, BARE, BY_TEXT, FOLDED)


def _kinds() -> Iterator[tuple[str, Kind]]:
    """Yield columns of every type, most in several forms."""
    dice = random.Random("every type")
    makers: list[Callable[[random.Random], Kind]] = [
        *[columns._integer] * 4,
        *(columns._decimal, columns._decimal, columns._floating, columns._floating, columns._year, columns._date),
        *[columns._moment] * 5,
        *[columns._text] * 6,
        *(columns._bits, columns._bits, columns._bytes, columns._bytes, columns._blob, columns._long_text),
        *(columns._enum, columns._set, columns._json, columns._point, columns._vector),
    ]
    for number, maker in enumerate(makers):
        yield f"c{number}", maker(dice)


#: The columns of the table `every`, by their names.
KINDS = dict(_kinds())


def every_row(number: int, dice: random.Random) -> str:
    values = ", ".join(kind.literal(dice) for kind in KINDS.values())
    return f"INSERT INTO {SCHEMA}.every VALUES ({number}, {values})"


def make_all(connection: Connection, dice: random.Random) -> None:
    """Make the tables on the source, with their rows."""
    query(connection, "SET SESSION sql_mode = '', cte_max_recursion_depth = 1000000")
    for schema in (SCHEMA, OLD):
        query(connection, f"CREATE DATABASE {schema}")
    query(connection, f"USE {SCHEMA}")
    for table in TABLES:
        query(connection, f"SET SESSION sql_generate_invisible_primary_key = {int(table.name == 'hidden')}")
        table.make(connection)
    made = ", ".join(f"{name} {kind.declared}" for name, kind in KINDS.items())
    query(connection, f"CREATE TABLE every (id INT PRIMARY KEY, {made})")
    query(connection, "BEGIN")
    for number in (*range(1, KEPT + 1, 6), *range(LIVE + 1, LIVE + 100)):
        query(connection, every_row(number, dice))
    query(connection, "COMMIT")


#: What of the source the job has, and under which names.
CHOSEN: list[Json] = [
    {
        "TableSchema": SCHEMA,
        "Tables": [
            *[
                {"TableName": table.name}
                for table in TABLES
                if table.schema == SCHEMA and table.name not in ("some", "cols")
            ],
            {"TableName": "every"},
            {"TableName": "some", "Where": "n >= 10"},
            {"TableName": "cols", "ColumnMapFrom": ["v", "id", "n"], "ColumnMapTo": ["words", "id", "number"]},
        ],
    },
    {
        "TableSchema": OLD,
        "TableSchemaRename": NEW,
        "Tables": [{"TableName": "customers", "TableRename": "clients"}],
    },
]
