"""/v1/agent/actors and /v1/agent/actor/<pid>: the actors of a node; of this one their stacks, and an end as a drill."""

from __future__ import annotations

import falcon

from udup.web.ports import ActorInfo, JobControl
from udup.web.resources.node_info import NodeInfo
from udup.web.responses import TEXT, give
from udup.web.schemas.agent import Actor


class ActorsResource:
    """The actors that live now: of this node, or with `node` of another one, by its ID, name or the ID's beginning."""

    def __init__(self, control: JobControl, here: NodeInfo) -> None:
        self._control = control
        self._here = here

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        node = self._here.find(req.get_param("node") or self._here.node_id)
        found = self._control.actors("" if node == self._here.node_id else node)
        give(req, resp, [_shown(actor) for actor in found])


class ActorResource:
    """One of them, by its process."""

    def __init__(self, control: JobControl) -> None:
        self._control = control

    def on_post_kill(self, _req: falcon.Request, _resp: falcon.Response, pid: int) -> None:
        """SIGKILL: what hired it notices and fills its place again."""
        self._control.kill_actor(pid)

    on_put_kill = on_post_kill

    def on_get_stacks(self, _req: falcon.Request, resp: falcon.Response, pid: int) -> None:
        """Return the stack traces of all its threads, to debug a hang."""
        resp.data = self._control.actor_stacks(pid).encode("utf-8", "replace")
        resp.content_type = TEXT


def _shown(actor: ActorInfo) -> dict[str, object]:
    shown = Actor(
        role=actor.role,
        job_id=actor.job_id,
        pid=actor.pid,
        slot=actor.slot,
        state=actor.state,
        started=actor.started,
        restarts=actor.restarts,
        rss=actor.rss,
    )
    return shown.to_json()
