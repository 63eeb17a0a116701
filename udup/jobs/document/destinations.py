"""The Config of a Dest that takes messages: what is common to all, and the settings of NATS and of Kafka.

A subscription's Dest has keys of its own; none of a MySQL end means anything there. As in `config.py`, values convert
weakly, 0 and an empty text stand for a default, and the text under a field is its description in the API's document.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from udup.base.endpoint import Endpoint
from udup.base.files import Unreadable, inside, read_regular
from udup.base.secrets import FILES_DIR_VARIABLE
from udup.base.tls import SslMode, Tls
from udup.jobs.document import destination_values as read
from udup.jobs.document import quantities
from udup.jobs.document import values as single
from udup.jobs.document.config import MAX_RETRIES, Text, Truth, kept_password
from udup.jobs.document.destination_words import (
    BatchCompression,
    ConverterWord,
    DiscardWord,
    FormatWord,
    LargeWord,
    Mechanism,
    Protocol,
    SnapshotWord,
    StorageWord,
    StreamCompression,
    ValuesWord,
    snapshot_of,
)
from udup.jobs.document.model import Model
from udup.pipeline.ports import DeliveryPlan

#: Rows that one message may hold.
MAX_ROWS = 1000

#: Copies of a stream that NATS keeps.
MAX_REPLICAS = 5

#: Bytes of a file of credentials: a token and a seed.
CREDENTIALS_BYTES = 64 << 10

#: Of Kafka: bytes of a group of records, milliseconds for which a record waits for others, partitions and replicas of
#: a topic, and bytes of a message.
MAX_GROUP_BYTES, MAX_GROUP_MS, MAX_PARTITIONS, MAX_REPLICATION = 1 << 30, 10_000, 10_000, 100
MAX_MESSAGE_BYTES = 1_000_000_000


_Option = Annotated[str, BeforeValidator(read.option)]

#: How the API's document describes what is read from several kinds of values.
_MEASURED = WithJsonSchema({"type": ["integer", "string"]})
_LISTED = WithJsonSchema({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]})
_OPTIONS = WithJsonSchema({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}})


class NatsConfig(Model):
    """A stream of JetStream: where it is, and what it is made with unless it is there."""

    url: Annotated[str, BeforeValidator(read.nats_url)] = ""
    """A server, `host:port` or `tls://host:port`, or several with commas; empty: the node's own JetStream."""
    stream: Annotated[str, BeforeValidator(read.stream)] = ""
    """Its name; empty: `UDUP_` and the prefix."""
    replicas: Annotated[int, BeforeValidator(single.within(0, MAX_REPLICAS))] = 0
    """Servers that keep it, 5 at most; 0: 1."""
    storage: Annotated[StorageWord, BeforeValidator(read.word_of(StorageWord, "file"))] = StorageWord.FILE
    """`file` or `memory`."""
    max_age: Annotated[int, BeforeValidator(quantities.duration), _MEASURED] = 0
    """How long messages are kept, as `7d`; 0: without end."""
    max_bytes: Annotated[int, BeforeValidator(quantities.size), _MEASURED] = 0
    """How many bytes of them, as `10GB`; 0: as many as there is room for."""
    discard: Annotated[DiscardWord, BeforeValidator(read.word_of(DiscardWord, "old"))] = DiscardWord.OLD
    """What a full stream does: `old` forgets its oldest messages, `new` takes no more, and the job waits."""
    compression: Annotated[StreamCompression, BeforeValidator(read.word_of(StreamCompression, "none"))] = (
        StreamCompression.NONE
    )
    """`none` or `s2`."""
    user: Text = ""
    """The account; empty: none."""
    password: Annotated[str, BeforeValidator(kept_password)] = Field(default="", repr=False)
    """Itself, or a reference: `env:UDUP_SECRET_NAME`, `file:NAME`. Without User a token. Answers show `******`."""
    credentials: Text = ""
    """In place of User: a credentials file (`.creds`, or a seed alone), by its name in secrets.files_dir."""
    ssl_ca: Text = ""
    """PEM file of the authorities to trust, on the node; absent: those of the system."""
    ssl_cert: Text = ""
    """PEM file of a certificate of ours, where the server wants one."""
    ssl_key: Text = ""
    """PEM file of that certificate's key."""

    @property
    def addresses(self) -> list[str]:
        return self.url.split(",") if self.url else []


