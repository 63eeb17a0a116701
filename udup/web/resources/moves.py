"""/v1/node/<id>/drain, /v1/cluster/rebalance and /v1/cluster/move: jobs that go from one node to another."""

from __future__ import annotations

from typing import Any

import falcon

from udup.base.errors import Fault, Refused
from udup.cluster.orders import DrainNode, MoveJob, Ordered, Rebalance
from udup.web.ports import MoveOrders
from udup.web.requests import RegionRule, is_false, is_true, read_deadline
from udup.web.responses import give
from udup.web.schemas.moves import Going, Moves, NodeDrain, Staying


class MoveResource:
    """Each is answered when it is stored; `orders` is None on a node that is alone."""

    def __init__(self, orders: MoveOrders | None, region: RegionRule) -> None:
        self._orders = orders
        self._region = region

    @property
    def is_alone(self) -> bool:
        return self._orders is None

    def drain(self, req: falcon.Request, resp: falcon.Response, node_id: str) -> None:
        """Have a node give its jobs up, or stop that; a GET says how far it is."""
        self._region.check(req)
        enable: bool | None = None
        if req.method != "GET":
            enable = is_true(req, "enable")
            if not enable and not is_false(req, "enable"):
                said = req.get_param("enable", default="")
                remedy = "write ?enable=true, or false to have jobs given to it again"
                raise Refused([Fault("enable", f"{said[:80]!r} is neither true nor false", remedy)])
        order = DrainNode(node_id.lower(), enable, read_deadline(req) if enable else None)
        done = Ordered({}, {}) if self.is_alone and enable is None else self._given(order)
        give(req, resp, NodeDrain(drain=done.drains, **_fields(done)).to_json())

    def on_put_rebalance(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._region.check(req)
        done = self._given(Rebalance(is_true(req, "dry_run")))
        give(req, resp, Moves(**_fields(done)).to_json())

    on_post_rebalance = on_put_rebalance

    def on_put_job(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._region.check(req)
        job, node = req.get_param("job", default=""), req.get_param("node", default="")
        if not (job and node):
            raise falcon.HTTPBadRequest(description="missing job or node: write ?job=ID&node=ID")
        done = self._given(MoveJob(job, node.lower()))
        give(req, resp, Moves(**_fields(done)).to_json())

    on_post_job = on_put_job

    def _given(self, order: DrainNode | Rebalance | MoveJob) -> Ordered:
        if self._orders is None:
            remedy = "see udup cluster init for several nodes"
            raise Refused([Fault("node", "this node is alone, and no other can carry its jobs", remedy)])
        return self._orders.give(order)


def _fields(done: Ordered) -> dict[str, Any]:
    return {
        "goes": [Going(job_id=job, node_id=node) for job, node in sorted(done.goes.items())],
        "stays": [Staying(job_id=job, reason=why) for job, why in sorted(done.stays.items())],
    }
