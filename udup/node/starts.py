"""Asks a job's source where the job begins, before its document is stored (`jobs/start.py` says why then)."""

from __future__ import annotations

import time

from udup.base.errors import Failure, Fault, Refused
from udup.jobs.start import DecidedStart
from udup.jobs.words import EndWhen
from udup.node.aside import Aside, NoAnswer
from udup.node.ends import Ends
from udup.node.servers import Asked
from udup.pipeline.checks import SRC
from udup.pipeline.ports import End, StartPoint
from udup.web.ports import NotReady

#: Seconds for a source to answer. A file of its log is read at 20 to 100 MB/s, by how large its transactions are, and
#: has 1 GiB at most as a rule. A client waits for a minute, and the document is to be checked and stored after it.
START_SECONDS = 40.0

#: Sources that are asked at a time.
PLACES = 2

_LATER = "nothing is stored: post the job again when the source answers, or begin after a GTID set of your own (Gtid)"


class StartDecisions:
    def __init__(self, ends: Ends, places: int = PLACES, seconds: float = START_SECONDS) -> None:
        self._ends = ends
        self._aside = Aside("sources are asked where a job begins", places, seconds)

    def decide(self, asked: Asked, point: StartPoint, *, ends_when_level: bool = False) -> DecidedStart:
        """Return what comes before the place, as it is now.

        `Refused` if there is no such place, and for a transaction that is not there yet if the job would be complete
        without it; `NotReady` while the source cannot be asked.
        """
        now, source = time.time_ns(), asked.plan.source
        try:
            found = self._aside.ask(lambda: self._ends.find_start(asked))
        except NoAnswer as error:
            problem = f"the source {source} did not say in {self._aside.seconds:.0f} s where the job begins ({point})"
            raise NotReady(f"{problem} -- {_LATER}") from error
        except NotReady:
            raise
        except Exception as error:
            failure = Failure.of(error)
            if failure.kind.passes:
                raise NotReady(
                    f"the source cannot be asked where the job begins: {failure.text} -- {_LATER}"
                ) from error
            raise failure.error() from error
        if found.awaited and ends_when_level:
            raise Refused([_complete_without(source, point)])
        return DecidedStart.of(point, found, now)


def _complete_without(source: End, point: StartPoint) -> Fault:
    problem = f"the source has not executed {point.gtid} yet: a migration that ends when level would end without it"
    remedy = f'write "EndWhen": "{EndWhen.FINISHED!s}" to have it follow the source, or post it when that is there'
    return Fault(f"Src {source}: GtidStart", problem, remedy, SRC)
