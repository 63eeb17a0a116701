"""Which drivers there are, and between which of them jobs run: the only place of the running server that imports them.

A driver offers sources or targets or both; what two servers must be to each other is told by pair (`_PAIRS`). The
driver in memory (`drivers/fake/`) is not here, so no job's document leads to it.

The node makes the registry before it forks its actors, so that they share the memory of what is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused
from udup.drivers.mysql.checks import start
from udup.drivers.mysql.checks.validate import validate
from udup.drivers.mysql.cutover.source_gate import MySQLSourceGate
from udup.drivers.mysql.cutover.target_gate import MySQLTargetGate
from udup.drivers.mysql.source import MySQLSource
from udup.drivers.mysql.target import MySQLTarget
from udup.pipeline.checks import BOTH, DEST, SRC, Check
from udup.pipeline.ownership import Known
from udup.pipeline.ports import (
    ApplyMode,
    End,
    JobPlan,
    ServerInfo,
    Source,
    SourceGate,
    SourceLook,
    Target,
    TargetGate,
)

#: The name of a driver as a job's document has it.
MYSQL = "MySQL"


@dataclass(frozen=True)
class _Pair:
    """What a source's driver and a target's have to say of each other; the methods of `Drivers` of these names."""

    start_faults: Callable[[JobPlan, SourceLook | None, ServerInfo | None, str | None, Known], list[Fault]]
    warnings: Callable[[JobPlan, ServerInfo, ServerInfo], list[str]]
    validate: Callable[[JobPlan, Known], list[Check]]


_SOURCES: Mapping[str, Callable[[Endpoint], Source]] = {MYSQL: MySQLSource}

_TARGETS: Mapping[str, Callable[[Endpoint, ApplyMode], Target]] = {MYSQL: MySQLTarget}

_SOURCE_GATES: Mapping[str, Callable[[Endpoint], SourceGate]] = {MYSQL: MySQLSourceGate}

_TARGET_GATES: Mapping[str, Callable[[Endpoint], TargetGate]] = {MYSQL: MySQLTargetGate}

_PAIRS: Mapping[tuple[str, str], _Pair] = {(MYSQL, MYSQL): _Pair(start.start_faults, start.warnings, validate)}


@dataclass(frozen=True)
class Registry:
    """The `Drivers` of a node (`pipeline/ports/`). It holds nothing, so it travels to actors as its name.

    Every method raises `Refused` for a driver that is not known, and for two that do not go together.
    """

    def source(self, end: End) -> Source:
        _check_known(end, SRC, _SOURCES)
        return _SOURCES[end.driver](end.endpoint)

    def target(self, end: End) -> Target:
        _check_known(end, DEST, _TARGETS)
        return _TARGETS[end.driver](end.endpoint, end.apply_mode)

    def source_gate(self, end: End) -> SourceGate:
        _check_known(end, SRC, _SOURCE_GATES)
        return _SOURCE_GATES[end.driver](end.endpoint)

    def target_gate(self, end: End) -> TargetGate:
        _check_known(end, DEST, _TARGET_GATES)
        return _TARGET_GATES[end.driver](end.endpoint)

    def start_faults(
        self, plan: JobPlan, source: SourceLook | None, target: ServerInfo | None, start_after: str | None, known: Known
    ) -> list[Fault]:
        try:
            pair = _pair(plan)
        except Refused as refused:
            return list(refused.faults)
        return pair.start_faults(plan, source, target, start_after, known)

    def warnings(self, plan: JobPlan, source: ServerInfo, target: ServerInfo) -> list[str]:
        return _pair(plan).warnings(plan, source, target)

    def validate(self, plan: JobPlan, known: Known) -> list[Check]:
        return _pair(plan).validate(plan, known)


def _check_known(end: End, task: str, drivers: Mapping[str, object]) -> None:
    if end.driver not in drivers:
        raise Refused([Fault("Driver", f"there is no driver {end.driver!r}", f"write {_any_of(drivers)}", task)])


def _pair(plan: JobPlan) -> _Pair:
    """Return what is known of a source and a target of these drivers; `Refused` if no job can run between them."""
    _check_known(plan.source, SRC, _SOURCES)
    _check_known(plan.target, DEST, _TARGETS)
    source, target = plan.source.driver, plan.target.driver
    if (source, target) not in _PAIRS:
        remedy = "jobs run from " + ", ".join(f"{a} to {b}" for a, b in _PAIRS)
        raise Refused([Fault("Driver", f"no job can run from {source!r} to {target!r}", remedy, BOTH)])
    return _PAIRS[source, target]


def _any_of(names: Mapping[str, object]) -> str:
    return " or ".join(map(repr, names))
