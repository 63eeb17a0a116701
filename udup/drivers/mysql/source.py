"""A MySQL server as a source (`ports.Source`)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import replace

from udup.base.endpoint import Endpoint
from udup.base.errors import Side
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.checks.parts import part_faults
from udup.drivers.mysql.checks.retention import check_kept, copy_warnings, expires_after
from udup.drivers.mysql.checks.snapshot_access import snapshot_warnings
from udup.drivers.mysql.checks.source_tables import check_parents
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.drivers.mysql.client.facts import read_facts
from udup.drivers.mysql.client.log_state import executed_sql, read_executed, read_purged
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.columns.checks import map_faults
from udup.drivers.mysql.columns.computed import read_computed
from udup.drivers.mysql.dictionary.claims import read_feeds
from udup.drivers.mysql.dictionary.used import read_plugins_used, read_used
from udup.drivers.mysql.filters.checks import filter_faults
from udup.drivers.mysql.rowtext.facts import read_facts_of
from udup.drivers.mysql.snapshot.copy import SnapshotCopy, open_copy
from udup.drivers.mysql.snapshot.names import check_names, read_base_tables
from udup.drivers.mysql.stream.log import BinlogChanges
from udup.drivers.mysql.stream.packets import SILENCE_SECONDS
from udup.drivers.mysql.stream.position import waits_for_replica
from udup.drivers.mysql.stream.start_point import find_start
from udup.drivers.mysql.telling.reading import open_reading
from udup.pipeline.ports import (
    Beginning,
    ChangeLog,
    ClockAnswer,
    CopyResume,
    LogPlan,
    ReadingPlan,
    Scope,
    SnapshotReading,
    SourceClock,
    SourceCopy,
    SourceLook,
    StartPoint,
)
from udup.pipeline.records import Tables
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection
from udup.pipeline.waits import Waits

#: Seconds for a source to tell its time and what it has executed: it looks at nothing for that. As long as its log may
#: be silent.
CLOCK_SECONDS = SILENCE_SECONDS

_CLOCK = "CAST(UNIX_TIMESTAMP(NOW(6)) * 1e6 AS SIGNED)"


@behind_the_seam(Side.SOURCE)
class MySQLSource:
    """Holds no connection: each part that it opens has its own."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    @property
    def where(self) -> str:
        return str(self.endpoint)

    def position(self, text: str) -> GtidSet:
        """Return a GTID set that was kept as text."""
        return GtidSet.parse(text)

    def look(self, scope: Scope) -> SourceLook:
        """Return what the source is like, and what in its dictionary speaks against the job."""
        selection = scope.selection
        with closing(connect(self.endpoint)) as connection:
            facts = read_facts(connection)
            used = read_used(connection, selection.folding(facts.folds_names))
            if scope.kept_users is not None:
                used += read_plugins_used(connection, scope.kept_users)
            facts = replace(facts, used=used)
            faults = check_parents(connection, facts, selection) + check_names(connection, facts, selection)
            faults += part_faults(connection, facts, scope)
            faults += filter_faults(connection, facts, selection) + map_faults(connection, facts, selection)
            feeds = read_feeds(connection, selection.folding(facts.folds_names))
            warnings = copy_warnings(connection, facts, selection) + snapshot_warnings(connection, facts, selection)
            return SourceLook(facts, tuple(faults), tuple(feeds), warnings, expires_after(facts))

    def executed(self) -> GtidSet:
        """Return the executed GTIDs, asked now on a connection of its own."""
        with closing(connect(self.endpoint, answer_seconds=CLOCK_SECONDS)) as connection:
            return GtidSet.parse(read_executed(connection))

    def find_start(self, point: StartPoint) -> Beginning:
        """Return the GTID set of what comes before a place of the binary log."""
        return find_start(self.endpoint, point)

    def open_clock(self) -> SourceClock:
        """Connect what asks the source for its time and its executed GTIDs."""
        return MySQLClock(self.endpoint, connect(self.endpoint, answer_seconds=CLOCK_SECONDS))

    def tables(self, scope: Scope, copied: SourceCopy | None, *, tells: bool = False) -> Tables:
        """Return the tables that the job keeps current: those of a copy, or those that the source has now."""
        assert copied is None or isinstance(copied, SnapshotCopy), "a copy of this driver's"
        selection, details = scope.selection, b""
        if copied is not None:
            uuid, names, computed = copied.server_uuid, copied.tables, copied.computed
        else:
            with closing(connect(self.endpoint)) as connection:
                uuid, names = connection.server_uuid, read_base_tables(connection, selection)
                computed = read_computed(connection, names)
                details = read_facts_of(connection, _renamed(names, selection)) if tells else b""
        whole = {name for name in names if selection.columns_of(*name) == ((),)}  # a map has none of them
        computed = {each for each in computed if each[:2] in whole}
        new = _renamed(names, selection)
        listed = [(*name, *new[name]) for name in names]
        shown = [(*new[schema, table], column) for schema, table, column in sorted(computed)]
        return Tables(uuid, self.where, listed, copied is not None, shown, details)

    def open_copy(
        self,
        scope: Scope,
        *,
        readers: int,
        chunk_rows: int | None,
        waits: Waits | None = None,
        resumes: CopyResume | None = None,
    ) -> SourceCopy:
        """Open a snapshot of everything in the scope, at one GTID set."""
        return open_copy(self.endpoint, scope, readers=readers, chunk_rows=chunk_rows, waits=waits, resumes=resumes)

    def open_reading(
        self, scope: Scope, plan: ReadingPlan, *, readers: int, waits: Waits | None = None
    ) -> SnapshotReading:
        """Open a snapshot of the rows in the scope, at one GTID set, whose rows are as the log would have them."""
        return open_reading(self.endpoint, scope, plan, readers=readers, waits=waits)

    def open_log(self, plan: LogPlan) -> ChangeLog:
        """Return the binary log after a GTID set; nothing is asked of the source before `begin`."""
        return BinlogChanges(self.endpoint, plan)


