"""Backups and what is restored of them, without servers: what is refused or moved aside, and what a kill leaves."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import nats
import pytest
from nats.js.api import StorageType

from udup import __version__
from udup.base.config import load_settings
from udup.base.errors import ConfigError
from udup.base.identity import load_node_id
from udup.base.settings import Settings
from udup.node import restoring
from udup.node.nats_server import NatsServer
from udup.node.restoring import RESTORING, backup_in, check_restored, make_backup, plan_restore, restore, write_backup
from udup.store.backup import HEAD, Backup
from udup.store.buckets import make_bucket
from udup.store.sealing import load_keyring
from udup.store.snapshot import Snapshot, read_snapshot, write_snapshot
from udup.store.store import JOBS_BUCKET, key_of

PASSWORD = "do not tell"


def _settings(folder: Path, **flags: object) -> Settings:
    return load_settings(flags={"data_dir": str(folder), **flags})


def _node(folder: Path, *jobs: str, last: int = 7) -> Settings:
    """Make a folder as a node leaves it that has these jobs."""
    folder.mkdir(mode=0o700)
    keys = load_keyring(folder)
    load_node_id(folder)
    values = {}
    for job in jobs:
        record = {"id": job, "document": {"ID": job, "Tasks": [{"Config": {"Password": PASSWORD}}]}}
        values[key_of(job)] = json.dumps(keys.seal(job, record)).encode()
    write_snapshot(folder / "jobs.snapshot", Snapshot("the-store", "then", 100, last, values))
    (folder / "nats").mkdir()
    (folder / "nats" / "consumers.json").write_text('{"users": []}')
    return _settings(folder)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A backup of a node with two jobs."""
    settings = _node(tmp_path / "lost", "shop", "orders")
    write_backup(tmp_path / "file.backup", make_backup(settings, with_key=False))
    return tmp_path / "file.backup"


def test_a_backup_is_its_owner_s_alone_says_which_key_it_needs_and_holds_no_password(made: Path) -> None:
    content = made.read_bytes()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    found = backup_in(made)
    assert found.jobs == ["orders", "shop"] and found.version == __version__
    keys = load_keyring(made.parent / "lost")
    assert found.needs == [keys.current] and found.key == ""
    assert PASSWORD.encode() not in content and b'\\"Tasks\\"' in content, "documents can be read, secrets cannot"


def test_a_new_folder_gets_the_jobs_the_node_s_id_its_consumers_and_the_key(made: Path, tmp_path: Path) -> None:
    settings = _settings(tmp_path / "new")
    plan = plan_restore(settings, backup_in(made), tmp_path / "lost" / "secret.key", replace_jobs=False)
    assert not (tmp_path / "new").exists(), "a plan changes nothing"
    restore(plan)
    new, lost = tmp_path / "new", tmp_path / "lost"
    assert read_snapshot(new / "jobs.snapshot") == read_snapshot(lost / "jobs.snapshot")
    assert load_node_id(new) == load_node_id(lost)
    assert (new / "nats" / "consumers.json").read_text() == '{"users": []}'
    assert load_keyring(new).keys == load_keyring(lost).keys
    check_restored(new)
    assert sorted(each.name for each in new.iterdir()) == ["agent", "jobs.snapshot", "lock", "nats", "secret.key"]


def test_a_key_that_is_put_in_is_enough(tmp_path: Path) -> None:
    lost = _node(tmp_path / "lost", "shop")
    write_backup(tmp_path / "b", make_backup(lost, with_key=True))
    restore(plan_restore(_settings(tmp_path / "new"), backup_in(tmp_path / "b"), None, replace_jobs=False))
    assert load_keyring(tmp_path / "new").keys == load_keyring(tmp_path / "lost").keys


