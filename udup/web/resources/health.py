"""Health, for whoever restarts or routes: live means the process answers, ready means it can do its work."""

from __future__ import annotations

import falcon

from udup.web.ports import JobReads
from udup.web.responses import give
from udup.web.schemas.agent import Health, Live


class HealthResource:
    """/v1/health and /v1/health/ready: 200 or 503 with the reasons; /v1/health/live: always 200."""

    def __init__(self, reads: JobReads) -> None:
        self._reads = reads

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        problems = self._reads.problems()
        resp.status = falcon.HTTP_503 if problems else falcon.HTTP_200
        give(req, resp, Health(live=True, ready=not problems, problems=problems).to_json())

    def on_get_live(self, req: falcon.Request, resp: falcon.Response) -> None:
        give(req, resp, Live(live=True).to_json())
