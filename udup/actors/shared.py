"""Several jobs' tasks in one process, as the setting `jobs.share_processes` allows.

Each is the task that it would be in a process of its own, with an engine, threads and connections of its own; only the
mailbox is shared. What runs in one process shares an interpreter: quiet jobs lose nothing by that, busy ones wait for
each other. A process that dies ends the runs of all its jobs, which begin again as after any failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from thespian.actors import ActorExitRequest, ThespianWatch

from udup.actors.applier import DestApplier
from udup.actors.extractor import SrcExtractor
from udup.actors.messages import NodeSettings
from udup.actors.shell import EngineActor, ShellActor


@dataclass(frozen=True)
class OpenHost:
    """To a new process for tasks: what it needs to know."""

    settings: NodeSettings


@dataclass(frozen=True)
class ToTask:
    """A message for a job's task in this process."""

    job_id: str
    message: object


@dataclass(frozen=True)
class EndTask:
    """End a job's task, whatever it does."""

    job_id: str


@dataclass(frozen=True)
class OfTask:
    """To the supervisor: what a job's task says."""

    role: str
    job_id: str
    message: object


@dataclass(frozen=True)
class Hosted:
    """Where a task is that has no process of its own."""

    host: Any
    role: str
    job_id: str

    def __str__(self) -> str:
        return f"{self.host} {self.role} {self.job_id}"


class TaskHost(ShellActor):
    """A process for tasks of one kind. A task is made with the first message for it."""

    kind: type[EngineActor]

    def __init__(self) -> None:
        super().__init__()
        self._owner: Any = None
        self._tasks: dict[str, EngineActor] = {}
        self._ended: list[int] = []  # doorbells of tasks that have ended, which are watched until this message is done

    def receiveMsg_OpenHost(self, message: OpenHost, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self.configure(message.settings, "of several jobs")

    def receiveMsg_ToTask(self, message: ToTask, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._owner = sender
        task = self._tasks.get(message.job_id)
        if task is None:
            task = self._tasks[message.job_id] = self._made(message.job_id)
        task.receiveMessage(message.message, sender)

    def _made(self, job_id: str) -> EngineActor:
        task = self.kind()
        task.send = lambda _to, message: self.send(self._owner, OfTask(self.role, job_id, message))
        # The process has its logs and its name already.
        task.configure = lambda *_: None  # type: ignore[method-assign]
        return task

    def receiveMsg_EndTask(self, message: EndTask, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        task = self._tasks.pop(message.job_id, None)
        if task is not None:
            self._ended.append(task.doorbell)
            task.stop_engine()

    def receiveMsg_WatchMessage(self, message: Any, sender: Any) -> None:  # noqa: N802 - Thespian's name
        for task in list(self._tasks.values()):
            if task.doorbell in message.ready:
                task.receiveMessage(message, sender)

    def receiveMsg_ActorExitRequest(self, _message: object, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        for task in self._tasks.values():
            task.stop_engine()

    def receiveMessage(self, message: object, sender: Any) -> Any:  # noqa: N802 - Thespian's name
        for doorbell in self._ended:
            os.close(doorbell)
        self._ended.clear()
        return super().receiveMessage(message, sender)

    def watch(self) -> Any:
        return ThespianWatch([task.doorbell for task in self._tasks.values()])


class ExtractorHost(TaskHost):
    role = SrcExtractor.role
    kind = SrcExtractor

    def receiveMsg_OpenHost(self, message: OpenHost, sender: Any) -> None:  # noqa: N802 - Thespian's name
        super().receiveMsg_OpenHost(message, sender)
        if message.settings.share_dumps:
            message.settings.drivers.share_logs()


class ApplierHost(TaskHost):
    role = DestApplier.role
    kind = DestApplier


#: Which process takes tasks of a kind; others have processes of their own.
_HOSTS: dict[type, type[TaskHost]] = {SrcExtractor: ExtractorHost, DestApplier: ApplierHost}


@dataclass
class _Host:
    address: Any
    role: str
    jobs: dict[str, str] = field(default_factory=dict)  # with what each has to do with


class Hosts:
    """The processes that jobs share. `create` and `send` are the supervisor's own."""

    def __init__(self, create: Callable[[type], Any], send: Callable[[Any, object], None]) -> None:
        self._create = create
        self._send = send
        self._hosts: list[_Host] = []

    def place(self, kind: type, job_id: str, settings: NodeSettings, server: str = "") -> Hosted | None:
        """Return where a task is to be, None for one that has a process of its own.

        Those that have to do with the same `server` come together, as far as there is room: they read its log once.
        """
        made = _HOSTS.get(kind)
        if made is None or settings.share_processes < 2:
            return None
        rooms = [each for each in self._hosts if each.role == made.role and len(each.jobs) < settings.share_processes]
        # Else the fullest, so that others become empty and end.
        fitting = max(rooms, key=lambda each: (server in each.jobs.values(), len(each.jobs)), default=None)
        host = fitting or self._open(made, settings)
        host.jobs[job_id] = server
        return Hosted(host.address, made.role, job_id)

    def _open(self, kind: type[TaskHost], settings: NodeSettings) -> _Host:
        host = _Host(self._create(kind), kind.role)
        self._hosts.append(host)
        self._send(host.address, OpenHost(settings))
        return host

    def end(self, task: Hosted) -> None:
        """End a task, and its process with the last of them."""
        host = next((each for each in self._hosts if each.address == task.host), None)
        if host is None:
            return
        host.jobs.pop(task.job_id, None)
        if host.jobs:
            self._send(host.address, EndTask(task.job_id))
        else:
            self._hosts.remove(host)
            self._send(host.address, ActorExitRequest())

    def died(self, address: Any) -> list[Hosted]:
        """Forget a process that has ended; return the tasks that were in it."""
        host = next((each for each in self._hosts if each.address == address), None)
        if host is None:
            return []
        self._hosts.remove(host)
        return [Hosted(address, host.role, job_id) for job_id in sorted(host.jobs)]
