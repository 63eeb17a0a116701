"""What reading threads put into the outbox is published once, in each thread's order, however many there are."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from udup.base.errors import Transient
from udup.pipeline.extract.outbox import Outbox


class _Link:
    """Publishes to a list; each time the loop may do something else meanwhile."""

    def __init__(self, fail_at: int = 0) -> None:
        self.published: list[tuple[str, bytes]] = []
        self._fail_at = fail_at

    async def publish(self, subject: str, data: bytes) -> None:
        await asyncio.sleep(0)
        if len(self.published) + 1 == self._fail_at:
            raise Transient("the link is gone")
        self.published.append((subject, data))


@pytest.mark.parametrize("threads", [1, 4])
def test_each_threads_messages_go_once_and_in_order(threads: int) -> None:
    count = 300

    async def work() -> list[tuple[str, bytes]]:
        link: Any = _Link()
        outbox = Outbox(link, asyncio.get_running_loop())
        running = asyncio.ensure_future(outbox.run())

        def put(name: str) -> None:
            for number in range(count):
                outbox.put(name, b"%d" % number)

        writers = [threading.Thread(target=put, args=(f"subject {number}",)) for number in range(threads)]
        for writer in writers:
            writer.start()
        async with asyncio.timeout(20):
            while len(link.published) < threads * count:
                await asyncio.sleep(0.001)
        for writer in writers:
            writer.join()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return list(link.published)

    published = asyncio.run(work())
    assert len(published) == threads * count
    for number in range(threads):
        own = [data for subject, data in published if subject == f"subject {number}"]
        assert own == [b"%d" % each for each in range(count)]


def test_what_is_put_after_a_pause_wakes_it_again() -> None:
    async def work() -> None:
        link: Any = _Link()
        outbox = Outbox(link, asyncio.get_running_loop())
        running = asyncio.ensure_future(outbox.run())
        for number in range(1, 4):
            outbox.put("subject", b"x")
            for _ in range(10):
                await asyncio.sleep(0)
            assert len(link.published) == number
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(work())


def test_a_link_that_fails_ends_it_and_nothing_behind_is_sent() -> None:
    async def work() -> None:
        link: Any = _Link(fail_at=2)
        outbox = Outbox(link, asyncio.get_running_loop())
        for number in range(3):
            outbox.put("subject", b"%d" % number)
        with pytest.raises(Transient, match="gone"):
            await asyncio.wait_for(outbox.run(), 5)
        assert link.published == [("subject", b"0")]

    asyncio.run(work())
