"""Health, for whoever restarts or routes: live means the process answers, ready means it can do its work."""

from __future__ import annotations

import falcon

from udup.base.errors import UdupError
from udup.web.ports import JobReads
from udup.web.resources.outage_figures import reconnecting
from udup.web.responses import give
from udup.web.schemas.agent import Health, Live


class HealthResource:
    """/v1/health and /v1/health/ready: 200 or 503 with the reasons; /v1/health/live: always 200."""

    def __init__(self, reads: JobReads) -> None:
        self._reads = reads

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        problems = self._reads.problems()
        resp.status = falcon.HTTP_503 if problems else falcon.HTTP_200
        health = Health(live=True, ready=not problems, problems=problems, reconnecting=self._reconnecting())
        give(req, resp, health.to_json())

    def _reconnecting(self) -> dict[str, int]:
        try:
            return reconnecting(self._reads.jobs("")[0])
        except UdupError:
            return {}  # the store does not answer: that is a problem itself

    def on_get_live(self, req: falcon.Request, resp: falcon.Response) -> None:
        give(req, resp, Live(live=True).to_json())
