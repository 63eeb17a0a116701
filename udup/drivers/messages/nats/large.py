"""Messages that are larger than the server or the stream takes: refused by name, or their values put elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
from nats.js.api import ObjectMeta, ObjectMetaOptions, ObjectStoreConfig, StorageType
from nats.js.errors import APIError, NotFoundError
from nats.js.object_store import ObjectStore

from udup.base.errors import Fault, Refused, Side, UdupError
from udup.drivers.messages.large_values import SKIPPED, without_longest
from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import LOST, PASSING, Connection, away, heed_cancellation, refused
from udup.drivers.messages.nats.frames import CLAIM, HEADERS_MAX, TooLarge
from udup.pipeline.checks import DEST
from udup.pipeline.ports.delivery import Message

#: Bytes of a part of an object, as NATS's clients have it.
CHUNK = 128 << 10

FAIL, CLAIMS, SKIP = "fail", "claim", "skip-values"


class LargeMessages:
    """What is done about them; `mode` as the document has it."""

    def __init__(self, connection: Connection, sink: NatsSink, mode: str) -> None:
        self._connection, self._sink, self._mode = connection, sink, mode
        self._bucket: ObjectStore | None = None

    @property
    def bucket(self) -> str:
        return f"UDUP_{self._sink.prefix.replace('.', '_')}_LARGE"

    @property
    def _chunk(self) -> int:
        """Return how many bytes of a value go in one message: what every server takes, unless it takes less."""
        return max(1, min(CHUNK, self._connection.max_payload))

    async def replaced(self, messages: Sequence[Message], found: TooLarge) -> Sequence[Message]:
        """Return the messages with one in place of that which is too large; `Refused` if that must not be."""
        message = messages[found.index]
        small: Message | None = None
        if found.limit != HEADERS_MAX and message.value is not None and not _is_replaced(message):
            if self._mode == CLAIMS:
                small = await self._claimed(message, message.value)
            elif self._mode == SKIP:
                small = without_longest(message, found.size - found.limit)
        if small is None:
            raise self._refusal(message, found)
        return [*messages[: found.index], small, *messages[found.index + 1 :]]

    def _refusal(self, message: Message, found: TooLarge) -> UdupError:
        gtid = message.id.split(f":{message.table}:")[0] if message.table else ""
        what = "headers" if found.limit == HEADERS_MAX else "message"
        problem = (
            f"the {what} of {message.id} (table {message.table}) has {found.size} bytes, {found.limit} are possible"
        )
        remedy = (
            "raise max_payload of the server and max_msg_size of the stream, or set LargeMessages to claim (the "
            "value goes into an object store) or to skip-values, or leave the column out"
        )
        return Refused([Fault(self._sink.where, problem, remedy, DEST)], gtid=gtid, table=message.table).of(Side.TARGET)

    async def _claimed(self, message: Message, value: bytes) -> Message:
        """Put the value into the bucket under the message's ID; the same again if the run is not the first to try."""
        try:
            if self._bucket is None:
                self._bucket = await self._open()
            meta = ObjectMeta(options=ObjectMetaOptions(max_chunk_size=self._chunk))
            await self._bucket.put(message.id, value, meta)
        except APIError as error:
            text = f"cannot put a value of {len(value)} bytes into the object store {self.bucket}: {error.description}"
            if error.err_code in PASSING:
                raise away(text) from error
            raise refused(self._sink.where, text, "correct the server's limits") from error
        except LOST as error:
            raise away(f"cannot reach the object store {self.bucket}: {error or type(error).__name__}") from error
        heed_cancellation()
        claim = {"bucket": self.bucket, "name": message.id, "size": len(value)}
        header = (CLAIM, f"{self.bucket}/{message.id}".encode())
        return msgspec.structs.replace(
            message, value=json.dumps({"claim": claim}).encode(), headers=(*message.headers, header)
        )

    async def _open(self) -> ObjectStore:
        context = self._connection.client.jetstream(timeout=10)
        try:
            return await context.object_store(self.bucket)
        except NotFoundError:
            sink = self._sink
            config = ObjectStoreConfig(
                description=f"large values of {sink.stream}",
                ttl=sink.max_age or None,
                storage=StorageType.MEMORY if sink.storage == "memory" else StorageType.FILE,
                replicas=sink.replicas,
            )
            return await context.create_object_store(self.bucket, config=config)


def _is_replaced(message: Message) -> bool:
    return any(name in (CLAIM, SKIPPED) for name, _ in message.headers)
