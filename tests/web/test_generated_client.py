"""A Python client is generated from the API's description, without a warning, and does with a job what people do.

It is made anew by each run, into a temporary folder, and speaks HTTP with a server over jobs in memory.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from types import ModuleType
from typing import Any

import httpx
import openapi_python_client
import pytest
from openapi_python_client.config import Config, ConfigFile, MetaType

from tests.web.conftest import NODE_ID, MemoryJobs
from tests.web.memory_consumers import MemoryConsumers
from udup.base.config import load_settings
from udup.jobs import Stage
from udup.jobs.progress import JobProgress
from udup.web.app import create_app
from udup.web.openapi.document import openapi
from udup.web.serve import WebServer

NAME = "generated_udup_client"
TOKEN, READ_TOKEN = "a-token-of-the-tests-0123456789", "another-of-the-tests-0123456789"

#: Seconds for the client to be made; it takes two of them on a quiet machine.
MADE_WITHIN_S = 60

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def memory() -> MemoryJobs:
    return MemoryJobs()


@pytest.fixture(scope="module")
def served(memory: MemoryJobs) -> Iterator[WebServer]:
    settings = load_settings(flags={"ports.http": 0, "api.token": TOKEN, "api.read_token": READ_TOKEN})
    server = WebServer(create_app(memory, memory, settings, NODE_ID, consumers=MemoryConsumers()), settings)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def package(served: WebServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("client")
    description = folder / "openapi.json"
    answer = httpx.get(f"{served.url}/v1/openapi.json", headers={"Authorization": f"Bearer {READ_TOKEN}"}, timeout=30)
    description.write_bytes(answer.content)
    begun = time.monotonic()
    asked = ConfigFile(package_name_override=NAME, project_name_override=NAME, post_hooks=[])
    config = Config.from_sources(asked, MetaType.NONE, description, "utf-8", True, folder / NAME)
    problems = openapi_python_client.generate(config=config)
    assert [f"{each.header} {each.detail}" for each in problems] == []
    assert time.monotonic() - begun < MADE_WITHIN_S
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module(NAME)
    finally:
        sys.path.remove(str(folder))
        for name in [each for each in sys.modules if each.partition(".")[0] == NAME]:
            del sys.modules[name]


def _client(package: ModuleType, served: WebServer, token: str = TOKEN) -> Any:
    return package.AuthenticatedClient(base_url=served.url, token=token)


def _of(package: ModuleType, name: str) -> Any:
    return importlib.import_module(f"{package.__name__}.{name}")


def test_every_operation_has_a_function(package: ModuleType) -> None:
    folder = Path(str(package.__file__)).parent / "api"
    functions = {path.stem for path in folder.rglob("*.py")} - {"__init__"}
    operations = [operation for methods in openapi()["paths"].values() for operation in methods.values()]
    assert len(functions) == len(operations) > 90


def test_a_job_is_posted_watched_paused_and_deleted_by_the_generated_client(
    package: ModuleType, served: WebServer, memory: MemoryJobs, document: dict[str, Any]
) -> None:
    client, models = _client(package, served), _of(package, "models")
    posted = _of(package, "api.jobs.register_by_post").sync(
        client=client, body=models.JobSpec.from_dict({**document, "Type": "synchronous"})
    )
    assert (posted.success, memory.records["one"].document["Name"]) == (True, "first")

    read_job = _of(package, "api.jobs.read_job")
    job = read_job.sync("one", client=client)
    assert isinstance(job, models.Job) and (job.name, job.stage) == ("first", "pending")
    assert isinstance(job.progress, models.Progress)

    changed = Timer(0.2, lambda: memory.change("one", stage=Stage.RUNNING, progress=JobProgress(lag_ms=3, rows=7)))
    changed.start()
    job = read_job.sync("one", client=client, index=job.modify_index, wait="20s")
    changed.join()
    assert (job.stage, job.progress.lag_ms, job.progress.rows) == ("running", 3, 7), "it has waited for the change"

    tables = _of(package, "api.jobs.list_job_tables").sync("one", client=client, offset=1, limit=2, q="t")
    assert [each.table for each in tables.tables] == ["s.t1", "s.t2"] and tables.groups["live"] == 5

    paused = _of(package, "api.jobs.pause_job_by_put").sync("one", client=client)
    assert paused.success and memory.records["one"].desired == "pause"
    deleted = _of(package, "api.jobs.delete_job").sync("one", client=client, purge=models.DeleteJobPurge("true"))
    assert deleted.success and memory.purged == ["one"] and "one" not in memory.records


def test_errors_come_as_what_they_are(package: ModuleType, served: WebServer) -> None:
    read_job = _of(package, "api.jobs.read_job")
    missing = read_job.sync_detailed("none", client=_client(package, served))
    assert (missing.status_code, missing.parsed) == (404, "job not found")
    refused = read_job.sync_detailed("none", client=_client(package, served, "wrong-token-0123456789"))
    assert refused.status_code == 401 and "api.token" in refused.parsed


def test_a_reader_sees_and_is_told_that_he_may_not_write(package: ModuleType, served: WebServer) -> None:
    client = _client(package, served, READ_TOKEN)
    assert _of(package, "api.agent.read_self").sync(client=client).role == "read"
    answer = _of(package, "api.jobs.delete_job").sync_detailed("one", client=client)
    assert answer.status_code == 403 and "api.read_token" in answer.parsed
