"""Room for a full copy: what the target has under the names that are to be made, and what of that may go.

What a copy of this job has made and not ended may go, and an empty table in a table's place. Everything else belongs to
somebody else: it is refused before a row is copied, all of it at once, unless the job says DropTableIfExists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from udup.base.errors import Fault, Refused
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.dictionary.catalog import Catalog
from udup.drivers.mysql.dictionary.claims import read_claims
from udup.drivers.mysql.dictionary.present import TABLE, Present, in_the_way, read_present
from udup.drivers.mysql.load.copied import CopyNotes


def wanted_tables(catalog: Catalog) -> list[Present]:
    """Return the tables, and sequences, which are tables to the server."""
    names = [(each.schema, each.name) for each in catalog.tables]
    return [Present(TABLE, *name) for name in (*names, *((each.schema, each.name) for each in catalog.sequences))]


def wanted_objects(catalog: Catalog) -> list[Present]:
    return [Present(each.kind, each.schema, each.name) for each in catalog.objects]


@dataclass(frozen=True)
class Room:
    """`where` names the target for people."""

    where: str
    notes: CopyNotes
    drop_existing: bool

    def make(self, connection: Connection, catalog: Catalog) -> None:
        """Before anything is made: refuse what is somebody else's, drop the rest, note the tables that will be made."""
        tables, stored = wanted_tables(catalog), wanted_objects(catalog)
        ours = self.notes.read(connection)
        there = in_the_way(connection, [*tables, *stored])
        if faults := list(self._faults(connection, there, ours)):
            raise Refused(faults)
        going = [present for wanted, present in there.items() if TABLE in (wanted.kind, present.kind)]
        # What an unfinished copy made and the source has dropped since would stay for ever: no log tells of it.
        gone = sorted(ours - {*tables, *stored} - set(going))
        taken = self._taken(connection, gone)
        _drop(connection, [*going, *(each for each in gone if each not in taken)])
        self.notes.forget_tables(connection, taken)
        self.notes.write(connection, tables)

    def _taken(self, connection: Connection, gone: Collection[Present]) -> list[Present]:
        """Return tables that this job has made once, and that another job keeps current by now."""
        claims = read_claims(connection, {each.schema for each in gone})
        others = {claim.table for claim in claims if claim.job != self.notes.job}
        return [each for each in gone if each.kind == TABLE and (each.schema, each.name) in others]

    def refuse_objects(self, connection: Connection, catalog: Catalog) -> None:
        """Refuse what is in the place of views, routines, triggers and events, where the tables are there already.

        What an unfinished copy has made of them is dropped.
        """
        stored, ours = wanted_objects(catalog), {each for each in self.notes.read(connection) if each.kind != TABLE}
        there = in_the_way(connection, stored)
        if faults := list(self._faults(connection, there, ours)):
            raise Refused(faults)
        _drop(connection, sorted(ours - set(stored)))

    def make_for_objects(self, connection: Connection, catalog: Catalog) -> bool:
        """The same for views, routines, triggers and events, before they are made: time has passed since.

        Whether any is there, to be replaced.
        """
        stored = wanted_objects(catalog)
        there = in_the_way(connection, stored)
        if there and (faults := list(self._faults(connection, there, self.notes.read(connection)))):
            raise Refused(faults)
        self.notes.write(connection, stored)
        return bool(there)

    def _faults(self, connection: Connection, there: dict[Present, Present], ours: set[Present]) -> Iterator[Fault]:
        if self.drop_existing:
            return
        going = set()
        for wanted, present in sorted(there.items()):
            if present in ours or (wanted.kind == present.kind == TABLE and is_empty(connection, present)):
                going.add(present)
            else:
                yield self._fault(wanted, present)
        yield from self._triggers(connection, going - ours, ours, there)

    def _fault(self, wanted: Present, present: Present) -> Fault:
        full = " and is not empty" if present.kind == TABLE else ""
        other = "" if wanted.kind == present.kind else f", where the source has a {wanted.kind.lower()}"
        return Fault(
            self.where,
            f"{present} exists{full}{other}",
            f'remove it ({present.drop}), or set "DropTableIfExists": true in the Dest\'s Config, which removes it',
        )

    def _triggers(
        self, connection: Connection, tables: set[Present], ours: set[Present], there: dict[Present, Present]
    ) -> Iterator[Fault]:
        """The target's own triggers on empty tables, which would go with them."""
        places = {(table.schema, table.name) for table in tables}
        for present, table in sorted(read_present(connection, {schema for schema, _ in places})):
            if (present.schema, table) in places and present not in ours and present not in there.values():
                yield Fault(
                    self.where,
                    f"{present} exists on {qualified(present.schema, table)}, an empty table that the copy makes again",
                    f'remove it ({present.drop}), or set "DropTableIfExists": true in the Dest\'s Config',
                )


def is_empty(connection: Connection, table: Present) -> bool:
    return not query(connection, f"SELECT 1 FROM {qualified(table.schema, table.name)} LIMIT 1")


def _drop(connection: Connection, things: Iterable[Present]) -> None:
    for each in things:
        query(connection, f"DROP {each.kind} IF EXISTS {qualified(each.schema, each.name)}")
