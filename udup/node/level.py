"""The question whether a job is level: the two servers themselves are asked, after the question came.

What a run reports of itself may be seconds old, and is no part of the answer: what is wanted is what the source has
executed now, or a set that the client names, and what is applied is what the job's checkpoint on the target says.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from udup.base.errors import Transient, UdupError
from udup.jobs import DesiredState, JobRecord, Stage
from udup.jobs.growing_shown import told
from udup.jobs.growth import doing
from udup.node.ends import Ends
from udup.node.reads import Reads
from udup.node.servers import Asked, Servers
from udup.pipeline.checks import DEST
from udup.pipeline.cutover.names import show_command
from udup.pipeline.cutover.state import Cutover
from udup.pipeline.deliver.delivered import JobEnd
from udup.pipeline.ownership import Known
from udup.pipeline.ports import CheckpointReader, Drivers, Position
from udup.web.ports import LevelFound, NotReady, NotThere

#: Stages that a job does not leave by itself, so that waiting is of no use.
_ENDED = (Stage.FAILED, Stage.PAUSED, Stage.COMPLETED)

_Answer = TypeVar("_Answer")


class LevelQuestion:
    """`web.ports.LevelQuestion`: the source is asked when this is made, the target with each look, on one connection.

    `gtid` names what is wanted in the source's place. A job that is given another document meanwhile is another job:
    its servers are asked from the start.
    """

    def __init__(
        self,
        reads: Reads,
        drivers: Drivers,
        job_id: str,
        gtid: str | None,
        nats_url: str = "",
        ends: Ends | None = None,
    ) -> None:
        """`nats_url`: the node's own, for a job that delivers there. `ends` asks servers that another node reaches."""
        self._nats_url = nats_url
        self._ends = ends or Ends(Servers(drivers, Known, nats_url))
        self._reads = reads
        self._drivers = drivers
        self._job_id = job_id
        self._gtid = gtid
        self._target: JobEnd
        self._wanted: Position | None
        self._reader: CheckpointReader | None = None
        self._begin(self._record())

    def _record(self) -> JobRecord:
        record = self._reads.job(self._job_id)
        if record is None:
            raise NotThere("job not found")
        return record

    def _begin(self, record: JobRecord) -> None:
        self.close()
        self._document = record.job_modify_index
        asked = self._asked_of = Asked(record.spec(), record.document, record.start)
        plan = asked.plan
        self._target = JobEnd(self._drivers, plan, self._nats_url)
        wanted = self._gtid
        if wanted is None:
            where = self._drivers.source(plan.source).where
            wanted = self._asked(record, f"the source {where}", lambda: self._ends.executed(asked))
        self._wanted = None if wanted is None else self._target.position(wanted)

    def _asked(self, record: JobRecord, whom: str, ask: Callable[[], _Answer]) -> _Answer | None:
        """Return a server's answer. Raise `NotReady` without one, unless the job has failed or was cut over: that says
        more, and the server may be gone for good.
        """
        try:
            return ask()
        except UdupError as error:
            if record.stage is Stage.FAILED or _cut_over(record) is not None:
                return None
            raise NotReady(f"job {self._job_id}: {whom} cannot be asked now: {error}") from error

    def look(self) -> LevelFound:
        """Return how things are now."""
        record = self._record()
        if record.job_modify_index != self._document:
            self._begin(record)
        applied = self._asked(record, f"the target {self._target.where}", self._applied)
        there = applied if applied is not None else self._target.position("")
        missing = None if self._wanted is None else self._wanted - there
        # Even an empty set is not there before the first checkpoint is.
        has_all = applied is not None and missing is not None and not missing
        level = has_all and record.stage is not Stage.FAILED and record.growth is None
        return LevelFound(
            level=level,
            wanted=_text(self._wanted),
            applied=_text(applied),
            missing=_text(missing),
            stage=record.stage.value,
            why="" if level else _why(record, applied, missing),
            ended=record.stage in _ENDED,
        )

    def _applied(self) -> Position | None:
        if not self._ends.is_here(self._asked_of, DEST):
            found = self._ends.applied(self._asked_of)
            return None if found is None else self._target.position(found)
        if self._reader is None:
            self._reader = self._target.open_reader()
        try:
            return self._reader.executed()
        except Transient:
            self.close()  # the next look connects again
            raise

    def close(self) -> None:
        """Give up the connection."""
        reader, self._reader = self._reader, None
        if reader is not None:
            with suppress(UdupError):
                reader.close()


def _text(position: Position | None) -> str:
    return "" if position is None else str(position)


def _why(record: JobRecord, applied: Position | None, missing: Position | None) -> str:
    """Return why the job is not level, and what to do if it does not become so by itself."""
    resume = f"udup job resume {record.id}"
    lacking = _lacking(applied, missing)
    if record.stage is Stage.FAILED:
        failed = f"the job has failed: {record.status_description}"
        return failed if resume in failed else f"{failed} -- fix that, then: {resume}"
    if (cutover := _cut_over(record)) is not None:
        return _why_cut_over(record.id, cutover)
    if record.growth is not None and record.stage is not Stage.PAUSED:
        how = told(record.growing_shown) if record.growing_shown is not None else doing(record.growth)
        return f"the job is still {how}"
    if record.stage is Stage.PAUSED:
        return f"the job is paused, and {lacking} -- go on with: {resume}"
    if record.stage is Stage.COMPLETED and record.spec().copy_alone:
        return f"the copy is complete, and {lacking} -- post the job without SkipIncrementalCopy: it follows its source"
    if record.stage is Stage.COMPLETED:
        return f"the migration is complete, and {lacking} -- have it catch up and complete again: {resume}"
    if record.desired is DesiredState.STOP:
        return "the job is being deleted with its checkpoint"
    if record.stage is Stage.COPYING:
        return "the full copy has not ended"
    if record.stage is Stage.PENDING:
        last = record.status_description or (record.restart_history[-1].error if record.restart_history else "")
        return f"the job does not run yet, and {lacking}" + (f"; the last error: {last}" if last else "")
    waiting = record.progress.waiting_for
    return lacking + (f"; the job waits for {waiting.what}" if waiting is not None and waiting.what else "")


def _cut_over(record: JobRecord) -> Cutover | None:
    """Return the job's cut-over if it is switched: then its target is the new server."""
    return record.cutover if record.cutover is not None and record.cutover.switched else None


def _why_cut_over(job_id: str, cutover: Cutover) -> str:
    """Nothing that its source executes now is ever applied; the job of the way back has the other one to follow."""
    told = f"job {job_id} was cut over: what its old source has executed since is not brought over"
    if cutover.options.reverse and cutover.way_back:
        return f"{told} -- wait for the job that brings changes back: udup job wait {shlex.quote(cutover.way_back)}"
    return f"{told} -- see what came of it: {show_command(job_id)}"


def _lacking(applied: Position | None, missing: Position | None) -> str:
    if applied is None:
        return "the target has no checkpoint of it"
    count = 0 if missing is None else len(missing)
    return (
        "1 transaction is not in the target yet" if count == 1 else f"{count:,} transactions are not in the target yet"
    )
