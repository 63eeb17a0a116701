"""Passwords of destinations stay inside, and come back only to where they belong."""

from __future__ import annotations

import base64
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.documents import lowered
from tests.jobs.subscriptions import faults_of, refused, to_kafka, to_nats
from udup.base.errors import Refused
from udup.base.logs import mask_secrets
from udup.base.secrets import FILES_DIR_VARIABLE, PLACEHOLDER
from udup.jobs import MASK, JobRecord, accept, parse_job, to_api
from udup.jobs.differences import differences
from udup.jobs.plan import plan_of
from udup.store.sealing import KEY_BYTES, load_keyring

SECRET = "pa55word-of-the-sink"


def _nats(password: str = SECRET, **account: Any) -> dict[str, Any]:
    return to_nats({"Url": "nats.example:4222", "User": "u", "Password": password, **account})


def _kafka(password: str = SECRET, **account: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"Brokers": ["a:1", "b:2"], "User": "u", "Password": password}
    return to_kafka({**given, **account})


BOTH = pytest.mark.parametrize(("make", "key"), [(_nats, "NatsConfig"), (_kafka, "KafkaConfig")])


@BOTH
def test_an_answer_shows_no_password_and_may_be_posted_back(make: Any, key: str) -> None:
    _, stored = accept(make())
    answer = to_api(JobRecord(id="events", document=stored))
    assert SECRET not in json.dumps(answer)
    assert answer["Tasks"][1]["Config"][key]["Password"] == MASK
    answer["Tasks"].reverse()
    for posted in (answer, lowered(answer)):
        spec, kept = accept(posted, stored)
        plan = spec.delivery_plan()
        assert plan is not None and plan.sink["Password"] == SECRET
        assert MASK not in json.dumps(kept)


@BOTH
def test_a_new_password_replaces_the_stored_one(make: Any, key: str) -> None:
    _, stored = accept(make())
    _, kept = accept(make("another"), stored)
    assert kept["Tasks"][1]["Config"][key]["Password"] == "another"


@pytest.mark.parametrize(
    ("stored", "posted", "key"),
    [
        (_nats(), _nats(MASK, Url="eve.example:4222"), "NatsConfig"),
        (_nats(), _nats(PLACEHOLDER, Url="tls://nats.example:4222"), "NatsConfig"),
        (_nats(), _nats(MASK, User="eve"), "NatsConfig"),
        (_kafka(), _kafka(MASK, Brokers=["a:1", "eve:2"]), "KafkaConfig"),
        (_kafka(), _kafka(MASK, Brokers="eve:2"), "KafkaConfig"),
        (_kafka(), _kafka(MASK, User="eve"), "KafkaConfig"),
        (_nats(), _kafka(MASK), "KafkaConfig"),
    ],
)
def test_a_stored_password_never_goes_to_another_sink_or_account(
    stored: dict[str, Any], posted: dict[str, Any], key: str
) -> None:
    with pytest.raises(Refused) as caught:
        accept(posted, stored)
    [fault] = caught.value.faults
    assert fault.where == f"Tasks[1].Config.{key}.Password" and "is the mask" in fault.problem
    assert ("Url and User" if key == "NatsConfig" else "Brokers and User") in fault.remedy


def test_brokers_in_another_form_of_the_same_list_keep_the_password() -> None:
    spec, _ = accept(_kafka(MASK, Brokers="a:1,b:2"), _kafka())
    plan = spec.delivery_plan()
    assert plan is not None and plan.sink["Password"] == SECRET


@BOTH
def test_a_mask_without_a_stored_password_is_refused(make: Any, key: str) -> None:
    assert "is the mask" in refused(make(MASK))[f"{key}.Password"]


@BOTH
def test_passwords_are_in_no_repr_no_fault_and_no_difference(make: Any, key: str) -> None:
    spec, _ = accept(make())
    assert SECRET not in repr(spec) + repr(plan_of(spec)) + repr(spec.delivery_plan())
    spoilt = make()
    spoilt["Tasks"][1]["Config"] |= {"RowsPerMessage": -1, key: {**spoilt["Tasks"][1]["Config"][key], "User": ""}}
    assert SECRET not in str(faults_of(spoilt))
    [found] = differences(make(), make("another"))
    assert (found.path, found.before, found.after) == (f"Tasks[Dest].Config.{key}.Password", MASK, MASK)


@BOTH
def test_they_are_sealed_in_the_store(make: Any, key: str) -> None:
    keys = load_keyring(Path(), base64.b64encode(os.urandom(KEY_BYTES)).decode())
    document = make()
    document["Tasks"][1]["Config"]["Options"] = {"database.password": SECRET, "topic.delimiter": "."}
    sealed = keys.seal("events", document)
    assert SECRET not in json.dumps(sealed)
    assert sealed["Tasks"][1]["Config"]["Options"]["topic.delimiter"] == "."
    assert keys.open("events", sealed) == document
    moved = keys.open("another job", sealed)
    with pytest.raises(Refused, match=rf"{key}.Password: is sealed"):
        parse_job(moved)


