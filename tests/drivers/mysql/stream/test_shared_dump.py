"""Several jobs by one dump: each gets exactly the events that a dump of its own would have given."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.drivers.mysql.stream.small_log import BEAT, A, B, SmallDump, SmallLog, SmallNames, is_beat
from udup.base import runtime
from udup.base.errors import Transient, Unavailable
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.stream import shared_dump
from udup.drivers.mysql.stream.member import STUCK_SECONDS, Batch, Ended, Joining, Member, SentAway
from udup.drivers.mysql.stream.point import Finding, Point, Track
from udup.drivers.mysql.stream.replica import Replica
from udup.drivers.mysql.stream.shared_dump import SharedDump

JOB = Replica.of("job")


class Hand:
    """A shared dump that hands on what a test says."""

    def __init__(self, log: SmallLog, start_after: GtidSet) -> None:
        self.names = SmallNames()
        self.stream = log.dump(start_after)
        self.dump = SharedDump("here", start_after, lambda _: (self.stream, self.names))
        self.dump._stream, self.dump._names = self.stream, self.names
        self.away: list[Point] = []

    def hand_on(self, count: int) -> None:
        for _ in range(count):
            if self.stream.has_more:
                self.give(self.stream.next())

    def give(self, *events: bytes) -> None:
        self.dump._hand_on(Batch(events, sum(map(len, events))))

    def rest(self) -> None:
        while self.stream.has_more:
            self.hand_on(1)

    def join(self, point: Point, start_after: GtidSet, server_uuid: str = A) -> Member | None:
        return self.dump.join(Joining(JOB, point, start_after, server_uuid, self.away.append))


def _taken(member: Member) -> Iterator[bytes]:
    """Yield what a member has got that is new to it."""
    while member.has_more:
        got = member.get(1)
        for event in got.events if isinstance(got, Batch) else ():
            left_out = member.left_out is not None and member.left_out.has(event)
            if not member.finding.found:
                member.finding.feed(event)
            elif not left_out and not is_beat(event):
                yield event


def _read(dump: SmallDump, start_after: GtidSet, count: int) -> tuple[list[bytes], Point | None]:
    """Read so many events of a job's own dump."""
    track, events = Track(start_after), []
    while len(events) < count and dump.has_more:
        events.append(dump.next())
        track.note(events[-1])
    return events, track.point()


def _log(chance: random.Random, size: int = 12) -> SmallLog:
    log, numbers = SmallLog(), itertools.count(1)
    for _ in range(size):
        log.grow(chance, numbers)
    return log


