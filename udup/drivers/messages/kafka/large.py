"""Messages above the sink's limit: refused by name, or sent without their longest values.

A value that is left out is `__debezium_unavailable_value`, what Debezium writes for one that it does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Raw

from udup.base.errors import Fault, Refused
from udup.pipeline.checks import DEST
from udup.pipeline.ports.delivery import Message

UNAVAILABLE = b'"__debezium_unavailable_value"'

_Object = dict[str, Raw]

#: Where an image may lie: in the envelope, and in what schemas or CloudEvents put around it.
_AROUND, _IMAGES = ("payload", "data"), ("before", "after")


def refusal(message: Message, size: int, limit: int) -> Refused:
    """Return the error of a message that is too large, which names it."""
    problem = f"the message {message.id} has {size} bytes, and the topic takes {limit}"
    remedy = (
        "raise MaxMessageBytes in KafkaConfig together with max.message.bytes of the topic (message.max.bytes of the"
        " brokers); or write LargeMessages skip-values, which leaves out the longest values"
    )
    where = f"the table {message.table}" if message.table else f"the topic {message.topic}"
    gtid = message.id.partition(f":{message.table}:")[0] if message.table else ""
    return Refused([Fault(where, problem, remedy, DEST)], gtid=gtid, table=message.table)


def without_longest(message: Message, too_much: int) -> Message | None:
    """Return a message shorter by as many bytes at least; None if it has no values for that."""
    try:
        root = msgspec.json.decode(message.value or b"null", type=_Object)
    except msgspec.MsgspecError:
        return None
    images = list(_images(root, lambda: None))
    columns = sorted(
        ((len(bytes(value)), image, name, store) for image, store in images for name, value in image.items()),
        key=lambda each: -each[0],
    )
    for length, image, name, store in columns:
        if too_much <= 0 or length <= len(UNAVAILABLE):
            break
        image[name] = Raw(UNAVAILABLE)
        store()
        too_much -= length - len(UNAVAILABLE)
    if too_much > 0:
        return None
    return msgspec.structs.replace(message, value=msgspec.json.encode(root))


def _images(node: _Object, store: Callable[[], None]) -> Iterator[tuple[_Object, Callable[[], None]]]:
    """Yield the objects of columns, each with what puts a changed one back. Without an envelope it is the whole."""
    around = [name for name in (*_AROUND, *_IMAGES) if name in node and bytes(node[name]).startswith(b"{")]
    if not around:
        yield node, store
    for name in around:
        inner = msgspec.json.decode(node[name], type=_Object)

        def put(name: str = name, inner: _Object = inner) -> None:
            node[name] = Raw(msgspec.json.encode(inner))
            store()

        if name in _IMAGES:
            yield inner, put
        else:
            yield from _images(inner, put)
