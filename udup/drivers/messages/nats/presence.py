"""Who writes to a stream now: a run answers for as long as it lives, so that another owner leaves it alone.

The fences hold without this. It spares two nodes that both have the job from taking the stream from each other by
turns: the second one is told by whom the job is carried out, and waits until that one's connection is gone.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from udup.base.errors import Side, Superseded
from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import LOST, Connection, away, heed_cancellation
from udup.drivers.messages.nats.place import Writer

#: Seconds to wait for somebody who holds the subject and does not answer.
_SECONDS = 1.0


class Presence:
    """Of one run."""

    def __init__(self, connection: Connection, sink: NatsSink, me: Writer) -> None:
        self._connection, self._sink, self._me = connection, sink, me
        self._subject = sink.writer_subject

    async def refuse_another(self) -> None:
        """Raise `Superseded` if a run of another owner lives. An earlier one of the same owner ends at its fence.

        So does one that the cluster has granted before: its node may not know yet that it has lost the job.
        """
        try:
            answer = await self._connection.client.request(self._subject, b"", timeout=_SECONDS)
            said = json.loads(answer.data)
            other = Writer.of(said)
        except NoRespondersError:
            return
        except (TimeoutError, *LOST, ValueError, KeyError, TypeError):
            heed_cancellation()
            self._connection.check()
            return  # it lives no more than that it holds the subject
        if other.owner != self._me.owner and not other.is_behind(self._me):
            text = f"job {self._me.job} is carried out by {other}, which writes to {self._sink.where}"
            raise Superseded(text).of(Side.TARGET)

    async def show(self, lives: Callable[[], bool]) -> None:
        """Answer whoever asks, for as long as `lives` says so."""
        said = json.dumps(dataclasses.asdict(self._me)).encode()

        async def on_question(message: Msg) -> None:
            if lives():
                try:
                    await message.respond(said)
                except (NatsError, OSError):
                    return  # the connection is gone, so the run is too

        try:
            await self._connection.client.subscribe(self._subject, cb=on_question)
        except LOST as error:
            raise away(f"cannot subscribe at {self._sink.where}: {error or type(error).__name__}") from error
        heed_cancellation()
