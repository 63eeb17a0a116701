"""What happened to a job, as a node notes it while it looks, and as another one tells it that has just come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from udup.base.errors import Failure, FailureKind, Side
from udup.jobs import DesiredState, JobProgress, JobRecord, Stage, TaskType, history, timeline
from udup.jobs.growth import Growth, GrowthState
from udup.jobs.outage import Away, Outage
from udup.jobs.progress import WaitingFor
from udup.jobs.skipped import SkippedTransaction
from udup.jobs.timeline import OF_ONE, Timeline, TimelineBook
from udup.jobs.versions import EarlierDocument, Posted
from udup.pipeline.cutover.state import Cutover, Options, StepName, StepState
from udup.pipeline.verify.state import CompareOptions, CompareState, Comparison

SRC, DEST = TaskType.SRC, TaskType.DEST

#: A second in nanoseconds, and when the jobs below begin.
S = 1_000_000_000
BEGIN = 1_764_000_000 * S

GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:17"


class Life:
    """A job's record as it changes, and the time line of a node that looks after each change."""

    def __init__(self) -> None:
        self.now, self._index = BEGIN, 6
        posted = Posted(number=1, time_ns=BEGIN)
        self.record = JobRecord(id="one", document={}, posted=posted, incarnation="a", create_index=6)
        self.timeline = Timeline()
        self._order = 0
        self.happens(lambda record: history.registered(record, None, self.now))

    def happens(self, change: Callable[[JobRecord], JobRecord], seconds: float = 1) -> None:
        """Change the record as it is stored a second later, and look."""
        self.now += int(seconds * S)
        self._index += 1
        self.record = change(self.record).model_copy(update={"modify_index": self._index})
        self.look()

    def reports(self, **progress: Any) -> None:
        """Its run says something; nothing is stored."""
        self.now += S
        self.record = self.record.model_copy(update={"progress": self.record.progress.with_(**progress)})
        self.look()

    def look(self) -> None:
        self._order += self.timeline.take(self.record, self.now, self._order)

    @property
    def kinds(self) -> list[str]:
        return [each.what.kind.value for each in self.timeline.entries]

    @property
    def last(self) -> Any:
        return self.timeline.entries[-1].what


def _update(**fields: Any) -> Callable[[JobRecord], JobRecord]:
    return lambda record: record.model_copy(update=fields)


def _eventful() -> Life:
    """A job that runs, loses its source, is back, fails for good, is resumed, paused, resumed and given a document."""
    life = Life()
    life.happens(lambda record: history.started(record, life.now))
    life.happens(lambda record: history.run_failed(record, (SRC,), "gone", 200, life.now))
    life.happens(lambda record: history.back(record, life.now))
    failure = Failure(FailureKind.DIVERGENCE, "no such row", gtid=GTID, table="shop.orders")
    life.happens(lambda record: history.given_up(record, (DEST,), failure, life.now))
    life.happens(lambda record: history.resumed(record, life.now))
    life.happens(lambda record: history.started(record, life.now))
    life.happens(lambda record: history.pause_wanted(record, life.now))
    life.happens(lambda record: history.paused(record, life.now))
    life.happens(lambda record: history.resumed(record, life.now))
    life.happens(lambda record: history.started(record, life.now))

    def posted_again(record: JobRecord) -> JobRecord:
        second = Posted(number=2, time_ns=life.now)
        earlier = (EarlierDocument(document={}, **record.posted.model_dump()),)
        after = record.model_copy(update={"posted": second, "documents": earlier})
        return history.registered(after, record, life.now)

    life.happens(posted_again)
    return life


def test_a_life_is_told_in_order_each_thing_once() -> None:
    life = _eventful()
    first = ["document", "started", "reconnecting", "connected", "failed"]
    expected = [*first, "resumed", "started", "paused", "resumed", "started", "document"]
    assert life.kinds == expected
    failed = life.timeline.entries[4].what
    assert (failed.text, failed.gtid, failed.table) == ("no such row", GTID, "shop.orders")
    assert dict(failed.params) == {"kind": "Divergence"}
    life.look()
    life.happens(lambda record: record)
    assert life.kinds == expected, "nothing is told twice"


