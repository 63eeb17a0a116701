"""Whatever comes, and in whichever order workers finish: the scheduler keeps what the log demands."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from udup.pipeline.apply.scheduler import GROUP_BYTES, GROUP_TRANSACTIONS, WORKER_DEPTH, Assigned, Pending, Scheduler
from udup.pipeline.records import CommitOrder, TransactionId


@dataclass(frozen=True)
class Shape:
    """A transaction before it has its place: which rows it writes, and what it is."""

    rows: frozenset[int]
    size: int
    barrier: bool
    alone: bool
    new_file: bool
    has_maps: bool
    context: int


def _shapes() -> st.SearchStrategy[list[Shape]]:
    rarely = st.integers(0, 9).map(lambda number: number == 9)
    shape = st.builds(
        Shape,
        st.frozensets(st.integers(0, 5), max_size=3),
        st.sampled_from([10, 1000, GROUP_BYTES // 3, GROUP_BYTES]),
        rarely,
        rarely,
        rarely,
        rarely,
        st.sampled_from([0, 0, 0, 1, 2]),
    )
    return st.lists(shape, max_size=40)


@dataclass(frozen=True)
class Planned:
    item: Pending
    needs: frozenset[int]  # places of what must be committed before it


def _log(shapes: list[Shape]) -> list[Planned]:
    """Return the log that a source writes of these, with what really depends on what."""
    planned: list[Planned] = []
    writers: dict[int, int] = {}
    before_file = sequence = last_barrier = 0
    first_of_file = 0
    for place, shape in enumerate(shapes):
        if shape.new_file:
            sequence, first_of_file, last_barrier = 0, place, 0
            before_file = place
        sequence += 1
        needs = set(range(before_file)) | {writers[row] for row in shape.rows if row in writers}
        needs |= {each for each in range(place) if shapes[each].barrier}
        needs |= set(range(place)) if shape.barrier else set()
        numbers = [writers[row] - first_of_file + 1 for row in shape.rows if writers.get(row, -1) >= first_of_file]
        last = sequence - 1 if shape.barrier else max([last_barrier, *numbers])
        if shape.barrier:
            last_barrier = sequence
        writers.update(dict.fromkeys(shape.rows, place))
        of = TransactionId("source", place + 1, CommitOrder(last, sequence, place, fence=shape.new_file or place == 0))
        alone = shape.alone or shape.barrier
        maps = [b"map"] if shape.has_maps else []
        item = Pending(of, b"x" * shape.size, place, maps, alone=alone, barrier=shape.barrier)
        planned.append(Planned(item, frozenset(needs)))
    return planned


class _Run:
    """Offers, starts and finishes as hypothesis says, and looks at each start."""

    def __init__(self, shapes: list[Shape], workers: int, *, one_by_one: bool) -> None:
        self.shapes, self.planned = shapes, _log(shapes)
        self.one_by_one = one_by_one
        self.scheduler = Scheduler(workers, context_of=lambda item: shapes[item.batch].context)
        self.arriving = [each.item for each in self.planned]
        self.running: dict[int, list[Assigned]] = {}
        self.committed: set[int] = set()
        self.started: list[int] = []

    def offer(self, count: int) -> None:
        for item in self.arriving[:count]:
            self.scheduler.offer(item)
        del self.arriving[:count]

    def start(self) -> None:
        while (group := self.scheduler.next_group()) is not None:
            self._look(group)
            queue = self.running.setdefault(group.slot, [])
            queue.append(group)
            assert len(queue) <= WORKER_DEPTH
            if self.one_by_one:
                return

    def _look(self, group: Assigned) -> None:
        places = [member.batch for member in group.members]
        queue = self.running.get(group.slot, [])
        done = self.committed | {member.batch for other in queue for member in other.members}
        assert places == list(range(places[0], places[-1] + 1)), "a group is a stretch of the log"
        for place in places:
            missing = self.planned[place].needs - done
            assert not missing, f"{place} starts before {sorted(missing)} are committed"
            done.add(place)
        others = [other for each in self.running.values() for other in each]
        assert not others or not group.members[0].barrier, "a barrier runs beside something"
        assert not any(other.members[0].barrier for other in others)
        assert len(places) <= GROUP_TRANSACTIONS
        assert len(places) == 1 or sum(self.shapes[place].size for place in places) <= GROUP_BYTES
        assert len(places) == 1 or not any(member.alone for member in group.members)
        contexts = {self.shapes[place].context for place in places} - {0}
        assert contexts <= {group.context} and len(contexts) <= 1
        assert not any(member.new_maps for member in group.members[1:])
        self.started += places

    def finish(self, choice: int) -> None:
        busy = [slot for slot in sorted(self.running) if self.running[slot]]
        if not busy:
            return
        group = self.running[busy[choice % len(busy)]].pop(0)
        assert self.scheduler.done(group.number) is group
        self.committed |= {member.batch for member in group.members}


@settings(max_examples=150, deadline=None)
@given(
    _shapes(), st.integers(1, 5), st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=60), st.booleans()
)
def test_in_every_order_of_arrivals_and_ends_all_is_handed_out_once_and_in_order(
    shapes: list[Shape], workers: int, steps: list[tuple[int, int]], one_by_one: bool
) -> None:
    run = _Run(shapes, workers, one_by_one=one_by_one)
    for arrive, choice in steps:
        run.offer(arrive)
        run.start()
        if choice < 7:
            run.finish(choice)
    run.offer(len(shapes))
    for _ in range(4 * len(shapes) + 1):
        run.start()
        run.finish(0)
    assert run.started == list(range(len(shapes))), "each once, in the log's order"
    assert run.committed == set(range(len(shapes))) and run.scheduler.idle
    assert run.scheduler.oldest() is None


@settings(max_examples=50, deadline=None)
@given(_shapes(), st.integers(1, 4))
def test_the_oldest_is_always_the_first_that_is_not_committed(shapes: list[Shape], workers: int) -> None:
    run = _Run(shapes, workers, one_by_one=False)
    run.offer(len(shapes))
    for turn in range(3 * len(shapes)):
        run.start()
        run.finish(turn)
        missing = [place for place in range(len(shapes)) if place not in run.committed]
        oldest = run.scheduler.oldest()
        assert (oldest.number - 1 if oldest else None) == (missing[0] if missing else None)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 3))
def test_what_is_isolated_while_it_waits_runs_alone(chosen: list[bool], workers: int) -> None:
    scheduler = Scheduler(workers)
    for place in range(len(chosen)):
        scheduler.offer(Pending(TransactionId("source", place + 1, CommitOrder(0, place + 1, 0)), b"x", place))
    scheduler.isolate(lambda item: chosen[item.batch])
    started: list[int] = []
    while not scheduler.idle:
        groups = []
        while (group := scheduler.next_group()) is not None:
            groups.append(group)
        for group in groups:
            places = [member.batch for member in group.members]
            assert not any(chosen[place] for place in places) or (len(places) == 1 and len(groups) == 1)
            started += places
            scheduler.done(group.number)
    assert started == list(range(len(chosen)))
