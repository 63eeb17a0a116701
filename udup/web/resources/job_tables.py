"""GET /v1/job/<id>/tables: where each table of a job stands, page by page.

The source is asked which tables there are, and the target what it knows of those of the page. So a request waits among
those with an index (`web/blocking.py`).
"""

from __future__ import annotations

import falcon

from udup.jobs.table_pages import tables_wanted
from udup.web.blocking import WaitingRoom
from udup.web.ports import JobControl
from udup.web.requests import RegionRule, read_number
from udup.web.responses import give
from udup.web.schemas.tables import JobTables, moment_of, table_of


class JobTablesReads:
    def __init__(self, control: JobControl, region: RegionRule, room: WaitingRoom) -> None:
        self._control, self._region, self._room = control, region, room

    def answer(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        self._region.check(req)
        words = {name: req.get_param(name, default="") for name in ("after", "sort", "state")}
        wanted = tables_wanted(
            read_number(req, "limit"), offset=req.get_param("offset"), search=req.get_param("q", default=""), **words
        )
        with self._room.place():
            found = self._control.tables(job_id, wanted)
        tables = [table_of(each, found.sizes.get(each.name), found.compared.get(each.name)) for each in found.tables]
        shown = JobTables(
            tables=tables,
            next=found.next,
            total=found.total,
            states=found.states,
            changes_since=moment_of(found.since_us),
            changes_problem=found.problem,
            matching=found.matching,
            offset=found.offset,
            groups=found.groups,
        )
        give(req, resp, shown.to_json())
