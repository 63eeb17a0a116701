"""What speaks against starting a job, told by what both servers have answered; nothing is asked here."""

from __future__ import annotations

from udup.base.errors import Fault
from udup.drivers.mysql.checks.binlog_access import goes_by_statements
from udup.drivers.mysql.checks.pair import check_pair, ring_faults, warn_pair
from udup.drivers.mysql.checks.source import check_source, warn_source
from udup.drivers.mysql.checks.target import warn_target
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.columns.checks import MapProblem, setting_problems
from udup.pipeline.checks import SRC, Check, Outcome
from udup.pipeline.ownership import Known
from udup.pipeline.ports import ApplyMode, JobPlan, ServerInfo, SourceLook


def start_faults(
    plan: JobPlan, source: SourceLook | None, target: ServerInfo | None, start_after: str | None, known: Known
) -> list[Fault]:
    """Return what speaks against starting, on the source and between the two servers, as far as they were seen.

    The target's own checks are made by its control connection, which refuses. `start_after` is the checkpoint's.
    """
    if source is None:
        return []
    seen = _facts(source.info)
    position = None if plan.copy_alone else start_after  # of a copy alone nothing in the log is needed
    faults = [*source.faults, *check_source(seen, plan.scope.selection, position, starting=True)]
    faults += [Fault(f"Src {seen.address}", each.problem, each.remedy, SRC) for each in column_settings(plan, seen)]
    if target is not None:
        other = _facts(target)
        faults += ring_faults(source.feeds, plan.job, seen, other, known)
        faults += check_pair(seen, other, innodb=plan.scope.innodb, mode=plan.target.apply_mode)
    return faults


def column_settings(plan: JobPlan, source: ServerFacts) -> list[MapProblem]:
    """Return what the source's log does not say, for column maps and for tables of the target's own."""
    converts = plan.target.apply_mode is ApplyMode.CONVERTED
    return list(setting_problems(source, plan.scope.selection, converts=converts))


def warnings(plan: JobPlan, source: ServerInfo, target: ServerInfo) -> list[str]:
    """Return what does not keep the job from running, and should be known."""
    ours, theirs = _facts(source), _facts(target)
    advice = warn_target(theirs, by_statements=goes_by_statements(plan.target.apply_mode, theirs))
    return [str(each) for each in (*warn_source(ours), *advice, *warn_pair(ours, theirs))]


def _facts(info: ServerInfo) -> ServerFacts:
    assert isinstance(info, ServerFacts), f"{info!r} comes from another driver"
    return info


def column_setting_checks(plan: JobPlan, source: ServerFacts) -> list[Check]:
    """Return the same for a validation."""
    found = column_settings(plan, source)
    if not found:
        return [Check(SRC, "column_names", Outcome.PASS, "the log says what the job needs")]
    return [Check(SRC, "column_names", Outcome.FAIL, each.problem, each.remedy) for each in found]
