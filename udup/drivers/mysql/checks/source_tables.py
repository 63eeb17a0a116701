"""Whether a source's tables can be replicated: what only a look into its dictionary shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from udup.base.errors import Fault
from udup.base.long_text import some_of
from udup.drivers.mysql.checks.retention import expires_after, short_for_copy
from udup.drivers.mysql.checks.snapshot_access import snapshot_findings, snapshot_way
from udup.drivers.mysql.checks.source_mariadb import versioned_tables
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query, scalar
from udup.drivers.mysql.client.facts import LOGS_CASCADES, ServerFacts
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.xa_recover import XA_RECOVER_DENIED, recover
from udup.drivers.mysql.columns.checks import MapProblem, map_problems
from udup.drivers.mysql.dictionary.engines import MERGE, is_non_transactional, is_transactional
from udup.drivers.mysql.filters.checks import FilterProblem, filter_problems
from udup.drivers.mysql.snapshot.merge_tables import merge_problems
from udup.drivers.mysql.snapshot.names import NEW_NAMES
from udup.drivers.mysql.snapshot.snapshot import sees_commits
from udup.pipeline.checks import SRC, Check, Finding, Rule, apply, failed, faults, warned
from udup.pipeline.selection.renames import problems_of
from udup.pipeline.selection.selection import Selection

#: Names shown of a list.
_SHOWN = 10

#: Bytes of a table without transactions from which on its lock is told: it lasts for as long as the reading does.
_LOCKED_LONG = 8 << 20

_MERGES = "have the job carry the MERGE table and all tables that it shows, or none of them (ReplicateIgnoreDb)"

#: NULL from a server that knows time zones by their numbers only.
_ZONE_PROBE = "SELECT CONVERT_TZ('2000-01-01 00:00:00', 'UTC', 'Europe/Berlin')"


@dataclass(frozen=True)
class SourceTable:
    schema: str
    name: str
    engine: str
    has_key: bool
    data_bytes: int = 0

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class ForeignKey:
    """One that changes rows of `child` when rows of `parent`, which is not in the job, change.

    `filtered`: some rows or columns of one of them are in the job, as their Where or ColumnMapFrom says.
    """

    name: str
    child: str
    parent: str
    filtered: bool = False


@dataclass(frozen=True)
class SourceTables:
    """What the dictionary says about the job's tables; `prepared` is None where the account may not ask."""

    facts: ServerFacts
    selection: Selection
    full_copy: bool
    tables: tuple[SourceTable, ...]
    cascades: tuple[ForeignKey, ...]
    prepared: tuple[str, ...] | None
    named_zones: bool
    merges: tuple[str, ...] = ()
    sees_commits: bool = True
    filters: tuple[FilterProblem, ...] = ()
    maps: tuple[MapProblem, ...] = ()
    versioned: tuple[str, ...] = ()  # MariaDB's tables that keep what their rows were by transactions


def read_tables(connection: Connection, facts: ServerFacts, selection: Selection, *, full_copy: bool) -> SourceTables:
    """Ask the dictionary. MySQL's own errors pass."""
    folded = selection.folding(facts.lower_case_table_names != 0)
    return SourceTables(
        facts=facts,
        selection=folded,
        full_copy=full_copy,
        tables=tuple(_read_tables(connection, folded)),
        cascades=tuple(_read_cascades(connection, facts, folded)),
        prepared=_read_prepared(connection),
        named_zones=knows_zones(connection),
        merges=tuple(merge_problems(connection, folded)),
        sees_commits=sees_commits(connection),
        filters=tuple(filter_problems(connection, facts, folded)),
        maps=tuple(map_problems(connection, folded)),
        versioned=tuple(versioned_tables(connection, facts, folded)),
    )


def table_checks(tables: SourceTables) -> Iterator[Check]:
    """What the dictionary speaks for and against."""
    rules = (*_RULES, _VERSIONED) if tables.facts.is_mariadb else _RULES
    for each in apply(rules, SRC, tables):
        yield replace(each, remedy=tables.facts.in_its_words(each.remedy))


def check_parents(connection: Connection, facts: ServerFacts, selection: Selection) -> list[Fault]:
    """Foreign keys of chosen tables to parents outside of the job, whose cascades this source does not log; MERGE
    tables of which a part is in the job; tables with system versioning.
    """
    folded = selection.folding(facts.lower_case_table_names != 0)
    cascades = tuple(_read_cascades(connection, facts, folded))
    versioned = tuple(versioned_tables(connection, facts, folded))
    tables = SourceTables(facts, folded, False, (), cascades, (), named_zones=True, versioned=versioned)
    where = f"Src {facts.address}"
    merges = [Fault(where, problem, _MERGES, SRC) for problem in merge_problems(connection, folded)]
    return faults(where, apply((_PARENTS, _VERSIONED), SRC, tables)) + merges


