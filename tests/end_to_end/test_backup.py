"""A node is lost with its disk: another begins with the backup, and its jobs go on from their checkpoints."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner

from tests.end_to_end.conftest import World
from tests.node.real_cluster import RealCluster, kill
from udup.cli import cli
from udup.drivers.mysql.client.connection import connect, query
from udup.node.restoring import backup_in
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

DOCS = Path(__file__).parents[2] / "docs"


def _udup(node: UdupNode, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli, [*words, "--config", str(node.config)], prog_name="udup")
    assert done.exit_code == code, done.output
    return done.output


def _documented(node: UdupNode, command: str, file: Path, key: Path) -> str:
    """Run a command as docs/backup.md has it, with other paths."""
    lines = [line.strip() for line in (DOCS / "backup.md").read_text("utf-8").splitlines()]
    assert f"{command} --config /etc/udup/udup.toml" in lines, command
    places = {"/backup/udup.backup": str(file), "/backup/secret.key": str(key)}
    return _udup(node, *(places.get(word, word) for word in command.split()[1:]))


def _begin(world: World, name: str) -> None:
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT)",
        f"INSERT INTO {name}.t VALUES (1, 1), (2, 2), (3, 3)",
    )
    world.start(name, [name])
    world.level(name)
    world.on_target(f"INSERT INTO {name}.t VALUES (9000000, 1)")  # a copy would not leave that there


def _goes_on(world: World, name: str) -> None:
    world.on_source(f"UPDATE {name}.t SET a = 9 WHERE id = 1", f"INSERT INTO {name}.t VALUES (4, 4)")
    world.level(name)
    with closing(connect(world.target.endpoint)) as connection:
        rows: list[Any] = list(query(connection, f"SELECT id, a FROM {name}.t ORDER BY id"))
    assert rows == [(1, 9), (2, 2), (3, 3), (4, 4), (9000000, 1)], "it went on, without a copy"


def test_a_node_is_lost_and_its_jobs_go_on_from_the_backup_without_a_copy(
    pair: tuple[MysqlServer, MysqlServer], name: str, tmp_path: Path
) -> None:
    file, key = tmp_path / "udup.backup", tmp_path / "kept.key"
    with UdupNode(tmp_path / "lost") as lost:
        world = World(*pair, lost)
        _begin(world, name)
        told = _documented(lost, "udup backup /backup/udup.backup", file, key)
        assert "1 job as of" in told and "keep a copy of" in told
        shutil.copy(lost.data / "secret.key", key)
        world.on_source(f"INSERT INTO {name}.t VALUES (5, 5)", f"DELETE FROM {name}.t WHERE id = 5")  # behind it
        world.level(name)
        before = lost.job(name)
        kill(lost)
        shutil.rmtree(lost.data)

    new = UdupNode(tmp_path / "new")
    new.folder.mkdir()
    new.config.write_text(f'data_dir = "{new.data}"\n')
    assert "name the copy of secret.key" in _udup(new, "restore", str(file), code=1)
    restore = "udup restore /backup/udup.backup --key /backup/secret.key"
    assert "nothing was changed" in _documented(new, f"{restore} --dry-run", file, key)
    assert not new.data.exists()
    assert f"  {name}\n1 job as of" in _documented(new, restore, file, key)
    with new:
        world = World(*pair, new)
        world.runs(name)
        _goes_on(world, name)
        after = new.job(name)
        assert after["CreateIndex"] == before["CreateIndex"]
        assert "has 1 job already" in _udup(new, "restore", str(file), "--key", str(key), code=1)
        again = _udup(new, "restore", str(file), "--key", str(key), "--replace", code=1)
        assert "a server runs in" in again
        httpx.put(f"{new.url}/v1/job/{name}/pause", timeout=20).raise_for_status()
        new.wait_stage(name, ("paused",))
        index = new.job(name)["ModifyIndex"]
    assert "1 job as of" in _udup(new, "restore", str(file), "--replace"), "the folder has the key"
    with new:
        world.runs(name)  # as it did when the backup was made
        world.on_source(f"DELETE FROM {name}.t WHERE id = 4")
        world.level(name)
        assert new.job(name)["ModifyIndex"] >= index, "indexes do not go back"
        world.posted.add(name)
        world.forget_all()


def test_a_cluster_begins_with_a_backup_and_each_of_its_nodes_can_make_the_next(
    pair: tuple[MysqlServer, MysqlServer], name: str, tmp_path: Path
) -> None:
    file, again = tmp_path / "udup.backup", tmp_path / "again.backup"
    with UdupNode(tmp_path / "lost") as lost:
        _begin(World(*pair, lost), name)
        _udup(lost, "backup", str(file), "--with-key")
        key = (lost.data / "secret.key").read_text().splitlines()[-1]
        kill(lost)

    cluster = RealCluster(tmp_path / "new", key=key)
    first = cluster.nodes[0]
    first.folder.mkdir(parents=True)
    _write_config(first)
    assert "Start all managers" in _udup(first, "restore", str(file))
    with cluster:
        owner = cluster.owner(name)
        world = World(*pair, owner)
        world.runs(name)
        _goes_on(world, name)
        other = cluster.others(owner)[0]
        assert "1 job as of" in _udup(other, "backup", str(again))
        assert backup_in(again).jobs == [name]
        world.posted.add(name)
        world.forget_all()


def _write_config(node: UdupNode) -> None:
    """Write the settings that the node's start will write."""
    ports = f"[ports]\nhttp = {node.http_port}\nnats = {node.nats_port}\n{node._ports}"
    node.config.write_text(f'data_dir = "{node.data}"\n\n{ports}\n{node._settings}\n')