class KafkaConfig(Model):
    """A Kafka cluster and its topics. The keys that dtle has mean what they mean there."""

    brokers: Annotated[list[str], BeforeValidator(read.brokers), _LISTED]
    """`host:port` of one broker at least: a list, or a text with commas."""
    topic: Annotated[str, BeforeValidator(read.topic)] = ""
    """The same as Prefix: in its place, or not contradicting it."""
    topic_with_schema_table: Truth = True
    """A topic for each table, `<Topic>.<schema>.<table>`; false: one topic for all."""
    schema_change_topic: Annotated[str, BeforeValidator(read.topic)] = ""
    """Where DDL goes; empty: the topic that is named as Prefix is."""
    security_protocol: Annotated[
        Protocol | None, BeforeValidator(lambda value: read.word_of(Protocol, "", fold=read.upper_word)(value) or None)
    ] = None
    """PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL; absent: SASL with a User, SSL with SslCa."""
    sasl_mechanism: Annotated[
        Mechanism | None, BeforeValidator(lambda value: read.word_of(Mechanism, "", fold=str.upper)(value) or None)
    ] = None
    """PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; absent: PLAIN with a User."""
    user: Text = ""
    """The account; empty: none."""
    password: Annotated[str, BeforeValidator(kept_password)] = Field(default="", repr=False)
    """Itself, or a reference to it: `env:UDUP_SECRET_NAME`, `file:NAME`. Answers show `******`."""
    ssl_ca: Text = ""
    """PEM file of the authorities to trust, on the node; absent: those of the system."""
    ssl_cert: Text = ""
    """PEM file of a certificate of ours, where the brokers want one."""
    ssl_key: Text = ""
    """PEM file of that certificate's key."""
    compression: Annotated[BatchCompression, BeforeValidator(read.word_of(BatchCompression, "lz4"))] = (
        BatchCompression.LZ4
    )
    """`none`, `gzip`, `snappy`, `lz4` or `zstd`."""
    converter: Annotated[ConverterWord, BeforeValidator(read.word_of(ConverterWord, "json"))] = ConverterWord.JSON
    """`json`."""
    time_zone: Annotated[str, BeforeValidator(read.utc)] = "UTC"
    """Of times as text: UTC."""
    message_group_max_size: Annotated[int, BeforeValidator(single.within(0, MAX_GROUP_BYTES))] = 0
    """Bytes of the units that one transaction takes at most; 0: 4194304."""
    message_group_timeout: Annotated[int, BeforeValidator(single.within(0, MAX_GROUP_MS))] = 0
    """Milliseconds for which a unit waits for others."""
    partitions: Annotated[int, BeforeValidator(single.within(0, MAX_PARTITIONS))] = 0
    """Of topics that the job makes; 0: the brokers' own default."""
    replication_factor: Annotated[int, BeforeValidator(single.within(0, MAX_REPLICATION))] = 0
    """Of topics that the job makes; 0: the brokers' own default."""

    transactional: Truth = True
    """Exactly once by Kafka's transactions; false for an account that may not use them."""
    create_topics: Truth = True
    """Make topics that are not there; false: they are made by others."""
    max_message_bytes: Annotated[int, BeforeValidator(single.within(0, MAX_MESSAGE_BYTES))] = 0
    """What the brokers take as one message; 0: 1000000."""