def _some(log: SmallLog, chance: random.Random) -> GtidSet:
    """Return a set as a checkpoint may be: up to somewhere, and some of what comes behind it, and what no log has."""
    found, until = GtidSet(), chance.random()
    for source, ranges in log.executed.items():
        numbers = [number for start, stop in ranges for number in range(start, stop)]
        for at, number in enumerate(numbers):
            if at < until * len(numbers) or chance.random() < 0.1:
                found.add(source, number)
    if chance.random() < 0.3:
        found.add("cccccccc-cccc-cccc-cccc-cccccccccccc", 7)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_whoever_joins_gets_what_its_own_dump_would_have_sent(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever both are: between transactions, within one, at a file's end; whatever both had to begin with."""
    chance = random.Random(seed)
    joined = 0
    monkeypatch.setattr(shared_dump, "RECENT_BYTES", chance.choice((100, 1000, 1 << 20)))
    for _ in range(80):
        log = _log(chance)
        own, shared = _some(log, chance), _some(log, chance)
        if chance.random() < 0.5:
            shared = own.copy()
        wanted = log.sent(own)
        read, point = _read(log.dump(own), own, chance.randrange(len(wanted) + 1))
        hand = Hand(log, shared if point is None or chance.random() < 0.5 else point.before)
        hand.hand_on(chance.choice((0, 0, 3, 10, 20, 30)))
        member = None if point is None else hand.join(point, own)
        if member is not None:
            joined += 1
            hand.rest()
            assert read + list(_taken(member)) == wanted and member.finding.found
    assert joined > 10, "hardly any of them could join: too little was tried"


@pytest.mark.parametrize("seed", range(4))
def test_whoever_is_sent_away_goes_on_by_its_own_dump_where_it_was(seed: int) -> None:
    """Whether it had met the shared dump by then or not."""
    chance = random.Random(1000 + seed)
    log = _log(chance, 15)
    own = GtidSet.parse(f"{A}:3,{B}:5")
    wanted = log.sent(own)
    met = unmet = 0
    for until in range(len(wanted) - 4):
        read, point = _read(log.dump(own), own, until)
        if point is None:
            continue
        hand = Hand(log, point.before)
        member = hand.join(point, own)
        assert member is not None
        hand.hand_on(chance.randrange(20))
        member.is_slow = True
        hand.rest()
        if not hand.away:
            continue  # the log ends with a new file: it stays until there is a transaction
        read += _taken(member)
        assert member not in hand.dump._members
        there = point
        if member.finding.found:
            there = replace(hand.away[0], passed=point.passed | hand.away[0].passed)
        met, unmet = met + member.finding.found, unmet + (not member.finding.found)
        finding, back = Finding(there, "here", has_crc=True), log.dump(there.before)
        while back.has_more:
            event = back.next()
            if finding.found:
                read.append(event)
            else:
                finding.feed(event)
        assert read == wanted
    assert met > 5 and unmet


# ---- Who may not join ----


def _one(rows: int = 2) -> tuple[SmallLog, Point, GtidSet]:
    """Return a log of three transactions, and the point of a job that has read the first two."""
    log = SmallLog()
    for number in (1, 2, 3):
        log.write(number, rows)
    own = GtidSet()
    read = log.sent(own)
    _, point = _read(log.dump(own), own, len(read) - rows - 2)
    assert point is not None and str(point.gtid) == f"{A}:2"
    return log, point, own


def test_a_job_that_lacks_what_the_dump_has_passed_cannot_join(monkeypatch: pytest.MonkeyPatch) -> None:
    log, point, own = _one()
    hand = Hand(log, point.before)
    hand.rest()
    assert hand.join(point, own) is not None, "what was handed on last is kept"
    monkeypatch.setattr(shared_dump, "RECENT_BYTES", 300)
    hand = Hand(log, point.before)
    hand.rest()
    assert hand.join(point, own) is None, "the third transaction has been handed on"
    assert Hand(log, GtidSet.parse(f"{A}:1,{B}:9")).join(point, own) is None, "B:9 would never come"
    assert Hand(log, point.before).join(point, own) is not None


def test_the_log_of_another_server_is_not_joined() -> None:
    log, point, own = _one()
    assert Hand(log, point.before).join(point, own, B) is None


def test_a_point_is_no_point_behind_the_end_of_a_file() -> None:
    log, _, own = _one()
    log.rotate()
    read = log.sent(own)
    assert _read(log.dump(own), own, len(read))[1] is None
    assert _read(log.dump(own), own, len(read) - 4)[1] is not None


@pytest.mark.parametrize("where", ["the GTID event", "the last event", "more events", "fewer events", "one before"])
def test_a_log_that_is_another_by_now_is_noticed(where: str) -> None:
    """RESET BINARY LOGS AND GTIDS, and as many transactions as before: their GTIDs are the same."""
    log, point, own = _one()
    other = SmallLog()
    other._numbers = itertools.count(1 if where != "the GTID event" else 100)
    if where == "one before":
        point = replace(point, passed=GtidSet.parse(f"{A}:2"))
        hand = Hand(log, GtidSet())
    else:
        other.write(1, 2)
        other.write(2, {"more events": 3, "fewer events": 1}.get(where, 2))
        other.write(3, 2)
        hand = Hand(other, point.before)
    if where == "the last event":
        point = replace(point, last=BEAT)
    member = hand.join(point, own)
    assert member is not None
    hand.rest()
    with pytest.raises(Transient, match="it is another log now"):
        list(_taken(member))


# ---- Who is slow, and what ends ----


class _Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(runtime, "now", lambda: self.now)
        monkeypatch.setattr(runtime, "sleep", self.pass_)

    def pass_(self, seconds: float) -> None:
        self.now += seconds


def _two(log: SmallLog, point: Point, own: GtidSet) -> tuple[Hand, Member, Member]:
    hand = Hand(log, point.before)
    one, two = hand.join(point, own), hand.join(point, own)
    assert one is not None and two is not None
    return hand, one, two


def test_a_member_that_takes_nothing_is_waited_for_once_and_then_not_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(monkeypatch)
    monkeypatch.setattr(shared_dump, "MEMBER_BYTES", 100)
    log, point, own = _one(rows=5)
    hand, quick, slow = _two(log, point, own)
    hand.hand_on(15)
    for number in range(4, 9):
        log.write(number)
    assert all(list(_taken(member)) and member.finding.found for member in (quick, slow))
    began, most = clock.now, 0
    while hand.stream.has_more:
        hand.dump._wait_for_room()
        hand.hand_on(1)
        list(_taken(quick))
        most = max(most, slow.waiting)
    assert clock.now - began <= shared_dump.PATIENCE_SECONDS + 0.01
    assert hand.dump._members == [quick] and len(hand.away) == 1 and most < 400
    left = list(_taken(slow))
    assert hand.away[0].last in left, "what it was handed is still its own"


def test_a_member_that_takes_what_comes_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(monkeypatch)
    monkeypatch.setattr(shared_dump, "MEMBER_BYTES", 100)
    log, point, own = _one(rows=5)
    hand, quick, slow = _two(log, point, own)
    monkeypatch.setattr(runtime, "sleep", lambda seconds: (clock.pass_(seconds), slow.get(0.01)))
    while hand.stream.has_more:
        hand.dump._wait_for_room()
        hand.hand_on(1)
        list(_taken(quick))
    assert hand.dump._members == [quick, slow] and not hand.away


def test_a_member_that_is_stuck_with_little_gets_its_own_dump_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own holds the source's files from being purged that it has not read; and heartbeats do not pile up."""
    clock = _Clock(monkeypatch)
    log, point, own = _one()
    hand, quick, stuck = _two(log, point, own)
    hand.rest()
    list(_taken(quick))
    waiting = stuck.waiting
    for _ in range(3):
        hand.give(BEAT)
    assert stuck.waiting == waiting and quick.waiting and not hand.away
    clock.pass_(STUCK_SECONDS + 1)
    list(_taken(quick))
    hand.give(BEAT)
    assert hand.dump._members == [quick] and len(hand.away) == 1


def test_the_end_of_the_dump_is_told_to_each_and_nobody_joins_it_any_more() -> None:
    log, point, own = _one()
    hand, one, two = _two(log, point, own)
    hand.stream.close()
    hand.dump.run()
    for member in (one, two):
        last = None
        while member.has_more:
            last = member.get(1)
        assert isinstance(last, Ended) and isinstance(last.error, Unavailable)
    assert hand.join(point, own) is None and hand.names.closed


@pytest.mark.parametrize("error", [ValueError("a fault"), Transient("refused")])
def test_a_dump_that_cannot_be_opened_ends(error: Exception) -> None:
    def refuse(_: GtidSet) -> tuple[SmallDump, SmallNames]:
        raise error

    dump = SharedDump("here", GtidSet(), refuse)
    dump.run()
    assert type(dump.error) is Transient and str(error) in str(dump.error)


def test_a_dump_without_members_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_dump, "_EMPTY_SECONDS", 0.01)
    hand = Hand(SmallLog(), GtidSet())
    hand.dump.run()
    assert hand.stream.closed and hand.dump.error is not None