def _renamed(names: Iterable[Name], selection: Selection) -> dict[Name, Name]:
    return {name: selection.renamed_table(*name) for name in names}


@behind_the_seam(Side.SOURCE)
class MySQLClock:
    """A connection for questions that come again and again. `close` may be called from another thread."""

    def __init__(self, endpoint: Endpoint, connection: Connection) -> None:
        self.endpoint = endpoint
        self._connection = connection
        self._executed = ("", "")  # as the server wrote it, and as Udup does

    def read(self) -> ClockAnswer:
        """Return the source's time and its executed GTID set."""
        sql = f"SELECT {_CLOCK}, {executed_sql(self._connection)}"
        uuid = self._connection.server_uuid
        if self._connection.is_mariadb:
            [(now_us, executed)] = query(self._connection, sql)
        else:
            [(now_us, executed, uuid)] = query(self._connection, f"{sql}, @@global.server_uuid")
        if executed != self._executed[0]:
            # In one way everywhere: servers write tags now behind their UUID, now with one of their own.
            self._executed = (str(executed), str(GtidSet.parse(str(executed))))
        return ClockAnswer(int(now_us), self._executed[1], str(uuid))

    def awaits_acknowledgement(self) -> bool:
        """Return whether commits wait for a semi-synchronous replica now, for seconds already."""
        return waits_for_replica(self._connection)

    def check_kept(self, position: str) -> None:
        """Raise `Refused` if the binary log after the position of a copy under way is not whole any more."""
        check_kept(self.endpoint, read_purged(self._connection), position)

    def close(self) -> None:
        """End the connection, and with it a question that is under way."""
        shut_down(self._connection)
        with suppress(MySQLError, OSError):  # closed already, perhaps in this moment by the thread that asks
            self._connection.close()
