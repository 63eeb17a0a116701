"""Both sides of a table at once, and what bounds how fast they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from udup.base import runtime
from udup.base.errors import Side as ErrorSide
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.client.connection import MySQLError, error_code, failure
from udup.drivers.mysql.compare.side import Side
from udup.drivers.mysql.compare.tables import Compared
from udup.drivers.mysql.snapshot.reader import CHANGED
from udup.pipeline.ports.compare import CompareTold, RowDifference

#: Differences of a table that are told with the values of both sides: each is a question to either server.
DETAILED = 10_000

T = TypeVar("T")


class UnsteadyError(UdupError):
    """Rows differ, and may do so for a statement that the source's snapshot does not hide."""


class Pace:
    """Bounds the rows that are read a second of each side, and ends what is stopped."""

    def __init__(self, rows_per_second: int, stopped: runtime.Event) -> None:
        self._rate = rows_per_second
        self._stopped = stopped
        self._free_at = runtime.now()

    def spend(self, rows: int) -> None:
        """Wait until these rows may have been read; `Transient` once it is stopped."""
        if self._rate:
            now = runtime.now()
            self._free_at = max(self._free_at, now) + rows / self._rate
            self._stopped.wait(max(0.0, self._free_at - now))
        if self._stopped.is_set():
            raise Transient("the comparison has been stopped")


@dataclass
class Both:
    """A table that is compared, and what was found. `pool` has a thread for the target."""

    compared: Compared
    source: Side
    target: Side
    told: CompareTold
    pace: Pace
    pool: runtime.Pool
    look_steady: Callable[[], object] = lambda: None  # raises if what was read may be of another moment
    differences: int = 0
    rows: int = 0
    unsearched: int = 0

    def ask(self, question: Callable[[Side], T]) -> tuple[T, T]:
        """Return what source and target answer, which are asked at the same time."""
        theirs = self.pool.submit(self._asked, question)
        try:
            ours = question(self.source)
        except BaseException:
            theirs.exception()  # the connection is free when this is over
            raise
        return ours, theirs.result()

    def _asked(self, question: Callable[[Side], T]) -> T:
        try:
            return question(self.target)
        except MySQLError as error:
            if error_code(error) in CHANGED:
                raise
            raise failure(error, f"comparing {'.'.join(self.compared.name)} on the target").of(
                ErrorSide.TARGET
            ) from error

    def found(self, difference: RowDifference) -> None:
        self.differences += difference.count
        self.told.difference(difference)

    def read(self, rows: int) -> None:
        """Count rows that were compared."""
        self.rows += rows
        self.told.rows(rows)
        self.pace.spend(rows)
