"""The API over a job store in memory: our own ports, implemented in the simplest way that keeps their promises."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from falcon import testing

from udup.base.config import Settings, load_settings
from udup.base.errors import Fault, Refused
from udup.drivers.registry import Registry
from udup.jobs import DesiredState, JobRecord, JobType, accept, check_enforced_index, document_id
from udup.jobs.allocation import Allocation, Evaluation, Trigger
from udup.jobs.document.drafts import drafted
from udup.jobs.document.inspecting import ServerAsked
from udup.jobs.estimates import Estimate, EstimatedAct, estimate
from udup.jobs.growth import check_reload
from udup.jobs.plan import plan_of
from udup.jobs.skipping import NotSkippable
from udup.jobs.table_pages import TablesWanted
from udup.jobs.table_states import shown_of, with_changes
from udup.jobs.versions import Posted, with_replaced
from udup.jobs.wishing import wished
from udup.node.tables import Listing, page_found
from udup.pipeline.cutover.state import Cutover, Options
from udup.pipeline.ports import Seen, TailRequest
from udup.pipeline.ports.compare import LedgerRow
from udup.pipeline.ports.inspect import Grants, Inspected, TableSize
from udup.pipeline.ports.rows import RowSeen
from udup.pipeline.ports.tables import TablesOnTarget
from udup.pipeline.ports.tail import START
from udup.pipeline.selection.selection import Selection
from udup.pipeline.verify.state import CompareOptions, CompareState, Comparison
from udup.web.app import create_app
from udup.web.blocking import WaitingRoom
from udup.web.ports import ActorInfo, Check, LevelFound, NotThere, Outcome, TablesFound, Written

NODE_ID = "1eda45f8-df9b-1541-9009-83952e7b672a"

#: A moment in nanoseconds, as the tasks of the jobs below were made.
MOMENT = 1_500_000_000_123_456_789

ACTOR = ActorInfo("supervisor", "", 7, state="running", started=1.5, restarts=2, rss=4096)


#: Seconds that a request may block here.
LONGEST_WAIT_S = 20.0


class MemoryQuestion:
    def __init__(self, memory: MemoryJobs) -> None:
        self._memory = memory

    def look(self) -> LevelFound:
        looks = self._memory.level_looks or [LevelFound(True, "u:1", "u:1", "", "running", "", ended=False)]
        found = looks[0] if len(looks) == 1 else looks.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        self._memory.level_closed += 1


class MemoryTail:
    """Reads what the jobs in memory have delivered, two at a time."""

    def __init__(self, memory: MemoryJobs, wanted: TailRequest) -> None:
        self._memory = memory
        self._next = int(wanted.cursor or (0 if wanted.since == START else len(memory.delivered)))
        self.at_end = False

    @property
    def cursor(self) -> str:
        return str(self._next)

    def read(self) -> list[Seen]:
        if isinstance(self._memory.reads_fail, Exception):
            raise self._memory.reads_fail
        found = self._memory.delivered[self._next : self._next + 2]
        self._next += len(found)
        self.at_end = self._next == len(self._memory.delivered)
        if not found:
            time.sleep(0.01)
        return found

    def close(self) -> None:
        self._memory.tails_closed += 1


class MemoryJobs:
    """Both ports. `fail_with` makes the next call raise; `unready` makes the node unready; `purged` were deleted so."""

    def __init__(self) -> None:
        self.gone: list[Evaluation] = []
        self.purged: list[str] = []
        self.unwilling: set[str] = set()  # jobs whose pause fails
        self.settled: list[tuple[str, str, bool]] = []
        self.skipped: list[tuple[str, str]] = []
        self.cut_over_by: list[tuple[str, Options | None]] = []  # None: it was aborted
        self.killed: list[int] = []
        self.removed: list[str] = []
        self.level_asked: list[tuple[str, str | None]] = []
        self.reloaded: list[tuple[str, tuple[str, ...]]] = []
        self.level_looks: list[LevelFound | Exception] = []  # what each look finds; the last again and again
        self.level_closed = 0
        self.delivered: list[Seen] = []
        self.tails: list[TailRequest] = []
        self.tails_closed = 0
        self.reads_fail: Exception | None = None
        self.checked: list[bool] = []  # whether the documents that came were to be checked first
        self.checks = [Check("Src", "version", Outcome.PASS, "9.7.0")]
        self.records: dict[str, JobRecord] = {}
        self.ledger: list[LedgerRow] = []
        self.tables_on_target: TablesOnTarget | None = None
        self.rows: dict[tuple[str, str, str], RowSeen] = {}
        self.sizes: dict[str, TableSize] = {}
        self.inspected: list[ServerAsked] = []
        self.server_found = Inspected(error="nobody listens there", remedy="start it")
        self.target_away = ""
        self.index = 5
        self.warning = ""
        self.fail_with: Exception | None = None
        self.unready: list[str] = []
        self.aged = 0.0  # seconds since all was read that there was
        self._lock = threading.RLock()

    def register(self, document: dict[str, Any], enforce_index: int | None, *, check: bool = True) -> Written:
        with self._lock:
            self._may_fail()
            self.checked.append(check)
            stored = self.records.get(document_id(document) or "")
            spec, kept = accept(document, stored.document if stored else None)
            check_enforced_index(enforce_index, spec.id, stored)
            self.index += 1
            made = self._evaluation(spec.id, Trigger.REGISTER)
            before = stored.allocations if stored else ()
            self.records[spec.id] = JobRecord(
                id=spec.id,
                document=kept,
                create_index=stored.create_index if stored else self.index,
                modify_index=self.index,
                job_modify_index=self.index,
                allocations=(*before, *(self._allocation(made, task) for task in ("Src", "Dest"))),
                evaluations=(*(stored.evaluations if stored else ()), made),
                posted=Posted(number=stored.posted.number + 1 if stored else 1, time_ns=MOMENT),
                documents=with_replaced(stored.documents, stored.replaced) if stored else (),
            )
            return self._written(spec.id, made.id)

    def revert(self, job_id: str, number: int | None, *, check: bool = True) -> Written:
        record = self.job(job_id)
        if record is None:
            raise NotThere("job not found")
        kept = {each.number: each.document for each in record.documents}
        if not kept or (number is not None and number not in kept):
            raise NotThere(f"job {job_id} has no earlier document")
        return self.register(kept[number or max(kept)], None, check=check)

    def register_unlooked(self, document: dict[str, Any]) -> None:
        """Take a document whose secrets are not on this machine."""
        spec, kept = accept(document, local=False)
        self.records[spec.id] = JobRecord(id=spec.id, document=kept)

    def delete(self, job_id: str, *, purge: bool = False) -> Written:
        with self._lock:
            self._may_fail()
            self.index += 1
            if self.records.pop(job_id, None):
                self.gone.append(self._evaluation(job_id, Trigger.DEREGISTER))
            self.purged += [job_id] * purge
            return self._written(job_id)

    def pause(self, job_id: str) -> Written:
        return self._wish(job_id, DesiredState.PAUSE)

    def resume(self, job_id: str) -> Written:
        return self._wish(job_id, DesiredState.RUN)

    def settle(self, job_id: str, gtid: str, *, applied: bool) -> Written:
        with self._lock:
            self._may_fail()
            if job_id not in self.records:
                raise NotThere("job not found")
            self.settled.append((job_id, gtid, applied))
            self.index += 1
            return self._written(job_id)

    def finish(self, job_id: str) -> Written:
        with self._lock:
            self._may_fail()
            if job_id not in self.records:
                raise NotThere("job not found")
            if self.records[job_id].finish:
                return Written(0, job_id, "", changed=False)
            self.records[job_id] = self.records[job_id].model_copy(update={"finish": True})
            return self._written(job_id)

    def snapshot(self, job_id: str, tables: Sequence[str]) -> Written:
        with self._lock:
            self._may_fail()
            if job_id not in self.records:
                raise NotThere("job not found")
            wishes = wished(self.records[job_id].wishes, [], tables, 1)
            self.records[job_id] = self.records[job_id].model_copy(update={"wishes": wishes})
            self.index += 1
            return self._written(job_id)

    def reload(self, job_id: str, tables: Sequence[str]) -> Written:
        with self._lock:
            self._may_fail()
            if job_id not in self.records:
                raise NotThere("job not found")
            check_reload(job_id, Selection(), tables)
            self.reloaded.append((job_id, tuple(tables)))
            self.index += 1
            return self._written(job_id)

    def give_up(self, job_id: str) -> Written:
        with self._lock:
            self._may_fail()
            if job_id not in self.records:
                raise NotThere("job not found")
            if not self.reloaded:
                return Written(0, job_id, "", changed=False)
            self.reloaded.clear()
            self.index += 1
            return replace(self._written(job_id), warning="shop.a: not in the job any more")

    def ask_level(self, job_id: str, gtid: str | None) -> MemoryQuestion:
        self._may_fail()
        if job_id not in self.records:
            raise NotThere("job not found")
        self.level_asked.append((job_id, gtid))
        return MemoryQuestion(self)

    def tables(self, job_id: str, wanted: TablesWanted) -> TablesFound:
        self._may_fail()
        if job_id not in self.records:
            raise NotThere("job not found")
        names = [("s", f"t{number}") for number in range(5)]
        shown = shown_of(self.records[job_id], None, names)
        known = self.tables_on_target
        if known is not None:
            shown = with_changes(shown, known)
        since = 0 if known is None else known.since_us
        problem = "" if known is not None else self.target_away
        return page_found(self.records[job_id], Listing(names, shown, self.sizes, since, problem), wanted)

    def grants(self, document: dict[str, Any], versions: tuple[str, str]) -> tuple[Grants, Grants]:
        self._may_fail()
        stored = self.records.get(document_id(document) or "")
        plan = plan_of(drafted(document, stored.document if stored else None))
        source, target = versions
        return Registry().grants(plan, source or "8.4.0", target or "8.4.0")

    def row(self, job_id: str, schema: str, table: str, key: str) -> RowSeen | None:
        self._may_fail()
        if job_id not in self.records:
            raise NotThere("job not found")
        return self.rows.get((schema, table, key))

    def estimate(self, job_id: str, act: EstimatedAct, tables: Sequence[str]) -> Estimate:
        self._may_fail()
        if job_id not in self.records:
            raise NotThere("job not found")
        return estimate(act, self.sizes.values(), self.records[job_id], tables)

    def inspect(self, asked: ServerAsked) -> Inspected:
        self._may_fail()
        self.inspected.append(asked)
        return self.server_found

    def tail(self, job_id: str, wanted: TailRequest) -> MemoryTail:
        self._may_fail()
        if job_id not in self.records:
            raise NotThere("job not found")
        self.tails.append(wanted)
        return MemoryTail(self, wanted)

    def skip(self, job_id: str, gtid: str) -> Written:
        with self._lock:
            self._may_fail()
            if job_id not in self.records:
                raise NotThere("job not found")
            if (job_id, gtid) in self.skipped:
                raise NotSkippable(f"{gtid} was passed over already")
            self.skipped.append((job_id, gtid))
            self.index += 1
            return self._written(job_id)

    def _wish(self, job_id: str, desired: DesiredState) -> Written:
        with self._lock:
            self._may_fail()
            record = self.records.get(job_id)
            if record is None:
                raise NotThere("job not found")
            if job_id in self.unwilling and desired is DesiredState.PAUSE:
                raise Refused([Fault("j", "does not want to")])
            if record.desired == desired:
                return Written(0, job_id, "", changed=False)
            self.index += 1
            update = {"desired": desired, "modify_index": self.index}
            self.records[job_id] = record.model_copy(update=update)
            return self._written(job_id)

    def change(self, job_id: str, **fields: Any) -> None:
        """Something of a job changes by itself."""
        with self._lock:
            self.index += 1
            self.records[job_id] = self.records[job_id].model_copy(update={**fields, "modify_index": self.index})

    def cut_over(self, job_id: str, options: Options) -> Written:
        with self._lock:
            self._may_fail()
            if job_id not in self.records:
                raise NotThere("job not found")
            self.cut_over_by.append((job_id, options))
            self.index += 1
            update = {"cutover": Cutover.asked(options), "modify_index": self.index}
            self.records[job_id] = self.records[job_id].model_copy(update=update)
            return self._written(job_id)

    def compare(self, job_id: str, options: CompareOptions | None) -> Written:
        with self._lock:
            self._may_fail()
            if job_id not in self.records:
                raise NotThere("job not found")
            comparison = self.records[job_id].comparison if options is None else Comparison.asked(options)
            if options is None and comparison is not None:
                comparison = comparison.over(CompareState.STOPPED)
            self.index += 1
            update = {"comparison": comparison, "modify_index": self.index}
            self.records[job_id] = self.records[job_id].model_copy(update=update)
            return self._written(job_id)

    def differences(self, job_id: str, after: str, limit: int) -> list[LedgerRow]:
        self._may_fail()
        if job_id not in self.records:
            raise NotThere("job not found")
        return [row for row in self.ledger if row.at > after][:limit]

    def abort_cutover(self, job_id: str) -> Written:
        with self._lock:
            self._may_fail()
            if job_id not in self.records:
                raise NotThere("job not found")
            self.cut_over_by.append((job_id, None))
            return self._written(job_id)

    def validate(self, document: dict[str, Any]) -> list[Check]:
        self._may_fail()
        stored = self.records.get(document_id(document) or "")
        accept(document, stored.document if stored else None)
        return self.checks

    def remove_manager(self, node: str) -> None:
        self._may_fail()
        self.removed.append(node)

    def actors(self, node: str = "") -> list[ActorInfo]:
        self._may_fail()
        return [replace(ACTOR, job_id=node)]

    def kill_actor(self, pid: int) -> None:
        self._find_actor(pid)
        self.killed.append(pid)

    def actor_stacks(self, pid: int) -> str:
        self._find_actor(pid)
        return f"Thread {pid}: é"

    def _find_actor(self, pid: int) -> None:
        self._may_fail()
        if pid != ACTOR.pid:
            raise NotThere(f"no actor of this node has the process {pid}")

    def evaluations(self) -> list[Evaluation]:
        self._may_fail()
        return self.gone

    def jobs(self, prefix: str) -> tuple[list[JobRecord], int]:
        with self._lock:  # the index and the records are of one moment
            self._may_fail()
            return [record for record in self.records.values() if record.id.startswith(prefix)], self.index

    def job(self, job_id: str) -> JobRecord | None:
        self._may_fail()
        return self.records.get(job_id)

    def problems(self) -> list[str]:
        return self.unready

    def last_problems(self) -> list[str]:
        return self.unready

    def age(self) -> float:
        return self.aged

    def _evaluation(self, job_id: str, trigger: Trigger) -> Evaluation:
        return Evaluation(
            id=str(uuid.uuid4()),
            job_id=job_id,
            job_type=JobType.SYNCHRONOUS,
            triggered_by=trigger,
            job_modify_index=self.index,
            create_index=self.index + 1,
            modify_index=self.index + 1,
        )

    def _allocation(self, made: Evaluation, task: str) -> Allocation:
        return Allocation(
            id=str(uuid.uuid4()),
            eval_id=made.id,
            task=task,
            job_create_index=self.index,
            create_index=self.index + 1,
            modify_index=self.index + 1,
            create_time_ns=MOMENT,
        )

    def _written(self, job_id: str, eval_id: str = "") -> Written:
        self.index += 1
        return Written(self.index, job_id, eval_id or str(uuid.uuid4()), warning=self.warning)

    def _may_fail(self) -> None:
        if self.fail_with is not None:
            error, self.fail_with = self.fail_with, None
            raise error


@pytest.fixture
def memory() -> MemoryJobs:
    return MemoryJobs()


@pytest.fixture
def settings() -> Settings:
    """A test client asks under its own host name."""
    return load_settings(flags={"ports.http": 0, "api.hosts": ["falconframework.org"]})


@pytest.fixture
def client(memory: MemoryJobs, settings: Settings) -> testing.TestClient:
    return testing.TestClient(create_app(memory, memory, settings, NODE_ID, WaitingRoom(longest_s=LONGEST_WAIT_S)))


@pytest.fixture
def document() -> dict[str, Any]:
    """A small job that is accepted."""

    def task(kind: str, port: int) -> dict[str, Any]:
        connection = {"Host": "10.0.0.1", "Port": port, "User": "root", "Password": "rootroot"}
        return {"Type": kind, "Driver": "MySQL", "Config": {"ConnectionConfig": connection}}

    return {"ID": "one", "Name": "first", "Tasks": [task("Src", 3306), task("Dest", 3307)]}
