"""A job that has begun goes on by its checkpoint; another start that its document has now is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from udup.base.errors import Refused
from udup.pipeline.start_note import JobStart

A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
FIRST = JobStart("shop", "i" * 32, f"{A}:1-5")
BY_COPY = replace(FIRST, position=None)


def test_a_run_with_the_start_that_the_job_began_with_goes_on() -> None:
    FIRST.check_begun(FIRST.note, f"{A}:1-9")
    BY_COPY.check_begun(BY_COPY.note, f"{A}:1-9")
    replace(BY_COPY, copy_alone=True).check_begun(BY_COPY.note, f"{A}:1-9")


def test_a_document_without_a_start_goes_on() -> None:
    BY_COPY.check_begun(FIRST.note, f"{A}:1-9")


@pytest.mark.parametrize("position", [f"{A}:1-4", f"{A}:1-9", ""])
def test_another_start_is_refused_with_both_ways_out(position: str) -> None:
    """Earlier than the first one, later than it, and from the very beginning."""
    with pytest.raises(Refused) as caught:
        replace(FIRST, position=position).check_begun(FIRST.note, f"{A}:1-7")
    (fault,) = caught.value.faults
    assert f"{A}:1-7" in fault.problem and (position or "nothing") in fault.problem
    assert "post the document without a start" in fault.remedy and "udup job delete --purge shop" in fault.remedy


def test_a_start_of_a_job_that_has_its_copy_is_refused() -> None:
    with pytest.raises(Refused, match="by a full copy"):
        FIRST.check_begun(BY_COPY.note, f"{A}:1-7")


def test_a_copy_alone_of_a_job_that_began_without_a_copy_is_refused() -> None:
    with pytest.raises(Refused, match="nothing was copied"):
        replace(BY_COPY, copy_alone=True).check_begun(FIRST.note, f"{A}:1-7")


@pytest.mark.parametrize("note", ["", JobStart("shop", "", f"{A}:1").note, JobStart("shop", "k" * 32, f"{A}:1").note])
def test_a_checkpoint_of_another_job_of_this_id_or_of_an_older_version_is_gone_on_with(note: str) -> None:
    FIRST.check_begun(note, f"{A}:1-9")
    replace(FIRST, incarnation="").check_begun(note, f"{A}:1-9")


def test_a_note_has_room_in_its_column() -> None:
    assert len(FIRST.note) <= 100 and FIRST.note.isascii()
