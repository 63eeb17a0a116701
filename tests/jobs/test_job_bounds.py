"""Documents and IDs posted to do harm, or by mistake: refused soon, and nothing is made that cannot be undone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from udup.base.errors import Refused
from udup.base.ids import PARTS, unaddressable
from udup.jobs import accept, parse_job
from udup.jobs.document.bounds import MAX_PATTERNS, MAX_UNKNOWN
from udup.jobs.document.told import MAX_FAULTS
from udup.web.middleware import _clean
from udup.web.resources import jobs as api


def _task(kind: str, port: int, **config: Any) -> dict[str, Any]:
    account = {"Host": "127.0.0.1", "Port": port, "User": "u", "Password": "p"}
    return {"Type": kind, "Config": {"ConnectionConfig": account, **config}}


def _job(source: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"Name": "n", "Tasks": [_task("Src", 1, **(source or {})), _task("Dest", 2)], **more}


def _refused(document: dict[str, Any]) -> list[str]:
    with pytest.raises(Refused) as caught:
        accept(document)
    return [str(fault) for fault in caught.value.faults]


# ---- IDs ----

ODD = [".", "..", "../x", "x/..", "//a", "/a", "a/", "a//b", "/", "a/./b", *(f"x/{part}" for part in sorted(PARTS))]


@pytest.mark.parametrize("job_id", ODD)
def test_an_id_that_no_path_can_name_is_refused(job_id: str) -> None:
    (told,) = _refused(_job(ID=job_id))
    assert told.startswith("ID: ") and "choose another ID" in told


@pytest.mark.parametrize("job_id", ["a", "a/b", "pause", "pause/x", "...", ".a", "a.", "%2F", "é", "a?b#c", "a\\b"])
def test_an_id_with_slashes_and_dots_in_other_places_is_taken(job_id: str) -> None:
    assert accept(_job(ID=job_id))[0].id == job_id
    assert _clean(f"/v1/job/{job_id}") == f"/v1/job/{job_id}"


@pytest.mark.parametrize("job_id", ODD)
def test_a_job_that_was_made_with_such_an_id_is_read_and_changed_as_before(job_id: str) -> None:
    assert parse_job(_job(ID=job_id)).id == job_id
    assert accept(_job(ID=job_id), _job(ID=job_id))[0].id == job_id


def test_every_part_that_the_api_has_is_one_that_no_id_ends_in() -> None:
    assert api.PARTS <= PARTS
    assert all(unaddressable(f"x/{part}") and not unaddressable(part) for part in api.PARTS)


# ---- Size ----


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: _job(**{f"k{number}": 1 for number in range(80_000)}), f"more than {MAX_UNKNOWN} keys"),
        (lambda: _job({f"k{number}": 1 for number in range(80_000)}), f"more than {MAX_UNKNOWN} keys"),
        (lambda: _job(Meta={"a": [{"password": number} for number in range(40_000)]}), f"more than {MAX_UNKNOWN} keys"),
        (lambda: _job(Meta=[[]] * 100_000), f"more than {MAX_UNKNOWN} keys"),
        (lambda: _job({"ReplicateDoDb": [{}] * 250_000}), "Tasks.Config.ReplicateDoDb: has 250000 elements"),
        (lambda: _job({"replicatedodb": [{}] * 250_000}), "Tasks.Config.ReplicateDoDb: has 250000 elements"),
        (lambda: _job({"SqlFilter": ["x"] * 150_000}), "SqlFilter: has 150000 elements"),
        (lambda: _job(Datacenters=[1] * 400_000), "Datacenters: has 400000 elements"),
        (lambda: _job() | {"Tasks": [{}] * 250_000}, "Tasks: has 250000 elements"),
        (
            lambda: _job({"ReplicateDoDb": [{"TableSchemaRegex": f"a{number}"} for number in range(12_000)]}),
            f"more than {MAX_PATTERNS} regular expressions",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_would_take_long_to_read_is_refused_soon(make: Callable[[], dict[str, Any]], told: str) -> None:
    """Within two seconds of the processor's time, which other processes do not make longer."""
    document = make()
    begun = time.process_time()
    (fault,) = _refused(document)
    assert told in fault
    assert time.process_time() - begun < 2


def test_a_document_with_thousands_of_faults_is_told_those_that_somebody_reads() -> None:
    told = _refused(_job({"ReplicateDoDb": [{"Tables": [7]}] * 3000}))
    assert len(told) == MAX_FAULTS + 1 and "more faults" in told[-1]


def test_a_job_of_ten_thousand_tables_with_notes_of_its_own_is_taken() -> None:
    tables = [{"TableName": f"t{number}", "TableRename": f"u{number}"} for number in range(10_000)]
    spec, kept = accept(_job({"ReplicateDoDb": [{"TableSchema": "s", "Tables": tables}]}, Meta={"owner": ["a"] * 100}))
    assert len(spec.source.config.replicate_do_db[0].tables) == 10_000 and kept["Meta"]["owner"]
