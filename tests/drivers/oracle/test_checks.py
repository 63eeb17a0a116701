"""What speaks against a job with an Oracle source is told before it starts; that nobody has tried one, always."""

from __future__ import annotations

from dataclasses import replace

import pytest

from udup.base.endpoint import Endpoint
from udup.drivers.oracle.checks import NEVER_RUN, source_checks, start_faults, warnings
from udup.drivers.oracle.dictionary import OracleFacts
from udup.pipeline.checks import Outcome
from udup.pipeline.ownership import Known
from udup.pipeline.ports import ApplyMode, DeliveryPlan, End, JobPlan, Scope, SourceLook
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

GOOD = OracleFacts(
    "ora:1521/ORCL", "uuid", "repl", "19c", "ARCHIVELOG", "YES", True, 1, "STANDARD", forces_logging=True
)
PLAN = JobPlan(
    "job",
    End("Oracle", Endpoint("ora", 1521, "repl", "x")),
    End("MySQL", Endpoint("my", 3306, "app", "x")),
    Scope(Selection()),
)


def failed(facts: OracleFacts, plan: JobPlan = PLAN) -> list[str]:
    return [check.name for check in source_checks(facts, plan) if check.outcome == Outcome.FAIL]


def test_a_good_source_is_still_told_to_be_untested() -> None:
    assert not failed(GOOD)
    assert [each.found for each in source_checks(GOOD, PLAN) if each.outcome == Outcome.WARN] == [NEVER_RUN]
    assert NEVER_RUN in warnings(PLAN, GOOD, GOOD)[0]
    assert not start_faults(PLAN, SourceLook(GOOD), None, None, Known())


def test_loads_that_no_redo_has_are_warned_of() -> None:
    found = warnings(PLAN, replace(GOOD, forces_logging=False), GOOD)
    assert any("NOLOGGING" in each for each in found)
    assert len(warnings(replace(PLAN, copy_alone=True), replace(GOOD, forces_logging=False), GOOD)) == 1


@pytest.mark.parametrize(
    ("facts", "check"),
    [
        (replace(GOOD, log_mode="NOARCHIVELOG"), "archivelog"),
        (replace(GOOD, minimal_logging="NO"), "supplemental_logging"),
        (replace(GOOD, unlogged=("A.T",)), "columns_logged"),
        (replace(GOOD, lobs=("A.T",)), "lobs"),
        (replace(GOOD, threads=2), "redo_threads"),
        (replace(GOOD, string_size="EXTENDED"), "max_string_size"),
    ],
)
def test_what_the_log_needs_is_checked_unless_the_job_is_a_copy_alone(facts: OracleFacts, check: str) -> None:
    assert failed(facts) == [check]
    assert not failed(facts, replace(PLAN, copy_alone=True))
    assert len(start_faults(PLAN, SourceLook(facts), None, None, Known())) == 1


@pytest.mark.parametrize(
    "plan",
    [
        replace(PLAN, fill_existing=True),
        replace(PLAN, target=replace(PLAN.target, apply_mode=ApplyMode.CONVERTED)),
        replace(PLAN, scope=Scope(Selection(), kept_users=frozenset())),
        replace(PLAN, target=replace(PLAN.target, delivery=DeliveryPlan("p", {"include.query": "true"}))),
        replace(PLAN, scope=Scope(Selection((SchemaRule("A", tables=(NameRule("T", where="ID > 1"),)),)))),
        replace(PLAN, scope=Scope(Selection((SchemaRule("A", tables=(NameRule("T", columns=(("A", "B"),)),)),)))),
    ],
)
def test_what_is_not_carried_out_with_such_a_source_is_refused(plan: JobPlan) -> None:
    assert failed(GOOD, plan) == ["document"]


def test_redo_that_nobody_writes_is_warned_of() -> None:
    facts = replace(GOOD, forces_logging=False)
    assert not failed(facts)
    assert "force_logging" in [each.name for each in source_checks(facts, PLAN) if each.outcome == Outcome.WARN]
