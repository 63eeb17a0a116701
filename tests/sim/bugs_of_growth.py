"""Bugs of tables that come, go and are loaded again, and of copies that go on, to be planted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.drivers.mysql.apply import begun, joining
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.load.loader import Loader
from udup.pipeline.positions import AheadNotes, RowsBehind

Patch = tuple[Any, str, Any]


def join_without_a_note() -> list[Patch]:
    """The new tables have no note of what they have beyond the position of both."""

    def joined(one: Any, other: Any) -> Any:
        position, notes = real(one, other)
        return position, AheadNotes(each for each in notes if each.group != other.group)

    real = joining.joined
    return [(joining, "joined", joined)]


def join_at_its_own() -> list[Patch]:
    """The job goes on from where it was, though its new tables are behind that."""

    def joined(one: Any, other: Any) -> Any:
        return one.position, real(one, other)[1].merged(one.position)

    real = joining.joined
    return [(joining, "joined", joined)]


def side_stays() -> list[Patch]:
    """A side job's checkpoint is left where it was."""

    def move(connection: Connection, job: str, side: str, *, has_intents: bool) -> None:
        del has_intents
        query(connection, "UPDATE udup.claim SET job = %s WHERE job = %s", job, side)

    return [(joining, "move", move)]


def loaded_again() -> list[Patch]:
    """Nobody is told of tables that are to be loaded again."""

    def release(connection: Connection, job: str, selection: Any, side: str = "") -> None:
        del side
        real(connection, job, selection)

    real = joining.release
    return [(joining, "release", release)]


def early_chunk() -> list[Patch]:
    """A chunk is noted before its rows are committed."""

    def load(
        self: Any, table: Any, pieces: Any, expected: Any, *, note: Callable[[Any, int], None], **more: Any
    ) -> int:
        held = list(pieces)
        note(self._connection, expected())
        self._connection.commit()
        return int(real(self, table, iter(held), expected, **more))

    real = Loader.load
    return [(Loader, "load", load)]


def rows_off_by_one() -> list[Patch]:
    """Of a table that was copied in two goes the row at the border counts for the other."""

    def has(self: Any, values: Any) -> bool:
        return bool(real(self, [value + 1 for value in values]))

    real = RowsBehind.has
    return [(RowsBehind, "has", has)]


def number_alone() -> list[Patch]:
    """What has run is told by its number alone."""

    def have_run(*_: Any) -> list[Any]:
        return []

    return [(begun, "have_run", have_run)]
