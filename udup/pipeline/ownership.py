"""Who carries a job out, and which job keeps which table of a server current."""

from __future__ import annotations

from dataclasses import dataclass

#: A table by its schema and name.
TableName = tuple[str, str]


@dataclass(frozen=True)
class Owner:
    """Who carries a job out: `token` is new with each start of a node, `text` is for people.

    `by_force`: take the job over from whoever has it. Without it the owner of before is left alone while it lives.
    `number`: the run's, granted by the cluster; a later run has a higher one, and an earlier may not end it. 0 where
    one node is alone.
    """

    token: str
    text: str = ""
    by_force: bool = True
    number: int = 0

    @property
    def note(self) -> str:
        """As the checkpoint keeps it."""
        return f"{self.token} {self.text}"[:250]


@dataclass(frozen=True)
class Claim:
    """`table` is kept current by `job` of `node`, from the table `origin` on the server `source_uuid` (`source`)."""

    table: TableName
    job: str
    source_uuid: str
    origin: TableName
    source: str
    node: str

    @property
    def holder(self) -> str:
        """The job, for people."""
        return f"job {self.job!r} (from {self.source}; {self.node})"


@dataclass(frozen=True)
class Known:
    """What a node knows of itself: its name as claims have it, and the jobs that it has."""

    node: str = ""
    jobs: frozenset[str] = frozenset()

    def is_gone(self, claim: Claim) -> bool:
        """Whether it is a claim of this node's own, of a job that was deleted here."""
        return bool(self.node) and claim.node == self.node and claim.job not in self.jobs


@dataclass(frozen=True)
class Feed:
    """A table of a job's source that another job writes: where that one takes it from, where this one brings it."""

    claim: Claim
    onward: TableName
