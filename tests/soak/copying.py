"""A copy that is killed again and again, with all of its processes: it is exact, and brings few rows twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field

import httpx

from tests.soak.copied import CopyWriters, make_tables
from tests.soak.copy_rows import copied_rows, inserted_rows, noted_rows
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.jobs.words import Stage
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare, wait_level

SCHEMA = JOB = "copied"

#: What may be copied of all rows, by all runs: what was under way in a table that is copied as a whole comes again.
MOST = 1.05

#: Seconds between two looks at what is there, and for the copy to come to a share of its rows.
_LOOK_SECONDS, _SHARE_SECONDS = 0.02, 600.0

#: Seconds for a process to be there, and for the target to come level.
_ACTOR_SECONDS = 30.0
_LEVEL_SECONDS = 300.0


@dataclass(frozen=True)
class Plan:
    """A copy of so many rows, and where it is killed."""

    rows: int
    seed: str
    kills: Sequence[tuple[float, str]]

    @property
    def source_options(self) -> dict[str, str | int]:
        return {}

    def of(self, source: MysqlServer, target: MysqlServer, node: UdupNode, say: Callable[[str], None]) -> KilledCopy:
        return KilledCopy(source, target, node, self.rows, self.seed, say, self.kills, most=MOST)


@dataclass
class KilledCopy:
    """`kills`: at which share of the rows, and what: `all` processes of the node, one of a role, a server; `pause`
    has the job paused and resumed, `document` gives it another one. `most`: what of all rows may be copied, 0 for no
    bound.
    """

    source: MysqlServer
    target: MysqlServer
    node: UdupNode
    rows: int
    seed: str
    say: Callable[[str], None]
    kills: Sequence[tuple[float, str]] = ((0.1, "all"), (0.5, "all"), (0.95, "all"))
    workers: int = 4
    writers: int = 2
    chunk_rows: int = 0
    most: float = 0.0
    killed: int = 0
    copied: dict[str, int] = field(default_factory=dict)
    share: float = 0.0

    def run(self) -> float:
        """Return the rows that were copied in all, as a share of those that there were to copy."""
        made = make_tables(self.source.endpoint, SCHEMA, self.rows)
        self.say(f"seed {self.seed}: {made} rows")
        writers = CopyWriters(self.source.endpoint, SCHEMA, self.rows, self.seed, threads=self.writers)
        writers.start()
        try:
            self._post(self.workers)
            for share, victim in self.kills:
                there = self._wait_share(made * share)
                self.say(f"{there} rows there ({there / made:.1%}): kill {victim}")
                self._kill(victim)
                self.killed += 1
            self.node.wait_stage(JOB, (Stage.CATCHING_UP, Stage.RUNNING), _SHARE_SECONDS)
        finally:
            writers.stop()
        inserted = inserted_rows(self.target.endpoint)
        self._same(writers)
        self.copied = dict(copied_rows(self.target.endpoint, SCHEMA))
        rows = sum(self.copied.values())
        self.say(
            f"{rows} rows committed ({rows / made:.2%}), {inserted} sent to the server ({inserted / made:.2%}), writers"
            f" wrote {writers.written} times, and added {writers.added} rows: {self.copied}"
        )
        self.share = rows / made
        if self.most and self.share > self.most:
            told = f"{self.share:.2%} of the rows were copied in all, more than {self.most:.0%}"
            raise UdupError(f"seed {self.seed}: {told}")
        return self.share

    @property
    def summary(self) -> str:
        return f"equal after {self.killed} kills, {self.share:.2%} of the rows copied in all"

    def _post(self, workers: int) -> None:
        ends = self.source.endpoint, self.target.endpoint
        document = {**job_document(JOB, *ends, [SCHEMA], workers=workers), "ID": JOB}
        document["Tasks"][1]["Config"]["MaxRetries"] = 1000
        if self.chunk_rows:
            document["Tasks"][0]["Config"]["ChunkSize"] = self.chunk_rows
        self.node.post_job(document)

    def _wait_share(self, rows: float) -> int:
        end = time.monotonic() + _SHARE_SECONDS
        there = 0
        while time.monotonic() < end:
            with suppress(MySQLError):
                there = noted_rows(self.target.endpoint, JOB)
            if there >= rows:
                return there
            if self._is_copied():
                raise UdupError(f"seed {self.seed}: the copy was over before there were {rows:.0f} rows")
            time.sleep(_LOOK_SECONDS)
        raise UdupError(f"seed {self.seed}: {there} rows came, of {rows:.0f} that were waited for")

    def _kill(self, victim: str) -> None:
        if victim == "all":
            _kill(self.node.pids())
            self.node.end_leftovers()
            self.node.start()
        elif victim in ("source", "target"):
            server = self.source if victim == "source" else self.target
            server.kill()
            server.restart()
        elif victim == "pause":
            for act, stage in (("pause", Stage.PAUSED), ("resume", Stage.COPYING)):
                httpx.put(f"{self.node.url}/v1/job/{JOB}/{act}", timeout=60).raise_for_status()
                self.node.wait_stage(JOB, (stage,))
        elif victim == "document":
            self._post(self.workers + 1)
        else:
            _kill([self._pid_of(victim)])

    def _pid_of(self, role: str) -> int:
        end = time.monotonic() + _ACTOR_SECONDS
        while time.monotonic() < end:
            found = [int(actor["Pid"]) for actor in self.node.api.actors() if actor["Role"] == role]
            if found:
                return found[0]
            time.sleep(_LOOK_SECONDS)
        raise UdupError(f"seed {self.seed}: there is no {role}")

    def _same(self, writers: CopyWriters) -> None:
        if writers.problem:
            raise UdupError(f"seed {self.seed}: a writer failed: {writers.problem}")
        if not wait_level(self.source.endpoint, self._applied, _LEVEL_SECONDS):
            raise UdupError(f"seed {self.seed}: the target does not come level: {self.node.job(JOB)}")
        comparison = compare(self.source.endpoint, self.target.endpoint, [SCHEMA])
        if not comparison.equal:
            raise UdupError(f"seed {self.seed}: the servers differ: {comparison.report()}")

    def _applied(self) -> str:
        shown = self.node.job(JOB)
        if shown.get("Stage") == Stage.FAILED:
            raise UdupError(f"seed {self.seed}: the job failed: {shown.get('StatusDescription')}")
        return self._checkpoint()

    def _is_copied(self) -> bool:
        with suppress(MySQLError):
            return bool(self._checkpoint())
        return False

    def _checkpoint(self) -> str:
        with closing(connect(self.target.endpoint)) as connection:
            rows = query(connection, "SELECT gtids FROM udup.checkpoint WHERE job = %s AND gtids <> ''", JOB)
        return ",".join(str(row[0]) for row in rows)


def _kill(pids: Sequence[int] | dict[int, str]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