def test_without_the_key_nothing_is_restored_and_it_is_named(made: Path, tmp_path: Path) -> None:
    [needed] = backup_in(made).needs
    other = tmp_path / "other.key"
    other.write_text(base64.b64encode(os.urandom(32)).decode())
    for key in (None, other):
        with pytest.raises(ConfigError, match=f"sealed with the key {needed}, which is not here; name the copy"):
            plan_restore(_settings(tmp_path / "new"), backup_in(made), key, replace_jobs=False)
    setting = _settings(tmp_path / "new", **{"secrets.key": other.read_text()})
    with pytest.raises(ConfigError, match=f"secrets.key lacks the key {needed}"):
        plan_restore(setting, backup_in(made), tmp_path / "lost" / "secret.key", replace_jobs=False)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_has_a_key_of_its_own_keeps_it_and_gets_the_other(made: Path, tmp_path: Path) -> None:
    _node(tmp_path / "new")
    own = load_keyring(tmp_path / "new").current
    key = tmp_path / "lost" / "secret.key"
    restore(plan_restore(_settings(tmp_path / "new"), backup_in(made), key, replace_jobs=False))
    assert list(load_keyring(tmp_path / "new").keys) == [own, *backup_in(made).needs]


def test_jobs_that_are_there_are_replaced_only_when_told_and_kept_aside(made: Path, tmp_path: Path) -> None:
    settings = _node(tmp_path / "new", "mine", last=5000)
    bucket = tmp_path / "new" / "nats" / "jetstream" / "jetstream" / "UDUP" / "streams" / "KV_udup_jobs"
    messages = bucket.parent / "SHOP1"
    for each in (bucket, messages):
        each.mkdir(parents=True)
    key = tmp_path / "lost" / "secret.key"
    with pytest.raises(ConfigError, match=r"has 1 job already; nothing was changed.*--replace"):
        plan_restore(settings, backup_in(made), key, replace_jobs=False)
    before = read_snapshot(tmp_path / "new" / "jobs.snapshot")
    assert before is not None
    restore(plan_restore(settings, backup_in(made), key, replace_jobs=True))
    after = read_snapshot(tmp_path / "new" / "jobs.snapshot")
    assert after is not None and after.values == backup_in(made).snapshot.values
    assert after.position == before.position, "the API's indexes do not go back"
    assert not bucket.exists() and messages.exists(), "what a subscription has delivered stays"
    [aside] = (tmp_path / "new").glob("jobs.snapshot.before-*")
    assert read_snapshot(aside) == before
    assert len(list((tmp_path / "new").glob("nats-jetstream-*KV_udup_jobs.before-*"))) == 1


@pytest.mark.parametrize("replaced", [False, True])
def test_a_restore_that_is_killed_at_any_step_is_no_node_without_jobs_and_is_done_again(
    made: Path, tmp_path: Path, *, replaced: bool
) -> None:
    key = tmp_path / "lost" / "secret.key"
    count = 1
    for done in range(12):
        folder = tmp_path / f"new{done}"
        settings = _node(folder, "mine") if replaced else _settings(folder)
        plan = plan_restore(settings, backup_in(made), key, replace_jobs=replaced)
        with restoring.stopped(folder):
            steps = list(plan.steps())
            count = len(steps)
            for step in steps[:done]:
                step()
        if 0 < done < count:
            with pytest.raises(ConfigError, match="was broken off"):
                check_restored(folder)
            with pytest.raises(ConfigError, match="was broken off"):
                make_backup(settings, with_key=False)
            assert backup_in(folder / RESTORING).jobs == ["orders", "shop"]
        else:
            check_restored(folder)
        restore(plan_restore(settings, backup_in(made), key, replace_jobs=replaced or done >= count))
        check_restored(folder)
        found = read_snapshot(folder / "jobs.snapshot")
        assert found is not None and found.values == backup_in(made).snapshot.values
    assert count < 12, "all of them were tried"


def test_one_of_several_managers_brings_the_jobs_into_their_store(made: Path, tmp_path: Path) -> None:
    cluster = {
        "cluster.role": "manager",
        "cluster.secret": "a-secret-of-the-tests",
        "cluster.join": ["127.0.0.2:8192", "127.0.0.3:8192"],
    }
    settings = _settings(tmp_path / "new", **cluster)
    plan = plan_restore(settings, backup_in(made), tmp_path / "lost" / "secret.key", replace_jobs=False)
    restore(plan)
    assert plan.brings and not (tmp_path / "new" / "jobs.snapshot").exists()
    assert read_snapshot(tmp_path / "new" / "nats" / "store-brings.snapshot") == backup_in(made).snapshot
    agent = {**cluster, "cluster.role": "agent", "cluster.join": ["127.0.0.2:8191"]}
    with pytest.raises(ConfigError, match="an agent keeps no jobs"):
        plan_restore(_settings(tmp_path / "agent", **agent), backup_in(made), None, replace_jobs=False)


