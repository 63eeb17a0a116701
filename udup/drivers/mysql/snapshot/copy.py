"""A full copy's source side: definitions and rows as of one snapshot (`ports.SourceCopy`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace

import msgspec

from udup.base import logs
from udup.base.endpoint import Endpoint
from udup.base.errors import Side
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.asking import Asking
from udup.drivers.mysql.client.connection import Connection, connect
from udup.drivers.mysql.client.facts import LOGS_CASCADES, ON, ServerFacts, read_global
from udup.drivers.mysql.client.log_state import read_log_state
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.columns.definitions import mapped_catalog
from udup.drivers.mysql.ddl.innodb import innodb_catalog
from udup.drivers.mysql.dictionary.catalog import Catalog
from udup.drivers.mysql.dictionary.copied_before import Resumable, decoded
from udup.drivers.mysql.dictionary.details import CopyDetails, SourceLog
from udup.drivers.mysql.dictionary.later_keys import LaterKey
from udup.drivers.mysql.snapshot import crossing_keys
from udup.drivers.mysql.snapshot.baseline import Baseline, open_baseline
from udup.drivers.mysql.snapshot.reader import CopyReader, TableTotal
from udup.drivers.mysql.snapshot.renamed_catalog import renamed_catalog
from udup.drivers.mysql.snapshot.resuming import decided, is_worth_it, log_after, resumables
from udup.drivers.mysql.snapshot.same_log import SameLog
from udup.drivers.mysql.snapshot.sequences import with_numbers
from udup.drivers.mysql.stream.anonymous import check_anonymous
from udup.drivers.mysql.stream.contexts import own_context
from udup.pipeline.ports import CopyResume, Piece, Scope
from udup.pipeline.positions import NOTHING, AheadNote, AheadNotes
from udup.pipeline.records import CopyPlan, CopyTable, CopyTotals, StartRows
from udup.pipeline.selection.renames import Name
from udup.pipeline.waits import Waits


@behind_the_seam(Side.SOURCE)
class SnapshotCopy:
    """Made by `open_copy`; `start` once, then `read` on one thread for each reader."""

    def __init__(
        self,
        endpoint: Endpoint,
        baseline: Baseline,
        plan: CopyPlan,
        chunk_rows: int | None,
        first: frozenset[str],
        server_uuid: str,
        resumables: Sequence[Resumable] = (),
    ) -> None:
        """`resumables` say what of each table is there already; there are none where nothing is."""
        self._resumables = resumables
        self._first = first
        self.server_uuid = server_uuid
        self.endpoint = endpoint
        self._baseline = baseline
        self._plan = plan
        self._chunk_rows = chunk_rows
        self._reader: CopyReader | None = None
        self._stopped = False

    @property
    def plan(self) -> CopyPlan:
        return self._plan

    @property
    def tables(self) -> list[Name]:
        """Return the tables' names on the source."""
        return [(table.schema, table.name) for table in self._baseline.catalog.tables]

    @property
    def computed(self) -> set[tuple[str, str, str]]:
        """Return schema, table and column of what the source computes."""
        tables = self._baseline.catalog.tables
        return {(each.schema, each.name, column.name) for each in tables for column in each.columns if column.generated}

    def start(self, start: StartRows, on_table: Callable[[CopyTotals], None]) -> None:
        """Prepare the readers; `on_table` is called with each table that was read to its end."""

        def told(total: TableTotal) -> None:
            sums = {name: f"{one}.{other}" for name, (one, other) in total.sums.items()}
            on_table(CopyTotals(total.table, total.chunks, total.rows, sums))

        baseline = self._baseline
        self._reader = CopyReader(
            baseline.snapshot,
            baseline.catalog.tables,
            told,
            self._chunk_rows,
            baseline.locked,
            offsets=start.offsets,
            texts=start.texts,
            history=start.history,
            first=self._first,
            resumables=self._resumables,
        )
        if self._stopped:
            self._reader.stop()

    def read(self, reader: int, emit: Callable[[Piece], None]) -> None:
        """Read tables on this thread until none is left."""
        assert self._reader is not None, "start first"
        self._reader.run(reader, emit)

    def ahead(self) -> str:
        """Return by which notes the log is read, once all is read.

        A snapshot shows a table with the rows that EXCHANGE PARTITION has given it since, without a word. Where tables
        have partitions nobody knows of such a statement that ran meanwhile whether the rows were read before it.
        """
        plan = self._plan
        if not any("PARTITION BY" in table.create_sql for table in self._baseline.catalog.tables):
            return plan.ahead
        with connect(self.endpoint) as connection:
            executed = GtidSet.parse(read_log_state(connection)[0])
        note = AheadNote(NOTHING, executed, overtaken=True)
        return AheadNotes.of_json(plan.ahead, GtidSet.parse).plus(note).merged(GtidSet.parse(plan.begin)).to_json()

    def stop(self) -> None:
        """Have all readers end, from any thread, and close the snapshot."""
        self._stopped = True
        if self._reader is not None:
            self._reader.stop()
        for connection in self._baseline.snapshot.connections:
            shut_down(connection)  # a statement may be under way on it, in another thread
        self.close()

    def close(self) -> None:
        """End the snapshot and the locks."""
        self._baseline.close()


