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

from udup.base.errors import Unsupported
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, is_transient, query
from udup.drivers.mysql.client.dictionary_columns import with_known_columns
from udup.drivers.mysql.client.errors import ER
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.client.session_setup import enter
from udup.drivers.mysql.client.sessions import DICTIONARY
from udup.drivers.mysql.columns.mapping import map_of
from udup.drivers.mysql.dictionary.catalog import Catalog, Column, NumberSequence, Schema, StoredObject, Table
from udup.drivers.mysql.dictionary.defaults import default_of
from udup.drivers.mysql.dictionary.engines import MERGE, is_non_transactional, is_transactional
from udup.drivers.mysql.dictionary.float_digits import digits, is_loose, text_loses
from udup.drivers.mysql.dictionary.shown_tables import shown_table
from udup.drivers.mysql.filters.table_filter import dictionary_condition
from udup.drivers.mysql.mariadb.history import read_periods
from udup.drivers.mysql.snapshot.merge_tables import merge_problems
from udup.drivers.mysql.snapshot.rows import MEMBER_KINDS
from udup.drivers.mysql.snapshot.sequences import read_sequences
from udup.drivers.mysql.snapshot.stored import GONE, read_objects
from udup.pipeline.selection.selection import ColumnNames, Selection

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

#: A literal in a generated column, a default or a CHECK with what is left of a character beyond U+FFFF.
_LOST_LITERAL = re.compile(r"_utf8mb4'(?:[^'\\]|\\.|'')*\?{4}", re.DOTALL)

#: Names and strings of a definition, and what is left of a CHECK, and of an index on an expression, without them.
_QUOTED = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_COMPUTED = re.compile(r" CHECK \(|KEY \S+ [^\n]*?[(,]\(")

#: From here on MySQL casts to FLOAT and DOUBLE.
_CASTS_TO_FLOAT = (8, 0, 17)

_COLUMNS = (
    "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME,"
    " IS_NULLABLE, GENERATION_EXPRESSION, CHARACTER_OCTET_LENGTH, EXTRA, COLUMN_DEFAULT"
    " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, ORDINAL_POSITION"
)
_UNIQUE_KEYS = (
    "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS"
    " WHERE TABLE_SCHEMA = %s AND NON_UNIQUE = 0 AND IS_VISIBLE = 'YES'"
    " ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"
)
_INDEXED_COLUMNS = (
    "SELECT TABLE_NAME, COLUMN_NAME, MIN(INDEX_NAME) FROM information_schema.STATISTICS"
    " WHERE TABLE_SCHEMA = %s AND COLUMN_NAME IS NOT NULL AND SUB_PART IS NULL AND IS_VISIBLE = 'YES'"
    " AND INDEX_TYPE = 'BTREE' GROUP BY TABLE_NAME, COLUMN_NAME ORDER BY TABLE_NAME, COLUMN_NAME"
)

#: What the columns of a period are generated as, in a table WITH SYSTEM VERSIONING that names them.
_OF_PERIOD = frozenset({"ROW START", "ROW END"})

_AUTO_INCREMENT_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")


@dataclass(frozen=True)
class _Key:
    index: str
    columns: tuple[str, ...]


