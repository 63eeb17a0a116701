"""The API over jobs in memory, behind a real socket, and the command that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.web.conftest import NODE_ID, MemoryJobs
from tests.web.memory_consumers import MemoryConsumers
from tests.web.memory_nodes import MemoryNodes
from udup.base.config import load_settings
from udup.cli import cli
from udup.web.app import create_app
from udup.web.serve import WebServer

Asking = Callable[..., Result]


@pytest.fixture
def jobs() -> MemoryJobs:
    return MemoryJobs()


@pytest.fixture
def consumers() -> MemoryConsumers:
    return MemoryConsumers()


@pytest.fixture
def nodes() -> MemoryNodes:
    return MemoryNodes()


@pytest.fixture
def address(jobs: MemoryJobs, consumers: MemoryConsumers, nodes: MemoryNodes) -> Iterator[str]:
    settings = load_settings(flags={"ports.http": 0})
    app = create_app(
        jobs, jobs, settings, NODE_ID, consumers=consumers, cluster=lambda: nodes.view, orders=nodes.orders
    )
    web = WebServer(app, settings)
    web.start()
    yield web.url
    web.stop()


@pytest.fixture
def asking(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    """The command in an empty folder, told where that API is."""
    monkeypatch.chdir(tmp_path)
    cleared = dict.fromkeys(
        ("UDUP_TOKEN", "UDUP_API_TOKEN", "UDUP_CONFIG", "UDUP_REGION", "UDUP_HTTP_AUTH", "UDUP_CA_FILE")
    )

    def run(*words: str, answer: str | None = None) -> Result:
        environment = {**cleared, "HOME": str(tmp_path), "UDUP_ADDR": address}
        return CliRunner().invoke(cli, words, env=environment, input=answer, prog_name="udup")

    return run
