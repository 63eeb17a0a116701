"""Who owns which job, as this node knows it: a copy of the bucket `udup_owners`. Pure.

A key for each job, and one for the leader, who alone writes ownership; the owner itself rewrites its key to begin a
run, or to hand the job over. Beside them is what operators order (`orders.py`). The number of a key's last value is the
owner's token: who comes later has a higher one.

What has changed comes by republishing, each change once and in order while nothing is lost; what was missed is found by
a look at the bucket. `last` is the number up to which everything is known: a decision from this copy is written on the
condition that nothing is behind it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from udup.cluster.orders import Orders, is_order
from udup.cluster.ports import Change, News

BUCKET = "udup_owners"

LEADER = "leader"

_JOB = "job."

#: In place of the node of a Src task that its document puts on another node, which is not there: nobody reads it.
NOWHERE = "?"


def key_of(job: str) -> str:
    """Return a job's key; its ID may hold any character, so a digest of it stands in for it."""
    return _JOB + hashlib.sha256(job.encode()).hexdigest()[:32]


def is_down(node: str) -> str:
    """Return the reason why a job is taken from a node that is not heard, or has said that it is gone."""
    return f"node {node} is down"


class Owner(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value of the bucket.

    `node` owns the job and carries its Dest task. `source` is the node of its Src task, "" for the same, `NOWHERE`
    while there is none; `instead` what the document named for it, where another has taken it, and `owns_instead` the
    same of `node`, or of `to`. `to` is who gets the job next, as soon as the owner has wound its run up. `previous` is
    who had it before, and `why` it was moved.
    `run` names the beginning of a run that wrote this: the node's incarnation, and a count of its own. `failed` are the
    nodes on which it has failed too often, and what each has met (`elsewhere.py`); `away` those from which a server
    was away for long, and `away_at` when the last of them gave it away, in seconds since the epoch.
    """

    node: str
    job: str = ""
    source: str = ""
    instead: str = ""
    owns_instead: str = ""
    to: str = ""
    previous: str = ""
    why: str = ""
    run: str = ""
    failed: dict[str, str] = {}
    away: dict[str, str] = {}
    away_at: float = 0.0

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    def given(self, node: str) -> Owner:
        """Return it where the job is given away to a node, which may be the one that has read its source.

        A source that its owner has read goes with the job: it has not been taken where that goes.
        """
        source = "" if self.source == node else self.source
        instead = self.instead if self.source else ""
        return msgspec.structs.replace(
            self, node=node, source=source, instead=instead, to="", previous=self.node, run=""
        )

    def was_taken(self, named: str) -> bool:
        """Whether the source was taken in place of what the document names now."""
        return bool(named) and self.instead == named

    def owns_by_failover(self, named: str) -> bool:
        """Whether the job was taken in place of what the document names now for its Dest."""
        return bool(named) and self.owns_instead == named

    @property
    def taken_to(self) -> str:
        """Return where the source is, if it was taken; else as `source`, "" for where the owner is."""
        return self.source or (self.node if self.instead else "")


_owner = msgspec.json.Decoder(Owner).decode


class Owners:
    """What the bucket holds."""

    def __init__(self) -> None:
        self.made = ""
        self.last = 0
        self.leader = ""
        #: By job. Ownership that was in a bucket which was lost has the revision 0, until it is written again.
        self.jobs: dict[str, Owner] = {}
        self.revisions: dict[str, int] = {}
        #: Changes with all that a decision follows from: not when a run begins.
        self.layout = 0
        self.orders = Orders()
        self._keys: dict[str, str] = {}
        self._leader_seq = 0
        self.is_complete = False  # the bucket was read once

    def revision(self, job: str) -> int:
        return self.revisions.get(job, 0)

    def of_node(self, node: str) -> Iterator[str]:
        """Yield the jobs that a node owns."""
        return (job for job, owner in self.jobs.items() if owner.node == node)

    def take(self, change: Change) -> str:
        """Take one change as it comes; return the job that it is about, "" if there is none or it is old."""
        if change.seq == self.last + 1 and self.is_complete:
            self.last = change.seq  # else something was missed, and the next look finds it
        return self._take(change)

    def take_news(self, news: News) -> list[str]:
        """Take what a look has found; return the jobs that it is about."""
        if news.made != self.made:
            self._begin_again(news.made)
        changed = [job for change in news.changes if (job := self._take(change))]
        self.last = max(self.last, news.last)
        self.is_complete = True
        return changed

    def is_behind(self, seq: int) -> bool:
        """Whether a change with this number tells that one before it was missed."""
        return seq > self.last

    def _begin_again(self, made: str) -> None:
        self.made, self.last, self.is_complete = made, 0, False
        self.leader, self._leader_seq = "", 0
        self.revisions = dict.fromkeys(self.jobs, 0)
        self.orders.begin_again()
        self.layout += 1

    def _take(self, change: Change) -> str:
        if change.key == LEADER:
            if change.seq > self._leader_seq:
                self._leader_seq = change.seq
                self.leader = _decoded(change.data).node if change.data else ""
                self.layout += 1
            return ""
        if is_order(change.key):
            self.layout += self.orders.take(change.key, change.data, change.seq)
            return ""
        job = self._keys.get(change.key, "")
        if change.data:
            owner = _decoded(change.data)
            job = job or owner.job
            if not job or change.key != key_of(job) or change.seq <= self.revision(job):
                return ""
            self._keys[change.key] = job
            self._put(job, owner)
        elif not job or change.seq <= self.revision(job):
            return ""
        elif self.jobs.pop(job, None) is not None:
            self.layout += 1
        self.revisions[job] = change.seq
        return job

    def _put(self, job: str, owner: Owner) -> None:
        before = self.jobs.get(job)
        # A begin changes `run` alone, and nothing that anybody decides by.
        was = None if before is None or not self.revision(job) else msgspec.structs.replace(before, run="")
        if was != msgspec.structs.replace(owner, run=""):
            self.layout += 1
        self.jobs[job] = owner


def _decoded(data: bytes) -> Owner:
    """Return a value; one that cannot be read names no job, so that nobody acts on it."""
    try:
        return _owner(data)
    except msgspec.MsgspecError:
        return Owner(node="")
