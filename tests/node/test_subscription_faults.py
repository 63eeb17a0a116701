"""What drivers know of a subscription's destination without a server is told before the job is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.jobs.subscriptions import to_kafka, to_nats
from udup.base.errors import Refused
from udup.drivers.registry import Registry
from udup.node.service import Control

DEST = "Tasks[1].Config."


class _NoReads:
    def job(self, _job_id: str) -> None:
        return None


def _control() -> Control:
    def tell(_message: object, _seconds: float) -> Any:
        raise AssertionError("the supervisor is asked to keep a document that cannot start")

    return Control(tell, lambda: 0, _NoReads(), Registry(), "here")  # type: ignore[arg-type]


_WAYS: dict[str, Callable[[dict[str, Any]], object]] = {
    "post": lambda posted: _control().register(posted, None),
    "unchecked": lambda posted: _control().register(posted, None, check=False),
    "validate": lambda posted: _control().validate(posted),
}


def _told(posted: dict[str, Any], way: str = "post") -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        _WAYS[way](posted)
    assert all(fault.remedy for fault in refused.value.faults if "Options." in fault.where)
    assert len({fault.where for fault in refused.value.faults}) == len(refused.value.faults)
    return {fault.where.removeprefix(DEST): fault.problem for fault in refused.value.faults}


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("document", [to_nats, to_kafka])
def test_every_option_that_is_wrong_is_told_at_once_by_its_path(document: Callable[..., Any], way: str) -> None:
    options = {
        "decimal.handling.mode": "precise",  # right
        "decimal.handling.mod": "string",
        "time.precision.mode": "minutes",
        "column.mask.hash.SHA-999.with.salt.pepper": "shop.users.mail",
        "column.maks.with.3.chars": "shop.users.mail",
        "heartbeat.interval.ms": "often",
        "skipped.operations": "c,x",
        "topic.prefix": "other",
        "tombstones.on.delete": "true",
        "transforms": "outbox,route",
    }
    told = _told(document(Options=options, RowsPerMessage=20), way)
    salted = "Options.column.mask.hash.SHA-999.with.salt."
    wrong = {f"Options.{name}" for name in options} - {"Options.decimal.handling.mode", f"{salted}pepper"}
    assert set(told) == wrong | {f"{salted}******"}
    assert "minutes" in told["Options.time.precision.mode"]


@pytest.mark.parametrize(
    ("posted", "place", "value"),
    [
        (to_nats({"MaxBytes": "1MB"}), "NatsConfig.MaxBytes", "1048576"),
        (to_kafka(LargeMessages="claim"), "LargeMessages", "claim"),
        (to_nats(Options={"key.converter.schemas.enable": True}), "Options.key.converter.schemas.enable", "Schemas"),
        (to_nats(Options={"snapshot.mode": "when_needed"}), "Options.snapshot.mode", "when_needed"),
        (
            to_nats(Options={"column.include.list": "a.*", "column.exclude.list": "b.*"}),
            "Options.column.exclude.list",
            "b.*",
        ),
    ],
)
def test_what_contradicts_itself_is_told(posted: dict[str, Any], place: str, value: str) -> None:
    told = _told(posted)
    assert set(told) == {place}
    assert value in told[place]


def test_options_are_judged_beside_other_faults_of_the_document() -> None:
    told = _told(to_nats({"Replicas": 9}, Prefix="a b", Options={"no.such": "x"}, RowsPerMessage="many", Colour="red"))
    assert set(told) == {"Prefix", "NatsConfig.Replicas", "RowsPerMessage", "Colour", "Options.no.such"}


def test_options_are_judged_beside_a_sink_that_is_not_named() -> None:
    posted = to_kafka(Options={"no.such": "x"})
    del posted["Tasks"][1]["Config"]["KafkaConfig"]
    del posted["Tasks"][1]["Config"]["Prefix"]
    assert set(_told(posted)) == {"Prefix", "KafkaConfig", "Options.no.such"}


def test_a_sinks_settings_are_not_told_twice() -> None:
    assert set(_told(to_nats({"User": "u", "Password": "p"}))) == {"NatsConfig.User", "NatsConfig.Password"}
