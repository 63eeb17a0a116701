"""Room for a copy in tables that are on the target already, and stay: they are looked at and filled.

They must be there, empty and without triggers, in an engine that keeps rows, with columns that take the source's rows
exactly and foreign keys that change rows as the source's do. Each is noted before a row comes, under a kind of its own
(`copied_object`): a copy that begins again empties exactly those of the job's present tables that this very job has
begun to fill, and that are still the same. A table that was made by a copy of the job is none of the user's, and may
lack its indexes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from udup.base.errors import Fault, Refused
from udup.drivers.mysql.apply.column_check import NAMES_LOGGED, TargetColumn, target_columns
from udup.drivers.mysql.apply.memory_tables import note_memory_tables
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.columns.existing import APPROVE, Collations, compared, read_collations
from udup.drivers.mysql.dictionary.catalog import Catalog, Table
from udup.drivers.mysql.dictionary.details import Filled, SourceLog
from udup.drivers.mysql.dictionary.engines import MERGE, is_non_transactional, is_transactional
from udup.drivers.mysql.dictionary.present import TABLE, Present, in_the_way, read_present
from udup.drivers.mysql.load.copied import CopyNotes, sign_of
from udup.drivers.mysql.load.foreign_keys import ActingKey, foreign_keys, keys_of, missing_keys, read_keys
from udup.drivers.mysql.load.room import is_empty, wanted_tables
from udup.drivers.mysql.load.standing import Standing, read_standing

_BLACKHOLE = "blackhole"


@dataclass(frozen=True)
class Filling:
    """How tables are filled that are there. `converts`: they may be others than the source's.

    `incarnation` is the job's registration.
    """

    converts: bool
    incarnation: str = ""


@dataclass(frozen=True)
class _Noted:
    """What was noted of a copy that has not ended: the sign of each table that it fills, and tables that it made."""

    signs: Mapping[Present, str] = field(default_factory=dict)
    made: frozenset[Present] = frozenset()


@dataclass(frozen=True)
class FilledTables:
    """`where` names the target for people; `log` is what the source's log will say."""

    where: str
    notes: CopyNotes
    filling: Filling
    log: SourceLog = SourceLog()  # noqa: RUF009 - frozen

    def make_room(self, connection: Connection, catalog: Catalog) -> tuple[Filled, list[str]]:
        """Refuse tables that cannot be filled, all at once; empty those that were begun, and note all of them.

        Return the columns that each of them has, and what is to be told.
        """
        made = {each for each in self.notes.read(connection) if each.kind == TABLE}
        noted = _Noted(self.notes.read_filled(connection), frozenset(made))
        tables = wanted_tables(catalog)
        faults, filled = self._look(connection, catalog, noted)
        if faults:
            raise Refused(faults)
        standing = read_standing(connection, tables)
        for each in sorted(tables):
            if noted.signs.get(each) == self._sign(standing[each]):
                query(connection, f"TRUNCATE TABLE {qualified(each.schema, each.name)}")
        standing = read_standing(connection, tables)
        self.notes.write_filled(connection, {each: self._sign(standing[each]) for each in tables})
        memory = [f"{each.schema}.{each.name}" for each in tables if standing[each].engine == "memory"]
        note_memory_tables(connection, self.notes.job, memory)
        return filled, list(self._left(connection, noted.signs.keys() - set(tables)))

    def faults(self, connection: Connection, catalog: Catalog) -> list[Fault]:
        """Return what keeps tables from being filled that are there, but what they hold; nothing is changed."""
        return self._look(connection, catalog, None)[0]

    def _look(self, connection: Connection, catalog: Catalog, noted: _Noted | None) -> tuple[list[Fault], Filled]:
        """Return what speaks against it, and the columns of each table. Without `noted`, rows are not looked for."""
        tables = wanted_tables(catalog)
        there = in_the_way(connection, tables)
        standing = read_standing(connection, tables)
        collations = read_collations(connection)
        faults = list(self._in_place(connection, tables, there, standing, noted)) if noted is not None else []
        columns = []
        for table, wanted in zip(catalog.tables, tables, strict=True):
            if there.get(wanted) == wanted and wanted in standing:
                columns.append(tuple(target_columns(connection, table.schema, table.name)))
                faults += self._of_columns(table, columns[-1], collations)
                faults += self._of_engine(table, standing[wanted].engine)
        faults += self._of_triggers(connection, tables)
        faults += self._of_keys(connection, catalog)
        return faults, Filled(collations, tuple(columns))

    def _sign(self, standing: Standing) -> str:
        return sign_of(self.filling.incarnation, standing.made)

    def _left(self, connection: Connection, begun: set[Present]) -> Iterator[str]:
        """Yield what is told of tables that are none of the job's any more."""
        for each in sorted(in_the_way(connection, begun).values()):
            if each in begun and not is_empty(connection, each):
                yield (
                    f"{each} is none of the job's tables any more, and may hold rows of a copy of this job that did "
                    "not end: look at it, and TRUNCATE it if they are of no use"
                )

    def _of_columns(self, table: Table, columns: tuple[TargetColumn, ...], collations: Collations) -> list[Fault]:
        problems, _ = compared(table, columns, collations, converts=self.filling.converts)
        place = qualified(table.schema, table.name)
        if table.engine.lower() == MERGE:
            problems = [f"on the source it is a {MERGE.upper()} table, which holds no rows of its own"]
        remedy = f"ALTER TABLE {place} as it says"
        remedy += "" if self.filling.converts else f", or {APPROVE}"
        what = f"table {place} does not take the source's rows"
        faults = [Fault(self.where, f"{what}: {each}", remedy) for each in problems]
        further = [column.name for column in columns[len(table.columns) :]]
        if further and not faults and not self.filling.converts and not self.log.names_columns:
            problem = (
                f"table {place} has columns of its own ({', '.join(further)}), and the log does not name the source's "
                "(binlog_row_metadata is MINIMAL): a column that is added there would come behind them, and its "
                "values into the first of them"
            )
            faults.append(Fault(self.where, problem, f"run on the source {NAMES_LOGGED}, or take them off"))
        return faults

    def _of_engine(self, table: Table, engine: str) -> Iterator[Fault]:
        place = qualified(table.schema, table.name)
        if engine in (MERGE, _BLACKHOLE) and engine != table.engine.lower():
            problem = f"table {place} is {engine.upper()} on the target, which keeps no rows of its own"
        elif not is_transactional(engine) and not is_non_transactional(engine):
            problem = f"table {place} is {engine or 'of no engine'} on the target, and how that keeps rows is not known"
        else:
            return
        yield Fault(self.where, problem, f"ALTER TABLE {place} ENGINE=InnoDB")

    def _in_place(
        self,
        connection: Connection,
        tables: Sequence[Present],
        there: Mapping[Present, Present],
        standing: Mapping[Present, Standing],
        noted: _Noted,
    ) -> Iterator[Fault]:
        for wanted in tables:
            present = there.get(wanted)
            truncate = f"TRUNCATE TABLE {qualified(wanted.schema, wanted.name)}"
            if present is None or (present == wanted and wanted not in standing):
                remedy = 'make it there, or leave "SkipCreateDbTable" out, so that the copy does'
                yield Fault(self.where, f"there is no {wanted}, which the copy is to fill", remedy)
            elif present.kind != TABLE:
                yield Fault(self.where, f"{present} is no table, which the copy is to fill", present.drop)
            elif wanted in noted.made:
                yield Fault(
                    self.where,
                    f"{wanted} was made by a copy of this job that has not ended, and may lack its indexes",
                    f"{wanted.drop}, and make it as it is to be",
                )
            elif noted.signs.get(wanted) == self._sign(standing[wanted]) or is_empty(connection, wanted):
                continue
            elif wanted in noted.signs:
                problem = (
                    f"{wanted} is not empty. A copy of a job of this ID has begun to fill it, but it was made or "
                    "altered since, or the job was deleted and posted again: so its rows may be somebody else's"
                )
                yield Fault(self.where, problem, f"look at its rows; if they are of no use, {truncate}")
            else:
                yield Fault(self.where, f"{wanted} is not empty", f"{truncate}, or give the job another table")

    def _of_triggers(self, connection: Connection, tables: Sequence[Present]) -> Iterator[Fault]:
        places = {(each.schema, each.name) for each in tables}
        for present, table in sorted(read_present(connection, {schema for schema, _ in places})):
            if present.kind == "TRIGGER" and (present.schema, table) in places:
                yield Fault(
                    self.where,
                    f"{present} would run for each row that is copied into {qualified(present.schema, table)}",
                    f"{present.drop}; make it there again when the rows are there, or after the job has ended",
                )

    def _of_keys(self, connection: Connection, catalog: Catalog) -> Iterator[Fault]:
        """Yield foreign keys that would change other rows than the source's do."""
        filled = {(table.schema, table.name) for table in catalog.tables}
        ours = [key for table in catalog.tables for key in keys_of(table)]
        yield from self._unlike(ours, read_keys(connection, filled), filled)

    def _unlike(
        self, ours: Sequence[ActingKey], theirs: Sequence[ActingKey], filled: set[tuple[str, str]]
    ) -> Iterator[Fault]:
        for key in foreign_keys(ours, theirs, filled):
            problem = f"the foreign key {key} changes rows there that the job's tables on the source do not change"
            yield Fault(self.where, problem, f"{key.drop}; without CASCADE and SET NULL it may stay")
        for key in () if self.log.has_cascades else missing_keys(ours, theirs):
            problem = (
                f"the target lacks the foreign key {key}: what it changes is not in the source's log (before MySQL "
                "9.6, or with innodb_native_foreign_keys=ON), so the target has to do it"
            )
            yield Fault(self.where, problem, key.add)


def as_filled(table: Table) -> Table:
    """Return a table whose indexes are not the copy's: none is named when it is read."""
    return replace(table, key_index="", virtual_keys=())
