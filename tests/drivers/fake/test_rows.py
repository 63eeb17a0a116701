"""What rows need on a fake target: contexts where tables compute, a commit of their own where tables undo nothing."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from tests.drivers.contract.job import Job, in_loop
from tests.drivers.fake.pair import FakePair
from udup.base.endpoint import Endpoint
from udup.base.errors import Divergence, Refused, Transient, Unsupported
from udup.drivers.fake import server as servers
from udup.drivers.fake.changes import Table
from udup.drivers.fake.drivers import FakeDrivers, end_of
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.replay import rows_at
from udup.pipeline.orders import MarkedGroup
from udup.pipeline.ports import End, Scope
from udup.pipeline.records import Transaction
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

T, M = ("s", "t"), ("s", "m")


@pytest.fixture
def pair() -> FakePair:
    return FakePair()


@pytest.fixture
def job(pair: FakePair) -> Iterator[Job]:
    job = Job(pair, "job")
    yield job
    job.close()


@in_loop
async def test_a_table_that_computes_gets_its_rows_in_the_session_that_wrote_them(job: Job, pair: FakePair) -> None:
    pair.from_.log.create(T, computes=True)
    pair.to.tables[T] = Table(computes=True)
    await job.follow()
    for zone in ("UTC", "Asia/Tokyo", "UTC"):
        pair.from_.log.write(
            lambda rows, zone=zone: rows.insert(T, f"k{len(pair.from_.log.entries)}"), context={"time_zone": zone}
        )  # type: ignore[misc]
    await job.carry_out(await job.read())
    assert pair.to.rows(T) == pair.from_.rows(T) == {"k1": ("2@UTC",), "k2": ("3@Asia/Tokyo",), "k3": ("4@UTC",)}


@in_loop
async def test_without_the_context_it_would_show(job: Job, pair: FakePair) -> None:
    pair.from_.log.create(T, computes=True)
    pair.to.tables[T] = Table(computes=True)
    await job.follow()
    pair.from_.log.write(lambda rows: rows.insert(T, "a"))
    [record] = await job.read()
    assert isinstance(record, Transaction)
    order = await job.group(record)
    job.session().apply([type(order)(1, 1, order.version, order.gtids, order.events, order.label)])
    assert pair.to.rows(T) == {"a": ("2@none",)} != pair.from_.rows(T)


@in_loop
async def test_a_prepared_transaction_keeps_its_context(job: Job, pair: FakePair) -> None:
    pair.from_.log.create(T, computes=True)
    pair.to.tables[T] = Table(computes=True)
    await job.follow()
    pair.from_.log.prepare("x", lambda rows: rows.insert(T, "a"), context={"time_zone": "Asia/Tokyo"})
    pair.from_.log.end("x", commit=True)
    prepared, end = await job.read()
    await job.commit(prepared)  # type: ignore[arg-type]
    await job.inline()
    await job.control.end_prepared(job.claim(end, slot=3), end)  # type: ignore[arg-type]
    assert pair.to.rows(T) == pair.from_.rows(T) == {"a": ("2@Asia/Tokyo",)}
    assert pair.to.jobs.kept == {} == pair.to.jobs.kept_context


async def _marked(job: Job, pair: FakePair) -> MarkedGroup:
    """Three transactions of a table that undoes nothing."""
    pair.from_.log.create(M, transactional=False)
    pair.to.tables[M] = Table(transactional=False)
    await job.follow()
    for key in ("a", "b", "c"):
        pair.from_.log.write(lambda rows, key=key: rows.insert(M, key).insert(M, key + "2"))  # type: ignore[misc]
    records = [each for each in await job.read() if isinstance(each, Transaction)]
    assert await job.control.check_tables("x", records[0].new_maps), "it is told once"
    assert not await job.control.check_tables("x", records[0].new_maps)
    assert job.control.rules.runs_alone(records[0].events)
    claims = [job.claim(record) for record in records]
    for record in records:
        job.take(record)
    items = [(record.id.gtid, record.events) for record in records]
    gtids = f"{pair.from_.uuid}:2-4"
    return MarkedGroup(1, claims[0].version, gtids, items, job.control.rules.marked(records[0]))


@in_loop
async def test_tables_that_undo_nothing_are_written_between_two_marks(job: Job, pair: FakePair) -> None:
    order = await _marked(job, pair)
    job.session().apply_marked(order)
    assert pair.to.rows(M) == pair.from_.rows(M) and pair.to.jobs.notes == {}
    state = await Job(pair, "job").begin()
    assert state is not None and str(state.executed) == "alpha:1-4"


@in_loop
async def test_what_of_them_was_applied_when_the_session_ended_is_executed(job: Job, pair: FakePair) -> None:
    order = await _marked(job, pair)
    pair.to.faults.cut("before", "ApplySession.apply_marked rows", nth=3)
    with pytest.raises(Transient):
        job.session().apply_marked(order)
    job.close()
    state = await job.begin()
    assert state is not None and str(state.executed) == "alpha:1-3"
    assert sorted(pair.to.rows(M)) == ["a", "a2", "b", "b2"]


@pytest.mark.parametrize("applied", [True, False])
def test_of_a_transaction_that_is_torn_somebody_has_to_say_what_is_there(
    job: Job, pair: FakePair, applied: bool
) -> None:
    async def work() -> None:
        order = await _marked(job, pair)
        pair.to.tables[M].rows["b2"] = ("theirs",)
        with pytest.raises(Divergence, match="alpha:3"):
            job.session().apply_marked(order)
        job.close()
        with pytest.raises(Divergence, match="settle"):
            await job.begin()
        job.control.abort()
        with pytest.raises(Refused):
            pair.target.settle("job", "alpha:2", applied=applied)
        pair.target.settle("job", "alpha:3", applied=applied)
        state = await job.begin()
        assert state is not None and str(state.executed) == ("alpha:1-3" if applied else "alpha:1-2")

    in_loop(work)()


@in_loop
async def test_such_a_table_and_another_in_one_transaction_are_unsupported(job: Job, pair: FakePair) -> None:
    pair.from_.log.create(T)
    pair.to.tables[T] = Table()
    await _marked(job, pair)
    pair.from_.log.write(lambda rows: rows.insert(M, "z").insert(T, "z"))
    [record] = await job.read()
    assert isinstance(record, Transaction)
    with pytest.raises(Unsupported, match=r"s\.m"):
        job.control.rules.marked(record)


@in_loop
async def test_a_definition_that_differs_is_told_before_a_row_is_applied(job: Job, pair: FakePair) -> None:
    pair.from_.log.create(T, shape="id, name")
    pair.to.tables[T] = Table(shape="id")
    await job.follow()
    pair.from_.log.write(lambda rows: rows.insert(T, "a"))
    [record] = await job.read()
    with pytest.raises(Unsupported, match="id, name"):
        await job.group(record)  # type: ignore[arg-type]
    del pair.to.tables[T]
    with pytest.raises(Divergence, match="not on the target"):
        await job.group(record)  # type: ignore[arg-type]


@in_loop
async def test_what_a_target_has_is_what_its_transactions_make_by_the_names_that_the_job_gives(
    job: Job, pair: FakePair
) -> None:
    selection = Selection((SchemaRule("s", tables=(NameRule("t", rename="renamed"),)),))
    pair.__class__ = type("Renaming", (FakePair,), {"scope": property(lambda self: Scope(selection))})
    await job.follow()
    log = pair.from_.log
    log.create(T)
    log.create(M)
    log.write(lambda rows: rows.insert(T, "a").insert(M, "b"))
    log.write(lambda rows: rows.insert(M, "c"))
    log.alter(T, "id, name")
    await job.carry_out(await job.read())
    assert pair.to.all_rows() == {("s", "renamed"): {"a": ("3", "#5")}}
    assert rows_at(log.entries, log.executed, selection) == pair.to.all_rows()
    assert rows_at(log.entries, FakePosition.parse("alpha:1-4"), selection) == {("s", "renamed"): {"a": ("3",)}}


def test_servers_are_found_by_their_names_wherever_the_drivers_are(pair: FakePair) -> None:
    servers.register(pair.to)
    try:
        drivers = pickle.loads(pickle.dumps(FakeDrivers()))
        assert drivers.target(end_of(pair.to)).where == "omega"
        with pytest.raises(Refused, match="nobody"):
            drivers.source(End("fake", Endpoint("nobody", 0, "", "")))
    finally:
        servers.forget("omega")
