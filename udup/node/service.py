"""The API's writes: questions to the supervisor; and a look into the node's processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from udup.actors.cutover_messages import AbortCutover, StartCutover
from udup.actors.messages import (
    Accepted,
    Actors,
    DeleteJob,
    ListActors,
    PauseJob,
    Place,
    RegisterJob,
    Rejected,
    Rejection,
    ResumeJob,
)
from udup.base import stacks
from udup.base.errors import Refused, UdupError
from udup.jobs import IndexConflict, accept, document_id
from udup.jobs.plan import plan_of
from udup.node.reads import Reads
from udup.pipeline.cutover.state import Options as CutoverOptions
from udup.pipeline.ownership import Known
from udup.pipeline.ports import Drivers
from udup.web.ports import ActorInfo, Check, NotReady, NotThere, Written

#: Seconds for the supervisor's answer, and for that to the removal of a checkpoint, which asks the target.
ASK_SECONDS, PURGE_SECONDS = 8.0, 25.0

#: Seconds for which a write waits for a supervisor that is reading the job store, and between two tries.
OPEN_SECONDS, _AGAIN_SECONDS = 5.0, 0.1

_NO_ANSWER = "the supervisor does not answer now; try again in a moment"


class Control:
    """`ask` puts a question to the supervisor; `supervisor_restarts` says how often that was started again."""

    def __init__(
        self,
        ask: Callable[[object, float], Any],
        supervisor_restarts: Callable[[], int],
        reads: Reads,
        drivers: Drivers,
        node: str = "",
    ) -> None:
        self._ask = ask
        self._supervisor_restarts = supervisor_restarts
        self._reads = reads
        self._drivers = drivers
        self._node = node

    # ---- Jobs ----

    def register(self, document: dict[str, Any], enforce_index: int | None) -> Written:
        stored = self._reads.job(document_id(document) or "")
        accept(document, stored.document if stored else None)  # with the files that it names, in the request's thread
        return self._written(RegisterJob(document, enforce_index))

    def delete(self, job_id: str, *, purge: bool = False) -> Written:
        return self._written(DeleteJob(job_id, purge), PURGE_SECONDS if purge else ASK_SECONDS)

    def pause(self, job_id: str) -> Written:
        return self._written(PauseJob(job_id))

    def resume(self, job_id: str) -> Written:
        return self._written(ResumeJob(job_id))

    def settle(self, job_id: str, gtid: str, *, applied: bool) -> Written:
        """Ask the target itself, where the note is; then have the supervisor carry on."""
        record = self._reads.job(job_id)
        if record is None:
            raise NotThere("job not found")
        self._drivers.target(plan_of(record.spec()).target).settle(job_id, gtid, applied=applied)
        return self.resume(job_id)

    def cut_over(self, job_id: str, options: CutoverOptions) -> Written:
        return self._written(StartCutover(job_id, options))

    def abort_cutover(self, job_id: str) -> Written:
        return self._written(AbortCutover(job_id))

    def validate(self, document: dict[str, Any]) -> list[Check]:
        """Ask the two servers itself: the supervisor has no part in it. Masks stand for the stored passwords."""
        stored = self._reads.job(document_id(document) or "")
        spec, _ = accept(document, stored.document if stored else None)
        jobs = frozenset(record.id for record in self._reads.jobs("")[0])
        return self._drivers.validate(plan_of(spec), Known(self._node, jobs))

    def _written(self, message: object, seconds: float = ASK_SECONDS) -> Written:
        answer = self._ask_when_open(message, seconds)
        if isinstance(answer, Accepted):
            self._reads.forget()  # who has written reads what he wrote
            return Written(answer.index, answer.job_id, answer.eval_id, answer.changed)
        if isinstance(answer, Rejected):
            raise _error_of(answer)
        raise NotReady(_NO_ANSWER)

    def _ask_when_open(self, message: object, seconds: float) -> Any:
        """Return the answer; give a supervisor that was started just now a moment to read the job store."""
        end = time.monotonic() + OPEN_SECONDS
        while True:
            answer = self._ask(message, seconds)
            if not isinstance(answer, Rejected) or answer.reason is not Rejection.NOT_OPEN or time.monotonic() > end:
                return answer
            time.sleep(_AGAIN_SECONDS)

    # ---- Actors ----

    def actors(self) -> list[ActorInfo]:
        return [_described(place, self._supervisor_restarts()) for place in self._places()]

    def kill_actor(self, pid: int) -> None:
        with self._actor(pid) as process:
            signal.pidfd_send_signal(process, signal.SIGKILL)

    def actor_stacks(self, pid: int) -> str:
        with self._actor(pid):
            return stacks.read(pid)

    @contextmanager
    def _actor(self, pid: int) -> Iterator[int]:
        """Yield a handle of an actor's process: taken first, so that it is the one that is listed, and no later one."""
        unknown = NotThere(f"no actor of this node has the process {pid}")
        try:
            handle = os.pidfd_open(pid)
        except (OSError, OverflowError, ValueError) as error:
            raise unknown from error
        try:
            if pid not in {place.pid for place in self._places()}:
                raise unknown
            yield handle
        except ProcessLookupError as error:
            raise unknown from error
        finally:
            os.close(handle)

    def _places(self) -> tuple[Place, ...]:
        answer = self._ask(ListActors(), ASK_SECONDS)
        if not isinstance(answer, Actors):
            raise NotReady(_NO_ANSWER)
        return answer.actors


def _described(place: Place, supervisor_restarts: int) -> ActorInfo:
    started, rss = 0.0, 0
    try:
        process = psutil.Process(place.pid)
        started, rss = process.create_time(), process.memory_info().rss
    except psutil.NoSuchProcess:
        rss = 0  # it has died, and will be replaced
    return ActorInfo(
        role=place.role,
        job_id=place.job_id,
        pid=place.pid,
        slot=place.slot,
        state="running" if place.busy else "idle",
        started=started,
        restarts=supervisor_restarts if place.role == "supervisor" else place.restarts,
        rss=rss,
    )


def _error_of(answer: Rejected) -> UdupError:
    failure = answer.failure
    match answer.reason:
        case Rejection.REFUSED:
            return Refused(list(failure.faults))
        case Rejection.INDEX_CONFLICT:
            return IndexConflict(failure.text)
        case Rejection.UNKNOWN_JOB:
            return NotThere(failure.text)
        case Rejection.INTERNAL:
            return UdupError("internal error; the server's log tells more")
        case Rejection.NOT_OPEN | Rejection.NOT_NOW:
            return NotReady(failure.text)