def read_catalog(connection: Connection, selection: Selection) -> Catalog:
    """Return everything that `selection` carries. Raise `Unsupported` naming all tables and objects that cannot be.

    Changes the session to `DICTIONARY`; no default database may be chosen on `connection`.
    """
    enter(connection, DICTIONARY)
    problems: list[str] = []
    schemas: list[Schema] = []
    tables: list[Table] = []
    objects: list[StoredObject] = []
    sequences: list[NumberSequence] = []
    for (name,) in query(connection, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY 1"):
        if not selection.wants_schema(name):
            continue
        try:
            create = query(connection, f"SHOW CREATE DATABASE {quote(name)}")[0][1]
        except MySQLError as error:
            if error_code(error) != ER.BAD_DB_ERROR:
                raise
            continue  # dropped since it was listed; the log tells of it
        schemas.append(Schema(name, create))
        tables.extend(_read_tables(connection, name, selection, problems))
        objects.extend(read_objects(connection, name, selection, problems))
        sequences.extend(read_sequences(connection, name, selection))
    problems.extend(merge_problems(connection, selection))
    if problems:
        raise Unsupported("the source holds what cannot be copied exactly: " + "; ".join(problems))
    return Catalog(tuple(schemas), tuple(tables), tuple(objects), sequences=tuple(sequences))


def same_definitions(one: Catalog, other: Catalog) -> bool:
    """Return whether no DDL came between two readings; estimates and AUTO_INCREMENT counters may differ."""
    return (
        one.schemas == other.schemas
        and one.objects == other.objects
        and one.sequences == other.sequences
        and [_definition(table) for table in one.tables] == [_definition(table) for table in other.tables]
    )


def _definition(table: Table) -> Table:
    create_sql = _AUTO_INCREMENT_COUNTER.sub("", table.create_sql)
    return replace(table, rows_estimate=0, row_bytes=0, create_sql=create_sql)


def _read_tables(connection: Connection, schema: str, selection: Selection, problems: list[str]) -> list[Table]:
    rows = query(
        connection,
        "SELECT TABLE_NAME, ENGINE, TABLE_ROWS, AVG_ROW_LENGTH FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = %s AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY TABLE_NAME",
        schema,
    )
    columns = read_columns(connection, schema)
    keys, periods = _read_keys(connection, schema), read_periods(connection, schema)
    virtual_keys = _read_virtual_keys(connection, schema, columns)
    tables = []
    for name, engine, estimate, row_bytes in rows:
        if not selection.wants(schema, name):
            continue
        problem = _engine_problem(qualified(schema, name), engine, has_history=name in periods)
        if problem:
            if engine is not None or _is_listed(connection, schema, name):
                problems.append(problem)
            continue
        own = columns.get(name, ())
        try:
            lost = list(_lost_members(connection, schema, name, own))
            create = shown_table(connection, schema, name)
            own = tuple(replace(column, loose=engine.lower() != MERGE and is_loose(create, column)) for column in own)
            lost += _lost_digits(connection, schema, name, own)
        except MySQLError as error:
            if engine.lower() == MERGE and not is_transient(error) and not _opens(connection, schema, name):
                continue  # one that cannot be opened: `merge_problems` names it
            if error_code(error) not in GONE or _is_listed(connection, schema, name):
                raise
            continue  # dropped since it was listed; the log tells of it
        problems.extend(lost)
        condition, problem = _condition(selection, schema, name, own)
        if problem:
            problems.append(problem)
        if condition:
            estimate = _estimate(connection, schema, name, condition)
        mapped, problem = _map(selection, schema, name, own)
        if problem:
            problems.append(problem)
        if mapped:
            own = _in_map(own, mapped)
        key = _chunk_key(keys.get(name, {}), own) if engine.lower() in _ORDERED_ENGINES else _Key("", ())
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
                computes=any(column.generated for column in own)
                or _COMPUTED.search(_QUOTED.sub("x", create)) is not None,
                # What an index on a virtual column holds says nothing of the rows that are in the job.
                virtual_keys=() if condition or mapped else virtual_keys.get(name, ()),
                engine=engine,
                condition=condition,
                mapped=mapped,
                period=periods.get(name, ()),
            )
        )
    return tables


def _condition(selection: Selection, schema: str, table: str, columns: tuple[Column, ...]) -> tuple[str, str]:
    """Return the SQL of the rows that are in the job, "" for all of them, and what is wrong with it."""
    try:
        return dictionary_condition(selection, schema, table, columns), ""
    except Unsupported as error:
        return "", str(error)


def _map(selection: Selection, schema: str, table: str, columns: tuple[Column, ...]) -> tuple[ColumnNames, str]:
    """Return a table's column map, by the names that its columns really have, and what is wrong with it."""
    names = {column.name.lower(): column.name for column in columns}
    try:
        wanted = map_of(selection, schema, table)
    except Unsupported as error:
        return (), str(error)
    if missing := [name for name, _ in wanted if name.lower() not in names]:
        return (), f"{schema}.{table} has no column {', '.join(missing)}, which its ColumnMapFrom names"
    return tuple((names[name.lower()], new) for name, new in wanted), ""


def _in_map(columns: tuple[Column, ...], mapped: ColumnNames) -> tuple[Column, ...]:
    by_name = {column.name: column for column in columns}
    return tuple(by_name[name] for name, _ in mapped)


