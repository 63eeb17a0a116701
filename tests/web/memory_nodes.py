"""A cluster in memory: three nodes, of which two have one name, and what is ordered."""

from __future__ import annotations

from udup.cluster.beats import Role
from udup.cluster.orders import DrainNode, Order, Ordered
from udup.cluster.view import NodeSeen, View
from udup.web.ports import MoveOrders

OTHER, TWIN, SECOND_TWIN = (f"{digit * 8}-df9b-1541-9009-83952e7b672a" for digit in "abc")


def _seen(node: str, name: str) -> NodeSeen:
    return NodeSeen(node, name, Role.MANAGER, "dc1", "127.0.0.1:1", "1", is_here=True)


class MemoryNodes:
    """`orders` is the port, None for a node that is alone; it answers with `answers`, one after the other."""

    def __init__(self) -> None:
        self.nodes = (_seen(OTHER, "other"), _seen(TWIN, "twin"), _seen(SECOND_TWIN, "twin"))
        self.given: list[Order] = []
        self.answers: list[Ordered | Exception] = []
        self.drains: set[str] = set()
        self.orders: MoveOrders | None = self

    @property
    def view(self) -> View:
        return View(nodes=self.nodes, owners={"a": OTHER, "b": OTHER}, drains=frozenset(self.drains))

    def give(self, order: Order) -> Ordered:
        self.given.append(order)
        if isinstance(order, DrainNode) and order.enable is not None:
            self.drains = {order.node} if order.enable else set()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer
