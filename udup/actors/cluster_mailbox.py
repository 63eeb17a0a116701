"""What of the supervisor's mailbox there is only in a cluster: its keeper, and records that are read anew.

A node that is alone has no `Membership`, and none of these messages comes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from udup.actors.cluster_messages import (
    AskCluster,
    Cluster,
    GiveOrder,
    JoinCluster,
    KeeperSays,
    MayCarry,
    OrderCluster,
    RecordRead,
    SayGone,
    WrittenElsewhere,
)
from udup.actors.commands import JobCommands
from udup.actors.growing import Growing
from udup.actors.job import Job
from udup.actors.keeper import NodeKeeper
from udup.actors.keeper_told import OrderGiven
from udup.actors.membership import Membership
from udup.actors.messages import NodeSettings
from udup.actors.pulse import PULSE
from udup.actors.registry import ActorRegistry
from udup.actors.shell import ShellActor
from udup.actors.table_messages import KnowApart
from udup.actors.tasks import Tasks
from udup.cluster.orders import nothing
from udup.jobs import document_id
from udup.jobs.growth import Growth

#: Seconds until a keeper is tried once more, if none could be made.
_KEEPER_SECONDS = 1.0

#: Orders of operators at most that are answered when they are carried out; of more the oldest hear nothing.
_ORDERS = 32


class ClusterMailbox(ShellActor):
    _actors: ActorRegistry
    _jobs: dict[str, Job]
    _unread: dict[str, str]
    _membership: Membership | None = None
    _commands: JobCommands | None
    _growing: Growing
    _tasks: Tasks

    def __init__(self) -> None:
        super().__init__()
        self._last_order = 0
        self._order_askers: dict[int, Any] = {}

    @property
    @abstractmethod
    def settings(self) -> NodeSettings: ...

    @property
    @abstractmethod
    def may_carry(self) -> bool:
        """Whether the job store is open."""

    @abstractmethod
    def wake(self, seconds: float, message: object) -> None:
        """Have a message come back after so many seconds."""

    @abstractmethod
    def tell_store(self, message: object) -> None:
        """Send something to the StoreKeeper; where nobody is there to take it, it is asked for again."""

    def receiveMessage(self, message: object, sender: Any) -> Any:  # noqa: N802 - Thespian's name
        try:
            return super().receiveMessage(message, sender)
        finally:
            PULSE.beat()

    # ---- The keeper ----

    def open_keeper(self) -> None:
        """Make the node's keeper; again in a while if this machine cannot make a process now."""
        try:
            keeper = self._actors.get_or_create(NodeKeeper, NodeKeeper.role, "", self.settings)
        except Exception as error:
            self.log.exception("keeper_not_made", error=str(error))
            self.wake(_KEEPER_SECONDS, JoinCluster())
            return
        self.send(keeper, JoinCluster())
        if self.may_carry:
            self.send(keeper, MayCarry())

    def tell_keeper(self, message: object) -> None:
        """Send something to the keeper; where there is none, another one will tell all anew."""
        if (keeper := self._actors.address(NodeKeeper.role, "")) is not None:
            self.send(keeper, message)

    def say_gone(self, then: Callable[[], None]) -> None:
        """Have `then` called when all runs have ended and other nodes know it."""
        if self._membership is None or self._actors.address(NodeKeeper.role, "") is None:
            then()
            return
        self._membership.say_gone(then)
        self.tell_keeper(SayGone())

    def receiveMsg_KeeperSays(self, message: KeeperSays, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if self._membership is None or self._actors.address(NodeKeeper.role, "") != sender:
            return
        if isinstance(message.what, OrderGiven):
            if (asker := self._order_askers.pop(message.what.ticket, None)) is not None:
                self.send(asker, message.what.ordered)
        else:
            self._membership.told(message.what)

    # ---- Operators ----

    def receiveMsg_OrderCluster(self, message: OrderCluster, sender: Any) -> None:  # noqa: N802 - Thespian's name
        """Have the keeper carry out an order. One whose keeper dies is not answered."""
        view = self._membership.view if self._membership is not None else None
        if view is None:
            self.send(sender, nothing(failed="this node is just reaching its cluster; try again in a moment"))
        elif view.why_not:
            self.send(sender, nothing(failed=f"the order is not taken now: {view.why_not}"))
        else:
            self._last_order += 1
            while len(self._order_askers) >= _ORDERS:
                self._order_askers.pop(next(iter(self._order_askers)))
            self._order_askers[self._last_order] = sender
            self.tell_keeper(GiveOrder(self._last_order, message.order))

    # ---- Records ----

    def receiveMsg_RecordRead(self, message: RecordRead, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if self._membership is not None:
            self._membership.read(message)

    def receiveMsg_WrittenElsewhere(self, message: WrittenElsewhere, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if self._membership is not None:
            self._membership.taken(message.job_id)

    def forgotten(self, job: Job) -> None:
        """The record of a deleted job is removed."""
        if self._membership is not None:
            self._membership.forgotten(job)
        self._growing.gone(job)

    # ---- The way back of a cut-over ----

    @abstractmethod
    def create_here(self, document: dict[str, Any], incarnation: str, then: Callable[[], None]) -> None:
        """Have this node store a job that a cut-over makes."""

    def create_job(
        self,
        document: dict[str, Any],
        incarnation: str,
        then: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Register a job that a cut-over makes."""
        self.make_job(
            document_id(document) or "", incarnation, lambda then: self.create_here(document, incarnation, then),
            then, failed,
        )  # fmt: skip

    def make_job(
        self,
        job_id: str,
        incarnation: str,
        make: Callable[[Callable[[], None]], None],
        then: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Have a job stored here by `make`, if there is none of this incarnation on any node."""
        if self._membership is not None:
            self._membership.way_backs.create(job_id, incarnation, make, then, failed)
        else:
            make(then)

    # ---- A job whose tables change ----

    def create_side(
        self, parent: Job, growth: Growth, then: Callable[[], None], failed: Callable[[Exception], None]
    ) -> None:
        """Have the side job of a job stored that gets other tables."""
        commands, run, apart = self._commands, parent.run, parent.plan.scope.apart
        assert commands is not None
        if run is not None and run.drainable and not run.source_node and apart is not None:
            self._tasks.tell_extractor(parent, KnowApart(run.number, apart))  # before the copy has a snapshot

        def make(then: Callable[[], None]) -> None:
            commands.create_side(parent, growth, then)

        self.make_job(growth.side, growth.incarnation, make, then, failed)

    def forget_side(self, side: Job) -> None:
        assert self._commands is not None
        self._commands.forget_side(side)

    def retried(self, parent: Job) -> bool:
        return self._growing.retried(parent)

    def may_be_elsewhere(self, job_id: str) -> bool:
        """Return whether another node may have a job of this ID."""
        if self._membership is None:
            return False
        view = self._membership.view
        return view is None or bool(view.why_not) or job_id in self._membership.known

    def is_known(self, job_id: str) -> bool:
        """Return whether there is a job of this ID, on any node."""
        known = self._membership.known if self._membership is not None else ()
        return job_id in self._jobs or job_id in self._unread or job_id in known

    # ---- What the node asks ----

    def receiveMsg_AskCluster(self, _message: AskCluster, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self.send(sender, Cluster(None if self._membership is None else self._membership.view))
