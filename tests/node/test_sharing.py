"""What was loaded before processes were forked is shared; what one loads for itself, each of hundreds does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.end_to_end.conftest import run, value, wait_for
from udup.drivers.mysql.client.connection import connect, query
from udup.node import sharing
from udup.sandbox.api import job_document, subscription_document
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

#: Has each process but the main one write down what it loads. The name is the one that Python runs at its start.
WATCHER = """
import os, sys
main, told = os.getpid(), os.open({told!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
sys.addaudithook(
    lambda event, args: event == "import" and os.getpid() != main and os.write(told, args[0].encode() + b"\\n")
)
"""

#: MB that a task of a quiet job may have of its own. It has 14.5.
PRIVATE_MB = 17.5


def _printed(program: str) -> str:
    """Return what a program prints in a process of its own."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_types_are_numbered_and_what_is_loaded_is_not_collected() -> None:
    program = (
        "import gc, udup.node.node\n"
        "from udup.node.sharing import share_memory\n"
        "types = [each for each in gc.get_objects() if isinstance(each, type)]\n"
        "share_memory()\n"
        "print(len(types) > 1000, sum(not each.__flags__ & 1 << 19 for each in types), len(gc.get_objects()) < 100)"
    )
    assert _printed(program) == "True 0 True\n"


def test_what_a_server_loads_is_not_searched_for_garbage_until_all_of_it_is_there() -> None:
    program = (
        "import gc, sys, udup.node.sharing as sharing\n"
        "looks = []\n"
        "gc.callbacks.append(lambda phase, about: looks.append(about) if phase == 'start' else None)\n"
        "with sharing.uncollected():\n"
        "    import udup.node.node\n"
        "before = len(looks)\n"
        "sharing.share_memory()\n"
        "import weakref\n"
        "class Ring: pass\n"
        "ring = Ring(); ring.self = ring; gone = weakref.ref(ring); del ring; gc.collect()\n"
        "print(before, gc.isenabled(), gone() is None)"
    )
    assert _printed(program) == "0 True True\n"


@pytest.mark.parametrize(
    ("answer", "runs", "why"),
    [(0, "1\n", ""), (0, "0\n", "is 0: nothing is merged"), (-1, "1\n", "Linux 6.4"), (0, None, "")],
)
def test_why_memory_is_not_merged_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: int, runs: str | None, why: str
) -> None:
    asked: list[tuple[int, ...]] = []
    library = SimpleNamespace(prctl=lambda *args: asked.append(args) or answer)
    monkeypatch.setattr(sharing, "ctypes", SimpleNamespace(CDLL=lambda _: library))
    monkeypatch.setattr(sharing, "_KSM_RUNS", tmp_path / "run")
    if runs is not None:
        (tmp_path / "run").write_text(runs)
    told = sharing.merge_memory()
    assert why in told and bool(told) == bool(why)
    assert asked == [(67, 1, 0, 0, 0)]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of what processes of a server load that is started from here on."""
    told = tmp_path / "loaded"
    (tmp_path / "sitecustomize.py").write_text(WATCHER.format(told=str(told)))
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    return told


@pytest.fixture
def node(told: Path, server_folder: Path) -> Iterator[UdupNode]:
    with UdupNode(server_folder / "node-sharing") as node:
        assert told.exists(), "nobody watches what is loaded"
        yield node


def test_a_process_loads_nothing_for_itself_and_a_quiet_one_is_small(
    node: UdupNode, told: Path, source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    jobs = {
        schema: job_document(schema, source.endpoint, target.endpoint, [schema], workers=1),
        f"{schema}_told": subscription_document("told", source.endpoint, [schema], "told", "TOLD"),
    }
    for name, document in jobs.items():
        node.post_job({**document, "ID": name})
    for name in jobs:
        node.wait_stage(name)
    assert {role: size for role, size in _private(node, schema).items() if size > PRIVATE_MB} == {}
    run(source.endpoint, f"INSERT INTO {schema}.t VALUES (1)", f"CREATE TABLE {schema}.u (id INT PRIMARY KEY)")
    made = f"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{schema}' AND table_name = 'u'"
    wait_for(lambda: bool(value(target.endpoint, made)), lambda: "the target has no table u")
    for name in jobs:
        node.delete_job(name)
    assert told.read_text().split() == []


def _private(node: UdupNode, job: str) -> dict[str, float]:
    """Return MB that nobody else has, by role."""
    titles = {
        pid: found for pid, title in node.pids().items() if (found := re.match(rf"udup (\w+).* of {job} ", title))
    }
    return {found[1]: _private_mb(pid) for pid, found in titles.items()}


def _private_mb(pid: int) -> float:
    found = re.search(r"Private_Dirty: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text())
    assert found is not None
    return int(found[1]) / 1024