def test_nothing_is_restored_under_a_server_that_runs(made: Path, tmp_path: Path) -> None:
    plan = plan_restore(
        _settings(tmp_path / "new"), backup_in(made), tmp_path / "lost" / "secret.key", replace_jobs=False
    )
    with restoring.stopped(tmp_path / "new"), pytest.raises(ConfigError, match="a server runs in"):
        restore(plan)
    assert not (tmp_path / "new" / RESTORING).exists()


def test_a_nats_server_of_somebody_s_is_asked_whether_it_has_a_job_store(
    server_folder: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = NatsServer(tmp_path / "nats", 0)
    server.start()
    try:
        settings = _settings(tmp_path / "new", **{"nats.url": server.url})
        key = tmp_path / "lost" / "secret.key"
        restore(plan_restore(settings, backup_in(made), key, replace_jobs=False))
        asyncio.run(_make_store(server.url))
        with pytest.raises(ConfigError, match="has a job store, which the node goes by"):
            plan_restore(settings, backup_in(made), key, replace_jobs=True)
    finally:
        server.stop()
    monkeypatch.setattr(restoring, "ASK_SECONDS", 0.5)
    with pytest.raises(ConfigError, match="cannot ask NATS"):
        plan_restore(settings, backup_in(made), key, replace_jobs=True)


async def _make_store(url: str) -> None:
    client = await nats.connect(url)
    try:
        await make_bucket(client.jetstream(), JOBS_BUCKET, StorageType.FILE)
    finally:
        await client.close()


def test_what_is_no_whole_backup_of_a_version_that_is_known_is_refused(made: Path, tmp_path: Path) -> None:
    whole = made.read_bytes()
    newer = replace(backup_in(made), version="99.1.0").to_bytes()
    for content, told in (
        (whole[:-20], "is damaged"),
        (whole.replace(b"shop", b"shup"), "is damaged"),
        (whole.replace(HEAD, b"udup backup 2 "), "does not know"),
        (b"[mysqld]\n", "is no backup"),
        (b"", "is no backup"),
        (newer, "was made by Udup 99.1.0"),
    ):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(ConfigError, match=told):
            backup_in(tmp_path / "bad")
    with pytest.raises(ConfigError, match="cannot read"):
        backup_in(tmp_path / "absent")


def test_a_file_with_the_right_sum_that_no_node_has_written_is_refused_in_one_sentence(
    made: Path, tmp_path: Path
) -> None:
    good = json.loads(made.read_bytes().partition(b"\n")[2])
    allowed = {"version": ["x"], "node": ["x"], "key": ["x"], "consumers": ["x", None], "made": [1], "values": [{}]}
    contents: list[object] = [[], None, {}, {**good, "made": 10**40}, {**good, "store": {**good["store"], "last": "7"}}]
    for key in good:
        for value in (None, 1, "x", [], {}, float("inf")):
            if value not in allowed.get(key, []):
                contents.append({**good, key: value})
    contents += [{**good, "values": {"../a b": "{}"}}, {**good, "values": {"gone": "{"}}]
    bodies = [json.dumps(each).encode() for each in contents] + [b"{", b"\xff", b"[" * 100_000]
    for body in bodies:
        (tmp_path / "bad").write_bytes(HEAD + hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        with pytest.raises(ConfigError, match="bad is damaged: what it holds is not what a backup of Udup holds"):
            backup_in(tmp_path / "bad")


def test_a_backup_takes_the_place_of_a_backup_and_of_nothing_else(tmp_path: Path) -> None:
    settings = _node(tmp_path / "lost", "shop")
    backup: Backup = make_backup(settings, with_key=False)
    (tmp_path / "udup.toml").write_text("# mine")
    with pytest.raises(ConfigError, match="no backup of Udup; name another file"):
        write_backup(tmp_path / "udup.toml", backup)
    assert (tmp_path / "udup.toml").read_text() == "# mine"
    for _ in range(2):
        write_backup(tmp_path / "b", backup)
    with pytest.raises(ConfigError, match=r"no node of this version has run.*--config"):
        make_backup(_settings(tmp_path / "absent"), with_key=False)
    assert not (tmp_path / "absent").exists()
