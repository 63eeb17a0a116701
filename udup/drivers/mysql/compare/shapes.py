"""The shapes of tables on the two servers: what the job means each to be on the target, and what is there.

Servers that print alike are compared by what they print (`table_parts.py`), others by what both can say
(`portable.py`): there expressions are told to be some, checks are counted, and what one family alone knows is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from udup.base import runtime
from udup.base.errors import Unsupported
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query
from udup.drivers.mysql.client.errors import NOTHING_THERE
from udup.drivers.mysql.compare.portable import PortableTable, dialect_of, read_tables
from udup.drivers.mysql.compare.portable_words import engine_said
from udup.drivers.mysql.compare.table_parts import (
    CHECK,
    COLUMN,
    FOREIGN_KEY,
    INDEX,
    OPTION,
    PARTITIONS,
    Part,
    Shape,
    Value,
    shape_of,
)
from udup.drivers.mysql.compare.told_alike import told_alike
from udup.drivers.mysql.dictionary.catalog import Catalog, Table
from udup.drivers.mysql.dictionary.shown_tables import shown_table
from udup.drivers.mysql.load.fitted import engine_named, fit_catalog
from udup.drivers.mysql.mariadb.collations import Server, server_of
from udup.drivers.mysql.snapshot.copy import catalog_there
from udup.pipeline.ports.scope import Scope
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection

#: Tables of which is asked in one question.
AT_A_TIME = 100

_COLLATIONS = "SELECT CHARACTER_SET_NAME, COLLATION_NAME FROM information_schema.COLLATIONS WHERE IS_DEFAULT = 'Yes'"


@dataclass(frozen=True)
class Pairing:
    """How definitions of these two servers are compared."""

    source: Server
    target: Server
    alike: bool
    collations: Mapping[str, str]
    folds: bool

    def alike_there(self, text: str) -> str:
        """Return what was told of the target so that it is comparable."""
        return told_alike(text, self.target)

    @classmethod
    def of(cls, source: Connection, target: Connection) -> Pairing:
        alike = dialect_of(source) == dialect_of(target)
        collations = {} if source.is_mariadb else {str(name): str(own) for name, own in query(target, _COLLATIONS)}
        folds = query(target, "SELECT @@lower_case_table_names")[0][0] != 0
        return cls(server_of(source), server_of(target), alike, collations, bool(folds))


@dataclass(frozen=True)
class Meant:
    """A table of the source, and how the target is to have it, in the target's words."""

    source: Table
    target: Table

    @property
    def name(self) -> Name:
        return self.source.schema, self.source.name

    @property
    def there(self) -> Name:
        return self.target.schema, self.target.name


def meant_by(catalog: Catalog, selection: Selection, pairing: Pairing, *, innodb: bool) -> tuple[list[Meant], Catalog]:
    """Return how the job means its tables to be on the target, and the whole of it. Raise `Unsupported`."""
    there = catalog_there(catalog, Scope(selection, innodb=innodb))
    there, _, _ = fit_catalog(there, pairing.source, pairing.target)
    if pairing.folds:
        tables = (replace(each, schema=each.schema.lower(), name=each.name.lower()) for each in there.tables)
        there = replace(there, tables=tuple(tables))
    return [Meant(*pair) for pair in zip(catalog.tables, there.tables, strict=True)], there


def read_portable_tables(connection: Connection, names: Iterable[Name]) -> dict[Name, PortableTable]:
    """Return these tables of a server, so many at a time."""
    wanted, found = sorted(set(names)), {}
    for at in range(0, len(wanted), AT_A_TIME):
        some = wanted[at : at + AT_A_TIME]
        read = read_tables(connection, sorted({schema for schema, _ in some}), sorted({name for _, name in some}))
        found.update({name: read[name] for name in some if name in read})
    return found


def read_there(
    connection: Connection, meant: Iterable[Meant], pairing: Pairing, until: float = 0.0
) -> dict[Name, Shape | None]:
    """Return what the target has of each, by the source's names; None where it has no such table.

    `until` is a moment of `runtime.now` at which it ends, with what was read by then.
    """
    found: dict[Name, Shape | None] = {}
    wanted = list(meant)
    for at in range(0, len(wanted), AT_A_TIME):
        some = wanted[at : at + AT_A_TIME]
        if pairing.alike:
            found.update({each.name: _shown(connection, each, pairing) for each in some})
        else:
            tables = read_portable_tables(connection, (each.there for each in some))
            for each in some:
                table = tables.get(each.there)
                found[each.name] = (
                    None if table is None else _told(table, lambda text: told_alike(text, pairing.target))
                )
        if until and runtime.now() >= until:
            break
    return found