def test_a_sign_of_the_end_comes_behind_what_was_handed_on() -> None:
    log, point, own = _one()
    hand, slow, _ = _two(log, point, own)
    slow.is_slow = True
    hand.rest()
    got = []
    while slow.has_more:
        got.append(slow.get(1))
    assert isinstance(got[-1], SentAway) and all(isinstance(each, Batch) for each in got[:-1])
    assert got[-1].point == hand.away[0]


def test_transactions_that_hold_nothing_for_a_job_wait_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is woken once for all of them, soon; what is its own comes at once, behind them."""
    clock = _Clock(monkeypatch)
    log, point, own = _one()
    hand = Hand(log, point.before)
    member = hand.dump.join(Joining(JOB, point, own, A, hand.away.append, {b"busy"}))
    assert member is not None
    while hand.stream.has_more:
        hand.dump._hand_on(Batch([hand.stream.next()], 100, frozenset({b"busy"})))
    assert not member.has_more and member.waiting
    hand.dump._let_go(hand.stream)
    assert member.has_more, "nothing comes that they could wait for"
    while member.has_more:
        member.get(1)
    log.write(4)
    hand.dump._hand_on(Batch([hand.stream.next()], 100, frozenset({b"busy"})))
    hand.dump._let_go(hand.stream)
    assert not member.has_more, "more has come"
    hand.dump._hand_on(Batch([hand.stream.next()], 100, frozenset({b"busy", b"its own"})))
    assert [member.has_more, bool(member.get(1)), bool(member.get(1)), member.has_more] == [True, True, True, False]
    hand.dump._hand_on(Batch([hand.stream.next()], 100, frozenset({b"busy"})))
    log.write(5)
    clock.pass_(shared_dump.IDLE_SECONDS + 0.01)
    hand.dump._let_go(hand.stream)
    assert member.has_more, "they have waited long enough"
