"""Which drivers there are: the only place of the running server that imports them.

The node makes the registry before it forks its actors, so that they share the memory of what is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass

from udup.base.errors import Fault, Refused
from udup.drivers.mysql.checks import start
from udup.drivers.mysql.checks.validate import validate
from udup.drivers.mysql.source import MySQLSource
from udup.drivers.mysql.target import MySQLTarget
from udup.pipeline.checks import DEST, SRC, Check
from udup.pipeline.ownership import Known
from udup.pipeline.ports import End, JobPlan, ServerInfo, Source, SourceLook, Target

#: The name of a driver as a job's document has it.
MYSQL = "MySQL"


@dataclass(frozen=True)
class Registry:
    """The `Drivers` of a node (`pipeline/ports.py`). It holds nothing, so it travels to actors as its name.

    Every method raises `Refused` for a driver that is not known.
    """

    def source(self, end: End) -> Source:
        _known(end, SRC)
        return MySQLSource(end.endpoint)

    def target(self, end: End) -> Target:
        _known(end, DEST)
        return MySQLTarget(end.endpoint)

    def start_faults(
        self, plan: JobPlan, source: SourceLook | None, target: ServerInfo | None, start_after: str | None, known: Known
    ) -> list[Fault]:
        return start.start_faults(plan, source, target, start_after, known)

    def warnings(self, source: ServerInfo, target: ServerInfo) -> list[str]:
        return start.warnings(source, target)

    def validate(self, plan: JobPlan, known: Known) -> list[Check]:
        _known(plan.source, SRC)
        _known(plan.target, DEST)
        return validate(plan, known)


def _known(end: End, task: str) -> None:
    if end.driver != MYSQL:
        raise Refused([Fault("Driver", f"there is no driver {end.driver!r}", f"write {MYSQL!r}", task)])
