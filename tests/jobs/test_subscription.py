"""A subscription's document: what its keys mean, and what is said of those that make no sense."""

from __future__ import annotations

from typing import Any

import pytest

from tests.jobs.documents import UUID, seed
from tests.jobs.subscriptions import document, faults_of, refused, spec_of, to_kafka, to_nats
from udup.jobs import accept, parse_job
from udup.jobs.plan import plan_of
from udup.pipeline.ports import StartPoint


def test_the_least_document_to_nats_uses_the_nodes_own_stream() -> None:
    spec, _ = accept(to_nats())
    assert spec.delivers and spec.target.driver == "NATS"
    plan = spec.delivery_plan()
    assert plan is not None
    assert (plan.prefix, plan.snapshot, plan.format, plan.rows_per_message) == ("shop1", "initial", "debezium", 1)
    assert (plan.large_messages, plan.values, plan.quirks, plan.schemas) == ("fail", "debezium", False, False)
    assert plan.sink == {} and plan.options == {}
    end = plan_of(spec).target
    assert (end.driver, end.delivery, str(end)) == ("NATS", plan, "this node's NATS")


def test_all_keys_of_nats_reach_the_drivers_plan() -> None:
    nats = {
        "Url": "tls://nats.example:4443",
        "Stream": "SHOP1",
        "Replicas": "3",
        "Storage": "MEMORY",
        "MaxAge": "7d",
        "MaxBytes": "10GB",
        "Discard": "new",
        "Compression": "s2",
        "User": "u",
        "Password": "p",
        "SslCa": "/ca",
    }
    spec = spec_of(to_nats(nats))
    plan = spec.delivery_plan()
    assert plan is not None
    expected = {**nats, "Replicas": 3, "Storage": "memory", "MaxAge": "604800s", "MaxBytes": 10 << 30}
    assert plan.sink == expected
    assert str(plan_of(spec).target) == "u@nats.example:4443"
    assert "'p'" not in repr(spec) + repr(plan) + repr(plan_of(spec))


def test_all_keys_of_kafka_reach_the_drivers_plan_and_what_is_not_said_is_the_drivers() -> None:
    kafka = {
        "Brokers": "a:1, b",
        "Topic": "shop1",
        "TopicWithSchemaTable": False,
        "SchemaChangeTopic": "ddl",
        "SecurityProtocol": "sasl-ssl",
        "SaslMechanism": "scram-sha-256",
        "User": "u",
        "Password": "p",
        "SslCa": "/ca",
        "SslCert": "/cert",
        "SslKey": "/key",
        "Compression": "ZSTD",
        "Converter": "JSON",
        "TimeZone": "UTC",
        "MessageGroupMaxSize": 1,
        "MessageGroupTimeout": 100,
        "Partitions": 6,
        "ReplicationFactor": 3,
        "Transactional": False,
        "CreateTopics": False,
        "MaxMessageBytes": 5_000_000,
    }
    plan = spec_of(to_kafka(kafka)).delivery_plan()
    assert plan is not None
    changed = {"Brokers": ["a:1", "b:9092"], "SecurityProtocol": "SASL_SSL", "SaslMechanism": "SCRAM-SHA-256"}
    assert plan.sink == {**kafka, **changed, "Compression": "zstd", "Converter": "json"}
    least = spec_of(to_kafka()).delivery_plan()
    assert least is not None and least.sink == {"Brokers": ["127.0.0.1:9092"]}


def test_the_document_of_dtle_names_the_prefix_by_its_topic_alone() -> None:
    keys = {
        "Brokers": ["127.0.0.1:9092"],
        "Topic": "shop2",
        "TopicWithSchemaTable": True,
        "SchemaChangeTopic": "schema-changes.shop2",
        "Converter": "json",
        "TimeZone": "UTC",
        "MessageGroupMaxSize": 1,
        "MessageGroupTimeout": 100,
        "User": "u",
        "Password": "p",
    }
    posted = document("Kafka", {"KafkaConfig": keys})
    plan = spec_of(posted).delivery_plan()
    assert plan is not None and plan.prefix == "shop2" and plan.sink == keys
    assert refused(document("Kafka", {"KafkaConfig": {"Brokers": ["a:1"]}})).keys() == {"Prefix"}
    assert refused(document("Kafka", {"KafkaConfig": {"Brokers": ["a:1"], "Topic": "a b"}})).keys() >= {"Prefix"}


