"""What the StoreKeeper says of orders that it cannot carry out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.actors.shells import shell_of
from udup.actors.store_messages import Forget, NotSaved, Save, Saved, StoreRefuses
from udup.actors.store_writer import StoreKeeper
from udup.base.errors import Fault, Refused, Transient
from udup.jobs import JobRecord


def test_a_store_keeper_that_may_have_lost_an_order_ends_to_be_replaced() -> None:
    with shell_of(StoreKeeper) as (shell, _), pytest.raises(SystemExit):
        shell.receiveMessage(Save("no record", 1), "owner")  # type: ignore[arg-type]
        shell._orders = object()
        shell.receiveMessage(Save("no record", 1), "owner")  # type: ignore[arg-type]


class _Store:
    """A store that is refused some writes and never takes the record of one job."""

    max_bytes = 100

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.filed: list[list[str]] = []  # what was stored each time that the node's file was written
        self.refusals = 2

    def keep_snapshot(self) -> None:
        self.filed.append(list(self.kept))

    async def save(self, record: JobRecord, placed: Callable[[JobRecord, int], JobRecord]) -> int:
        if record.id == "large":
            raise Refused([Fault("NATS", "the record has 200 bytes")])
        if self.refusals:
            self.refusals -= 1
            raise Transient("no responders")
        self.kept.append(placed(record, len(self.kept) + 1).id)
        return len(self.kept)


def test_a_record_that_is_too_large_is_an_error_of_its_own_order_and_a_refusal_of_nats_is_told() -> None:
    store, said = _Store(), list[Any]()

    async def write(shell: Any) -> None:
        shell._orders = asyncio.Queue()
        for ticket, job_id in enumerate(("large", "small"), 1):
            shell._orders.put_nowait(Save(JobRecord(id=job_id, document={}), ticket))
        writing = asyncio.ensure_future(shell._write(store, said.append))
        end = time.monotonic() + 5
        while Saved(2, 1) not in said:
            assert time.monotonic() < end and not writing.done()
            await asyncio.sleep(0.01)
        writing.cancel()

    with shell_of(StoreKeeper) as (shell, _):
        asyncio.run(write(shell))
    assert store.kept == ["small"]
    assert said == [
        NotSaved("large", 1, "NATS: the record has 200 bytes"),
        StoreRefuses("no responders"),
        StoreRefuses("no responders"),
        Saved(2, 1),
    ]


def test_who_waits_is_answered_when_the_nodes_file_has_it_too_and_several_at_once() -> None:
    store, said = _Store(), list[Any]()
    store.refusals = 0

    def told(report: object) -> None:
        said.append((report, len(store.filed)))

    async def write(shell: Any) -> None:
        shell._orders = asyncio.Queue()
        for ticket, awaited in enumerate((True, False, True), 1):
            shell._orders.put_nowait(Save(JobRecord(id=str(ticket), document={}), ticket, awaited))
        writing = asyncio.ensure_future(shell._write(store, told))
        end = time.monotonic() + 5
        while len(said) < 3:
            assert time.monotonic() < end and not writing.done()
            await asyncio.sleep(0.01)
        writing.cancel()

    with shell_of(StoreKeeper) as (shell, _):
        asyncio.run(write(shell))
    assert store.filed == [["1", "2", "3"]]
    assert said == [(Saved(2, 2), 0), (Saved(1, 1), 1), (Saved(3, 3), 1)]


class _Shared(_Store):
    """A store of several nodes, that is as it was written last; `revisions` as the next write expects them."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals, self.last = 0, 5
        self.revisions = {"a": 5}

    async def save(self, record: JobRecord, placed: Callable[[JobRecord, int], JobRecord]) -> int:
        position = await super().save(record, placed)
        self.last = self.revisions[record.id] = self.last + 1
        return position

    async def remove(self, job_id: str) -> int:
        self.kept = [each for each in self.kept if each != job_id]
        self.last = self.revisions[job_id] = self.last + 1
        return self.last

    async def save_gone(self, gone: object) -> None:
        self.last += 1

    def expect(self, job_id: str, revision: int) -> None:
        self.revisions[job_id] = revision

    def revision(self, job_id: str) -> int:
        return self.revisions[job_id]


def test_a_record_that_was_read_before_its_job_was_deleted_here_is_not_stored() -> None:
    """It was read twice, and the second answer came behind the deletion."""
    store, said = _Shared(), list[Any]()
    record = JobRecord(id="a", document={})
    orders = (
        Save(record, 1, behind=5),
        Save(record, 2, behind=5),  # the first was not answered yet
        Forget("a", (), 3, behind=7),
        Save(record, 4, behind=5),
        Save(record, 5, behind=8),  # another job of this ID
        Save(record, 6, behind=8),
    )

    async def write(shell: Any) -> None:
        shell._orders = asyncio.Queue()
        for order in orders:
            said.append(await shell._carry_out(store, order, said.append))

    with shell_of(StoreKeeper) as (shell, _):
        asyncio.run(write(shell))
    assert [type(each).__name__ for each in said] == ["Saved", "Saved", "Saved", "NotSaved", "Saved", "Saved"]
    assert said[3].taken and "was deleted before" in said[3].why