def _estimate(connection: Connection, schema: str, table: str, condition: str) -> int:
    """Return how many rows the server expects to be in the job."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN FORMAT=TRADITIONAL SELECT 1 FROM {qualified(schema, table)} WHERE {condition}")
        plan = dict(zip([str(column[0]) for column in cursor.description], cursor.fetchone() or (), strict=False))
    filtered = plan.get("filtered")  # which servers before 5.7, and MariaDB, do not say
    return int(float(plan.get("rows") or 0) * float(100 if filtered is None else filtered) / 100)


def _is_listed(connection: Connection, schema: str, table: str) -> bool:
    sql = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return bool(query(connection, sql, schema, table))


def _opens(connection: Connection, schema: str, table: str) -> bool:
    """Return whether the server shows a table."""
    try:
        return bool(query(connection, f"SHOW CREATE TABLE {qualified(schema, table)}"))
    except MySQLError as error:
        if is_transient(error):
            raise
        return False


def _casts(connection: Connection) -> bool:
    """Return whether the server has CAST(… AS FLOAT)."""
    return not connection.is_mariadb and connection.version >= _CASTS_TO_FLOAT


def _engine_problem(table: str, engine: str | None, *, has_history: bool) -> str:
    if engine is None:
        return f"table {table} cannot be opened by the source itself: repair, drop or leave it out"
    if has_history and not is_transactional(engine):
        return f"table {table} ({engine}) keeps its history in an engine without transactions: make it InnoDB"
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


def _lost_digits(connection: Connection, schema: str, table: str, columns: tuple[Column, ...]) -> Iterator[str]:
    """Values of FLOAT(M,D) and DOUBLE(M,D) that have other digits than their column, where these must be there while
    the rows are loaded.
    """
    for column in columns:
        if column.loose or column.generated or not digits(column):
            continue
        if query(
            connection,
            f"SELECT 1 FROM {qualified(schema, table)} WHERE {text_loses(column, casts=_casts(connection))} LIMIT 1",
        ):
            yield (
                f"column {quote(column.name)} of table {qualified(schema, table)} is {column.column_type} and holds"
                f" numbers with other digits, and others are computed from it: ALTER TABLE … MODIFY it to"
                f" {column.kind.upper()} without digits, or leave the table out"
            )


def read_columns(connection: Connection, schema: str) -> dict[str, tuple[Column, ...]]:
    """Return the columns of a schema's tables, in their order."""
    rows = query(
        connection,
        with_known_columns(connection, _COLUMNS),
        schema,
    )
    columns: dict[str, list[Column]] = {}
    for table, name, kind, column_type, charset, collation, nullable, expression, octets, extra, default in rows:
        if _text(expression or "") in _OF_PERIOD:
            continue
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
                materialized="STORED GENERATED" in _text(extra),
                default=default_of(default, extra, nullable == "YES"),
            )
        )
    return {table: tuple(own) for table, own in columns.items()}


def _read_keys(connection: Connection, schema: str) -> dict[str, dict[str, list[str]]]:
    """Unique indexes by table and name; a part that is an expression or a prefix is the empty name."""
    rows = query(
        connection,
        with_known_columns(connection, _UNIQUE_KEYS),
        schema,
    )
    keys: dict[str, dict[str, list[str]]] = {}
    for table, index, column, prefix in rows:
        part = column if column is not None and prefix is None else ""
        keys.setdefault(table, {}).setdefault(index, []).append(part)
    return keys


def _read_virtual_keys(
    connection: Connection, schema: str, columns: dict[str, tuple[Column, ...]]
) -> dict[str, tuple[tuple[str, str], ...]]:
    """By table: each virtual column with an index that holds its whole values and can be read."""
    if not any(each.generated and not each.materialized for own in columns.values() for each in own):
        return {}
    rows = query(
        connection,
        with_known_columns(connection, _INDEXED_COLUMNS),
        schema,
    )
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for table, name, index in rows:
        column = next((each for each in columns.get(table, ()) if each.name == name), None)
        if column is not None and column.generated and not column.materialized:
            found[table] = (*found.get(table, ()), (name, index))
    return found


def _chunk_key(indexes: dict[str, list[str]], columns: tuple[Column, ...]) -> _Key:
    """Return the primary key if it serves, else the unique key with the fewest columns, else none."""
    usable = {column.name for column in columns if column.kind in KEY_KINDS and not column.nullable}
    serving = [_Key(index, tuple(parts)) for index, parts in indexes.items() if all(part in usable for part in parts)]
    serving.sort(key=lambda key: (key.index != "PRIMARY", len(key.columns), key.index))
    return serving[0] if serving else _Key("", ())


def _text(value: Any) -> str:
    """DATA_TYPE and COLUMN_TYPE are blobs in the dictionary and may arrive as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)
