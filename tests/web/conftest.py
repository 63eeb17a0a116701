"""The API over a job store in memory: our own ports, implemented in the simplest way that keeps their promises."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from falcon import testing

from udup.config import Settings, load_settings
from udup.job import JobRecord, accept, check_enforced_index, document_id
from udup.web.app import create_app
from udup.web.ports import ActorInfo, Written


class MemoryJobs:
    """Both ports. `fail_with` makes the next call raise; `unready` makes the node unready."""

    def __init__(self) -> None:
        self.records: dict[str, JobRecord] = {}
        self.index = 5
        self.fail_with: Exception | None = None
        self.unready: list[str] = []
        self._lock = threading.Lock()

    def register(self, document: dict[str, Any], enforce_index: int | None) -> Written:
        with self._lock:
            self._may_fail()
            stored = self.records.get(document_id(document) or "")
            spec, kept = accept(document, stored.document if stored else None)
            check_enforced_index(enforce_index, spec.id, stored)
            self.index += 1
            self.records[spec.id] = JobRecord(
                id=spec.id,
                document=kept,
                create_index=stored.create_index if stored else self.index,
                modify_index=self.index,
                job_modify_index=self.index,
            )
            return self._written(spec.id)

    def delete(self, job_id: str) -> Written:
        with self._lock:
            self._may_fail()
            self.index += 1
            self.records.pop(job_id, None)
            return self._written(job_id)

    def actors(self) -> list[ActorInfo]:
        self._may_fail()
        return [ActorInfo("supervisor", "", 7)]

    def jobs(self, prefix: str) -> tuple[list[JobRecord], int]:
        self._may_fail()
        return [record for record in self.records.values() if record.id.startswith(prefix)], self.index

    def job(self, job_id: str) -> JobRecord | None:
        self._may_fail()
        return self.records.get(job_id)

    def problems(self) -> list[str]:
        return self.unready

    def _written(self, job_id: str) -> Written:
        self.index += 1
        return Written(self.index, job_id, str(uuid.uuid4()))

    def _may_fail(self) -> None:
        if self.fail_with is not None:
            error, self.fail_with = self.fail_with, None
            raise error


@pytest.fixture
def memory() -> MemoryJobs:
    return MemoryJobs()


@pytest.fixture
def settings() -> Settings:
    return load_settings(flags={"ports.http": 0})


@pytest.fixture
def client(memory: MemoryJobs, settings: Settings) -> testing.TestClient:
    return testing.TestClient(create_app(memory, memory, settings))


@pytest.fixture
def document() -> dict[str, Any]:
    """A small job that is accepted."""

    def task(kind: str, port: int) -> dict[str, Any]:
        connection = {"Host": "10.0.0.1", "Port": port, "User": "root", "Password": "rootroot"}
        return {"Type": kind, "Driver": "MySQL", "Config": {"ConnectionConfig": connection}}

    return {"ID": "one", "Name": "first", "Tasks": [task("Src", 3306), task("Dest", 3307)]}
