"""What a source's statements become on the target: assembled and applied in one process, without NATS."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from unittest.mock import patch

from tests.source_log import executed
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.apply import intents, unsure
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.contexts import TargetContexts
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.apply.row_session import RowSession
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.ddl.query_classifier import QueryClassifier
from udup.drivers.mysql.filters.shaper import Shapers
from udup.drivers.mysql.stream import opening
from udup.drivers.mysql.stream.ahead import AheadTables
from udup.drivers.mysql.stream.assembly import Assembler
from udup.drivers.mysql.stream.stream import BinlogStream
from udup.pipeline.ports import ApplyMode, CheckpointState
from udup.pipeline.positions import AheadNotes
from udup.pipeline.records import Context, Definition, Format, Part, Record, Skipped, Transaction, XaEnd
from udup.pipeline.selection.selection import Selection

#: Seconds of a source that has nothing to send until it says so, by which the end of its log is known.
BEAT_SECONDS = 0.05

HEARTBEATS = (EventType.HEARTBEAT, EventType.HEARTBEAT_V2)


def position_of(endpoint: Endpoint) -> GtidSet:
    with closing(connect(endpoint)) as connection:
        return executed(connection)


def run(endpoint: Endpoint, *statements: str) -> GtidSet:
    """Statements on one connection; what the server had executed before them."""
    with closing(connect(endpoint)) as connection:
        before = executed(connection)
        for statement in statements:
            query(connection, statement)
    return before


def records(
    source: Endpoint,
    after: GtidSet,
    selection: Selection,
    shapers: Shapers | None = None,
    notes: AheadNotes | None = None,
) -> list[Record]:
    """Everything that the job takes from the log after this set, up to now; every transaction is told of.

    `notes` are of tables that are ahead of the set.
    """
    shapers = shapers or Shapers.of(selection, source)
    try:
        return _records(source, after, selection, shapers, notes)
    finally:
        if shapers is not None:
            shapers.close()


def _records(
    source: Endpoint, after: GtidSet, selection: Selection, shapers: Shapers | None, notes: AheadNotes | None
) -> list[Record]:
    wanted = position_of(source) - after
    found: list[Record] = []
    told = GtidSet()
    ahead = AheadTables(notes) if notes else None
    classifier = QueryClassifier(selection, False, left_out=lambda: None if ahead is None else ahead.part)
    assembler = Assembler(selection, classifier.decide, shapers=shapers, ahead=ahead)
    with patch.object(opening, "HEARTBEAT_SECONDS", BEAT_SECONDS):
        stream = BinlogStream(source, 900_200, after, str(uuid.uuid4()))
    try:
        for event in stream:
            made = list(assembler.feed(event))
            found += made
            for record in made:
                if isinstance(record, Skipped):
                    told.update(GtidSet.parse(record.gtids))
                elif isinstance(record, (Transaction, Part, Definition, XaEnd)):
                    told.add(record.id.source, record.id.number)
            # The source sends heartbeats while it passes over what is executed, too.
            if event[4] in HEARTBEATS and told == wanted:
                break
    finally:
        stream.close()
    return found


@contextmanager
def session(
    target: Endpoint, job: str, workers: int = 1, mode: ApplyMode = ApplyMode.BY_PRIVILEGE
) -> Iterator[tuple[RowSession, CheckpointState]]:
    """A worker's session on slot 1, and where the job stands."""
    with closing(connect(target)) as connection:
        create_tables(connection)
        intents.prepare(connection)
        position = Checkpoint(connection, job, "").take_over(workers, GtidSet())
        unsure.prepare(connection, job)
    assert position is not None
    opened = RowSession(target, job, 1, mode=mode)
    try:
        yield opened, position
    finally:
        opened.abandon()


def apply_all(
    opened: RowSession, position: CheckpointState, made: Iterable[Record], contexts: TargetContexts | None = None
) -> None:
    """Transactions and parts one by one, in their contexts if these are given; other records are passed over."""
    version, claim = position.version, GtidSet()

    def context(number: int) -> bytes:
        return contexts.prepare(number) if contexts else b""

    for record in made:
        if isinstance(record, Context) and contexts is not None:
            contexts.note(record)
        if isinstance(record, Format):
            opened.set_format(record.event)
        elif isinstance(record, Transaction):
            claim.add(record.id.source, record.id.number)
            opened.apply(version, str(claim), [record.events], record.create, context=context(record.context))
            version += 1
        elif isinstance(record, Part):
            claim.add(record.id.source, record.id.number)
            opened.apply_part(
                version,
                str(claim),
                record.index,
                record.events,
                last=record.last,
                create=record.create,
                context=context(record.context),
            )
            version += record.last
