"""What every target keeps to, whatever its database: each test is run for each driver.

A driver's tests inherit the class and give the fixture `pair`.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace

import pytest

from tests.drivers.contract.job import OUT, SOURCE, Job, OneJob, in_loop
from udup.base.errors import Conflict, Contended, Refused, Superseded, Transient, Unavailable, Unsupported
from udup.pipeline.ports.tables import TableChange, TableNames, TablesOnTarget
from udup.pipeline.records import Definition, Part, Transaction, XaEnd
from udup.pipeline.waits import WaitKind


class TargetContract(OneJob):
    # ---- The checkpoint ----

    @in_loop
    async def test_a_job_without_a_checkpoint_is_copied_unless_it_brings_a_position(self, job: Job) -> None:
        assert await job.begin() is None

    @in_loop
    async def test_a_position_of_the_job_makes_its_first_checkpoint(self, job: Job) -> None:
        job.pair.create("t")
        state = await job.begin(job.pair.executed())
        assert state is not None and state.mark
        assert str(state.executed) == str(job.pair.target.position(job.pair.executed()))
        assert state.definitions == 0

    @in_loop
    async def test_a_start_is_no_checkpoint_before_it_is_said_that_nothing_speaks_against_it(
        self, job: Job, other: Job
    ) -> None:
        job.pair.create("t")
        wrong = await job.take_over(job.pair.executed())
        assert wrong is not None and not wrong.written
        assert job.pair.target.executed(job.name) is None
        gtid = job.pair.write("t", insert=["a"])
        right = await other.take_over(job.pair.executed())
        assert right is not None and not right.written and job.pair.target.position(gtid) <= right.executed
        with pytest.raises(OUT):
            await job.control.begin(str(wrong.executed), "")
        begun = await other.control.begin(str(right.executed), SOURCE)
        assert (
            begun.written and begun.source_uuid == SOURCE and begun.mark and str(begun.executed) == str(right.executed)
        )
        assert str(job.pair.target.executed(job.name)) == str(right.executed)

    @in_loop
    async def test_the_first_checkpoint_names_its_source(self, job: Job, other: Job) -> None:
        """A run may die before it has followed it."""
        await job.begin(job.pair.executed())
        found = await other.begin(job.pair.executed())
        assert found is not None and found.source_uuid == SOURCE

    @in_loop
    async def test_a_start_that_was_replaced_while_the_job_began_with_it_is_refused(self, job: Job, other: Job) -> None:
        """The job would go on by its checkpoint, and the newer start have no effect."""
        job.pair.create("t")
        first = job.pair.executed()
        gtid = job.pair.write("t", insert=["a"])
        await job.begin(first)
        for run in range(2):
            with pytest.raises(Refused, match="had begun already, after another position") as caught:
                await other.take_over(job.pair.executed())
            (fault,) = caught.value.faults
            assert fault.task == "Src" and f"udup job delete --purge {job.name}" in fault.remedy, run
            assert gtid.rpartition(":")[0] in fault.problem
            other.control.abort()
        with pytest.raises(Refused, match="without a copy, when its document was replaced by one of a copy alone"):
            await other.take_over(None, copy_alone=True)
        other.control.abort()
        for start in (first, None):
            found = await other.take_over(start)
            assert found is not None and found.written and str(found.executed) == str(job.pair.target.position(first))
            other.control.abort()

    @in_loop
    async def test_a_job_that_was_deleted_and_left_its_checkpoint_goes_on_by_it(self, job: Job, other: Job) -> None:
        first = job.pair.executed()
        await job.begin(first)
        job.pair.create("t")
        for incarnation in ("second", ""):
            found = await other.take_over(job.pair.executed(), incarnation=incarnation)
            assert found is not None and str(found.executed) == str(job.pair.target.position(first))
            other.control.abort()
        with pytest.raises(Refused, match="had begun already"):
            await other.take_over(job.pair.executed())

    @in_loop
    async def test_what_the_base_row_was_told_the_next_run_finds(self, job: Job, other: Job) -> None:
        await self._following(job, "t")
        gtid = job.pair.write("t", insert=["a"])
        assert job.state is not None
        executed = job.state.executed.copy()
        executed.update(job.pair.target.position(gtid))
        stamps = f"{gtid}@1700000000000001"
        await job.control.advance(str(executed), 7, stamps, "bbbbbbbb-0000-0000-0000-000000000001")
        await job.control.advance(str(executed), 8, stamps, "bbbbbbbb-0000-0000-0000-000000000001")
        found = await other.begin()
        assert found is not None
        assert (str(found.executed), found.definitions, found.stamps) == (str(executed), 8, stamps)
        assert (found.mark, found.source_uuid) == (job.state.mark, "bbbbbbbb-0000-0000-0000-000000000001")
        assert found.version > job.state.version

    @in_loop
    async def test_what_tables_have_come_to_is_added_up_and_the_later_change_is_the_last(
        self, job: Job, other: Job
    ) -> None:
        await self._following(job, "t")
        names = [TableNames("a", "t", "s", "t"), TableNames("a", "u", "s", "u"), TableNames("a", "v", "s", "v")]
        before = job.pair.target.look_at_tables(job.name, "", names)
        assert before.changes == () and before.since_us > 0
        steps = (
            [TableChange("s", "t", 1, 2, 3, 0, 50, "x:5"), TableChange("s", "u", 4, 0, 0, 1, 60, "x:6")],
            [TableChange("s", "t", 10, 20, 30, 0, 40, "x:4"), TableChange("s", "u", 0, 0, 7, 0, 70, "x:7")],
        )
        for changes in steps:
            await job.control.advance(job.pair.executed(), 0, "", SOURCE, changes)
        wanted = [TableChange("a", "t", 11, 22, 33, 0, 50, "x:5"), TableChange("a", "u", 4, 0, 7, 1, 70, "x:7")]
        for run in range(2):
            told = job.pair.target.look_at_tables(job.name, "", names)
            assert sorted(told.changes, key=lambda each: each.table) == wanted, run
            assert told.since_us == before.since_us and not told.ahead and not told.differing
            await other.begin()
        with pytest.raises(OUT):
            await job.control.advance(job.pair.executed(), 0, "", SOURCE, steps[0])
        assert len(job.pair.target.look_at_tables(job.name, "", names).changes) == 2
        other.control.abort()
        job.pair.target.purge(job.name)
        assert job.pair.target.look_at_tables(job.name, "", names) == TablesOnTarget()

    @in_loop
    async def test_a_target_that_is_there_and_takes_changes_is_found_good_and_nothing_is_changed(
        self, job: Job
    ) -> None:
        await self._following(job, "t")
        before = job.pair.target_rows("t")
        for apart in (False, True, False):
            await job.control.check(apart=apart)
        assert job.pair.target_rows("t") == before
        gtid = job.pair.write("t", insert=["a"])
        assert job.state is not None
        executed = job.state.executed.copy()
        executed.update(job.pair.target.position(gtid))
        await job.control.advance(str(executed), 1, "", "")

    @in_loop
    async def test_a_target_that_takes_no_changes_is_waited_for_at_rest_and_at_a_start(
        self, job: Job, other: Job
    ) -> None:
        await self._following(job, "t")
        with job.pair.read_only_target():
            with pytest.raises(Unavailable):
                await job.control.check()
            await job.control.check(apart=True)
            with pytest.raises(Unavailable):
                await other.begin()
        await job.control.check()
        assert await other.begin() is not None

    @in_loop
    async def test_what_sessions_have_committed_is_executed_for_the_next_run(self, job: Job, other: Job) -> None:
        await self._following(job, "t")
        job.session(2)
        first, second = job.pair.write("t", insert=["a"]), job.pair.write("t", insert=["b"])
        records = await job.read()
        await job.commit(records[0], slot=1)  # type: ignore[arg-type]
        await job.commit(records[1], slot=2)  # type: ignore[arg-type]
        found = await other.begin()
        assert found is not None
        assert job.pair.target.position(f"{first},{second}") <= found.executed
        assert job.pair.target_rows("t") == job.pair.source_rows("t")

    @in_loop
    async def test_after_a_purge_nothing_is_known_of_the_job_and_its_rows_stay(self, job: Job) -> None:
        await self._following(job, "t")
        job.pair.write("t", insert=["a"])
        await job.carry_out(await job.read())
        job.close()
        job.pair.target.purge(job.name)
        assert await job.begin() is None
        assert job.pair.target_rows("t") == job.pair.source_rows("t")

    @in_loop
    async def test_whoever_reads_the_checkpoint_beside_the_run_finds_each_commit_at_once(self, job: Job) -> None:
        target = job.pair.target
        assert target.executed(job.name) is None
        with closing(target.open_checkpoint(job.name)) as reader:
            assert reader.executed() is None
            await self._following(job, "t")
            before, gtid = reader.executed(), job.pair.write("t", insert=["a"])
            assert before is not None and not target.position(gtid) <= before
            await job.carry_out(await job.read())
            found, again = reader.executed(), target.executed(job.name)
            assert found is not None and target.position(gtid) <= found and str(found) == str(again)
            job.close()
            target.purge(job.name)
            assert reader.executed() is None

    # ---- Commits ----

    @in_loop
    async def test_groups_are_committed_as_one_and_counted(self, job: Job) -> None:
        await self._following(job, "t")
        job.pair.write("t", insert=["a", "b"])
        job.pair.write("t", insert=["c"], update=["a"])
        groups = []
        for record in await job.read():
            assert isinstance(record, Transaction)
            groups.append(await job.group(record))
            job.take(record)
        job.session().apply(groups)
        assert job.pair.target_rows("t") == job.pair.source_rows("t")
        counts = job.session().rows_written()
        assert (counts.inserted, counts.updated, counts.deleted) == (3, 1, 0)

    @in_loop
    async def test_a_group_that_is_sent_twice_is_applied_once(self, job: Job) -> None:
        await self._following(job, "t")
        job.pair.write("t", insert=["a"])
        job.pair.write("t", update=["a"])
        first, second = await job.read()
        assert isinstance(first, Transaction) and isinstance(second, Transaction)
        await job.commit(first)
        order = await job.group(second)
        job.session().apply([order])
        with pytest.raises(Superseded):
            job.session().apply([order])
        job.session().rollback()
        assert job.pair.target_rows("t") == job.pair.source_rows("t")

    @in_loop
    async def test_of_groups_that_the_target_refuses_nothing_is_there_and_their_turn_may_come_again(
        self, job: Job
    ) -> None:
        await self._following(job, "t")
        job.pair.put_on_target("t", "b")
        job.pair.write("t", insert=["a"])
        gtid = job.pair.write("t", insert=["b"])
        groups = []
        for record in await job.read():
            assert isinstance(record, Transaction)
            groups.append(await job.group(record))
            job.take(record)
        with pytest.raises(Conflict, match=groups[0].label):
            job.session().apply(groups)
        job.session().rollback()
        rows = job.pair.target_rows("t")
        assert rows is not None and list(rows) == ["b"], gtid
        job.pair.take_from_target("t", "b")
        job.session().apply(groups)
        assert job.pair.target_rows("t") == job.pair.source_rows("t")

    @in_loop
    async def test_a_row_that_somebody_has_locked_keeps_the_inline_session_for_a_moment_only(self, job: Job) -> None:
        await self._following(job, "t")
        job.pair.write("t", insert=["a"])
        await job.carry_out(await job.read())
        job.pair.write("t", update=["a"])
        [record] = await job.read()
        assert isinstance(record, Transaction)
        inline = await job.inline()
        claim = job.claim(record, slot=3)
        with job.pair.locked_on_target("t", "a"):
            with pytest.raises(Contended):
                inline.apply(claim, [record.events], b"")
            inline.rollback()
        assert job.pair.target_rows("t") != job.pair.source_rows("t")
        inline.apply(claim, [record.events], b"")
        assert job.pair.target_rows("t") == job.pair.source_rows("t")
        assert inline.rows_written().updated == 1

    # ---- Waits ----

    @in_loop
    async def test_what_a_session_waits_for_is_told_with_who_is_in_the_way(self, job: Job) -> None:
        await self._following(job, "t")
        job.pair.write("t", insert=["a"])
        await job.carry_out(await job.read())
        assert await job.control.look_at_waits() == ()
        job.pair.write("t", update=["a"])
        [record] = await job.read()
        assert isinstance(record, Transaction)
        order, session = await job.group(record), job.session()

        def apply() -> None:
            while True:
                try:
                    session.apply([order])
                    return
                except Contended:
                    session.rollback()

        with job.pair.locked_on_target("t", "a"):
            applying = asyncio.ensure_future(asyncio.to_thread(apply))
            async with asyncio.timeout(30):
                while not (found := await job.control.look_at_waits()):
                    await asyncio.sleep(0.05)
        await applying
        [wait] = found
        schema, table = job.pair.table("t")
        assert (wait.what, wait.worker, wait.table) == (WaitKind.ROW_LOCK, 1, f"{schema}.{table}")
        assert wait.blocked_by is not None and wait.blocked_by.session and wait.blocked_by.user
        assert await job.control.look_at_waits() == ()
        assert job.pair.target_rows("t") == job.pair.source_rows("t")

    # ---- Take-over ----

    @in_loop
    async def test_whoever_was_superseded_commits_nothing_by_any_way(self, job: Job, other: Job) -> None:
        await self._following(job, "t")
        inline = await job.inline()
        job.pair.write("t", insert=["a"])
        [record] = await job.read()
        assert isinstance(record, Transaction)
        order, claim = await job.group(record), job.claim(record, slot=3)
        assert await job.control.successor() == ""
        await other.begin()
        with pytest.raises(OUT):
            job.session().apply([order])
        with pytest.raises(OUT):
            inline.apply(claim, [record.events], b"")
        with pytest.raises(OUT):
            await job.control.advance(claim.gtids, 0, "", "")
        assert job.pair.target_rows("t") == {}
        assert "owner two" in await job.control.successor()
        assert await other.control.successor() == ""

    @in_loop
    async def test_a_run_that_comes_late_ends_nothing_of_a_newer_one(self, job: Job, other: Job) -> None:
        """Its node stood still between the number that it was granted and its first look at the target."""
        job.owner, other.owner = replace(job.owner, number=9), replace(other.owner, number=5)
        await self._following(job, "t")
        with pytest.raises(Superseded):
            await other.begin()
        with pytest.raises(OUT):
            job.pair.target.purge(job.name, 5)
        job.pair.write("t", insert=["a"])
        [record] = await job.read()
        assert isinstance(record, Transaction)
        await job.commit(record)
        assert list(job.pair.target_rows("t")) == ["a"]
        assert "owner one" in await other.control.successor()

    @in_loop
    async def test_a_run_of_before_its_jobs_removal_does_not_begin_it_again(self, job: Job, other: Job) -> None:
        job.owner, other.owner = replace(job.owner, number=5), replace(other.owner, number=9)
        await self._following(job, "t")
        job.pair.target.purge(job.name, 7)
        again = Job(job.pair, job.name, "one")
        again.owner = replace(again.owner, number=6)
        with pytest.raises(Superseded), closing(again):
            await again.begin()
        assert job.pair.target.executed(job.name) is None
        assert await other.begin() is None

    @in_loop
    async def test_a_node_that_is_alone_has_no_number_and_takes_the_job(self, job: Job, other: Job) -> None:
        job.owner = replace(job.owner, number=5)
        await self._following(job, "t")
        assert await other.begin() is not None

    @in_loop
    async def test_an_old_claim_is_worth_nothing_on_a_new_connection(self, job: Job, other: Job) -> None:
        await self._following(job, "t")
        job.pair.write("t", insert=["a"])
        [record] = await job.read()
        assert isinstance(record, Transaction)
        order = await job.group(record)
        job.session().abandon()
        await other.begin()
        session = other.session(1)
        with pytest.raises(Superseded):
            session.apply([order])
        session.rollback()
        assert job.pair.target_rows("t") == {}

    @in_loop
    async def test_what_a_session_has_open_when_it_is_abandoned_is_rolled_back(self, job: Job, other: Job) -> None:
        await self._following(job, "t")
        job.pair.write("t", insert=[f"k{number}" for number in range(job.pair.large_rows)])
        parts = await job.read()
        assert len(parts) > 1 and all(isinstance(each, Part) for each in parts)
        orders = await job.parts(parts)  # type: ignore[arg-type]
        for order in orders[:-1]:
            job.session().apply_part(order)
        assert job.session().in_large_transaction
        job.session().abandon()
        job.sessions.clear()
        found = await other.begin()
        assert found is not None and job.state is not None
        assert str(found.executed) == str(job.state.executed)
        assert job.pair.target_rows("t") == {}

    # ---- Large transactions, XA, definitions ----

    @in_loop
    async def test_the_parts_of_a_large_transaction_are_committed_with_the_last(self, job: Job) -> None:
        await self._following(job, "t")
        job.pair.write("t", insert=[f"k{number}" for number in range(job.pair.large_rows)])
        parts = await job.read()
        assert len(parts) > 1
        orders = await job.parts(parts)  # type: ignore[arg-type]
        for order in orders[:-1]:
            job.session().apply_part(order)
            assert job.session().in_large_transaction
            assert job.pair.target_rows("t") == {}
        job.session().apply_part(orders[-1])
        assert not job.session().in_large_transaction
        assert job.pair.target_rows("t") == job.pair.source_rows("t")

    @in_loop
    async def test_a_part_without_the_one_before_it_is_no_part(self, job: Job) -> None:
        await self._following(job, "t")
        job.pair.write("t", insert=[f"k{number}" for number in range(job.pair.large_rows)])
        orders = await job.parts(await job.read())  # type: ignore[arg-type]
        with pytest.raises(Transient):
            job.session().apply_part(orders[1])
        job.session().rollback()
        assert job.pair.target_rows("t") == {}

    @pytest.mark.parametrize("commit", [True, False])
    def test_a_prepared_transaction_is_kept_until_its_end_whichever_it_is(
        self, job: Job, other: Job, commit: bool
    ) -> None:
        in_loop(self._prepared)(job, other, commit)

    async def _prepared(self, job: Job, other: Job, commit: bool) -> None:
        await self._following(job, "t")
        xid = job.name
        job.pair.prepare(xid, "t", ["a", "b"])
        [prepared] = await job.read()
        assert isinstance(prepared, Transaction) and prepared.xid
        await job.commit(prepared)
        assert job.pair.target_rows("t") == {}
        job.pair.end(xid, commit=commit)
        end = (await job.read())[-1]
        assert isinstance(end, XaEnd) and end.commit == commit
        other.stand_at(await other.begin())
        await other.inline()
        await other.control.end_prepared(other.claim(end, slot=3), end)
        assert job.pair.target_rows("t") == job.pair.source_rows("t")
        assert bool(job.pair.target_rows("t")) == commit

    @in_loop
    async def test_the_end_of_a_transaction_that_was_never_kept_is_unsupported(self, job: Job) -> None:
        await self._following(job, "t")
        job.pair.prepare(job.name, "t", ["a"])
        job.pair.end(job.name, commit=True)
        end = (await job.read())[-1]
        assert isinstance(end, XaEnd)
        await job.inline()
        with pytest.raises(Unsupported, match="prepared before"):
            await job.control.end_prepared(job.claim(end, slot=3), end)

    @in_loop
    async def test_a_definition_runs_once_under_its_id_whoever_sends_it(self, job: Job, other: Job) -> None:
        await job.follow()
        job.pair.create("made")
        [record] = await job.read()
        assert isinstance(record, Definition)
        await job.define(record, number=1)
        assert job.pair.target_rows("made") == {}
        await job.define(record, number=1)
        await other.begin()
        await other.define(record, number=1)
        assert job.pair.target_rows("made") == {}
