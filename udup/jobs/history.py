"""The bookkeeping of a job's life: each function takes the job's record and gives the one after what happened.

Pure, so that it can be read and tested as a list of statements. Indexes are not known here: what is new or changed is
numbered by `numbered` when the record is stored. Times are nanoseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from udup.base import runtime
from udup.base.errors import Failure
from udup.jobs.allocation import (
    MAX_ALLOCATIONS,
    MAX_EVALUATIONS,
    MAX_EVENTS,
    Allocation,
    ClientStatus,
    Evaluation,
    EventType,
    TaskEvent,
    TaskLife,
    TaskState,
    Trigger,
)
from udup.jobs.document.keys import Level, canonical
from udup.jobs.outage import Outage
from udup.jobs.record import MAX_RESTARTS, JobRecord, Restart
from udup.jobs.stopped import Stopped
from udup.jobs.words import DesiredState, JobType, Stage, TaskType

#: What a task is given to end, as clients know it.
KILL_TIMEOUT_NS = 5_000_000_000

#: Exit codes of a task: done, to be started again, given up.
DONE, AGAIN, DEAD = 0, 1, 2

#: Characters of an error that events and the history keep.
TEXT_MAX = 2000

_TYPE = Level({"Type"})

#: Nanoseconds by which the beginning of an outage is rounded.
_MS = 1_000_000

_WITHIN_POLICY = "Restart within policy"

BOTH = (TaskType.SRC, TaskType.DEST)

#: The node of each task, by its name; nothing on a node that is alone.
Places = Mapping[str, str]
NOWHERE: Places = MappingProxyType({})


# ---- What was asked for ----


def registered(record: JobRecord, before: JobRecord | None, now: int) -> JobRecord:
    """Place the tasks of a document that came; those of the same job before it are over and stay listed."""
    if before is not None:
        old = tuple(_stopped(allocation, now) for allocation in before.allocations)
        record = record.model_copy(update={"allocations": old, "evaluations": before.evaluations})
    return _placed(_evaluated(record, Trigger.REGISTER), now)


def registered_again(record: JobRecord) -> JobRecord:
    """Note that the document came that the job has already; what is carried out goes on."""
    return _evaluated(record, Trigger.REGISTER)


def pause_wanted(record: JobRecord, now: int) -> JobRecord:
    """Note that tasks that live are told to end; what has ended stays as it is."""
    record = _evaluated(record, Trigger.PAUSE)

    def told(allocation: Allocation) -> Allocation:
        allocation = allocation.model_copy(update={"desired": DesiredState.PAUSE})
        return _with_event(allocation, EventType.KILLING, now, KillTimeout=KILL_TIMEOUT_NS)

    return _of_live(record, told)


def paused(record: JobRecord, now: int) -> JobRecord:
    """Note that the run has ended at a transaction boundary."""
    record = record.model_copy(update={"outage": None})
    return _of_live(record, lambda allocation: _with_event(allocation, EventType.KILLED, now))


def resumed(record: JobRecord, now: int) -> JobRecord:
    """Have the same tasks go on; place new ones where they had ended."""
    record = _evaluated(record.model_copy(update={"stopped": None, "failing": False}), Trigger.RESUME)
    if not live(record):
        return _placed(record, now)
    return _received_again(record, now)


def finish_wanted(record: JobRecord) -> JobRecord:
    """Note that a migration is to end as soon as it is level."""
    return _evaluated(record.model_copy(update={"finish": True}), Trigger.FINISH)


def node_started(record: JobRecord, now: int, places: Places = NOWHERE, *, lost: bool = False) -> JobRecord:
    """Note that the server came back and carries the job on; or, by `places`, another one.

    What the job had on other nodes is replaced; `lost`: they have not ended it.
    """
    record = _evaluated(record, Trigger.NODE_UPDATE)
    replaced = {
        each.task: each.id for each in live(record) if each.node and each.node != places.get(each.task, each.node)
    }
    if not live(record):
        return _placed(record, now)
    allocations = tuple(
        _replaced(each, places[each.task], now, lost=lost) if each.id in replaced.values() else each
        for each in record.allocations
    )
    record = _received_again(record.model_copy(update={"allocations": allocations}), now)
    return _placed(record, now, replaced) if replaced else record


def on_nodes(record: JobRecord, places: Places) -> JobRecord:
    """Note on which nodes the tasks are that had none yet."""
    if not any(not each.node and each.task in places for each in live(record)):
        return record

    def place(allocation: Allocation) -> Allocation:
        node = allocation.node or places.get(allocation.task, "")
        return allocation.model_copy(update={"node": node})

    return _of_live(record, place)


def deregistered(record: JobRecord) -> Evaluation:
    """Return what stays of a job that was deleted."""
    return _evaluated(record, Trigger.DEREGISTER).evaluations[-1]


# ---- What became of it ----


def started(record: JobRecord, now: int) -> JobRecord:
    """Note that a run has begun."""

    def begin(allocation: Allocation) -> Allocation:
        state = allocation.state or TaskState()
        update = {"state": TaskLife.RUNNING, "started_ns": state.started_ns or now}
        allocation = _with_state(allocation, update).model_copy(update={"client": ClientStatus.RUNNING})
        return _with_event(allocation, EventType.STARTED, now)

    return _of_live(record, begin)


def run_failed(record: JobRecord, tasks: Iterable[TaskType], text: str, pause_ns: int, now: int) -> JobRecord:
    """Note that a run ended by a fault of `tasks`; both begin again after a pause."""
    culprits = set(tasks)

    def again(allocation: Allocation) -> Allocation:
        if allocation.task in culprits:
            allocation = _with_event(allocation, EventType.TERMINATED, now, ExitCode=AGAIN, Message=text[:TEXT_MAX])
        allocation = _with_state(allocation, {"state": TaskLife.PENDING})
        return _with_event(allocation, EventType.RESTARTING, now, StartDelay=pause_ns, RestartReason=_WITHIN_POLICY)

    record = _of_live(record, again)
    return _noted(record, text, now).model_copy(update={"restarts": record.restarts + 1})


def waits(
    record: JobRecord, tasks: Iterable[TaskType], failure: Failure, outage: Outage, pause_ns: int, now: int
) -> JobRecord:
    """Note that a run ended by what time heals. A reason is noted once: an outage may last for days.

    Until the job is back its tasks are pending, whatever is tried.
    """
    since = None if record.outage is None else int(record.outage.since * 1e9)
    noted = () if since is None else tuple(each.error for each in record.restart_history if each.time_ns >= since - _MS)
    if failure.text[:TEXT_MAX] not in noted:
        record = run_failed(record, tasks, failure.text, pause_ns, now)
    return record.model_copy(update={"outage": outage})


def back(record: JobRecord, now: int) -> JobRecord:
    """Note that what the job waited for is over: its run has begun, and goes on."""
    return started(record.model_copy(update={"outage": None}), now)


def superseded(record: JobRecord, tasks: Iterable[TaskType], text: str, pause_ns: int, now: int) -> JobRecord:
    """Note that another owner has the job: it waits here, and says for whom. The same reason is noted once."""
    if not record.restart_history or record.restart_history[-1].error != text[:TEXT_MAX]:
        record = run_failed(record, tasks, text, pause_ns, now)
    update = {"stage": Stage.PENDING, "status_description": text[:TEXT_MAX], "failing": True, "outage": None}
    return record.model_copy(update=update)


def recovered(record: JobRecord) -> JobRecord:
    """Note that a run has copied or applied something, so that the failure before it is history."""
    return record.model_copy(update={"failing": False})


def given_up(record: JobRecord, tasks: Iterable[TaskType], failure: Failure, now: int) -> JobRecord:
    """Note that the job has failed by a fault of `tasks`; the other task ended with it."""
    text = failure.text
    record = record.model_copy(update={"stopped": Stopped.by(failure, now), "outage": None})
    culprits = set(tasks)
    blamed = next((task for task in BOTH if task in culprits), TaskType.SRC)

    def end(allocation: Allocation) -> Allocation:
        failed = allocation.task in culprits
        if failed:
            allocation = _with_event(allocation, EventType.TERMINATED, now, ExitCode=DEAD, Message=text[:TEXT_MAX])
            allocation = _with_event(allocation, EventType.NOT_RESTARTING, now, FailsTask=True)
        else:
            allocation = _with_event(allocation, EventType.SIBLING_FAILED, now, FailedSibling=blamed.value)
        client = ClientStatus.FAILED if failed else ClientStatus.COMPLETE
        return _dead(allocation, client, now, failed=failed)

    return _noted(_of_live(record, end), text, now)


def completed(record: JobRecord, now: int) -> JobRecord:
    """Note that the job is done: both tasks have ended by themselves, and it waits for nothing any more."""
    record = record.model_copy(update={"outage": None, "stopped": None, "failing": False})

    def end(allocation: Allocation) -> Allocation:
        allocation = _with_event(allocation, EventType.TERMINATED, now, ExitCode=DONE)
        return _dead(allocation, ClientStatus.COMPLETE, now, failed=False)

    return _of_live(record, end)


# ---- Numbers ----


def numbered(record: JobRecord, stored: JobRecord | None, index: int) -> tuple[JobRecord, int]:
    """Return the record to be stored after `stored`, and the last index it uses: its own, or a new evaluation's."""
    known = {allocation.id: allocation for allocation in stored.allocations} if stored else {}
    last = index + 1 if any(not evaluation.create_index for evaluation in record.evaluations) else index
    allocations = []
    for allocation in record.allocations:
        if known.get(allocation.id) != allocation:
            created = allocation.create_index or last
            allocation = allocation.model_copy(update={"create_index": created, "modify_index": last})
        allocations.append(allocation)
    evaluations = [
        evaluation
        if evaluation.create_index
        else evaluation.model_copy(
            update={"create_index": last, "modify_index": last, "job_modify_index": record.job_modify_index}
        )
        for evaluation in record.evaluations
    ]
    update = {"modify_index": index, "allocations": tuple(allocations), "evaluations": tuple(evaluations)}
    return record.model_copy(update=update), last


