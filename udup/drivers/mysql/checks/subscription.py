"""What a source must be for its changes to be read as texts: a job whose target is no database.

The checks of a replication's source hold here too, as far as they are about reading. What is between two MySQL servers
is left out. Values are read by what the log says of the columns, best with their names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from udup.base.errors import Fault, Refused
from udup.drivers.mysql.checks.shown_columns import column_checks
from udup.drivers.mysql.checks.source import source_checks, warn_source
from udup.drivers.mysql.checks.source_tables import table_checks
from udup.drivers.mysql.checks.validate import look_at_source
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.rowtext.reader import check_options
from udup.pipeline.checks import DEST, SRC, Check, Finding, Outcome, Rule, apply, failed, faults, warned
from udup.pipeline.ownership import Known
from udup.pipeline.ports import DeliveryPlan, JobPlan, ServerInfo, SourceLook

_METADATA = "binlog_row_metadata"

#: Checks of a replication's source that mean something else here.
_REPLACED = frozenset({_METADATA, "binlog_row_image", "column_maps"})


def start_faults(
    plan: JobPlan, source: SourceLook | None, target: ServerInfo | None, start_after: str | None, known: Known
) -> list[Fault]:
    """Return what speaks against starting, on the source. The sink's own checks are made when it is reached."""
    if source is None:
        return []
    seen = _facts(source.info)
    position = None if plan.copy_alone else start_after
    found = _of_source(plan, seen, position, starting=True)
    return [*source.faults, *faults(f"Src {seen.address}", found), *option_faults(plan)]


def warnings(plan: JobPlan, source: ServerInfo, target: ServerInfo) -> list[str]:
    """Return what does not keep the job from running, and should be known."""
    seen = _facts(source)
    told = [each for each in warn_source(seen) if _METADATA not in each.problem]
    return [str(each) for each in (*told, *faults(f"Src {seen.address}", _rows(plan, seen), Outcome.WARN))]


def validate(plan: JobPlan) -> list[Check]:
    """Return every check of the source; nothing is written."""
    look = look_at_source(plan)
    if look.facts is None:
        return [*look.checks, *option_checks(plan)]
    start_after = None if plan.copy_alone else look.start_after
    checks = [*look.checks, *_of_source(plan, look.facts, start_after), *look.begins]
    if look.tables is not None:
        tables = [look.tables] if isinstance(look.tables, Check) else table_checks(look.tables)
        checks += [each for each in tables if each.name not in _REPLACED]
        checks += column_checks(plan, look.facts)
    return [*checks, *option_checks(plan)]


def option_checks(plan: JobPlan) -> list[Check]:
    wrong = option_faults(plan)
    found = [Check(DEST, "options", Outcome.FAIL, f"{each.where}: {each.problem}", each.remedy) for each in wrong]
    return found or [Check(DEST, "options", Outcome.PASS, "each is known")]


def option_faults(plan: JobPlan) -> list[Fault]:
    """Return what is wrong with the options that say how values look, and which are told."""
    delivery = plan.target.delivery or DeliveryPlan("")
    return [*_query_faults(plan, delivery), *value_faults(delivery)]


def value_faults(plan: DeliveryPlan) -> list[Fault]:
    """Return what is wrong with the options that say how values look."""
    try:
        check_options(plan)
    except Refused as refused:
        return [replace(fault, task=DEST) for fault in refused.faults]
    return []


def _query_faults(plan: JobPlan, delivery: DeliveryPlan) -> Iterator[Fault]:
    """Yield a fault where statements would tell of rows that are not in the job."""
    if delivery.options.get("include.query", "").strip().lower() == "true" and plan.scope.selection.filters_rows:
        problem = "with Where: the text of a statement has the rows that this leaves out"
        yield Fault("Options.include.query", problem, "leave one of them out", DEST)


def _column_maps(plan: JobPlan) -> Iterator[Finding]:
    if plan.scope.selection.maps_columns:
        yield failed(
            "ColumnMapFrom is for tables of a target, and a snapshot that comes later would tell the other columns too",
            "leave it out, and name the columns in column.include.list of the Dest's Options",
        )


_MAPS: tuple[Rule[JobPlan], ...] = (Rule("column_maps", lambda plan: "none", _column_maps),)


def _of_source(plan: JobPlan, facts: ServerFacts, start_after: str | None, *, starting: bool = False) -> list[Check]:
    listed = source_checks(facts, plan.scope.selection, start_after, starting=starting, rows_only=True)
    maps = apply(_MAPS, SRC, plan)
    return [*(each for each in listed if each.name not in _REPLACED), *_rows(plan, facts), *maps]


def _rows(plan: JobPlan, facts: ServerFacts) -> list[Check]:
    """Return whether the log says of rows what messages need. Rows that are only read need nothing of the log."""
    return [] if plan.copy_alone else list(apply(_RULES, SRC, facts))


def _row_metadata(facts: ServerFacts) -> Iterator[Finding]:
    value = facts.value(_METADATA, "MINIMAL").upper()
    if value != "FULL":
        yield warned(
            f"{_METADATA} is {value}: the log names neither columns nor keys, nor the members of ENUM and SET, and the"
            " source's dictionary is asked for them instead. Where a table was changed before its rows were read, it"
            " cannot say what these were called, and the job stops",
            f"SET PERSIST {_METADATA} = 'FULL'",
        )


def _row_image(facts: ServerFacts) -> Iterator[Finding]:
    value = facts.value("binlog_row_image", "FULL").upper()
    if value != "FULL":
        yield warned(
            f"binlog_row_image is {value}: of a changed row the log says not all columns, and the messages say no more",
            "SET PERSIST binlog_row_image = 'FULL', then reconnect every client",
        )


_RULES: tuple[Rule[ServerFacts], ...] = (
    Rule(_METADATA, lambda facts: facts.value(_METADATA, "MINIMAL"), _row_metadata),
    Rule("binlog_row_image", lambda facts: facts.value("binlog_row_image", "FULL"), _row_image),
)


def _facts(info: ServerInfo) -> ServerFacts:
    assert isinstance(info, ServerFacts), f"{info!r} comes from another driver"
    return info
