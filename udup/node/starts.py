"""Asks a job's source where the job begins, before its document is stored (`jobs/start.py` says why then)."""

from __future__ import annotations

import time

from udup.base.errors import Failure
from udup.jobs.start import DecidedStart
from udup.node.aside import Aside, NoAnswer
from udup.pipeline.ports import Drivers, End, StartPoint
from udup.web.ports import NotReady

#: Seconds for a source to answer. A file of its log is read at 20 to 100 MB/s, by how large its transactions are, and
#: has 1 GiB at most as a rule. A client waits for a minute.
START_SECONDS = 50.0

#: Sources that are asked at a time.
PLACES = 2

_LATER = "nothing is stored: post the job again when the source answers, or begin after a GTID set of your own (Gtid)"


class StartDecisions:
    def __init__(self, drivers: Drivers, places: int = PLACES, seconds: float = START_SECONDS) -> None:
        self._drivers = drivers
        self._aside = Aside("sources are asked where a job begins", places, seconds)

    def decide(self, source: End, point: StartPoint) -> DecidedStart:
        """Return what comes before the place, as it is now.

        `Refused` if there is no such place; `NotReady` while the source cannot be asked.
        """
        now = time.time_ns()
        try:
            found = self._aside.ask(lambda: self._drivers.source(source).find_start(point))
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
        return DecidedStart.of(point, found, now)
