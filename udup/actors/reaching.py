"""A job whose server is away from this node for long may be carried on by another one, which may reach it.

Asked is the keeper, between two runs: it gives the job away (`cluster/elsewhere.py`), or says when to ask again. Until
its answer no run begins. A job that is alone, is being cut over, or has a run that gets on, is not asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from udup.actors.cluster_messages import ForgetFailures, ReachElsewhere
from udup.base import runtime
from udup.base.errors import Side
from udup.cluster.beats import Role
from udup.cluster.told import Leave, Owned
from udup.cluster.view import View

if TYPE_CHECKING:
    from udup.actors.job import Job
    from udup.actors.keeper_told import NobodyReaches
    from udup.actors.run import Run
    from udup.jobs import JobRecord

#: Seconds that a server is away from this node before another one is to try: a restart of the server takes less.
AWAY_SECONDS = 60.0


class Host(Protocol):
    """What this needs of the supervisor."""

    log: Any

    def tell_keeper(self, message: object) -> None: ...
    def reconcile(self, job: Job) -> None: ...


class Reaching:
    """`jobs` are the supervisor's own; `view` is the cluster as it was told last."""

    def __init__(self, host: Host, jobs: Mapping[str, Job]) -> None:
        self._host, self._jobs = host, jobs
        self.view: View | None = None

    def note(self, job: Job, run: Run) -> None:
        """Note since when a server is away from here: a run has ended, and its failure is in the record."""
        hold, outage = job.hold, job.record.outage
        if hold is None:
            return
        if outage is None or not outage.away or not outage.away <= {Side.SOURCE, Side.TARGET}:
            hold.away = None
        elif hold.away is None or hold.away[0] != outage.since or run.proven:
            hold.away = outage.since, runtime.now()

    def asks(self, job: Job) -> bool:
        """Ask for another node if it is time; whether that was done, so that no run begins before the answer."""
        hold = job.hold
        if hold is None or hold.away is None or not hold.is_ours or hold.leaves or not job.wanted:
            return False
        if job.record.cutover is not None and job.record.cutover.goes_on:
            return False
        if runtime.now() < max(hold.away[1] + AWAY_SECONDS, hold.ask_at) or not self._is_another(hold.node):
            return False
        hold.gave_up = True
        reason = self._met(job)
        self._host.log.warning("job_asked_for_elsewhere", job=job.id, error=reason)
        self._host.tell_keeper(ReachElsewhere(job.id, hold.token, reason))
        return True

    def stays(self, what: NobodyReaches) -> None:
        """Go on to wait here: no other node is to be tried now."""
        job = self._jobs.get(what.job)
        hold = job.hold if job is not None else None
        if job is None or hold is None or not hold.gave_up or hold.token != what.token:
            return
        hold.gave_up, hold.ask_at = False, runtime.now() + what.again_in
        self._host.reconcile(job)

    def reached(self, job: Job) -> None:
        """Let all nodes be tried in the next outage: this one is over."""
        hold = job.hold
        if hold is None:
            return
        hold.away, hold.ask_at = None, 0.0
        if hold.tried_away:
            hold.tried_away = False
            self._host.tell_keeper(ForgetFailures(job.id, hold.token, failures=False))

    def told(self, job: Job, owned: Owned | Leave | None) -> JobRecord:
        """Return the record of a job that has come, with what other nodes have met in its outage."""
        outage, away = job.record.outage, owned.away if isinstance(owned, Owned) else ()
        if outage is None or not away:
            return job.record
        called = (lambda node: node) if self.view is None else self.view.called
        met = {called(node): why for node, why in away}
        return job.record.model_copy(update={"outage": outage.model_copy(update={"elsewhere": met})})

    def _is_another(self, this: str) -> bool:
        """Whether another node is heard that could carry jobs."""
        nodes = () if self.view is None else self.view.nodes
        return any(each.is_here and each.role is not Role.WITNESS for each in nodes if each.node != this)

    def _met(self, job: Job) -> str:
        outage = job.record.outage
        assert outage is not None
        return "; ".join(f"{each.side} ({each.to}): {each.why}" for each in outage.all_away)
