"""No transaction starts before everything it depends on is committed, or is before it on the same worker."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from udup.pipeline.apply.scheduler import GROUP_BYTES, GROUP_TRANSACTIONS, WORKER_DEPTH, Assigned, Pending, Scheduler
from udup.pipeline.records import CommitOrder, TransactionId

SOURCE = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


@dataclass(frozen=True)
class Planned:
    """A transaction of a made-up log; `needs` are the places in it of all that it depends on."""

    item: Pending
    needs: frozenset[int]


def _history(dice: random.Random, length: int, parallel: int) -> list[Planned]:
    """Log files with gaps in their numbers (transactions that are not the job's), definitions, large ones."""
    planned: list[Planned] = []
    in_file: list[tuple[int, int]] = []  # sequence number, place
    sequence, fence, before_file = 0, True, 0
    for place in range(length):
        if place and dice.random() < 0.03:
            sequence, fence, in_file, before_file = 0, True, [], place
        sequence += 1 + (dice.random() < 0.2) * dice.randrange(3)
        last = max(0, sequence - 1 - dice.randrange(parallel))
        barrier = dice.random() < 0.03
        needs = set(range(place)) if barrier else set(range(before_file))
        needs |= {other for number, other in in_file if number <= last}
        needs |= {other for other in range(place) if planned[other].item.barrier}
        item = Pending(
            TransactionId(SOURCE, place + 1, CommitOrder(last, sequence, 0, fence)),
            b"x" * dice.choice((10, 100, GROUP_BYTES // 3)),
            place,
            [b"map"] if dice.random() < 0.05 else [],
            alone=barrier or dice.random() < 0.05,
            barrier=barrier,
        )
        planned.append(Planned(item, frozenset(needs)))
        in_file.append((sequence, place))
        fence = False
    return planned


class _Workers:
    """Carry out groups in the order in which each worker got them; look at every start."""

    def __init__(self, scheduler: Scheduler, planned: list[Planned], count: int) -> None:
        self.scheduler = scheduler
        self.planned = planned
        self.queues: dict[int, list[Assigned]] = {slot: [] for slot in range(1, count + 1)}
        self.committed: set[int] = set()
        self.started: list[int] = []

    def take(self, group: Assigned) -> None:
        queue = self.queues[group.slot]
        before = {member.batch for waiting in queue for member in waiting.members}
        places = [member.batch for member in group.members]
        assert places == list(range(places[0], places[0] + len(places))), "a group is a stretch of the log"
        for place in places:
            missing = self.planned[place].needs - self.committed - before
            assert not missing, f"{place} starts on worker {group.slot} before {sorted(missing)}"
            before.add(place)
        if group.members[0].barrier:
            assert not any(self.queues.values()), "a barrier runs beside something"
        assert not any(other.members[0].barrier for each in self.queues.values() for other in each)
        assert len(group.members) <= GROUP_TRANSACTIONS
        assert len(group.members) == 1 or sum(len(member.events) for member in group.members) <= GROUP_BYTES
        assert len(group.members) == 1 or not any(member.alone for member in group.members)
        assert not any(member.new_maps for member in group.members[1:]), "definitions are checked before the start"
        queue.append(group)
        assert len(queue) <= WORKER_DEPTH
        self.started += places

    def finish_one(self, dice: random.Random) -> bool:
        busy = [queue for queue in self.queues.values() if queue]
        if not busy:
            return False
        group = dice.choice(busy).pop(0)
        assert self.scheduler.group(group.number) is group
        self.committed |= {member.batch for member in group.members}
        self.scheduler.done(group.number)
        return True


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
@pytest.mark.parametrize("serial", [False, True])
def test_whatever_the_log_and_whoever_is_first_the_order_that_matters_is_kept(workers: int, serial: bool) -> None:
    for seed in range(40):
        dice = random.Random(seed)
        planned = _history(dice, 150, dice.choice((1, 3, 10, 60)))
        scheduler = Scheduler(workers, serial=serial)
        team = _Workers(scheduler, planned, workers)
        arriving = [each.item for each in planned]
        while arriving or not scheduler.idle:
            if arriving and dice.random() < 0.5:
                for _ in range(min(len(arriving), dice.randint(1, 30))):
                    scheduler.offer(arriving.pop(0))
            while (group := scheduler.next_group()) is not None:
                team.take(group)
                assert not serial or scheduler.running == 1
            progress = team.finish_one(dice)
            assert progress or arriving, "something waits that nothing will ever start"
        assert team.started == list(range(len(planned))), "every transaction once, handed out in the log's order"
        assert team.committed == set(range(len(planned)))
        assert scheduler.oldest() is None and scheduler.waiting == scheduler.running == 0


def _plain(number: int, last: int, sequence: int, size: int = 10, *, fence: bool = False) -> Pending:
    return Pending(
        TransactionId(SOURCE, number, CommitOrder(last, sequence, number * 1000, fence)), b"x" * size, number
    )


def _numbers(group: Assigned | None) -> list[int]:
    assert group is not None
    return [member.id.number for member in group.members]


def test_a_transaction_that_finds_nothing_waiting_goes_alone_and_at_once() -> None:
    scheduler = Scheduler(4)
    scheduler.offer(_plain(1, 0, 1, fence=True))
    assert _numbers(scheduler.next_group()) == [1]
    assert scheduler.next_group() is None


def test_what_gathers_behind_busy_workers_goes_as_one_group() -> None:
    scheduler = Scheduler(1)
    for number in range(1, 50):
        scheduler.offer(_plain(number, number - 1, number))
        if number <= WORKER_DEPTH:
            assert _numbers(scheduler.next_group()) == [number]
    assert scheduler.next_group() is None
    scheduler.done(1)
    assert _numbers(scheduler.next_group()) == list(range(WORKER_DEPTH + 1, 50))


def test_independent_transactions_use_all_workers() -> None:
    scheduler = Scheduler(4)
    slots = []
    for number in range(1, 5):
        scheduler.offer(_plain(number, 0, number))
        group = scheduler.next_group()
        assert group is not None
        slots.append(group.slot)
    assert sorted(slots) == [1, 2, 3, 4], "slot 0 is the base row's"


def test_a_new_log_file_waits_for_the_one_before() -> None:
    scheduler = Scheduler(4)
    scheduler.offer(_plain(1, 0, 500))
    first = scheduler.next_group()
    assert first is not None
    scheduler.offer(_plain(2, 0, 1, fence=True))
    scheduler.offer(_plain(3, 0, 2))
    assert scheduler.next_group() is None
    scheduler.done(first.number)
    assert _numbers(scheduler.next_group()) == [2, 3]


def test_transactions_go_together_again_when_the_serial_part_is_over() -> None:
    scheduler = Scheduler(2, serial=True)
    for number in range(1, 10):
        scheduler.offer(_plain(number, number - 1, number))
    group = scheduler.next_group()
    assert _numbers(group) == [1] and scheduler.next_group() is None
    scheduler.end_serial()
    assert _numbers(scheduler.next_group()) == list(range(2, 10))


def test_the_oldest_is_the_first_that_is_not_committed() -> None:
    scheduler = Scheduler(4)
    assert scheduler.oldest() is None
    for number in (1, 2, 3):
        scheduler.offer(_plain(number, 0, number, GROUP_BYTES))
    assert scheduler.oldest() == _plain(1, 0, 1).id
    first, second = scheduler.next_group(), scheduler.next_group()
    assert first is not None and second is not None
    scheduler.done(second.number)
    oldest = scheduler.oldest()
    assert oldest is not None and oldest.number == 1
    scheduler.done(first.number)
    oldest = scheduler.oldest()
    assert oldest is not None and oldest.number == 3


def test_transactions_that_need_different_contexts_share_no_commit() -> None:
    """Those that need none go with any."""
    contexts = [0, 1, 0, 1, 2, 0, 2, 0, 1]
    scheduler = Scheduler(1, context_of=lambda item: contexts[item.batch])
    for place in range(len(contexts)):
        scheduler.offer(Pending(TransactionId(SOURCE, place + 1, CommitOrder(0, place + 1, 0)), b"x", place))
    groups = []
    while (group := scheduler.next_group()) is not None:
        groups.append((group.context, [member.batch for member in group.members]))
    assert groups == [(1, [0, 1, 2, 3]), (2, [4, 5, 6, 7]), (1, [8])]
