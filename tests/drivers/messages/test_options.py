"""Debezium's options: each is known, has no effect for a reason, or is refused by its name with what to do."""

from __future__ import annotations

from typing import Any

import pytest

from udup.base.errors import Refused
from udup.drivers.messages.encoder import open_encoder
from udup.drivers.messages.option_table import OPTIONS, Use, option
from udup.drivers.messages.options import MessageOptions, option_faults
from udup.pipeline.ports.delivery import DeliveryPlan, DeliverySettings

#: All options of the MySQL connector of Debezium 3.7, from its sources; a digit or word where it has a pattern.
_DEBEZIUM = """
advanced.metrics.enable bigint.unsigned.handling.mode binary.handling.mode binlog.buffer.size binlog.net.read.timeout
binlog.net.write.timeout column.exclude.list column.include.list column.mask.hash.SHA-256.with.salt.abc
column.mask.hash.v2.SHA-256.with.salt.abc column.mask.with.12.chars column.propagate.source.type
column.truncate.to.20.chars connect.keep.alive connect.keep.alive.interval.ms connect.timeout.ms
connection.validation.timeout.ms connector.class converters custom.metric.tags custom.retriable.exception
custom.sanitize.pattern database.exclude.list database.hostname database.include.list database.initial.statements
database.jdbc.driver database.dbname database.password database.port database.protocol database.query.timeout.ms
database.server.id database.server.id.offset database.ssl.keystore database.ssl.keystore.password database.ssl.mode
database.ssl.truststore database.ssl.truststore.password database.user datatype.propagate.source.type ddl.parser.type
decimal.handling.mode enable.time.adjuster errors.max.retries event.converting.failure.handling.mode
event.deserialization.failure.handling.mode event.processing.failure.handling.mode executor.shutdown.timeout.ms
extended.headers.enabled field.name.adjustment.mode gtid.ignore.on.recovery gtid.source.excludes
gtid.source.filter.dml.events gtid.source.includes guardrail.collections.limit.action guardrail.collections.max
heartbeat.action.query heartbeat.interval.ms include.query include.schema.changes include.schema.comments
inconsistent.schema.handling.mode incremental.snapshot.allow.schema.changes incremental.snapshot.chunk.size
incremental.snapshot.watermarking.strategy legacy.snapshot.max.threads log.position.check.enable max.batch.size
max.queue.size max.queue.size.in.bytes memory.management.schemas.class memory.management.tables.class
message.key.columns min.row.count.to.stream.results name notification.enabled.channels notification.sink.topic.name
offset.activity.monitor.interval.ms openlineage.integration.enabled openlineage.integration.config.file.path
openlineage.integration.job.namespace poll.dispatch.interval.ms poll.interval.ms post.processors
provide.transaction.metadata query.fetch.size queue.provider.type read.only resolve.create.table.like.schema
retriable.restart.connector.wait.ms schema.exclude.list schema.history.internal schema.history.internal.kafka.topic
schema.history.internal.kafka.bootstrap.servers schema.history.internal.store.only.captured.tables.ddl
schema.history.internal.skip.unparseable.ddl schema.include.list schema.name.adjustment.mode signal.data.collection
signal.emit.failure.backoff.ms signal.emit.failure.max.retries signal.enabled.channels signal.poll.interval.ms
skip.messages.without.change skipped.operations snapshot.delay.ms snapshot.fetch.size snapshot.include.collection.list
snapshot.lock.timeout.ms snapshot.locking.mode snapshot.locking.mode.custom.name snapshot.max.threads
snapshot.max.threads.multiplier snapshot.mode snapshot.mode.configuration.based.snapshot.data
snapshot.mode.configuration.based.snapshot.schema snapshot.mode.configuration.based.snapshot.on.data.error
snapshot.mode.configuration.based.snapshot.on.schema.error snapshot.mode.configuration.based.start.stream
snapshot.mode.custom.name snapshot.query.mode snapshot.query.mode.custom.name snapshot.scan.all.columns.force
snapshot.select.statement.overrides snapshot.select.statement.overrides.shop.orders snapshot.tables.order.by.row.count
source.struct.version sourceinfo.struct.maker statistics.metrics.enabled streaming.delay.ms table.exclude.list
table.ignore.builtin table.include.list tasks.max time.precision.mode tombstones.on.delete topic.cache.size
topic.delimiter topic.heartbeat.name topic.heartbeat.prefix topic.naming.strategy topic.prefix topic.transaction
transaction.metadata.factory unavailable.value.placeholder use.nongraceful.disconnect json.string.formatting.mode
"""


