"""How a job's take-over takes a side job in: two checkpoints become one, in the transaction of the take-over.

The job's places are held, and so are the side job's: nothing of either is under way. What both have is the job's
position from then on, and notes say which tables are ahead of it (`pipeline/positions.py`). The side job's claims
become the job's, and its other rows go. A death leaves either two checkpoints or one.

They stand apart for now where something of one of them is open that no note can tell: a prepared transaction, or a
transaction of which nobody knows yet whether it was applied. Both go on by themselves then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from udup.base.errors import Fault
from udup.drivers.mysql.apply import ahead, begun, intents, later_keys, table_changes, unsure, xa_less
from udup.drivers.mysql.apply import xa as prepared
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.dictionary.claims import TABLE as CLAIM_TABLE
from udup.pipeline.ports import CheckpointState, Join, Leaving, Position
from udup.pipeline.positions import Standing, joined
from udup.pipeline.selection.schemas import UDUP_SCHEMA
from udup.pipeline.selection.selection import Selection
from udup.pipeline.stamps import Stamps

#: Tables with rows of a job beside its claims: those of a side job go when it is taken in. `copied_…`: it has none.
_OF_A_JOB = ("checkpoint", "copied_table", "copied_object", prepared.TABLE, unsure.TABLE, ahead.TABLE)


def look(
    connection: Connection, job: str, join: Join, position: CheckpointState, *, is_joined: bool
) -> CheckpointState | str | None:
    """Return where the job goes on with both, why they stand apart for now, or None if they were joined before.

    `position` is the job's own. All rows that count are locked until the transaction ends.
    """
    rows = _rows(connection, join.side)
    if is_joined and not rows:
        return None
    if is_joined:
        return f"the checkpoint of job {job!r} has all tables already, and its side job has one of its own"
    if why := _open(connection, job, join, position, rows):
        return why
    base, executed = rows[0], GtidSet()
    for row in rows:
        executed.update(GtidSet.parse(row[1]))
    done, unfinished = begun.split(begun.have_run(connection, str(base[5]), str(base[6]), executed))
    if unfinished:
        return "an event of the new tables' schema has been made and is not finished: they are joined when it is"
    executed.update(done)
    own = Standing(position.executed, join.kept, position.ahead)
    side = Standing(executed, join.taken, ahead.read(connection, join.side))
    both, notes = joined(own, side)
    stamps = _stamps((position.stamps, str(base[3])), both)
    return replace(position, executed=both, ahead=notes, stamps=stamps)


def _rows(connection: Connection, side: str) -> list[Any]:
    sql = (
        f"SELECT slot, gtids, selection, stamps, source_uuid, mark, {begun.COLUMN} FROM {UDUP_SCHEMA}.checkpoint"
        " WHERE job = %s ORDER BY slot FOR UPDATE"
    )
    return query(connection, sql, side)


def _open(connection: Connection, job: str, join: Join, position: CheckpointState, rows: list[Any]) -> str:
    """Return why the two cannot be joined now, "" if they can."""
    if not rows or rows[0][0] != 0:
        return "the new tables have no checkpoint on the target"
    base, digest = rows[0], join.taken.digest
    if base[2] != digest and not ahead.has_notes(str(base[2]), digest):
        return "the copy of the new tables is not complete on the target"
    if position.source_uuid and base[4] and str(base[4]) != position.source_uuid:
        return f"the new tables were read from server {base[4]}, and the others from server {position.source_uuid}"
    for each in (job, join.side):
        if query(connection, f"SELECT 1 FROM {UDUP_SCHEMA}.{prepared.TABLE} WHERE job = %s LIMIT 1", each):
            return "an XA transaction is prepared on the source: they are joined after its XA COMMIT or XA ROLLBACK"
        if query(connection, f"SELECT 1 FROM {UDUP_SCHEMA}.{unsure.TABLE} WHERE job = %s AND gtids <> ''", each):
            return "it is not known yet whether a transaction of tables without transactions was applied"
    return ""


def _stamps(texts: Iterable[str], executed: Position) -> str:
    """Return of each origin the last stamp of an executed transaction: what is not executed may still come."""
    known = Stamps()
    for text in texts:
        known.update(Stamps(Stamps.parse(text).within(executed)))
    return str(known)


def move(connection: Connection, job: str, side: str, *, has_intents: bool) -> None:
    """Make the side job's claims the job's, what it has counted too, and foreign keys due; remove its other rows."""
    query(connection, f"UPDATE {UDUP_SCHEMA}.{CLAIM_TABLE} SET job = %s WHERE job = %s", job, side)
    table_changes.move(connection, job, side)
    later_keys.make_due(connection, job, side)
    for table in (*_OF_A_JOB, *([intents.TABLE] if has_intents else [])):
        query(connection, f"DELETE FROM {UDUP_SCHEMA}.{table} WHERE job = %s", side)


def release(connection: Connection, job: str, selection: Selection, leaves: Leaving) -> None:
    """Give up the job's claims on tables that it does not have any more, by their names on the source.

    Rows of them that prepared transactions would still bring go as well. A side job that loads them again finds them
    as what an unfinished copy of its own has made: it drops those, too, that the source does not have any more, of
    which no log tells it.
    """
    side = leaves.side
    sql = (
        f"SELECT table_schema, table_name, source_schema, source_table FROM {UDUP_SCHEMA}.{CLAIM_TABLE} WHERE job = %s"
    )
    gone = f"DELETE FROM {UDUP_SCHEMA}.{CLAIM_TABLE} WHERE job = %s AND table_schema = %s AND table_name = %s"
    left: set[xa_less.Name] = set()
    made = (
        f"REPLACE INTO {UDUP_SCHEMA}.copied_table (job, table_schema, table_name, incarnation) VALUES (%s, %s, %s, %s)"
    )
    for schema, table, *source in query(connection, sql, job):
        wanted = any(selection.folding(folds).wants(*map(str, source)) for folds in (False, True))
        if not wanted and side:
            query(connection, made, side, schema, table, leaves.incarnation)
        if not wanted:
            query(connection, gone, job, schema, table)
            left.add((str(schema), str(table)))
    xa_less.leave_out(connection, job, left)
    if leaves.given_up:
        for table in (CLAIM_TABLE, *_OF_A_JOB):
            query(connection, f"DELETE FROM {UDUP_SCHEMA}.{table} WHERE job = %s", leaves.given_up)


def forget_noted(connection: Connection, job: str, incarnation: str) -> None:
    """Forget what was noted for another side job of this ID, which never came: its tables are not this one's to drop.

    `job` has no checkpoint yet.
    """
    sql = f"DELETE FROM {UDUP_SCHEMA}.copied_table WHERE job = %s AND incarnation NOT IN ('', %s)"
    query(connection, sql, job, incarnation)


def nothing_to_join(job: str) -> Fault:
    return Fault(
        "Dest",
        f"the checkpoint of job {job!r} is not on the target any more, so its new tables cannot be joined to it",
        "restore the rows of schema udup on the target; or have the job copy all again: udup job delete --purge"
        f" {job}, drop its tables on the target and post it",
        "Dest",
    )
