"""A MySQL server as it is found before there is a job: what it is, its schemas, the tables of one (`ports/inspect.py`).

Sizes are the server's estimates. A server may have to open every table for them, so they are waited for a few
seconds, and names come without them then.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Side
from udup.drivers.mysql.checks.looking import connected, looked
from udup.drivers.mysql.checks.retention import expires_after
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query, scalar
from udup.drivers.mysql.client.facts import ServerFacts, read_facts
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.dictionary.engines import is_non_transactional, is_transactional
from udup.pipeline.checks import SRC, Check
from udup.pipeline.ports.inspect import (
    Inspected,
    InspectWish,
    SchemaFound,
    ServerFound,
    TableFound,
    TableProblem,
    TableSize,
)
from udup.pipeline.selection.schemas import is_user_schema
from udup.pipeline.selection.selection import Selection

#: Seconds for the sizes of all tables, and the errors of statements that took longer: of MySQL, of MariaDB.
SIZES_S = 3.0
_TOOK_TOO_LONG = frozenset({3024, 1969})

_BASE = "TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
_SIZES = f"TABLE_ROWS, DATA_LENGTH + INDEX_LENGTH FROM information_schema.TABLES WHERE {_BASE}"

#: The best key of each table: 2 for a primary one, 1 for a unique one without NULL.
_KEYS = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, MAX(best) FROM (SELECT TABLE_SCHEMA, TABLE_NAME,"
    " IF(INDEX_NAME = 'PRIMARY', 2, 1) AS best FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0"
    " GROUP BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME"
    " HAVING SUM(NULLABLE = 'YES') = 0 AND SUM(COLUMN_NAME IS NULL) = 0) AS unique_keys"
    " GROUP BY TABLE_SCHEMA, TABLE_NAME"
)
_KEY_WORDS = {2: "primary", 1: "unique"}

#: MariaDB tells how full its disks are, if its plugin `disks` is loaded; in KiB.
_DISKS = (
    "SELECT Available * 1024 FROM information_schema.DISKS WHERE @@global.datadir LIKE CONCAT(Path, '%')"
    " ORDER BY LENGTH(Path) DESC LIMIT 1"
)

#: A table's schema, name, engine, rows and bytes; the two last are None where nobody waited for them.
_Row = tuple[str, str, str, int | None, int | None]


@behind_the_seam(Side.SOURCE)
class MySQLInspector:
    """Holds no connection. What goes wrong is told with the server's account and address."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def look(self, wish: InspectWish) -> Inspected:
        """Return what the server is, its schemas, and the tables of one of them if they are asked for."""

        def look() -> Inspected:
            with connected(wish.task, self.endpoint) as connection:
                return _inspected(connection, wish)

        found = looked(look)
        return Inspected(error=found.found, remedy=found.remedy) if isinstance(found, Check) else found

    def sizes(self, selection: Selection) -> Sequence[TableSize]:
        """Return about how large the tables of a job are; nothing where the server takes too long."""

        def look() -> list[TableSize]:
            with connected(SRC, self.endpoint) as connection:
                rows = _read_rows(connection)
                if all(each[3] is None for each in rows):
                    return []
                keys = _read_keys(connection)
                return [
                    TableSize(schema, table, number, size, keys.get((schema, table), "none"))
                    for schema, table, _, number, size in rows
                    if selection.wants(schema, table)
                ]

        found = looked(look)
        return [] if isinstance(found, Check) else found


def _inspected(connection: Connection, wish: InspectWish) -> Inspected:
    facts = read_facts(connection)
    rows = [row for row in _read_rows(connection) if is_user_schema(row[0])]
    keys = _read_keys(connection)
    tables = [_table(row, keys, wish.task) for row in rows if row[0] == wish.schema]
    search = wish.search.casefold()
    tables = sorted((each for each in tables if search in each.table.casefold()), key=lambda each: each.table)
    behind = [each for each in tables if each.table > wish.after]
    page = behind[: wish.limit]
    return Inspected(
        server=_server(connection, facts),
        free_bytes=_free_bytes(connection),
        schemas=tuple(_schemas(connection, rows, keys, wish.task)),
        tables=tuple(page),
        next=page[-1].table if len(page) < len(behind) else "",
    )


def _server(connection: Connection, facts: ServerFacts) -> ServerFound:
    version = dict(query(connection, "SHOW SESSION STATUS LIKE 'Ssl_version'")).get("Ssl_version", "")
    asked = runtime.wall_ns()
    there = int(scalar(connection, "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000 AS SIGNED)"))
    here = (asked + runtime.wall_ns()) / 2e6  # in the middle of the question, in milliseconds
    keeps = expires_after(facts) if facts.is_on("log_bin") else 0
    return ServerFound(
        family=facts.kin.name,
        version=facts.version_text,
        tls=facts.encrypted,
        tls_version=str(version or ""),
        read_only=facts.is_on("read_only") or facts.is_on("super_read_only"),
        uuid=facts.uuid,
        gtid_mode=facts.value("gtid_mode", "ON" if facts.is_mariadb else "OFF"),
        clock_offset_ms=round(there - here),
        log_kept_s=keeps or None,
        user=facts.account,
    )


