"""A small world's node among others: a keeper by script, and a store into which other nodes write as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.actors.small_children import Address, Child, Store
from udup.actors.cluster_messages import (
    AnswerNode,
    BeginRun,
    ForgetFailures,
    GiveUp,
    HandOver,
    JoinCluster,
    KeeperSays,
    MayCarry,
    ReachElsewhere,
    ReadRecord,
    RecordRead,
    Route,
    SayGone,
    TryElsewhere,
)
from udup.actors.guest_messages import EndGuest, GuestSays, TellGuest
from udup.actors.keeper_told import Begun, Gone, Holding, NobodyElse, NobodyReaches, Routed
from udup.actors.messages import Accepted
from udup.actors.store_messages import Forget, HideProgress, NotSaved, Save
from udup.actors.wire_commands import answer_of
from udup.cluster.beats import Role
from udup.cluster.node_of import NodeOfCluster
from udup.cluster.told import Leave, Lost, Owned
from udup.cluster.view import NodeSeen, View
from udup.jobs import history

if TYPE_CHECKING:
    from tests.actors.small_world import World

HERE, OTHER = "here", "other"

#: Nodes from which a server was away, and what each has met.
Away = tuple[tuple[str, str], ...]

NODE = NodeOfCluster(HERE, Role.MANAGER, 3, 3)


@dataclass
class Owner:
    node: str
    token: int
    leaves: bool = False
    source: str = ""


@dataclass
class ClusterState:
    """What all nodes know. `granted`: the job and the token of each run's number; `writers` has who wrote a record."""

    world: World
    owners: dict[str, Owner] = field(default_factory=dict)
    granted: dict[int, tuple[str, int]] = field(default_factory=dict)
    revisions: dict[str, tuple[int, str]] = field(default_factory=dict)
    answered: list[AnswerNode] = field(default_factory=list)
    #: What this node has said of guests, on other nodes and here.
    guests: list[TellGuest | EndGuest | GuestSays] = field(default_factory=list)
    nodes: tuple[NodeSeen, ...] = ()
    why_not: str = ""
    #: What was told of jobs that have failed here, what nodes have met that tried them (None: one has not), and jobs
    #: of which that was forgotten.
    tried: list[str] = field(default_factory=list)
    others_met: Mapping[str, str] | None = None
    forgotten: list[str] = field(default_factory=list)
    #: What was told of jobs whose server is away from here, and when; seconds until it is asked again where nobody is
    #: left (None: one is), and jobs of which an outage was forgotten.
    unreached: list[tuple[float, str]] = field(default_factory=list)
    nobody_for: float | None = None
    reached: list[str] = field(default_factory=list)
    seq: int = 1_000_000

    def next(self) -> int:
        self.seq += 1
        return self.seq

    # ---- What happens ----

    def give(self, job: str, node: str = HERE, source: str = "", *, tried: bool = False, away: Away = ()) -> None:
        """The coordinator gives a job to a node; `source`: its Src to another."""
        before = self.owners.get(job)
        if before is not None and (before.node, before.source) == (node, source) and not before.leaves:
            return
        self.owners[job] = Owner(node, self.next(), source=source)
        if node == HERE:
            self.tell(Owned(job, self.owners[job].token, source, tried=tried, away=away))
        elif before is not None and before.node == HERE:
            self.tell(Lost(job, node))

    def leave(self, job: str) -> None:
        owner = self.owners.get(job)
        if owner is not None and owner.node == HERE and not owner.leaves:
            self.owners[job] = Owner(HERE, self.next(), leaves=True)
            self.tell(Leave(job, self.owners[job].token, OTHER))

    def removed(self, job: str) -> None:
        if self.owners.pop(job, None) is not None:
            self.tell(Lost(job))

    def write_elsewhere(self, job: str) -> None:
        """Another node writes the record, as a new owner does."""
        if (record := self.world.stored.get(job)) is not None:
            self.world.stored[job] = history.node_started(record, int(self.world.clock * 1e9))
            self.wrote(job, OTHER)

    def wrote(self, job: str, who: str) -> None:
        self.revisions[job] = self.next(), who

    def tell(self, what: object) -> None:
        if (keeper := self.keeper) is not None and keeper.joined:
            keeper.tell(KeeperSays(what))

    @property
    def keeper(self) -> Keeper | None:
        return next((each for each in self.world.children if isinstance(each, Keeper) and each.alive), None)

    def show(self) -> None:
        self.tell(
            View(HERE, True, 0.0, self.nodes, {job: owner.node for job, owner in self.owners.items()}, {}, self.why_not)
        )


