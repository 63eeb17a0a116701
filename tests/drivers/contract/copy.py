"""What every pair of drivers keeps to in a full copy."""

from __future__ import annotations

import pytest

from tests.drivers.contract.job import SOURCE, Job, OneJob, in_loop, read_all
from tests.drivers.contract.pair import Pair
from tests.drivers.contract.target import OUT
from udup.base.errors import Refused
from udup.pipeline.ports import CopyWriter, LoadPlan, SourceCopy
from udup.pipeline.records import CopyTotals


class CopyContract(OneJob):
    @pytest.fixture
    def tables(self, pair: Pair) -> None:
        pair.create("many")
        pair.create("none")
        pair.write("many", insert=[f"k{number}" for number in range(25)])

    async def _begin(
        self,
        job: Job,
        copy: SourceCopy,
        *,
        drop_existing: bool = False,
        fill_existing: bool = False,
        incarnation: str = "",
    ) -> tuple[CopyWriter, LoadPlan]:
        assert await job.begin() is None
        await job.control.claim_tables(job.pair.source.tables(job.pair.scope, copy))
        writer = job.control.open_copy(
            copy.plan,
            workers=1,
            drop_existing=drop_existing,
            recompute=False,
            fill_existing=fill_existing,
            incarnation=incarnation,
        )
        return writer, writer.make_tables()

    def _load(self, job: Job, copy: SourceCopy, plan: LoadPlan) -> dict[int, CopyTotals]:
        chunks, totals = read_all(copy, plan.start)
        loader = job.pair.target.open_loader(job.name, 1, plan.instructions)
        try:
            loaded: dict[int, int] = {}
            for (table, _), pieces in chunks.items():
                rows = loader.load(iter(pieces))
                assert rows == pieces[-1].rows, "a load counts what the source has read"
                loaded[table] = loaded.get(table, 0) + rows
        finally:
            loader.abandon()
        for table, each in totals.items():
            assert loaded.get(table, 0) == each.rows
            assert len([key for key in chunks if key[0] == table]) == each.chunks
        return totals

    @in_loop
    async def test_a_copy_that_has_not_ended_is_no_place_to_begin_from_without_one(
        self, job: Job, other: Job, tables: None
    ) -> None:
        """What it has made is half there; a copy that has made nothing yet is in nobody's way."""
        copy = job.open_copy()
        try:
            writer, _ = await self._begin(job, copy)
            writer.abort()
        finally:
            copy.close()
        job.close()
        with pytest.raises(Refused, match="a full copy of job"):
            await other.begin(job.pair.executed())
        assert await Job.begin(other) is None, "it is copied again"
        nothing = Job(job.pair)
        assert await nothing.begin() is None
        nothing.close()
        again = Job(job.pair, nothing.name, "two")
        state = await again.begin(job.pair.executed())
        again.close()
        assert state is not None

    @in_loop
    async def test_a_copy_brings_all_rows_and_ends_with_a_checkpoint_at_its_position(
        self, job: Job, other: Job, tables: None
    ) -> None:
        copy = job.open_copy()
        try:
            job.pair.write("many", insert=["after the snapshot"])
            writer, plan = await self._begin(job, copy)
            totals = self._load(job, copy, plan)
            assert sorted(totals) == [0, 1], "a table without rows is told of as well"
            for table, each in totals.items():
                writer.finish_table(table, each)
            writer.finish_tables()
            writer.make_objects()
            state = await job.control.finish_copy(copy.plan.position, SOURCE)
        finally:
            copy.close()
        assert str(state.executed) == str(job.pair.target.position(copy.plan.position)) and state.mark
        assert state.source_uuid == SOURCE
        rows = job.pair.source_rows("many")
        del rows["after the snapshot"]
        assert job.pair.target_rows("many") == rows and job.pair.target_rows("none") == {}
        found = await other.begin()
        assert found is not None and (str(found.executed), found.mark) == (str(state.executed), state.mark)
        with pytest.raises(Refused, match="had begun already, by a full copy"):
            await Job(job.pair, job.name).take_over(copy.plan.position)

    @in_loop
    async def test_a_copy_fills_tables_that_are_there_and_empty(self, job: Job, other: Job, tables: None) -> None:
        """One that begins again empties what it has begun to fill, and nothing else."""
        copy = job.open_copy()
        try:
            with pytest.raises(Refused, match="there is no table"):
                await self._begin(job, copy, fill_existing=True)
            for name in ("many", "none"):
                job.pair.copy_table(name)
            job.pair.put_on_target("none", "theirs")
            with pytest.raises(Refused, match="none"):
                await self._fill(job, copy)
            job.pair.take_from_target("none", "theirs")
            writer, plan = await self._fill(job, copy)
            self._load(job, copy, plan)
            writer.abort()
        finally:
            copy.close()
        job.close()
        assert job.pair.target_rows("many") == job.pair.source_rows("many")
        copy = other.open_copy()
        try:
            writer, plan = await self._begin(other, copy, fill_existing=True)
            assert other.pair.target_rows("many") == {}
            for table, each in self._load(other, copy, plan).items():
                writer.finish_table(table, each)
            writer.finish_tables()
            writer.make_objects()
            await other.control.finish_copy(copy.plan.position, SOURCE)
        finally:
            copy.close()
        assert other.pair.target_rows("many") == other.pair.source_rows("many")

    @in_loop
    async def test_rows_of_an_earlier_job_of_the_same_id_stay(self, job: Job, other: Job, tables: None) -> None:
        """It was deleted, and posted again: what is in the tables may be somebody's work by now."""
        copy = job.open_copy()
        try:
            for name in ("many", "none"):
                job.pair.copy_table(name)
            writer, plan = await self._begin(job, copy, fill_existing=True, incarnation="one")
            self._load(job, copy, plan)
            writer.abort()
        finally:
            copy.close()
        job.close()
        copy = other.open_copy()
        try:
            with pytest.raises(Refused, match="many"):
                await self._begin(other, copy, fill_existing=True, incarnation="two")
        finally:
            copy.close()
        assert other.pair.target_rows("many") == other.pair.source_rows("many")

    async def _fill(self, job: Job, copy: SourceCopy) -> tuple[CopyWriter, LoadPlan]:
        """Have a copy that has begun before fill what is there."""
        writer = job.control.open_copy(copy.plan, workers=1, drop_existing=False, recompute=False, fill_existing=True)
        return writer, writer.make_tables()

    @in_loop
    async def test_the_log_goes_on_where_the_copy_stood(self, job: Job, tables: None) -> None:
        copy = job.open_copy()
        try:
            job.pair.write("many", insert=["later"], update=["k1"])
            writer, plan = await self._begin(job, copy)
            for table, each in self._load(job, copy, plan).items():
                writer.finish_table(table, each)
            writer.finish_tables()
            writer.make_objects()
            job.stand_at(await job.control.finish_copy(copy.plan.position, SOURCE))
        finally:
            copy.close()
        job.session(1)
        await job.inline()
        job.open_log(copy.plan.position)
        await job.carry_out(await job.read())
        assert job.pair.target_rows("many") == job.pair.source_rows("many")

    @in_loop
    async def test_a_copy_that_died_begins_again_and_replaces_what_it_made(
        self, job: Job, other: Job, tables: None
    ) -> None:
        copy = job.open_copy()
        try:
            _, plan = await self._begin(job, copy)
            self._load(job, copy, plan)
        finally:
            copy.close()
        job.control.abort()
        again = other.open_copy()
        try:
            _, plan = await self._begin(other, again)
            assert job.pair.target_rows("many") == {}
            self._load(other, again, plan)
        finally:
            again.close()
        assert job.pair.target_rows("many") == job.pair.source_rows("many")

    @in_loop
    async def test_of_a_copy_that_was_superseded_nothing_comes_any_more(
        self, job: Job, other: Job, tables: None
    ) -> None:
        copy, again = job.open_copy(), other.open_copy()
        try:
            writer, old = await self._begin(job, copy)
            chunks, _ = read_all(copy, old.start)
            await self._begin(other, again)
            with pytest.raises(OUT):
                loader = job.pair.target.open_loader(job.name, 1, old.instructions)
                try:
                    loader.load(iter(next(iter(chunks.values()))))
                finally:
                    loader.abandon()
            with pytest.raises(OUT):
                writer.finish_table(1, CopyTotals(1, 0, 0))
            with pytest.raises(OUT):
                await job.control.finish_copy(copy.plan.position, SOURCE)
            assert job.pair.target_rows("many") == {}
        finally:
            copy.close()
            again.close()

    @in_loop
    async def test_a_loader_that_is_opened_when_the_copy_has_ended_is_refused(self, job: Job, tables: None) -> None:
        copy = job.open_copy()
        try:
            _, plan = await self._begin(job, copy)
            self._load(job, copy, plan)
            await job.control.finish_copy(copy.plan.position, SOURCE)
            with pytest.raises(OUT):
                job.pair.target.open_loader(job.name, 2, plan.instructions)
        finally:
            copy.close()

    @in_loop
    async def test_rows_of_somebody_else_are_in_the_way_unless_they_may_be_dropped(
        self, job: Job, tables: None
    ) -> None:
        job.pair.copy_table("many")
        job.pair.put_on_target("many", "theirs")
        copy = job.open_copy()
        try:
            with pytest.raises(Refused, match="many"):
                await self._begin(job, copy)
            rows = job.pair.target_rows("many")
            assert rows is not None and list(rows) == ["theirs"]
            job.control.abort()
            await self._begin(job, copy, drop_existing=True)
            assert job.pair.target_rows("many") == {}
        finally:
            copy.close()

    @in_loop
    async def test_a_table_belongs_to_one_job(self, job: Job, pair: Pair, tables: None) -> None:
        second = Job(pair)
        copy = job.open_copy()
        try:
            await self._begin(job, copy)
            with pytest.raises(Refused, match=job.name):
                await self._begin(second, copy)
            second.control.abort()
            job.control.abort()
            pair.target.purge(job.name)
            await self._begin(second, copy)
        finally:
            copy.close()
            second.close()
            pair.target.purge(second.name)
