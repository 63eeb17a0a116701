"""What is stored at once, what is gathered, and what is given again to another StoreKeeper."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from udup.actors.job import Job
from udup.actors.journal import FIRST_INDEX, RecordJournal
from udup.actors.store_messages import Forget, Save, ShowProgress
from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused
from udup.jobs import JobProgress, JobRecord, accept, history
from udup.jobs.numbers import placed
from udup.jobs.skipped import SkippedTransaction
from udup.sandbox.api import job_document


class Desk:
    """A journal, what it has sent, how often it has asked to be woken, and the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *job_ids: str) -> None:
        self.now = 1000.0
        self.sent: list[Any] = []
        self.wakes = 0
        self.jobs = {job_id: _job(job_id) for job_id in job_ids}
        self.journal = RecordJournal(self.jobs, self.sent.append, self._wake)
        monkeypatch.setattr(runtime, "now", lambda: self.now)

    def _wake(self) -> None:
        self.wakes += 1

    def note(self, job_id: str) -> None:
        job = self.jobs[job_id]
        self.journal.note(job, history.started(job.record, 1))

    def report(self, job_id: str, rows: int) -> None:
        job = self.jobs[job_id]
        job.progress = JobProgress(rows=rows)
        self.journal.progress_changed(job)

    def taken(self) -> list[Any]:
        sent, self.sent[:] = list(self.sent), []
        return sent


def _job(job_id: str) -> Job:
    here = Endpoint("127.0.0.1", 1, "nobody", "")
    spec, kept = accept({**job_document(job_id, here, replace(here, port=2), ["s"]), "ID": job_id})
    record = history.registered(JobRecord(id=spec.id, document=kept), None, 1)
    return Job(record, spec, "nats://127.0.0.1:1", 1 << 20)


def test_a_write_that_is_waited_for_is_sent_at_once_and_its_end_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, told = Desk(monkeypatch, "a"), []
    job = desk.jobs["a"]
    desk.journal.save(job, job.record, lambda: told.append(desk.journal.index))
    [order] = desk.taken()
    assert isinstance(order, Save) and order.record is job.record is job.stored
    assert not told and order.record.modify_index < 0, "where it is stored is not known"
    for _ in range(2):
        desk.journal.saved(order.ticket, 2)
    assert told == [FIRST_INDEX + 2] and not desk.journal.orders_waiting
    assert job.record is job.stored and job.record.modify_index == FIRST_INDEX + 1
    assert job.record.evaluations[0].create_index == FIRST_INDEX + 2, "its evaluation has the next one"


def test_another_store_keeper_is_given_in_the_same_order_what_the_one_before_has_not_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk, told = Desk(monkeypatch, "a", "b"), []
    for job_id, job in desk.jobs.items():
        desk.journal.save(job, job.record, lambda job_id=job_id: told.append(job_id))  # type: ignore[misc]
    desk.journal.forget("b", (), lambda: told.append("gone"))
    first, second, third = desk.taken()
    desk.journal.saved(first.ticket, 2)
    desk.journal.repeat()
    assert desk.taken() == [second, third] and isinstance(third, Forget)
    for order in (second, second, third):
        desk.journal.saved(order.ticket, 3)
    assert told == ["a", "b", "gone"]


def test_what_comes_late_of_a_job_that_is_gone_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, told = Desk(monkeypatch, "a"), []
    job = desk.jobs.pop("a")
    desk.journal.forget("a", (), lambda: told.append("gone"))
    desk.journal.save(job, job.record, lambda: told.append("saved"))
    desk.jobs["a"] = _job("a")  # another of its ID
    desk.journal.save(job, job.record)
    assert [type(each) for each in desk.taken()] == [Forget]


def test_that_a_record_is_not_stored_is_news_once(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, "a")
    news = []
    for why in ("another has it", "another has it", "it is too large"):
        desk.journal.save(desk.jobs["a"], desk.jobs["a"].record)
        news.append(desk.journal.not_saved("a", desk.taken()[0].ticket, why))
    assert news == [True, False, True] and not desk.journal.orders_waiting
    assert [each for each in desk.journal.ailments if "it is too large" in each]


