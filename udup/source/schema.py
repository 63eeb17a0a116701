"""Reads from the source everything that a full copy must create: schemas, tables and stored objects.

Definitions are taken as the server prints them (SHOW CREATE …), never put together from parts: what the server
prints it also accepts. The dictionary is not part of a snapshot, so a DDL between the opening of the snapshot and
this reading would go unseen; read the catalog before and after and compare with `same_definitions`. A DDL that
comes later makes the reading of its table fail, which is noticed by itself.

What cannot be copied exactly is refused at once, all of it in one message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from udup.errors import Unsupported
from udup.mysql.catalog import Catalog, Column, Schema, StoredObject, Table
from udup.mysql.connection import Connection, MySQLError, is_transient, query
from udup.mysql.engines import MERGE, is_non_transactional, is_transactional
from udup.mysql.names import qualified, quote
from udup.mysql.selection import Selection
from udup.source.merge_tables import merge_problems
from udup.source.rows import MEMBER_KINDS
from udup.source.stored import read_objects

#: Engines whose keys are kept in order, so that a table can be read in ranges of one.
_ORDERED_ENGINES = frozenset({"innodb", "rocksdb", "myisam"})

#: Types whose order and whose literals are exact, so that a boundary can be named in SQL.
KEY_KINDS = frozenset(
    {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year", "date", "time", "datetime"}
    | {"timestamp", "char", "varchar", "binary", "varbinary"}
)

#: Character sets with characters that utf8mb3, in which the server prints definitions, does not have.
SUPPLEMENTARY_CHARSETS = frozenset({"utf8mb4", "utf16", "utf16le", "utf32", "gb18030"})
_PRINTED = ("utf8mb3", "utf8mb4")

#: Session of a connection that reads the dictionary: text in utf8mb4, fresh estimates, hidden keys shown; the
#: default of a TIMESTAMP column is printed in the session's time zone.
DICTIONARY_SESSION = (
    "SET NAMES utf8mb4; SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00', sql_quote_show_create = 1,"
    " information_schema_stats_expiry = 0, show_gipk_in_create_table_and_information_schema = ON"
)

#: A literal in a generated column, a default or a CHECK with what is left of a character beyond U+FFFF.
_LOST_LITERAL = re.compile(r"_utf8mb4'(?:[^'\\]|\\.|'')*\?{4}", re.DOTALL)

_AUTO_INCREMENT_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")


@dataclass(frozen=True)
class _Key:
    index: str
    columns: tuple[str, ...]


def read_catalog(connection: Connection, selection: Selection) -> Catalog:
    """Everything that `selection` carries. Raises `Unsupported` naming all tables and objects that cannot be.

    Changes the session's character set and sql_mode; no default database may be chosen on `connection`.
    """
    _run_all(connection, DICTIONARY_SESSION)
    problems: list[str] = []
    schemas: list[Schema] = []
    tables: list[Table] = []
    objects: list[StoredObject] = []
    for (name,) in query(connection, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY 1"):
        if not selection.wants_schema(name):
            continue
        create = query(connection, f"SHOW CREATE DATABASE {quote(name)}")[0][1]
        schemas.append(Schema(name, create))
        tables.extend(_read_tables(connection, name, selection, problems))
        objects.extend(read_objects(connection, name, selection, problems))
    problems.extend(merge_problems(connection, selection))
    if problems:
        raise Unsupported("the source holds what cannot be copied exactly: " + "; ".join(problems))
    return Catalog(tuple(schemas), tuple(tables), tuple(objects))


def same_definitions(one: Catalog, other: Catalog) -> bool:
    """Whether no DDL came between two readings; estimates and AUTO_INCREMENT counters may differ."""
    return (
        one.schemas == other.schemas
        and one.objects == other.objects
        and [_definition(table) for table in one.tables] == [_definition(table) for table in other.tables]
    )


def _definition(table: Table) -> Table:
    create_sql = _AUTO_INCREMENT_COUNTER.sub("", table.create_sql)
    return replace(table, rows_estimate=0, row_bytes=0, create_sql=create_sql)


def _read_tables(connection: Connection, schema: str, selection: Selection, problems: list[str]) -> list[Table]:
    rows = query(
        connection,
        "SELECT TABLE_NAME, ENGINE, TABLE_ROWS, AVG_ROW_LENGTH FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME",
        schema,
    )
    columns = _read_columns(connection, schema)
    keys = _read_keys(connection, schema)
    tables = []
    for name, engine, estimate, row_bytes in rows:
        if not selection.wants(schema, name):
            continue
        problem = _engine_problem(qualified(schema, name), engine)
        if problem:
            problems.append(problem)
            continue
        own = columns.get(name, ())
        problems.extend(_lost_members(connection, schema, name, own))
        key = _chunk_key(keys.get(name, {}), own) if engine.lower() in _ORDERED_ENGINES else _Key("", ())
        try:
            create = query(connection, f"SHOW CREATE TABLE {qualified(schema, name)}")[0][1]
        except MySQLError as error:
            if engine.lower() != MERGE or is_transient(error):
                raise
            continue  # one that cannot be opened: `merge_problems` names it
        if _LOST_LITERAL.search(create):
            problems.append(
                f"an expression in the definition of table {qualified(schema, name)} has a character beyond U+FFFF,"
                " which MySQL prints as four question marks: write the expression without it, or leave the table out"
            )
        tables.append(
            Table(
                schema=schema,
                name=name,
                columns=own,
                key=key.columns,
                rows_estimate=int(estimate or 0),
                row_bytes=int(row_bytes or 0),
                create_sql=create,
                key_index=key.index,
                engine=engine,
            )
        )
    return tables


def _engine_problem(table: str, engine: str | None) -> str:
    if engine is None:
        return f"table {table} cannot be opened by the source itself: repair, drop or leave it out"
    if is_transactional(engine) or is_non_transactional(engine):
        return ""
    return f"table {table} ({engine}) shows rows that live elsewhere: leave it out and make it by hand"


def _lost_members(connection: Connection, schema: str, table: str, columns: tuple[Column, ...]) -> Iterator[str]:
    """Members of ENUM and SET that the definition does not tell: the server prints a question mark for a character
    beyond U+FFFF. Looked for in the rows, since a question mark may also be one.
    """
    for column in columns:
        if column.kind in MEMBER_KINDS and column.charset in SUPPLEMENTARY_CHARSETS and "?" in column.column_type:
            shown, whole = (f"CAST(CONVERT({quote(column.name)} USING {charset}) AS BINARY)" for charset in _PRINTED)
            sql = f"SELECT 1 FROM {qualified(schema, table)} WHERE {shown} <> {whole} LIMIT 1"
            if query(connection, sql):
                yield (
                    f"column {quote(column.name)} of table {qualified(schema, table)} has a member with a character"
                    " beyond U+FFFF, which MySQL prints as a question mark: change the member, or leave the table out"
                )


def _read_columns(connection: Connection, schema: str) -> dict[str, tuple[Column, ...]]:
    rows = query(
        connection,
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME,"
        " IS_NULLABLE, GENERATION_EXPRESSION, CHARACTER_OCTET_LENGTH"
        " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, ORDINAL_POSITION",
        schema,
    )
    columns: dict[str, list[Column]] = {}
    for table, name, kind, column_type, charset, collation, nullable, expression, octets in rows:
        columns.setdefault(table, []).append(
            Column(
                name=name,
                kind=_text(kind).lower(),
                column_type=_text(column_type),
                charset=charset,
                collation=collation,
                nullable=nullable == "YES",
                generated=bool(expression),
                octets=int(octets or 0),
            )
        )
    return {table: tuple(own) for table, own in columns.items()}


def _read_keys(connection: Connection, schema: str) -> dict[str, dict[str, list[str]]]:
    """Unique indexes by table and name; a part that is an expression or a prefix is the empty name."""
    rows = query(
        connection,
        "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS"
        " WHERE TABLE_SCHEMA = %s AND NON_UNIQUE = 0 AND IS_VISIBLE = 'YES'"
        " ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
        schema,
    )
    keys: dict[str, dict[str, list[str]]] = {}
    for table, index, column, prefix in rows:
        part = column if column is not None and prefix is None else ""
        keys.setdefault(table, {}).setdefault(index, []).append(part)
    return keys


def _chunk_key(indexes: dict[str, list[str]], columns: tuple[Column, ...]) -> _Key:
    """The primary key if it serves, else the unique key with the fewest columns, else none."""
    usable = {column.name for column in columns if column.kind in KEY_KINDS and not column.nullable}
    serving = [_Key(index, tuple(parts)) for index, parts in indexes.items() if all(part in usable for part in parts)]
    serving.sort(key=lambda key: (key.index != "PRIMARY", len(key.columns), key.index))
    return serving[0] if serving else _Key("", ())


def _run_all(connection: Connection, statements: str) -> None:
    for statement in statements.split("; "):
        query(connection, statement)


def _text(value: Any) -> str:
    """DATA_TYPE and COLUMN_TYPE are blobs in the dictionary and may arrive as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)
