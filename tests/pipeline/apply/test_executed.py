"""What the checkpoint's rows say together is what is executed, at every moment, whichever commit comes when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udup.base.errors import UdupError
from udup.drivers.fake.position import FakePosition
from udup.pipeline.apply.executed import ExecutedPositions
from udup.pipeline.apply.scheduler import Pending
from udup.pipeline.ports import CheckpointState
from udup.pipeline.ports.tables import TableChange
from udup.pipeline.records import CommitOrder, TransactionId

SLOTS = 3


def _pending(number: int, source: str = "alpha") -> Pending:
    return Pending(
        TransactionId(source, number, CommitOrder(0, number, 0, original_us=1_000_000 + number)), b"", number
    )


class _Target:
    """The rows of a checkpoint, as commits write them."""

    def __init__(self) -> None:
        self.base = FakePosition()
        self.slots = {slot: FakePosition() for slot in range(1, SLOTS + 1)}
        self.versions = dict.fromkeys(self.slots, 100)
        self.written: list[tuple[str, int, str, str]] = []
        self.before_write: Callable[[], Awaitable[None]] | None = None

    async def advance(
        self, executed: str, definitions: int, stamps: str, source_uuid: str, changes: Sequence[TableChange] = ()
    ) -> None:
        if self.before_write is not None:
            await self.before_write()
        self.base = FakePosition.parse(executed)
        self.written.append((executed, definitions, stamps, source_uuid))

    def commit(self, slot: int, version: int, gtids: str) -> None:
        assert version == self.versions[slot], "each claim of a slot follows on the one before it"
        self.versions[slot] += 1
        self.slots[slot] = FakePosition.parse(gtids)

    @property
    def all(self) -> FakePosition:
        union = self.base.copy()
        for each in self.slots.values():
            union.update(each)
        return union


def _made(target: _Target, executed: str = "") -> ExecutedPositions:
    made = ExecutedPositions(SLOTS, FakePosition.parse, target.advance)
    made.begin_at(CheckpointState(FakePosition.parse(executed), "mark", 4, 100))
    return made


def test_a_run_goes_on_where_the_checkpoint_stood() -> None:
    made = _made(_Target(), "alpha:1-5")
    assert str(made.executed) == "alpha:1-5" and made.begun and made.slots == SLOTS
    assert made.definition_gtid() == "mark:5"


def test_before_there_is_a_checkpoint_no_definition_can_run() -> None:
    made = ExecutedPositions(SLOTS, FakePosition.parse, _Target().advance)
    assert not made.begun
    with pytest.raises(UdupError, match="before the job has a checkpoint"):
        made.definition_gtid()


def test_nothing_is_written_for_nothing() -> None:
    target = _Target()
    made = _made(target)

    async def work() -> None:
        await made.flush()
        made.note_skipped("alpha:1")
        await made.flush()
        await made.flush()

    asyncio.run(work())
    assert [written[0] for written in target.written] == ["alpha:1"]


def test_what_is_proposed_and_refused_was_never_claimed() -> None:
    made = _made(_Target())
    version, _ = made.propose(2, [_pending(1)])
    again, claim = made.propose(2, [_pending(2)])
    assert (version, again, str(claim)) == (100, 100, "alpha:2")
    made.accept(2, claim)
    assert made.claim(2, [_pending(3)]) == (101, "alpha:2-3")


def test_the_stamps_of_what_was_committed_are_kept_with_the_server_that_is_followed() -> None:
    target = _Target()
    made = _made(target)
    made.know("a server", "alpha:1@1000001")
    made.note([_pending(2)])
    asyncio.run(made.flush())
    assert target.written[-1] == ("alpha:2", 4, "alpha:2@1000002", "a server")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["commit", "note", "flush", "slow flush"]), st.integers(1, SLOTS)), max_size=40)
)
def test_rows_say_what_is_committed_whatever_happens_while_the_base_row_is_written(
    steps: list[tuple[str, int]],
) -> None:
    """A commit may come between the text of a base row and its writing: what it claims must not be forgotten."""

    async def work() -> None:
        target = _Target()
        made = _made(target)
        committed, noted = FakePosition(), 0
        waiting: list[Pending] = []
        number = 0

        async def commit(slot: int) -> None:
            nonlocal number
            number += 1
            item = _pending(number)
            target.commit(slot, *made.claim(slot, [item]))
            committed.add("alpha", number)
            waiting.append(item)

        for step, slot in steps:
            if step == "commit":
                await commit(slot)
            elif step == "note" and waiting:
                made.note([waiting.pop(0)])
                noted += 1
            elif step == "flush":
                target.before_write = None
                await made.flush()
            elif step == "slow flush":
                target.before_write = lambda slot=slot: commit(slot)  # type: ignore[misc]
                await made.flush()
            assert target.all == committed, "the rows say exactly what is in the target"
            assert made.executed <= committed and len(made.executed) == noted

    asyncio.run(work())
