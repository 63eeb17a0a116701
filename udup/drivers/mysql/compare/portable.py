"""Definitions in a form that MySQL and MariaDB of any version can be compared in: what both can say, said alike.

SHOW CREATE and the views of information_schema differ between the families, and between MySQL 5 and 8, in words that
mean the same: display widths, names of character sets, how a default is quoted, whether a rule is RESTRICT or NO
ACTION. Here is what a definition means: columns, keys, partitions, checks by their number, views by their columns,
routines, triggers and events by their bodies. What one family alone knows is not compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.compare.portable_words import (
    as_text,
    body_said,
    column_said,
    engine_said,
    expression_said,
    mode_said,
    name_said,
    rule_said,
    type_said,
    unescaped,
)
from udup.drivers.mysql.compare.told_alike import charset_of, collation
from udup.drivers.mysql.dictionary.shown_tables import shown_table

#: (schema, name), or (schema,) for a schema itself.
Name = tuple[str, ...]


@dataclass(frozen=True)
class _Question:
    """A query of (schema, object, values …), the schema's column for its condition, and how each value is said."""

    kind: str
    columns: str
    source: str
    schema: str
    said: tuple[Callable[[object], str], ...]


_QUESTIONS = (
    _Question(
        "SCHEMA",
        "SCHEMA_NAME, SCHEMA_NAME, DEFAULT_COLLATION_NAME",
        "SCHEMATA WHERE TRUE",
        "SCHEMA_NAME",
        (collation,),
    ),
    _Question(
        "TABLE",
        "TABLE_SCHEMA, TABLE_NAME, ENGINE, TABLE_COLLATION, TABLE_COMMENT",
        "TABLES WHERE TABLE_TYPE NOT IN ('VIEW', 'SEQUENCE')",
        "TABLE_SCHEMA",
        (engine_said, collation, name_said),
    ),
    _Question(
        "VIEW",
        "TABLE_SCHEMA, TABLE_NAME, CHECK_OPTION, DEFINER, SECURITY_TYPE",
        "VIEWS WHERE TRUE",
        "TABLE_SCHEMA",
        (name_said, name_said, name_said),
    ),
    _Question(
        "FOREIGN KEY COLUMNS OF",
        "TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION, COLUMN_NAME, REFERENCED_TABLE_SCHEMA,"
        " REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME",
        "KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL",
        "TABLE_SCHEMA",
        (name_said,) * 6,
    ),
    _Question(
        "FOREIGN KEYS OF",
        "CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, UPDATE_RULE, DELETE_RULE",
        "REFERENTIAL_CONSTRAINTS WHERE TRUE",
        "CONSTRAINT_SCHEMA",
        (name_said, rule_said, rule_said),
    ),
    _Question(
        "PARTITIONS OF",
        "TABLE_SCHEMA, TABLE_NAME, PARTITION_ORDINAL_POSITION, SUBPARTITION_ORDINAL_POSITION, PARTITION_NAME,"
        " SUBPARTITION_NAME, PARTITION_METHOD, SUBPARTITION_METHOD, PARTITION_EXPRESSION, SUBPARTITION_EXPRESSION,"
        " PARTITION_DESCRIPTION",
        "PARTITIONS WHERE PARTITION_NAME IS NOT NULL AND PARTITION_METHOD <> 'SYSTEM_TIME'",
        "TABLE_SCHEMA",
        (*(name_said,) * 6, *(expression_said,) * 3),
    ),
    _Question(
        "ROUTINE",
        "ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE, ROUTINE_DEFINITION, IS_DETERMINISTIC, SQL_DATA_ACCESS,"
        " SECURITY_TYPE, SQL_MODE, ROUTINE_COMMENT, DEFINER, CHARACTER_SET_CLIENT, COLLATION_CONNECTION",
        "ROUTINES WHERE TRUE",
        "ROUTINE_SCHEMA",
        (name_said, body_said, *(name_said,) * 3, mode_said, name_said, name_said, collation, collation),
    ),
    _Question(
        "PARAMETERS OF",
        "SPECIFIC_SCHEMA, SPECIFIC_NAME, ORDINAL_POSITION, PARAMETER_MODE, PARAMETER_NAME, DTD_IDENTIFIER,"
        " COLLATION_NAME",
        "PARAMETERS WHERE TRUE",
        "SPECIFIC_SCHEMA",
        (name_said, name_said, name_said, type_said, charset_of),
    ),
    _Question(
        "TRIGGER",
        "TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT,"
        " SQL_MODE, DEFINER, CHARACTER_SET_CLIENT, COLLATION_CONNECTION",
        "TRIGGERS WHERE TRUE",
        "TRIGGER_SCHEMA",
        (name_said, name_said, name_said, body_said, mode_said, name_said, collation, collation),
    ),
    _Question(
        "EVENT",
        "EVENT_SCHEMA, EVENT_NAME, TIME_ZONE, EVENT_DEFINITION, EVENT_TYPE, EXECUTE_AT, INTERVAL_VALUE,"
        " INTERVAL_FIELD, SQL_MODE, STARTS, ENDS, ON_COMPLETION, EVENT_COMMENT, DEFINER, CHARACTER_SET_CLIENT",
        "EVENTS WHERE TRUE",
        "EVENT_SCHEMA",
        (name_said, body_said, *(name_said,) * 4, mode_said, *(name_said,) * 5, collation),
    ),
)

