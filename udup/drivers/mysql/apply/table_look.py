"""What a target keeps of single tables of a job, read beside its run: nothing is locked, nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TypeVar

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.apply import ahead, table_changes
from udup.drivers.mysql.apply.checkpoint_reading import ANSWER_SECONDS, read_union
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, query
from udup.drivers.mysql.client.errors import NOTHING_THERE, failure
from udup.drivers.mysql.compare.ledger import TABLE as DIFFERENCES
from udup.drivers.mysql.load import copied_parts
from udup.pipeline.ports.tables import Ahead, CopiedRows, TableChange, TableNames, TablesOnTarget
from udup.pipeline.selection.schemas import UDUP_SCHEMA

T = TypeVar("T")

#: Seconds to connect: who asks shows what else is known.
_CONNECT_SECONDS = 5


def look_at_tables(endpoint: Endpoint, job: str, side: str, names: Sequence[TableNames]) -> TablesOnTarget:
    """Return what is known of these tables of a job and its `side` job, whose changes count as the job's."""
    try:
        connected = connect(endpoint, connect_timeout=_CONNECT_SECONDS, answer_seconds=ANSWER_SECONDS)
        with closing(connected) as connection:
            return TablesOnTarget(
                _or(0, lambda: table_changes.read_since(connection, job)),
                tuple(_changes(connection, [each for each in (job, side) if each], names)),
                _or((), lambda: tuple(_ahead(connection, job, names))),
                _or((), lambda: _differing(connection, job)),
                _or((), lambda: tuple(_copied(connection, [each for each in (job, side) if each], names))),
            )
    except MySQLError as error:
        raise failure(error, f"reading what job {job} has changed on the target {endpoint}") from error


def _or(otherwise: T, read: Callable[[], T]) -> T:
    """Return what is read, or something else where there is no such table."""
    try:
        return read()
    except MySQLError as error:
        if error_code(error) in NOTHING_THERE:
            return otherwise
        raise


def _changes(connection: Connection, jobs: Iterable[str], names: Sequence[TableNames]) -> Iterable[TableChange]:
    """Return what the jobs together have changed, by the names on the source."""
    sources = {(each.target_schema, each.target_table): (each.schema, each.table) for each in names}
    found: dict[tuple[str, str], TableChange] = {}
    for job in jobs:
        kept: list[TableChange] = _or([], partial(_kept, connection, job, list(sources)))
        for each in kept:
            name = each.schema, each.table
            found[name] = _sum(found[name], each) if name in found else each
    for name, each in found.items():
        schema, table = sources[name]
        yield replace(each, schema=schema, table=table)


def _kept(connection: Connection, job: str, names: Sequence[tuple[str, str]]) -> list[TableChange]:
    return list(table_changes.read(connection, job, names))


def _sum(one: TableChange, other: TableChange) -> TableChange:
    later = max(one, other, key=lambda change: change.changed_us)
    return replace(
        later,
        inserted=one.inserted + other.inserted,
        updated=one.updated + other.updated,
        deleted=one.deleted + other.deleted,
        uncounted=one.uncounted + other.uncounted,
    )


def _ahead(connection: Connection, job: str, names: Sequence[TableNames]) -> Iterable[Ahead]:
    """Yield which of the tables have more than the job's position. One of which single rows lack it, has not."""
    notes = [each for each in ahead.read(connection, job) if each.rows_behind is None]
    executed = read_union(connection, job) if notes else None
    if executed is None:
        return
    for note in notes:
        groups = [note.group.folding(folds) for folds in (False, True)]
        places = [at for at, name in enumerate(names) if any(each.wants(name.schema, name.table) for each in groups)]
        position = executed.copy()
        position.update(note.position)  # type: ignore[arg-type]
        if places:
            yield Ahead(str(position), tuple(places))


def _copied(connection: Connection, jobs: Iterable[str], names: Sequence[TableNames]) -> Iterable[CopiedRows]:
    sources = {(each.target_schema, each.target_table): (each.schema, each.table) for each in names}
    for job in jobs:
        loaded, whole = copied_parts.read_loaded(connection, job)
        yield from (CopiedRows(*sources[name], rows, name in whole) for name, rows in loaded.items() if name in sources)


def _differing(connection: Connection, job: str) -> tuple[tuple[str, str, int], ...]:
    sql = (
        f"SELECT table_schema, table_name, SUM(how_often) FROM {UDUP_SCHEMA}.{DIFFERENCES}"
        " WHERE job = %s AND repaired IS NULL GROUP BY table_schema, table_name"
    )
    return tuple((str(schema), str(table), int(count)) for schema, table, count in query(connection, sql, job))