class Keeper(Child):
    """Says at first what is this node's, then what happens."""

    joined = False

    def on_JoinCluster(self, _message: JoinCluster) -> None:  # noqa: N802
        self.joined, state = True, self.world.cluster
        assert state is not None
        own = {job: owner for job, owner in state.owners.items() if owner.node == HERE}
        for job, owner in own.items():
            self.tell(
                KeeperSays(Leave(job, owner.token, OTHER) if owner.leaves else Owned(job, owner.token, owner.source))
            )
        self.tell(KeeperSays(Holding(frozenset(own))))
        state.show()

    def on_MayCarry(self, _message: MayCarry) -> None:  # noqa: N802
        """Whom jobs are given to is the test's matter."""

    def on_BeginRun(self, message: BeginRun) -> None:  # noqa: N802
        self.world.at(self.world.random.random() * 0.2, lambda: self._begin(message))

    def _begin(self, message: BeginRun) -> None:
        if not self.alive:
            return
        state = self.world.cluster
        assert state is not None
        owner = state.owners.get(message.job)
        if owner is None or (owner.node, owner.token, owner.leaves) != (HERE, message.token, False):
            self.tell(KeeperSays(Begun(message.job, message.token, 0, "not ours")))
            return
        number = state.next()
        state.granted[number] = message.job, message.token
        self.tell(KeeperSays(Begun(message.job, message.token, number)))

    def on_TryElsewhere(self, message: TryElsewhere) -> None:  # noqa: N802
        state = self.world.cluster
        assert state is not None
        state.tried.append(message.reason)
        if state.others_met is None:
            state.give(message.job, OTHER)
        else:
            self.tell(KeeperSays(NobodyElse(message.job, message.token, state.others_met)))

    def on_ReachElsewhere(self, message: ReachElsewhere) -> None:  # noqa: N802
        state = self.world.cluster
        assert state is not None
        state.unreached.append((self.world.clock, message.reason))
        if state.nobody_for is None:
            state.give(message.job, OTHER)
        else:
            self.tell(KeeperSays(NobodyReaches(message.job, message.token, state.nobody_for)))

    def on_ForgetFailures(self, message: ForgetFailures) -> None:  # noqa: N802
        state = self.world.cluster
        assert state is not None
        (state.forgotten if message.failures else state.reached).append(message.job)

    def on_HandOver(self, message: HandOver) -> None:  # noqa: N802
        state = self.world.cluster
        assert state is not None
        if state.owners.get(message.job) == Owner(HERE, message.token, leaves=True):
            state.give(message.job, OTHER)

    def on_GiveUp(self, message: GiveUp) -> None:  # noqa: N802
        state = self.world.cluster
        assert state is not None
        owner = state.owners.get(message.job)
        if owner is not None and (owner.node, owner.token) == (HERE, message.token):
            state.removed(message.job)

    def on_Route(self, message: Route) -> None:  # noqa: N802
        state = self.world.cluster
        assert state is not None
        node = state.owners[message.ask.job].node if message.ask.job in state.owners else ""
        if node == OTHER:
            said = answer_of(Accepted(1, message.ask.job, "by the other"))
            self.tell(KeeperSays(Routed(message.ticket, said, node=node)))
        else:
            self.tell(KeeperSays(Routed(message.ticket, here=node == HERE)))

    def on_TellGuest(self, message: TellGuest) -> None:  # noqa: N802
        assert self.world.cluster is not None
        self.world.cluster.guests.append(message)

    on_EndGuest = on_GuestSays = on_TellGuest  # noqa: N815

    def on_AnswerNode(self, message: AnswerNode) -> None:  # noqa: N802
        assert self.world.cluster is not None
        self.world.cluster.answered.append(message)

    def on_SayGone(self, _message: SayGone) -> None:  # noqa: N802
        self.tell(KeeperSays(Gone()))


class SharedStore(Store):
    """The StoreKeeper of one node of several."""

    def __init__(self, world: World, role: str, address: Address) -> None:
        super().__init__(world, role, address)
        self.known: dict[str, int] = {}

    def on_HideProgress(self, message: HideProgress) -> None:  # noqa: N802
        self.world.shown.pop(message.job_id, None)

    def on_ReadRecord(self, message: ReadRecord) -> None:  # noqa: N802
        assert self.world.cluster is not None
        revision, _ = self.world.cluster.revisions.get(message.job_id, (0, ""))
        self.known[message.job_id] = revision
        record = self.world.stored.get(message.job_id)
        self.tell(RecordRead(message.job_id, message.ticket, record, revision))

    def _is_taken(self, order: Save | Forget) -> bool:
        """Whether another has written since; a write of this node's that nobody was told of is none."""
        state = self.world.cluster
        assert state is not None and order.behind is not None, "a write without a condition"
        job_id = order.record.id if isinstance(order, Save) else order.job_id
        revision, writer = state.revisions.get(job_id, (0, ""))
        if self.known.setdefault(job_id, order.behind) != revision and writer != HERE:
            self.tell(NotSaved(job_id, order.ticket, "written by another", taken=True))
            return True
        state.wrote(job_id, HERE)
        self.known[job_id] = state.revisions[job_id][0]
        return False

    def on_Save(self, message: Save) -> None:  # noqa: N802
        if not self._is_taken(message):
            self._answer(lambda: super(SharedStore, self).on_Save(message), message.record.id)

    def on_Forget(self, message: Forget) -> None:  # noqa: N802
        if not self._is_taken(message):
            self._answer(lambda: super(SharedStore, self).on_Forget(message), message.job_id)

    def _answer(self, act: object, job_id: str) -> None:
        """Have the answer say the revision."""
        tell, revision = self.tell, self.known[job_id]
        self.tell = lambda said: tell(replace(said, revision=revision))  # type: ignore[method-assign,assignment,type-var]
        try:
            act()  # type: ignore[operator]
        finally:
            del self.tell  # type: ignore[method-assign]


KINDS_OF_CLUSTER: Mapping[str, type[Child]] = {"keeper": Keeper, "store": SharedStore}
