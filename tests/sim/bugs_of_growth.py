"""Bugs of tables that come, go and are loaded again, and of copies that go on, to be planted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from udup.drivers.mysql.apply import begun, joining
from udup.drivers.mysql.client.connection import Connection, query
from udup.pipeline.positions import AheadNotes

Patch = tuple[Any, str, Any]


def join_without_a_note() -> list[Patch]:
    """The tables that the job had have no note of what they have beyond the position of both."""

    def joined(one: Any, other: Any) -> Any:
        position, notes = real(one, other)
        return position, AheadNotes(each for each in notes if each.group != one.group)

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

    def release(connection: Connection, job: str, selection: Any, leaves: Any) -> None:
        real(connection, job, selection, replace(leaves, side=""))

    real = joining.release
    return [(joining, "release", release)]


def number_alone() -> list[Patch]:
    """What has run is told by its number alone."""

    def have_run(*_: Any) -> list[Any]:
        return []

    return [(begun, "have_run", have_run)]
