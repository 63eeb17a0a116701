"""Orders that were sent to workers and are not done: each is done once, and none is forgotten.

A worker is silent for as long as its statement runs, which may be hours. So silence alone ends no run: a worker of
which nothing is heard is asked, and answers at once unless it is in the middle of a commit. Its answer, or the order
that asked, shows by the numbers of the link (`transport/link.py`) whether anything was lost. A worker that has nothing
in hand while an order is open has dropped it: only that ends the run here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from udup.base import runtime
from udup.base.errors import Side, Transient
from udup.pipeline.orders import Answer, Ask
from udup.pipeline.waits import TOLD_SECONDS, Began, Wait, WaitKind

#: Seconds without a word of a worker that has orders, until it is asked; and between questions.
QUIET_SECONDS = 10.0

#: A group's number, and a part's index, -1 for a whole group.
Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Open:
    label: str
    sent: Began


class _Worker:
    def __init__(self) -> None:
        self.open: dict[Key, _Open] = {}
        self.heard_at = 0.0
        self.asked_at = 0.0
        self.question = 0  # the last one's number
        self.asked: tuple[Key, ...] = ()  # what was open when it was asked


class OpenOrders:
    """`sent` and `done` for each order; `questions` now and then, `answered` for their answers.

    `begun` is called whenever one is sent.
    """

    def __init__(self, workers: int, begun: Callable[[], None] = lambda: None) -> None:
        self._begun = begun
        self._workers = {slot: _Worker() for slot in range(1, workers + 1)}
        self._questions = 0

    def sent(self, slot: int, number: int, label: str, index: int = -1) -> None:
        self._workers[slot].open[number, index] = _Open(label, Began.here())
        self._begun()

    @property
    def any(self) -> bool:
        """Return whether any order is open."""
        return any(worker.open for worker in self._workers.values())

    def done(self, slot: int, number: int, index: int = -1) -> None:
        """Raise `Transient` if this order is not open on that worker."""
        worker = self._workers.get(slot)
        if worker is None or worker.open.pop((number, index), None) is None:
            raise Transient(f"worker {slot} has done order {number} (part {index}), which it did not have")

    def heard(self, slot: int) -> None:
        """Note that something came from a worker."""
        if (worker := self._workers.get(slot)) is not None:
            worker.heard_at = runtime.now()

    def has_any(self, slot: int) -> bool:
        """Return whether a worker has orders that are not done."""
        return bool(self._workers[slot].open)

    def questions(
        self, is_open: Callable[[int], bool] = lambda slot: True, *, copying: bool = False
    ) -> Iterator[tuple[int, Ask]]:
        """Yield whom to ask now: those that listen and have orders, and of whom nothing has been heard for long.

        `copying`: all have something to do, the rows that the source sends them.
        """
        now = runtime.now()
        for slot, worker in self._workers.items():
            if not is_open(slot) or not (worker.open or copying):
                continue
            oldest = next(iter(worker.open.values())).sent.now if worker.open else 0.0
            if now - max(oldest, worker.heard_at, worker.asked_at) >= QUIET_SECONDS:
                self._questions += 1
                worker.question, worker.asked_at, worker.asked = self._questions, now, tuple(worker.open)
                yield slot, Ask(self._questions)

    def answered(self, answer: Answer) -> None:
        """Raise `Transient` if a worker that has nothing to do has not done what it was sent before it was asked.

        Its answer comes behind all that it has done before, so nothing of that is still under way.
        """
        worker = self._workers.get(answer.slot)
        if worker is None or worker.question != answer.number:
            return  # a later question has been asked, of more orders
        left = [worker.open[key] for key in worker.asked if key in worker.open]
        if left and not answer.in_hand:
            raise Transient(f"worker {answer.slot} has nothing to do, and has not done {left[0].label}")

    def longest(self, seconds: float = TOLD_SECONDS) -> Wait | None:
        """Return the order that has been open longest, None if none is open for so many seconds."""
        found = [
            (order.sent.now, slot, order)
            for slot, worker in self._workers.items()
            for order in list(worker.open.values())[:1]
        ]
        if not found:
            return None
        _, slot, order = min(found, key=lambda each: each[:2])
        if order.sent.lasted < seconds:
            return None
        return Wait(WaitKind.STATEMENT, Side.TARGET, order.sent.wall, gtid=order.label, worker=slot)
