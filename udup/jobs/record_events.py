"""What a job's record tells of what happened, each with its time and what it is told apart by.

Pure: the same record tells the same, on whichever node, so nothing is told twice and a new node tells it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from udup.jobs.allocation import Allocation, EventType, TaskEvent, Trigger
from udup.jobs.record import JobRecord
from udup.jobs.versions import POSTED
from udup.jobs.words import DesiredState
from udup.pipeline.cutover.state import StepState
from udup.pipeline.verify.state import CompareState

#: Characters of a text that is told; the record has the whole of it.
TEXT_MAX = 500

_NOTHING: Mapping[str, str] = MappingProxyType({})

#: Nanoseconds by which the beginning of an outage is rounded.
_MS = 1_000_000


class Kind(StrEnum):
    """What kind of thing happened. The values are words of the API's."""

    STARTED = "started"
    STOPPED = "stopped"
    FAILED = "failed"
    RECONNECTING = "reconnecting"
    CONNECTED = "connected"
    DEFINITION = "definition"
    THROTTLED = "throttled"
    TABLE_COMPLETE = "table_complete"
    COPY_COMPLETE = "copy_complete"
    CAUGHT_UP = "caught_up"
    COMPARED = "compared"
    DIFFERS = "differs"
    REPAIRED = "repaired"
    DOCUMENT = "document"
    PAUSED = "paused"
    RESUMED = "resumed"
    MOVED = "moved"
    CUTOVER = "cutover"
    SKIPPED = "skipped"
    RELOAD = "reload"


@dataclass(frozen=True, slots=True)
class Happened:
    """`time_ns` since the epoch. `identity` tells it apart from all else that a record tells of its job."""

    time_ns: int
    kind: Kind
    text: str
    params: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    gtid: str = ""
    table: str = ""
    identity: tuple[object, ...] = ()


def events_of(record: JobRecord) -> Iterator[Happened]:
    """Yield what the record tells, in no order. What has no time is left out."""
    for each in (*_documents(record), *_failures(record), *_tasks(record), *_skipped(record), *_acts(record)):
        if each.time_ns > 0:
            yield each


def shortened(text: str) -> str:
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 2] + " …"


def _documents(record: JobRecord) -> Iterator[Happened]:
    for posted in record.all_documents:
        number = posted.number
        text = "Job created" if number == 1 else f"Document {number} {posted.how}"
        if number == 1 and posted.how != POSTED:
            text = f"Job created: document {posted.how}"
        params = {"number": str(number), "how": posted.how}
        yield Happened(posted.time_ns, Kind.DOCUMENT, text, params, identity=("document", number, posted.time_ns))


def _failures(record: JobRecord) -> Iterator[Happened]:
    """Yield the failures that ended runs: the last of them for good, if the record says so."""
    final = _given_up_at(record)
    stopped, outage = record.stopped, record.outage
    for each in record.restart_history:
        text = shortened(each.error)
        identity = ("failure", each.time_ns)
        if stopped is not None and stopped.time_ns == each.time_ns:
            params = {"kind": stopped.kind.value}
            yield Happened(each.time_ns, Kind.FAILED, text, params, stopped.gtid, stopped.table, identity)
        elif each.time_ns in final:
            yield Happened(each.time_ns, Kind.FAILED, text, identity=identity)
        else:
            params = {}
            if outage is not None and each.time_ns >= int(outage.since * 1e9) - _MS:
                away = outage.sides[0] if outage.sides else None
                side = away.side if away is not None else outage.side
                params = {"for": side.value if side else "", "to": away.to if away is not None else ""}
            yield Happened(each.time_ns, Kind.RECONNECTING, text, params, identity=identity)


def _given_up_at(record: JobRecord) -> frozenset[int]:
    events = (event for allocation in record.allocations if allocation.state for event in allocation.state.events)
    return frozenset(event.time for event in events if event.type is EventType.NOT_RESTARTING)


def _tasks(record: JobRecord) -> Iterator[Happened]:
    """Yield what became of the job's tasks, once for both."""
    resumes = {each.id for each in record.evaluations if each.triggered_by is Trigger.RESUME}
    told = set()
    for allocation in record.allocations:
        for each in _of_task(allocation, resumes):
            if each.identity not in told:
                told.add(each.identity)
                yield each