def live(record: JobRecord) -> tuple[Allocation, ...]:
    """Return the allocations whose tasks have not ended."""
    return tuple(each for each in record.allocations if _lives(each))


# ---- Parts ----


def _lives(allocation: Allocation) -> bool:
    ended = allocation.state is not None and allocation.state.state == TaskLife.DEAD
    return not ended and allocation.desired != DesiredState.STOP


def _of_live(record: JobRecord, change: Callable[[Allocation], Allocation]) -> JobRecord:
    after = tuple(change(each) if _lives(each) else each for each in record.allocations)
    return record.model_copy(update={"allocations": after})


def _evaluated(record: JobRecord, trigger: Trigger) -> JobRecord:
    """Return the record with one decision more."""
    said = canonical(record.document, _TYPE, "", []).get("Type")
    made = Evaluation(
        id=runtime.new_id(),
        job_id=record.id,
        job_type=str(said or JobType.SYNCHRONOUS.value),
        triggered_by=trigger,
    )
    return record.model_copy(update={"evaluations": (*record.evaluations, made)[-MAX_EVALUATIONS:]})


def _placed(record: JobRecord, now: int, replaced: Mapping[str, str] = NOWHERE) -> JobRecord:
    """Return the record with new allocations by the last evaluation: of both tasks, or of those that are replaced."""
    made = [
        Allocation(
            id=runtime.new_id(),
            eval_id=record.evaluations[-1].id,
            task=task.value,
            state=TaskState(events=(TaskEvent(type=EventType.RECEIVED, time=now),)),
            job_create_index=record.create_index,
            create_time_ns=now,
            previous=replaced.get(task.value, ""),
        )
        for task in BOTH
        if not replaced or task.value in replaced
    ]
    return record.model_copy(update={"allocations": (*record.allocations, *made)[-MAX_ALLOCATIONS:]})