def knows_zones(connection: Connection) -> bool:
    """Whether the server knows time zones by their names (its time zone tables are filled)."""
    return scalar(connection, _ZONE_PROBE) is not None


# ---- Reading ----


def _read_tables(connection: Connection, selection: Selection) -> Iterator[SourceTable]:
    keyed = set(
        query(
            connection,
            "SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME FROM (SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME"
            " FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0"
            " GROUP BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME"
            " HAVING SUM(NULLABLE = 'YES') = 0 AND SUM(COLUMN_NAME IS NULL) = 0) AS unique_keys",
        )
    )
    rows = query(
        connection,
        "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE, DATA_LENGTH FROM information_schema.TABLES"
        " WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
        " ORDER BY TABLE_SCHEMA, TABLE_NAME",
    )
    for schema, name, engine, size in rows:
        if selection.wants(schema, name):
            yield SourceTable(schema, name, engine or "unknown", (schema, name) in keyed, int(size or 0))


def _read_cascades(connection: Connection, facts: ServerFacts, selection: Selection) -> Iterator[ForeignKey]:
    if facts.logs_cascades:
        return
    rows = query(
        connection,
        "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME"
        " FROM information_schema.REFERENTIAL_CONSTRAINTS"
        " WHERE UPDATE_RULE IN ('CASCADE', 'SET NULL') OR DELETE_RULE IN ('CASCADE', 'SET NULL')",
    )
    for schema, table, name, parent_schema, parent in rows:
        if not selection.wants(schema, table):
            continue
        parts = {(schema, table), (parent_schema, parent)}
        filtered = any(selection.filters_of(*each) != ("",) or selection.columns_of(*each) != ((),) for each in parts)
        if filtered or not selection.wants(parent_schema, parent):
            yield ForeignKey(name, f"{schema}.{table}", f"{parent_schema}.{parent}", filtered)


def _read_prepared(connection: Connection) -> tuple[str, ...] | None:
    """The xids of prepared XA transactions."""
    try:
        return tuple(map(str, recover(connection)))
    except MySQLError as error:
        if error_code(error) == XA_RECOVER_DENIED:
            return None
        raise


# ---- Judging ----


def _named(tables: SourceTables) -> Iterator[Finding]:
    """Names that the source does not have (yet)."""
    schemas, names = {each.schema for each in tables.tables}, {(each.schema, each.name) for each in tables.tables}
    for place in tables.selection.places():
        if tables.facts.privileges.missing(("SELECT",), place.schema, place.table):
            continue  # a fault of its own: what the account may not read, it does not see
        if place.table == "*" and place.schema not in schemas:
            yield warned(
                f"there is no table in schema {place.schema} that the job would carry",
                "look at the spelling in ReplicateDoDb; tables made later are carried",
            )
        if place.table != "*" and (place.schema, place.table) not in names:
            yield warned(
                f"there is no table {place.schema}.{place.table}",
                "look at the spelling in ReplicateDoDb; if it is made later it is carried",
            )


def _new_names(tables: SourceTables) -> Iterator[Finding]:
    names = {(each.schema, each.name) for each in tables.tables} | {(each.schema, "") for each in tables.tables}
    for problem in problems_of(tables.selection, sorted(names)):
        yield failed(problem, NEW_NAMES)


def _parents(tables: SourceTables) -> Iterator[Finding]:
    for key in tables.cascades:
        yield failed(
            f"rows of {key.child} change with {key.parent} through the foreign key {key.name}, which the source does "
            f"not log before MySQL {'.'.join(map(str, LOGS_CASCADES[:2]))} or with innodb_native_foreign_keys=ON",
            f"remove the Where of {key.parent} and {key.child}, and their ColumnMapFrom"
            if key.filtered
            else f"add {key.parent} to ReplicateDoDb",
        )


def _engines(tables: SourceTables) -> Iterator[Finding]:
    known = {each for each in tables.tables if is_transactional(each.engine) or is_non_transactional(each.engine)}
    unknown = [each for each in tables.tables if each not in known]
    if unknown:
        found = f"{_listed([f'{each} ({each.engine})' for each in unknown])}: rows that live elsewhere are not carried"
        yield failed(found, f"leave {unknown[0]} out (ReplicateIgnoreDb)")
    for problem in tables.merges:
        yield failed(problem, _MERGES)
    apart = [each for each in tables.tables if is_non_transactional(each.engine)]
    if not apart:
        return
    yield warned(
        f"{_listed([f'{each} ({each.engine})' for each in apart])}: not transactional. Each change of them is applied "
        "alone, some hundred a second, and after a crash of the target's server a job may have to ask",
        '"Engine": "InnoDB" in the Dest\'s Config makes them InnoDB there',
    )
    held = [each for each in apart if each.engine.lower() != MERGE]
    if tables.full_copy and held:
        yield from _locks(tables.facts, held)