def _shown(connection: Connection, meant: Meant, pairing: Pairing) -> Shape | None:
    try:
        create_sql = shown_table(connection, *meant.there)
    except MySQLError as error:
        if error_code(error) in NOTHING_THERE:
            return None
        raise
    if not create_sql.startswith("CREATE TABLE"):
        return None  # a view in its place
    return _read(replace(meant.target, create_sql=create_sql), pairing)


def _read(table: Table, pairing: Pairing) -> Shape:
    try:
        return shape_of(table, pairing.collations, folds=pairing.folds)
    except Unsupported:
        return Shape({Part("definition"): Value((table.create_sql,))})


def shape_meant(meant: Meant, pairing: Pairing, told: PortableTable | None, selection: Selection) -> Shape:
    """Return what the target is to have. `told` is the source's table, where the two do not print alike."""
    shown = _read(meant.target, pairing)
    if told is None:
        return shown
    new = dict(meant.source.mapped)

    def alike(text: str) -> str:
        return told_alike(text, pairing.source, pairing.target)

    def parent(schema: str, table: str) -> Name:
        there = selection.renamed_table(schema, table)
        return (there[0].lower(), there[1].lower()) if pairing.folds else there

    made = _told(told, alike, parent, new)
    engine = engine_named(meant.target.create_sql)
    parts = {part: replace(value, words=_words(shown, part)) for part, value in made.parts.items()}
    if engine:
        parts[Part(OPTION, "ENGINE")] = Value((engine_said(engine),), f"ENGINE={engine}")
    of_keys = {part for part in parts if part.kind in (INDEX, FOREIGN_KEY) and part not in shown.parts}
    unsure = {Part(PARTITIONS), Part(CHECK)} if new else set()
    return Shape({part: value for part, value in parts.items() if part not in of_keys | unsure}, made.columns)


def _words(shown: Shape, part: Part) -> str:
    return shown.parts[part].words if part in shown.parts else ""


def _told(
    table: PortableTable,
    alike: Callable[[str], str],
    parent: Callable[[str, str], Name] = lambda schema, name: (schema, name),
    new: Mapping[str, str] | None = None,
) -> Shape:
    """Return a table's shape by what both families can say; `new` are the names of mapped columns, if not all are."""
    engine, collation, comment = table.options
    parts = {
        Part(OPTION, "ENGINE"): Value((engine,)),
        Part(OPTION, "COLLATE"): Value((alike(collation),)),
        Part(OPTION, "COMMENT"): Value((repr(comment),)),
        Part(CHECK): Value((f"{table.checks} checks",)),
    }
    columns = [each for each in table.columns if not new or each.name in new]
    for each in columns:
        parts[Part(COLUMN, (new or {}).get(each.name, each.name))] = Value(_column(each.said, alike))
    for name, rows in table.indexes.items():
        if not new or all(row[2] in new for row in rows):
            said = (", ".join((*row[:2], (new or {}).get(row[2], row[2]), *row[3:])) for row in rows)
            parts[Part(INDEX, name)] = Value(("; ".join(said),))
    rules = {name: (update, delete) for name, update, delete in table.key_rules}
    keys: dict[str, list[str]] = {}
    for name, place, column, schema, other, other_column in table.key_columns:
        keys.setdefault(name, []).append(f"{place}: {column} to {'.'.join(parent(schema, other))}.{other_column}")
    for name, pairs in keys.items():
        update, delete = rules.get(name, ("", ""))
        parts[Part(FOREIGN_KEY, name)] = Value((f"{', '.join(pairs)} ON UPDATE {update} ON DELETE {delete}",))
    if table.partitions:
        parts[Part(PARTITIONS)] = Value(("\n".join(", ".join(row) for row in table.partitions),))
    return Shape(parts, tuple((new or {}).get(each.name, each.name) for each in columns))


def _column(said: tuple[str, ...], alike: Callable[[str], str]) -> tuple[str, ...]:
    """Return a column's fields in words."""
    column_type, nullable, default, extra, *charset, comment = said
    return (
        *(column_type, "NULL" if nullable == "YES" else "NOT NULL"),
        "no default" if default == "none" else f"DEFAULT {default}",
        extra or "nothing of its own",
        " ".join(alike(each) for each in charset).strip() or "no character set",
        f"COMMENT {comment!r}" if comment else "no comment",
    )