#: Those that tell of tables.
_OF_TABLES = ("TABLE", "FOREIGN KEY COLUMNS OF", "FOREIGN KEYS OF", "PARTITIONS OF")

_INDEXES = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, INDEX_TYPE, COLUMN_NAME, NON_UNIQUE, SUB_PART,"
    " INDEX_COMMENT FROM information_schema.STATISTICS WHERE TABLE_SCHEMA IN ({})"
)

#: MariaDB says HASH of every index that was made USING HASH, and of a UNIQUE over whole texts, which it alone has.
_HASH = "HASH"

_COLUMNS = (
    "SELECT c.TABLE_SCHEMA, c.TABLE_NAME, t.TABLE_TYPE, c.ORDINAL_POSITION, c.COLUMN_NAME, c.COLUMN_TYPE,"
    " c.IS_NULLABLE, c.COLUMN_DEFAULT, c.EXTRA, c.CHARACTER_SET_NAME, c.COLLATION_NAME, c.COLUMN_COMMENT"
    " FROM information_schema.COLUMNS c JOIN information_schema.TABLES t"
    " ON BINARY t.TABLE_SCHEMA = BINARY c.TABLE_SCHEMA AND BINARY t.TABLE_NAME = BINARY c.TABLE_NAME"
    " WHERE t.TABLE_TYPE <> 'SEQUENCE' AND c.TABLE_SCHEMA IN ({})"
)

#: MySQL's first version that has checks.
_CHECKS = (8, 0, 16)

#: MySQL tells a table's checks among its constraints, and has such as are not enforced; MariaDB in a view of their own,
#: and one that it makes of JSON is its own affair.
_MYSQL_CHECKS = (
    "SELECT t.TABLE_SCHEMA, t.TABLE_NAME, COUNT(*) FROM information_schema.TABLE_CONSTRAINTS t"
    " JOIN information_schema.CHECK_CONSTRAINTS c USING (CONSTRAINT_SCHEMA, CONSTRAINT_NAME)"
    " WHERE t.CONSTRAINT_TYPE = 'CHECK' AND t.ENFORCED = 'YES' AND c.CHECK_CLAUSE NOT LIKE 'json_valid(%%'"
    " AND t.TABLE_SCHEMA IN ({})"
)
_MARIADB_CHECKS = (
    "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, COUNT(*) FROM information_schema.CHECK_CONSTRAINTS"
    " WHERE CHECK_CLAUSE NOT LIKE 'json_valid(%%' AND CONSTRAINT_SCHEMA IN ({})"
)

#: A default of bytes as SHOW CREATE TABLE prints it.
_SHOWN_BYTES = r"(?:(0x[0-9A-F]+)|'((?:[^'\\]|\\.|'')*)')"

