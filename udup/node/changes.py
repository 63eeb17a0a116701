"""A new document for a job that is carried out, checked before the job hears of it.

Its run ends when the document is stored, and what cannot start then would have ended a healthy job. So both servers are
asked as a start would ask them, and nothing is written. The request's own thread waits, for a bounded time; the look
itself has a thread that is left alone when that is over, and ends by its own time-outs.
"""

from __future__ import annotations

from udup.base.errors import Failure, Fault
from udup.node.aside import Aside, NoAnswer
from udup.pipeline.checks import BOTH, DEST, SRC, Outcome
from udup.pipeline.ownership import Known
from udup.pipeline.ports import Drivers, JobPlan
from udup.web.ports import NotReady

#: Seconds for both servers together. A client waits for a minute.
CHECK_SECONDS = 30.0

#: Documents that are checked at a time, also those for which nobody waits any more. Each holds a thread of the API.
PLACES = 2


class ChangeChecks:
    """`places` at a time; a further one is told to come again."""

    def __init__(self, drivers: Drivers, places: int = PLACES, seconds: float = CHECK_SECONDS) -> None:
        self._drivers = drivers
        self._aside = Aside("documents are being checked", places, seconds)

    def faults(self, plan: JobPlan, known: Known) -> list[Fault]:
        """Return what speaks against a start by this plan now, what could not be asked included.

        `NotReady` if as many are checked as may be at a time; the errors of `Drivers.validate` pass.
        """
        try:
            answer = self._aside.ask(lambda: self._drivers.validate(plan, known))
        except NoAnswer:
            problem = f"the servers did not answer in {self._aside.seconds:.0f} s what a start asks them"
            return [Fault(_where(plan, BOTH), problem, "try again when they do")]
        except NotReady:
            raise
        except Exception as error:
            raise Failure.of(error).error() from error
        failed = [check for check in answer if check.outcome == Outcome.FAIL]
        return [Fault(_where(plan, check.task), check.found, check.remedy, check.task) for check in failed]


def _where(plan: JobPlan, task: str) -> str:
    source, target = (f"{end.endpoint.host}:{end.endpoint.port}" for end in (plan.source, plan.target))
    return {SRC: f"Src {source}", DEST: f"Dest {target}"}.get(task, f"Src {source}, Dest {target}")