def _locks(facts: ServerFacts, held: list[SourceTable]) -> Iterator[Finding]:
    schemas = sorted({each.schema for each in held})
    denied = [schema for schema in schemas if facts.privileges.missing(("LOCK TABLES",), schema, "*")]
    if denied:
        yield failed(
            f"{facts.account} has not LOCK TABLES on {', '.join(denied)}, where tables without transactions are copied "
            "under a read lock",
            "; ".join(f"GRANT LOCK TABLES ON {quote(schema)}.* TO {facts.account}" for schema in denied),
        )
    large = [each for each in held if each.data_bytes > _LOCKED_LONG]
    if large:
        sizes = _listed([f"{each} ({each.data_bytes >> 20} MiB)" for each in large])
        yield warned(
            f"no session can write to these tables while the copy reads them: {sizes}",
            "start the job when that does no harm, or ALTER TABLE … ENGINE=InnoDB on the source first",
        )


def _snapshot(tables: SourceTables) -> Iterator[Finding]:
    if tables.full_copy:
        yield from snapshot_findings(tables.facts, _locked_schemas(tables), sees_commits=tables.sees_commits)


def _locked_schemas(tables: SourceTables) -> set[str]:
    """Return the schemas of the tables whose rows a snapshot has."""
    return {each.schema for each in tables.tables if is_transactional(each.engine)}


def _keys(tables: SourceTables) -> Iterator[Finding]:
    keyless = [each for each in tables.tables if not each.has_key]
    if keyless:
        yield warned(
            f"without a primary or unique key: {_listed(list(map(str, keyless)))}; each changed row is searched for in "
            "the whole table, and the copy reads the table in one piece",
            f"ALTER TABLE {keyless[0]} ADD PRIMARY KEY (…)",
        )


def _prepared(tables: SourceTables) -> Iterator[Finding]:
    if tables.prepared is None and tables.full_copy:
        yield warned(
            f"{tables.facts.account} may not ask for prepared XA transactions, which a full copy has to wait for",
            f"GRANT XA_RECOVER_ADMIN ON *.* TO {tables.facts.account}",
        )
    elif tables.prepared and tables.full_copy:
        yield warned(
            f"XA transactions are prepared: {_listed(list(tables.prepared))}; a full copy begins when there are none",
            "XA COMMIT or XA ROLLBACK what its owner has left behind",
        )


def _listed(names: Sequence[str]) -> str:
    return some_of(names, _SHOWN)


def _row_filters(tables: SourceTables) -> Iterator[Finding]:
    for each in tables.filters:
        yield failed(each.problem, each.remedy)


def _column_maps(tables: SourceTables) -> Iterator[Finding]:
    for each in tables.maps:
        yield failed(each.problem, each.remedy)


def _filtered(tables: SourceTables) -> str:
    return "each is decided by the source" if tables.selection.filters_rows else "none"


def _versioned(tables: SourceTables) -> Iterator[Finding]:
    if tables.versioned:
        yield failed(
            f"{some_of(tables.versioned, _SHOWN)}: WITH SYSTEM VERSIONING by transactions (BIGINT), which the source"
            " logs as statements",
            "leave the table out (ReplicateIgnoreDb), or make its period of TIMESTAMP(6)",
        )


_VERSIONED = Rule[SourceTables]("system_versioning", lambda _tables: "none", _versioned)

_PARENTS = Rule[SourceTables]("foreign_key_parents", lambda _tables: "none outside of the job", _parents)


def _retention(tables: SourceTables) -> Iterator[Finding]:
    if tables.full_copy:
        yield from short_for_copy(tables.facts, sum(each.data_bytes for each in tables.tables))


def _kept(tables: SourceTables) -> str:
    return f"{expires_after(tables.facts) or 'unlimited'} seconds" if tables.full_copy else "no copy"


_RULES = (
    Rule[SourceTables]("tables", lambda tables: f"{len(tables.tables)} tables", _named),
    Rule[SourceTables]("new_names", lambda tables: "each its own" if tables.selection.renames else "none", _new_names),
    Rule[SourceTables]("engines", lambda _tables: "all transactional", _engines),
    Rule[SourceTables]("table_keys", lambda _tables: "every table has one", _keys),
    Rule[SourceTables]("row_filters", _filtered, _row_filters),
    Rule[SourceTables](
        "column_maps", lambda tables: "each has its columns" if tables.selection.maps_columns else "none", _column_maps
    ),
    _PARENTS,
    Rule[SourceTables]("log_retention", _kept, _retention),
    Rule[SourceTables](
        "snapshot_privilege",
        lambda tables: snapshot_way(tables.facts) if tables.full_copy else "no copy",
        _snapshot,
    ),
    Rule[SourceTables]("xa_prepared", lambda tables: "none" if tables.full_copy else "not looked at", _prepared),
)
