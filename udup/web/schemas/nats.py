"""Users of the node's own NATS server, as answers show them and as they are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from udup.base.errors import Fault, Refused
from udup.store.nats_users import MAX_STREAMS, STREAM_NAME, USER_NAME
from udup.web.ports import Consumer, ConsumerCredentials
from udup.web.schemas.shape import Shape, rfc3339


class NatsUser(Shape):
    """A consumer: who may read and acknowledge what is in these streams."""

    name: str
    streams: list[str]
    missing: list[str] = Field(description="those of the streams that are not there yet")
    since: str


class NatsCredentials(NatsUser):
    """A consumer that was just added. The password is shown here and never again."""

    password: str
    address: str = Field(description="where to connect on this machine")
    remote_address: str = Field(description="where to connect from other machines; empty: nowhere")


class NatsUserRequest(Shape):
    """Who is to be let in, and what he may read."""

    name: str = Field(pattern=f"^{USER_NAME}$")
    streams: list[str] = Field(
        min_length=1,
        max_length=MAX_STREAMS,
        json_schema_extra={"items": {"type": "string", "pattern": f"^{STREAM_NAME}$"}},
    )


def user_of(consumer: Consumer) -> NatsUser:
    return NatsUser(**_fields(consumer))


def credentials_of(made: ConsumerCredentials) -> NatsCredentials:
    return NatsCredentials(
        **_fields(made.consumer),
        password=made.password,
        address=made.address,
        remote_address=made.remote_address,
    )


def request_of(body: Any) -> tuple[str, list[str]]:
    """Return the name and the streams that a body asks for; `Refused` with every fault."""
    if not isinstance(body, dict):
        raise Refused([Fault("Body", "is not an object", 'send {"Name": "reports", "Streams": ["SHOP1"]}')])
    if faults := list(_faults(body)):
        raise Refused(faults)
    return body["Name"], body["Streams"]


def _faults(body: dict[str, Any]) -> Iterator[Fault]:
    for key in body:
        if key not in ("Name", "Streams"):
            yield Fault(key[:80], "is not a key of it", "known are Name and Streams")
    name, streams = body.get("Name"), body.get("Streams")
    if not isinstance(name, str) or not re.fullmatch(USER_NAME, name):
        given = "" if name is None else f", got {str(name)[:80]!r}"
        yield Fault("Name", f"must be 1 to 64 letters, digits or any of -_.{given}", "choose such a name")
    if not isinstance(streams, list) or not 1 <= len(streams) <= MAX_STREAMS:
        remedy = 'write "Streams": ["SHOP1"]'
        yield Fault("Streams", f"must be a list of 1 to {MAX_STREAMS} names of streams", remedy)
        return
    for stream in streams:
        if not isinstance(stream, str) or not re.fullmatch(STREAM_NAME, stream):
            remedy = "write it as the job's NatsConfig.Stream says"
            yield Fault("Streams", f"{str(stream)[:80]!r} is no name of letters, digits, - and _", remedy)


def _fields(consumer: Consumer) -> dict[str, Any]:
    return {
        "name": consumer.name,
        "streams": list(consumer.streams),
        "missing": list(consumer.missing),
        "since": rfc3339(consumer.since),
    }
