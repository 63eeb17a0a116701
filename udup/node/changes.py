"""A new document for a job that is carried out, checked before the job hears of it.

Its run ends when the document is stored, and what cannot start then would have ended a healthy job. So both servers are
asked as a start would ask them, the NATS server that it names as well, and nothing is written. The request's own thread
waits, for a bounded time; the look itself has a thread that is left alone when that is over, and ends by its own
time-outs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from udup.actors.growth_commands import growth_by
from udup.base.errors import Failure, Fault, Refused, UdupError
from udup.base.long_text import cut_set
from udup.base.remedies import for_job
from udup.jobs import JobRecord, JobSpec
from udup.jobs.growth import Growth, GrowthState, side_id, table_of
from udup.jobs.start import OtherStart, begun_without_copy
from udup.node.aside import Aside, NoAnswer
from udup.node.ends import Ends
from udup.node.servers import Asked
from udup.pipeline.checks import BETWEEN_PARTS, BOTH, DEST, SRC, Outcome
from udup.pipeline.deliver.delivered import JobEnd
from udup.pipeline.ports import Drivers, JobPlan
from udup.web.ports import NotReady

#: Seconds for both servers together, at most. A client waits for a minute.
CHECK_SECONDS = 30.0

#: Documents that are checked at a time, also those for which nobody waits any more. Each holds a thread of the API.
PLACES = 2


#: Characters of a GTID set that are shown.
_GTID_MAX = 200


@dataclass(frozen=True)
class Change:
    """What a new document makes of a job, and another start that it names.

    `start` is None where it names the start that the job has, or none, and where this version does not understand the
    document that the job has.
    """

    asked: Asked
    start: OtherStart | None = None

    @property
    def plan(self) -> JobPlan:
        return self.asked.plan


def growing(asked: Asked, stored: JobRecord, before: JobSpec | None) -> Asked:
    """Return what is asked of the servers where a document changes a job's tables: what comes new may not start.

    `before` is the job's spec, None if it is not understood. What cannot be taken is raised (`growth_by`).
    """
    growth = None if before is None else growth_by(asked.spec, stored, before, stored.progress)
    if growth is None:
        return asked
    comes = growth != stored.growth and not growth.given_up
    return replace(asked, growth=growth, of_side=comes and bool(growth.side))


class ChangeChecks:
    """`places` at a time; a further one is told to come again."""

    def __init__(self, ends: Ends, drivers: Drivers, places: int = PLACES, seconds: float = CHECK_SECONDS) -> None:
        self._ends, self._drivers = ends, drivers
        self._aside = Aside("documents are being checked", places, seconds)

    def faults(self, change: Change, seconds: float = CHECK_SECONDS) -> list[Fault]:
        """Return what speaks against a start by the new document now, what could not be asked included.

        `NotReady` if as many are checked as may be at a time; the errors of `Drivers.validate` pass. `seconds` that are
        left of the request's.
        """
        return self._in_time(change.plan, lambda: self._start_faults(change), seconds)

    def check_reload(self, record: JobRecord | None, tables: Sequence[str]) -> None:
        """Raise `Refused` for tables that cannot be copied by themselves: the job would be without them.

        What is wrong with the request itself is the supervisor's to say.
        """
        if record is None or record.growth is not None:
            return
        asked = Asked(record.spec(), record.document, record.start)
        wants, side = asked.spec.selection().wants, side_id(asked.spec.id)
        if not tables or not side or not all("." in each and wants(*table_of(each)) for each in tables):
            return
        growth = Growth(state=GrowthState.LEAVING, side=side, reloads=tuple(tables))
        change = Change(replace(asked, growth=growth, of_side=True))
        found = self._in_time(change.plan, lambda: self._reload_faults(change, tables), CHECK_SECONDS)
        if found:
            raise Refused(found)

    def without_effect(self, change: Change, seconds: float = CHECK_SECONDS) -> list[Fault]:
        """Return what the new document asks for in vain, of a job that is not carried out now.

        A target that cannot be asked speaks against nothing: the document may be what brings it back.
        """
        if change.start is None:
            return []
        return self._in_time(change.plan, lambda: self._faults_of_begun(change), seconds)

    def _in_time(self, plan: JobPlan, ask: Callable[[], list[Fault]], seconds: float) -> list[Fault]:
        seconds = min(seconds, self._aside.seconds)
        try:
            return self._aside.ask(ask, seconds)
        except NoAnswer:
            problem = f"the servers did not answer in {seconds:.0f} s what a start asks them"
            return [Fault(_where(plan, BOTH), problem, "try again when they do")]
        except NotReady:
            raise
        except Exception as error:
            raise Failure.of(error).error() from error

    def _reload_faults(self, change: Change, tables: Sequence[str]) -> list[Fault]:
        if found := self._start_faults(change, is_reload=True):
            return found
        there = {
            ".".join(each).lower() for each in self._ends.tables(replace(change.asked, growth=None, of_side=False))
        }
        return [
            Fault("table", f"the source has no table {each}", f"udup job tables {change.asked.spec.id} lists them")
            for each in tables
            if each.lower() not in there
        ]

    def _start_faults(self, change: Change, *, is_reload: bool = False) -> list[Fault]:
        """Return why it could not start; of a reload the tables that are on the target are the job's own."""
        plan = change.plan
        found = [
            Fault(_where(plan, check.task), check.found, for_job(check.remedy, change.asked.spec.id), check.task)
            for check in self._ends.look(change.asked)
            if check.outcome == Outcome.FAIL and not (is_reload and check.task == DEST and check.name != BETWEEN_PARTS)
        ]
        return [*found, *self._faults_of_begun(change)]

    def _faults_of_begun(self, change: Change) -> list[Fault]:
        """Return that another start has no effect, where the target has a checkpoint of the job.

        What the supervisor knows of the job's progress ends with its document; the checkpoint does not.
        """
        plan, start = change.plan, change.start
        if start is None:
            return []
        end = JobEnd(self._drivers, plan, "")
        try:
            if start.key == "Gtid" and _is_set(start.before) and _same(end, start.said, start.before):
                return []
            if self._ends.applied(change.asked) is None:
                return []
        except UdupError:
            return []  # that it cannot be asked is told by the checks, where that matters
        if start.ends:
            return [begun_without_copy(plan.job, start)]
        problem = (
            f"{start.key} has no effect any more: job {plan.job} has begun, and goes on after its checkpoint on the"
            f" target. It was {_shown(start.before)}, and would be {_shown(start.said)}"
        )
        remedy = (
            f"leave it as it was, or out; to begin elsewhere give the job another ID, or post this document after"
            f" udup job delete --purge {plan.job}"
        )
        return [Fault(_where(plan, SRC), problem, remedy, SRC)]


def _is_set(text: str) -> bool:
    """Return whether a start before was a GTID set too: it is told by that, and any other by its key."""
    return ":" in text


def _same(end: JobEnd, one: str, other: str) -> bool:
    return end.position(one) == end.position(other)


def _shown(said: str) -> str:
    """What a document says of the start, for people."""
    return f"'{cut_set(said, _GTID_MAX)}'" if said else "empty (a full copy)"


def _where(plan: JobPlan, task: str) -> str:
    source, target = plan.source.address, plan.target.address
    return {SRC: f"Src {source}", DEST: f"Dest {target}"}.get(task, f"Src {source}, Dest {target}")
