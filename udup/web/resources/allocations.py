"""/v1/allocations and /v1/allocation/<id>, /v1/agent/allocation/<id>/stats."""

from __future__ import annotations

from collections.abc import Callable

import falcon

from udup.jobs import DesiredState
from udup.jobs.allocation import ClientStatus, TaskLife
from udup.jobs.statistics import task_statistics
from udup.web.ports import NotThere
from udup.web.requests import check_uuid, uuid_prefix
from udup.web.resources.tables import Placed, Tables
from udup.web.responses import Reading, View, give


class AllocationsResource:
    """The list."""

    def __init__(self, tables: Callable[[], Tables], reading: Reading) -> None:
        self._tables = tables
        self._reading = reading

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        digits = uuid_prefix(req, "alloc")

        def look() -> View:
            tables = self._tables()
            return View(tables.allocations_index, lambda: tables.stubs(tables.allocations(digits)))

        self._reading.answer(req, resp, look)


class AllocationResource:
    """One, whole."""

    def __init__(self, tables: Callable[[], Tables], reading: Reading) -> None:
        self._tables = tables
        self._reading = reading

    def on_get(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        check_uuid(path, "alloc")

        def look() -> View:
            tables = self._tables()
            placed = tables.allocation(path)
            if placed is None:
                return View(tables.allocations_index, dict, "alloc not found")
            return View(placed[1].modify_index, lambda: tables.whole(placed))

        self._reading.answer(req, resp, look)


class StatisticsResource:
    """How an allocation's task is doing; any method reads."""

    def __init__(self, tables: Callable[[], Tables]) -> None:
        self._tables = tables

    def on_get(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        identity, slash, tail = path.partition("/")
        if not slash or tail != "stats":
            raise falcon.HTTPNotFound(description="resource not found")
        placed = self._tables().allocation(identity)
        if placed is None:
            raise NotThere(f'unknown allocation ID "{identity}"')
        record, kept = placed
        task = req.get_param("task")
        if task and task != kept.task:
            raise NotThere(f'allocation "{identity}" has no task "{task}"')
        tasks = {kept.task: task_statistics(record, kept.task)} if _runs(placed) else {}
        give(req, resp, {"Tasks": tasks})

    on_post = on_put = on_delete = on_get


def _runs(placed: Placed) -> bool:
    kept = placed[1]
    return (
        kept.desired == DesiredState.RUN
        and kept.client == ClientStatus.RUNNING
        and (kept.state is None or kept.state.state == TaskLife.RUNNING)
    )
