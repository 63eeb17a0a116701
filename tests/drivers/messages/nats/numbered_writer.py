"""A process that delivers numbered events up to a last one, from where the stream is: it is killed at random.

It ends with 0 when all are stored, with 3 when the sink is another's now, with 4 when it must begin again.
"""

from __future__ import annotations

import asyncio
import random
import sys

from tests.drivers.messages.nats.small_sink import SmallSink, event, next_events
from udup.base.errors import Superseded, Transient
from udup.pipeline.ports.delivery import Unit

DONE, SUPERSEDED, AGAIN = 0, 3, 4

#: Seconds between units, so that there is something to be killed.
PAUSE = 0.001


async def main(url: str, prefix: str, owner: str, run: int, last: int) -> int:
    sink, chance = SmallSink(url, prefix), random.Random(run)
    try:
        async with sink.opened(owner=owner, run=run) as (delivery, found):
            begin, there = next_events(found)
            number = 0
            while begin < last:
                end = min(last, begin + chance.choice((1, 3, 40, 300)))
                events = [event(prefix, each) for each in range(begin, end) if each not in there]
                there -= set(range(begin, end))
                number += 1
                await delivery.send(Unit(number, events, str(end), atomic=chance.random() < 0.1))
                begin = end
                await asyncio.sleep(PAUSE)
            await delivery.stored()
    except Superseded as error:
        print(error, flush=True)
        return SUPERSEDED
    except Transient as error:
        print(error, flush=True)
        return AGAIN
    return DONE


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))))
