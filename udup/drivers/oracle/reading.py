"""Windows of redo as records of a job: what was committed, what is skipped, from where a later run must read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from udup.base import runtime
from udup.base.errors import Unsupported
from udup.drivers.oracle.clock import SourceTime
from udup.drivers.oracle.logminer.assembly import Assembly, Committed
from udup.drivers.oracle.logminer.rows import LogRow, whole_rows
from udup.drivers.oracle.position import Progress
from udup.drivers.oracle.remedies import PASS_OVER
from udup.pipeline.records import Record, Skipped, Transaction

#: Seconds between the records that let the place to begin again advance: each is a commit on the target, and what is
#: not advanced is read again after a restart.
RESUME_SECONDS = 10.0


class Reading:
    """`window` by window. `carry` makes the records of what was committed at an SCN and a time, or none."""

    def __init__(
        self,
        progress: Progress,
        assembly: Assembly,
        carry: Callable[[Committed, int], Iterator[Record]],
        *,
        resume_seconds: float = RESUME_SECONDS,
        horizon: Callable[[], int] = lambda: 0,
        in_order: bool = False,
    ) -> None:
        """`in_order`: the target takes one record after the other, so that the place to begin again may follow them.

        `horizon` is asked where reading begins at an SCN of the user's: the SCN by which all that was open there has
        ended, 0 as long as something of it is open.
        """
        self._progress = progress
        self._assembly = assembly
        self._carry = carry
        self._resume_seconds = resume_seconds
        self._advanced = runtime.now() - resume_seconds
        self._horizon = horizon
        self._in_order = in_order

    def introduction(self) -> Iterator[Record]:
        if noted := self._progress.introduction():
            yield Skipped(noted, 0)

    def window(self, rows: Iterable[LogRow], read_to: int, time: SourceTime) -> Iterator[Record]:
        """Yield the records of all rows up to an SCN behind those of the window before.

        Raise `Unsupported` that names the transaction which cannot be carried: nothing of it is in a record.
        """
        progress = self._progress
        self._assembly.feed(whole_rows(rows))
        for each in self._assembly.take():
            if progress.is_executed(each.scn):
                continue
            if each.problems:
                raise _unfit(progress.source, each)
            if gap := progress.skipped(each.scn - 1):
                yield Skipped(gap, 0)
            yield from self._carry(each, time.utc(each.microseconds))
            each.close()
        if gap := progress.skipped(read_to):
            yield Skipped(gap, time.now_us)
        yield from self._advance(read_to, time.now_us)

    def _advance(self, read_to: int, now_us: int) -> Iterator[Record]:
        if runtime.now() - self._advanced < self._resume_seconds:
            return
        if self._progress.begins_unknown and not self._assembly.horizon:
            self._assembly.horizon = self._horizon()
            if not self._assembly.horizon:
                self._advanced = runtime.now()  # not to be asked all the time
                return
        advance = self._progress.resumes(self._assembly.resume_scn(read_to), now_us)
        if advance is None:
            return
        self._advanced = runtime.now()
        of, skipped = advance
        if self._in_order:
            yield Skipped(of.gtid, 0)
        else:
            yield Transaction(of, b"")
        if skipped:
            yield Skipped(skipped, 0)


def _unfit(source: str, committed: Committed) -> Unsupported:
    gtid = f"{source}:{committed.scn}"
    scn, problem = committed.problems[0]
    xids = ", ".join(committed.xids)
    return Unsupported(
        f"{gtid}: transaction {xids} cannot be carried, by its redo at SCN {scn}: {problem}; {PASS_OVER}", gtid=gtid
    )
