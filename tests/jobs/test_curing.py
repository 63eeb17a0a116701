"""What a job that has stopped at tables of its target is told to run: by its own ID, and the names of the source."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from tests.jobs.documents import SEED
from udup.base.errors import Conflict, Contradicted, Divergence, Failure, FailureKind, Refused
from udup.base.remedies import COPY_AGAIN, for_job, reload_of
from udup.jobs import JobRecord, Stage, parse_job
from udup.jobs.curing import cure
from udup.jobs.growth import Growth, GrowthState
from udup.jobs.skipping import begun, with_commands
from udup.jobs.stopped import Stopped

GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23"
ROW = Contradicted((("shop", "orders"),), rows=True)
TABLE = Contradicted((("shop", "orders"),))


def _told(contradicted: Contradicted | None, *schemas: dict[str, Any], job: str = "shop", **more: Any) -> str:
    made = json.loads(SEED) | {"ID": job, "Name": job}
    made["Tasks"][0]["Config"] |= {"ReplicateDoDb": list(schemas)} | more.pop("src", {})
    made["Tasks"][1]["Config"] |= more.pop("dest", {})
    return cure(JobRecord(id=job, document=made, **more), parse_job(made), contradicted)


def _tables(*tables: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"TableSchema": "shop", "Tables": list(tables), **more}


def test_rows_are_repaired_and_a_table_of_another_definition_is_loaded_again() -> None:
    assert _told(ROW) == (
        "put the rows right (udup job repair shop shop.orders), have the job go on (udup job resume shop), and look"
        " whether they are equal (udup job compare shop shop.orders)"
    )
    assert _told(TABLE) == "have the table loaded again (udup job reload shop shop.orders), by which the job goes on"
    assert _told(None) == ""


@pytest.mark.parametrize(
    ("chosen", "on_target", "named"),
    [
        (_tables({"TableName": "orders"}), ("shop", "orders"), "shop.orders"),
        (_tables({"TableName": "bills", "TableRename": "orders"}), ("shop", "orders"), "shop.bills"),
        (_tables({"TableName": "bills"}, TableSchemaRename="store"), ("store", "bills"), "shop.bills"),
        ({"TableSchema": "shop", "TableSchemaRename": "store"}, ("store", "bills"), "shop.bills"),
        (_tables({"TableName": "Bills", "TableRename": "Orders"}), ("shop", "orders"), "shop.Bills"),
        (_tables({"TableRegex": "^b_(.*)$", "TableRename": "${1}"}), ("shop", "orders"), "SCHEMA.TABLE"),
    ],
)
def test_a_table_is_named_as_the_source_has_it(chosen: dict[str, Any], on_target: tuple[str, str], named: str) -> None:
    assert f"repair shop {named})" in _told(Contradicted((on_target,), rows=True), chosen)


def test_names_are_quoted_for_a_shell() -> None:
    odd = Contradicted((("shop", "a b.c'd`é"), ("shop", "$HOME")), rows=True)
    told = _told(odd, job="the-shop's")
    command = told.partition("(")[2].partition("), have")[0]
    assert shlex.split(command) == ["udup", "job", "repair", "the-shop's", "shop.a b.c'd`é", "shop.$HOME"]


def test_what_would_be_refused_is_not_told() -> None:
    filtered = _tables({"TableName": "orders", "Where": "id > 7"})
    assert _told(ROW, filtered).startswith("have the table loaded again")
    assert _told(ROW, src={"SqlFilter": ["NoDMLDelete"]}).startswith("have the table loaded again")
    assert _told(TABLE, dest={"SkipCreateDbTable": True}) == ""
    assert _told(ROW, part_of="shop") == ""
    grows = Growth(state=GrowthState.COPYING, side="shop tables")
    assert _told(TABLE, growth=grows) == "" and _told(ROW, growth=grows).startswith("put the rows right")
    many = tuple(("shop", f"t{number}") for number in range(50))
    assert _told(Contradicted(many, rows=True)) == ""


@pytest.mark.parametrize("contradicted", [ROW, TABLE])
def test_the_ledger_of_transactions_passed_over_keeps_none_of_it(contradicted: Contradicted) -> None:
    failure = Failure(FailureKind.DIVERGENCE, f"{GTID}: it contradicts", gtid=GTID)
    told = with_commands("shop", failure, _told(contradicted)).text
    assert told.endswith(f"udup job skip shop --gtid {GTID}") and told.count("udup job re") > 1
    stopped = Stopped(time_ns=1, kind=failure.kind, text=told, gtid=GTID)
    record = JobRecord(id="shop", document={}, stage=Stage.FAILED, stopped=stopped)
    [entry] = begun(record, GTID, 5).skipped
    assert entry.error == f"{GTID}: it contradicts"


def test_a_side_job_that_has_stopped_is_resumed_by_its_jobs_name_and_passes_over_nothing() -> None:
    failure = Failure(FailureKind.DIVERGENCE, f"{GTID}: it contradicts", gtid=GTID)
    assert with_commands("shop", failure, skips=False).text == (
        f"{GTID}: it contradicts; udup job resume shop when that is repaired"
    )


def test_what_stands_against_a_transaction_is_known_wherever_the_error_goes() -> None:
    for error in (Conflict("no row", gtid=GTID), Refused([])):
        there = Failure.of(error.against(ROW).about(GTID)).error()
        assert there.contradicted == ROW
        assert Divergence("again").against(there.contradicted).contradicted == ROW


def test_the_commands_of_a_text_get_the_jobs_id() -> None:
    text = f"load it again ({reload_of(['s.a', 's.b c'])}), or {COPY_AGAIN}"
    told = for_job(text, "shop's")
    assert """(udup job reload 'shop'"'"'s' s.a 's.b c')""" in told
    assert """udup job delete --purge 'shop'"'"'s')""" in told and "give the job another ID" in told