def _faults(options: dict[str, str], **plan: Any) -> list[str]:
    return [str(fault) for fault in option_faults(DeliveryPlan(prefix="shop1", options=options, **plan))]


def _options(options: dict[str, str] | None = None, **plan: Any) -> MessageOptions:
    assert _faults(options or {}, **plan) == []
    return MessageOptions.of(DeliveryPlan(**{"prefix": "shop1", "options": options or {}, **plan}))


@pytest.mark.parametrize("name", _DEBEZIUM.split())
def test_every_option_of_debezium_is_in_the_table(name: str) -> None:
    found = option(name)
    assert found is not None
    assert found.says or found.use is Use.VALUES


def test_the_table_has_each_name_once() -> None:
    names = [each.name for each in OPTIONS]
    assert len(set(names)) == len(names)


def test_an_option_that_debezium_does_not_have_is_refused() -> None:
    (fault,) = _faults({"tombstone.on.delete": "true"})
    assert fault.startswith("Options.tombstone.on.delete: Debezium has no such option")


@pytest.mark.parametrize("name", [each.name for each in OPTIONS if each.use is Use.REFUSED])
def test_what_is_refused_says_what_to_do(name: str) -> None:
    (fault,) = _faults({name.replace("*", "x"): "y"})
    assert fault.startswith(f"Options.{name.replace('*', 'x')}: not taken -- ")


@pytest.mark.parametrize("name", [each.name for each in OPTIONS if each.use is Use.NO_EFFECT and not each.takes])
def test_what_has_no_effect_is_taken(name: str) -> None:
    assert _faults({name.replace("*", "x"): "y"}) == []


@pytest.mark.parametrize("each", [each for each in OPTIONS if each.takes], ids=lambda each: each.name)
def test_an_option_of_few_values_takes_no_other(each: Any) -> None:
    assert any(each.name in fault for fault in _faults({each.name: "something"}))


@pytest.mark.parametrize(
    ("options", "plan", "where"),
    [
        ({"topic.prefix": "other"}, {}, "topic.prefix"),
        ({"snapshot.mode": "no_data"}, {"snapshot": "only"}, "snapshot.mode"),
        ({"snapshot.mode": "when_needed"}, {}, "snapshot.mode"),
        ({"heartbeat.interval.ms": "soon"}, {}, "heartbeat.interval.ms"),
        ({"skipped.operations": "c,x"}, {}, "skipped.operations"),
        ({"skipped.operations": "none,c"}, {}, "skipped.operations"),
        ({"value.converter.schemas.enable": "true"}, {}, "value.converter.schemas.enable"),
        ({"value.converter": "io.confluent.connect.avro.AvroConverter"}, {}, "value.converter"),
        ({"tombstones.on.delete": "true"}, {"rows_per_message": 5}, "tombstones.on.delete"),
        ({"transforms": "unwrap"}, {}, "transforms"),
        ({"transforms.unwrap.type": "x"}, {}, "transforms.unwrap.type"),
        ({"event.processing.failure.handling.mode": "skip"}, {}, "event.processing.failure.handling.mode"),
    ],
)
def test_what_cannot_be_is_told_by_the_options_name(options: dict[str, str], plan: dict[str, Any], where: str) -> None:
    (fault,) = _faults(options, **plan)
    assert fault.startswith(f"Options.{where}: ") and " -- " in fault


