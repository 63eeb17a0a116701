"""Room for a copy in tables that are on the target already, and stay: they are looked at and filled.

They must be there, empty and without triggers, with columns that take the source's rows exactly. Each is noted before a
row comes, under a kind of its own (`copied_object`): a copy that begins again empties exactly those. A table that was
made by a copy of the job is none of the user's, and may lack its indexes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from udup.base.errors import Fault, Refused
from udup.drivers.mysql.apply.column_check import TargetColumn, target_columns
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.columns.existing import APPROVE, Collations, compared, read_collations
from udup.drivers.mysql.dictionary.catalog import Catalog, Table
from udup.drivers.mysql.dictionary.details import Filled
from udup.drivers.mysql.dictionary.engines import MERGE
from udup.drivers.mysql.dictionary.present import TABLE, Present, in_the_way, read_present
from udup.drivers.mysql.load.copied import CopyNotes
from udup.drivers.mysql.load.room import is_empty, wanted_tables


@dataclass(frozen=True)
class Filling:
    """How tables are filled that are there. `converts`: they may be others than the source's."""

    converts: bool


@dataclass(frozen=True)
class FilledTables:
    """`where` names the target for people."""

    where: str
    notes: CopyNotes
    filling: Filling

    def make_room(self, connection: Connection, catalog: Catalog) -> Filled:
        """Refuse tables that cannot be filled, all at once; empty those that were begun, and note all of them.

        Return the columns that each of them has.
        """
        begun = self.notes.read_filled(connection)
        tables = wanted_tables(catalog)
        there = in_the_way(connection, tables)
        faults = list(self._faults(connection, tables, there, begun))
        collations = read_collations(connection)
        columns = []
        for table, wanted in zip(catalog.tables, tables, strict=True):
            if there.get(wanted) == wanted:
                columns.append(tuple(target_columns(connection, table.schema, table.name)))
                faults += self._looked_at(table, columns[-1], collations)
        if faults:
            raise Refused(faults)
        for each in sorted(begun):
            if each in there.values() or in_the_way(connection, [each]):
                query(connection, f"TRUNCATE TABLE {qualified(each.schema, each.name)}")
        self.notes.write_filled(connection, tables)
        return Filled(collations, tuple(columns))

    def _looked_at(self, table: Table, columns: tuple[TargetColumn, ...], collations: Collations) -> list[Fault]:
        problems, _ = compared(table, columns, collations, converts=self.filling.converts)
        place = qualified(table.schema, table.name)
        if table.engine.lower() == MERGE:
            problems = [f"on the source it is a {MERGE.upper()} table, which holds no rows of its own"]
        remedy = f"ALTER TABLE {place} as it says"
        remedy += "" if self.filling.converts else f", or {APPROVE}"
        what = f"table {place} does not take the source's rows"
        return [Fault(self.where, f"{what}: {each}", remedy) for each in problems]

    def _faults(
        self, connection: Connection, tables: list[Present], there: dict[Present, Present], begun: set[Present]
    ) -> Iterator[Fault]:
        made = {each for each in self.notes.read(connection) if each.kind == TABLE}
        for wanted in tables:
            present = there.get(wanted)
            if present is None:
                remedy = 'make it there, or leave "SkipCreateDbTable" out, so that the copy does'
                yield Fault(self.where, f"there is no {wanted}, which the copy is to fill", remedy)
            elif present.kind != TABLE:
                yield Fault(self.where, f"{present} is no table, which the copy is to fill", present.drop)
            elif wanted in made:
                yield Fault(
                    self.where,
                    f"{wanted} was made by a copy of this job that has not ended, and may lack its indexes",
                    f"{wanted.drop}, and make it as it is to be",
                )
            elif wanted not in begun and not is_empty(connection, wanted):
                remedy = f"TRUNCATE TABLE {qualified(wanted.schema, wanted.name)}, or give the job another table"
                yield Fault(self.where, f"{wanted} is not empty", remedy)
        places = {(each.schema, each.name) for each in tables}
        for present, table in sorted(read_present(connection, {schema for schema, _ in places})):
            if present.kind == "TRIGGER" and (present.schema, table) in places:
                yield Fault(
                    self.where,
                    f"{present} would run for each row that is copied into {qualified(present.schema, table)}",
                    f"{present.drop}; make it there again when the rows are there, or after the job has ended",
                )


def as_filled(table: Table) -> Table:
    """Return a table whose indexes are not the copy's: none is named when it is read."""
    return replace(table, key_index="", virtual_keys=())
