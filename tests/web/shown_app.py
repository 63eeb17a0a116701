"""The API over jobs in memory that have run, so that there is something to show."""

from __future__ import annotations

from typing import Any

from falcon import App

from tests.web.conftest import NODE_ID, MemoryJobs
from tests.web.memory_consumers import MemoryConsumers
from udup.base.config import load_settings
from udup.jobs import Stage
from udup.jobs.allocation import ClientStatus, EventType, TaskEvent, TaskLife, TaskState
from udup.web.app import create_app
from udup.web.blocking import WaitingRoom
from udup.web.openapi.examples import job_document


def app_with_a_job() -> App[Any, Any]:
    """Return the application; nobody waits here for longer than a moment."""
    memory = MemoryJobs()
    memory.register(job_document(), None)
    memory.register(job_document() | {"ID": "gone"}, None)
    memory.delete("gone")
    state = TaskState(state=TaskLife.RUNNING, started_ns=1, events=(TaskEvent(type=EventType.STARTED, time=2),))
    running = [
        allocation.model_copy(update={"client": ClientStatus.RUNNING, "state": state})
        for allocation in memory.records[job_document()["ID"]].allocations
    ]
    memory.change(job_document()["ID"], allocations=tuple(running), stage=Stage.RUNNING)
    node = load_settings(flags={"ports.http": 0})
    consumers = MemoryConsumers()
    consumers.add("reports", ["SHOP1"])
    return create_app(memory, memory, node, NODE_ID, WaitingRoom(longest_s=0.01), consumers)
