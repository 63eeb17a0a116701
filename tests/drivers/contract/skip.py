"""What every target keeps to when a transaction is passed over: each test is run for each driver.

A driver's tests inherit the class and give the fixture `pair`.
"""

from __future__ import annotations

import pytest

from tests.drivers.contract.job import OUT, Job, OneJob, in_loop
from udup.base.errors import Refused, Unavailable
from udup.pipeline.records import Definition, Transaction


class SkipContract(OneJob):
    @in_loop
    async def test_a_transaction_that_is_passed_over_is_executed_and_what_was_sent_before_is_not(
        self, job: Job, other: Job
    ) -> None:
        await self._following(job, "t")
        job.pair.write("t", insert=["a"])
        skipped, left = job.pair.write("t", insert=["b"]), job.pair.write("t", insert=["c"])
        records = await job.read()
        await job.commit(records[0])  # type: ignore[arg-type]
        order = await job.group(records[2])  # type: ignore[arg-type]
        sent_late = job.session()
        job.sessions.clear()
        job.close()
        target = job.pair.target
        assert target.skip(job.name, skipped, "")
        assert not target.skip(job.name, skipped, ""), "it is there"
        with pytest.raises(OUT):
            sent_late.apply([order])
        sent_late.abandon()
        found = await other.begin()
        assert found is not None and found.version > order.version
        assert target.position(skipped) <= found.executed and not target.position(left) <= found.executed
        rows = job.pair.target_rows("t")
        assert rows is not None and list(rows) == ["a"]

    @in_loop
    async def test_a_definition_that_has_run_is_counted_when_it_is_passed_over_and_one_that_has_not_is_not(
        self, job: Job, other: Job
    ) -> None:
        await job.follow()
        assert job.state is not None
        job.pair.create("made")
        [record] = await job.read()
        assert isinstance(record, Definition)
        own = f"{job.state.mark}:1"
        job.close()
        assert job.pair.target.skip(job.name, record.id.gtid, own)
        state = await other.begin()
        assert state is not None and state.definitions == 0
        other.stand_at(state)
        await other.inline()
        before = other.pair.executed()
        other.pair.create("more")
        other.open_log(before)
        [record] = await other.read()
        assert isinstance(record, Definition)
        await other.define(record)
        other.close()
        assert other.pair.target.skip(other.name, record.id.gtid, own)
        found = await job.begin()
        assert found is not None and found.definitions == 1

    @in_loop
    async def test_while_somebody_has_the_job_nothing_is_passed_over(self, job: Job) -> None:
        await self._following(job, "t")
        gtid = job.pair.write("t", insert=["a"])
        [record] = await job.read()
        assert isinstance(record, Transaction)
        with pytest.raises(Unavailable):
            job.pair.target.skip(job.name, gtid, "")
        await job.commit(record)
        assert job.pair.target_rows("t") == job.pair.source_rows("t"), "the run was not disturbed"

    @in_loop
    async def test_a_copy_that_has_not_ended_has_nothing_to_pass_over(self, job: Job) -> None:
        assert await job.begin() is None
        job.close()
        gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23"
        with pytest.raises(Refused, match="no checkpoint"):
            job.pair.target.skip(job.name, gtid, "")
