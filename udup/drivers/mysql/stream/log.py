"""A MySQL source's binary log as the records of a job (`ports.ChangeLog`).

Before it is followed, the log must be the one that was read before, and hold everything since: the source has executed
what the target has of it (`position.py`), the times of the last transactions are the same (`continuity.py`), those that
a destination has in part come again (`in_part.py`), and no change without a GTID lies in between (`anonymous.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from functools import partial

from udup.base.endpoint import Endpoint
from udup.base.errors import Held, Side, Unsupported
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.rotate import parse_rotate
from udup.drivers.mysql.checks.parts import with_tied
from udup.drivers.mysql.client.asking import Asking
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.flavour import is_mariadb
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.columns.shaper import ColumnMaps
from udup.drivers.mysql.ddl.query_action import Decide
from udup.drivers.mysql.ddl.query_classifier import QueryClassifier
from udup.drivers.mysql.filters.shaper import Shapers
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.row_forms import RowForms
from udup.drivers.mysql.naming.naming import Naming, logs_signs
from udup.drivers.mysql.snapshot.moment import prepared_now
from udup.drivers.mysql.snapshot.names import is_transactional_there, read_names
from udup.drivers.mysql.stream.ahead import AheadTables
from udup.drivers.mysql.stream.anonymous import check_anonymous
from udup.drivers.mysql.stream.assembly import Assembler
from udup.drivers.mysql.stream.contexts import contexts_of
from udup.drivers.mysql.stream.continuity import Continuity, check_continuity
from udup.drivers.mysql.stream.in_part import check_in_part
from udup.drivers.mysql.stream.job_events import JobEvents
from udup.drivers.mysql.stream.lost_prepared import KeptOnTarget, LostPrepared
from udup.drivers.mysql.stream.position import check_executed
from udup.drivers.mysql.stream.replica import Replica
from udup.drivers.mysql.stream.row_order import row_order_of
from udup.drivers.mysql.stream.sharing import SHARING, SharedSource
from udup.drivers.mysql.stream.stream import BinlogStream
from udup.drivers.mysql.stream.told import Telling
from udup.drivers.mysql.telling.joining import Joined
from udup.drivers.mysql.telling.made_tables import MadeTables
from udup.drivers.mysql.telling.tries import SnapshotJudges
from udup.pipeline.ports import LogPlace, LogPlan, Recognised
from udup.pipeline.positions import AheadNotes
from udup.pipeline.records import Part, Record, SnapshotEnd, Transaction
from udup.pipeline.selection.renames import Name, Renaming
from udup.pipeline.stamps import Stamps


@behind_the_seam(Side.SOURCE)
class BinlogChanges:
    """`begin`, then iterate, on one thread; `close` from any. A log that is closed fails with `Transient`."""

    def __init__(self, endpoint: Endpoint, plan: LogPlan) -> None:
        self.endpoint = endpoint
        self._plan = plan
        self._stream: BinlogStream | JobEvents | None = None
        self._assembler: Assembler | None = None
        self._shapers: Shapers | None = None
        self._naming: Naming | None = None
        self._judges: SnapshotJudges | None = None
        self._joined: Joined | None = None
        self._lost: LostPrepared | None = None
        self._notes = AheadNotes()
        self._made = MadeTables(endpoint, plan.scope) if plan.tells else None
        self._closed = False
        self._at = ("", 0)  # log file and offset, in one value since other threads look at it

    def begin(self) -> Recognised:
        """Check that the log goes on where the job was, and open it.

        Raise `Unsupported` if it does not, `Transient` if the source does not answer.
        """
        endpoint, plan = self.endpoint, self._plan
        start_after, replica = GtidSet.parse(plan.start_after), Replica.of(plan.job)
        with closing(Asking(endpoint)) as asking:
            return self._begin(start_after, replica, asking)

    def _begin(self, start_after: GtidSet, replica: Replica, asking: Asking) -> Recognised:
        endpoint, plan = self.endpoint, self._plan
        shared = SHARING.of(endpoint)
        if shared is not None:
            shared.release(replica)
        self._notes = AheadNotes.of_json(plan.ahead, GtidSet.parse, folds=plan.scope.fold_names)
        check_executed(endpoint, _all_that_is_there(start_after, self._notes), lambda: self._closed, asking)
        reading = endpoint, replica.server_id, replica.uuid
        stamps = Stamps.parse(json.loads(plan.snapshot).get("stamps", "") if plan.snapshot else "")
        stamps.update(Stamps.parse(plan.stamps))
        found = check_continuity(*reading, start_after, stamps, self._opened, asking)
        if plan.in_part.gtids:
            check_in_part(*reading, plan.in_part, lambda: self._closed, self._opened)
        check_anonymous(endpoint, start_after, asking)
        stream = self._open_stream(start_after, replica, shared)
        self._opened(stream)
        self._assembler = self._new_assembler(asking)
        if isinstance(stream, JobEvents):
            stream.unwanted = self._assembler.unwanted
        if plan.tells:
            self._lost = LostPrepared(endpoint, stream.server_uuid)
        elif plan.prepared is not None:
            self._lost = LostPrepared(endpoint, stream.server_uuid, KeptOnTarget(plan.prepared, start_after))
        if plan.tells or (self._takes_values and not logs_signs(endpoint, asking)):
            self._naming = naming = Naming(endpoint, plan.job, plan.scope, start_after)
            if self._closed:
                naming.close()
            naming.begin()
        doubt = found.doubt if stream.server_uuid == found.server_uuid else _of_another(endpoint, found, stream)
        return Recognised(stream.server_uuid, str(found.seen), doubt)

    @property
    def _takes_values(self) -> bool:
        """Return whether rows of the job are read as values, here or on the target."""
        selection = self._plan.scope.selection
        return self._plan.by_values or selection.filters_rows or selection.maps_columns

    def _open_stream(
        self, start_after: GtidSet, replica: Replica, shared: SharedSource | None
    ) -> BinlogStream | JobEvents:
        """Return the job's own dump, which may be carried on by one that several jobs share."""

        def opened(after: GtidSet) -> BinlogStream:
            plan = self._plan
            forms = RowForms(Server.of(plan.target), plan.scope.selection.wants)
            return BinlogStream(self.endpoint, replica.server_id, after, replica.uuid, plan.silent, forms)

        own = opened(start_after)
        if shared is None or own.is_mariadb:
            return own
        return JobEvents(shared, replica, own, start_after, opened, self._plan.silent)

    def _opened(self, stream: BinlogStream | JobEvents) -> None:
        self._stream = stream
        if self._closed:
            stream.close()

    def _new_assembler(self, asking: Asking) -> Assembler:
        endpoint, scope = self.endpoint, self._plan.scope
        renaming = Renaming(scope.selection, _names_now(endpoint, self._plan))
        ahead = AheadTables(self._notes) if self._notes else None
        classifier = QueryClassifier(
            scope.selection,
            scope.fold_names,
            renaming,
            scope.sql_filter,
            scope.kept_users,
            row_order_of(endpoint),
            partial(is_transactional_there, endpoint) if scope.innodb else None,
            sequences=is_mariadb(self._plan.target),
            left_out=lambda: None if ahead is None else ahead.part,
            apart=self._plan.apart,
            tied=partial(with_tied, endpoint, scope.selection),
        )
        self._shapers = Shapers.of(scope.selection, endpoint)
        contexts, maps = contexts_of(endpoint, asking), ColumnMaps.of(scope.selection)
        telling = Telling(folds_names=scope.fold_names) if self._plan.tells else None
        decide: Decide = classifier.decide
        kept = json.loads(self._plan.snapshot) if self._plan.snapshot else {}
        self._judges = judges = SnapshotJudges.of(kept, self._plan.start_after)
        if judges is not None:
            decide = judges.watching(decide, fold_names=scope.fold_names)
        if self._plan.tells:
            self._joined = Joined(endpoint, self._plan, kept, judges)
            decide = self._joined.watching(decide, fold_names=scope.fold_names)
        both, shapers = self._joined or judges, self._shapers
        return Assembler(
            scope.selection, decide, renaming, scope.sql_filter, contexts, shapers, maps, telling, both, ahead
        )

    def __iter__(self) -> Iterator[Record | None]:
        """Yield records; None whenever the source has sent no further event yet."""
        try:
            yield from self._records()
        except Held:
            assert self._assembler is not None
            yield from self._assembler.flush_skipped()  # what lies in front of it is done
            raise
        finally:
            if self._joined is not None:
                self._joined.close()  # a part may have been opened behind `close`

    def _records(self) -> Iterator[Record | None]:
        stream, assembler, joined = self._stream, self._assembler, self._joined
        assert stream is not None and assembler is not None, "begin first"
        if joined is not None and (state := joined.begin()):
            yield SnapshotEnd(0, "", state)
        if joined is not None and (told := joined.joining()) is not None:
            yield told
        for event in stream if self._naming is None else map(self._naming.completed, stream):
            if event[4] == EventType.ROTATE:
                self._at = parse_rotate(event)
            for record in assembler.feed(event):
                if self._judges is not None and (state := self._judges.changed()):
                    yield SnapshotEnd(0, "", state)  # in front of what has changed it
                self._note_place(event)
                self._check_prepared(record)
                if joined is not None:
                    if state := joined.changed(record):
                        yield SnapshotEnd(0, "", state)
                    joined.note(record)
                if self._lost is not None:
                    yield from self._lost.note(record)
                yield record if self._made is None else self._made.completed(record)
            if joined is not None and joined.is_at_work and assembler.is_between:
                yield from joined.step(assembler, lambda: stream.has_more)
            if not stream.has_more:
                for record in assembler.flush_skipped():
                    self._note_place(event)
                    if joined is not None:
                        joined.note(record)
                    yield record
                if event[4] == EventType.HEARTBEAT:
                    self._note_place(event)  # all before it is read, also what was no transaction
                if self._lost is not None and assembler.is_between:
                    yield from self._lost.lost(*self._at)
                yield None

    def _check_prepared(self, record: Record) -> None:
        """Raise `Unsupported` for XA whose rows may be in no snapshot: a table is read while it is prepared.

        A snapshot waits for the end of what is prepared, which only XA RECOVER shows.
        """
        if not isinstance(record, Transaction | Part) or not record.xid:
            return
        if isinstance(record, Part) and record.index:
            return
        if self._judges is None and (self._joined is None or not self._joined.is_at_work):
            return
        with closing(connect(self.endpoint)) as connection:
            if prepared_now(connection) is not None:
                return
        raise Unsupported(
            f"{record.id.gtid} prepares an XA transaction while rows of a snapshot are still to be read, and whether"
            " one is prepared cannot be seen: rows of it could be missed; GRANT XA_RECOVER_ADMIN ON *.* to the job's"
            " account on the source, and resume the job",
            gtid=record.id.gtid,
        )

    def _note_place(self, event: bytes) -> None:
        """Note where the event ends; one of a compressed transaction does not say it."""
        offset = int.from_bytes(event[13:17], "little")
        if offset and event[4] != EventType.FORMAT_DESCRIPTION:
            self._at = (self._at[0], offset)

    @property
    def place(self) -> LogPlace:
        return LogPlace(*self._at)

    def close(self) -> None:
        self._closed = True
        if self._stream is not None:
            self._stream.close()
        if self._shapers is not None:
            self._shapers.close()
        if self._joined is not None:
            self._joined.close()
        if self._made is not None:
            self._made.close()
        if self._naming is not None:
            self._naming.close()


def _of_another(endpoint: Endpoint, looked_at: Continuity, read: BinlogStream | JobEvents) -> str:
    """Return what is in doubt where the connections of one run have led to several servers."""
    return (
        f"the address of the source {endpoint} leads to several servers: whether its log goes on where the job was is"
        f" known of {looked_at.server_uuid}, and the log of {read.server_uuid} is read; name one server in"
        " ConnectionConfig, not a balancer over several"
    )


def _all_that_is_there(start_after: GtidSet, notes: AheadNotes) -> GtidSet:
    """Return what the target has of the source, of any table: others with these GTIDs would be left out."""
    found = start_after.copy()
    for each in notes:
        found.update(GtidSet.parse(str(each.position)))
    return found


def _names_now(endpoint: Endpoint, plan: LogPlan) -> list[Name]:
    if not plan.scope.selection.renames:
        return []
    with closing(connect(endpoint)) as connection:
        return read_names(connection, plan.scope.selection)