def test_a_format_that_is_none_and_a_missing_prefix_are_faults() -> None:
    faults = option_faults(DeliveryPlan(prefix="", format="avro"))
    assert [fault.where for fault in faults] == ["Format", "Prefix"]
    assert {fault.task for fault in faults} == {"Dest"}


def test_all_faults_are_told_at_once() -> None:
    assert len(_faults({"no.such": "", "heartbeat.action.query": "x", "skipped.operations": "y"})) == 3


def test_a_configuration_of_debezium_can_be_pasted() -> None:
    pasted = {
        "name": "inventory",
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "tasks.max": "1",
        "database.hostname": "db",
        "database.server.id": "184054",
        "topic.prefix": "shop1",
        "schema.history.internal.kafka.topic": "history",
        "snapshot.mode": "no_data",
        "decimal.handling.mode": "string",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "provide.transaction.metadata": "TRUE",
        "skipped.operations": "none",
    }
    found = _options(pasted)
    assert (found.prefix, found.snapshot, found.transactions, found.skipped) == ("shop1", "never", True, frozenset())


def test_defaults_are_debeziums() -> None:
    found = _options()
    assert found == MessageOptions(prefix="shop1", heartbeat_topic=("__debezium-heartbeat", "shop1"))
    assert (found.tombstones, found.schema_changes, found.skipped) == (True, True, frozenset("t"))


@pytest.mark.parametrize(
    ("mode", "snapshot", "expected"),
    [("", "initial", "initial"), ("", "never", "never"), ("initial_only", "initial", "only"), ("", "only", "only")],
)
def test_the_snapshot_by_either_word(mode: str, snapshot: str, expected: str) -> None:
    assert _options({"snapshot.mode": mode} if mode else {}, snapshot=snapshot).snapshot == expected


def test_a_sink_has_a_default_of_its_own_for_tombstones() -> None:
    said = DeliveryPlan(prefix="shop1", options={"tombstones.on.delete": "true"})
    assert not MessageOptions.of(DeliveryPlan(prefix="shop1"), tombstones=False).tombstones
    assert MessageOptions.of(said, tombstones=False).tombstones


def test_an_encoder_of_options_with_faults_is_refused() -> None:
    plan = DeliveryPlan(prefix="shop1", options={"no.such": "", "heartbeat.action.query": "x"})
    with pytest.raises(Refused) as caught:
        open_encoder(DeliverySettings("job", 1, "owner", plan))
    assert len(caught.value.faults) == 2


def test_several_rows_in_a_message_have_no_tombstones() -> None:
    assert not _options(rows_per_message=2).tombstones


def test_a_plan_shows_no_secret() -> None:
    plan = DeliveryPlan("p", options={"database.password": "hidden"}, sink={"Password": "hidden"})
    assert "hidden" not in repr(plan) and "hidden" not in repr(
        DeliverySettings("job", 1, "", plan, "nats://x:hidden@y")
    )


@pytest.mark.parametrize(
    "name",
    [
        "column.mask.hash.v2.SHA-256.with.salt.PEPPER",
        "column.mask.with.3.chars",
        "column.mask.with.null",
        "column.truncate.to.3.chars",
        "column.exclude.list",
        "column.include.list",
    ],
)
def test_statements_are_not_told_beside_columns_that_are_hidden(name: str) -> None:
    (fault,) = _faults({name: "shop.customers.email", "include.query": "TRUE"})
    assert fault.startswith("Options.include.query: with column.") and "PEPPER" not in fault
    assert _faults({name: "shop.customers.email", "include.query": "false"}) == []
    assert _faults({"include.query": "true"}) == []


def test_a_salt_is_in_no_fault() -> None:
    (fault,) = _faults({"column.mask.hash.SHA-256.wiht.salt.PEPPER": "shop.customers.email"}) or [""]
    assert "PEPPER" not in fault
