"""Where in the log a comparison's snapshot of the source stands.

A comparison has the reading held at the end of a transaction, opens its snapshot meanwhile, until that holds all that
was read, and has the reading go on: as soon as what was read is what the snapshot holds, a `Mark` is put there. Commits
may be in the log in another order than they become visible in, so a transaction may come that the snapshot does not
hold, ahead of one that it does: there is no such place then, and the comparison tries again.

Nothing waits for a comparison that has died: the reading is held for some seconds at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from udup.base import runtime
from udup.pipeline.ports import Position
from udup.pipeline.records import Definition, Mark, Part, Record, Transaction, XaEnd

#: Seconds that the reading is held at most, and for which a mark's place is looked for.
HOLD_SECONDS, SEEK_SECONDS = 5.0, 30.0

_ENDED = "the run has ended"


@dataclass(frozen=True)
class Held:
    """The reading stands: this was read, and nothing more."""

    number: int
    position: str


@dataclass(frozen=True)
class Marked:
    """The mark was put."""

    number: int


@dataclass(frozen=True)
class NotMarked:
    """There will be no mark of this number."""

    number: int
    why: str


MarkTold = Held | Marked | NotMarked


@dataclass
class _Try:
    number: int
    told: Callable[[MarkTold], object]
    snapshot: Position | None = None  # what the mark is to stand behind, once that is known
    is_held: bool = False
    ends_at: float = 0.0


class LogMarks:
    """`passed` is called by the log's thread alone, everything else from any. One try at a time; a later one counts.

    `extracted` tells what was read.
    """

    def __init__(self, position: Callable[[str], Position], extracted: Callable[[], Position | None]) -> None:
        self._position, self._extracted = position, extracted
        self._changed = runtime.Condition()
        self._try: _Try | None = None
        self._closed = False
        self._within = False  # a transaction, of which some parts were read

    def hold(self, number: int, told: Callable[[MarkTold], object]) -> None:
        """Hold the reading at the next end of a transaction. `told` is called on any thread."""
        with self._changed:
            self._give_up("another comparison has begun")
            self._try = _Try(number, told)
            if self._closed:
                self._give_up(_ENDED)

    def go_on(self, number: int, snapshot: str) -> None:
        """Read on, up to what the snapshot holds."""
        with self._changed:
            if self._try is not None and self._try.number == number:
                self._try.snapshot = self._position(snapshot)
                self._changed.notify_all()

    def give_up(self, number: int) -> None:
        """Read on; no mark is wanted any more."""
        with self._changed:
            if self._try is not None and self._try.number == number:
                self._give_up("it was given up")

    def close(self) -> None:
        """The run ends."""
        with self._changed:
            self._closed = True
            self._give_up(_ENDED)

    def passed(self, record: Record | None, flush: Callable[[], None]) -> Mark | None:
        """Note what was read, None for a moment at which nothing came; return the mark that is to be put behind it.

        Returns after a while, where the reading is held. `flush` sends what was read so far.
        """
        if isinstance(record, Part):
            self._within = not record.last
        asked = self._try
        if asked is None or self._within:
            return None
        if not asked.is_held:
            flush()  # without the lock: it may wait for the window, which the event loop opens
        with self._changed:
            if self._try is not asked:
                return None
            if not asked.is_held:
                self._hold_here(asked)
            elif isinstance(record, (Transaction, Part, Definition, XaEnd)):
                self._check(asked, record)
            return self._mark(asked)

    def _hold_here(self, asked: _Try) -> None:
        """Wait until it is known what the snapshot holds."""
        asked.is_held = True
        extracted = self._extracted()
        assert extracted is not None, "the log is open"
        asked.told(Held(asked.number, str(extracted)))
        end = runtime.now() + HOLD_SECONDS
        while self._try is asked and asked.snapshot is None:
            if (left := end - runtime.now()) <= 0:
                self._give_up(f"no snapshot of the source was opened within {HOLD_SECONDS:g} s")
                return
            self._changed.wait(left)
        asked.ends_at = runtime.now() + SEEK_SECONDS
        if asked.snapshot is not None and not extracted <= asked.snapshot:
            self._give_up("the snapshot of the source does not hold what was read before it")

    def _check(self, asked: _Try, record: Transaction | Part | Definition | XaEnd) -> None:
        if asked.snapshot is None or (isinstance(record, XaEnd) and record.is_lost):
            return
        if not asked.snapshot.contains(record.id.source, record.id.number):
            self._give_up(f"{record.id.gtid} is in the log before something that the snapshot holds, which lacks it")

    def _mark(self, asked: _Try) -> Mark | None:
        if self._try is not asked or asked.snapshot is None:
            return None
        extracted = self._extracted()
        if extracted is not None and asked.snapshot <= extracted:
            self._try = None
            asked.told(Marked(asked.number))
            return Mark(asked.number)
        if runtime.now() > asked.ends_at:
            self._give_up(f"what the snapshot holds was not read within {SEEK_SECONDS:g} s")
        return None

    def _give_up(self, why: str) -> None:
        asked, self._try = self._try, None
        if asked is not None:
            asked.told(NotMarked(asked.number, why))
            self._changed.notify_all()
