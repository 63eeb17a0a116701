"""/v1/members, leader, peers, managers, join and leave: who is there besides this node. None is joined by a request."""

from __future__ import annotations

import falcon

from udup.web.ports import JobControl, NotReady
from udup.web.requests import RegionRule, read_blocking
from udup.web.resources.node_info import NodeInfo
from udup.web.responses import give
from udup.web.schemas.agent import Joined

_ALONE = (
    "a node is joined to others by its settings alone, not by a request: make a token at a manager (udup cluster token "
    "HOST FILE), and there run udup cluster join FILE"
)


class MembersResource:
    """The managers."""

    def __init__(self, here: NodeInfo) -> None:
        self._here = here

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        give(req, resp, self._here.members())


class LeaderResource:
    """/v1/leader is the address of who leads, /v1/peers those of all managers. `index` waits for nothing."""

    def __init__(self, here: NodeInfo, region: RegionRule) -> None:
        self._here = here
        self._region = region

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._check(req)
        if not (leader := self._here.leader):
            raise NotReady("No cluster leader")
        give(req, resp, leader)

    def on_get_peers(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._check(req)
        give(req, resp, self._here.peers)

    def _check(self, req: falcon.Request) -> None:
        read_blocking(req)
        self._region.check(req)


class ManagersResource:
    """The managers of this node. Another list is refused, not ignored."""

    def __init__(self, here: NodeInfo) -> None:
        self._here = here

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        give(req, resp, self._here.peers)

    def on_post(self, req: falcon.Request, _resp: falcon.Response) -> None:
        addresses = _addresses(req, "missing server address")
        if len(self._here.others(addresses)) == len(addresses):
            raise falcon.HTTPBadRequest(description=f"{_ALONE}: name {self._here.address}, its own address")

    on_put = on_post


class JoinResource:
    """How many of the addresses are members: this node's own count, as it is always in its own company."""

    def __init__(self, here: NodeInfo) -> None:
        self._here = here

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        addresses = _addresses(req, "missing address to join")
        others = self._here.others(addresses)
        joined = len(addresses) - len(others)
        error = "" if not others else f"{_ALONE}: {', '.join(others)}"
        give(req, resp, Joined(error=error, num_joined=joined).to_json())

    on_put = on_post


class LeaveResource:
    """Forces a failed member out for good. Of names that are not known nothing is said."""

    def __init__(self, here: NodeInfo, control: JobControl) -> None:
        self._here = here
        self._control = control

    def on_post(self, req: falcon.Request, _resp: falcon.Response) -> None:
        given = req.get_param("node")
        if not given:
            raise falcon.HTTPBadRequest(description="missing node to force leave")
        if self._here.view is None:
            return
        seen = self._here.failed(given)
        if seen is not None and seen.role.votes:  # the jobs of a dead agent are others' already
            self._control.remove_manager(seen.node)

    on_put = on_post


def _addresses(req: falcon.Request, problem: str) -> list[str]:
    addresses = [address for address in req.get_param_as_list("address", default=[]) if address]
    if not addresses:
        raise falcon.HTTPBadRequest(description=problem)
    return addresses
