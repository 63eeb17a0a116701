"""Which drivers there are: the only place that imports them."""

from __future__ import annotations

from udup.base.errors import Fault, Refused
from udup.pipeline.ports import End, Source, Target

#: The names of drivers as a job's document has them, with the modules of their ends.
MYSQL = "MySQL"


class Registry:
    """The `Drivers` of a node (`pipeline/ports.py`). Imports a driver when it is asked for one."""

    def source(self, end: End) -> Source:
        if end.driver == MYSQL:
            from udup.drivers.mysql.source import MySQLSource

            return MySQLSource(end.endpoint)
        raise Refused([unknown(end)])

    def target(self, end: End) -> Target:
        if end.driver != MYSQL:
            raise Refused([unknown(end)])
        from udup.drivers.mysql.target import MySQLTarget

        return MySQLTarget(end.endpoint)


def unknown(end: End) -> Fault:
    return Fault("Driver", f"there is no driver {end.driver!r}", f"write {MYSQL!r}")
