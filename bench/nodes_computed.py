"""A thousand and ten thousand jobs by computation: what the coordinator decides, how long it takes; the size of lists.

No server is started: the coordinator is a pure object, and each of its writes is taken as done. In a cluster each is a
write of the store besides, one after the other: a millisecond or two between managers at one site.
"""

from __future__ import annotations

import json
import time
from collections import Counter

from bench.results import OURS, Line, Result
from bench.servers import Bench
from udup.base.endpoint import Endpoint
from udup.cluster.beats import Beat, Judgement, Role
from udup.cluster.coordinator import Coordinator, Wanted
from udup.cluster.limits import Limits
from udup.cluster.owners import Owners
from udup.cluster.placement import Wish
from udup.cluster.ports import Change, News
from udup.jobs import JobRecord, to_stub
from udup.jobs.words import Stage
from udup.sandbox.api import job_document

NODES = ("n0", "n1", "n2", "n3", "n4")

COUNTS = (200, 1000, 10_000)


def run(bench: Bench) -> Result:
    result = Result("computed", f"jobs of {len(NODES)} nodes, by computation", "see each")
    for count in COUNTS[:2] if bench.quick else COUNTS:
        result.attempt(OURS, lambda count=count: [*_decisions(count), *_list(count)])  # type: ignore[misc]
    return result


class Bucket:
    """A coordinator with its copy of the bucket; it is the first to write each time."""

    def __init__(self, count: int) -> None:
        self.owners = Owners()
        self.owners.take_news(News("one", 0, ()))
        self._coordinator = Coordinator("n0", Role.MANAGER, self.owners, Limits())
        self._wanted = Wanted({name: Wish(name) for name in map("job-{:05}".format, range(count))}, 1, {})

    def settle(self, dead: str = "") -> tuple[float, float, int, int]:
        """Return seconds of CPU of the first decision, and of all; how many writes there were, and their bytes."""
        beats = {node: Beat(node=node, incarnation="1", number=1, max=10_000) for node in NODES if node != dead}
        judgement = Judgement(beats, frozenset({dead} - {""}))
        began, first, writes, size = time.process_time(), 0.0, 0, 0
        while write := self._coordinator.decide(judgement, self._wanted):
            first = first or time.process_time() - began
            data = write.owner.encode() if write.owner is not None else None
            layout = self.owners.layout
            self.owners.take(Change(write.key, data, self.owners.last + 1))
            self._coordinator.written(write, layout)
            writes, size = writes + 1, size + len(data or b"")
        return first, time.process_time() - began, writes, size


def _decisions(count: int) -> list[Line]:
    bucket = Bucket(count)
    bucket.settle()  # with the leadership, which is decided before
    placed = Counter(owner.node for owner in bucket.owners.jobs.values())
    first, every, writes, size = bucket.settle(dead="n4")
    after = Counter(owner.node for owner in bucket.owners.jobs.values())
    spread = f"{min(placed.values())} to {max(placed.values())} jobs a node"
    return [
        _line(f"{count} jobs: a node dies, ms until the plan is made", 1000 * first, spread),
        _line(f"{count} jobs: ms for all decisions", 1000 * every, f"{writes} writes"),
        _line(f"{count} jobs: KiB of these writes", size / 1024),
        _line(f"{count} jobs: the most of a node after it", max(after.values()), f"the least {min(after.values())}"),
    ]


def _list(count: int) -> list[Line]:
    """What GET /v1/jobs shows, made of nothing, and as JSON."""
    records = []
    for number in range(count):
        name = f"job-{number:05}"
        source, target = (Endpoint(host, 3306, "udup", "secret") for host in ("10.0.0.1", "10.0.0.2"))
        document = job_document(name, source, target, [name])
        records.append(JobRecord(id=name, document=document, stage=Stage.RUNNING))
    began = time.process_time()
    stubs = [to_stub(record) for record in records]
    made = time.process_time() - began
    began = time.process_time()
    text = json.dumps(stubs)
    written = time.process_time() - began
    return [
        _line(f"{count} jobs: the list, KiB", len(text) / 1024),
        _line(f"{count} jobs: ms to make all of it", 1000 * made, "once; then what has changed"),
        _line(f"{count} jobs: ms to write it as JSON", 1000 * written),
    ]


def _line(what: str, value: float, detail: str = "") -> Line:
    return Line(OURS, value, detail, what)
