"""What a target holds already: the checkpoint that the job goes on from, and tables in the way of a copy.

Nothing is locked and nothing is written.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from udup.base.errors import Fault
from udup.base.long_text import some_of
from udup.drivers.mysql.apply.ahead import has_notes
from udup.drivers.mysql.apply.checkpoint import COPYING, TABLE
from udup.drivers.mysql.apply.checkpoint_faults import CHOSEN_AS_BEFORE
from udup.drivers.mysql.apply.own_tables import COPY_TABLE, OBJECT_TABLE
from udup.drivers.mysql.binlog.gtid import GtidSet, brief
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.dictionary.present import TABLE as PRESENT_TABLE
from udup.drivers.mysql.dictionary.present import Present, in_the_way
from udup.drivers.mysql.load.copied import CopyNotes
from udup.pipeline.checks import DEST, Check, Finding, Rule, apply, failed, warned
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: Names shown of a list.
_SHOWN = 10

#: Schemas or tables named in one statement.
_NAMES_AT_A_TIME = 500


@dataclass(frozen=True)
class StoredCheckpoint:
    """What the target says of a job: the executed set, and the digest of the selection that it was made with."""

    executed: str
    selection: str


@dataclass(frozen=True)
class TargetTables:
    """`full` are tables with rows that have the name of one to be copied, `empty` those without; `missing` are not
    there. `unfinished` are those that a copy of this job has left in its middle, which the next one drops.
    """

    job: str
    checkpoint: StoredCheckpoint | None
    selection: str
    start_after: str | None
    drop_existing: bool
    full: tuple[str, ...]
    empty: tuple[str, ...]
    missing: tuple[str, ...]
    unfinished: tuple[str, ...]
    named_zones: bool
    source_names_zones: bool
    fill_existing: bool = False
    unfit: tuple[Fault, ...] = ()  # why the copy cannot fill tables that are there, besides their rows
    foreign: tuple[Present, ...] = ()  # not this job's, in the place of its views, routines, triggers, events or tables
    claimed: tuple[Fault, ...] = ()  # tables that other jobs keep current
    accepted: tuple[str, ...] = ()  # digests of other selections that the checkpoint may have: the job leaves those


def read_checkpoint(connection: Connection, job: str) -> StoredCheckpoint | None:
    """None if the job has none here. MySQL's own errors pass."""
    if not _has_table(connection, TABLE):
        return None
    rows = query(connection, f"SELECT slot, gtids, selection FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", job)
    base = [row for row in rows if row[0] == 0 and row[2] != COPYING]
    if not base:
        return None
    executed = GtidSet()
    for row in rows:
        executed.update(GtidSet.parse(row[1]))
    return StoredCheckpoint(str(executed), str(base[0][2]))


def read_unfinished(connection: Connection, job: str, *, filled: bool = False) -> set[tuple[str, str]]:
    """Tables that a full copy of the job has made and not ended; `filled`: those that it has begun to fill."""
    if filled:
        there = CopyNotes(job).read_filled(connection) if _has_table(connection, OBJECT_TABLE) else set()
        return {(each.schema, each.name) for each in there}
    if not _has_table(connection, COPY_TABLE):
        return set()
    sql = f"SELECT table_schema, table_name FROM {UDUP_SCHEMA}.{COPY_TABLE} WHERE job = %s"
    return {(str(schema), str(table)) for schema, table in query(connection, sql, job)}


def foreign_objects(
    connection: Connection, job: str, tables: Iterable[tuple[str, str]], objects: Iterable[Present]
) -> list[Present]:
    """What is in the way of a copy but tables in tables' places, and is not what an unfinished copy has made."""
    wanted = [*(Present(PRESENT_TABLE, *name) for name in tables), *objects]
    ours = CopyNotes(job).read(connection) if _has_table(connection, OBJECT_TABLE) else set()
    there = in_the_way(connection, wanted)
    return sorted(
        present
        for each, present in there.items()
        if present not in ours and not each.kind == present.kind == PRESENT_TABLE
    )


def read_present(connection: Connection, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bool]:
    """Which of the tables (schema, name) are on the target, and whether they hold rows."""
    wanted = set(names)
    present: dict[tuple[str, str], bool] = {}
    schemas = sorted({schema for schema, _ in wanted})
    for at in range(0, len(schemas), _NAMES_AT_A_TIME):
        some = schemas[at : at + _NAMES_AT_A_TIME]
        listed = ", ".join(["%s"] * len(some))
        sql = (
            "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES"
            f" WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND TABLE_SCHEMA IN ({listed})"
        )
        for schema, name in query(connection, sql, *some):
            if (schema, name) in wanted:
                present[schema, name] = bool(query(connection, f"SELECT 1 FROM {qualified(schema, name)} LIMIT 1"))
    return present


