"""When the transaction at which a job stands may be passed over, and what the ledger says of it."""

from __future__ import annotations

import pytest

from udup.base.errors import Divergence, Failure, FailureKind, Transient, Unsupported
from udup.jobs import JobRecord, Stage, to_api
from udup.jobs.skipped import ERROR_MAX
from udup.jobs.skipping import TEXT_MAX, NotSkippable, begun, ended, with_commands
from udup.jobs.stopped import Stopped

GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23"
OTHER = "3e11fa47-71ca-11e1-9e33-c80aa9429562:24"


def _record(kind: FailureKind = FailureKind.DIVERGENCE, gtid: str = GTID, stage: Stage = Stage.FAILED) -> JobRecord:
    stopped = Stopped(time_ns=1, kind=kind, text=f"{gtid}: a row is not there", gtid=gtid, table="shop.orders")
    return JobRecord(id="shop", document={}, stage=stage, stopped=stopped)


@pytest.mark.parametrize("kind", [FailureKind.DIVERGENCE, FailureKind.CONFLICT, FailureKind.UNSUPPORTED])
def test_the_ledger_is_written_before_the_target_is_asked_and_confirmed_after(kind: FailureKind) -> None:
    record = begun(_record(kind), GTID.upper(), 5)
    [entry] = record.skipped
    assert (entry.gtid, entry.table, entry.time_ns, entry.confirmed) == (GTID, "shop.orders", 5, False)
    assert "not there" in entry.error
    assert begun(record, GTID, 9) is record, "asked for again, it has no second entry"
    [entry] = ended(record, GTID, done=True).skipped
    assert entry.confirmed


def test_what_the_target_has_refused_is_in_no_ledger_and_what_it_has_taken_stays() -> None:
    record = ended(begun(_record(), GTID, 5), GTID, done=True)
    record = record.model_copy(update={"stopped": _record(gtid=OTHER).stopped})
    record = ended(begun(record, OTHER, 6), OTHER, done=False)
    assert [each.gtid for each in record.skipped] == [GTID]
    assert [each.gtid for each in ended(record, GTID, done=False).skipped] == [GTID]


@pytest.mark.parametrize(
    ("record", "gtid", "why"),
    [
        (_record(stage=Stage.RUNNING), GTID, "job shop has not failed, it is running"),
        (_record(), OTHER, f"stands at {GTID}, not at {OTHER}"),
        (_record(gtid=""), GTID, "does not stand at one transaction"),
        (_record(FailureKind.TRANSIENT), GTID, "does not heal"),
        (_record(FailureKind.INTERNAL), GTID, "does not heal"),
    ],
)
def test_nothing_but_the_transaction_at_which_the_job_stands_is_passed_over(
    record: JobRecord, gtid: str, why: str
) -> None:
    with pytest.raises(NotSkippable, match=why) as caught:
        begun(record, gtid, 5)
    [fault] = caught.value.faults
    assert fault.where == "gtid" and "udup job" in fault.remedy
    assert str(caught.value) == f"{fault.problem} -- {fault.remedy}"
    assert Failure.of(caught.value).faults == (fault,), "it comes to whoever asked"


def test_an_entry_keeps_the_beginning_of_a_long_error() -> None:
    record = _record()
    assert record.stopped is not None
    record = record.model_copy(update={"stopped": record.stopped.model_copy(update={"text": "why " * 500})})
    [entry] = begun(record, GTID, 5).skipped
    assert entry.error == ("why " * 500)[:ERROR_MAX]


@pytest.mark.parametrize("end", [", then resume the job", "; then resume the job", ""])
def test_an_entry_holds_no_command_that_is_settled_with_it(end: str) -> None:
    failure = Failure(FailureKind.DIVERGENCE, f"{GTID}: a row is not there{end}", gtid=GTID)
    told = with_commands("shop", failure).text
    assert told != failure.text
    stopped = Stopped(time_ns=1, kind=failure.kind, text=told, gtid=GTID)
    [entry] = begun(_record().model_copy(update={"stopped": stopped}), GTID, 5).skipped
    assert entry.error == f"{GTID}: a row is not there"


def test_a_refusal_says_each_command_once() -> None:
    told = with_commands("shop", Failure(FailureKind.DIVERGENCE, f"{GTID}: a row is not there", gtid=GTID)).text
    stopped = Stopped(time_ns=1, kind=FailureKind.DIVERGENCE, text=told, gtid=GTID)
    with pytest.raises(NotSkippable) as caught:
        begun(_record().model_copy(update={"stopped": stopped}), OTHER, 5)
    assert str(caught.value).count("udup job skip") == str(caught.value).count("udup job resume") == 1
    assert f"udup job skip shop --gtid {GTID}" in caught.value.faults[0].remedy


def test_a_transaction_is_passed_over_once() -> None:
    record = ended(begun(_record(), GTID, 5_000_000_000), GTID, done=True)
    for later in (record.model_copy(update={"stage": Stage.RUNNING, "stopped": None}), _with_stop(record, OTHER)):
        with pytest.raises(NotSkippable, match="passed over already, at 1970-01-01T00:00:05Z"):
            begun(later, GTID, 6)


def _with_stop(record: JobRecord, gtid: str) -> JobRecord:
    return record.model_copy(update={"stopped": _record(gtid=gtid).stopped})


def test_the_ledger_is_shown_by_the_api_and_outlives_the_store() -> None:
    record = JobRecord.from_json(ended(begun(_record(), GTID, 5), GTID, done=True).to_json())
    [shown] = to_api(record)["Skipped"]
    assert shown == {
        "Gtid": GTID,
        "Time": "1970-01-01T00:00:00Z",
        "Error": f"{GTID}: a row is not there",
        "Table": "shop.orders",
        "Confirmed": True,
    }
    assert to_api(_record())["Skipped"] == []


def test_a_failure_at_one_transaction_ends_with_the_commands_that_get_the_job_going() -> None:
    for error in (Divergence(f"{GTID}: {'x' * 3000}", gtid=GTID), Unsupported("cannot", gtid=GTID)):
        text = with_commands("shop", Failure.of(error)).text
        assert text.endswith(f"; udup job resume shop when that is repaired, or udup job skip shop --gtid {GTID}"), text
        assert len(text) <= TEXT_MAX, "a description that is cut would lose them"
    for error in (
        Divergence("no transaction's"),
        Transient("passes", gtid=GTID),
        Divergence(f"{GTID}: udup job settle shop", gtid=GTID),
    ):
        assert with_commands("shop", Failure.of(error)) == Failure.of(error)