_MARIADB = "MariaDB"


def dialect_of(connection: Connection) -> str:
    """Return what the server prints definitions in: each series of MariaDB, MySQL before 8.0, and MySQL since."""
    series = ".".join(str(number) for number in connection.version[:2])
    if connection.is_mariadb:
        return f"{_MARIADB} {series}"
    return "MySQL" if connection.version >= (8, 0, 0) else f"MySQL {series}"


def read_portable(connection: Connection, schemas: Sequence[str]) -> dict[str, dict[Name, str]]:
    """By kind and object, what defines it, as text that is the same on a server of another family or version."""
    if not schemas:
        return {}
    asked = _Asked(connection, schemas)
    found = {question.kind: _texts(_answers(asked, question)) for question in _QUESTIONS}
    found["INDEXES OF"] = {name: told for name, own in _indexes(asked).items() if (told := _index_text(own))}
    found["COLUMNS OF"] = {
        name: "\n".join(f"{each.name}: {', '.join(each.said)}" for each in own) for name, own in _columns(asked).items()
    }
    found["NUMBER OF CHECKS OF"] = _checks(asked)
    return found


@dataclass(frozen=True)
class PortableTable:
    """A table in this form. `columns` are in their order; rows of the others are each by the name of the index or key,
    and hold collations as `told_alike` takes them.
    """

    options: tuple[str, ...]
    columns: tuple[ToldColumn, ...] = ()
    indexes: Mapping[str, list[tuple[str, ...]]] = field(default_factory=dict)
    checks: str = "0"
    key_columns: tuple[tuple[str, ...], ...] = ()
    key_rules: tuple[tuple[str, ...], ...] = ()
    partitions: tuple[tuple[str, ...], ...] = ()


def read_tables(
    connection: Connection, schemas: Sequence[str], tables: Sequence[str] = ()
) -> dict[tuple[str, str], PortableTable]:
    """Return the tables of some schemas, of these names (in whatever schema) or all."""
    if not schemas:
        return {}
    asked = _Asked(connection, schemas, tables)
    of = {question.kind: _answers(asked, question) for question in _QUESTIONS if question.kind in _OF_TABLES}
    columns, indexes, checks = _columns(asked), _indexes(asked), _checks(asked)
    return {
        (name[0], name[1]): PortableTable(
            rows[0],
            tuple(columns.get(name, ())),
            indexes.get(name, {}),
            checks.get(name, "0"),
            *(tuple(sorted(of[kind].get(name, ()))) for kind in _OF_TABLES[1:]),
        )
        for name, rows in of["TABLE"].items()
    }


@dataclass(frozen=True)
class ToldColumn:
    """A column, and what is said of it: type, nullable, default, extra, character set and collation, comment."""

    name: str
    said: tuple[str, ...]


@dataclass(frozen=True)
class _Asked:
    """Whom is asked, and of what."""

    connection: Connection
    schemas: Sequence[str]
    tables: Sequence[str] = ()

    def rows(self, sql: str, table: str = "TABLE_NAME", behind: str = "") -> Sequence[Sequence[object]]:
        """Return the rows of a statement that has a place `{}` for the schemas at its end."""
        sql = sql.format(", ".join(["%s"] * len(self.schemas)))
        if self.tables:
            sql += f" AND {table} IN ({', '.join(['%s'] * len(self.tables))})"
        return query(self.connection, sql + behind, *self.schemas, *self.tables)


def _index_text(indexes: Mapping[str, list[tuple[str, ...]]]) -> str:
    return "\n".join(f"{name}: {', '.join(row)}" for name, rows in sorted(indexes.items()) for row in rows)