def test_what_messages_are_made_of_reaches_the_drivers_plan() -> None:
    keys = {
        "Options": {"decimal.handling.mode": "string", "heartbeat.interval.ms": 1000, "include.query": True},
        "Schemas": "true",
        "Format": "Flat",
        "DebeziumQuirks": 1,
        "RowsPerMessage": "20",
        "LargeMessages": "skip-values",
        "Values": "exact",
        "TinyInt1AsBoolean": True,
        "Snapshot": "never",
    }
    plan = spec_of(to_nats(**keys)).delivery_plan()
    assert plan is not None
    options = {"decimal.handling.mode": "string", "heartbeat.interval.ms": "1000", "include.query": "true"}
    assert plan.options == options
    assert (plan.schemas, plan.format, plan.quirks, plan.rows_per_message) == (True, "flat", True, 20)
    assert (plan.large_messages, plan.values, plan.tiny_as_boolean) == ("skip-values", "exact", True)
    assert plan.snapshot == "never"


def test_an_option_that_is_null_is_not_there_and_a_secret_reaches_no_driver() -> None:
    options = {"topic.delimiter": None, "database.password": "a secret", "database.hostname": "h"}
    plan = spec_of(to_nats(Options=options)).delivery_plan()
    assert plan is not None and plan.options == {"database.hostname": "h"}


def test_keys_match_in_any_case_and_options_are_as_they_were_written() -> None:
    posted = to_nats()
    posted["Tasks"][1]["Config"] = {"prefix": "p", "natsconfig": {"STREAM": "S"}, "OPTIONS": {"Column.X": "y"}}
    spec, _ = accept(posted)
    plan = spec.delivery_plan()
    assert plan is not None and (plan.prefix, plan.sink, plan.options) == ("p", {"Stream": "S"}, {"Column.X": "y"})


# ---- How it begins ----


@pytest.mark.parametrize(
    ("source", "config", "snapshot", "begins", "copy_alone"),
    [
        ({}, {}, "initial", None, False),
        ({}, {"Snapshot": "only"}, "only", None, True),
        ({}, {"Snapshot": "never"}, "never", StartPoint(), False),
        ({}, {"Options": {"snapshot.mode": "no_data"}}, "never", StartPoint(), False),
        ({}, {"Options": {"snapshot.mode": "initial_only"}}, "only", None, True),
        ({"Gtid": f"{UUID}:1-5"}, {}, "never", None, False),
        ({"Gtid": f"{UUID}:1-5"}, {"Snapshot": "never"}, "never", None, False),
        ({"AutoGtid": True}, {}, "never", StartPoint(), False),
        ({"GtidStart": f"{UUID}:6"}, {}, "never", StartPoint(gtid=f"{UUID}:6"), False),
        ({"BinlogFile": "b.000001"}, {}, "never", StartPoint(file="b.000001", offset=4), False),
    ],
)
def test_it_begins_with_a_snapshot_or_at_a_place_of_the_log(
    source: dict[str, Any], config: dict[str, Any], snapshot: str, begins: StartPoint | None, copy_alone: bool
) -> None:
    spec, _ = accept(to_nats(source=source, **config))
    plan = spec.delivery_plan()
    assert plan is not None
    assert (plan.snapshot, spec.begins_at, spec.copy_alone) == (snapshot, begins, copy_alone)
    made = plan_of(spec)
    assert (made.start_at, made.start_after) == (begins, source.get("Gtid"))


@pytest.mark.parametrize("source", [{"Gtid": f"{UUID}:1-5"}, {"AutoGtid": True}, {"BinlogFile": "b.000001"}])
@pytest.mark.parametrize(
    "config", [{"Snapshot": "initial"}, {"Snapshot": "only"}, {"Options": {"snapshot.mode": "initial"}}]
)
def test_a_snapshot_and_a_place_in_the_log_are_refused_with_both_names(
    source: dict[str, Any], config: dict[str, Any]
) -> None:
    [fault] = faults_of(to_nats(source=source, **config))
    [key] = source
    assert fault.where == "Tasks[1].Config.Snapshot"
    assert key in fault.problem and key in fault.remedy and "Snapshot" in fault.remedy


# ---- What is refused ----


