"""A target of which one table has more than the job's position, as a copy that was resumed, or a join, leaves it."""

from __future__ import annotations

from tests.sim.mysql import ROWS, Server
from tests.sim.node import JOB
from tests.sim.source import BEGINNING, Source, gtids
from udup.drivers.mysql.apply.ahead import digest_with
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.pipeline.positions import AheadNote, AheadNotes
from udup.pipeline.selection.selection import Selection


def begin_ahead(target: Server, source: Source, count: int) -> None:
    """Have the first table as it was after so many transactions, and a checkpoint that is before all of them."""
    has = GtidSet.parse(gtids(range(1, count + 1)))
    for key, history in source.rows_at(has).items():
        target.rows[ROWS, key] = history
    note = AheadNote(Selection.of([("s", ["t"])]), has)
    digest = digest_with(AheadNotes([note]), Selection.of([("s", [])]).digest)
    target.rows["checkpoint", JOB, 0, 1 << 40] = (BEGINNING, "0" * 8, 0, digest, "", "", "", "", "")
    target.rows["ahead", JOB, 0] = note.kept()
