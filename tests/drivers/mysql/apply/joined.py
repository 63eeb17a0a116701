"""Checkpoints of a job and of its side job, as their runs would have left them."""

from __future__ import annotations

from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, query
from udup.pipeline.positions import AheadNote, AheadNotes
from udup.pipeline.selection.selection import Selection

A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
OLD, ALL = Selection.of([("s", ["a"])]), Selection.of([("s", ["a", "b"])])
NEW = ALL.without(OLD)


def side_of(job: str) -> str:
    return f"{job} tables"


def begin(connection: Connection, job: str, selection: Selection, executed: str, *notes: AheadNote) -> None:
    checkpoint = Checkpoint(connection, job, selection.digest)
    checkpoint.take_over(2, None)
    stamps = f"{A}:{executed.rpartition('-')[2]}@7"
    checkpoint.write_first(2, GtidSet.parse(executed), "u", AheadNotes(notes))
    checkpoint.advance(executed, 3, stamps, "u")
    claim = (
        "INSERT INTO udup.claim (table_schema, table_name, job, source_uuid, source_schema, source_table, source, node)"
    )
    table = "a" if selection is OLD else "b"
    query(
        connection, f"{claim} VALUES (%s, %s, %s, 'u', 's', %s, '', '')", job.removesuffix(" tables"), table, job, table
    )
