"""When a cut-over may begin, go on, be undone or be given up, and what it forbids meanwhile.

Pure: each function takes the job's record, and gives its next cut-over or raises `CutoverConflict`.
"""

from __future__ import annotations

import shlex

from udup.base.errors import Fault, Refused
from udup.jobs import EndWhen, IndexConflict, JobRecord, JobType
from udup.jobs.growth import doing
from udup.jobs.words import Driver
from udup.pipeline.cutover.names import abort_command, command, show_command
from udup.pipeline.cutover.state import Cutover, CutoverState, Options
from udup.pipeline.cutover.texts import given_up


class CutoverConflict(IndexConflict):
    """What is asked does not go together with how far the job's cut-over is (409)."""


def _conflict(problem: str, remedy: str) -> IndexConflict:
    return CutoverConflict.by(Fault("Cutover", problem, remedy))


def asked(record: JobRecord, options: Options) -> Cutover | None:
    """Return the cut-over that a request begins or carries on, None if one is under way; raise if none can be.

    What has stopped goes on with what it was asked for when it began; a dry run carries nothing on.
    """
    before = record.cutover
    if before is not None and before.goes_on:
        if options.dry_run and not before.options.dry_run:
            how = "is under way" if before.is_active else "has stopped"
            goes_on = command(record.id, before.options) if before.switched else abort_command(record.id)
            on = "" if before.is_active else f", and carry it on with: {goes_on}"
            raise _conflict(
                f"a cut-over of job {record.id} {how}, so that there is nothing to try",
                f"look at it with: {show_command(record.id)}{on}",
            )
        if before.is_active:
            return None
        # What was said when it stopped is settled: what is left to do is being done.
        if before.switched:
            return before.with_(state=CutoverState.RUNNING, text="")
        return _undoing(before)
    if before is not None and before.switched:
        if before.way_back and before.options.reverse:
            remedy = f"cut over back by the job of its way back: udup job cutover {shlex.quote(before.way_back)}"
        else:
            remedy = f"see what came of it: {show_command(record.id)}"
        raise _conflict(f"job {record.id} was cut over already", remedy)
    if fault := _of_its_kind(record):
        raise Refused([fault])
    return Cutover.asked(options)


def _of_its_kind(record: JobRecord) -> Fault | None:
    """Return why a job is not cut over that ends by itself, in the middle, or has no database as target. None else."""
    spec = record.spec()
    if record.growth is not None:
        problem = f"job {record.id} is still {doing(record.growth)}, so its target has not all tables"
        remedy = f"wait until they are live (udup job status {shlex.quote(record.id)}), then cut it over"
        return Fault("Job", problem, remedy)
    if spec.delivers:
        problem = f"job {record.id} is a subscription, and {spec.target.driver} takes the place of no database"
        return Fault("Job", problem, "cut over a job of type synchronous that has the same source")
    if spec.source.driver != Driver.MYSQL:
        problem = f"job {record.id} has a source that a cut-over cannot close: {spec.source.driver}"
        return Fault("Job", problem, "stop its applications, wait until the job is level, and pause it")
    if spec.copy_alone:
        problem = f"job {record.id} is a copy alone: nothing of what the source has written since is on its target"
        return Fault("Job", problem, "post it without SkipIncrementalCopy, and cut it over when it follows its source")
    if spec.type != JobType.MIGRATION:
        return None
    job = shlex.quote(record.id)
    problem = f"job {record.id} is a migration, which ends by itself"
    if spec.end_when is EndWhen.FINISHED:
        return Fault("Job", problem, f"stop writing to its source, then end it: udup job finish {job}")
    return Fault("Job", problem, f"stop writing to its source, then wait for its end: udup job status {job} --watch")


def _undoing(stopped: Cutover) -> Cutover:
    return stopped.with_(state=CutoverState.UNDOING, text=stopped.reason)


def aborted(record: JobRecord, source: str, target: str) -> Cutover | None:
    """Return the cut-over that is to be undone, None if there is nothing to undo. Both servers as people read them.

    Behind the switch nothing is undone: what is left is given up. Raise where nothing is left.
    """
    cutover = record.cutover
    if cutover is None:
        return None
    if cutover.switched:
        if not cutover.goes_on:
            way_back = cutover.way_back if cutover.options.reverse else ""
            back = f"cut over back: udup job cutover {shlex.quote(way_back)}" if way_back else "it cannot be undone"
            raise _conflict(f"job {record.id} is cut over: its target is the new server", back)
        leaves_something = cutover.is_active and cutover.next_step is not None
        return given_up(cutover, record.id, source, target) if leaves_something else None
    if not cutover.goes_on:
        return None
    if cutover.state is CutoverState.STOPPED:
        return _undoing(cutover)
    return cutover.with_(abort="somebody has asked for its end")


def check_no_cutover(record: JobRecord, doing: str) -> None:
    """Raise where a cut-over forbids what is asked: `pause`, `resume`, `finish`, `delete` or `register`."""
    cutover = record.cutover
    if cutover is None:
        return
    if cutover.switched:
        _check_switched(record, cutover, doing)
        return
    if cutover.is_active and not (doing == "delete" and cutover.undoing_is_held_up):
        remedy = f"wait for its end, or undo it: {abort_command(record.id)}"
        raise _conflict(f"job {record.id} is being cut over", remedy)
    if cutover.state is CutoverState.STOPPED and doing == "register":
        remedy = f"carry it on: {command(record.id, cutover.options)}"
        raise _conflict(f"the cut-over of job {record.id} has stopped", remedy)


def _check_switched(record: JobRecord, cutover: Cutover, doing: str) -> None:
    """Nothing of the source is applied any more, so the job may be deleted whatever is left to do."""
    delete = f"udup job delete {shlex.quote(record.id)}"
    if doing in ("resume", "register"):
        problem = f"job {record.id} was cut over: its source is the old server now, and would overwrite the new one"
        raise _conflict(problem, f"if it shall follow the old server again nevertheless, delete it first: {delete}")
    if cutover.is_active and doing != "delete":
        remedy = f"see how far it is: {show_command(record.id)}; or delete the job: {delete}"
        raise _conflict(f"job {record.id} is cut over, and the last steps are being done", remedy)