@pytest.mark.parametrize(
    ("posted", "path", "told"),
    [
        (to_nats(Prefix=""), "Prefix", "must not be empty"),
        (to_nats(Prefix="a b"), "Prefix", "must be letters"),
        (to_nats(Prefix="a..b"), "Prefix", "must be letters"),
        (to_nats(Prefix="shop.*"), "Prefix", "must be letters"),
        (to_nats(Prefix="é"), "Prefix", "must be letters"),
        (to_nats(Prefix="p" * 101), "Prefix", "100 characters"),
        (to_nats(Snapshot="sometimes"), "Snapshot", "must be initial, never or only"),
        (to_nats(Format="avro"), "Format", "must be debezium, flat or cloudevents"),
        (to_nats(LargeMessages="drop"), "LargeMessages", "must be fail, claim or skip-values"),
        (to_nats(Values="other"), "Values", "must be debezium or exact"),
        (to_nats(RowsPerMessage=1001), "RowsPerMessage", "must be 0…1000"),
        (to_nats(Options=[]), "Options", "must be an object"),
        (to_nats(Options={"a.b": {}}), "Options.a.b", "must be text, a number, true or false, got an object"),
        (to_nats(Options={"": "x"}), "Options", "has an option of the name ''"),
        (to_nats(NatsConfig=7), "NatsConfig", "must be an object"),
        (to_nats({"Url": "nats://u:secret@h:1"}), "NatsConfig.Url", "must not hold an account"),
        (to_nats({"Url": "http://h:1"}), "NatsConfig.Url", "must be host:port"),
        (to_nats({"Url": "h:70000"}), "NatsConfig.Url", "must be host:port"),
        (to_nats({"Stream": "a.b"}), "NatsConfig.Stream", "must be letters"),
        (to_nats({"Replicas": 6}), "NatsConfig.Replicas", "must be 0…5"),
        (to_nats({"MaxAge": "7 moons"}), "NatsConfig.MaxAge", "is not a time: '7 moons'"),
        (to_nats({"MaxBytes": "many"}), "NatsConfig.MaxBytes", "is not a size: 'many'"),
        (to_nats({"Url": "h", "User": "u", "Credentials": "c"}), "NatsConfig.Credentials", "together with User"),
        (
            to_nats({"Url": "h", "Password": "p", "Credentials": "c"}),
            "NatsConfig.Credentials",
            "together with Password",
        ),
        (to_nats({"Password": "p"}), "NatsConfig.Password", "no meaning for the node's own JetStream"),
        (to_nats({"Url": "h,u:p@h"}), "NatsConfig.Url", "must not hold an account"),
        (to_kafka({"Password": "p"}), "KafkaConfig.Password", "without User"),
        (to_nats({"User": "u"}), "NatsConfig.User", "no meaning for the node's own JetStream"),
        (to_nats({"Url": "h", "SslCa": "/ca"}), "NatsConfig.SslCa", "not used without TLS"),
        (to_kafka({"Brokers": []}), "KafkaConfig.Brokers", "must not be empty"),
        (to_kafka({"Brokers": ["h:x"]}), "KafkaConfig.Brokers", "must be host:port"),
        (to_kafka({"Topic": "other"}), "KafkaConfig.Topic", "both mean the same"),
        (to_kafka({"SchemaChangeTopic": "a b"}), "KafkaConfig.SchemaChangeTopic", "must be letters"),
        (to_kafka({"TimeZone": "Asia/Shanghai"}), "KafkaConfig.TimeZone", "is not supported"),
        (to_kafka({"Converter": "avro"}), "KafkaConfig.Converter", "must be json"),
        (to_kafka({"SecurityProtocol": "SSL", "User": "u"}), "KafkaConfig.User", "is not used with"),
        (to_kafka({"SecurityProtocol": "SASL_SSL"}), "KafkaConfig.User", "is required with"),
        (to_kafka({"SecurityProtocol": "PLAINTEXT", "SslCa": "/ca"}), "KafkaConfig.SslCa", "is not used with"),
        (to_kafka({"SaslMechanism": "GSSAPI"}), "KafkaConfig.SaslMechanism", "must be PLAIN"),
        (to_kafka({"SslKey": "/key"}), "KafkaConfig.SslKey", "is the key of SslCert"),
        (to_kafka(LargeMessages="claim"), "LargeMessages", "Kafka has no store for objects"),
    ],
)
def test_values_that_make_no_sense_are_refused_by_their_path(posted: dict[str, Any], path: str, told: str) -> None:
    found = refused(posted)
    assert list(found) == [path] and told in found[path]


def test_what_is_required_is_missed() -> None:
    posted = to_kafka()
    posted["Tasks"][1]["Config"] = {}
    assert refused(posted) == {"Prefix": "is required", "KafkaConfig": "is required"}
    posted["Tasks"][1]["Config"] = {"Prefix": "p", "KafkaConfig": {}}
    assert refused(posted) == {"KafkaConfig.Brokers": "is required"}


def test_all_faults_are_told_at_once() -> None:
    posted = to_nats({"Replicas": 9, "Streem": "S"}, source={"ApplyMode": "events"}, Prefix="", ApplyMode="events")
    assert set(refused(posted)) == {
        *("NatsConfig.Replicas", "NatsConfig.Streem", "Prefix", "ApplyMode"),
        "Tasks[0].Config.ApplyMode",
    }


