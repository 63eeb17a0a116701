"""What is asked of a job's two servers for somebody who decides: GET …/row, GET …/estimate, a repair's dry run.

A request waits among those with an index (`web/blocking.py`), since servers may be slow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import falcon

from udup.base.errors import Fault, Refused
from udup.jobs import Stage
from udup.jobs.estimates import estimated_act
from udup.pipeline.ports.compare import LedgerRow
from udup.web.blocking import WaitingRoom
from udup.web.ports import JobControl, JobReads, NotThere
from udup.web.requests import RegionRule
from udup.web.responses import give
from udup.web.schemas.compare import MOST_PAGE
from udup.web.schemas.rows import estimate_of, plan_of_repair, row_of

#: Pages of a ledger that a plan is made of: it keeps 10,000 rows.
_MOST_PAGES = 20

_STOPPED = "the job has stopped: its tables are compared when they are repaired, and rows that differ are found then"


class JobQuestions:
    """`shows_values` is the setting console.show_values."""

    def __init__(
        self, control: JobControl, reads: JobReads, region: RegionRule, room: WaitingRoom, *, shows_values: bool
    ) -> None:
        self._control, self._reads, self._region, self._room = control, reads, region, room
        self._shows_values = shows_values

    def row(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Answer a row of the ledger as both servers have it."""
        self._region.check(req)
        words = {name: req.get_param(name, default="") for name in ("schema", "table", "key")}
        if missing := [name for name in ("schema", "table") if not words[name]]:
            remedy = "name the row as the ledger has it (/v1/job/ID/differences): schema, table, key"
            raise Refused([Fault(name, "is required", remedy) for name in missing])
        with self._room.place():
            seen = self._control.row(job_id, words["schema"], words["table"], words["key"])
        if seen is None:
            raise NotThere("the job's ledger has no such row")
        give(req, resp, row_of(seen, hidden=not self._shows_values))

    def estimate(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Answer about how long something takes."""
        self._region.check(req)
        act = estimated_act(req.get_param("act", default=""))
        with self._room.place():
            found = self._control.estimate(job_id, act, req.get_param_as_list("table", default=[]))
        give(req, resp, estimate_of(found))

    def repair_plan(self, req: falcon.Request, resp: falcon.Response, job_id: str, tables: Collection[str]) -> None:
        """Answer what a repair of these tables (() for all) would do."""
        with self._room.place():
            rows = [row for row in self._unrepaired(job_id) if not tables or f"{row.schema}.{row.table}" in tables]
        record = self._reads.job(job_id)
        stopped = record is not None and record.stage is Stage.FAILED
        give(req, resp, plan_of_repair(rows, _STOPPED if stopped else ""))

    def _unrepaired(self, job_id: str) -> Iterator[LedgerRow]:
        after = ""
        for _ in range(_MOST_PAGES):
            page = self._control.differences(job_id, after, MOST_PAGE)
            yield from (row for row in page if not row.repaired and not row.definition)
            if len(page) < MOST_PAGE:
                return
            after = page[-1].at