@BOTH
def test_a_reference_is_shown_and_looked_up(make: Any, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UDUP_SECRET_SINK", "found")
    spec, stored = accept(make("env:UDUP_SECRET_SINK"))
    plan = spec.delivery_plan()
    assert plan is not None and plan.sink["Password"] == "env:UDUP_SECRET_SINK", "read for each connection"
    answer = to_api(JobRecord(id="events", document=stored))
    assert answer["Tasks"][1]["Config"][key]["Password"] == "env:UDUP_SECRET_SINK"
    monkeypatch.delenv("UDUP_SECRET_SINK")
    with pytest.raises(Refused) as caught:
        accept(make("env:UDUP_SECRET_SINK"))
    [fault] = caught.value.faults
    assert fault.where == f"Tasks[1].Config.{key}.Password" and "UDUP_SECRET_SINK" in fault.problem


def test_a_variable_that_is_not_for_jobs_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME_SECRET", "of the server")
    with pytest.raises(Refused, match="may name only those"):
        accept(_kafka("env:HOME_SECRET"))


def test_files_that_this_node_cannot_read_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FILES_DIR_VARIABLE, str(tmp_path))
    posted = to_nats({"Url": "tls://h:1", "Credentials": "mine.creds", "SslCa": str(tmp_path / "nothing.pem")})
    with pytest.raises(Refused) as caught:
        accept(posted)
    found = {fault.where.rpartition(".")[2] for fault in caught.value.faults}
    assert found == {"Credentials", "SslCa"}
    (tmp_path / "mine.creds").write_text("-----BEGIN NATS USER JWT-----")
    accept(to_nats({"Url": "h:1", "Credentials": "mine.creds"}))
    accept(to_nats({"Url": "h:1", "Credentials": "file:mine.creds"}))
    with pytest.raises(Refused, match="is not in the server's folder"):
        accept(to_nats({"Url": "h:1", "Credentials": "../elsewhere.creds"}))
    monkeypatch.delenv(FILES_DIR_VARIABLE)
    with pytest.raises(Refused, match=r"secrets\.files_dir"):
        accept(to_nats({"Url": "h:1", "Credentials": "mine.creds"}))


# ---- Salts of masks, which stand in the names of options ----

_HASH = "column.mask.hash.v2.SHA-256.with.salt."


def _salted(*salts: str, **more: str) -> dict[str, Any]:
    return to_nats(Options={**{f"{_HASH}{salt}": f"shop\\.t\\.c{n}" for n, salt in enumerate(salts)}, **more})


def _options_of(document: dict[str, Any]) -> dict[str, str]:
    spec, _ = accept(document)
    plan = spec.delivery_plan()
    assert plan is not None
    return dict(plan.options)


@pytest.mark.parametrize("salt", ["pepper.1", "top-secret", "PASSWORD"])
def test_a_mask_holds_whatever_its_salt_says(salt: str) -> None:
    assert _options_of(_salted(salt)) == {f"{_HASH}{salt}": "shop\\.t\\.c0"}


def test_salts_are_hidden_and_come_back_where_the_answer_is_posted() -> None:
    document = _salted("pepper", "ginger", **{"topic.delimiter": "_"})
    _, stored = accept(document)
    answer = to_api(JobRecord(id="events", document=stored))
    assert not any(salt in json.dumps(answer) for salt in ("pepper", "ginger"))
    shown = answer["Tasks"][1]["Config"]["Options"]
    assert list(shown) == [f"{_HASH}{MASK}", f"{_HASH}{MASK}2", "topic.delimiter"]
    shown[f"{_HASH}{MASK}2"] = "shop.t.other"
    for posted in (answer, lowered(answer)):
        spec, _ = accept(posted, stored)
        plan = spec.delivery_plan()
        assert plan is not None
        assert plan.options[f"{_HASH}pepper"] == "shop\\.t\\.c0" and plan.options[f"{_HASH}ginger"] == "shop.t.other"
    with pytest.raises(Refused, match="has the mask of a salt"):
        accept(answer)


def test_salts_are_in_no_difference_and_sealed_in_the_store() -> None:
    before, after = _salted("pepper"), _salted("ginger")
    found = list(differences(before, after))
    assert found and not any(salt in str(found) for salt in ("pepper", "ginger"))
    spec, _ = accept(before)
    assert "pepper" not in repr(spec) + repr(plan_of(spec)) + repr(spec.delivery_plan())
    assert "pepper" not in str(faults_of(_salted("pepper" + "x" * 1000)))
    keys = load_keyring(Path(), base64.b64encode(os.urandom(KEY_BYTES)).decode())
    sealed = keys.seal("events", before)
    assert "pepper" not in json.dumps(sealed) and keys.is_sealed_now(sealed) and not keys.is_sealed_now(before)
    assert keys.open("events", sealed) == before
    with pytest.raises(Refused, match="has the mask of a salt"):
        parse_job(keys.open("another job", sealed))
    assert "pepper" not in str(mask_secrets(logging.getLogger(), "info", {"document": before}))
    named = _salted("env:UDUP_SECRET_SALT")
    assert f"{_HASH}env:UDUP_SECRET_SALT" in json.dumps(keys.seal("events", named))
    assert f"{_HASH}env:UDUP_SECRET_SALT" in json.dumps(to_api(JobRecord(id="events", document=named)))