def _indexes(asked: _Asked) -> dict[Name, dict[str, list[tuple[str, ...]]]]:
    """Return the indexes that both families can have, table by table."""
    gathered: dict[Name, dict[str, list[tuple[str, ...]]]] = {}
    own: set[tuple[Name, str]] = set()
    for schema, table, index, place, kind, column, *values in asked.rows(_INDEXES):
        name = (str(schema), str(table))
        is_unique = str(values[0]) == "0"
        # MySQL says what the engine makes of it, and MySQL 5 says NONE of what the engine alone knows.
        of_engine = {"NONE": "SE_SPECIFIC", _HASH: "BTREE"}.get(str(kind), kind)
        said = tuple(name_said(as_text(value)) for value in (place, of_engine, column, *values))
        gathered.setdefault(name, {}).setdefault(str(index), []).append(said)
        if column is None or kind == "VECTOR" or (kind == _HASH and is_unique):
            own.add((name, str(index)))
    return {
        name: {index: sorted(rows) for index, rows in indexes.items() if (name, index) not in own}
        for name, indexes in gathered.items()
    }


def _checks(asked: _Asked) -> dict[Name, str]:
    connection = asked.connection
    if not connection.is_mariadb and connection.version < _CHECKS:
        return {}
    sql = _MARIADB_CHECKS if connection.is_mariadb else _MYSQL_CHECKS
    table = "TABLE_NAME" if connection.is_mariadb else "t.TABLE_NAME"
    rows = asked.rows(sql, table, " GROUP BY 1, 2")
    return {(str(schema), str(table)): str(number) for schema, table, number in rows}


def _answers(asked: _Asked, question: _Question) -> dict[Name, list[tuple[str, ...]]]:
    sql = f"SELECT {question.columns} FROM information_schema.{question.source} AND {question.schema} IN ({{}})"
    gathered: dict[Name, list[tuple[str, ...]]] = {}
    for schema, name, *values in asked.rows(sql):
        said = tuple(say(as_text(value)) for say, value in zip(question.said, values, strict=True))
        gathered.setdefault(_of(schema, name, question.kind), []).append(said)
    return gathered


def _texts(rows: Mapping[Name, list[tuple[str, ...]]]) -> dict[Name, str]:
    return {name: "\n".join(sorted(", ".join(row) for row in own)) for name, own in rows.items()}


def _columns(asked: _Asked) -> dict[Name, list[ToldColumn]]:
    connection = asked.connection
    gathered: dict[Name, list[tuple[int, ToldColumn]]] = {}
    for row in asked.rows(_COLUMNS, "c.TABLE_NAME"):
        schema, table, kind, place, *values = (as_text(value) for value in row)
        if kind == "BASE TABLE" and _hides_bytes(connection, values):
            values[3] = _whole_default(connection, str(schema), str(table), str(values[0]), values[3])
        # The types of a view's columns are worked out by each family in its way.
        said = () if kind == "VIEW" else column_said(values[1:], mariadb=connection.is_mariadb)
        told = ToldColumn(str(values[0]), said)
        gathered.setdefault((str(schema), str(table)), []).append((int(str(place)), told))
    return {name: [told for _, told in sorted(rows, key=lambda row: row[0])] for name, rows in gathered.items()}


def _hides_bytes(connection: Connection, values: Sequence[object]) -> bool:
    """Return whether the dictionary may have question marks for a default of bytes, or end before one.

    MySQL since 8.0 has `0x` for bytes of which the first is none (seen on 9.7).
    """
    if not str(values[1]).startswith(("binary", "varbinary")) or values[3] is None:
        return False
    if connection.is_mariadb:
        return connection.version < (11,) and str(values[3]).startswith("'")
    return connection.version < (8,) or values[3] == "0x"


def _whole_default(connection: Connection, schema: str, table: str, column: str, told: object) -> object:
    """Return a default of bytes in hexadecimal digits, or what the dictionary has told."""
    shown = shown_table(connection, schema, table)
    found = re.search(rf"^ *{re.escape(quote(column))} [^\n']* DEFAULT {_SHOWN_BYTES}", shown, re.MULTILINE | re.DOTALL)
    if found and found[2] is not None and told == "0x":
        return f"0x{unescaped(found[2]).encode('latin-1', 'replace').hex()}"
    return found[1] if found and found[1] else told


def _of(schema: object, name: object, kind: str) -> Name:
    return (str(schema),) if kind == "SCHEMA" else (str(schema), str(name))