def target_table_checks(tables: TargetTables) -> Iterator[Check]:
    return apply(_RULES, DEST, tables)


def _has_table(connection: Connection, name: str) -> bool:
    sql = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return bool(query(connection, sql, UDUP_SCHEMA, name))


# ---- Judging ----


def _checkpoint(tables: TargetTables) -> Iterator[Finding]:
    stored = tables.checkpoint
    known = (tables.selection, *tables.accepted)
    if stored is not None and not any(stored.selection == each or has_notes(stored.selection, each) for each in known):
        yield failed(
            f"ReplicateDoDb is not what it was when job {tables.job!r} made its checkpoint on the target; what came "
            "new would not be copied",
            CHOSEN_AS_BEFORE.format(job=shlex.quote(tables.job)),
        )


def _existing(tables: TargetTables) -> Iterator[Finding]:
    if tables.start_after is not None:
        if tables.missing:
            yield warned(
                f"not on the target: {_listed(tables.missing)}; the first change of such a table ends the job",
                "bring them there as they were at the job's GTID set, or leave the start (Gtid, AutoGtid, GtidStart, "
                "BinlogFile) out of the document: they are copied then",
            )
        return
    if tables.fill_existing:
        yield from _to_be_filled(tables)
        return
    if tables.foreign and tables.drop_existing:
        yield warned(f"a copy replaces: {_listed(list(map(str, tables.foreign)))}", "set DropTableIfExists to false")
    elif tables.foreign:
        yield failed(
            f"other things of the same name are there: {_listed(list(map(str, tables.foreign)))}",
            f"{'; '.join(each.drop for each in tables.foreign[:_SHOWN])}; or set DropTableIfExists",
        )
    if tables.full and tables.drop_existing:
        yield warned(f"tables with rows that a copy drops: {_listed(tables.full)}", "set DropTableIfExists to false")
    elif tables.full:
        yield failed(
            f"tables of the same name hold rows: {_listed(tables.full)}",
            f"DROP TABLE {tables.full[0]}, and so on; or set DropTableIfExists",
        )
    if tables.empty:
        yield warned(
            f"empty tables that a copy drops and makes again: {_listed(tables.empty)}",
            "rename on the target what is to stay: RENAME TABLE … TO …",
        )


def _to_be_filled(tables: TargetTables) -> Iterator[Finding]:
    """What keeps a copy from filling tables that are there."""
    for fault in tables.unfit:
        yield failed(fault.problem, fault.remedy)
    for each in tables.foreign[:_SHOWN]:
        yield failed(f"another thing of the same name is there: {each}", each.drop)
    if tables.missing:
        yield failed(
            f"not on the target, where the copy is to fill them: {_listed(tables.missing)}",
            "make them there, or leave SkipCreateDbTable out",
        )
    if tables.full:
        yield failed(
            f"tables that the copy is to fill hold rows: {_listed(tables.full)}",
            f"TRUNCATE TABLE {tables.full[0]}, and so on",
        )


def _claims(tables: TargetTables) -> Iterator[Finding]:
    for fault in tables.claimed:
        yield failed(fault.problem, fault.remedy)


def _zones(tables: TargetTables) -> Iterator[Finding]:
    if tables.source_names_zones and not tables.named_zones:
        yield warned(
            "the target does not know time zones by their names and the source does: a definition made in a session "
            "with SET time_zone = 'Europe/Berlin' could not be made here",
            "mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql mysql",
        )


def _came_from(tables: TargetTables) -> str:
    if tables.checkpoint is not None:
        return f"goes on after {brief(tables.checkpoint.executed)}"
    left = f"; dropped first, from a copy that has not ended: {_listed(tables.unfinished)}" if tables.unfinished else ""
    return "none: the job begins here" + left


def _listed(names: Sequence[str]) -> str:
    return some_of(names, _SHOWN)


_RULES = (
    Rule[TargetTables]("checkpoint", _came_from, _checkpoint),
    Rule[TargetTables](
        "existing_tables", lambda tables: "none in the way" if tables.start_after is None else "all there", _existing
    ),
    Rule[TargetTables]("other_jobs", lambda _tables: "none keeps the same tables current", _claims),
    Rule[TargetTables](
        "time_zone_tables", lambda tables: "filled" if tables.named_zones else "empty on both sides", _zones
    ),
)