def open_copy(
    endpoint: Endpoint,
    scope: Scope,
    *,
    readers: int,
    chunk_rows: int | None,
    waits: Waits | None = None,
    resumes: CopyResume | None = None,
) -> SnapshotCopy:
    """Open a snapshot with everything in the scope. `resumes` as in `ports.Source.open_copy`.

    Raise `Unsupported` if something in it cannot be copied exactly, and what `open_baseline` raises.
    """
    with closing(Asking(endpoint)) as asking:
        check_anonymous(endpoint, None, asking)
        baseline = open_baseline(
            endpoint,
            readers,
            scope.selection,
            scope.kept_users,
            chunk_rows,
            waits,
            holder=scope.holder,
            number=scope.number,
            asking=asking,
        )
        try:
            with asking.connection() as connection:
                sequences = with_numbers(connection, baseline.catalog.sequences)
            there = catalog_there(replace(baseline.catalog, sequences=sequences), scope)
            there, later = crossing_keys.apart(baseline.catalog, there, scope)
            found, stamps = _resumables(endpoint, baseline, there, resumes, asking)
            with asking.connection() as connection:
                server_uuid = connection.server_uuid
                plan = _plan_of(connection, scope, baseline, there, found, stamps, later)
            return SnapshotCopy(endpoint, baseline, plan, chunk_rows, scope.copy_first, server_uuid, found)
        except BaseException:
            baseline.close()
            raise


def _resumables(
    endpoint: Endpoint, baseline: Baseline, there: Catalog, resumes: CopyResume | None, asking: Asking
) -> tuple[tuple[Resumable, ...], str]:
    """Return what is to be noted of each table and what of it stays, and stamps that tell the source."""
    if resumes is None or not is_worth_it(baseline.catalog):
        return (), ""
    with asking.connection() as connection:
        logs_cascades = read_log(connection).has_cascades
    found, before = resumables(baseline.catalog, there, logs_cascades=logs_cascades), decoded(resumes.copied)
    position = baseline.snapshot.gtid_set
    log = SameLog(endpoint, resumes.job, position, before, asking)
    if not before:
        return found, log.stamps
    if log.why:
        logs.logger("extractor").warning("copy_not_resumed", job=resumes.job, why=log.why)
        return found, log.stamps
    with asking.connection() as connection:
        purged = read_log_state(connection)[1]
    return decided(baseline.catalog, found, before, there, position, purged), log.stamps


def _plan_of(
    connection: Connection,
    scope: Scope,
    baseline: Baseline,
    renamed: Catalog,
    found: tuple[Resumable, ...],
    stamps: str,
    later: tuple[LaterKey, ...],
) -> CopyPlan:
    """Return what the target must know of the copy, under the target's names."""
    computes = any(table.computes for table in baseline.catalog.tables)
    tables = tuple(replace(table, condition="") for table in renamed.tables)
    context = own_context(connection) if computes else {}
    version = str(connection.get_server_info())  # type: ignore[no-untyped-call]
    position = baseline.snapshot.gtid_set
    log, catalog = read_log(connection), replace(renamed, tables=tables)
    details = CopyDetails(catalog, context, log, version, found, stamps, later)
    after, notes = log_after(baseline.catalog, found, position, scope.selection) if found else (position, AheadNotes())
    return CopyPlan(_tables(renamed, found), details.encoded(), position, after, notes.to_json())


def _tables(catalog: Catalog, found: Sequence[Resumable]) -> list[CopyTable]:
    made = [
        CopyTable(each.schema, each.name, each.source, each.rows_estimate, each.rows_estimate * each.row_bytes)
        for each in catalog.tables
    ]
    for number, one in enumerate(found):
        if one.kept is not None:
            size = 0 if one.kept.is_read else made[number].bytes_estimate
            changes = {"whole": one.kept.whole, "rows_there": one.kept.rows, "bytes_estimate": size}
            made[number] = msgspec.structs.replace(made[number], **changes)
    return made


def catalog_there(catalog: Catalog, scope: Scope) -> Catalog:
    """Return what the target is to have of it: mapped columns, other engines, other names. `Unsupported` if not."""
    return renamed_catalog(mapped_catalog(innodb_catalog(catalog) if scope.innodb else catalog), scope.selection)


def log_of(facts: ServerFacts) -> SourceLog:
    """Return what a source's log says of rows."""
    named = facts.value("binlog_row_metadata", "MINIMAL").upper() == "FULL"
    return SourceLog(names_columns=named, has_cascades=facts.logs_cascades)


def read_log(connection: Connection) -> SourceLog:
    """Return the same of the server of a connection."""
    found = read_global(connection, "binlog_row_metadata", "innodb_native_foreign_keys")
    named, native = found.get("binlog_row_metadata", "MINIMAL"), found.get("innodb_native_foreign_keys", "OFF")
    is_new = not connection.is_mariadb and connection.version >= LOGS_CASCADES
    return SourceLog(names_columns=named.upper() == "FULL", has_cascades=is_new and native.upper() not in ON)
