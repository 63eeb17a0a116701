"""NodeKeeper: this node's part in a cluster. Its loop does little else, so that it is never late with a beat."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

from udup.actors.cluster_engine import ClusterEngine
from udup.actors.cluster_messages import (
    AnswerNode,
    BeginRun,
    ForgetFailures,
    GiveOrder,
    GiveUp,
    HandOver,
    JoinCluster,
    KeeperSays,
    MayCarry,
    ReachElsewhere,
    Route,
    SayGone,
    TryElsewhere,
)
from udup.actors.guest_messages import EndGuest, GuestSays, TellGuest
from udup.actors.keeper_told import AreYouThere, Hangs
from udup.actors.messages import EngineEnded
from udup.actors.pulse import PULSE
from udup.actors.shell import EngineActor
from udup.cluster.told import Removed, Younger


class NodeKeeper(EngineActor):
    role = "keeper"

    def __init__(self) -> None:
        super().__init__()
        self._engine: ClusterEngine | None = None

    def receiveMsg_JoinCluster(self, _message: JoinCluster, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self.start_engine(1, self._work)

    async def _work(self, emit: Callable[[object], None]) -> None:
        assert self.node.cluster is not None
        self._engine = engine = ClusterEngine(
            self.node.cluster, self.node.nats_url, lambda what: emit(KeeperSays(what))
        )
        await engine.run()

    def on_report(self, report: object) -> None:
        if isinstance(report, EngineEnded):
            self.log.error("keeper_engine_ended", error=report.failure.text if report.failure else "")
            raise SystemExit(1)  # the supervisor makes another
        if isinstance(report, KeeperSays) and isinstance(report.what, Hangs):
            self._end_supervisor(report.what)
            return
        if isinstance(report, KeeperSays) and isinstance(report.what, Younger):
            PULSE.tell_twin()
            return
        if isinstance(report, KeeperSays) and isinstance(report.what, Removed):
            PULSE.tell_removed()
            return
        self.send(self.owner, report)
        if isinstance(report, KeeperSays) and isinstance(report.what, AreYouThere):
            self._do(lambda engine: engine.asked_supervisor())

    def _end_supervisor(self, hangs: Hangs) -> None:
        """End a supervisor that hangs: this process and all others of it end with it, and the node makes another."""
        parent = multiprocessing.parent_process()
        if parent is not None and parent.pid is not None and os.getppid() == parent.pid:
            self.log.error("supervisor_is_ended", seconds=round(hangs.seconds))
            os.kill(parent.pid, signal.SIGKILL)

    def failed(self, error: Exception, message: object) -> None:
        """End: the supervisor makes another, which tells all anew."""
        raise SystemExit(1) from error

    def _do(self, act: Callable[[ClusterEngine], None]) -> None:
        self.call_engine(self._act, act)

    def _act(self, act: Callable[[ClusterEngine], None]) -> None:
        if self._engine is not None:
            act(self._engine)

    def receiveMsg_MayCarry(self, message: MayCarry, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(lambda engine: engine.ready(draining=message.draining))

    def receiveMsg_BeginRun(self, message: BeginRun, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(lambda engine: engine.begin(message.job, message.token))

    def receiveMsg_HandOver(self, message: HandOver, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(lambda engine: engine.hand_over(message.job, message.token))

    def receiveMsg_TryElsewhere(self, message: TryElsewhere, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(lambda engine: engine.try_elsewhere(message.job, message.token, message.reason))

    def receiveMsg_ReachElsewhere(self, message: ReachElsewhere, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(lambda engine: engine.reach_elsewhere(message.job, message.token, message.reason))

    def receiveMsg_ForgetFailures(self, message: ForgetFailures, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(lambda engine: engine.forget_failures(message.job, message.token, failures=message.failures))

    def receiveMsg_GiveUp(self, message: GiveUp, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(lambda engine: engine.forget(message.job, message.token))

    def receiveMsg_Route(self, message: Route, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(partial(_route, message))

    def receiveMsg_AnswerNode(self, message: AnswerNode, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(lambda engine: engine.answer(message.number, message.answer))

    def receiveMsg_GiveOrder(self, message: GiveOrder, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(lambda engine: engine.order(message.ticket, message.order))

    def receiveMsg_TellGuest(self, message: TellGuest, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        told = message.job, message.run, message.node, message.word
        self._do(lambda engine: engine.visits.tell_guest(*told))

    def receiveMsg_EndGuest(self, message: EndGuest, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(lambda engine: engine.visits.end_guest(message.job, message.run))

    def receiveMsg_GuestSays(self, message: GuestSays, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(lambda engine: engine.visits.guest_says(message.job, message.run, message.word))

    def receiveMsg_SayGone(self, _message: SayGone, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._do(lambda engine: engine.leave())


def _route(message: Route, engine: ClusterEngine) -> None:
    engine.route(message.ticket, message.ask, message.seconds)
