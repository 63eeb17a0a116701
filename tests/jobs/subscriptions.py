"""Documents of subscriptions, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from udup.base.errors import Fault, Refused
from udup.jobs import JobSpec, accept, parse_job

CONNECTION = {"Host": "127.0.0.1", "Port": 3306, "User": "u", "Password": "source"}


def document(driver: str, config: dict[str, Any], **source: Any) -> dict[str, Any]:
    return {
        "ID": "events",
        "Name": "events",
        "Type": "subscribe",
        "Tasks": [
            {"Type": "Src", "Driver": "MySQL", "Config": {"ConnectionConfig": dict(CONNECTION), **source}},
            {"Type": "Dest", "Driver": driver, "Config": config},
        ],
    }


def to_nats(nats: dict[str, Any] | None = None, source: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    given = {"Prefix": "shop1", **config}
    if nats is not None:
        given["NatsConfig"] = nats
    return document("NATS", given, **(source or {}))


def to_kafka(kafka: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    return document(
        "Kafka", {"Prefix": "shop1", "KafkaConfig": {"Brokers": ["127.0.0.1:9092"], **(kafka or {})}, **config}
    )


def faults_of(posted: dict[str, Any]) -> list[Fault]:
    with pytest.raises(Refused) as caught:
        accept(posted, local=False)
    return caught.value.faults


def refused(posted: dict[str, Any]) -> dict[str, str]:
    """The faults of a posted document, by path inside the Dest's Config where they are there."""
    return {fault.where.removeprefix("Tasks[1].Config."): fault.problem for fault in faults_of(posted)}


def spec_of(posted: dict[str, Any]) -> JobSpec:
    return parse_job(posted)
