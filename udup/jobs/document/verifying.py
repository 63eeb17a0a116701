"""`Verify` of a document: whether a job's two servers are compared while it replicates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from udup.base.errors import Fault
from udup.jobs.document import values
from udup.jobs.document.model import Model
from udup.jobs.words import Driver, TaskType, VerifyMode
from udup.pipeline.selection.selection import Selection
from udup.pipeline.verify.state import CompareOptions

KEY = "Verify"

_MOST_ROWS = 1 << 40


def _mode(value: object) -> str:
    text = values.plain_text(value).lower()
    if text not in set(VerifyMode):
        words = ", ".join(VerifyMode)
        raise values.fault(f"must be one of {words}, got {values.shown(text)}", f"write {words}")
    return text


def _table(value: object) -> str:
    text = values.plain_text(value)
    if "." not in text:
        raise values.fault(f"must be schema.table, got {values.shown(text)}", "write schema.table, as on the source")
    return text


class Verify(Model):
    """When the two servers are compared, and what of them."""

    mode: Annotated[VerifyMode, BeforeValidator(_mode)] = VerifyMode.OFF
    """`once`: when the job follows its source. `continuous`: again and again from then on."""
    rows_per_second: Annotated[int, BeforeValidator(values.within(0, _MOST_ROWS))] = 0
    """Rows that are read of each side; 0 for no bound."""
    tables: list[Annotated[str, BeforeValidator(_table)]] = Field(default=[])
    """schema.table, as on the source; none for all of the job's."""

    def options(self) -> CompareOptions | None:
        """Return what is to be compared, None for nothing."""
        if self.mode is VerifyMode.OFF:
            return None
        continuous = self.mode is VerifyMode.CONTINUOUS
        return CompareOptions(tables=tuple(self.tables), rows_per_second=self.rows_per_second, continuous=continuous)


def unknown_tables(said: Verify, selection: Selection) -> Iterator[Fault]:
    """Yield the tables that are to be compared and that the job does not choose."""
    if said.mode is VerifyMode.OFF:
        return
    for place, name in enumerate(said.tables):
        if not any(each.wants_named(name) for each in (selection, selection.folding(True))):
            problem = f"the job does not choose {values.shown(name)}"
            yield Fault(f"{KEY}.Tables[{place}]", problem, "name tables of ReplicateDoDb, as on the source")


def faults(job: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield why a job with canonical keys that asks to be compared cannot be."""
    said, tasks = job.get(KEY), job.get("Tasks")
    if not isinstance(said, Mapping) or str(said.get("Mode", VerifyMode.OFF)).lower() == VerifyMode.OFF:
        return
    for task in tasks if isinstance(tasks, list) else ():
        config = task.get("Config") if isinstance(task, Mapping) else None
        if not isinstance(config, Mapping):
            continue
        driver = str(task.get("Driver") or Driver.MYSQL)
        if driver.lower() != Driver.MYSQL.lower():
            yield Fault(KEY, f"a task of {driver} is not compared", "leave it out, or have both tasks be of MySQL")
        if task.get("Type") == TaskType.SRC and config.get("SkipIncrementalCopy"):
            yield Fault(KEY, "a copy alone is not compared: it follows nothing", "leave it or SkipIncrementalCopy out")
        if config.get("SqlFilter"):
            yield Fault(KEY, "SqlFilter leaves changes out, so that the target differs", "leave one of both out")
