"""A job's progress: what was told is in its JSON and nothing else; what an older or newer version wrote is read."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

from udup.jobs import JobProgress, JobRecord, Stage
from udup.jobs.progress import TableProgress, TaskReport
from udup.jobs.progress_fields import FIELDS

DOCUMENT = Path(__file__).parents[2] / "docs" / "statistics.md"


def test_what_was_not_told_is_not_in_the_json_and_what_is_not_known_is_null() -> None:
    told = JobProgress.of({"lag_ms": None, "rows": 0, "eta_s": 0})
    assert json.dumps(told.as_dict(), sort_keys=True) == '{"eta_s": 0, "lag_ms": null, "rows": 0}'
    assert JobProgress().as_dict() == {}
    assert told.transactions is None


def test_whole_numbers_stay_whole_and_others_stay_as_they_are() -> None:
    values = {"eta_s": 2.5, "tx_per_s": 4, "lag_ms": 1.5, "tables": {"s.t": {"rows": 3, "eta_s": 0}}}
    assert json.dumps(JobProgress.of(values).as_dict()) == json.dumps(
        {"lag_ms": 1.5, "tx_per_s": 4, "eta_s": 2.5, "tables": {"s.t": {"rows": 3, "eta_s": 0}}}
    )


def test_what_another_version_wrote_is_carried_and_what_does_not_fit_is_left_out() -> None:
    stored = {"rows": 3, "of_tomorrow": [1], "lag_ms": "late", "tables": {"s.t": {"total": 4, "new": 1}}}
    read = JobProgress.of(stored)
    assert read.as_dict() == {"rows": 3, "of_tomorrow": [1], "tables": {"s.t": {"total": 4, "new": 1}}}
    assert JobProgress.of({"rows": 3, "tables": {"s.t": {"rows": "many"}}}).as_dict() == {"rows": 3}
    later = read.updated(JobProgress(rows=5))
    assert later.as_dict()["of_tomorrow"] == [1] and later.rows == 5
    record = JobRecord.from_json(json.dumps({"id": "j", "document": {}, "progress": stored}))
    assert record.progress == read
    assert json.loads(record.to_json())["progress"] == read.as_dict()
    assert pickle.loads(pickle.dumps(read)).as_dict() == read.as_dict()


def test_both_tasks_fill_one_object_and_nobody_takes_back_what_the_other_has_told() -> None:
    source = TaskReport.of({"source_gtid": "x:1-5", "sent_messages": 2, "extracted_gtid": "", "warning": "unsure"})
    target = TaskReport.of(
        {"stage": "running", "source_gtid": "", "lag_ms": 0, "level": True, "transactions": 0, "told": ("t",)}
    )
    both = JobProgress().updated(source.progress).updated(target.progress)
    assert both.as_dict() == {
        "source_gtid": "x:1-5",
        "sent_messages": 2,
        "extracted_gtid": "",
        "lag_ms": 0,
        "level": True,
        "transactions": 0,
    }
    assert (source.stage, source.told, source.stale_views) == (None, ("unsure",), None)
    assert (target.stage, target.told) == (Stage.RUNNING, ("t",))
    assert not source.proves_the_run and target.proves_the_run
    assert TaskReport.of({"stage": "catching_up", "transactions": 1}).proves_the_run


def test_an_engine_may_report_an_object_of_its_own() -> None:
    class Reported:
        def as_dict(self) -> dict[str, object]:
            return {"rows": 2, "stale_views": ["v"]}

    report = TaskReport.of(Reported())
    assert report.progress == JobProgress(rows=2) and report.stale_views == ("v",)


def test_a_warning_is_shown_once_and_nobody_is_level_before_a_run_says_so() -> None:
    progress = JobProgress().warned(["a", "b", "a"]).warned(["b", "c"])
    assert progress.warnings == ["a", "b", "c"]
    assert JobProgress(level=True, rows=1).not_level().as_dict() == {"level": False, "lag_ms": None, "rows": 1}
    assert JobProgress().not_level().as_dict() == {}, "of a job that has never run nothing is said"


def test_the_document_describes_every_field() -> None:
    described = set(re.findall(r"`([a-z_]+)`", DOCUMENT.read_text("utf-8")))
    assert set(JobProgress.model_fields) <= described
    assert set(TableProgress.__annotations__) <= described


def _documented() -> dict[str, tuple[tuple[str, ...], str]]:
    """Each key of the document's tables of Progress, with the keys of its row and the row's unit."""
    text = DOCUMENT.read_text("utf-8").split("\n## Progress\n")[1].split("\n## ")[0]
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 3 and cells[0].startswith("`"):
            keys = tuple(re.findall(r"`(\w+)`", cells[0]))
            found.update(dict.fromkeys(keys, (keys, cells[1])))
    return found


def test_every_field_is_described_with_its_unit_and_the_document_says_the_same() -> None:
    documented = _documented()
    assert set(FIELDS) == set(JobProgress.model_fields) == set(documented)
    for keys, unit in set(documented.values()):
        told = dict.fromkeys(FIELDS[key][0].removesuffix("/s") for key in keys)
        assert ", ".join(each for each in told if each) == unit, keys
    assert all(text and not text.endswith(".") for _, text in FIELDS.values())
