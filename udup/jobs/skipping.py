"""Passing over the transaction at which a job stands: when it may be, and what the record says of it.

Pure, as `history.py` is. First `begun` writes the ledger, then the target is asked, then `ended` says what came of it:
so that nothing is ever passed over of which the ledger does not know.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

from udup.base.errors import Failure, Fault
from udup.base.stamps import to_the_second
from udup.jobs.curing import ROWS, TABLES
from udup.jobs.record import IndexConflict, JobRecord
from udup.jobs.skipped import ERROR_MAX, SKIPPABLE, SkippedTransaction
from udup.jobs.stopped import Stopped
from udup.jobs.words import Stage

#: Characters of an error's text that a description keeps, beside the commands behind it.
TEXT_MAX = 2000

#: Where the commands begin that repair tables.
_CURE = re.compile(f"; (?:{re.escape(ROWS)}|{re.escape(TABLES)})")

#: How the texts of failures end that say what is to be done before the job is resumed.
_RESUME = (", then resume the job", "; then resume the job")

#: What is to be known of a job that has passed over a transaction.
WARNING = (
    "the target differs from the source now: nothing of this transaction was applied. Compare the tables that it"
    " changes on both sides, and repair the target"
)


class NotSkippable(IndexConflict):
    """The job does not stand at the transaction that was named."""


def check_database(record: JobRecord, done: str) -> None:
    """Raise `NotSkippable` for a subscription: of its transactions none is `done` in the target one by one."""
    if record.spec().delivers:
        problem = f"job {record.id} is a subscription: of what it delivers nothing can be {done}"
        remedy = f"fix what it says, then: udup job resume {shlex.quote(record.id)}"
        raise NotSkippable.by(Fault("Job", problem, remedy))


def begun(record: JobRecord, gtid: str, now: int) -> JobRecord:
    """Return the record with an entry of the ledger that is not confirmed; the same if it has that already.

    Raise `NotSkippable` unless the job has failed at this very transaction.
    """
    entry = _entry(record, gtid)
    stopped = record.stopped if record.stage is Stage.FAILED else None
    if fault := _fault(record, stopped, entry, gtid):
        raise NotSkippable.by(fault)
    if entry is not None or stopped is None:
        return record
    error = _settled(record.id, stopped)[:ERROR_MAX]
    made = SkippedTransaction(time_ns=now, gtid=stopped.gtid, error=error, table=stopped.table)
    return record.model_copy(update={"skipped": (*record.skipped, made)})


def _fault(record: JobRecord, stopped: Stopped | None, entry: SkippedTransaction | None, gtid: str) -> Fault | None:
    """Return why this transaction cannot be passed over, None if it can."""
    job = shlex.quote(record.id)
    if stopped is None or not _same(stopped.gtid, gtid):
        if entry is not None and entry.confirmed:
            problem = f"{gtid} was passed over already, at {_stamp(entry.time_ns)}"
            return Fault("gtid", problem, f"see the ledger: udup job status {job}")
        if stopped is None:
            problem = (
                f"job {record.id} has not failed, it is {record.stage.value}: only the transaction at which a job has"
                " stopped can be passed over"
            )
            return Fault("gtid", problem, f"see where it stands: udup job status {job}")
        where = f"stands at {stopped.gtid}, not at {gtid}" if stopped.gtid else "does not stand at one transaction"
        problem = f"job {record.id} {where}; it has failed: {_without_commands(record.id, stopped)}"
        if stopped.kind in SKIPPABLE and stopped.gtid:
            return Fault("gtid", problem, _commands(record.id, stopped.gtid))
        return Fault("gtid", problem, f"fix that, then: udup job resume {job}")
    if stopped.kind not in SKIPPABLE:
        problem = f"job {record.id} has failed by {stopped.kind.value}, which passing over {gtid} does not heal"
        return Fault("gtid", f"{problem}: {stopped.text}", f"fix that, then: udup job resume {job}")
    return None


def ended(record: JobRecord, gtid: str, *, done: bool) -> JobRecord:
    """Return the record with the entry confirmed, or without it where the target has refused."""
    kept = [
        each.model_copy(update={"confirmed": True}) if _same(each.gtid, gtid) else each
        for each in record.skipped
        if done or each.confirmed or not _same(each.gtid, gtid)
    ]
    return record.model_copy(update={"skipped": tuple(kept)})


def with_commands(job_id: str, failure: Failure, cure: str = "", *, skips: bool = True) -> Failure:
    """Return a failure at one transaction whose text ends with the commands that get the job going again.

    `cure` is those that repair its tables. `skips`: the transaction may also be passed over.
    """
    if failure.kind not in SKIPPABLE or not failure.gtid or "udup job " in failure.text:
        return failure
    commands = _commands(job_id, failure.gtid, cure, skips=skips)
    text = f"{failure.text[: TEXT_MAX - len(commands) - 2]}; {commands}"
    return replace(failure, text=text)


def _commands(job_id: str, gtid: str, cure: str = "", *, skips: bool = True) -> str:
    job = shlex.quote(job_id)
    resume = f"udup job resume {job} when that is repaired"
    skip = f"udup job skip {job} --gtid {gtid}" if skips else ""
    if cure.startswith(ROWS):
        return f"{cure}; or pass over the transaction: {skip}"
    if cure:
        return f"{cure}; or {resume}, or {skip}"
    return f"{resume}, or {skip}" if skip else resume


def _without_commands(job_id: str, stopped: Stopped) -> str:
    text = stopped.text.removesuffix(f"; {_commands(job_id, stopped.gtid)}")
    return _CURE.split(text)[0]


def _settled(job_id: str, stopped: Stopped) -> str:
    """Return the failure's text for the ledger: what the job is to be told of a transaction passed over is settled."""
    text = _without_commands(job_id, stopped)
    for told in _RESUME:
        text = text.removesuffix(told)
    return text


def _entry(record: JobRecord, gtid: str) -> SkippedTransaction | None:
    return next((each for each in reversed(record.skipped) if _same(each.gtid, gtid)), None)


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same GTID; servers take a UUID and a tag in either case."""
    return one.lower() == other.lower()


def _stamp(time_ns: int) -> str:
    return to_the_second(time_ns // 1_000_000_000)
