"""What is to go wrong with a fake server does, at the call that was named, and says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.drivers.contract.job import Job, in_loop
from tests.drivers.fake.pair import FakePair
from udup.base.errors import Contended, Superseded, Transient, Unsupported
from udup.drivers.fake.changes import Op
from udup.pipeline.orders import Group
from udup.pipeline.records import Part, Transaction

T = ("s", "t")


@pytest.fixture
def pair() -> FakePair:
    pair = FakePair()
    pair.create("t")
    pair.copy_table("t")
    return pair


@pytest.fixture
def job(pair: FakePair) -> Iterator[Job]:
    job = Job(pair, "job")
    yield job
    job.close()


async def _one_group(job: Job, pair: FakePair, key: str = "a") -> Group:
    pair.write("t", insert=[key])
    [record] = [each for each in await job.read() if isinstance(each, Transaction)]
    return await job.group(record)


@in_loop
async def test_a_call_that_is_cut_before_it_is_carried_out_has_no_effect(job: Job, pair: FakePair) -> None:
    await job.follow()
    order = await _one_group(job, pair)
    pair.to.faults.cut("before", "ApplySession.apply")
    with pytest.raises(Transient):
        job.session().apply([order])
    assert pair.target_rows("t") == {}
    with pytest.raises(Transient):
        job.session().apply([order])
    assert pair.to.faults.fired == ["before ApplySession.apply session1"]
    assert pair.to.places("job") == ["control", "inline"], "the connection is gone"


@in_loop
async def test_a_call_that_is_cut_after_it_has_taken_effect_and_nobody_is_told(job: Job, pair: FakePair) -> None:
    await job.follow()
    order = await _one_group(job, pair)
    pair.to.faults.cut("after", "ApplySession.apply", who="session1")
    with pytest.raises(Transient):
        job.session().apply([order])
    assert pair.target_rows("t") == pair.source_rows("t")
    job.sessions.clear()
    with pytest.raises(Superseded):
        job.session().apply([order])
    assert pair.target_rows("t") == pair.source_rows("t")


@in_loop
async def test_a_definition_whose_answer_is_lost_is_not_run_again(job: Job, pair: FakePair) -> None:
    await job.follow()
    pair.write("t", insert=["a"])
    await job.carry_out(await job.read())
    pair.from_.log.alter(T, "id, name")
    [record] = await job.read()
    pair.to.faults.cut("after", "TargetControl.run_definition")
    with pytest.raises(Transient):
        await job.define(record, number=1)  # type: ignore[arg-type]
    job.close()
    await job.begin()
    await job.define(record, number=1)  # type: ignore[arg-type]
    assert pair.target_rows("t") == pair.source_rows("t") == {"a": ("2", "#3")}


@in_loop
async def test_a_held_call_stands_still_until_it_is_released(job: Job, pair: FakePair) -> None:
    await job.follow()
    order = await _one_group(job, pair)
    gate = pair.to.faults.hold("ApplySession.apply")
    thread = threading.Thread(target=job.session().apply, args=([order],))
    thread.start()
    assert gate.wait_until_reached()
    assert pair.target_rows("t") == {} and thread.is_alive()
    gate.release()
    thread.join(10)
    assert pair.target_rows("t") == pair.source_rows("t")


@in_loop
async def test_the_nth_call_is_refused_and_the_connection_stays(job: Job, pair: FakePair) -> None:
    await job.follow()
    first = await _one_group(job, pair)
    pair.to.faults.refuse("ApplySession.apply", Unsupported("no"), nth=2)
    job.session().apply([first])
    with pytest.raises(Unsupported):
        job.session().apply([first])
    with pytest.raises(Superseded):
        job.session().apply([first])


@in_loop
async def test_a_locked_row_is_waited_for_and_the_same_group_may_be_tried_again(job: Job, pair: FakePair) -> None:
    await job.follow()
    order = await _one_group(job, pair)
    with pair.to.locked_row(T, "a"):
        with pytest.raises(Contended):
            job.session().apply([order])
        job.session().rollback()
    job.session().apply([order])
    assert pair.target_rows("t") == pair.source_rows("t")


@in_loop
async def test_a_lock_that_is_given_up_in_time_is_only_a_wait(job: Job, pair: FakePair) -> None:
    pair.to.settings.lock_wait_s = 10
    await job.follow()
    order = await _one_group(job, pair)
    thread = threading.Thread(target=job.session().apply, args=([order],))
    with pair.to.locked_row(T, "a"):
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
    thread.join(10)
    assert not thread.is_alive() and pair.target_rows("t") == pair.source_rows("t")


@in_loop
async def test_a_server_that_dies_loses_what_is_open_and_keeps_what_is_committed(job: Job, pair: FakePair) -> None:
    await job.follow()
    job.session().apply([await _one_group(job, pair)])
    kept = pair.target_rows("t")
    pair.write("t", insert=[f"k{number}" for number in range(pair.large_rows)])
    parts = [each for each in await job.read() if isinstance(each, Part)]
    [first, *_] = await job.parts(parts)
    with pytest.raises(Superseded):
        job.session().apply_part(first)  # its claim does not know of the group before it
    pair.to.down()
    with pytest.raises(Transient, match="is down"):
        job.session().apply_part(first)
    with pytest.raises(Transient, match="is down"):
        pair.target.open_session("job", 1)
    pair.to.up()
    assert pair.target_rows("t") == kept and pair.to.places("job") == []
    job.sessions.clear()
    job.control.abort()
    found = await job.begin()
    assert found is not None and job.pair.target.position(f"{pair.from_.uuid}:2") <= found.executed


def test_a_row_is_the_history_of_what_wrote_it(pair: FakePair) -> None:
    log = pair.from_.log
    log.write(lambda rows: rows.insert(T, "a").insert(T, "b"))
    log.write(lambda rows: rows.update(T, "a").update(T, "a"))
    log.write(lambda rows: rows.delete(T, "b"))
    assert pair.from_.rows(T) == {"a": ("2", "3", "3")}
    with pytest.raises(KeyError):
        log.write(lambda rows: rows.insert(T, "a"))


def test_what_depends_on_what_is_what_their_rows_say(pair: FakePair) -> None:
    log = pair.from_.log
    log.write(lambda rows: rows.insert(T, "a"))
    log.write(lambda rows: rows.insert(T, "b"))
    log.write(lambda rows: rows.update(T, "a"))
    log.prepare("x", lambda rows: rows.update(T, "b"))
    with pytest.raises(ValueError, match="locked"):
        log.write(lambda rows: rows.update(T, "b"))
    log.end("x", commit=True)
    log.write(lambda rows: rows.update(T, "b"))
    log.alter(T, "id, name")
    log.rotate()
    log.write(lambda rows: rows.insert(T, "c"))
    marks = [(each.id.order.sequence, each.id.order.last_committed, each.id.order.fence) for each in log.entries]
    assert marks == [
        (1, 0, True),  # the table
        (2, 1, False),
        (3, 1, False),
        (4, 2, False),
        (5, 3, False),
        (6, 1, False),  # the end of a prepared one
        (7, 5, False),  # depends on XA PREPARE, whose locks held it back
        (8, 7, False),
        (1, 0, True),
    ]
    assert [change.op for change in log.entries[1].changes] == [Op.INSERT]
