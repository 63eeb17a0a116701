"""What the supervisor has the StoreKeeper write: numbered orders, each repeated to another StoreKeeper if one dies."""

from __future__ import annotations

from collections.abc import Callable

from udup.actors.messages import Forget, Save
from udup.jobs import JobRecord
from udup.jobs.allocation import Evaluation

Then = Callable[[], None]


class Orders:
    """`send` gives an order to the StoreKeeper that is there now."""

    def __init__(self, send: Callable[[object], None]) -> None:
        self._send = send
        self._ticket = 0
        self._waiting: dict[int, tuple[Save | Forget, Then]] = {}

    def save(self, record: JobRecord, then: Then | None = None) -> None:
        """Store a job, then call `then`."""
        self._ticket += 1
        self._give(Save(record, self._ticket), then)

    def forget(self, job_id: str, gone: tuple[Evaluation, ...], then: Then) -> None:
        """Remove a job, then call `then`. `gone` is what stays of deleted jobs."""
        self._ticket += 1
        self._give(Forget(job_id, gone, self._ticket), then)

    def _give(self, order: Save | Forget, then: Then | None) -> None:
        self._waiting[self._ticket] = order, then or _nothing
        self._send(order)

    def saved(self, ticket: int) -> None:
        """The StoreKeeper has carried it out; said twice when it was repeated."""
        waiting = self._waiting.pop(ticket, None)
        if waiting is not None:
            waiting[1]()

    def repeat(self) -> None:
        """To another StoreKeeper: everything that the one before has not said to be done."""
        for order, _ in self._waiting.values():
            self._send(order)


def _nothing() -> None:
    """Nobody waits."""
