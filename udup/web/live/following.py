"""What this node knows of all jobs as time goes on: briefs, series, time lines.

A look reads what all requests read, and takes what is new. The node looks every two seconds, so that series and time
lines have no gaps, and twice a second while somebody follows a stream. That is done by a thread of its own: what a look
waits for, streams do not. A request looks itself, unless somebody did a moment ago.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from udup.base import logs
from udup.base.errors import UdupError
from udup.base.runtime import new_id
from udup.jobs import JobRecord
from udup.jobs.series import SeriesBook, slot_at
from udup.jobs.timeline import Entry, TimelineBook
from udup.web.live.brief import sample_of
from udup.web.live.briefs import Briefs, Changed, as_json
from udup.web.ports import JobReads, NotThere
from udup.web.resources.node_info import NodeInfo

_LOG = logs.logger("live")

#: Seconds between looks while somebody follows, and while nobody does.
FOLLOWED_S, ALONE_S = 0.5, 2.0

#: Seconds that the end of a look is waited for at a stop.
STOP_S = 1.0

#: Seconds between two looks at the nodes, and for which they are looked at since somebody has asked.
NODES_S, WANTED_S = 2.0, 10.0

#: Seconds after which a look is taken though no record is another: what depends on the time has changed by then.
FRESH_S = 0.4


@dataclass(frozen=True)
class Moment:
    """What a stream is given: all up to `order`. `changed` None: what it knew is too old to go on from."""

    order: int
    changed: Changed | None


class Following:
    def __init__(self, reads: JobReads, here: NodeInfo) -> None:
        self._reads, self._here = reads, here
        self._looking = threading.Lock()
        self._looked_at = float("-inf")
        self._known = threading.Condition()  # guards all that is kept; told when a look is over
        self._records: dict[str, JobRecord] = {}
        self._order = 0
        self._looks = 0
        self._timelines = TimelineBook()
        self._series = SeriesBook()
        self._briefs = Briefs(self._next)
        self._ahead_ns = time.time_ns() - time.monotonic_ns()  # time that never goes back
        self._nodes, self._nodes_at, self._nodes_wanted_at = "", float("-inf"), float("-inf")
        self._followers, self._is_kept = 0, False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        #: Tells this process's numbers from those of another one.
        self.epoch = new_id()[:8]
        #: Why jobs cannot be read now, "" while they can.
        self.problem = ""

    # ---- Who looks ----

    def start(self) -> None:
        """Look until `stop`, whether somebody follows or not."""
        with self._known:
            self._is_kept = True
            self._see_to_thread()

    def stop(self) -> None:
        with self._known:
            self._is_kept, thread = False, self._thread
        self._wake.set()
        if thread is not None and not self._followers:
            thread.join(STOP_S)  # what it asks may not answer

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Have looks taken twice a second for as long as the block lasts."""
        with self._known:
            self._followers += 1
            self._see_to_thread()
        self._wake.set()
        try:
            yield
        finally:
            with self._known:
                self._followers -= 1
            self._wake.set()

    def _see_to_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_looking, name="live", daemon=True)
            self._thread.start()

    def _keep_looking(self) -> None:
        while self._goes_on():
            try:
                self.look()
            except UdupError as error:
                self._tell(str(error))
            except Exception as error:  # noqa: BLE001 - streams tell it
                _LOG.error("look_failed", exc_info=error)
                self._tell(f"{type(error).__name__}: {error}")
            self._see_nodes()
            self._wake.wait(FOLLOWED_S if self._followers else ALONE_S)
            self._wake.clear()

    def _see_nodes(self) -> None:
        """Note how the nodes are, if somebody wants that: to ask may take as long as the store does not answer.

        What was known last stands where they cannot be asked.
        """
        now = time.monotonic()
        if now - self._nodes_wanted_at > WANTED_S or now - self._nodes_at < NODES_S:
            return
        try:
            self._nodes = as_json({"Members": self._here.members(), "Nodes": self._here.all_stubs()})
        except UdupError:
            return
        except Exception as error:  # noqa: BLE001 - it must not end the thread that looks at the jobs
            _LOG.error("look_at_nodes_failed", exc_info=error)
        self._nodes_at = now

    def _goes_on(self) -> bool:
        with self._known:
            if self._is_kept or self._followers:
                return True
            self._thread = None
            return False

    def _tell(self, problem: str) -> None:
        with self._known:
            self.problem = problem
            self._looks += 1
            self._known.notify_all()

    # ---- Looks ----

    def look(self) -> int:
        """Take what is new; return the index that it stands for. Raises what reading raises."""
        with self._looking:
            now = time.monotonic()
            records, index = self._reads.jobs("")
            if now - self._looked_at < FRESH_S and self._is_known(records):
                return index
            owners = self._owners()
            with self._known:
                self._take(records, owners, now)
            self._looked_at = now
        self._tell("")
        return index

    def _is_known(self, records: list[JobRecord]) -> bool:
        known = self._records
        return len(records) == len(known) and all(known.get(record.id) is record for record in records)

    def _take(self, records: list[JobRecord], owners: Callable[[str], str], now: float) -> None:
        wall_ns = self._ahead_ns + time.monotonic_ns()
        self._order = self._timelines.take(records, wall_ns, self._order)
        slot = slot_at(wall_ns / 1e9)
        for record in records:
            self._series.take(slot, record.id, sample_of(record))
        self._records = {record.id: record for record in records}
        self._series.keep(self._records)
        self._briefs.take(records, owners, now)

    def _owners(self) -> Callable[[str], str]:
        """Return what names the node that owns a job."""
        view, own = self._here.view, self._here.name
        if view is None:
            return lambda _job: own
        names = {each.node: each.name or each.node for each in view.nodes}
        owners = view.owners
        return lambda job: names.get(owners.get(job, ""), owners.get(job, ""))

    def _next(self) -> int:
        self._order += 1
        return self._order

    # ---- What is known ----

    @property
    def slot(self) -> int:
        """Return the step of the series that it is now."""
        return slot_at((self._ahead_ns + time.monotonic_ns()) / 1e9)

    def nodes(self) -> str:
        """Return how the nodes are, as JSON, "" before that was looked at. Who asks has it looked at for a while."""
        self._nodes_wanted_at = time.monotonic()
        return self._nodes

    @property
    def order(self) -> int:
        with self._known:
            return self._order

    @property
    def edition(self) -> int:
        """Return what counts the changes of the list."""
        return self._briefs.edition

    @property
    def has_looked(self) -> bool:
        """Return whether jobs were read at all."""
        return self._looked_at > float("-inf")

    def record(self, job_id: str) -> JobRecord | None:
        """Return a job as it was at the last look."""
        return self._records.get(job_id)

    def check_job(self, job_id: str) -> None:
        """Raise `NotThere` for a job that was not there at the last look."""
        if job_id not in self._records:
            raise NotThere("job not found")

    def wait(self, seconds: float) -> None:
        """Wait for the end of a look, no longer than that."""
        with self._known:
            looks = self._looks
            self._known.wait_for(lambda: self._looks != looks, seconds)

    def since(self, order: int) -> Moment:
        """Return what has changed of the list behind a number."""
        with self._known:
            return Moment(self._order, self._briefs.since(order))

    def all(self) -> list[tuple[dict[str, Any], str]]:
        """Return every job in brief, with its JSON, in the order of their IDs."""
        with self._known:
            return self._briefs.all()

    def entries(self, job_id: str, order: int) -> list[Entry]:
        """Return what was noted of a job behind a number."""
        with self._known:
            return [each for each in self._timelines.of(job_id).entries if each.order > order]

    def page(self, job_id: str, after: int, limit: int, kinds: frozenset[str]) -> tuple[list[Entry], int]:
        """Return entries of a job's time line, and the number of the oldest that is kept, 0 for none."""
        with self._known:
            timeline = self._timelines.of(job_id)
            oldest = timeline.entries[0].number if timeline.entries else 0
            return timeline.page(after, limit, kinds), oldest

    @contextmanager
    def series(self) -> Iterator[SeriesBook]:
        with self._known:
            yield self._series
