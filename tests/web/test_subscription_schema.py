"""The API's description of a subscription's document takes what the server takes."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from tests.jobs.documents import seed
from tests.jobs.subscriptions import to_kafka, to_nats
from udup.jobs import accept
from udup.web.openapi.document import openapi


def _is_described(document: dict[str, Any]) -> bool:
    whole = openapi()
    schema = {"$ref": "#/components/schemas/JobSpec", "components": whole["components"]}
    return bool(jsonschema_rs.validator_for(schema).is_valid(document))


@pytest.mark.parametrize(
    "document",
    [
        seed(),
        to_nats(),
        to_nats({"Stream": "S", "MaxAge": "7d", "MaxBytes": 1 << 30}, Snapshot="never"),
        to_nats(Options={"a": 1, "b": True, "c": "d", "e": None}, RowsPerMessage=20),
        to_kafka(),
        to_kafka({"Brokers": "a:1,b:2", "SecurityProtocol": "SASL_SSL", "User": "u", "Password": "p"}),
    ],
)
def test_what_is_taken_is_described(document: dict[str, Any]) -> None:
    accept(document, local=False)
    assert _is_described(document)


@pytest.mark.parametrize(
    "document",
    [
        to_nats(Prefix=None),
        to_nats(Format="avro"),
        to_nats({"Storage": "tape"}),
        to_kafka({"Brokers": None}),
        to_nats(Options=["a"]),
        to_nats() | {"Type": "other"},
    ],
)
def test_what_is_refused_is_not(document: dict[str, Any]) -> None:
    assert not _is_described(document)


def test_each_driver_has_a_task_of_its_own() -> None:
    schemas = openapi()["components"]["schemas"]
    names = [each["$ref"].rpartition("/")[2] for each in schemas["JobSpec"]["properties"]["Tasks"]["items"]["oneOf"]]
    drivers = {name: schemas[name]["properties"]["Driver"] for name in names}
    assert {name: driver.get("enum", driver.get("const")) for name, driver in drivers.items()} == {
        "TaskSpec": ["MySQL", "Oracle"],
        "NatsTask": "NATS",
        "KafkaTask": "Kafka",
    }
