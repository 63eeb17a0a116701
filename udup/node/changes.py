"""A new document for a job that is carried out, checked before the job hears of it.

Its run ends when the document is stored, and what cannot start then would have ended a healthy job. So both servers are
asked as a start would ask them, the NATS server that it names as well, and nothing is written. The request's own thread
waits, for a bounded time; the look itself has a thread that is left alone when that is over, and ends by its own
time-outs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from udup.base import runtime
from udup.base.errors import Failure, Fault, UdupError
from udup.base.long_text import cut_set
from udup.node.aside import Aside, NoAnswer
from udup.pipeline.checks import BOTH, DEST, SRC, Check, Outcome
from udup.pipeline.ownership import Known
from udup.pipeline.ports import Drivers, JobPlan
from udup.pipeline.transport.address import shown
from udup.pipeline.transport.link import reach
from udup.web.ports import NotReady

#: Seconds for both servers together. A client waits for a minute.
CHECK_SECONDS = 30.0

#: Documents that are checked at a time, also those for which nobody waits any more. Each holds a thread of the API.
PLACES = 2


#: Characters of a GTID set that are shown.
_GTID_MAX = 200


@dataclass(frozen=True)
class Change:
    """What a new document makes of a job: its plan, the plan before, and the NATS server of its own that it names.

    `before` is None where this version does not understand the document that the job has.
    """

    plan: JobPlan
    before: JobPlan | None = None
    nats_url: str = field(default="", repr=False)

    @property
    def begins_elsewhere(self) -> bool:
        """Whether the two documents say otherwise after what the job begins."""
        return self.before is not None and self.plan.start_after != self.before.start_after


class ChangeChecks:
    """`places` at a time; a further one is told to come again."""

    def __init__(self, drivers: Drivers, places: int = PLACES, seconds: float = CHECK_SECONDS) -> None:
        self._drivers = drivers
        self._aside = Aside("documents are being checked", places, seconds)

    def faults(self, change: Change, known: Known) -> list[Fault]:
        """Return what speaks against a start by the new document now, what could not be asked included.

        `NotReady` if as many are checked as may be at a time; the errors of `Drivers.validate` pass.
        """
        return self._in_time(change.plan, lambda: self._start_faults(change, known))

    def without_effect(self, change: Change) -> list[Fault]:
        """Return what the new document asks for in vain, of a job that is not carried out now.

        A target that cannot be asked speaks against nothing: the document may be what brings it back.
        """
        return self._in_time(change.plan, lambda: self._gtid_faults(change)) if change.begins_elsewhere else []

    def _in_time(self, plan: JobPlan, ask: Callable[[], list[Fault]]) -> list[Fault]:
        try:
            return self._aside.ask(ask)
        except NoAnswer:
            problem = f"the servers did not answer in {self._aside.seconds:.0f} s what a start asks them"
            return [Fault(_where(plan, BOTH), problem, "try again when they do")]
        except NotReady:
            raise
        except Exception as error:
            raise Failure.of(error).error() from error

    def _start_faults(self, change: Change, known: Known) -> list[Fault]:
        plan = change.plan
        checks = [*self._drivers.validate(plan, known), *nats_checks(change.nats_url)]
        found = [
            Fault(_where(plan, check.task), check.found, check.remedy, check.task)
            for check in checks
            if check.outcome == Outcome.FAIL
        ]
        return [*found, *self._gtid_faults(change)]

    def _gtid_faults(self, change: Change) -> list[Fault]:
        """Return that another `Gtid` has no effect, where the target has a checkpoint of the job."""
        if not change.begins_elsewhere or change.before is None:
            return []
        plan, before = change.plan, change.before
        target = self._drivers.target(plan.target)
        try:
            one, other = (
                None if each.start_after is None else target.position(each.start_after) for each in (plan, before)
            )
            if one == other or target.executed(plan.job) is None:
                return []
        except UdupError:
            return []  # that it cannot be asked is told by the checks, where that matters
        problem = (
            f"Gtid has no effect any more: job {plan.job} has begun, and goes on after its checkpoint on the target."
            f" It was {_shown(before.start_after)}, and would be {_shown(plan.start_after)}"
        )
        remedy = (
            f"leave it as it was; to begin elsewhere give the job another ID, or post this document after"
            f" udup job delete --purge {plan.job}"
        )
        return [Fault(_where(plan, SRC), problem, remedy, SRC)]


def nats_checks(url: str) -> list[Check]:
    """Return whether the NATS server that a job names lets somebody in now; nothing for the node's own ("")."""
    if not url:
        return []
    try:
        runtime.run_loop(reach(url, "udup check of a document"))
    except UdupError as error:
        remedy = "look at NatsAddr, and that a NATS server listens there; without NatsAddr the node's own is used"
        return [Check(BOTH, "nats", Outcome.FAIL, str(error), remedy)]
    return [Check(BOTH, "nats", Outcome.PASS, shown(url))]


def _shown(start_after: str | None) -> str:
    """What `Gtid` says, for people."""
    if start_after is None:
        return "empty (a full copy)"
    return f"'{cut_set(start_after, _GTID_MAX)}'"


def _where(plan: JobPlan, task: str) -> str:
    source, target = (f"{end.endpoint.host}:{end.endpoint.port}" for end in (plan.source, plan.target))
    return {SRC: f"Src {source}", DEST: f"Dest {target}"}.get(task, f"Src {source}, Dest {target}")
