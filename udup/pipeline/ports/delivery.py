"""Changes delivered as messages: what reads a source's records as texts, what makes messages, what keeps them.

Three parts work together, each a driver's, and the engine (`pipeline/deliver/`) ties them:

* `RecordReader`, of the source's driver: the rows of a record as JSON texts, by the source's types.
* `Encoder`, of the destination's: messages made of these texts, the same for every kind of sink.
* `Delivery`, of the destination's: one run's hold on the sink. Messages go there in units; with the last message of a
  unit its position is stored, so that the sink itself says what of the source it has.

A message has an ID that says where it comes from (`<gtid>:<schema>.<table>:<row>`), so that a run that finds the sink
in the middle of a unit goes on behind the last message that is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import msgspec

from udup.pipeline.ports.tail import Tail, TailRequest
from udup.pipeline.ports.values import ServerInfo
from udup.pipeline.records import Definition, Part, SnapshotDefinition, SnapshotRows, Transaction


class Operation(StrEnum):
    """What happened to a row; the letters are Debezium's."""

    CREATE = "c"
    UPDATE = "u"
    DELETE = "d"
    READ = "r"  # of a snapshot
    TRUNCATE = "t"


# ---- What is read ----


class RowText(NamedTuple):
    """One changed row as JSON objects. `key` is that of the row after the change, of a delete that before.

    None for a table without a key. `old_key`: what the key was before, where the change has changed it.
    """

    key: bytes | None
    old_key: bytes | None
    before: bytes | None
    after: bytes | None


class Template(NamedTuple):
    """What stands around the images of each row of an event: `before` B `after` A `row` N `end`, N the row's number."""

    before: bytes
    after: bytes
    row: bytes
    end: bytes


class TableText(Protocol):
    """One definition of a table, and its rows as texts."""

    @property
    def schema(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def key_columns(self) -> Sequence[str]: ...

    def key_schema(self) -> Sequence[Mapping[str, Any]]:
        """Return the fields of the key as Kafka Connect's JSON schema has them; empty for a table without a key."""
        ...

    def row_schema(self) -> Sequence[Mapping[str, Any]]:
        """Return the fields of an image in the same form."""
        ...

    def rows(self, event: bytes) -> list[RowText]:
        """Return the rows of an event, in its order."""
        ...

    def values(self, event: bytes, template: Template, first: int) -> list[tuple[bytes | None, bytes]] | None:
        """Return key and value of each row, the quick way: `first` is the number of the first row.

        None where it takes more than the template: a row whose key has changed.
        """
        ...


class RowsText(NamedTuple):
    """A rows event of the log or of a snapshot, and what the log says about it.

    `position` is where the event begins in `file`, `seconds` its time (whole seconds since the epoch), `query` the
    statement that made it, where the source logs that.
    """

    table: TableText
    operation: Operation
    event: bytes
    file: str = ""
    position: int = 0
    server_id: int = 0
    seconds: int = 0
    thread: int | None = None
    query: str | None = None


class DefinitionText(NamedTuple):
    """A DDL statement. `tables` are (schema, table) of those that it names, under the job's names for them.

    `changes` is the JSON array of what it made of them (Debezium's `tableChanges`), `[]` where that is not known.
    """

    statement: str
    schema: str
    tables: Sequence[tuple[str, str]]
    truncates: bool
    changes: bytes
    file: str = ""
    position: int = 0
    server_id: int = 0
    seconds: int = 0
    thread: int | None = None


class RecordReader(Protocol):
    """Reads records of one source in their order, for one run. Nothing here waits."""

    @property
    def kind(self) -> str:
        """Return `compiled` or `python`: a reader that is not compiled is slow."""
        ...

    @property
    def remedy(self) -> str:
        """Return how to get a faster one, "" for the fastest."""
        ...

    def set_format(self, event: bytes) -> None:
        """The records that follow are written by this FORMAT_DESCRIPTION."""
        ...

    def note_tables(self, details: bytes) -> None:
        """Note what the source's dictionary says of tables now (`records.Tables.details`)."""
        ...

    def rows(self, record: Transaction | Part | SnapshotRows) -> Iterator[RowsText]:
        """Yield the rows events of a record. Of the parts of a transaction, those that are complete by now."""
        ...

    def definition(self, record: Definition) -> DefinitionText: ...


# ---- What is delivered ----


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message. `topic` is its name before the sink's own rules for names; `value` None is a tombstone.

    `operation` and `table` are for the counts that people see.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    id: str
    headers: tuple[tuple[str, bytes], ...] = ()
    operation: str = ""
    table: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """Messages that are stored in this order, the last of them with `position`. Units count from 1 in a run.

    Without messages the position alone is stored. `atomic`: all of them become visible or none, whatever is killed;
    they are 999 at most.
    """

    number: int
    messages: Sequence[Message]
    position: str
    atomic: bool = False


@dataclass(frozen=True)
class FoundPlace:
    """What a run finds in the sink: the position of the last whole unit, and the IDs of the messages behind it.

    None: nothing of the job is there. `times`: when the transactions of these messages were committed (µs since the
    epoch, by GTID), as far as the messages say it.
    """

    position: str | None
    ids: Sequence[str] = ()
    times: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DeliveryPlan:
    """What a job's document says of its destination. `sink` has the keys of `NatsConfig` or `KafkaConfig` that it has.

    `options` are Debezium's by their names, as they were written. Empty strings and zeros are defaults. In `sink`,
    `MaxAge` is a text of seconds (`3600s`), `MaxBytes` a number, `Brokers` a list, and `Password` may be a reference,
    which is read for each connection (`base/secrets.py: read_password`).
    """

    prefix: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)  # some bring secrets that nobody reads
    snapshot: str = "initial"  # initial, never, only
    schemas: bool = False
    format: str = "debezium"  # debezium, flat, cloudevents
    quirks: bool = False  # Debezium's form where it is wrong about the data
    rows_per_message: int = 1
    large_messages: str = "fail"  # fail, claim, skip-values
    values: str = "debezium"  # debezium, exact
    tiny_as_boolean: bool = False  # TINYINT(1) as true and false
    sink: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class DeliverySettings:
    """One run's, or of one question. `owner` is for people, `nats_url` the node's own JetStream.

    `number` was granted by the cluster: a later run has a higher one. 0 where one node is alone, and of a question.
    """

    job: str
    run: int
    owner: str
    plan: DeliveryPlan
    nats_url: str = field(default="", repr=False)
    number: int = 0

    @classmethod
    def asking(cls, job: str, plan: DeliveryPlan, nats_url: str) -> DeliverySettings:
        """Return those of a question that no run asks."""
        return cls(job, 0, "", plan, nats_url)


