"""Asks the source again and again for its time and for what it has executed.

What the source has executed is asked for as well as read, so that what it does not send is known too. Heartbeats to the
target carry both, and a source that was reset is detected by them.

An address may lead to several servers: a balancer over replicas, a proxy, a name that has moved. What another server
than that of the log has executed says nothing of what is to come from the log. Such answers are left out, users are
told, and the question is put on another connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from udup.base import logs, runtime
from udup.base.errors import UdupError
from udup.pipeline.extract.counters import ExtractCounters
from udup.pipeline.extract.reset_guard import ResetGuard, not_counted
from udup.pipeline.ports import ClockAnswer, Position, Source, SourceClock
from udup.pipeline.records import Beat
from udup.pipeline.within import set_within

#: Seconds between reports, each with a question to the source; and while nothing comes from it, without its log and
#: behind it, whose heartbeats say that it is there.
REPORT_SECONDS, IDLE_SECONDS, FOLLOWING_SECONDS = 1.0, 4.0, 8.0

#: Seconds without an answer that a copy is worth, and between two tries to ask on another connection.
COPY_PATIENCE_SECONDS, AGAIN_SECONDS = 120.0, 5.0

T = TypeVar("T")


class SourceWatch:
    """`run` asks, on threads of `pool`, and calls `report` after each answer; `beat` may be called on any thread.

    `needs_log`: the log after a copy will be read, so it is to be there.
    """

    def __init__(
        self,
        source: Source,
        counters: ExtractCounters,
        pool: runtime.Pool,
        report: Callable[[], None],
        *,
        needs_log: bool = True,
    ) -> None:
        self._source = source
        self._counters = counters
        self._pool = pool
        self._report = report
        self._needs_log = needs_log
        self._guard = ResetGuard()
        self._guarded = -1  # how much had been read when the guard looked last
        self._answer: ClockAnswer | None = None
        self._log_server = ""  # the UUID of the server whose log is read, "" before it is
        self._told_of_wait = False
        #: What users should know.
        self.told: tuple[str, ...] = ()
        #: The position of the copy under way, after which the log will be read, if it will, when the target has all of
        #: it and has built its indexes; None while there is none.
        self.copy_position: str | None = None
        self._clock_offset_us = 0  # from the clock that this machine's owner does not set

    @property
    def executed(self) -> str | None:
        """Return what the source had executed when it was asked last; None until it has answered."""
        answer = self._answer
        return None if answer is None or self._is_elsewhere(answer) else answer.executed

    def follow(self, server_uuid: str) -> None:
        """Note, on any thread, whose log is read: only what that server says counts from now on."""
        self._log_server = server_uuid

    def _is_elsewhere(self, answer: ClockAnswer) -> bool:
        return self._log_server not in ("", answer.server_uuid)

    def beat(self) -> Beat | None:
        """Return the source's time and what it has executed, None while that is not known."""
        executed = self.executed
        return None if executed is None else Beat(runtime.now_us() + self._clock_offset_us, executed)

    async def run(self) -> None:
        """Ask until cancelled.

        Raise `Unsupported` when the source has forgotten what this job has read from it, `Refused` when it has purged
        what the job will read when its copy has ended. A source that does not answer ends the run; while rows are
        copied, only when it has not answered on other connections either, for long.
        """
        clock: SourceClock | None = await self._in_thread(self._source.open_clock)
        answered_at = runtime.now()
        try:
            while True:
                moved = self._moves()
                try:
                    if clock is None:
                        clock = await self._in_thread(self._source.open_clock)
                    answer, overdue = await self._in_thread(self._ask, clock)
                except UdupError as error:
                    if not self._is_worth_another_try(error, answered_at):
                        raise
                    if clock is not None:
                        clock.close()
                    clock = None
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                answered_at = runtime.now()
                if self._is_elsewhere(answer):
                    self._tell_elsewhere(answer)
                    self._report()
                    clock.close()
                    clock = None
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                self._report()
                if overdue is not None:
                    await self._look_into(clock, overdue)
                await _pause(moved, FOLLOWING_SECONDS if self._log_server else IDLE_SECONDS)
        finally:
            if clock is not None:
                clock.close()

    def _moves(self) -> asyncio.Event:
        """Return what is set with the next that comes from the source."""
        loop, moved = asyncio.get_running_loop(), asyncio.Event()
        self._counters.when_moved(lambda: loop.call_soon_threadsafe(moved.set))
        return moved

    def _is_worth_another_try(self, error: UdupError, answered_at: float) -> bool:
        """Return whether the clock is to be opened once more: the rows that were copied would be copied again."""
        is_copying = self.copy_position is not None
        return is_copying and error.kind.passes and runtime.now() - answered_at < COPY_PATIENCE_SECONDS

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    def _ask(self, clock: SourceClock) -> tuple[ClockAnswer, Position | None]:
        """Return what the source answers, and what of it is overdue: all that blocks, at one go in a thread."""
        before, known, read = runtime.now_us(), self._answer, self._counters.read_so_far
        self._answer = answer = clock.read()
        self._clock_offset_us = answer.now_us - (before + runtime.now_us()) // 2
        if self._needs_log and (position := self.copy_position) is not None:
            clock.check_kept(position)
        is_same = known is not None and (known.executed, known.server_uuid) == (answer.executed, answer.server_uuid)
        if self._is_elsewhere(answer) or (is_same and self._guarded == read and self._guard.waits_for_nothing):
            return answer, None
        self._guarded = read
        return answer, self._overdue(answer)

    def _tell_elsewhere(self, answer: ClockAnswer) -> None:
        if self.told:
            return
        where = self._source.where
        self.told = (
            f"the address of the source {where} leads to several servers: its log is read from {self._log_server}, and"
            f" {answer.server_uuid} has answered what is executed, which says nothing of that log. Whether the job is"
            " level is not known while another server answers, and a copy or a start may be decided on another one:"
            " name one server in ConnectionConfig, not a balancer over several",
        )
        logs.logger("extractor").warning(
            "source_answered_elsewhere", source=where, log=self._log_server, answer=answer.server_uuid
        )

    async def _look_into(self, clock: SourceClock, overdue: Position) -> None:
        """Raise if the source has forgotten what this job has read, or may have: it has sent it and does not count it.

        One whose commits stand still until a replica acknowledges them counts nothing meanwhile, for however long.
        """
        if not await self._in_thread(clock.awaits_acknowledgement):
            raise not_counted(overdue)
        self._guard.wait_longer()
        if not self._told_of_wait:
            self._told_of_wait = True
            logs.logger("extractor").warning(
                "source_awaits_replica", source=self._source.where, sent=str(overdue)[:200]
            )

    def _overdue(self, answer: ClockAnswer) -> Position | None:
        """Return what the guard does. It takes its time: sets may have tens of thousands of ranges."""
        if answer.server_uuid != self._guard.server_uuid:
            self._guard = ResetGuard(answer.server_uuid)  # what another server has said is no promise of this one
        return self._guard.check(self._source.position(answer.executed), self._counters.extracted)


async def _pause(moved: asyncio.Event, idle_seconds: float) -> None:
    """Wait for the time of the next question: soon when the source is at work, at once when it has been silent."""
    began = runtime.now()
    await set_within(moved, idle_seconds)
    if (left := began + REPORT_SECONDS - runtime.now()) > 0:
        await asyncio.sleep(left)
