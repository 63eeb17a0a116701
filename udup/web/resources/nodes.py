"""/v1/nodes and /v1/node/<id>: this node and those of its cluster, their allocations; this one's evaluation."""

from __future__ import annotations

from collections.abc import Callable

import falcon

from udup.web.ports import NotThere
from udup.web.requests import RegionRule, check_uuid, has_prefix, uuid_prefix
from udup.web.resources.moves import MoveResource
from udup.web.resources.node_info import NodeInfo
from udup.web.resources.tables import Tables
from udup.web.responses import INDEX_HEADER, Reading, View, give, invalid_method, split_part

_ALLOCATIONS, _EVALUATE, _DRAIN = "allocations", "evaluate", "drain"
_PARTS = frozenset({_ALLOCATIONS, _EVALUATE, _DRAIN})

_NOT_FOUND = "node not found"


class NodesResource:
    """The list."""

    def __init__(self, here: NodeInfo, reading: Reading) -> None:
        self._here = here
        self._reading = reading

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        digits = uuid_prefix(req, "node")
        wanted = has_prefix(self._here.node_id, digits)
        self._reading.answer(
            req,
            resp,
            lambda: View(
                self._here.refresh(),
                lambda: [*([self._here.stub()] if wanted else []), *self._here.stubs_of_others(digits)],
            ),
        )


class NodeResource:
    """One node, and what belongs to it."""

    def __init__(
        self,
        here: NodeInfo,
        tables: Callable[[], Tables],
        reading: Reading,
        region: RegionRule,
        moves: MoveResource,
    ) -> None:
        self._here = here
        self._moves = moves
        self._tables = tables
        self._reading = reading
        self._region = region

    def on_get(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        node_id, part = split_part(path, _PARTS)
        if part == _EVALUATE:
            raise invalid_method()
        if part == _DRAIN:
            self._drain(req, resp, node_id)
            return
        if part == _ALLOCATIONS:
            self._reading.answer(req, resp, lambda: self._allocations(node_id))
            return
        if not node_id:
            raise falcon.HTTPBadRequest(description="missing node ID")
        check_uuid(node_id, "node")
        self._reading.answer(req, resp, lambda: self._node(node_id))

    def on_post(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        node_id, part = split_part(path, _PARTS)
        if part == _DRAIN:
            self._moves.drain(req, resp, node_id)
            return
        if part != _EVALUATE:
            raise invalid_method()
        self._region.check(req)
        if not self._is_here(node_id):
            raise NotThere(_NOT_FOUND)
        answer = self._here.evaluated()
        resp.set_header(INDEX_HEADER, str(answer["Index"]))
        give(req, resp, answer)

    on_put = on_post

    def _node(self, node_id: str) -> View:
        if self._is_here(node_id):
            self._here.refresh()
            return View(self._here.index(self._here.node_id), self._here.node, "")
        last = self._here.refresh()
        other = self._here.other(node_id)
        if other is None:
            return View(last, dict, _NOT_FOUND)
        return View(other["ModifyIndex"], lambda: other)

    def _allocations(self, node_id: str) -> View:
        """Whole allocations of a node; their index is the last one that changed any of them.

        One that has left the node was changed by that, and stays there: the job has another on its new node.
        """
        tables = self._tables()
        placed = [each for each in tables.allocations() if tables.place(each)[0] == node_id.lower()]
        index = max([1, *(kept.modify_index for _, kept in placed)])
        return View(index, lambda: [tables.whole(each) for each in placed])

    def _drain(self, req: falcon.Request, resp: falcon.Response, node_id: str) -> None:
        """Show how far a node is."""
        if self._moves.is_alone and not self._is_here(node_id):
            raise NotThere(_NOT_FOUND)
        self._moves.drain(req, resp, node_id)

    def _is_here(self, node_id: str) -> bool:
        return node_id.lower() == self._here.node_id
