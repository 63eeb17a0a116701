"""The place in MariaDB's log that a snapshot is of, which the server itself tells.

Behind START TRANSACTION WITH CONSISTENT SNAPSHOT the session's status has file and offset of exactly what it sees.
Where several sessions are told the same place, all of them see one snapshot, whatever is committed meanwhile.

A prepared XA transaction is in the log before that place, and not in the snapshot. XA RECOVER is asked before and
behind the opening; what was prepared and ended between the two stops the job when its end comes without a beginning.
"""

from __future__ import annotations

from collections.abc import Sequence

from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.drivers.mysql.snapshot.moment import Moment, prepared, start_all

_PLACE = "SHOW STATUS WHERE Variable_name IN ('Binlog_snapshot_file', 'Binlog_snapshot_position')"


def open_together(observer: Connection, readers: Sequence[Connection]) -> Moment | None:
    """Open the readers' snapshots; None where they are not of one place."""
    before = prepared(observer)
    start_all(readers)
    places = {_place(reader) for reader in readers}
    found = sorted({*before, *prepared(observer)})
    if len(places) != 1:
        return None
    [(file, offset)] = places
    if not file:
        return None  # without a log it says none
    gtids = scalar(observer, "SELECT BINLOG_GTID_POS(%s, %s)", file, offset)
    return None if gtids is None else Moment(str(gtids), found)


def _place(reader: Connection) -> tuple[str, int]:
    told = {str(name).lower(): str(value) for name, value in query(reader, _PLACE)}
    return told.get("binlog_snapshot_file", ""), int(told.get("binlog_snapshot_position") or 0)