def _received_again(record: JobRecord, now: int) -> JobRecord:
    def receive(allocation: Allocation) -> Allocation:
        allocation = allocation.model_copy(update={"desired": DesiredState.RUN})
        return _with_event(allocation, EventType.RECEIVED, now)

    return _of_live(record, receive)


def _stopped(allocation: Allocation, now: int) -> Allocation:
    """Return an allocation whose job was replaced."""
    if _lives(allocation):
        allocation = _with_event(allocation, EventType.KILLING, now, KillTimeout=KILL_TIMEOUT_NS)
        allocation = _dead(_with_event(allocation, EventType.KILLED, now), ClientStatus.COMPLETE, now, failed=False)
    return allocation.model_copy(update={"desired": DesiredState.STOP})


def _replaced(allocation: Allocation, node: str, now: int, *, lost: bool) -> Allocation:
    """Return an allocation that another node has instead."""
    why = f"its node was lost, and node {node} has the task" if lost else f"the task has moved to node {node}"
    ended = _dead(_with_event(allocation, EventType.KILLED, now), ClientStatus.COMPLETE, now, failed=False)
    return ended.model_copy(update={"desired": DesiredState.STOP, "client_description": why, "lost": lost})


def _dead(allocation: Allocation, client: ClientStatus, now: int, *, failed: bool) -> Allocation:
    update = {"state": TaskLife.DEAD, "failed": failed, "finished_ns": now}
    return _with_state(allocation, update).model_copy(update={"client": client})


def _with_state(allocation: Allocation, update: dict[str, Any]) -> Allocation:
    state = allocation.state or TaskState()
    return allocation.model_copy(update={"state": state.model_copy(update=update)})


def _with_event(allocation: Allocation, kind: EventType, now: int, **fields: Any) -> Allocation:
    state = allocation.state or TaskState()
    event = TaskEvent(type=kind, time=now, fields=fields)
    return _with_state(allocation, {"events": (*state.events, event)[-MAX_EVENTS:]})


def _noted(record: JobRecord, text: str, now: int) -> JobRecord:
    """Return the record with one failure more in the restart history."""
    note = Restart(time_ns=now, error=text[:TEXT_MAX])
    history = (*record.restart_history, note)[-MAX_RESTARTS:]
    return record.model_copy(update={"restart_history": history, "failing": True})
