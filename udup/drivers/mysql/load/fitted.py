"""A copy's definitions in the words of a target of the other family, or of an older one of the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from udup.base.errors import Fault, Refused
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.dictionary.catalog import Catalog, NumberSequence, Schema, StoredObject, Table
from udup.drivers.mysql.mariadb.collations import Server, fit_collation, server_of
from udup.drivers.mysql.mariadb.definitions import Fitted, fit_statement, fit_table, needs_fitting
from udup.drivers.mysql.mariadb.generated import REMEDY, WHY, would_be_stale
from udup.drivers.mysql.mariadb.history import INSERTS_HISTORY, ROW_END, ROW_START
from udup.drivers.mysql.mariadb.history_ddl import OTHER_END, has_other_end
from udup.drivers.mysql.mariadb.modes import for_mariadb, for_mysql
from udup.pipeline.checks import DEST

#: From here on a sequence may be of another type than BIGINT.
_TYPED_SEQUENCES = (11, 5, 0)

_QUOTED = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_PRIMARY_KEY = re.compile(r"^ *PRIMARY KEY ", re.MULTILINE)
_ENGINE = re.compile(r"\) ENGINE=(\w+)")

NO_ACCOUNTS = Fault(
    "",
    "accounts are not carried between MySQL and MariaDB, which keep passwords and rights otherwise",
    "leave ExpandSyntaxSupport off, and make the accounts on the target by hand",
    DEST,
)


def fitted_catalog(catalog: Catalog, source: Server, target: Server, where: str) -> tuple[Catalog, list[str]]:
    """Return what the target is to make, and what is to be told of it. Raise `Refused` with all that it cannot have."""
    made, told, faults = fit_catalog(catalog, source, target)
    _refuse(faults, where)
    return made, told


def fit_catalog(catalog: Catalog, source: Server, target: Server) -> tuple[Catalog, list[str], list[Fault]]:
    """Return what the target is to make, what is to be told of it, and what it cannot have, by its place."""
    if not needs_fitting(source, target):
        return catalog, [], []
    faults: list[Fault] = []
    told: dict[str, None] = {}

    def note(fitted: Fitted) -> str:
        told.update(dict.fromkeys(fitted.notices))
        for refusal in fitted.refusals:
            place = f"{refusal.schema}.{refusal.table}{f', column {refusal.column}' if refusal.column else ''}"
            faults.append(Fault(place, refusal.problem, refusal.remedy, DEST))
        return fitted.sql

    def of_table(table: Table) -> Table:
        if would_be_stale(source, target) and (stored := [each.name for each in table.columns if each.materialized]):
            place = f"{table.schema}.{table.name}, column {stored[0]}"
            faults.append(Fault(place, WHY, REMEDY, DEST))
        if table.period and not target.is_mariadb and not _PRIMARY_KEY.search(table.create_sql):
            problem = "WITH SYSTEM VERSIONING and without a primary key: its log does not tell which rows are of today"
            remedy = "give it a primary key on the source, or leave it out (ReplicateIgnoreDb)"
            faults.append(Fault(f"{table.schema}.{table.name}", problem, remedy, DEST))
        return replace(table, create_sql=note(fit_table(table.schema, table.name, table.create_sql, source, target)))

    def of_schema(schema: Schema) -> Schema:
        return replace(schema, create_sql=note(fit_statement(schema.create_sql, 0, schema.name, source, target)))

    if catalog.accounts and source.is_mariadb is not target.is_mariadb:
        faults.append(NO_ACCOUNTS)
    made = replace(
        catalog,
        schemas=tuple(map(of_schema, catalog.schemas)),
        tables=tuple(map(of_table, catalog.tables)),
        objects=tuple(_objects(catalog.objects, source, target, note, faults)),
        sequences=tuple(_sequences(catalog.sequences, target, told, faults)),
    )
    return made, list(told), faults


def _refuse(faults: Iterable[Fault], where: str) -> None:
    if placed := [replace(each, where=f"{where}: {each.where}" if each.where else where) for each in faults]:
        raise Refused(placed)


def check_engines(connection: Connection, tables: Iterable[Table], where: str) -> None:
    """Raise `Refused` for engines that the target has not loaded: in its place it would take another without a word."""
    _refuse(engine_faults(read_engines(connection), tables), where)


def read_engines(connection: Connection) -> list[str]:
    """Return the storage engines that a server has loaded."""
    rows = query(connection, "SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')")
    return [str(name) for (name,) in rows]


def engine_faults(engines: Iterable[str], tables: Iterable[Table]) -> list[Fault]:
    """Return a fault for each table whose engine is not among those that the target has."""
    there = {name.lower() for name in engines}
    faults = []
    for table in tables:
        wanted = engine_named(table.create_sql)
        if wanted and wanted.lower() not in there:
            remedy = (
                f'load it there (INSTALL SONAME \'ha_{wanted.lower()}\'), set "Engine": "InnoDB" in the Dest\'s Config,'
                " or leave the table out"
            )
            problem = f"the target has not the storage engine {wanted}"
            faults.append(Fault(f"{table.schema}.{table.name}", problem, remedy, DEST))
    return faults


def check_history(connection: Connection, tables: Iterable[Table], source: Server, where: str, *, fills: bool) -> None:
    """Raise `Refused` for tables whose history the target cannot be given."""
    faults = []
    for table in tables:
        if not table.period:
            continue
        problem, remedy = "", "leave the table out, or upgrade the target"
        if connection.version < INSERTS_HISTORY:
            problem = "its rows of the past (WITH SYSTEM VERSIONING) cannot be copied to a target before MariaDB 10.11"
        elif fills:
            problem = "a table WITH SYSTEM VERSIONING is not filled by a copy, since it keeps whatever it held before"
            remedy = "drop it on the target, and leave the job to make it"
        elif has_other_end(source, server_of(connection)) and table.period != (ROW_START, ROW_END):
            problem, remedy = OTHER_END, "have its period in the columns that the server makes, or leave the table out"
        if problem:
            faults.append(Fault(f"{where}: {table.schema}.{table.name}", problem, remedy, DEST))
    if faults:
        raise Refused(faults)


def engine_named(create_sql: str) -> str:
    """Return the engine that a definition names behind its columns, "" for none."""
    found = _ENGINE.findall(_QUOTED.sub("''", create_sql))
    return str(found[-1]) if found else ""


def _objects(
    objects: Iterable[StoredObject],
    source: Server,
    target: Server,
    note: Callable[[Fitted], str],
    faults: list[Fault],
) -> Iterable[StoredObject]:
    for stored in objects:
        place = f"{stored.kind.lower()} {stored.schema}.{stored.name}"
        made = _in_its_session(stored, source, target)
        if isinstance(made, str):
            remedy = "make it again on the source in a session whose settings the target knows too, or leave it out"
            faults.append(Fault(place, made, remedy, DEST))
            continue
        yield replace(made, sql=note(fit_statement(stored.sql, 0, stored.schema, source, target)))


def _sequences(
    sequences: Iterable[NumberSequence], target: Server, told: dict[str, None], faults: list[Fault]
) -> Iterator[NumberSequence]:
    """Yield the sequences that the target gets: a MySQL has none, an old MariaDB those of BIGINT."""
    for each in sequences:
        place = f"{each.schema}.{each.name}"
        if not target.is_mariadb:
            told[f"{place}: a sequence, which the target has none of, is left out"] = None
        elif each.options.startswith(" as ") and target.version < _TYPED_SEQUENCES:
            remedy = "make it again on the source without AS, or leave it out (ReplicateIgnoreDb)"
            faults.append(Fault(place, "the target has sequences of BIGINT alone", remedy, DEST))
        else:
            yield each


def _in_its_session(stored: StoredObject, source: Server, target: Server) -> StoredObject | str:
    """Return it with the context of its original by the target's names, or why the target has none like it."""
    words = [word for word in stored.sql_mode.split(",") if word]
    if source.is_mariadb is not target.is_mariadb:
        sql_mode = for_mariadb(words) if target.is_mariadb else for_mysql(words)
        if sql_mode is None:
            return f"its sql_mode ({stored.sql_mode}) means what the target does not know"
    else:
        sql_mode = stored.sql_mode
    found: dict[str, str] = {}
    for name in ("collation_connection", "collation_database"):
        collation = getattr(stored, name)
        fit = fit_collation(collation, source, target) if collation else None
        if collation and fit is None:
            return f"its {name} is {collation}, which the target has none like"
        found[name] = fit.name if fit else ""
    return replace(
        stored,
        sql_mode=sql_mode,
        collation_connection=found["collation_connection"],
        collation_database=found["collation_database"],
    )
