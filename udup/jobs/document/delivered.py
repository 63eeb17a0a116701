"""What drivers say of a subscription's Dest before any server is asked, put beside the faults of the document itself.

The room of documents knows no driver: who accepts a document brings a `Judge`. It is asked also where the document has
other faults, with the keys that have none, so that all of them are told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from udup.base.errors import Fault
from udup.jobs.document.destinations import KafkaDest, NatsDest
from udup.jobs.document.keys import canonical, join
from udup.jobs.document.subscription import sink_tasks
from udup.jobs.words import Driver, JobType
from udup.pipeline.ports import DeliveryPlan

#: Says what is wrong with a plan, by the drivers of source and destination; its places are those of the Dest's Config.
Judge = Callable[[str, str, DeliveryPlan], Sequence[Fault]]

_MODELS: Mapping[str, type[NatsDest] | type[KafkaDest]] = {Driver.NATS.value: NatsDest, Driver.KAFKA.value: KafkaDest}

_BLOCKS = ("NatsConfig", "KafkaConfig")

#: What stands for keys that must be there and are wrong, which is told elsewhere.
_STAND_INS: Mapping[str, Any] = {"Prefix": "prefix", "KafkaConfig": {"Brokers": ["127.0.0.1:9092"]}}


def delivery_faults(document: Mapping[str, Any], level: Any, judge: Judge, told: Sequence[Fault]) -> Iterator[Fault]:
    """Yield what the judge says of a subscription's document, but of keys that have a fault in `told`.

    A sink's settings are judged together, so that one told fault of them speaks for all; each option is alone.
    """
    job = canonical(dict(document), level, "", [])
    if job.get("Type") != JobType.SUBSCRIBE:
        return
    places = {_place(fault.where) for fault in told}
    for path, task in sink_tasks(job):
        where = join(path, "Config")
        plan = _plan(_MODELS[task["Driver"]], task.get("Config"))
        for fault in judge(Driver.MYSQL.value, task["Driver"], plan) if plan else ():
            if _place(found := join(where, fault.where)) not in places:
                yield replace(fault, where=found)


def _place(path: str) -> str:
    """Return a path without what is inside a sink's settings."""
    for block in _BLOCKS:
        front, found, _ = path.partition(f".{block}.")
        if found:
            return f"{front}.{block}"
    return path


def _plan(model: type[NatsDest] | type[KafkaDest], config: object) -> DeliveryPlan | None:
    """Return the plan of the keys that have no fault; None where there is nothing to read."""
    if not isinstance(config, dict):
        return None
    try:
        return model.model_validate(config).plan(begins_at_log=False)
    except ValidationError as error:
        wrong = {str(detail["loc"][0]) for detail in error.errors(include_url=False) if detail["loc"]}
    needed = {key: value for key, value in _STAND_INS.items() if key in wrong and key in model.key_names()}
    sound = {key: value for key, value in config.items() if key not in wrong}
    try:
        return model.model_validate({**sound, **needed}).plan(begins_at_log=False)
    except ValidationError:
        return None