def _of_task(allocation: Allocation, resumes: set[str]) -> Iterator[Happened]:
    events = allocation.state.events if allocation.state is not None else ()
    before: TaskEvent | None = None
    for place, event in enumerate(events):
        last = place == len(events) - 1
        found = _told(allocation, before, event, last=last, resumed=allocation.eval_id in resumes)
        if found is not None:
            kind, text, params = found
            whose = allocation.task if kind is Kind.MOVED else ""
            yield Happened(event.time, kind, text, params, identity=("task", event.type, event.time, whose))
        before = event


def _told(
    allocation: Allocation, before: TaskEvent | None, event: TaskEvent, *, last: bool, resumed: bool
) -> tuple[Kind, str, Mapping[str, str]] | None:
    """Return what one event of a task tells; None for what something else tells."""
    was = None if before is None else before.type
    match event.type:
        case EventType.STARTED if was is EventType.RESTARTING:
            return Kind.CONNECTED, "The job goes on: its run has begun again", _NOTHING
        case EventType.STARTED:
            return Kind.STARTED, "A run has begun", _NOTHING
        case EventType.RECEIVED if was is EventType.KILLED or (was is None and resumed):
            return Kind.RESUMED, "Resumed", _NOTHING
        case EventType.KILLED if not last or allocation.desired is not DesiredState.STOP:
            return Kind.PAUSED, "Paused at a transaction boundary", _NOTHING
        case EventType.KILLED if allocation.client_description:
            params = {"task": allocation.task, "lost": "true" if allocation.lost else "false"}
            return Kind.MOVED, f"{allocation.task}: {allocation.client_description}", params
        case EventType.TERMINATED if event.fields.get("ExitCode") == 0:
            return Kind.STOPPED, "The job is complete", {"state": "completed"}
        case _:
            return None


def _skipped(record: JobRecord) -> Iterator[Happened]:
    for each in record.skipped:
        text = shortened(f"Transaction {each.gtid} was passed over: {each.error}")
        yield Happened(
            each.time_ns, Kind.SKIPPED, text, _NOTHING, each.gtid, each.table, ("skipped", each.gtid, each.time_ns)
        )


def _acts(record: JobRecord) -> Iterator[Happened]:
    yield from _cutover(record)
    yield from _comparison(record)
    growth = record.growth
    if growth is not None and growth.reloads:
        names = ", ".join(growth.reloads)
        text, params = shortened(f"Tables are loaded again: {names}"), {"tables": shortened(names)}
        table = growth.reloads[0] if len(growth.reloads) == 1 else ""
        yield Happened(growth.since_ns, Kind.RELOAD, text, params, table=table, identity=("reload", growth.since_ns))


def _cutover(record: JobRecord) -> Iterator[Happened]:
    cutover = record.cutover
    if cutover is None:
        return
    dry = "a dry run" if cutover.options.dry_run else "begun"
    yield Happened(cutover.since_ns, Kind.CUTOVER, f"Cut-over: {dry}", identity=("cutover", cutover.id))
    for step in cutover.steps:
        if step.state in (StepState.DONE, StepState.FAILED, StepState.UNDONE):
            text = shortened(
                f"Cut-over: {step.name.value} {step.state.value}" + (f": {step.text}" if step.text else "")
            )
            params = {"step": step.name.value, "state": step.state.value}
            identity = ("cutover", cutover.id, step.name, step.state, step.time_ns)
            yield Happened(step.time_ns, Kind.CUTOVER, text, params, identity=identity)


def _comparison(record: JobRecord) -> Iterator[Happened]:
    made = record.comparison
    if made is None:
        return
    if made.last_ended_ns:
        yield _compared(made.id, made.last_ended_ns, made.last_differences, made.last_definitions)
    if made.state is CompareState.DONE and made.options.repair:
        text = f"Repaired: {made.rows} rows" if made.rows else "Repaired"
        yield Happened(made.ended_ns, Kind.REPAIRED, text, identity=("repaired", made.id, made.ended_ns))
    elif made.state is CompareState.DONE and made.ended_ns != made.last_ended_ns:
        yield _compared(made.id, made.ended_ns, made.differences + len(made.unlike), made.definitions)


def _compared(identity: str, ended_ns: int, rows: int, definitions: int) -> Happened:
    params = {"differences": str(rows), "definitions": str(definitions)}
    kind = Kind.DIFFERS if rows or definitions else Kind.COMPARED
    text = "Compared: all equal"
    if kind is Kind.DIFFERS:
        text = f"Compared: {rows} differences of rows, {definitions} of definitions"
    return Happened(ended_ns, kind, text, params, identity=("compared", identity, ended_ns))
