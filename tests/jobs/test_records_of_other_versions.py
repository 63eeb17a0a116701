"""A record that another version wrote: what this one does not know of it is carried, or it is left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.jobs.newer_records import before_formats, newer_record
from udup.base.errors import Failure, FailureKind
from udup.jobs import JobRecord, Stage, TaskType, UnreadRecord, history, to_api, to_stub
from udup.jobs.fitting import fitting
from udup.jobs.record import FORMAT
from udup.jobs.unread import read_record


def _written(record: JobRecord) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.to_json())
    return found


def test_a_record_of_an_earlier_version_is_read_and_written_as_it_is() -> None:
    record = read_record(before_formats(), "key")
    assert not isinstance(record, UnreadRecord) and record.format == 1 and record.stage == Stage.COPYING
    assert _written(record) == before_formats(), "and that version reads it again"


def test_fields_of_a_newer_version_survive_at_every_level() -> None:
    record = read_record(newer_record(), "key")
    assert not isinstance(record, UnreadRecord)
    assert _written(record) == newer_record()


def test_fields_of_a_newer_version_survive_what_happens_to_the_job() -> None:
    record = before = read_record(newer_record(), "key")
    record = history.node_started(record, 400)
    record = history.run_failed(record, [TaskType.SRC], "broken", 5, 500)
    record = history.recovered(history.started(history.back(record, 600), 700))
    record = history.paused(history.pause_wanted(record, 800), 900)
    record, _ = history.numbered(fitting(record, before), before, 90)
    written, new = _written(record), {"new_text", "new_object"}
    assert new <= written.keys()
    for name in ("allocations", "evaluations", "restart_history", "skipped", "wishes"):
        assert new <= written[name][0].keys(), name
    for name in ("posted", "start", "cutover", "stopped", "progress"):
        assert written[name] == newer_record()[name], name
    assert new <= written["allocations"][0]["state"].keys()
    assert written["modify_index"] == 90


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"stage": "rewinding"}, "stage: "),
        ({"desired": "nap"}, "desired: "),
        ({"format": FORMAT + 1}, f"its format is {FORMAT + 1}"),
        ({"format": "two"}, "its format is 'two'"),
        ({"skipped": [{"gtid": 7}]}, "skipped.0."),
        ({"evaluations": "none"}, "evaluations: "),
    ],
)
def test_a_record_that_this_version_cannot_read_is_shown_with_what_to_do(change: dict[str, Any], told: str) -> None:
    record = read_record({**newer_record(), **change}, "key")
    assert isinstance(record, UnreadRecord)
    assert (record.id, record.modify_index, record.stage) == ("a/1", before_formats()["modify_index"], Stage.PENDING)
    for shown in (to_api(record), to_stub(record)):
        assert shown["Status"] == "pending" and told in shown["StatusDescription"]
        assert "start the version that wrote it" in shown["StatusDescription"]
        assert '"p"' not in json.dumps(shown), "a password"


@pytest.mark.parametrize("raw", [None, [], {}, {"id": 7, "document": "x", "modify_index": "y"}, "text"])
def test_a_damaged_record_is_shown_by_its_key(raw: Any) -> None:
    record = read_record(raw, "0123456789abcdef")
    assert isinstance(record, UnreadRecord) and record.id == "0123456789abcdef"
    assert to_api(record)["ID"] == record.id


def test_an_unknown_field_of_a_record_keeps_no_failure_from_being_noted() -> None:
    record = read_record(newer_record(), "key")
    failure = Failure(FailureKind.DIVERGENCE, "broken", gtid="u:1")
    ended = history.given_up(record, [TaskType.DEST], failure, 5)
    assert ended.stopped is not None and ended.stopped.gtid == "u:1" and "new_text" in _written(ended)