def test_a_node_that_was_started_again_tells_the_same_with_the_same_numbers() -> None:
    life, again = _eventful(), Timeline()
    again.take(life.record, life.now + 60 * S, 0)
    told = [(each.number, each.what.kind, each.what.text) for each in life.timeline.entries]
    told_again = [(each.number, each.what.kind, each.what.text) for each in again.entries]
    # The failure before the last is no one's last any more: that it was for good its task's events say.
    assert told_again == told
    assert [each.number for each in again.entries] == sorted({each.what.time_ns // 1_000_000 for each in again.entries})


def test_events_that_a_record_keeps_no_longer_are_not_told_as_others() -> None:
    life = Life()
    for _ in range(20):
        life.happens(lambda record: history.run_failed(record, (SRC,), "gone", 200, life.now))
        life.happens(lambda record: history.back(record, life.now))
    assert life.kinds == ["document", *(["reconnecting", "connected"] * 20)]


def test_which_side_is_away_is_told_with_it() -> None:
    life = Life()
    failure = Failure(FailureKind.UNAVAILABLE, "no route", Side.SOURCE)

    def lost(record: JobRecord) -> JobRecord:
        since = life.now / 1e9
        outage = Outage(
            side=Side.SOURCE, why="no route", since=since, next_try=since + 1, sides=(_away(Side.SOURCE, since),)
        )
        return history.waits(record, (SRC,), failure, outage, 200, life.now)

    life.happens(lost)
    assert dict(life.last.params) == {"for": "source", "to": "10.0.0.1:3306"}


def _away(side: Side, since: float) -> Away:
    return Away(side=side, to="10.0.0.1:3306", since=since)


def test_what_is_done_to_a_job_is_told() -> None:
    life = Life()
    skipped = SkippedTransaction(time_ns=life.now, gtid=GTID, error="no such row", table="shop.orders")
    life.happens(_update(skipped=(skipped,)))
    assert (life.last.kind.value, life.last.gtid, life.last.table) == ("skipped", GTID, "shop.orders")
    growth = Growth(state=GrowthState.LEAVING, reloads=("shop.orders",), since_ns=life.now)
    life.happens(_update(growth=growth))
    assert (life.last.kind.value, life.last.table) == ("reload", "shop.orders")
    cutover = Cutover.asked(Options())
    life.happens(_update(cutover=cutover.model_copy(update={"since_ns": life.now})))
    assert life.last.text == "Cut-over: begun"
    checked = cutover.steps[0].model_copy(update={"state": StepState.FAILED, "time_ns": life.now, "text": "behind"})
    steps = (checked, *cutover.steps[1:])
    life.happens(_update(cutover=cutover.model_copy(update={"since_ns": life.now, "steps": steps})))
    assert life.last.text == "Cut-over: check failed: behind"
    assert dict(life.last.params) == {"step": StepName.CHECK.value, "state": StepState.FAILED.value}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"differences": 4}, "differs"),
        ({"definitions": 1}, "differs"),
        ({}, "compared"),
        ({"options": CompareOptions(repair=True)}, "repaired"),
        (
            {"state": CompareState.RUNNING, "ended_ns": 0, "last_ended_ns": BEGIN + 9 * S, "last_differences": 1},
            "differs",
        ),
    ],
)
def test_the_end_of_a_comparison_is_told(fields: dict[str, Any], kind: str) -> None:
    life = Life()
    done = {"state": CompareState.DONE, "ended_ns": life.now, **fields}
    life.happens(
        _update(comparison=Comparison(id="c", options=CompareOptions(), since_ns=BEGIN).model_copy(update=done))
    )
    assert life.kinds == ["document", kind]


def test_what_no_record_keeps_is_noted_when_it_is_seen() -> None:
    life = Life()
    life.happens(_update(stage=Stage.COPYING))
    life.reports(tables={"s.a": {"rows": 7}, "s.b": {"rows": 1}}, copied_rows=8)
    life.reports(tables={"s.a": {"rows": 9, "complete": True}, "s.b": {"rows": 1}}, copied_rows=10)
    assert (life.last.kind.value, life.last.table, life.last.text) == ("table_complete", "s.a", "s.a is copied: 9 rows")
    many = {f"s.t{number}": {"rows": 1, "complete": True} for number in range(30)}
    life.reports(tables=many)
    assert (life.kinds[-1], life.last.text) == ("table_complete", "30 tables are copied")
    life.happens(_update(stage=Stage.CATCHING_UP))
    life.happens(_update(stage=Stage.RUNNING))
    life.reports(definitions=3)
    life.reports(definitions=4)
    life.reports(waiting_for=WaitingFor(what="row lock", side="target", statement="INSERT"))
    life.reports(waiting_for=WaitingFor(what="row lock", side="target", statement="INSERT 2"))
    life.reports(waiting_for=WaitingFor(what="credits", side="source"))
    assert life.kinds[-4:] == ["copy_complete", "caught_up", "definition", "throttled"]
    assert life.last.text == "Waits for row lock on the target: INSERT"


def test_another_job_of_the_same_id_has_a_time_line_of_its_own() -> None:
    life = _eventful()
    life.happens(_update(incarnation="b", allocations=(), restart_history=(), documents=(), stopped=None))
    assert life.kinds == ["document"]


def test_a_page_begins_behind_a_number_and_without_one_it_is_the_last() -> None:
    entries = list(_eventful().timeline.entries)
    timeline = _eventful().timeline
    assert [each.number for each in timeline.page(0, 3, ())] == [each.number for each in entries[-3:]]
    assert [each.number for each in timeline.page(entries[1].number, 2, ())] == [each.number for each in entries[2:4]]
    assert [each.what.kind for each in timeline.page(0, 9, {"resumed", "failed"})] == ["failed", "resumed", "resumed"]


def test_a_time_line_is_bounded_and_so_are_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "OF_ALL", OF_ONE + 20)
    book, order, now = TimelineBook(), 0, BEGIN
    quiet = [_running(f"quiet-{number}", 1) for number in range(10)]
    for count in range(1, OF_ONE + 200):
        now += S
        order = book.take([_running("busy", count), *quiet], now, order)
    kept = [len(book.of(each).entries) for each in ("busy", *(record.id for record in quiet))]
    assert sum(kept) == OF_ONE + 10  # what the busy one had noted beyond its own bound was dropped by that
    monkeypatch.setattr(timeline, "OF_ALL", 100)
    book.take([_running("busy", 1000), *quiet], now, order)
    assert [len(book.of(each).entries) for each in ("busy", "quiet-3")] == [90, 1]
    book.take(quiet, now, order)
    assert not book.of("busy").entries


def _running(job_id: str, definitions: int) -> JobRecord:
    progress = JobProgress(definitions=definitions)
    posted = Posted(time_ns=BEGIN)
    return JobRecord(
        id=job_id, document={}, desired=DesiredState.RUN, stage=Stage.RUNNING, progress=progress, posted=posted
    )
