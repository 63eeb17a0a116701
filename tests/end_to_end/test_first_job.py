"""docs/first-job.md, step by step as it stands there, with its accounts, its document and its commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.end_to_end.conftest import World, run
from tests.end_to_end.test_recipes_are_run import DOCS, JOB, Operator, operator
from tests.recipes import Step, steps

__all__ = ["operator"]

_PAGE = (DOCS / "first-job.md").read_text("utf-8")

_ACCOUNT = "'udup'@'%'"


@pytest.fixture
def without_accounts(world: World) -> Iterator[None]:
    """Have no account of the page's name on the servers, before and after."""
    servers = (world.source, world.target)
    for server in servers:
        run(server.endpoint, f"DROP USER IF EXISTS {_ACCOUNT}")
    yield
    for server in servers:
        run(server.endpoint, f"DROP USER IF EXISTS {_ACCOUNT}")


def _document(world: World) -> dict[str, object]:
    """Return the page's document with the addresses of the two servers."""
    found = re.search(r"^```json\n(.*?)^```$", _PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    document: dict[str, object] = json.loads(found[1])
    tasks = document["Tasks"]
    assert isinstance(tasks, list)
    for task, server in zip(tasks, (world.source, world.target), strict=True):
        connection = task["Config"]["ConnectionConfig"]
        connection |= {"Host": server.endpoint.host, "Port": server.endpoint.port}
    return document


def test_the_first_job_runs_as_the_page_says(operator: Operator, without_accounts: None) -> None:
    world = operator.world
    operator.write("job.json", _document(world))
    taken: list[Step] = []
    for step in steps(_PAGE):
        operator.take(step)
        taken.append(step)
        if step.text == "udup job run --watch job.json":
            world.on_source(f"INSERT INTO {JOB}.sale VALUES (1)")
            world.level_and_equal(JOB, JOB)
    said = dict(zip([step.text for step in taken if step.where == "sh"], operator.said, strict=True))
    assert "equal" in said["udup job compare shop"]
    assert httpx.get(f"{world.node.url}/v1/job/{JOB}", timeout=10).status_code == 404, "deleted, as the page ends"
    world.post(operator.document())  # for its checkpoint to be purged with it
