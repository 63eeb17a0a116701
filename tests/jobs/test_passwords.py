"""Passwords of a job stay inside, and come back only to where they belong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.jobs.documents import lowered, refused, seed, with_connection
from udup.base.errors import Refused
from udup.jobs import (
    MASK,
    JobRecord,
    accept,
    masked,
    merge_passwords,
    parse_job,
    to_api,
    unwrap,
)


def test_passwords_are_masked_at_any_depth_and_in_any_case() -> None:
    document = {"a": [{"PASSWORD": "x", "b": {"password": ""}}], "Password": None, "n": 1}
    assert masked(document) == {"a": [{"PASSWORD": MASK, "b": {"password": MASK}}], "Password": None, "n": 1}
    assert "rootroot" not in json.dumps(masked(seed()))


def test_a_masked_job_posted_back_keeps_its_passwords() -> None:
    _, stored = accept(with_connection(Password="secret") | {"ID": "one"})
    answer = to_api(JobRecord(id="one", document=stored))
    answer["Tasks"].reverse()
    answer["Tasks"][1]["Config"]["ChunkSize"] = 500
    answer = lowered(answer)
    spec, kept = accept(answer, stored)
    assert spec.source_endpoint().password == "secret"
    assert spec.target_endpoint().password == "rootroot"
    assert spec.chunk_size == 500
    assert MASK not in json.dumps(kept)


def test_a_new_password_replaces_the_stored_one() -> None:
    merged = merge_passwords(with_connection(Password="new"), seed())
    assert parse_job(merged).source_endpoint().password == "new"


@pytest.mark.parametrize("change", [{"Host": "10.0.0.1"}, {"Port": 1}, {"User": "eve"}])
def test_a_stored_password_never_goes_to_another_server_or_account(change: dict[str, Any]) -> None:
    merged = merge_passwords(with_connection(Password=MASK, **change), seed())
    assert "is the mask" in refused(merged)["Tasks[0].Config.ConnectionConfig.Password"]


def test_a_mask_without_a_stored_password_is_refused() -> None:
    with pytest.raises(Refused, match="is the mask"):
        accept(with_connection(Password=MASK))


def test_passwords_are_in_no_repr_and_no_error() -> None:
    document = with_connection(Password="s3cret", Port=0, Host=["s3cret"])
    with pytest.raises(Refused) as caught:
        parse_job(document)
    assert "s3cret" not in str(caught.value) + repr(caught.value.faults)
    wrong = with_connection(Password=["s3cret"])
    with pytest.raises(Refused) as caught:
        parse_job(wrong)
    assert "s3cret" not in str(caught.value)
    spec, kept = accept(with_connection(Password="s3cret"))
    assert "s3cret" not in repr(spec) + repr(JobRecord(id="one", document=kept)) + repr(unwrap(kept))
