"""Lists of IDs, --all, several files: what was done for each job is told, and a failure shows in the exit code."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Asking
from tests.web.conftest import MemoryJobs
from udup.base.errors import Fault, Refused
from udup.base.secrets import FILES_DIR_VARIABLE, MASK, PLACEHOLDER, read_password
from udup.cli.commands import ExitCode
from udup.jobs import DesiredState, JobRecord, JobSpec, Stage, TaskSpec, parse_job
from udup.sandbox.api import Json
from udup.web.openapi.examples import job_document
from udup.web.ports import WouldNotStart


def _document(job_id: str) -> Json:
    return job_document() | {"ID": job_id}


@pytest.fixture
def four(jobs: MemoryJobs) -> MemoryJobs:
    """A job in each state: runs, failed, paused, completed."""
    for job_id in ("runs", "failed", "paused", "completed"):
        jobs.register(_document(job_id), None)
    jobs.change("runs", stage=Stage.RUNNING)
    jobs.change("failed", stage=Stage.FAILED)
    jobs.change("paused", stage=Stage.PAUSED, desired=DesiredState.PAUSE)
    jobs.change("completed", stage=Stage.COMPLETED)
    return jobs


def _desired(jobs: MemoryJobs) -> dict[str, str]:
    return {job_id: record.desired.value for job_id, record in jobs.records.items()}


# ---- pause and resume ----


def test_every_job_of_a_list_is_paused_and_told(four: MemoryJobs, asking: Asking) -> None:
    result = asking("job", "pause", "runs", "pau", "runs")
    assert result.exit_code == ExitCode.OK
    assert result.stdout == "job runs is being paused\njob paused is paused already\n"


def test_an_id_that_is_none_changes_no_job(four: MemoryJobs, asking: Asking) -> None:
    before = _desired(four)
    for words in (("pause", "runs", "nobody"), ("delete", "--yes", "runs", "nobody"), ("stop", "--yes", "nobody")):
        result = asking("job", *words)
        assert result.exit_code == ExitCode.FAILED and 'prefix or id "nobody"' in result.stderr
    assert _desired(four) == before


def test_all_jobs_that_run_are_paused(four: MemoryJobs, asking: Asking) -> None:
    result = asking("job", "pause", "--all")
    assert result.exit_code == ExitCode.OK
    assert set(result.stdout.splitlines()) == {
        "job runs is being paused",
        "job paused is paused already",
        "job failed has failed, and is left as it is",
        "job completed is completed, and left as it is",
    }
    assert [job_id for job_id, desired in _desired(four).items() if desired == "pause"] == ["runs", "paused"]


def test_all_jobs_that_are_paused_or_have_failed_are_resumed(four: MemoryJobs, asking: Asking) -> None:
    four.change("failed", desired=DesiredState.PAUSE)  # else this API in memory has nothing to do
    result = asking("job", "resume", "--all")
    assert result.exit_code == ExitCode.OK
    assert set(result.stdout.splitlines()) == {
        "job runs is running already",
        "job paused is being resumed",
        "job failed is being resumed",
        "job completed is completed, and left as it is",
    }


def test_what_fails_for_one_job_is_told_and_the_others_are_done(four: MemoryJobs, asking: Asking) -> None:
    four.unwilling = {"runs"}
    result = asking("job", "pause", "runs", "failed")
    assert result.exit_code == ExitCode.FAILED
    assert result.stdout == "job failed is being paused\n" and "job runs: PUT " in result.stderr
    listed = json.loads(asking("job", "pause", "--json", "runs", "failed").stdout)
    assert [(each["ID"], each["Success"], bool(each["Error"])) for each in listed] == [
        ("runs", False, True),
        ("failed", False, False),
    ]


def test_one_job_is_answered_as_the_api_answers_and_all_as_a_list(four: MemoryJobs, asking: Asking) -> None:
    assert set(json.loads(asking("job", "pause", "--json", "runs").stdout)) == {
        "Index", "KnownLeader", "LastContact", "Success"
    }  # fmt: skip
    assert len(json.loads(asking("job", "resume", "--json", "--all").stdout)) == 4


def test_no_job_at_all_is_no_fault(asking: Asking) -> None:
    assert asking("job", "pause", "--all").stdout == "No running jobs\n"
    assert asking("job", "resume", "--all", "--json").stdout == "[]\n"


# ---- stop and delete ----


@pytest.mark.parametrize("verb", ["stop", "delete"])
def test_jobs_are_removed_only_when_that_is_confirmed(four: MemoryJobs, asking: Asking, verb: str) -> None:
    result = asking("job", verb, "runs")
    assert result.exit_code == ExitCode.USAGE and "--yes" in result.stderr
    result = asking("job", verb, "runs", "failed", answer="n\n")
    assert f'{verb} 2 jobs, "runs", "failed"' in result.stderr and f"Cancelling job {verb}" in result.stdout
    assert len(four.records) == 4
    assert asking("job", verb, "--purge", "runs", "failed", answer="y\n").exit_code == ExitCode.OK
    assert asking("job", verb, "--yes", "completed").stdout == "job completed deleted\n"
    assert list(four.records) == ["paused"] and four.purged == ["runs", "failed"]


def test_the_originals_stop_asks_for_a_prefix_only(four: MemoryJobs, asking: Asking) -> None:
    assert asking("stop", "ru").exit_code == ExitCode.USAGE
    assert asking("stop", "runs").exit_code == ExitCode.OK
    assert "runs" not in four.records


# ---- Several files ----


def _write(*documents: Json) -> list[str]:
    names = [f"{number}.json" for number, _ in enumerate(documents)]
    for name, document in zip(names, documents, strict=True):
        Path(name).write_text(json.dumps(document))
    return names


def test_jobs_of_several_files_are_posted_and_each_is_told(jobs: MemoryJobs, asking: Asking) -> None:
    wrong = _document("b") | {"Nmae": "x"}
    files = _write(_document("a"), wrong, {"Job": _document("c")})
    result = asking("job", "run", *files)
    assert result.exit_code == ExitCode.FAILED
    assert result.stdout == "job a registered\njob c registered\n"
    assert result.stderr.startswith("1.json: PUT ") and "did you mean Name?" in result.stderr
    assert list(jobs.records) == ["a", "c"]
    told = json.loads(asking("job", "run", "--json", *files).stdout)
    assert [(each["File"], each["Job"] and each["Job"]["ID"], bool(each["Error"])) for each in told] == [
        ("0.json", "a", False),
        ("1.json", None, True),
        ("2.json", "c", False),
    ]


def test_nothing_is_posted_if_a_file_cannot_be_read_or_two_are_one_job(jobs: MemoryJobs, asking: Asking) -> None:
    good, same, wrapped = _write(_document("a"), _document("b"), {"Job": _document("a")})
    Path("broken.json").write_text("{")
    for others, said in (
        (["broken.json"], "broken.json, line 1"),
        (["nowhere.json"], "No such file"),
        ([good], "is given twice"),
        ([same, wrapped], "are both the job a"),
    ):
        result = asking("job", "run", good, *others)
        assert result.exit_code == ExitCode.FAILED and said in result.stderr, result.stderr
    assert not jobs.records


def test_a_document_by_which_a_running_job_could_not_start_is_told_with_all_faults(
    jobs: MemoryJobs, asking: Asking
) -> None:
    (file,) = _write(_document("a"))
    jobs.fail_with = WouldNotStart("a", [Fault("Src h:1", "no entry", "grant it"), Fault("Dest h:2", "is away")])
    result = asking("job", "run", file)
    assert result.exit_code == ExitCode.FAILED
    for text in (
        "was refused (409): job a goes on",
        "Src h:1: no entry -- grant it",
        "Dest h:2: is away",
        "--no-check",
    ):
        assert text in result.stderr, result.stderr
    assert asking("job", "run", "--no-check", file).exit_code == ExitCode.OK
    assert jobs.checked == [False]


# ---- Documents ----


def _changed(job_id: str, **config: Any) -> Json:
    document = copy.deepcopy(_document(job_id))
    document["Tasks"][1]["Config"].update(config)
    return document


def test_documents_are_listed_and_given_back(jobs: MemoryJobs, asking: Asking) -> None:
    jobs.register(_document("a"), None)
    assert asking("job", "revert", "a").exit_code == ExitCode.FAILED, "there is none before"
    for workers in (5, 6):
        jobs.register(_changed("a", ParallelWorkers=workers), None)
    listed = asking("job", "history", "a").stdout.splitlines()
    assert "Tasks[Dest].Config.ParallelWorkers: 4 → 5" in listed[2] and "posted (present)" in listed[3]
    assert [each["Number"] for each in json.loads(asking("job", "history", "a", "--json").stdout)] == [1, 2, 3]
    assert "Tasks[Dest].Config.ParallelWorkers: 6 → 5" in asking("job", "revert", "a").stdout
    assert asking("job", "revert", "a", "1", "--no-check").exit_code == ExitCode.OK
    assert jobs.records["a"].spec().parallel_workers == 4 and jobs.checked[-2:] == [True, False]
    result = asking("job", "revert", "a", "77")
    assert result.exit_code == ExitCode.FAILED and "(404)" in result.stderr


def test_an_exported_document_says_where_passwords_are_missing(jobs: MemoryJobs, asking: Asking) -> None:
    document = _changed("a", ParallelWorkers=7) | {"Type": "migration", "EndWhen": "finished"}
    document["Tasks"][1]["Config"]["ConnectionConfig"]["Password"] = "env:UDUP_SECRET_TARGET"
    jobs.register_unlooked(document)
    result = asking("job", "export", "a")
    exported = json.loads(result.stdout)
    assert result.stderr.startswith("1 password left out: write it, env:UDUP_SECRET_NAME or file:NAME")
    assert {**exported, "Tasks": None} == {
        "ID": "a",
        "Name": document["Name"],
        "Type": "migration",
        "EndWhen": "finished",
        "Tasks": None,
    }, "run elsewhere it is held as it is here"
    passwords = [task["Config"]["ConnectionConfig"]["Password"] for task in exported["Tasks"]]
    assert passwords == [PLACEHOLDER, "env:UDUP_SECRET_TARGET"]
    for given in (PLACEHOLDER, MASK):
        exported["Tasks"][0]["Config"]["ConnectionConfig"]["Password"] = given
        with pytest.raises(Refused) as caught:
            parse_job(exported)
        (fault,) = caught.value.faults
        assert fault.where == "Tasks[0].Config.ConnectionConfig.Password"
        assert "no stored password belongs to it" in fault.problem and "env:UDUP_SECRET_NAME" in fault.remedy


def test_an_exported_document_has_every_key_that_a_job_is_carried_out_by(jobs: MemoryJobs, asking: Asking) -> None:
    more = {
        "Type": "migration",
        "EndWhen": "finished",
        "Datacenters": ["there"],
        "Failover": True,
        "Compression": "zstd",
        "Verify": {"Mode": "once"},
    }
    document = _changed("a") | more
    jobs.register_unlooked(document)
    exported = json.loads(asking("job", "export", "a").stdout)
    assert set(exported) == JobSpec.key_names() - {"Region", "EnforceIndex", "JobModifyIndex"}
    for task in exported["Tasks"]:
        assert set(task) == TaskSpec.key_names() - {"NodeId", "NodeName"}
    jobs.register_unlooked(_document("b"))
    assert "EndWhen" not in json.loads(asking("job", "export", "b").stdout), "it is for migrations alone"


def test_an_exported_document_posted_back_keeps_the_stored_passwords(jobs: MemoryJobs, asking: Asking) -> None:
    jobs.register(_document("a"), None)
    Path("a.json").write_text(asking("job", "export", "a").stdout)
    assert asking("job", "run", "a.json").exit_code == ExitCode.OK
    assert jobs.records["a"].spec().source_endpoint().password == "a password"


@pytest.mark.parametrize("kind", ["env", "file"])
def test_an_exported_document_with_references_is_posted_to_a_server_that_has_the_secrets(
    jobs: MemoryJobs, asking: Asking, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = _document("shop-1") | {"Failover": True}
    before["Tasks"][0]["NodeName"] = "one"
    jobs.register_unlooked(before)
    told = asking("job", "export", "shop-1", "--secrets", kind)
    exported = json.loads(told.stdout)
    logins = [task["Config"]["ConnectionConfig"] for task in exported["Tasks"]]
    names = [login["Password"].removeprefix(f"{kind}:") for login in logins]
    if kind == "env":
        assert names == ["UDUP_SECRET_SHOP_1_SRC_PASSWORD", "UDUP_SECRET_SHOP_1_DEST_PASSWORD"]
    else:
        assert names == ["shop_1.src.password", "shop_1.dest.password"]
    assert all(name in told.stderr for name in names) and "a password" not in told.output
    assert "NodeName" not in told.stdout

    jobs.records.clear()  # elsewhere
    monkeypatch.setenv(FILES_DIR_VARIABLE, str(tmp_path))
    Path("shop.json").write_text(told.stdout)
    refused = asking("job", "run", "shop.json")
    assert refused.exit_code == ExitCode.FAILED and names[0] in refused.stderr, "the secret that is missing is named"
    for name in names:
        (tmp_path / name).write_text("a password\n")
        monkeypatch.setenv(name, "a password")
    assert asking("job", "run", "shop.json").exit_code == ExitCode.OK
    spec = jobs.records["shop-1"].spec()
    assert (
        read_password(spec.source_endpoint().password) == read_password(spec.target_endpoint().password) == "a password"
    )
    assert asking("job", "export", "shop-1", "--secrets", kind).stdout == told.stdout, "what goes round comes round"


@pytest.mark.parametrize("kind", ["env", "file"])
def test_each_salt_of_several_masks_of_a_kind_is_a_reference_of_its_own(
    jobs: MemoryJobs, asking: Asking, kind: str
) -> None:
    document = _document("events")
    mask = "column.mask.hash.v2.SHA-256.with.salt."
    document["Tasks"][1]["Config"]["Options"] = {f"{mask}{salt}": f"shop.{salt}.c" for salt in ("one", "two", "three")}
    jobs.records["events"] = JobRecord(id="events", document=document)
    told = asking("job", "export", "events", "--secrets", kind)
    salts = [key.removeprefix(mask) for key in json.loads(told.stdout)["Tasks"][1]["Config"]["Options"]]
    first = "UDUP_SECRET_EVENTS_DEST_OPTIONS_SALT" if kind == "env" else "events.dest.options.salt"
    assert salts == [f"{kind}:{first}{end}" for end in ("", "_2", "_3")]
    assert all(salt.removeprefix(f"{kind}:") in told.stderr for salt in salts)


def test_all_jobs_are_exported_into_files_with_a_name_for_each_secret(jobs: MemoryJobs, asking: Asking) -> None:
    for job in ("shop-1", "shop_1", "a/b"):
        jobs.records[job] = JobRecord(id=job, document=_document(job))
    told = asking("job", "export", "--all", "--dir", "out", "--secrets", "env")
    files = sorted(path.name for path in Path("out").iterdir())
    assert files == ["a%2Fb.json", "shop-1.json", "shop_1.json"]
    secrets = [
        task["Config"]["ConnectionConfig"]["Password"]
        for file in files
        for task in json.loads((Path("out") / file).read_text())["Tasks"]
    ]
    assert len(set(secrets)) == 6 and all(secret.removeprefix("env:") in told.stderr for secret in secrets)
    assert Path("out/a%2Fb.json").stat().st_mode & 0o777 == 0o600
    again = asking("job", "export", "--all", "--dir", "out")
    assert again.exit_code == ExitCode.FAILED and "nothing was written" in again.stderr
    for wrong in ((), ("shop-1", "--all", "--dir", "x"), ("--all",)):
        assert asking("job", "export", *wrong).exit_code == ExitCode.USAGE


def test_an_export_that_cannot_write_one_file_leaves_none(jobs: MemoryJobs, asking: Asking) -> None:
    for job in ("a", "订单" * 50):  # a file's name would have 900 characters
        jobs.records[job] = JobRecord(id=job, document=_document(job))
    told = asking("job", "export", "--all", "--dir", "out")
    assert told.exit_code == ExitCode.FAILED
    assert "cannot write out/" in told.stderr and "too long; nothing was written" in told.stderr
    assert not Path("out").exists() or not list(Path("out").iterdir())


def test_a_reload_of_tables_says_where_to_look(four: MemoryJobs, asking: Asking) -> None:
    told = asking("job", "reload", "runs", "shop.a", "shop.b").output
    assert "shop.a, shop.b are loaded again" in told and "udup job status runs" in told
    assert four.reloaded == [("runs", ("shop.a", "shop.b"))]
    assert '"shop.a"' in asking("job", "reload", "runs", "shop.a", "--json").output


def test_tables_that_are_loaded_again_are_given_up_and_what_stays_is_said(four: MemoryJobs, asking: Asking) -> None:
    assert "no tables of job runs are under way" in asking("job", "reload", "runs", "--give-up").output
    asking("job", "reload", "runs", "shop.a")
    told = asking("job", "reload", "runs", "--give-up").output
    assert "goes on with the tables that it has" in told and "shop.a: not in the job any more" in told
    for wrong in ((), ("shop.a", "--give-up")):
        assert asking("job", "reload", "runs", *wrong).exit_code == ExitCode.USAGE