def _schemas(
    connection: Connection, rows: Sequence[_Row], keys: dict[tuple[str, str], str], task: str
) -> Iterator[SchemaFound]:
    names = [str(name) for (name,) in query(connection, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")]
    by_schema: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        by_schema[row[0]].append(row)
    for name in sorted(filter(is_user_schema, names)):
        own = by_schema[name]
        counts = Counter(_problem(row, keys) for row in own) if task == SRC else Counter()
        yield SchemaFound(
            schema=name,
            tables=len(own),
            rows=_sum(row[3] for row in own),
            bytes=_sum(row[4] for row in own),
            warnings=tuple(f"{_tables(counts[kind])} {text}" for kind, text in _WARNINGS.items() if counts[kind]),
            counts=tuple((kind, counts[kind]) for kind in _WARNINGS if counts[kind]),
        )


#: What is said of the tables of a schema, by what is to be known of each.
_WARNINGS = {
    TableProblem.NO_KEY: "without a primary or unique key: each changed row is searched for in the whole table",
    TableProblem.NOT_TRANSACTIONAL: "not transactional (MyISAM and the like): locked while they are copied",
    TableProblem.NOT_CARRIED: "of an engine whose rows live elsewhere: they are not carried",
}


def _problem(row: _Row, keys: dict[tuple[str, str], str]) -> TableProblem:
    schema, table, engine, *_ = row
    if is_non_transactional(engine):
        return TableProblem.NOT_TRANSACTIONAL
    if not is_transactional(engine):
        return TableProblem.NOT_CARRIED
    return TableProblem.NONE if (schema, table) in keys else TableProblem.NO_KEY


def _table(row: _Row, keys: dict[tuple[str, str], str], task: str) -> TableFound:
    schema, table, engine, number, size = row
    kind = _problem(row, keys) if task == SRC else TableProblem.NONE
    name = qualified(schema, table)
    problem, remedy = {
        TableProblem.NONE: ("", ""),
        TableProblem.NOT_CARRIED: (
            f"its engine is {engine}, whose rows live elsewhere: they are not carried",
            "leave it out (ReplicateIgnoreDb)",
        ),
        TableProblem.NOT_TRANSACTIONAL: (
            f"its engine is {engine}, which is not transactional: it is locked while it is copied",
            f"ALTER TABLE {name} ENGINE = InnoDB",
        ),
        TableProblem.NO_KEY: (
            "has no primary or unique key: each changed row is searched for in the whole table",
            f"ALTER TABLE {name} ADD PRIMARY KEY (…)",
        ),
    }[kind]
    return TableFound(table, number, size, keys.get((schema, table), "none"), engine, problem, remedy, kind)


def _read_rows(connection: Connection) -> list[_Row]:
    """Return every table that the account sees."""
    if connection.is_mariadb:
        sql = f"SET STATEMENT max_statement_time={SIZES_S} FOR SELECT"
    else:
        sql = f"SELECT /*+ MAX_EXECUTION_TIME({int(SIZES_S * 1000)}) */"  # a comment to servers before 5.7.8
    try:
        found = query(connection, f"{sql} TABLE_SCHEMA, TABLE_NAME, ENGINE, {_SIZES}")
    except MySQLError as error:
        if error_code(error) not in _TOOK_TOO_LONG:
            raise
        plain = f"SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE, NULL, NULL FROM information_schema.TABLES WHERE {_BASE}"
        found = query(connection, plain)
    return [
        (str(schema), str(table), str(engine or "unknown"), _number(number), _number(size))
        for schema, table, engine, number, size in found
    ]


def _read_keys(connection: Connection) -> dict[tuple[str, str], str]:
    return {(str(schema), str(table)): _KEY_WORDS[int(best)] for schema, table, best in query(connection, _KEYS)}


def _free_bytes(connection: Connection) -> int | None:
    """Return how much room a server has where its data are; MySQL says nothing of it."""
    if not connection.is_mariadb:
        return None
    try:
        return _number(scalar(connection, _DISKS))
    except MySQLError:
        return None  # the plugin is not there, or the account may not ask


def _sum(numbers: Iterator[int | None]) -> int | None:
    known = [each for each in numbers if each is not None]
    return sum(known) if known else None


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))


def _tables(number: int) -> str:
    return "1 table" if number == 1 else f"{number} tables"