def test_indexes_are_put_in_wherever_what_was_written_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second write is ordered before the first is stored, and is given to another StoreKeeper."""
    desk = Desk(monkeypatch, "a")
    job, journal = desk.jobs["a"], desk.journal
    first = job.record.model_copy(update={"create_index": journal.next_number})
    journal.save(job, first)
    journal.save(job, history.registered_again(job.record))
    one, _ = desk.taken()
    journal.saved(one.ticket, 7)
    journal.repeat()
    [again] = desk.taken()
    assert again.record.create_index == job.record.create_index == 16 and job.record is job.stored
    assert again.record.evaluations[0].create_index == 17
    assert again.record.modify_index < 0 and again.record.evaluations[1].create_index < 0
    journal.saved(again.ticket, 9)
    assert (job.record.modify_index, job.record.create_index, journal.index) == (20, 16, 21)
    assert [each.create_index for each in job.record.evaluations] == [17, 21]
    assert all(each.create_index > 0 for each in job.record.allocations)


def test_a_write_that_was_never_stored_gets_the_indexes_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, "a")
    job, journal = desk.jobs["a"], desk.journal
    journal.save(job, job.record.model_copy(update={"create_index": journal.next_number}))
    journal.save(job, job.record)
    one, two = desk.taken()
    journal.not_saved("a", one.ticket, "too large")
    assert placed(two.record, two.ticket, 4).create_index == 10
    journal.saved(two.ticket, 4)
    assert job.record.create_index == job.record.modify_index == 10


def test_what_happens_is_gathered_and_written_at_most_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, "a", "b")
    for _ in range(5):
        desk.note("a")
        desk.report("a", 7)
        desk.report("b", 8)
    assert not desk.taken() and desk.wakes == 1
    desk.journal.flush()
    shown, saved = desk.taken()
    assert shown == ShowProgress({"a": JobProgress(rows=7), "b": JobProgress(rows=8)})
    assert isinstance(saved, Save) and saved.record.id == "a"
    desk.note("a")
    assert desk.wakes == 2
    desk.now += 0.4
    desk.journal.flush()
    assert not desk.taken() and desk.wakes == 3, "written just now: it comes again"
    desk.now += 0.7
    desk.journal.flush()
    assert [type(each) for each in desk.taken()] == [Save] and desk.wakes == 3


def test_a_record_that_asks_for_more_than_the_store_takes_is_refused_and_the_job_is_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(monkeypatch, "a")
    job = desk.jobs["a"]
    desk.journal.save(job, job.record)
    desk.taken()
    before, index = job.record, desk.journal.index
    desk.journal.max_bytes = 2 * len(before.to_json())
    entries = tuple(SkippedTransaction(time_ns=number, gtid=f"u:{number}", error="x" * 100) for number in range(50))
    with pytest.raises(Refused, match=r"would have .* raise max_payload of your NATS server, or keep its list"):
        desk.journal.save(job, before.model_copy(update={"skipped": entries}))
    assert (job.record, job.stored, desk.journal.index, desk.taken()) == (before, before, index, [])


def test_at_the_end_everything_is_written_and_nothing_that_was_written_already(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, "a", "b")
    desk.journal.save(desk.jobs["b"], desk.jobs["b"].record)
    desk.taken()
    desk.note("a")
    desk.journal.save_all()
    desk.journal.save_all()
    assert [each.record.id for each in desk.taken()] == ["a"]


def test_the_progress_of_a_job_that_is_gone_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, "a")
    desk.report("a", 1)
    desk.journal.forget("a", (), lambda: None)
    del desk.jobs["a"]
    desk.taken()
    desk.journal.flush()
    assert not desk.taken()


def test_what_a_job_has_reported_is_shown_with_its_record_and_not_later(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, "a", "b")
    desk.report("a", 5)
    desk.report("b", 6)
    desk.journal.save(desk.jobs["a"], history.started(desk.jobs["a"].record, 1))
    shown, order = desk.taken()
    assert isinstance(shown, ShowProgress) and shown.progress["a"].rows == 5 and list(shown.progress) == ["a"]
    assert isinstance(order, Save)
    desk.journal.flush()
    [rest] = desk.taken()
    assert isinstance(rest, ShowProgress) and list(rest.progress) == ["b"], "it was shown already"