class Encoder(Protocol):
    """Makes messages of what was read, in the log's order. Nothing here waits."""

    @property
    def heartbeat_seconds(self) -> float:
        """Return the seconds between heartbeats, 0 for none."""
        ...

    def rows(self, gtid: str, committed_us: int, counts: dict[str, int], found: RowsText) -> list[Message]:
        """Return the messages of a rows event. `counts` has for each table the rows of the transaction before it, and
        is brought forward.
        """
        ...

    def begin(self, gtid: str, committed_us: int) -> list[Message]: ...

    def end(self, gtid: str, committed_us: int, counts: Mapping[str, int]) -> list[Message]: ...

    def definition(self, gtid: str, committed_us: int, found: DefinitionText) -> list[Message]: ...

    def snapshot(self, record: SnapshotRows, found: RowsText, first: int) -> list[Message]: ...

    def snapshot_definition(self, record: SnapshotDefinition) -> list[Message]:
        """Return the message of a statement that makes a snapshot's table."""
        ...

    def heartbeat(self, now_ms: int) -> list[Message]: ...

    def packed(self, messages: list[Message]) -> list[Message]:
        """Return the messages of a unit as they are sent: rows of one table that follow each other, put together."""
        ...

    def row_ids(self, message_id: str) -> list[str]:
        """Return the IDs that the ID of a sent message stands for."""
        ...

    def gtid(self, message_id: str) -> str:
        """Return the transaction that the ID of a sent message names; "" for one of none, or of somebody else's."""
        ...

    def row_number(self, message_id: str) -> int:
        """Return the number that a message's ID says of its row."""
        ...


class Delivery(Protocol):
    """One run's hold on a sink. `connect`, then `take_over`, then `send`; all in one event loop."""

    async def connect(self) -> ServerInfo:
        """Reach the sink, and refuse (`Refused`) one that cannot serve the job, before anything is changed there."""
        ...

    async def take_over(self) -> FoundPlace:
        """Fence off every other run of the job, and return what the sink has.

        `Superseded` where the sink knows a run with a higher number: nothing is added then.
        """
        ...

    async def send(self, unit: Unit) -> None:
        """Hand over a unit. Return when the next may come, which may be before it is stored.

        `Superseded` if another writer has the sink, `Unavailable` if it is away or takes nothing now.
        """
        ...

    async def stored(self) -> None:
        """Return when all that was sent is stored."""
        ...

    async def check(self) -> None:
        """Ask whether the sink is there and takes messages; `Unavailable` if not."""
        ...

    async def close(self) -> None: ...


class Destination(Protocol):
    """A sink, by its settings. Holds no connection."""

    @property
    def where(self) -> str: ...

    def open_encoder(self, settings: DeliverySettings) -> Encoder: ...

    def open_delivery(self, settings: DeliverySettings, on_stored: Callable[[int], None]) -> Delivery:
        """Return the hold on the sink; `on_stored` is called with the number of the last unit that is stored."""
        ...

    def position(self, settings: DeliverySettings) -> str | None:
        """Return the position that the sink has of the job, read now; None if there is none."""
        ...

    def tail(self, settings: DeliverySettings, wanted: TailRequest) -> Tail:
        """Return what reads the messages in the sink; it connects at once."""
        ...

    def purge(self, settings: DeliverySettings) -> None:
        """Remove what the sink keeps about the job beside the messages. What was delivered stays."""
        ...
