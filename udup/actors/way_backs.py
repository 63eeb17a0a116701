"""The job of a cut-over's way back where there are several nodes: stored here, given to a node as any new job is.

Whether it is there already is read from the store, since any node may have it: its incarnation, which the cut-over has
stored before, tells it from another job of its ID. So it is made once, whoever carries the cut-over on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from udup.actors.cluster_messages import ReadRecord, RecordRead
from udup.actors.holding import is_ours
from udup.actors.job import Job
from udup.base.errors import Transient
from udup.pipeline.cutover.host import NameTaken


class Host(Protocol):
    """What way backs need of the supervisor."""

    log: Any

    def tell_store(self, message: object) -> None: ...


class Members(Protocol):
    """What they need to know of the cluster."""

    revisions: dict[str, int]

    @property
    def owned(self) -> Mapping[str, object]: ...


@dataclass
class _WayBack:
    job_id: str
    incarnation: str
    make: Callable[[Callable[[], None]], None]
    then: Callable[[], None]
    failed: Callable[[Exception], None]
    is_read: bool = False


class WayBacks:
    """`jobs` are the supervisor's own; `leave_alone` lets go of a job that a wish was stored for."""

    def __init__(
        self, host: Host, members: Members, jobs: Mapping[str, Job], leave_alone: Callable[[str], None]
    ) -> None:
        self._host, self._members, self._jobs, self._leave_alone = host, members, jobs, leave_alone
        self._ticket = 0
        self._pending: dict[int, _WayBack] = {}

    def create(
        self,
        job_id: str,
        incarnation: str,
        make: Callable[[Callable[[], None]], None],
        then: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Have a job stored by `make`, once.

        `then` is called when it is, `failed` with `NameTaken` or what is in the way.
        """
        job = self._jobs.get(job_id)
        if job is not None and is_ours(job):
            make(then)
            return
        self._ticket -= 1  # those of wishes are above 0
        self._pending[self._ticket] = _WayBack(job_id, incarnation, make, then, failed)
        self._host.tell_store(ReadRecord(job_id, self._ticket))

    def repeat(self) -> None:
        """Ask another StoreKeeper for what the one before has not answered."""
        for ticket, back in self._pending.items():
            if not back.is_read:
                self._host.tell_store(ReadRecord(back.job_id, ticket))

    def record_read(self, message: RecordRead) -> None:
        """Store the job, if there is none of its ID."""
        back = self._pending.get(message.ticket)
        if back is None or back.job_id != message.job_id or back.is_read:
            return  # asked for by another, whose tickets are below 0 as well
        if message.record is not None:
            del self._pending[message.ticket]
            if message.record.incarnation == back.incarnation:
                back.then()
            else:
                back.failed(NameTaken(f"there is a job {back.job_id} already"))
            return
        if back.job_id in self._jobs or back.job_id in self._members.owned:
            del self._pending[message.ticket]
            back.failed(Transient(f"job {back.job_id} is just being stored or deleted"))
            return
        back.is_read = True
        self._members.revisions[back.job_id] = message.revision

        def stored() -> None:
            if self._pending.pop(message.ticket, None) is not None:
                back.then()
            self._leave_alone(back.job_id)

        try:
            back.make(stored)
        except Exception as error:
            self._host.log.exception("way_back_not_stored", job=back.job_id)
            self._pending.pop(message.ticket, None)
            self._members.revisions.pop(back.job_id, None)
            back.failed(error)

    def dropped(self, job_id: str, why: str) -> None:
        """It was not stored: another has written it at the same time, or the store did not take it."""
        for ticket, back in list(self._pending.items()):
            if back.job_id == job_id and back.is_read:
                del self._pending[ticket]
                back.failed(Transient(why))
