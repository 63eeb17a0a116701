"""POST /v1/inspect: a server as it is typed, looked at before there is a job. Nothing is stored, logged or written.

A server that cannot be reached is an answer. A question waits among the requests with an index (`web/blocking.py`), and
some at a time: whoever types asks often.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import falcon

from udup.jobs.document.inspecting import server_asked
from udup.web.blocking import WaitingRoom
from udup.web.ports import JobControl, JobReads, NotReady
from udup.web.requests import RegionRule, read_json
from udup.web.responses import give
from udup.web.schemas.inspect import inspected_of

#: Bytes of a question.
BODY_BYTES = 1 << 16

#: Servers that are looked at at a time.
PLACES = 4


class InspectResource:
    def __init__(self, control: JobControl, reads: JobReads, region: RegionRule, room: WaitingRoom) -> None:
        self._control, self._reads, self._region, self._room = control, reads, region, room
        self._places = threading.BoundedSemaphore(PLACES)

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._region.check(req)
        asked = server_asked(read_json(req, BODY_BYTES), self._document)
        if not self._places.acquire(blocking=False):
            raise NotReady(f"{PLACES} servers are being looked at already; try again in a moment")
        begun = time.monotonic()
        try:
            with self._room.place():
                found = self._control.inspect(asked)
        finally:
            self._places.release()
        give(req, resp, inspected_of(found, round((time.monotonic() - begun) * 1000)))

    on_put = on_post

    def _document(self, job_id: str) -> Mapping[str, Any] | None:
        record = self._reads.job(job_id)
        return None if record is None else record.document
