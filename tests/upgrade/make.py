"""Makes what an earlier version leaves on a disk and on a target: `data.tar.xz` and `left.json` in the folder given.

Run it with that version's sources, which are a checkout of its commit, in front:

    PYTHONPATH=/path/to/checkout .venv/bin/python tests/upgrade/make.py tests/upgrade/v0_4

It runs a node of that version with a job that runs, one that is paused and one that is deleted, between two servers
that are called `SOURCE` and `TARGET`, stops it, and keeps the node's folder, what it has made on the target, and what
its API said last.
"""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))

import httpx
from relay import Relay

from udup import __version__
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.provision import provision
from udup.sandbox.server import MysqlServer

SOURCE, TARGET = ("127.83.17.1", 33061), ("127.83.17.2", 33062)
ACCOUNT, PASSWORD = "udup_before", "a password of the version before"
RUNS, PAUSED, DELETED = "earlier_runs", "earlier_paused", "earlier_deleted"

#: What of the node's folder is kept: the rest is made by every start, or says nothing.
KEPT = ("nats/jetstream", "agent", "secret.key", "jobs.snapshot")

Row = tuple[Any, ...]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    programs = provision()
    with tempfile.TemporaryDirectory(prefix="udup-earlier-") as name:
        work = Path(name)
        with MysqlServer(programs, work / "source") as source, MysqlServer(programs, work / "target") as target:
            node = UdupNode(work / "node")
            with Relay(SOURCE, source.endpoint.port), Relay(TARGET, target.endpoint.port), node:
                shown = _work(node, source, target)
            left = {"version": __version__, "shown": shown, **_left(source, target)}
        (folder / "left.json").write_text(json.dumps(left, indent=1) + "\n")
        _pack(node.data, folder / "data.tar.xz")


def _work(node: UdupNode, source: MysqlServer, target: MysqlServer) -> dict[str, Any]:
    """Have the jobs run and be stopped; return what the API says of them last."""
    for server in (source, target):
        with closing(connect(server.endpoint)) as connection:
            query(connection, f"CREATE USER {ACCOUNT}@'%' IDENTIFIED BY '{PASSWORD}'")
            query(connection, f"GRANT ALL ON *.* TO {ACCOUNT}@'%'")
    with closing(connect(source.endpoint, autocommit=True)) as connection:
        for name in (RUNS, PAUSED, DELETED):
            query(connection, f"CREATE DATABASE {name}")
            query(connection, f"CREATE TABLE {name}.t (id INT PRIMARY KEY, n INT NOT NULL)")
            query(connection, f"INSERT INTO {name}.t VALUES (1, 1), (2, 2), (3, 3)")
        for name in (RUNS, PAUSED, DELETED):
            document = job_document(name, source.endpoint, target.endpoint, [name])
            for task, (host, port) in zip(document["Tasks"], (SOURCE, TARGET), strict=True):
                login = {"Host": host, "Port": port, "User": ACCOUNT, "Password": PASSWORD}
                task["Config"]["ConnectionConfig"].update(login)
            node.post_job({**document, "ID": name})
        for name in (RUNS, PAUSED, DELETED):
            node.wait_stage(name)
            query(connection, f"INSERT INTO {name}.t VALUES (4, 4)")
            query(connection, f"UPDATE {name}.t SET n = n + 10 WHERE id = 1")
        _until_level(source, target)
    for actor in node.api.actors():
        if actor["Role"] == "extractor" and actor["JobID"] == RUNS:  # something for its restart history
            httpx.put(f"{node.url}/v1/agent/actor/{actor['Pid']}/kill", timeout=20).raise_for_status()
    _until(lambda: node.job(RUNS)["Progress"].get("restarts"))
    node.wait_stage(RUNS)
    httpx.put(f"{node.url}/v1/job/{PAUSED}/pause", timeout=20).raise_for_status()
    node.wait_stage(PAUSED, ("paused",))
    node.delete_job(DELETED)
    shown = {name: node.job(name) for name in (RUNS, PAUSED)}
    evaluations = httpx.get(f"{node.url}/v1/evaluations", timeout=20).json()
    return {"jobs": shown, "evaluations": evaluations}


def _until_level(source: MysqlServer, target: MysqlServer) -> None:
    def level() -> bool:
        with closing(connect(source.endpoint)) as here, closing(connect(target.endpoint)) as there:
            wanted = [query(here, f"SELECT * FROM {name}.t ORDER BY id") for name in (RUNS, PAUSED, DELETED)]
            return wanted == [query(there, f"SELECT * FROM {name}.t ORDER BY id") for name in (RUNS, PAUSED, DELETED)]

    _until(level)


def _until(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def _left(source: MysqlServer, target: MysqlServer) -> dict[str, Any]:
    """What the source has executed, and statements that make what is on the target."""
    with closing(connect(source.endpoint)) as connection:
        executed = str(scalar(connection, "SELECT @@GLOBAL.gtid_executed"))
    statements = []
    with closing(connect(target.endpoint)) as connection:
        for schema in ("udup", RUNS, PAUSED, DELETED):
            statements.append(str(query(connection, f"SHOW CREATE DATABASE {schema}")[0][1]))
            for (table,) in query(connection, f"SHOW TABLES FROM {schema}"):
                create = str(query(connection, f"SHOW CREATE TABLE {schema}.{table}")[0][1])
                statements.append(create.replace(f"`{table}`", f"`{schema}`.`{table}`", 1))
                for row in query(connection, f"SELECT * FROM {schema}.{table}"):
                    values = ", ".join(connection.escape(each) for each in row)
                    statements.append(f"INSERT INTO {schema}.{table} VALUES ({values})")
    return {"executed": executed.replace("\n", ""), "statements": statements}


def _pack(data: Path, file: Path) -> None:
    """Pack what is kept of a node's folder, the same for the same content."""
    with tempfile.TemporaryDirectory() as name:
        for each in KEPT:
            if (data / each).is_dir():
                shutil.copytree(data / each, Path(name) / each)
            elif (data / each).exists():
                (Path(name) / each).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(data / each, Path(name) / each)
        with tarfile.open(file, "w:xz", preset=9) as packed:
            packed.add(name, ".")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
