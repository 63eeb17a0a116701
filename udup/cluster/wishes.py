"""What is wanted of all jobs: the records of the job store as placement sees them, without their passwords.

Both tasks of a job are carried out by one node, unless its document names two. Where it names a node for one of its
tasks, that is meant for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from udup.base.stamps import to_the_second
from udup.cluster.beats import Hearing
from udup.cluster.coordinator import KnownNode, Wanted
from udup.cluster.orders import Drain
from udup.cluster.owners import Owners, key_of
from udup.cluster.placement import TaskWish, Wish
from udup.jobs.document.keys import Level, canonical
from udup.jobs.words import DesiredState, Driver, Stage, TaskType
from udup.store.contents import JOB_KEY
from udup.store.mark import COMPLETE

_OUTLINE = Level({"Datacenters", "Failover", "Tasks"}, {"Tasks": Level({"Type", "NodeId", "NodeName", "Driver"})})


class _Record(msgspec.Struct):
    """What of a stored record says where the job may be."""

    id: str = ""
    document: dict[str, Any] = {}
    desired: str = DesiredState.RUN.value
    stage: str = Stage.PENDING.value
    format: int = 1
    part_of: str = ""


_record = msgspec.json.Decoder(_Record).decode


def wish_of(data: bytes) -> Wish | None:
    """Return what a stored record wants; None for one that names no job."""
    try:
        record = _record(data)
    except msgspec.MsgspecError:
        return None
    if not record.id:
        return None
    document = canonical(record.document, _OUTLINE, "", [])
    tasks = [each for each in document.get("Tasks") or [] if isinstance(each, dict)]
    places = document.get("Datacenters")
    copies = record.stage == Stage.COPYING.value and record.desired == DesiredState.RUN.value
    wish = Wish(
        record.id,
        dest=_task(tasks, TaskType.DEST),
        src=_task(tasks, TaskType.SRC),
        datacenters=tuple(str(each) for each in places) if isinstance(places, list) else (),
        failover=document.get("Failover") is True,
        format=record.format,
        copying=copies,
        part_of=record.part_of,
    )
    return together(wish)


def together(wish: Wish) -> Wish:
    """Return the wish with both tasks on one node, where not each of them names its own."""
    src, dest = wish.src, wish.dest
    if src.is_pinned and not dest.is_pinned:
        return replace(wish, dest=replace(src, driver=dest.driver))
    if dest.is_pinned and not src.is_pinned:
        return replace(wish, src=replace(dest, driver=src.driver))
    return wish


def _task(tasks: list[dict[str, Any]], kind: TaskType) -> TaskWish:
    task = next((each for each in tasks if each.get("Type") == kind.value), {})
    return TaskWish(
        str(task.get("NodeId") or ""), str(task.get("NodeName") or ""), str(task.get("Driver") or Driver.MYSQL.value)
    )


@dataclass(frozen=True)
class _Known:
    data: bytes
    wish: Wish | None


class Wishes:
    """The wishes of all jobs, and the nodes that were heard or are kept. `wanted` is None until the store was read."""

    def __init__(self, dead_after: float) -> None:
        self._dead_after = dead_after
        self._known: dict[str, _Known] = {}
        self._records: dict[str, Wish] = {}
        self._nodes: dict[str, KnownNode] = {}
        self._kept: dict[str, KnownNode] = {}  # by their records
        self._gone: set[str] = set()
        self._hurried: frozenset[str] = frozenset()
        self._drains: Mapping[str, Drain] = {}
        self._version = 0
        self.wanted: Wanted | None = None

    def take(self, values: Mapping[str, bytes], owners: Owners) -> None:
        """Take what the store holds now. A job that is owned and not stored any more shall be nobody's."""
        if COMPLETE not in values:
            return  # a store that is being filled
        self._drains = owners.orders.drains
        self._keep(owners)
        known = {}
        for key, data in values.items():
            if JOB_KEY.fullmatch(key):
                before = self._known.get(key)
                known[key] = before if before is not None and before.data is data else _Known(data, wish_of(data))
        self._known = known
        wishes = {each.wish.job: each.wish for each in known.values() if each.wish is not None}
        ended = {job: Wish(job, ended=True) for job in owners.jobs if job not in wishes}
        self._put({**wishes, **ended}, self._nodes)

    def _keep(self, owners: Owners) -> None:
        """Note whom the records name; one that was removed is forgotten until it is heard again."""
        records = [each for each in owners.orders.nodes.values() if not each.removed]
        kept = {each.known: KnownNode(each.known, each.name, each.datacenter) for each in records}
        gone = (self._kept.keys() - kept.keys()) | {each for each, of in owners.orders.nodes.items() if of.removed}
        self._nodes = {node: known for node, known in self._nodes.items() if node not in gone}
        self._gone = (self._gone | gone) - kept.keys()
        self._kept = kept

    def removed(self, key: str) -> None:
        """Take it that nobody wants a job whose key was removed: what was read of it is older than its end."""
        if self.wanted is not None and (job := next((each for each in self._records if key_of(each) == key), "")):
            self._put({name: wish for name, wish in self._records.items() if name != job}, self._nodes)

    def hear(self, hearing: Hearing, now: float, wall: float) -> None:
        """Note who was heard, since when he was not, and what drains longer than it waits for copies."""
        nodes = {**self._kept, **self._nodes}
        for node, (beat, ago) in hearing.last_beats(now).items():
            before = nodes.get(node)
            is_silent = ago >= self._dead_after or beat.gone
            if is_silent and node in self._gone:
                nodes.pop(node, None)
                continue
            since = (before.since if before is not None else "") or to_the_second(wall - ago) if is_silent else ""
            nodes[node] = KnownNode(node, beat.name, beat.datacenter, since)
        hurried = frozenset(node for node, drain in self._drains.items() if drain.hurries(wall))
        if self.wanted is not None:
            self._put(self._records, nodes, hurried)
        self._nodes, self._hurried = nodes, hurried

    def _put(self, wishes: dict[str, Wish], nodes: dict[str, KnownNode], hurried: frozenset[str] | None = None) -> None:
        hurried = self._hurried if hurried is None else hurried
        if self.wanted is None or (wishes, nodes, hurried) != (self._records, self._nodes, self._hurried):
            self._version += 1
        self._records, self._nodes, self._hurried = wishes, nodes, hurried
        if self.wanted is None or self.wanted.version != self._version:
            self.wanted = Wanted(wishes, self._version, nodes, hurried)
