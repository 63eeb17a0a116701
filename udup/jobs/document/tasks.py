"""The tasks of a job: one end each, whose Driver says which keys its Config has."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Tag, ValidationInfo

from udup.jobs.document import values
from udup.jobs.document.config import Config
from udup.jobs.document.destinations import KafkaDest, NatsDest
from udup.jobs.document.model import Model
from udup.jobs.words import SINKS, Driver, TaskType

PlainText = Annotated[str, BeforeValidator(values.plain_text)]

#: What a tag begins with that pydantic puts into the place of a fault.
TAG = "<"

_MYSQL = f"{TAG}MySQL>"


def _task_type(value: object) -> str:
    text = values.plain_text(value)
    if text not in set(TaskType):
        raise values.fault(f"must be Src or Dest, got {values.shown(text)}", "upper and lower case matter")
    return text


def _driver(value: object, info: ValidationInfo) -> Driver:
    text = values.plain_text(value)
    if text not in set(Driver):
        raise values.fault(f"unknown driver {values.shown(text)}", f"write {', '.join(Driver)}")
    driver = Driver(text)
    if driver in SINKS and info.data.get("type") == TaskType.SRC:
        raise values.fault(f"{driver} is no source", f"write {Driver.MYSQL!s}")
    if driver == Driver.ORACLE and info.data.get("type") == TaskType.DEST:
        raise values.fault(f"{driver} is no target, only a source", f"write {Driver.MYSQL!s}")
    return driver


class TaskSpec(Model):
    """One end of a job, a database."""

    type: Annotated[TaskType, BeforeValidator(_task_type)]
    """`Src`: what is read; `Dest`: what is written to."""
    node_id: PlainText = ""
    """In a cluster: the node that carries out the task, by its ID. A node that is alone runs every task."""
    node_name: PlainText = ""
    """The same by its name."""
    driver: Annotated[Literal[Driver.MYSQL, Driver.ORACLE], BeforeValidator(_driver)] = Driver.MYSQL
    """`MySQL`, which MariaDB is too; of a Src also `Oracle`, experimental."""
    config: Config
    """The server, the account there, and what the job does with it."""


class NatsTask(Model):
    """The Dest of a subscription, in NATS JetStream."""

    type: Annotated[TaskType, BeforeValidator(_task_type)]
    """`Src`: what is read; `Dest`: what is written to."""
    node_id: PlainText = ""
    """In a cluster: the node that carries out the task, by its ID. A node that is alone runs every task."""
    node_name: PlainText = ""
    """The same by its name."""
    driver: Annotated[Literal[Driver.NATS], BeforeValidator(_driver)]
    """`NATS`: a stream of JetStream."""
    config: NatsDest
    """What the messages are, and where they go."""


class KafkaTask(Model):
    """The Dest of a subscription, in Kafka."""

    type: Annotated[TaskType, BeforeValidator(_task_type)]
    """`Src`: what is read; `Dest`: what is written to."""
    node_id: PlainText = ""
    """In a cluster: the node that carries out the task, by its ID. A node that is alone runs every task."""
    node_name: PlainText = ""
    """The same by its name."""
    driver: Annotated[Literal[Driver.KAFKA], BeforeValidator(_driver)]
    """`Kafka`: topics of a cluster."""
    config: KafkaDest
    """What the messages are, and where they go."""


_TAGS: dict[object, str] = {Driver.NATS: f"{TAG}NATS>", Driver.KAFKA: f"{TAG}Kafka>"}


def _tag(value: Any) -> str:
    """Return which of the models reads a task. What is no Dest of a sink is told its faults as a MySQL task."""
    if isinstance(value, dict):
        kind, driver = value.get("Type"), value.get("Driver")
    else:
        kind, driver = getattr(value, "type", None), getattr(value, "driver", None)
    if kind == TaskType.SRC or not isinstance(driver, str):
        return _MYSQL
    return _TAGS.get(driver, _MYSQL)


#: A task of any kind.
AnyTask = Annotated[
    Annotated[TaskSpec, Tag(_MYSQL)]
    | Annotated[NatsTask, Tag(_TAGS[Driver.NATS])]
    | Annotated[KafkaTask, Tag(_TAGS[Driver.KAFKA])],
    Discriminator(_tag),
]
