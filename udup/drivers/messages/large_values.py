"""Messages above a sink's limit, sent without their longest values.

A value that is left out is `__debezium_unavailable_value`, what Debezium writes for one that it does not have. The
others keep their text as it is: no number is read and written again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Raw

from udup.pipeline.ports.delivery import Message

UNAVAILABLE = b'"__debezium_unavailable_value"'

#: The header that names the columns whose values were left out, as a JSON array.
SKIPPED = "Udup-Skipped"

_Object = dict[str, Raw]
_decode = msgspec.json.Decoder(_Object).decode

#: Where an image may lie: in the envelope, and in what schemas or CloudEvents put around it.
_AROUND, _IMAGES = ("payload", "data"), ("before", "after")


def without_longest(message: Message, too_much: int) -> Message | None:
    """Return a message shorter by as many bytes at least, which names what it lacks; None if that is not enough."""
    try:
        root = _decode(message.value or b"null")
    except msgspec.MsgspecError:
        return None
    images = list(_images(root, lambda: None))
    columns = sorted(
        ((len(bytes(value)), image, name, store) for image, store in images for name, value in image.items()),
        key=lambda each: -each[0],
    )
    names: list[str] = []
    too_much += len(SKIPPED) + 8  # the header that names them has its size too
    for length, image, name, store in columns:
        if too_much <= 0 or length <= len(UNAVAILABLE):
            break
        image[name] = Raw(UNAVAILABLE)
        store()
        too_much -= length - len(UNAVAILABLE)
        if name not in names:
            names.append(name)
            too_much += len(json.dumps(name)) + 2
    if too_much > 0:
        return None
    header = (SKIPPED, json.dumps(names).encode())
    return msgspec.structs.replace(message, value=msgspec.json.encode(root), headers=(*message.headers, header))


def _images(node: _Object, store: Callable[[], None]) -> Iterator[tuple[_Object, Callable[[], None]]]:
    """Yield the objects of columns, each with what puts a changed one back. Without an envelope it is the whole."""
    around = [name for name in (*_AROUND, *_IMAGES) if name in node and bytes(node[name]).startswith(b"{")]
    if not around:
        yield node, store
    for name in around:
        inner = _decode(node[name])

        def put(name: str = name, inner: _Object = inner) -> None:
            node[name] = Raw(msgspec.json.encode(inner))
            store()

        if name in _IMAGES:
            yield inner, put
        else:
            yield from _images(inner, put)
