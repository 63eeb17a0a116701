"""Orders of operators about where jobs are, for the API: given to the supervisor, whose keeper carries them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.cluster_messages import OrderCluster
from udup.base.errors import Fault, Refused
from udup.cluster.orders import Order, Ordered
from udup.web.ports import NotReady, NotThere

#: Seconds for the supervisor's answer: the keeper tries again where others give orders at the same time.
ASK_SECONDS = 10.0

_REMEDY = "`/v1/nodes` shows which nodes there are, and which of them drain"


class ClusterOrders:
    """`ask` puts a question to the supervisor."""

    def __init__(self, ask: Callable[[object, float], Any]) -> None:
        self._ask = ask

    def give(self, order: Order) -> Ordered:
        answer = self._ask(OrderCluster(order), ASK_SECONDS)
        if not isinstance(answer, Ordered):
            raise NotReady("the order may be stored, or not: the supervisor does not answer; look, and give it again")
        if answer.failed:
            raise NotReady(answer.failed)
        if answer.unknown:
            raise NotThere(answer.unknown)
        if answer.refused:
            raise Refused(
                [
                    Fault(
                        "node",
                        answer.refused,
                        "`/v1/nodes` and `udup node list` show which nodes there are, and which of them drain",
                    )
                ]
            )
        return answer
