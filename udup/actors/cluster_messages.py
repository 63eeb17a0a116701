"""What the supervisor, the node's keeper and the StoreKeeper say to each other where there are several nodes.

What the keeper tells comes in one `KeeperSays`: `Owned`, `Leave`, `Lost` and others of `cluster/told.py`, and what
`cluster_engine.py` has beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

from udup.cluster.asking import Answer, Ask
from udup.cluster.orders import Order
from udup.cluster.view import View
from udup.jobs import JobRecord

# ---- To the keeper ----


@dataclass(frozen=True)
class JoinCluster:
    """Beat, listen, and tell what jobs this node owns."""


@dataclass(frozen=True)
class MayCarry:
    """The job store is open: jobs may be given to this node; or it drains."""

    draining: bool = False


@dataclass(frozen=True)
class BeginRun:
    """Answered by `cluster_engine.Begun`."""

    job: str
    token: int


@dataclass(frozen=True)
class HandOver:
    """The job's run has ended, and it is to go where `Leave` has said."""

    job: str
    token: int


@dataclass(frozen=True)
class TryElsewhere:
    """The job has failed too often here; answered by `cluster_engine.NobodyElse`, or `Lost` follows."""

    job: str
    token: int
    reason: str


@dataclass(frozen=True)
class ReachElsewhere:
    """A server has been away from here for long; answered by `cluster_engine.NobodyReaches`, or `Lost` follows."""

    job: str
    token: int
    reason: str


@dataclass(frozen=True)
class ForgetFailures:
    """A run of a job that has failed on other nodes has applied something; without `failures` an outage is over."""

    job: str
    token: int
    failures: bool = True


@dataclass(frozen=True)
class GiveUp:
    """The job's record is removed."""

    job: str
    token: int


@dataclass(frozen=True)
class Route:
    """Bring a wish to the job's owner; answered by `cluster_engine.Routed`."""

    ticket: int
    ask: Ask
    seconds: float


@dataclass(frozen=True)
class AnswerNode:
    """What another node has asked is done."""

    number: int
    answer: Answer


@dataclass(frozen=True)
class SayGone:
    """All runs have ended; answered by `cluster_engine.Gone`."""


@dataclass(frozen=True)
class GiveOrder:
    """Carry out an operator's order; answered by `cluster_engine.OrderGiven`."""

    ticket: int
    order: Order


# ---- From the keeper ----


@dataclass(frozen=True)
class KeeperSays:
    what: object


# ---- To the StoreKeeper, and from it ----


@dataclass(frozen=True)
class ReadRecord:
    """Read a record anew, as the store's leader has it. Answered by `RecordRead`."""

    job_id: str
    ticket: int = 0


@dataclass(frozen=True)
class RecordRead:
    """`record` is None where there is none; `revision` is what the next write replaces."""

    job_id: str
    ticket: int
    record: JobRecord | None
    revision: int


@dataclass(frozen=True)
class WrittenElsewhere:
    """The record of this job was written by another node."""

    job_id: str


# ---- What the node asks ----


@dataclass(frozen=True)
class AskCluster:
    """Answered by `Cluster`."""


@dataclass(frozen=True)
class OrderCluster:
    """Answered by `Ordered`."""

    order: Order


@dataclass(frozen=True)
class Cluster:
    """`view` is None where the keeper has told nothing yet."""

    view: View | None
