"""The catalog of a full copy as it is to be on the target: the same definitions under the new names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from udup.base.errors import Unsupported
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.ddl.rewriting import rewritten_text
from udup.drivers.mysql.ddl.sqltokens import MODE_ANSI_QUOTES, MODE_NO_BACKSLASH_ESCAPES
from udup.drivers.mysql.dictionary.catalog import Catalog, NumberSequence, Schema, StoredObject, Table
from udup.pipeline.selection.renames import Name, Renaming
from udup.pipeline.selection.selection import Selection


def renamed_catalog(catalog: Catalog, selection: Selection) -> Catalog:
    """Return it with the tables in the same order. `Unsupported` names all that cannot be renamed for certain."""
    if not selection.renames:
        return catalog
    renaming = Renaming(selection, names_of(catalog))
    problems: list[str] = []
    schemas = tuple(_schema(each, renaming) for each in catalog.schemas)
    tables = tuple(_table(each, renaming, problems) for each in catalog.tables)
    objects = tuple(_object(each, renaming, problems) for each in catalog.objects)
    if problems:
        raise Unsupported("the source holds what cannot be renamed exactly: " + "; ".join(problems))
    sequences = tuple(_sequence(each, renaming) for each in catalog.sequences)
    return Catalog(schemas, tables, objects, sequences=sequences)


def renamed_object(stored: StoredObject, renaming: Renaming) -> StoredObject:
    """Return one as it is on the target. `Unsupported` if it cannot be renamed for certain."""
    problems: list[str] = []
    renamed = _object(stored, renaming, problems) if renaming.active else stored
    if problems:
        raise Unsupported(
            f"it cannot be renamed exactly: {problems[0]}; drop it on the source (DROP {stored.kind}"
            f" {qualified(stored.schema, stored.name)}), and make it on the target when the job has ended, before"
            " applications write"
        )
    return renamed


def names_of(catalog: Catalog) -> Iterator[Name]:
    """Yield schemas as (schema, ""), tables and views."""
    for schema in catalog.schemas:
        yield schema.name, ""
    for table in catalog.tables:
        yield table.schema, table.name
    for sequence in catalog.sequences:
        yield sequence.schema, sequence.name
    for each in catalog.objects:
        if each.kind == "VIEW":
            yield each.schema, each.name


def _schema(schema: Schema, renaming: Renaming) -> Schema:
    new = renaming.schema(schema.name)
    rest = schema.create_sql.removeprefix(f"CREATE DATABASE {quote(schema.name)}")
    return Schema(new, f"CREATE DATABASE {quote(new)}{rest}")


def _table(table: Table, renaming: Renaming, problems: list[str]) -> Table:
    try:
        schema, name = renaming.table(table.schema, table.name)
        create_sql = rewritten_text(table.create_sql, table.schema, renaming)
    except Unsupported as error:
        problems.append(f"table {table.schema}.{table.name}: {error}")
        return table
    return replace(table, schema=schema, name=name, create_sql=create_sql, source=f"{table.schema}.{table.name}")


def _sequence(sequence: NumberSequence, renaming: Renaming) -> NumberSequence:
    schema, name = renaming.table(sequence.schema, sequence.name)
    return replace(sequence, schema=schema, name=name, source=f"{sequence.schema}.{sequence.name}")


def _object(stored: StoredObject, renaming: Renaming, problems: list[str]) -> StoredObject:
    """Rename a view like a table; routines, triggers and events keep their names in the renamed schema."""
    try:
        schema, name = renaming.schema(stored.schema), stored.name
        if stored.kind == "VIEW":
            schema, name = renaming.table(stored.schema, name)
        table = renaming.table(stored.schema, stored.table)[1] if stored.table else ""
        sql = rewritten_text(stored.sql, stored.schema, renaming, mode_bits(stored.sql_mode))
    except Unsupported as error:
        problems.append(f"{stored.kind.lower()} {stored.schema}.{stored.name}: {error}")
        return stored
    return replace(stored, schema=schema, name=name, table=table, sql=sql)


def mode_bits(sql_mode: str) -> int:
    """Return the bits of a sql_mode that decide how a text is read."""
    words = sql_mode.split(",")
    return MODE_ANSI_QUOTES * ("ANSI_QUOTES" in words) | MODE_NO_BACKSLASH_ESCAPES * ("NO_BACKSLASH_ESCAPES" in words)
