"""The keys of a Src with Driver Oracle, and what contradicts itself in one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator

from udup.base.errors import Fault
from udup.jobs.document import values
from udup.jobs.document.keys import join
from udup.jobs.document.model import Model
from udup.jobs.document.refusals import asks_for_nothing
from udup.jobs.words import Driver, TaskType

#: The key, and the `file` of a start that is an SCN.
KEY, SCN = "OracleConfig", "SCN"

#: Starts in a log of MySQL's.
_OF_MYSQL = ("GtidStart", "BinlogFile", "BinlogPos")

#: Other ways to begin without a copy.
_STARTS = ("Gtid", "AutoGtid")

_LONGEST = 128


def _name(value: object) -> str:
    text = values.weak_text(value).strip()
    if len(text) > _LONGEST or any(letter in text for letter in '"\\\0\n/'):
        raise values.fault(f"is no name that Oracle allows: {values.shown(text)}")
    return text


def _container(value: object) -> str:
    """Return a container's name as the server keeps it: in upper case, quoted or not."""
    return _name(value).upper()


class OracleConfig(Model):
    """What is to be known of an Oracle database beside ConnectionConfig. Experimental: never run against a server."""

    service_name: Annotated[str, BeforeValidator(_name)] = ""
    """The service that the listener knows; of a container database the root's."""
    pdb: Annotated[str, BeforeValidator(_container)] = ""
    """The container whose tables are carried; empty: the database has no containers."""
    scn: Annotated[int, BeforeValidator(values.within(0, (1 << 63) - 1))] = 0
    """No copy; begin behind this SCN. 0: a full copy first."""

    def settings(self) -> tuple[tuple[str, str], ...]:
        """Return what the driver is told."""
        return ("ServiceName", self.service_name), ("Pdb", self.pdb)


def faults(job: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with a Src of this driver, in a job of canonical keys."""
    tasks = job.get("Tasks")
    for place, task in enumerate(tasks if isinstance(tasks, list) else []):
        if not is_source(task):
            continue
        path = f"Tasks[{place}]"
        config = task.get("Config")
        if isinstance(config, dict):
            yield from _of_config(config, join(path, "Config"))


def is_source(task: object) -> bool:
    return isinstance(task, dict) and (task.get("Type"), task.get("Driver")) == (TaskType.SRC, Driver.ORACLE)


def _of_config(config: dict[str, Any], path: str) -> Iterator[Fault]:
    own = config.get(KEY)
    if own is None or (isinstance(own, dict) and not own.get("ServiceName")):
        remedy = "write the service that the listener knows (lsnrctl services)"
        yield Fault(join(path, f"{KEY}.ServiceName"), "is required with Driver Oracle", remedy)
    for key in _OF_MYSQL:
        if not asks_for_nothing(key, config.get(key)):
            yield Fault(join(path, key), "has no meaning for an Oracle source", f"name an SCN in {KEY}.Scn")
    if not isinstance(own, dict) or asks_for_nothing("Scn", own.get("Scn")):
        return
    for key in _STARTS:
        if not asks_for_nothing(key, config.get(key)):
            problem = f"is given together with {key}, and a job begins at one place"
            yield Fault(join(path, f"{KEY}.Scn"), problem, f"keep {key} or Scn")
    if not asks_for_nothing("SkipIncrementalCopy", config.get("SkipIncrementalCopy")):
        problem = "begins without a copy, and SkipIncrementalCopy asks for a copy alone"
        yield Fault(join(path, f"{KEY}.Scn"), problem, "keep one of them")
