"""Which tables are compared, and how each stands on the two sides: names, columns, keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from udup.drivers.mysql.apply import ahead
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query, scalar
from udup.drivers.mysql.client.dictionary_columns import with_known_columns
from udup.drivers.mysql.client.errors import NOTHING_THERE
from udup.drivers.mysql.compare.canonical import Pair, Servers
from udup.drivers.mysql.dictionary.catalog import Catalog, Column, Table
from udup.drivers.mysql.dictionary.engines import is_transactional
from udup.drivers.mysql.snapshot.json_before_8 import is_asked_by_number
from udup.drivers.mysql.snapshot.schema import read_columns
from udup.pipeline.positions import AheadNotes
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection

#: Why a table is not compared that was asked for by its name.
UNKNOWN = "the job has no such table on its source now"


@dataclass(frozen=True)
class Compared:
    """A table of the job's. `source` has its row filter as `condition`, `target` has the target's names.

    `pairs` are the columns that both have. `ordered`: both sides order the key alike, so that a range of it holds the
    same rows on both; else the rows are compared as a set. `problem`: why the table cannot be compared;
    `may_pass`: perhaps of the moment, as the target is looked at later than the source's definition is of.
    `unsettled`: its rows take part in no transaction, so that no snapshot has them.
    """

    source: Table
    target: Table
    pairs: tuple[Pair, ...] = ()
    ordered: bool = False
    problem: str = ""
    may_pass: bool = False
    unsettled: bool = False

    @property
    def key_columns(self) -> tuple[Column, ...]:
        """Return the columns by which a place in it is told."""
        return tuple(pair.source for pair in self.keys)

    @property
    def name(self) -> Name:
        return self.source.schema, self.source.name

    @property
    def keys(self) -> tuple[Pair, ...]:
        """Return the columns of the key; () if it has none, or not all of them are on the target."""
        by_name = {pair.source.name: pair for pair in self.pairs}
        found = tuple(by_name[name] for name in self.source.key if name in by_name)
        return found if len(found) == len(self.source.key) else ()


def read_servers(source: Connection, target: Connection) -> Servers:
    """Return what the two servers have in common."""
    families = {connection.is_mariadb for connection in (source, target)}
    series = {connection.version[:2] for connection in (source, target)}
    types = families == {False} and not any(is_asked_by_number(each) for each in (source, target))
    # MariaDB keeps no -0 since 11.
    return Servers(signed_zeros=families == {False} or (len(families) == 1 and len(series) == 1), json_types=types)


def pair_tables(
    catalog: Catalog, selection: Selection, source: Connection, target: Connection, wanted: Iterable[str] = ()
) -> list[Compared]:
    """Return the tables of the catalog, each beside what the target has now. `wanted` as in `ComparePlan.tables`."""
    names = dict.fromkeys(wanted)
    theirs = _Dictionary(target)
    alike = source.is_mariadb == target.is_mariadb
    found = [
        _compared(table, theirs, selection.renamed_table(table.schema, table.name), alike=alike)
        for table in catalog.tables
        if not names or f"{table.schema}.{table.name}" in names
    ]
    there = {".".join(pair.name) for pair in found}
    return [*found, *(_unknown(name) for name in names if name not in there)]


def _unknown(name: str) -> Compared:
    """Return what is told of a table that the job does not have: to leave it out would tell that it is equal."""
    schema, _, table = name.partition(".")
    made = Table(schema, table, (), (), 0, 0, "")
    return Compared(made, made, problem=UNKNOWN)


def read_notes(target: Connection, job: str) -> AheadNotes:
    """Return the notes of a job's tables that are ahead of it, none where the target has never had any."""
    try:
        return ahead.read(target, job)
    except MySQLError as error:
        if error_code(error) in NOTHING_THERE:
            return AheadNotes()
        raise


