"""Each slot's row says what was committed with it and is not in the base row yet; slots count from 1."""

from __future__ import annotations

import asyncio

import pytest

from udup.base.errors import UdupError
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.pipeline.apply.executed import ExecutedPositions
from udup.pipeline.apply.scheduler import Pending
from udup.pipeline.ports import CheckpointState
from udup.pipeline.records import Mark

SOURCE = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


def _members(*numbers: int) -> list[Pending]:
    return [Pending(Mark(SOURCE, number, 0, number, 0, original_us=number), b"", 1) for number in numbers]


class Base:
    """The base row; `during` runs while it is being written."""

    def __init__(self) -> None:
        self.written: list[tuple[str, int]] = []
        self.during = lambda: None

    async def advance(self, executed: str, definitions: int, stamps: str, source_uuid: str) -> None:
        self.during()
        self.written.append((executed, definitions))


def _begun(slots: int = 2) -> tuple[ExecutedPositions, Base]:
    base = Base()
    executed = ExecutedPositions(slots, GtidSet.parse, base.advance)
    executed.begin_at(CheckpointState(GtidSet.parse(f"{SOURCE}:1"), "mark", 3, 100))
    return executed, base


def test_claims_of_a_slot_add_up_and_each_has_its_version() -> None:
    executed, _ = _begun()
    assert executed.claim(1, _members(2)) == (100, f"{SOURCE}:2")
    assert executed.claim(1, _members(4)) == (101, f"{SOURCE}:2:4")
    assert executed.claim(2, _members(3)) == (100, f"{SOURCE}:3")


def test_there_is_no_claim_on_the_base_row() -> None:
    executed, _ = _begun()
    with pytest.raises(KeyError):
        executed.claim(0, _members(2))


def test_what_is_proposed_has_no_effect_until_it_is_accepted() -> None:
    executed, _ = _begun()
    version, position = executed.propose(2, _members(2))
    assert (version, str(position)) == (100, f"{SOURCE}:2")
    assert executed.claim(2, _members(5)) == (100, f"{SOURCE}:5")
    version, position = executed.propose(2, _members(6))
    executed.accept(2, position)
    assert executed.claim(2, _members(7)) == (102, f"{SOURCE}:5-7")


def test_what_was_flushed_need_not_be_claimed_again_but_what_came_meanwhile_must() -> None:
    executed, base = _begun()
    executed.claim(1, _members(2))
    executed.note(_members(2))

    def commit_meanwhile() -> None:
        executed.claim(1, _members(3))
        executed.note(_members(3))

    base.during = commit_meanwhile
    asyncio.run(executed.flush())
    base.during = lambda: None
    assert base.written == [(f"{SOURCE}:1-2", 3)]
    assert executed.claim(1, _members(4)) == (102, f"{SOURCE}:3-4")
    asyncio.run(executed.flush())
    asyncio.run(executed.flush())
    assert base.written[1:] == [(f"{SOURCE}:1-3", 3)], "nothing is written twice"


def test_each_definition_has_its_own_id_and_none_without_a_checkpoint() -> None:
    executed, base = _begun()
    assert executed.definition_gtid() == "mark:4"
    executed.definitions += 1
    assert executed.definition_gtid() == "mark:5"
    with pytest.raises(UdupError):
        ExecutedPositions(1, GtidSet.parse, base.advance).definition_gtid()
