"""What is told of waits: which one, from its beginning on, and what the server says of it."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from udup.base import runtime
from udup.base.errors import Side
from udup.pipeline.apply import wait_watch
from udup.pipeline.apply.lag import Lag
from udup.pipeline.apply.open_orders import OpenOrders
from udup.pipeline.apply.wait_watch import AGAIN_SECONDS, SILENT_SECONDS, WaitWatch
from udup.pipeline.waits import (
    STATEMENT_MAX,
    TOLD_SECONDS,
    Blocker,
    SessionWait,
    Wait,
    WaitKind,
    Waits,
    explained,
    shortened,
)

OTHER = Blocker(812, "app@10.0.0.5", "UPDATE t SET a = 1", 300, idle=True)


@dataclass
class Clock:
    now: float = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(runtime, "now", lambda: clock.now)
    monkeypatch.setattr(runtime, "wall", lambda: clock.now + 100.0)
    return clock


def test_what_has_been_waited_for_longest_is_told_once_it_is_long(clock: Clock) -> None:
    waits = Waits(Side.TARGET)
    began = clock.now
    with waits.on(WaitKind.STATEMENT, statement="ALTER  TABLE\nt", gtid="u:1"):
        clock.now += 1
        with waits.on(WaitKind.CHECKPOINT):
            assert waits.longest() is None
            clock.now += TOLD_SECONDS
            told = waits.longest()
            assert told == Wait(WaitKind.STATEMENT, Side.TARGET, began + 100.0, "ALTER TABLE t", "u:1")
        assert told.as_dict() == {
            "what": "statement",
            "since": began + 100.0,
            "side": "target",
            "statement": "ALTER TABLE t",
            "gtid": "u:1",
        }
    assert waits.longest() is None


def test_who_is_in_the_way_is_told_as_soon_as_it_is_known(clock: Clock) -> None:
    waits = Waits(Side.SOURCE)
    with waits.on(WaitKind.GLOBAL_READ_LOCK) as blocked:
        clock.now += TOLD_SECONDS
        blocked(OTHER)
        told = waits.longest()
        assert told is not None and told.blocked_by == OTHER
        assert told.as_dict()["blocked_by"] == {
            "session": 812,
            "user": "app@10.0.0.5",
            "statement": "UPDATE t SET a = 1",
            "seconds": 300,
            "idle": True,
        }
        blocked(None)
        told = waits.longest()
        assert told is not None and told.blocked_by is None


def test_a_statement_is_shown_in_one_line_and_not_whole() -> None:
    assert shortened("SELECT\n  1") == "SELECT 1"
    assert len(shortened("x" * 5000)) == STATEMENT_MAX + 2


# ---- What the server says ----

ORDER = Wait(WaitKind.STATEMENT, Side.TARGET, 50.0, gtid="u:1", worker=2)


def test_the_servers_reason_takes_the_place_of_what_the_engine_knows() -> None:
    row = SessionWait(WaitKind.ROW_LOCK, 60.0, 2, table="s.t", blocked_by=OTHER)
    told = explained(ORDER, [SessionWait(WaitKind.STATEMENT, 40.0, 1), row])
    assert told == Wait(WaitKind.ROW_LOCK, Side.TARGET, 50.0, "", "u:1", "s.t", 2, OTHER)


def test_of_several_sessions_the_one_that_says_why_counts() -> None:
    checkpoint = Wait(WaitKind.CHECKPOINT, Side.TARGET, 50.0)
    found = [SessionWait(WaitKind.STATEMENT, 10.0), SessionWait(WaitKind.GLOBAL_READ_LOCK, 45.0, blocked_by=OTHER)]
    told = explained(checkpoint, found)
    assert told is not None and (told.what, told.since, told.blocked_by) == (WaitKind.GLOBAL_READ_LOCK, 45.0, OTHER)


def test_a_reason_of_another_session_does_not_name_this_ones_transaction() -> None:
    told = explained(ORDER, [SessionWait(WaitKind.METADATA_LOCK, 60.0, 1, "ALTER TABLE t")])
    assert told is not None and (told.gtid, told.worker, told.statement) == ("", 1, "ALTER TABLE t")


def test_where_nothing_is_known_to_wait_only_a_reason_is_told() -> None:
    assert explained(None, [SessionWait(WaitKind.STATEMENT, 10.0, 1)]) is None
    told = explained(None, [SessionWait(WaitKind.TABLE_LOCK, 10.0, 1, blocked_by=OTHER)])
    assert told == Wait(WaitKind.TABLE_LOCK, Side.TARGET, 10.0, worker=1, blocked_by=OTHER)
    assert explained(ORDER, []) == ORDER


# ---- When it is asked ----


@dataclass
class _Control:
    answer: tuple[SessionWait, ...] = ()
    asked: list[float] = field(default_factory=list)

    async def look_at_waits(self) -> tuple[SessionWait, ...]:
        self.asked.append(runtime.now())
        return self.answer


@dataclass
class _Watched:
    clock: Clock
    control: _Control = field(default_factory=_Control)
    moved: int | None = None
    looks: int = 0

    def __post_init__(self) -> None:
        self.waits, self.lag = Waits(Side.TARGET, self._begun), Lag()
        self.orders = OpenOrders(2, self._begun)
        self.watch = WaitWatch(cast(Any, self.control), self.waits, self.orders, self.lag, lambda: self.moved)

    def _begun(self) -> None:
        self.watch.begun()

    def copies(self, rows: int) -> None:
        self.moved = rows
        self.watch.begun()

    async def seconds(self, count: int) -> None:
        """Let time pass, a second at a time."""
        for _ in range(count):
            self.clock.now += 1.0
            for _ in range(20):
                await asyncio.sleep(0)


@pytest.fixture
def watched(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> _Watched:
    made = _Watched(clock)

    async def a_second(_seconds: float, sleep: Any = asyncio.sleep) -> None:
        made.looks += 1
        end = clock.now + 1.0
        while clock.now < end:
            await sleep(0)

    monkeypatch.setattr(wait_watch, "asyncio", type("Asyncio", (), {"sleep": staticmethod(a_second)}))
    return made


def _while_watched(watched: _Watched, work: Any) -> None:
    async def run() -> None:
        watching = asyncio.ensure_future(watched.watch.run())
        try:
            await work()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(run())


def test_the_server_is_asked_rarely_and_only_while_something_waits(watched: _Watched) -> None:
    async def work() -> None:
        await watched.seconds(30)
        assert watched.control.asked == [] and not watched.looks, "while nothing is under way nobody looks"
        watched.orders.sent(1, 1, "u:1")
        watched.control.answer = (SessionWait(WaitKind.ROW_LOCK, 1.0, 1, blocked_by=OTHER),)
        await watched.seconds(30)
        asked = watched.control.asked
        assert 3 <= len(asked) <= 6, asked
        assert all(after - before >= AGAIN_SECONDS for before, after in itertools.pairwise(asked))
        told = watched.watch.shown(TOLD_SECONDS)
        assert told is not None and (told.what, told.blocked_by, told.gtid) == (WaitKind.ROW_LOCK, OTHER, "u:1")
        watched.orders.done(1, 1)
        await watched.seconds(3)
        looks = watched.looks
        await watched.seconds(30)
        assert watched.control.asked == asked and watched.looks == looks
        watched.lag.heard()
        assert watched.watch.shown(TOLD_SECONDS) is None

    _while_watched(watched, work)


def test_a_wait_that_goes_on_is_asked_about_less_and_less_often(watched: _Watched) -> None:
    async def work() -> None:
        watched.orders.sent(1, 1, "u:1")
        await watched.seconds(400)
        asked = watched.control.asked
        pauses = [after - before for before, after in itertools.pairwise(asked)]
        assert pauses == sorted(pauses) and pauses[0] < 10 and pauses[-1] >= wait_watch.LONGEST_AGAIN_SECONDS, pauses
        assert max(pauses) < wait_watch.LONGEST_AGAIN_SECONDS + 5 and len(asked) < 12, pauses
        watched.orders.done(1, 1)
        watched.orders.sent(1, 2, "u:2")
        begun = watched.clock.now
        await watched.seconds(30)
        again = [each for each in asked if each > begun]
        assert len(again) >= 2 and again[0] - begun < 15, "another wait is asked about soon"

    _while_watched(watched, work)


def test_a_copy_is_asked_about_while_nothing_of_it_moves(watched: _Watched) -> None:
    watched.control.answer = (SessionWait(WaitKind.GLOBAL_READ_LOCK, 1.0, 1, blocked_by=OTHER),)

    async def work() -> None:
        for rows in range(20):
            watched.copies(rows)
            await watched.seconds(1)
        assert watched.control.asked == []
        await watched.seconds(6)
        told = watched.watch.shown(TOLD_SECONDS)
        assert told is not None and told.what is WaitKind.GLOBAL_READ_LOCK
        watched.moved = 100
        await watched.seconds(2)
        assert watched.watch.shown(TOLD_SECONDS) is None

    _while_watched(watched, work)


def test_a_source_that_says_nothing_is_told_unless_rows_are_copied(clock: Clock) -> None:
    watched = _Watched(clock)
    clock.now += SILENT_SECONDS + 1
    told = watched.watch.shown(TOLD_SECONDS)
    assert told is not None and (told.what, told.side) == (WaitKind.SOURCE, Side.SOURCE)
    watched.moved = 1
    assert watched.watch.shown(TOLD_SECONDS) is None
