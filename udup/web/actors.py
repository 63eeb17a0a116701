"""/v1/agent/actors: the actors of this node, each with the job it works for and its process."""

from __future__ import annotations

import falcon

from udup.web.answers import give
from udup.web.ports import JobControl


class ActorsResource:
    def __init__(self, control: JobControl) -> None:
        self._control = control

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        actors = [{"Role": actor.role, "JobID": actor.job_id, "Pid": actor.pid} for actor in self._control.actors()]
        give(req, resp, actors)
