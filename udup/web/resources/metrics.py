"""/metrics for Prometheus: jobs from the store, processes from the supervisor, and this process' own figures.

A scrape never waits for an actor for long: what the supervisor says of the processes is asked for beside it and kept,
and how old it is is a figure itself. docs/metrics.md lists everything.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import falcon
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from udup import __version__
from udup.base.errors import UdupError
from udup.jobs import JobRecord
from udup.web.ports import ActorInfo, JobControl, JobReads
from udup.web.resources.job_figures import job_families, printable

#: Seconds for which what the supervisor said of the processes is good enough.
FRESH_SECONDS = 5.0

#: Seconds that a scrape waits for the supervisor; then it shows what is known from before.
PATIENCE_SECONDS = 0.5

_PROCESS_LABELS = ("role", "job_id", "slot")


class MetricsResource:
    """In the text format, or in OpenMetrics for whoever asks for it."""

    def __init__(self, control: JobControl, reads: JobReads, node_id: str, data_dir: Path) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Figures(control, reads, node_id, data_dir))
        ProcessCollector(registry=self._registry)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        encode, content_type = choose_encoder(req.get_header("Accept") or "")
        resp.data = encode(self._registry)
        resp.content_type = content_type


class _Processes:
    """The actors' processes as the supervisor last told."""

    def __init__(self, control: JobControl) -> None:
        self._control = control
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._found: list[ActorInfo] = []
        self._found_at = 0.0

    def latest(self) -> tuple[list[ActorInfo], float | None]:
        """They, and how many seconds ago that was; None for never."""
        with self._lock:
            asking = self._asking
            if (asking is None or not asking.is_alive()) and time.monotonic() - self._found_at > FRESH_SECONDS:
                asking = self._asking = threading.Thread(target=self._ask, name="metrics-actors", daemon=True)
                asking.start()
        if asking is not None:
            asking.join(PATIENCE_SECONDS)
        with self._lock:
            return self._found, time.monotonic() - self._found_at if self._found_at else None

    def _ask(self) -> None:
        try:
            found = self._control.actors()
        except UdupError:
            return  # shows in the age of what is there
        with self._lock:
            self._found, self._found_at = found, time.monotonic()


class _Figures(Collector):
    def __init__(self, control: JobControl, reads: JobReads, node_id: str, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._processes = _Processes(control)
        self._reads = reads
        self._node_id = node_id

    def describe(self) -> Iterable[Metric]:
        """Nothing by heart: what is there depends on the jobs."""
        return []

    def collect(self) -> Iterator[Metric]:
        records: list[JobRecord] = []
        problems = self._reads.last_problems()
        try:
            records, _ = self._reads.jobs("")
        except UdupError as error:
            problems.append(str(error))
        yield from self._node(len(problems))
        yield from _disk_families(self._data_dir)
        yield from job_families(records)
        yield from self._process_families()

    def _node(self, problems: int) -> Iterator[Metric]:
        info = InfoMetricFamily("udup_node", "What this node is.")
        info.add_metric((), {"version": __version__, "node_id": self._node_id})
        yield info
        yield GaugeMetricFamily("udup_node_ready", "1 when the node can work.", value=float(not problems))
        yield GaugeMetricFamily("udup_node_problems", "What keeps the node from working.", value=problems)

    def _process_families(self) -> Iterator[Metric]:
        found, age = self._processes.latest()
        memory = GaugeMetricFamily(
            "udup_process_resident_memory_bytes", "Memory of an actor's process.", labels=_PROCESS_LABELS
        )
        started = GaugeMetricFamily(
            "udup_process_start_time_seconds", "When it started, since 1970.", labels=_PROCESS_LABELS
        )
        restarts = CounterMetricFamily(
            "udup_process_restarts", "How often its place was filled again.", labels=_PROCESS_LABELS
        )
        # One for each place: the same series twice would spoil the whole answer.
        for labels, actor in {_place(actor): actor for actor in found}.items():
            memory.add_metric(labels, actor.rss)
            started.add_metric(labels, actor.started)
            restarts.add_metric(labels, actor.restarts)
        yield memory
        yield started
        yield restarts
        asked = GaugeMetricFamily("udup_node_processes_age_seconds", "How old the figures of the processes are.")
        if age is not None:
            asked.add_metric((), age)
        yield asked


def _disk_families(folder: Path) -> Iterator[Metric]:
    """Yield figures of the disk that the node's data are on, or will be."""
    there = next((each for each in (folder.absolute(), *folder.absolute().parents) if each.exists()), Path("/"))
    try:
        disk = shutil.disk_usage(there)
    except OSError:
        return  # the health of the node tells of a disk that cannot be asked
    yield GaugeMetricFamily("udup_node_data_free_bytes", "What the disk of data_dir has left.", value=disk.free)
    yield GaugeMetricFamily("udup_node_data_size_bytes", "How large the disk of data_dir is.", value=disk.total)


def _place(actor: ActorInfo) -> tuple[str, str, str]:
    return actor.role, printable(actor.job_id), str(actor.slot) if actor.slot else ""