def without_ahead(pairs: Iterable[Compared], notes: AheadNotes) -> list[Compared]:
    """Return the same, where tables of these notes cannot be compared: their rows are of another moment."""
    problem = "the target has it ahead of the job's other tables, after a copy; it is compared when these have come up"
    return [
        replace(pair, problem=pair.problem or problem, may_pass=False)
        if any(each.group.wants(*pair.name) for each in notes)
        else pair
        for pair in pairs
    ]


def _compared(table: Table, theirs: _Dictionary, new: Name, *, alike: bool) -> Compared:
    target = replace(table, schema=new[0], name=new[1], columns=(), key_index="", condition="")
    columns = theirs.columns(*new)
    if not columns:
        return Compared(table, target, problem="the target has no such table", may_pass=True)
    unsettled = not is_transactional(table.engine) or not is_transactional(theirs.engine(*new))
    renamed = dict(table.mapped)
    by_name = {column.name.lower(): column for column in columns}
    pairs, missing = [], []
    for column in table.columns:
        other = by_name.get(renamed.get(column.name, column.name).lower())
        if other is not None:
            pairs.append(Pair(column, other))
        elif not column.generated:
            missing.append(column.name)
    if missing:
        return Compared(table, target, problem=f"the target lacks columns: {', '.join(missing)}", may_pass=True)
    target = replace(target, columns=tuple(pair.target for pair in pairs))
    made = Compared(table, target, tuple(pairs), unsettled=unsettled)
    target_key = tuple(pair.target.name for pair in made.keys)
    ordered = bool(made.keys) and all(_ordered_alike(pair, alike=alike) for pair in made.keys)
    index = theirs.index(*new, target_key) if ordered else ""
    return replace(made, target=replace(made.target, key=target_key, key_index=index), ordered=ordered)


def _ordered_alike(pair: Pair, *, alike: bool) -> bool:
    """Return whether both sides have the column's values in the same order. Families order texts in ways of their own,
    but for bytes.
    """
    if not pair.alike:
        return False
    collation = pair.source.collation
    return alike or collation is None or collation.endswith("_bin")


class _Dictionary:
    """What the target's dictionary says, each schema asked for once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._folds = bool(scalar(connection, "SELECT @@lower_case_table_names"))
        self._columns: dict[str, Mapping[str, tuple[Column, ...]]] = {}
        self._engines: dict[str, dict[str, str]] = {}
        self._indexes: dict[str, dict[Name, list[str]]] = {}

    def _kept(self, name: str) -> str:
        """Return a name as the target keeps it."""
        return name.lower() if self._folds else name

    def columns(self, schema: str, table: str) -> tuple[Column, ...]:
        if schema not in self._columns:
            self._columns[schema] = read_columns(self._connection, schema)
        return self._columns[schema].get(self._kept(table), ())

    def engine(self, schema: str, table: str) -> str:
        if schema not in self._engines:
            sql = "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
            self._engines[schema] = {str(name): str(engine) for name, engine in query(self._connection, sql, schema)}
        return self._engines[schema].get(self._kept(table), "")

    def index(self, schema: str, table: str, key: tuple[str, ...]) -> str:
        """Return the name of an index of just these columns, "" if there is none: then it is read in whatever way."""
        if schema not in self._indexes:
            sql = (
                "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS"
                " WHERE TABLE_SCHEMA = %s AND SUB_PART IS NULL AND INDEX_TYPE = 'BTREE' AND COLUMN_NAME IS NOT NULL"
                " AND IS_VISIBLE = 'YES'"
                " ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"
            )
            found: dict[Name, list[str]] = {}
            for name, index, column in query(self._connection, with_known_columns(self._connection, sql), schema):
                found.setdefault((str(name), str(index)), []).append(str(column))
            self._indexes[schema] = found
        own = {
            index: tuple(columns)
            for (name, index), columns in self._indexes[schema].items()
            if name == self._kept(table)
        }
        serving = sorted(index for index, columns in own.items() if columns == key)
        return "PRIMARY" if "PRIMARY" in serving else next(iter(serving), "")
