"""What travels over NATS from the source: records in batches, copied rows, and what is told upstream.

Row events travel as the bytes that the source wrote. A batch belongs to one run of a job and has a number there; the
receiver expects every number in turn, so that a lost or repeated message ends the run and never a row.

msgspec encodes a record of a kilobyte in about a microsecond, which is what keeps the interpreter out of the way.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from udup.base.transaction_names import transaction_name

#: Large transactions and copied rows travel in pieces of this size: below the 1 MiB that NATS takes by default.
PIECE_BYTES = 256 << 10


class Wire(msgspec.Struct, frozen=True, array_like=True):
    """Base of what is sent: immutable, encoded by position."""


class CommitOrder(Wire, frozen=True):
    """Where a transaction stands in the order of its log file, and when it was committed (µs).

    `fence`: first of a log file, so its numbers cannot be compared with those before it. `committed_us` is the time on
    the server whose log is read, `original_us` on the server that it came from first.
    """

    last_committed: int
    sequence: int
    committed_us: int
    fence: bool = False
    original_us: int = 0


class TransactionId(Wire, frozen=True):
    """A source transaction: what tells it from all others, and its place in the order of commits."""

    source: str
    number: int
    order: CommitOrder

    @property
    def gtid(self) -> str:
        return transaction_name(self.source, self.number) if self.source else ""


class Context(Wire, tag="ctx", frozen=True):
    """What a number in `Transaction.context` means: the session that rows were written in, as variables and values.

    Sent once a run, ahead of the first transaction that has it. `problem` says why the session cannot be known.
    """

    number: int
    settings: dict[str, str]
    problem: str = ""


class Transaction(Wire, tag="tx", frozen=True):
    """A whole transaction: its TABLE_MAP and rows events, and the TABLE_MAPs that were not seen before in this run.

    `create` is the Query event of a CREATE TABLE … SELECT, whose rows follow in the same transaction. With an `xid` it
    is prepared only: its events are kept on the target until their `XaEnd`. `context` is the number of a `Context`.
    `told` is what the log says of the events beside their bytes, in the source driver's own form, for a destination
    that is told (`LogPlan.tells`).
    """

    id: TransactionId
    events: bytes
    new_maps: list[bytes] = []
    create: bytes = b""
    xid: str = ""
    context: int = 0
    told: bytes = b""


class Part(Wire, tag="part", frozen=True):
    """A piece of a transaction that is too large for one message: its events' bytes, cut anywhere.

    `xid`, `context` and `told` (of the events that end in this part) as in `Transaction`; `one_phase`, on the last,
    says that it commits at once after all.
    """

    id: TransactionId
    index: int
    last: bool
    events: bytes
    new_maps: list[bytes] = []
    create: bytes = b""
    xid: str = ""
    one_phase: bool = False
    context: int = 0
    told: bytes = b""


#: What stands for the transaction of a record that belongs to none.
NO_TRANSACTION = TransactionId("", 0, CommitOrder(0, 0, 0, True))


class XaEnd(Wire, tag="xa", frozen=True):
    """XA COMMIT or XA ROLLBACK of a transaction that was prepared before.

    With `NO_TRANSACTION` it is in no log: the source has lost what it had prepared, and no end of it can come.
    """

    id: TransactionId
    xid: str
    commit: bool

    @property
    def is_lost(self) -> bool:
        return not self.id.source


class Definition(Wire, tag="ddl", frozen=True):
    """A DDL statement: its Query event, and what it names, for people. `context` and `told` as in `Transaction`."""

    id: TransactionId
    query: bytes
    summary: str
    context: int = 0
    told: bytes = b""


class Skipped(Wire, tag="skip", frozen=True):
    """Transactions that hold nothing of the job's; they are executed by being noted. `last` is the last one's stamp."""

    gtids: str
    committed_us: int
    last: str = ""


class Known(Wire, tag="known", frozen=True):
    """The source that is followed, and the stamps of executed transactions that it was recognised by."""

    server_uuid: str
    stamps: str


class Format(Wire, tag="fde", frozen=True):
    """The FORMAT_DESCRIPTION event that the events after it are written by."""

    event: bytes


class Beat(Wire, tag="beat", frozen=True):
    """The source's clock (µs) and what it had executed a moment ago; every few seconds, also when nothing happens.

    `silent_us`: it has said nothing for so long, and the rest is of before.
    """

    source_us: int
    executed: str = ""
    silent_us: int = 0


class CopyTable(Wire, frozen=True):
    """A table of a full copy: its names on the target and on the source, and what the source estimates it to hold.

    `rows_there` are of an earlier try of the copy, and stay; `whole`: they are all of it, and none is sent.
    """

    schema: str
    name: str
    source: str = ""
    rows_estimate: int = 0
    bytes_estimate: int = 0
    rows_there: int = 0
    whole: bool = False


class CopyPlan(Wire, tag="plan", frozen=True):
    """What a full copy brings, and the position at which its snapshot stands.

    `details` is what the two drivers tell each other about definitions and objects. Where an earlier try's tables stay,
    the log is to be read after `log_after`, which is before the position, by the notes `ahead` (`LogPlan`).
    """

    tables: list[CopyTable]
    details: bytes
    position: str
    log_after: str = ""
    ahead: str = ""

    @property
    def begin(self) -> str:
        """Return the position that the log behind the copy is read after."""
        return self.log_after or self.position


class CopyTotals(Wire, tag="totals", frozen=True):
    """Everything of one table was sent: so many chunks and rows; and the sums over its computed values, as text."""

    table: int
    chunks: int
    rows: int
    sums: dict[str, str] = {}


class CopyEnd(Wire, tag="copied", frozen=True):
    """Every table was sent; the binary log follows when the copy stands, by the notes `ahead` (`LogPlan`)."""

    ahead: str = ""


class Tables(Wire, tag="tables", frozen=True):
    """The tables that the job keeps current: each one's schema and name on the source, then on the target.

    `all_of_them`: those that a copy brings, so that the job has no others. `server_uuid` and `source` tell the source.
    `computed`: columns that the source computes, each with its table's schema and name on the target. `details` is what
    the source's driver tells the reader of its records about them, for a destination that is told.
    """

    server_uuid: str
    source: str
    tables: list[tuple[str, str, str, str]]
    all_of_them: bool = False
    computed: list[tuple[str, str, str]] = []
    details: bytes = b""


class SnapshotRows(Wire, tag="snap", frozen=True):
    """Rows of a snapshot for a destination, in the place of the log that they belong to, as events of the source's log.

    A TABLE_MAP stands in front of the rows. `snapshot` numbers the snapshots of a job, `chunk` those of a table;
    `before` are the rows of the chunk that came in other records. `first` and `last` are Debezium's words for the first
    and the last of the rows, "true" where nothing else is to be said. `file` and `offset` tell where the snapshot
    stands in the log, `read_ms` when the rows were read. `state` is kept with the position once they are delivered.
    A row that is too long for a record comes in several that follow each other, cut anywhere; `rows` is 0 but for the
    last of them.
    """

    events: bytes
    snapshot: int
    chunk: int
    before: int
    rows: int
    first: str
    last: str
    file: str
    offset: int
    read_ms: int
    state: str
    incremental: bool = False


class SnapshotDefinition(Wire, tag="snapddl", frozen=True):
    """A statement that would make a snapshot's table, told ahead of its rows; `number` counts those of a snapshot.

    `tables` and `changes` as in `ports.delivery.DefinitionText`, the rest as in `SnapshotRows`. `last`: rows follow.
    """

    snapshot: int
    number: int
    last: bool
    statement: str
    schema: str
    tables: list[tuple[str, str]]
    changes: bytes
    file: str
    offset: int
    read_ms: int
    state: str


class SnapshotEnd(Wire, tag="snapend", frozen=True):
    """A snapshot is complete. `state` as in `SnapshotRows`.

    `position` is the GTID set that it stands at; of one that took several tries, that of the first. "": it was complete
    before, and the state alone is another from here on.
    """

    snapshot: int
    position: str
    state: str


class Joining(Wire, tag="joining", frozen=True):
    """Which tables are read while the log goes on, told whenever that changes; the reading of others is over."""

    tables: list[CopyTable]


class Mark(Wire, tag="mark", frozen=True):
    """Where a comparison's snapshot of the source stands: all before it is in that, and nothing behind it.

    `number` is the comparison's for this try.
    """

    number: int


Record: TypeAlias = (
    Transaction
    | Part
    | XaEnd
    | Definition
    | Skipped
    | Format
    | Beat
    | CopyPlan
    | CopyTotals
    | CopyEnd
    | Known
    | Tables
    | Context
    | SnapshotRows
    | SnapshotDefinition
    | SnapshotEnd
    | Joining
    | Mark
)


class Batch(Wire, frozen=True):
    number: int
    records: list[Record]


class CopyPiece(Wire, frozen=True):
    """A piece of a chunk of formatted rows; `rows` is the chunk's number of rows, told with its last piece.

    `values`: the chunk's text holds SQL expressions, which only INSERT takes. `odd_dates`: its table computes something
    and it has dates that the source's own sql_mode may refuse. `span`, with the last piece: text of the source's driver
    that says which of the table's rows these are, so that another try leaves them alone; "" where it cannot.
    """

    number: int
    table: int
    chunk: int
    last: bool
    rows: int
    data: bytes
    values: bool = False
    odd_dates: bool = False
    span: str = ""


class Credit(Wire, tag="credit", frozen=True):
    """Everything up to this message is done with; `channel` says which sequence of messages is meant."""

    channel: str
    number: int


class StartRows(Wire, tag="start", frozen=True):
    """The target's tables stand: the rows may come, in this format (`load` or `insert`).

    `offsets`: the target reads +00:00 behind a TIMESTAMP (MySQL 8.0.19). `loaders`: so many load them, one each of the
    first slots; 0: as many as there are readers. `texts`: the target keeps documents as the texts that they are printed
    as (MariaDB's JSON). `history`: it takes what rows were as well, and rows of today have this for their end.
    """

    method: str
    offsets: bool = False
    loaders: int = 0
    texts: bool = False
    history: str = ""


class CopyStands(Wire, tag="stands", frozen=True):
    """The copy stands on the target with all its indexes, and its checkpoint: the log may come."""


Upstream: TypeAlias = Credit | StartRows | CopyStands


_encoder = msgspec.msgpack.Encoder()
encode = _encoder.encode
decode_batch = msgspec.msgpack.Decoder(Batch).decode
decode_piece = msgspec.msgpack.Decoder(CopyPiece).decode
decode_upstream = msgspec.msgpack.Decoder(Upstream).decode
