"""What a node may do with a job where there are several: nothing, unless the job is its own. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from udup.cluster.owners import NOWHERE
from udup.jobs.words import TaskType

if TYPE_CHECKING:
    from udup.actors.job import Job

#: Of a job that is nobody's, while a wish for it is stored.
NOBODYS = 0


@dataclass
class Hold:
    """`token` was told with the job's ownership, `NOBODYS` without; `revision` is that of the record as it is known.

    A run begins with a number that the cluster has granted: it is asked for, granted, and used at once.
    """

    token: int = NOBODYS
    revision: int = 0
    #: A number was asked for, and has not come.
    asked: bool = False
    granted: int = 0
    #: Another node is to have the job as soon as its run has ended; and that was told to the keeper.
    leaves: bool = False
    given: bool = False
    #: The job was given to this node again: its record may be another job's of the same ID by now.
    given_again: bool = False
    #: It has failed here too often, and the keeper was asked for another node; and other nodes have tried it before.
    gave_up: bool = False
    tried: bool = False
    #: A server was away from other nodes, which may be tried again when it is back.
    tried_away: bool = False
    #: A server is away from this node: the outage's beginning, since when that is so here, and when to ask for another
    #: node. Times but the first are of a clock that never goes back.
    away: tuple[float, float] | None = None
    ask_at: float = 0.0
    #: The node of its Src task, where that is another; and whether that is not heard now.
    apart: str = ""
    source_is_away: bool = False
    #: This one.
    node: str = ""

    @property
    def places(self) -> dict[str, str]:
        """Return on which node each task is; nothing of a job that is not this node's."""
        if not (self.is_ours and self.node):
            return {}
        there = {TaskType.DEST.value: self.node}
        return there if self.apart == NOWHERE else {TaskType.SRC.value: self.apart or self.node, **there}

    @property
    def is_ours(self) -> bool:
        return self.token != NOBODYS

    def own(self, token: int, apart: str) -> None:
        """Take the job, or take it once more: whatever was under way before counts for nothing."""
        self.given_again = self.given_again or (self.is_ours and token != self.token)
        self.token, self.apart = token, apart
        self.asked, self.granted, self.leaves, self.given = False, 0, False, False
        self.gave_up = False

    def take_number(self) -> int:
        """Return the number that was granted, 0 if none was; it is used up by that."""
        number, self.granted = self.granted, 0
        return number


def is_ours(job: Job) -> bool:
    """Whether this node may carry the job out."""
    return job.hold is not None and job.hold.is_ours
