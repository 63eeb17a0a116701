"""How a job begins: with a full copy, or at one place of the source's log; and what contradicts itself there.

Told of a document when it is posted. Versions before this one took `GtidStart` without looking at it, so a document
that is stored already is read as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from udup.base.errors import Fault
from udup.jobs.document.gtid_text import is_one_gtid
from udup.jobs.document.keys import canonical, join
from udup.jobs.document.refusals import asks_for_nothing
from udup.jobs.document.spec import DOCUMENT, FIRST_EVENT
from udup.jobs.document.values import kind, shown
from udup.jobs.words import EndWhen, JobType, TaskType

#: Keys that say where the log is begun with, without a copy.
STARTS = ("Gtid", "AutoGtid", "GtidStart", "BinlogFile")

#: All keys by which a job begins otherwise than with a copy that the log follows. `Gtid` is taken in the Dest too: the
#: original writes it there.
_SOURCE_ONLY = ("AutoGtid", "GtidStart", "BinlogFile", "BinlogPos", "SkipIncrementalCopy")

_FILE = re.compile(r"[^/\\\s]{1,500}\.[0-9]+")

_ONE_GTID = (
    "write one, for example 3e11fa47-71ca-11e1-9e33-c80aa9429562:42, or 0-1-42 of MariaDB; a set of what the target has"
    " goes into Gtid"
)
_COPY_KEY = "SkipIncrementalCopy"


def start_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what contradicts itself in how a job begins; `document` may have its keys in any case."""
    job = canonical(dict(document), DOCUMENT, "", [])
    tasks = job.get("Tasks")
    for place, task in enumerate(tasks if isinstance(tasks, list) else []):
        config = task.get("Config") if isinstance(task, dict) else None
        if not isinstance(config, dict):
            continue
        asked = {key: value for key, value in config.items() if not asks_for_nothing(key, value)}
        path = f"Tasks[{place}].Config"
        if task.get("Type") == TaskType.SRC:
            yield from _of_source(job, asked, path)
        else:
            for key in _SOURCE_ONLY:
                if key in asked:
                    yield Fault(join(path, key), "is said in the Src's Config", "move it there")


def _of_source(job: dict[str, Any], asked: dict[str, Any], path: str) -> Iterator[Fault]:
    yield from _values(asked, path)
    starts = [key for key in STARTS if key in asked]
    for key in starts[1:]:
        problem = f"{_told(asked, key)} is given together with {_told(asked, starts[0])}, and a job begins at one place"
        yield Fault(join(path, key), problem, f"keep {key} or {starts[0]}")
    if _COPY_KEY in asked:
        yield from _copy_alone(job, asked, starts, join(path, _COPY_KEY))
    is_migration = job.get("Type") == JobType.MIGRATION
    if "AutoGtid" in asked and is_migration and (job.get("EndWhen") or EndWhen.LEVEL) == EndWhen.LEVEL:
        problem = "a migration that copies nothing and begins now has nothing to do: it would be complete at once"
        remedy = (
            f'write "EndWhen": "{EndWhen.FINISHED!s}" to have it follow the source, or leave AutoGtid out: it copies'
        )
        yield Fault(join(path, "AutoGtid"), problem, remedy)


def _copy_alone(job: dict[str, Any], asked: dict[str, Any], starts: list[str], where: str) -> Iterator[Fault]:
    if starts:
        problem = f"is a copy alone, and {_told(asked, starts[0])} begins without a copy: nothing would be left to do"
        yield Fault(where, problem, f"keep {_COPY_KEY} or {starts[0]}")
    if job.get("Type") == JobType.MIGRATION:
        problem = (
            f"ends when the copy is on the target, and a {JobType.MIGRATION!s} when the target has what came since"
        )
        yield Fault(
            where, problem, f'write "Type": "{JobType.SYNCHRONOUS!s}" for a copy alone, or leave {_COPY_KEY} out'
        )


def _values(asked: dict[str, Any], path: str) -> Iterator[Fault]:
    gtid, file, offset = (asked.get(key) for key in ("GtidStart", "BinlogFile", "BinlogPos"))
    if gtid is not None and not isinstance(gtid, str):
        yield Fault(join(path, "GtidStart"), f"must be text, got {kind(gtid)}", _ONE_GTID)
    elif gtid is not None and not is_one_gtid(re.sub(r"\s+", "", gtid)):
        yield Fault(join(path, "GtidStart"), f"must be the GTID of one transaction, got {shown(gtid)}", _ONE_GTID)
    if isinstance(file, str) and not _FILE.fullmatch(file):
        remedy = "write the name alone, as SHOW BINARY LOGS on the source lists it: binlog.000012"
        yield Fault(join(path, "BinlogFile"), f"is not the name of a log file: {shown(file)}", remedy)
    if offset is not None and file is None:
        remedy = "name the file in BinlogFile, or leave BinlogPos out"
        yield Fault(join(path, "BinlogPos"), f"{shown(offset)} is an offset in a file, and none is named", remedy)
    elif isinstance(offset, int) and 0 < offset < FIRST_EVENT:
        problem = f"{offset} is in front of a file's first event, which stands at {FIRST_EVENT}"
        yield Fault(join(path, "BinlogPos"), problem, "leave it out to begin with the file")


def _told(asked: dict[str, Any], key: str) -> str:
    value = asked[key]
    return f"{key} {shown(value)}" if isinstance(value, str) else key
