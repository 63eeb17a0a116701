"""A process that delivers numbered events up to a last one, from where the stream is: it is killed at random.

It ends with 0 when all are stored, with 3 when the sink is another's now, with 4 when it must begin again.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import sys
import traceback
from multiprocessing.connection import Connection

from tests.drivers.messages.nats.small_sink import SmallSink, event, next_events
from udup.base.errors import Superseded, Transient
from udup.pipeline.ports.delivery import Unit

DONE, SUPERSEDED, AGAIN = 0, 3, 4

#: Seconds between units, so that there is something to be killed.
PAUSE = 0.002


class Writer:
    """Such a process, forked: it is there in milliseconds. What it has said at its end is in `said`."""

    def __init__(self, sink: SmallSink, run: int, last: int, owner: str = "node-1") -> None:
        context = multiprocessing.get_context("fork")
        self._said, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(sink, owner, run, last, theirs))
        self._process.start()
        theirs.close()

    @property
    def code(self) -> int | None:
        return self._process.exitcode

    def wait(self, seconds: float) -> int | None:
        """Its code, None if it has not ended by then."""
        self._process.join(seconds)
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    @property
    def said(self) -> str:
        return str(self._said.recv()) if self._said.poll() else ""


def _run(sink: SmallSink, owner: str, run: int, last: int, said: Connection) -> None:
    try:
        asyncio.run(_deliver(sink, owner, run, last))
    except Superseded as error:
        said.send(str(error))
        sys.exit(SUPERSEDED)
    except Transient as error:
        said.send(str(error))
        sys.exit(AGAIN)
    except BaseException:
        said.send(traceback.format_exc())
        raise


async def _deliver(sink: SmallSink, owner: str, run: int, last: int) -> None:
    chance = random.Random(run)
    async with sink.opened(owner=owner, run=run) as (delivery, found):
        begin, there = next_events(found)
        number = 0
        while begin < last:
            end = min(last, begin + chance.choice((1, 3, 40, 120)))
            events = [event(sink.prefix, each) for each in range(begin, end) if each not in there]
            number += 1
            await delivery.send(Unit(number, events, str(end), atomic=chance.random() < 0.1))
            begin = end
            await asyncio.sleep(PAUSE)
        await delivery.stored()
