"""Every option of Debezium's MySQL connector, and what becomes of it here: data, which the documentation is checked by.

The names are those of Debezium 3.7, with those of Kafka Connect and of Debezium Server that stand in the same file of
a user who comes from there. An option is in exactly one of four states (`Use`); what has another effect here than there
is refused, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Use(StrEnum):
    """What becomes of an option."""

    MESSAGES = "messages"  # decides which messages there are and their form: `options.py`
    VALUES = "values"  # decides what stands for a value: the source's driver
    NO_EFFECT = "no effect"  # taken, and changes nothing; `says` tells why
    REFUSED = "refused"  # `says` tells what to do


@dataclass(frozen=True)
class Option:
    """`name` may hold `*` for any text. `takes` are the only values that it may have, in lower case; empty for any."""

    name: str
    use: Use
    says: str = ""
    takes: tuple[str, ...] = ()
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pattern = ".*".join(map(re.escape, self.name.split("*")))
        object.__setattr__(self, "pattern", re.compile(pattern))


#: Converters of Kafka Connect that make JSON or text, as all messages here are.
JSON_CONVERTERS = ("org.apache.kafka.connect.json.jsonconverter", "json")

YES_NO = ("true", "false")


def _messages() -> list[Option]:
    what: Mapping[str, tuple[str, tuple[str, ...]]] = {
        "topic.prefix": ("the first part of topics; the same as Prefix", ()),
        "topic.delimiter": ("between the parts of a topic, '.' by default", ()),
        "topic.transaction": ("the last part of the topic of BEGIN and END, 'transaction' by default", ()),
        "topic.heartbeat.prefix": ("the first part of the heartbeats' topic, '__debezium-heartbeat' by default", ()),
        "topic.heartbeat.name": ("the whole topic of heartbeats", ()),
        "heartbeat.interval.ms": ("how often a heartbeat is sent, 0 for never, which is the default", ()),
        "tombstones.on.delete": ("a message without value behind each delete; by default in Kafka alone", YES_NO),
        "skipped.operations": ("c, u, d, t or none, with commas between; t by default", ()),
        "provide.transaction.metadata": ("BEGIN and END, and the place in the transaction in each message", YES_NO),
        "include.schema.changes": ("a message for each DDL statement, by default", YES_NO),
        "include.query": ("the statement in the source block, where the source logs it", YES_NO),
        "skip.messages.without.change": ("no message for an update that leaves the columns as they are", YES_NO),
        "snapshot.mode": (
            "the same as Snapshot: initial, initial_only for only, no_data for never",
            ("initial", "initial_only", "no_data", "schema_only", "never"),
        ),
        "key.converter.schemas.enable": ("the same as Schemas", YES_NO),
        "value.converter.schemas.enable": ("the same as Schemas", YES_NO),
        "transforms": ("outbox alone, or nothing", ("outbox", "")),
        "transforms.outbox.*": ("the outbox pattern (outbox.py)", ()),
        "predicates": ("which tables the outbox is", ()),
        "predicates.*": ("TopicNameMatches alone", ()),
    }
    return [Option(name, Use.MESSAGES, says, takes) for name, (says, takes) in what.items()]


def _values() -> list[Option]:
    names = """decimal.handling.mode bigint.unsigned.handling.mode time.precision.mode binary.handling.mode
        enable.time.adjuster unavailable.value.placeholder message.key.columns json.string.formatting.mode
        column.include.list column.exclude.list column.mask.hash.* column.mask.with.* column.truncate.to.*"""
    return [Option(name, Use.VALUES) for name in names.split()]


_NO_EFFECT: Mapping[str, str] = {
    "the job is one task of one connector, and has its own name": (
        "name connector.class tasks.max custom.metric.tags custom.sanitize.pattern statistics.metrics.enabled "
        "advanced.metrics.enable executor.shutdown.timeout.ms unknown.properties.ignored"
    ),
    "the source is reached as the job's Src says": (
        "database.hostname database.port database.user database.password database.dbname database.jdbc.driver "
        "database.protocol database.query.timeout.ms database.server.id database.server.id.offset database.ssl.* "
        "database.connectionTimeZone connect.timeout.ms connect.keep.alive connect.keep.alive.interval.ms driver.* "
        "connection.validation.timeout.ms connection.factory.class use.nongraceful.disconnect "
        "binlog.net.write.timeout binlog.net.read.timeout binlog.buffer.size read.only"
    ),
    "the definition of a table comes with its rows, so there is no history of schemas": (
        "schema.history.internal schema.history.internal.* ddl.parser.type resolve.create.table.like.schema "
        "memory.management.*"
    ),
    "a snapshot locks nothing, reads by key ranges and goes on where it stood": (
        "snapshot.locking.mode snapshot.lock.timeout.ms snapshot.delay.ms snapshot.fetch.size snapshot.max.threads "
        "snapshot.max.threads.multiplier legacy.snapshot.max.threads snapshot.tables.order.by.row.count "
        "snapshot.scan.all.columns.force min.row.count.to.stream.results incremental.snapshot.chunk.size "
        "incremental.snapshot.watermarking.strategy incremental.snapshot.allow.schema.changes query.fetch.size "
        "snapshot.mode.configuration.based.* streaming.delay.ms"
    ),
    "the flow follows the sink, within bounded memory": (
        "max.queue.size max.batch.size max.queue.size.in.bytes poll.interval.ms poll.dispatch.interval.ms "
        "queue.provider.type topic.cache.size"
    ),
    "a run that fails begins again by Udup's own rules": (
        "errors.max.retries retriable.restart.connector.wait.ms custom.retriable.exception"
    ),
    "the position is stored in the sink with the messages": (
        "offset.storage offset.storage.* offset.flush.* offset.activity.monitor.interval.ms log.position.check.enable "
        "exactly.once.support exactly.once.source.support transaction.boundary transaction.boundary.interval.ms"
    ),
    "`udup job snapshot` asks for one, not a signal": (
        "signal.poll.interval.ms signal.emit.failure.* signal.kafka.* signal.file"
    ),
    "it tells other systems of the connector, and is in no message": (
        "openlineage.* guardrail.* extended.headers.enabled notification.sink.topic.name"
    ),
    "comments stand in schema changes where they are known": "include.schema.comments",
    "GTIDs tell of every transaction whether it was delivered, whatever server it comes from": (
        "gtid.ignore.on.recovery gtid.source.filter.dml.events"
    ),
}

#: Options that may stand here with the one meaning that Udup has; any other value is refused.
_ONE_MEANING: Mapping[str, tuple[tuple[str, ...], str]] = {
    "event.processing.failure.handling.mode": (("fail",), "a change is delivered or the job stops; leave it out"),
    "event.deserialization.failure.handling.mode": (("fail",), "a change is delivered or the job stops; leave it out"),
    "inconsistent.schema.handling.mode": (("fail",), "a change is delivered or the job stops; leave it out"),
    "event.converting.failure.handling.mode": (
        ("fail", "warn"),
        "a value is exact, or null where Debezium's form has none; leave it out",
    ),
    "topic.naming.strategy": (
        ("io.debezium.schema.schematopicnamingstrategy", "io.debezium.schema.defaulttopicnamingstrategy"),
        "topics are named <prefix>.<database>.<table>; leave it out, or write KafkaConfig.Topic for one topic",
    ),
    "schema.name.adjustment.mode": (("none",), "names stay as they are; leave it out"),
    "field.name.adjustment.mode": (("none",), "names stay as they are; leave it out"),
    "key.converter": (JSON_CONVERTERS, "keys are JSON; leave it out"),
    "value.converter": (JSON_CONVERTERS, "values are JSON; leave it out, or write Format"),
    "header.converter": (
        ("org.apache.kafka.connect.storage.simpleheaderconverter",),
        "headers are texts; leave it out",
    ),
    "snapshot.query.mode": (("select_all",), "every row is read; leave it out, or write Where for the table"),
    "signal.enabled.channels": (("", "source"), "leave it out; `udup job snapshot` asks for one, not a signal"),
    "notification.enabled.channels": (("", "log", "jmx"), "leave it out; the job's progress is in its status"),
    "transaction.metadata.factory": (
        ("io.debezium.pipeline.txmetadata.defaulttransactionmetadatafactory",),
        "leave it out",
    ),
    "sourceinfo.struct.maker": (("io.debezium.connector.mysql.mysqlsourceinfostructmaker",), "leave it out"),
    "table.ignore.builtin": (("true",), "leave it out; the server's own schemas are no job's"),
    "source.struct.version": (("v2",), "leave it out; the source block has one form"),
    "topic.creation.enable": (("false",), "leave it out; KafkaConfig says how topics are made"),
}

_REFUSED: Mapping[str, str] = {
    "database.include.list database.exclude.list table.include.list table.exclude.list schema.include.list "
    "schema.exclude.list": "leave it out; the job's Src says which tables (ReplicateDoDb, ReplicateIgnoreDb)",
    "snapshot.include.collection.list": "leave it out; a snapshot brings every table of the job",
    "snapshot.select.statement.overrides snapshot.select.statement.overrides.*": (
        "leave it out; write Where for the table in the job's Src, which holds for snapshot and log alike"
    ),
    "snapshot.mode.custom.name snapshot.locking.mode.custom.name snapshot.query.mode.custom.name": (
        "leave it out; no Java class is loaded"
    ),
    "converters converters.* post.processors post.processors.*": (
        "leave it out; no Java class is loaded, the options of values say what is made of a column"
    ),
    "transforms.*": "leave it out; outbox is taken, and Format flat makes one object of the columns",
    "column.propagate.source.type datatype.propagate.source.type": (
        "leave it out; schemas name Debezium's types, not the source's"
    ),
    "heartbeat.action.query": (
        "leave it out; the position follows the source without it, and Udup writes nothing there. For rows of a "
        "heartbeat table make an EVENT on the source"
    ),
    "signal.data.collection": "leave it out; `udup job snapshot` asks for one, not a signal",
    "database.initial.statements": "leave it out; sessions on the source are set by the Src",
    "gtid.source.includes gtid.source.excludes": "leave it out; transactions are taken whatever server they come from",
    "topic.creation.*": "leave it out; KafkaConfig says how topics are made",
    "producer.override.* consumer.override.*": "leave it out; KafkaConfig has the settings of the sink",
    "debezium.*": "write the name without debezium.source., sinks have settings of their own",
    "key.converter.* value.converter.*": "leave it out; only schemas.enable is taken",
}


def _all() -> tuple[Option, ...]:
    found = [*_messages(), *_values()]
    for says, names in _NO_EFFECT.items():
        found += [Option(name, Use.NO_EFFECT, says) for name in names.split()]
    for name, (takes, says) in _ONE_MEANING.items():
        found.append(Option(name, Use.NO_EFFECT, says, takes))
    for names, says in _REFUSED.items():
        found += [Option(name, Use.REFUSED, says) for name in names.split()]
    return tuple(found)


#: All of them. A name without `*` is looked for before those with one, of these the longest first.
OPTIONS = _all()

_BY_NAME = {option.name: option for option in OPTIONS if "*" not in option.name}
_PATTERNS = sorted((option for option in OPTIONS if "*" in option.name), key=lambda option: -len(option.name))


def option(name: str) -> Option | None:
    """Return what is known of an option; None for a name that Debezium does not have."""
    if found := _BY_NAME.get(name):
        return found
    return next((each for each in _PATTERNS if each.pattern.fullmatch(name)), None)
