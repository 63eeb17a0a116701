"""`udup job tables`: states, rows that were changed and when last, in the order that is wanted."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Asking
from tests.web.conftest import MemoryJobs
from udup.pipeline.ports.tables import TableChange, TablesOnTarget
from udup.web.openapi.examples import job_document


@pytest.fixture
def job(jobs: MemoryJobs) -> str:
    jobs.register(job_document() | {"ID": "shop"}, None)
    changes = (
        TableChange("s", "t1", 10, 2, 3, changed_us=1_700_000_000_000_000),
        TableChange("s", "t3", 1, 0, 0, changed_us=1_700_000_009_000_000),
    )
    jobs.tables_on_target = TablesOnTarget(1_600_000_000_000_000, changes)
    return "shop"


def _tables(asking: Asking, *options: str) -> list[list[str]]:
    result = asking("job", "tables", "shop", *options)
    assert result.exit_code == 0
    return [line.split() for line in result.stdout.splitlines() if line.startswith("s.")]


def test_each_table_is_told_with_what_was_changed(job: str, asking: Asking) -> None:
    told = _tables(asking)
    assert [line[0] for line in told] == [f"s.t{number}" for number in range(5)]
    assert told[1] == ["s.t1", "waiting", "10", "2", "3", "2023-11-14T22:13:20.000Z"]
    assert told[0] == ["s.t0", "waiting", "0", "0", "0"]
    assert "rows changed since 2020-09-13T12:26:40.000Z" in asking("job", "tables", job).stdout


def test_the_busiest_or_the_newest_come_first_if_that_is_wanted(job: str, asking: Asking) -> None:
    assert [line[0] for line in _tables(asking, "--sort", "changes")][:2] == ["s.t1", "s.t3"]
    assert [line[0] for line in _tables(asking, "--sort", "last")][:2] == ["s.t3", "s.t1"]


def test_a_target_that_cannot_be_asked_is_told(job: str, jobs: MemoryJobs, asking: Asking) -> None:
    jobs.tables_on_target, jobs.target_away = None, "the target is down"
    result = asking("job", "tables", job)
    assert result.exit_code == 0 and "what was changed is not known: the target is down" in result.stdout