@pytest.mark.parametrize(
    ("posted", "remedy"),
    [
        (to_nats({"Streem": "S"}), "did you mean Stream?"),
        (to_kafka({"Broker": "S"}), "did you mean Brokers?"),
        (to_nats(Prefx="S"), "did you mean Prefix?"),
        (to_nats(Brokers="S"), "Brokers belongs into Tasks[].Config.KafkaConfig"),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(posted: dict[str, Any], remedy: str) -> None:
    [fault] = faults_of(posted)
    assert fault.problem == "is not known here" and remedy in fault.remedy


@pytest.mark.parametrize(
    "key",
    [
        *("ConnectionConfig", "Gtid", "ReplicateDoDb", "Engine", "ApplyMode", "DropTableIfExists", "ParallelWorkers"),
        *("GeneratedColumns", "SkipCreateDbTable", "ApproveHeterogeneous", "ExpandSyntaxSupport", "ChunkSize"),
        *("AutoGtid", "SkipIncrementalCopy", "SqlFilter", "ReplicateIgnoreDb", "KafkaConfig", "MsgBytesLimit"),
    ],
)
def test_keys_of_other_destinations_are_refused_by_name(key: str) -> None:
    """Once each, whatever they hold."""
    value: Any = {"ConnectionConfig": {"Host": "h"}, "KafkaConfig": {"Brokers": "b"}, "Gtid": f"{UUID}:1"}.get(
        key, True
    )
    value = [{"TableSchema": "s"}] if key.startswith("Replicate") else ["DDL"] if key == "SqlFilter" else value
    assert [fault.where for fault in faults_of(to_nats(**{key: value}))] == [f"Tasks[1].Config.{key}"]


@pytest.mark.parametrize("key", ["Prefix", "Options", "NatsConfig", "Snapshot", "RowsPerMessage", "KafkaConfig"])
def test_keys_of_messages_are_refused_for_a_database(key: str) -> None:
    posted = seed()
    value: Any = {"a": "b"} if key in ("Options", "NatsConfig", "KafkaConfig") else "shop1"
    posted["Tasks"][1]["Config"][key] = value
    found = {fault.where: fault for fault in faults_of(posted)}
    own = f"Tasks[1].Config.{key}"
    assert own in found and "Driver" in found[own].remedy + found[own].problem


def test_a_stored_document_of_an_older_version_may_hold_such_keys_in_silence() -> None:
    posted = seed()
    posted["Tasks"][1]["Config"] |= {"Prefix": "p", "Options": {}}
    assert parse_job(posted).target.driver == "MySQL"


@pytest.mark.parametrize(
    "key", ["Engine", "ApplyMode", "DropTableIfExists", "ParallelWorkers", "SkipIncrementalCopy", "ExpandSyntaxSupport"]
)
def test_keys_of_the_source_that_say_how_rows_get_into_a_database_are_refused(key: str) -> None:
    value = {"Engine": "InnoDB", "ApplyMode": "events"}.get(key, True)
    assert list(refused(to_nats(source={key: value}))) == [f"Tasks[0].Config.{key}"]


def test_what_asks_for_nothing_is_no_fault() -> None:
    accept(
        to_nats(source={"Engine": "", "Gtid": "", "AutoGtid": False}, Gtid="", DropTableIfExists=False, Meta={"x": 1})
    )


@pytest.mark.parametrize(
    ("kind", "driver", "told"),
    [
        ("subscribe", "MySQL", "is MySQL, and a subscription delivers messages"),
        ("synchronous", "NATS", "is NATS, which takes messages: of a subscription"),
        ("migration", "Kafka", "is Kafka, which takes messages: of a subscription"),
        ("subscribe", "Redis", "unknown driver 'Redis'"),
    ],
)
def test_a_type_and_a_driver_that_do_not_go_together(kind: str, driver: str, told: str) -> None:
    posted = (to_kafka() if driver == "Kafka" else to_nats()) | {"Type": kind}
    posted["Tasks"][1]["Driver"] = driver
    if driver in ("MySQL", "Redis"):
        posted["Tasks"][1]["Config"] = seed()["Tasks"][1]["Config"]
    assert refused(posted) == {"Tasks[1].Driver": told}


def test_a_sink_is_no_source() -> None:
    posted = to_nats()
    posted["Tasks"][0]["Driver"] = "NATS"
    assert refused(posted) == {"Tasks[0].Driver": "NATS is no source"}


def test_a_subscription_never_ends() -> None:
    assert "never ends" in refused(to_nats() | {"EndWhen": "level"})["EndWhen"]


@pytest.mark.parametrize("driver", [["NATS"], {"NATS": 1}, 7, True])
def test_a_driver_that_is_no_text_is_a_fault_like_any_other(driver: Any) -> None:
    posted = to_nats()
    posted["Tasks"][1]["Driver"] = driver
    assert "must be text" in refused(posted)["Tasks[1].Driver"]
