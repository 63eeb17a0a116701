"""A job's record always fits into the job store: what was asked is kept or refused, what only happened gives way."""

from __future__ import annotations

import pytest

from udup.base.errors import Refused
from udup.jobs import JobProgress, JobRecord, history
from udup.jobs.fitting import RECORD_MAX, STORED_MAX, fitting
from udup.jobs.record import MAX_RESTARTS, Restart
from udup.jobs.skipped import SkippedTransaction
from udup.jobs.versions import EarlierDocument
from udup.pipeline.cutover.state import Cutover, KeptEvent, Options


def _record(**more: object) -> JobRecord:
    made = history.registered(JobRecord(id="shop", document={"Name": "shop"}), None, 1)
    return made.model_copy(update=more)


def _text(size: int) -> dict[str, str]:
    return {"Name": "x" * size}


def test_a_record_with_room_stays_as_it_is() -> None:
    record = _record()
    assert fitting(record, None) is record


def test_a_document_a_ledger_or_a_cut_over_that_outgrows_the_store_is_refused_with_a_remedy() -> None:
    entry = SkippedTransaction(time_ns=1, gtid="u:1", error="x" * 500)
    event = KeptEvent(schema_name="s", name="e" * 60, target_schema="s")
    cutover = Cutover(id="c", options=Options(), since_ns=1, events=(event,) * 50_000)
    before = _record()
    for more, remedy in (
        ({"document": _text(RECORD_MAX)}, "name whole schemas in its document"),
        ({"skipped": (entry,) * 8000}, r"keep its list of passed over transactions \(udup job status shop\)"),
        ({"cutover": cutover}, "make several jobs of it"),
    ):
        with pytest.raises(Refused, match=remedy):
            fitting(before.model_copy(update=more), before)


def test_what_happens_to_a_job_is_never_refused_whatever_was_asked_before() -> None:
    before = _record(document=_text(RECORD_MAX))
    after = before.model_copy(update={"status_description": "it has failed"})
    assert fitting(after, before) == after


def test_what_only_happened_gives_way_the_earlier_documents_first_and_the_last_failure_never() -> None:
    documents = tuple(EarlierDocument(number=number, document=_text(1000)) for number in range(5))
    tables = {f"s.t{number}": {"rows": number} for number in range(1000)}
    restarts = tuple(Restart(time_ns=number, error="y" * 500) for number in range(MAX_RESTARTS))
    progress = JobProgress.of({"rows": 7, "tables": tables})
    full = _record(documents=documents, progress=progress, restart_history=restarts)
    size = len(full.to_json())
    kept = [fitting(full, full, most) for most in (2 * size, size, size // 2, size // 5)]
    assert kept[0] is full
    assert 0 < len(kept[1].documents) < 5 and kept[1].documents[-1] == documents[-1] and kept[1].progress.tables
    assert not kept[2].documents and not kept[2].progress.tables and kept[2].progress.rows == 7
    assert len(kept[2].restart_history) == MAX_RESTARTS
    assert kept[3].restart_history == restarts[-2:] and len(kept[3].allocations) == 2
    assert all(len(each.to_json()) < most for each, most in zip(kept[1:], (size, size // 2, size // 5), strict=True))


def test_a_smaller_nats_server_takes_smaller_documents() -> None:
    record = _record(document=_text(600 << 10))
    assert fitting(record, None, STORED_MAX) is record
    with pytest.raises(Refused, match="raise max_payload of your NATS server"):
        fitting(record, None, 1 << 20)
