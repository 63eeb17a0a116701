"""What of an earlier try stays on the target while a copy goes on, and what is noted for the next one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from udup.base.errors import Transient
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.copied_before import Resumable
from udup.drivers.mysql.dictionary.details import CopyDetails
from udup.drivers.mysql.dictionary.present import TABLE, Present, in_the_way
from udup.drivers.mysql.load.copied import CopyNotes
from udup.drivers.mysql.load.copied_parts import CopiedParts, indexes_of, with_foreign_keys
from udup.drivers.mysql.load.copy_fence import CopyFence

_AGAIN = "the copy does not go on with what an earlier try has brought: {}"


class Staying:
    """Tables count from 0, as in the copy's plan. A copy that fills tables of the user's notes nothing."""

    def __init__(self, fence: CopyFence, details: CopyDetails, position: str, *, had_parts: bool, fills: bool) -> None:
        self._parts = CopiedParts(fence.job, fence.version)
        self._details, self._position = details, position
        self._had_parts, self._fills = had_parts, fills
        self.notes = bool(details.resumables) and not fills

    def _of(self, number: int) -> Resumable:
        return self._details.resumables[number] if self.notes else Resumable()

    def _stays(self, tables: Sequence[Table]) -> list[tuple[Table, Resumable]]:
        found = [(table, self._of(number)) for number, table in enumerate(tables)]
        return [(table, one) for table, one in found if one.kept is not None]

    @cached_property
    def names(self) -> set[Present]:
        """The tables that stay. Found out once: it is asked for each of ten thousand tables."""
        return {Present(TABLE, table.schema, table.name) for table, _ in self._stays(self._details.catalog.tables)}

    def others(self, tables: Sequence[Table]) -> list[Table]:
        return [table for table in tables if Present(TABLE, table.schema, table.name) not in self.names]

    def begin(self, connection: Connection, tables: Sequence[Table], notes: CopyNotes) -> None:
        """Forget what does not stay, before anything of it is touched."""
        if self._fills and any(one.kept is not None for one in self._details.resumables):
            self._parts.forget_all(connection)
            raise Transient(
                _AGAIN.format("it fills tables that are there now, and did not before; all is copied again")
            )
        stays = self._stays(tables)
        if stays:
            self._check(connection, stays, notes)
            self._parts.keep(connection, stays, self._position)
        elif self._had_parts or self.notes:
            self._parts.forget_all(connection)

    def _check(self, connection: Connection, stays: Sequence[tuple[Table, Resumable]], notes: CopyNotes) -> None:
        """Have tables be copied again that are not as the earlier try has left them."""
        lost = self.names - notes.read(connection)
        there = in_the_way(connection, self.names)
        lost |= {each for each in self.names if there.get(each) != each}
        gone = [table for table, _ in stays if Present(TABLE, table.schema, table.name) in lost]
        changed = [] if gone else self._parts.changed(connection, stays)
        if gone or changed:
            self._parts.forget(connection, [*gone, *changed])
            names = ", ".join(qualified(each.schema, each.name) for each in (*gone, *changed))
            why = "gone from the target" if gone else "changed on the target by somebody else"
            raise Transient(_AGAIN.format(f"{names}: {why}; that is copied again, and the rest stays"))

    def made(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Note the tables that were made for this try."""
        if self.notes:
            found = [(table, self._of(number)) for number, table in enumerate(tables)]
            new = [(table, one) for table, one in found if one.definition and one.kept is None]
            self._parts.begin(connection, new, self._position, self._details.stamps)

    def building(self, connection: Connection, table: Table, number: int, rows: int) -> None:
        one = self._of(number)
        if one.definition:
            self._parts.building(connection, table, rows, is_summed=one.is_summed)

    def whole(self, connection: Connection, table: Table, number: int) -> None:
        if self._of(number).definition:
            self._parts.whole(connection, table)

    def indexes(self, connection: Connection, table: Table, number: int) -> frozenset[str]:
        """Return the indexes that an earlier try has built."""
        return frozenset() if self._of(number).kept is None else indexes_of(connection, table)

    def with_foreign_keys(self, connection: Connection, tables: Sequence[Table]) -> set[tuple[str, str]]:
        """Return the tables that have their foreign keys from an earlier try."""
        return with_foreign_keys(connection, [table for table, _ in self._stays(tables)])