class DestinationConfig(Model):
    """What every destination of messages has."""

    prefix: Annotated[str, BeforeValidator(read.prefix)]
    """What all topics and subjects begin with: Debezium's `topic.prefix`. `<Prefix>.<schema>.<table>`."""
    options: Annotated[dict[str, _Option], BeforeValidator(read.options), _OPTIONS] = Field(default={}, repr=False)
    """Options of Debezium by their names, with Debezium's values."""
    snapshot: Annotated[
        SnapshotWord | None, BeforeValidator(lambda value: read.word_of(SnapshotWord, "")(value) or None)
    ] = None
    """`initial`: all rows as they are, then what changes; `never`: what changes; `only`: the rows alone. Absent:
    `never` if the Src says where the log is begun with, else `initial`."""
    schemas: Truth = False
    """Each message says its schema, as Kafka Connect's JSON with schemas."""
    format: Annotated[FormatWord, BeforeValidator(read.word_of(FormatWord, "debezium"))] = FormatWord.DEBEZIUM
    """`debezium`: its envelope; `flat`: one object of columns; `cloudevents`."""
    debezium_quirks: Truth = False
    """Debezium's form also where that says something else than the data."""
    rows_per_message: Annotated[int, BeforeValidator(single.within(0, MAX_ROWS))] = 0
    """Rows that one message may hold, 1000 at most; 0: 1."""
    large_messages: Annotated[LargeWord, BeforeValidator(read.word_of(LargeWord, "fail"))] = LargeWord.FAIL
    """What becomes of a message above the sink's limit: `fail`: the job stops and names it; `claim`: its value is kept
    elsewhere, and the message says where; `skip-values`: its longest values are left out, and it says which."""
    values: Annotated[ValuesWord, BeforeValidator(read.word_of(ValuesWord, "debezium"))] = ValuesWord.DEBEZIUM
    """`debezium`: values as Debezium writes them; `exact`: as the server has them."""
    tiny_int1_as_boolean: Truth = False
    """TINYINT(1) as true and false."""
    max_retries: Annotated[int, BeforeValidator(single.within(0, MAX_RETRIES))] | None = None
    """Runs that may fail in a row before the job does; absent: the server's setting retry.attempts."""
    nats_addr: Annotated[str, BeforeValidator(single.nats_address)] = ""
    """host:port of the NATS server that carries the data between the tasks; empty: the node's own."""

    @property
    def snapshot_word(self) -> SnapshotWord | None:
        """Snapshot as the document says it, by that key or by Debezium's `snapshot.mode`; None if it does not."""
        if self.snapshot is not None:
            return self.snapshot
        return snapshot_of(self.options.get("snapshot.mode", ""))

    @property
    @abstractmethod
    def addresses(self) -> list[str]:
        """Where the sink is; empty: on the node itself."""
        ...

    @property
    @abstractmethod
    def sink(self) -> dict[str, Any]:
        """The sink's own keys with their checked values."""
        ...

    @property
    @abstractmethod
    def account(self) -> NatsConfig | KafkaConfig:
        """The settings that hold an account's password."""
        ...

    @property
    @abstractmethod
    def account_key(self) -> str:
        """The key under which these are."""
        ...

    def credentials_problems(self) -> Iterator[str]:
        """What keeps this node from reading a file of credentials."""
        return iter(())

    def tls(self) -> Tls:
        """Which files TLS takes; only that is looked at before a start."""
        account = self.account
        return Tls(SslMode.VERIFY_IDENTITY, account.ssl_ca, account.ssl_cert, account.ssl_key)

    def endpoint(self) -> Endpoint:
        """Where the sink is, for people; without a host on the node itself. Its password is in `sink`."""
        host, port = read.host_port(self.addresses[0]) if self.addresses else ("", 0)
        return Endpoint(host, port, self.account.user, "")

    @abstractmethod
    def place(self) -> tuple[object, ...]:
        """What tells this destination from others: another one has nothing of the job."""
        ...

    def plan(self, *, begins_at_log: bool) -> DeliveryPlan:
        """Return what the drivers are told. `begins_at_log`: the source says where the log is begun with."""
        default = SnapshotWord.NEVER if begins_at_log else SnapshotWord.INITIAL
        return DeliveryPlan(
            prefix=self.prefix,
            options=self.options,
            snapshot=(self.snapshot_word or default).value,
            schemas=self.schemas,
            format=self.format.value,
            quirks=self.debezium_quirks,
            rows_per_message=self.rows_per_message or 1,
            large_messages=self.large_messages.value,
            values=self.values.value,
            tiny_as_boolean=self.tiny_int1_as_boolean,
            sink=self.sink,
        )


class NatsDest(DestinationConfig):
    """The Config of a Dest with Driver NATS."""

    nats_config: NatsConfig = NatsConfig()
    """The stream, and how it is reached."""

    @property
    def addresses(self) -> list[str]:
        return self.nats_config.addresses

    @property
    def account(self) -> NatsConfig:
        return self.nats_config

    @property
    def account_key(self) -> str:
        return "NatsConfig"

    def credentials_problems(self) -> Iterator[str]:
        path = self.nats_config.credentials
        folder = os.environ.get(FILES_DIR_VARIABLE, "")
        try:
            if path and not (folder and (found := inside(folder, path.removeprefix("file:")))):
                yield f"{path!r} is not in the server's folder for such files, secrets.files_dir"
            elif path:
                read_regular(Path(found), CREDENTIALS_BYTES)
        except Unreadable as error:
            yield f"cannot read {path!r} on this node: {error}"

    @property
    def sink(self) -> dict[str, Any]:
        sink = _given(self.nats_config)
        if "MaxAge" in sink:
            sink["MaxAge"] = f"{self.nats_config.max_age}s"
        return sink

    def place(self) -> tuple[object, ...]:
        return ("NATS", *sorted(self.addresses), self.nats_config.stream, self.prefix)


class KafkaDest(DestinationConfig):
    """The Config of a Dest with Driver Kafka."""

    kafka_config: KafkaConfig
    """The brokers, and what the topics are."""

    @model_validator(mode="before")
    @classmethod
    def _topic_is_prefix(cls, posted: Any) -> Any:
        """Take dtle's word for the prefix where the document has that alone."""
        if isinstance(posted, dict) and not posted.get("Prefix") and isinstance(posted.get("KafkaConfig"), dict):
            topic = posted["KafkaConfig"].get("Topic")
            return {**posted, "Prefix": topic} if topic else posted
        return posted

    @property
    def addresses(self) -> list[str]:
        return self.kafka_config.brokers

    @property
    def account(self) -> KafkaConfig:
        return self.kafka_config

    @property
    def account_key(self) -> str:
        return "KafkaConfig"

    @property
    def sink(self) -> dict[str, Any]:
        return _given(self.kafka_config)

    def place(self) -> tuple[object, ...]:
        return ("Kafka", *sorted(self.addresses), self.prefix)


def _given(model: Model) -> dict[str, Any]:
    """Return the keys that the document has, words as plain text: what it does not say is the driver's default."""
    found = model.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)
    return {key: str(value) if isinstance(value, StrEnum) else value for key, value in found.items()}
