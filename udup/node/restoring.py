"""Backups of what a node knows of its jobs: made beside the running node, restored while it is stopped.

A backup is made of the node's own file of the job store, which is written whole before a client is answered
(`store/snapshot.py`), so the node needs not be asked and may run. In a cluster each node has that file.

A restore first writes the backup into the file `restoring` in data_dir, and removes that last. While it is there a
server does not start, so that a restore that was broken off is never taken for a node without jobs; run again, it does
all its steps once more. Nothing is deleted: what was there is moved aside.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import nats
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from udup import __version__
from udup.base.cluster_settings import count_of_managers
from udup.base.config import Settings
from udup.base.durable import write_whole
from udup.base.errors import ConfigError
from udup.base.identity import load_node_id
from udup.node.nats_cluster import ALONE, SHARED
from udup.node.shared_store import BRINGS, SEEN
from udup.pipeline.transport.address import FILES, connect_options, shown, with_files
from udup.store import sealing
from udup.store.backup import SIGN, Backup, read_backup
from udup.store.contents import JOB_KEY
from udup.store.nats_users import FILE_NAME as CONSUMERS
from udup.store.nats_users import content_of
from udup.store.sealing import Keyring, keyring_of, load_keyring
from udup.store.snapshot import FILE_NAME, Snapshot, SnapshotDamaged, read_snapshot, write_snapshot
from udup.store.store import JOBS_BUCKET

#: The file in data_dir that is there while a restore is under way.
RESTORING = "restoring"

#: Seconds for a NATS server of somebody's to answer.
ASK_SECONDS = 5.0

_STREAM = f"KV_{JOBS_BUCKET}"


def check_restored(data_dir: Path) -> None:
    """Raise `ConfigError` if a restore of this folder was broken off."""
    if (data_dir / RESTORING).exists():
        raise ConfigError(
            f"data_dir: a restore of {data_dir} was broken off, so not all of its jobs may be there; run udup restore"
            f" again: {data_dir / RESTORING} is a copy of the backup"
        )


# ---- Making one ----


def make_backup(settings: Settings, *, with_key: bool) -> Backup:
    """Return what this node knows; `ConfigError` if it knows nothing, or its folder is not to be read."""
    folder = settings.data_path
    check_restored(folder)
    snapshot = _own_snapshot(folder)
    if snapshot is None:
        raise ConfigError(
            f"there is no {folder / FILE_NAME}, so no node of this version has run with this data_dir; name its"
            " settings with --config"
        )
    consumers = content_of(folder / "nats")
    if with_key and _key_setting(settings):
        raise ConfigError("--with-key: the key is the setting secrets.key, which no backup holds; keep the settings")
    key = _text(folder / sealing.FILE_NAME, "--with-key") if with_key else ""
    told = None if consumers is None else consumers.decode()
    return Backup(__version__, time.time_ns(), load_node_id(folder), settings.node.name, snapshot, told, key)


def write_backup(path: Path, backup: Backup) -> None:
    """Write it whole, for its owner alone, in place of an earlier backup; `ConfigError` if the file is another."""
    try:
        if path.exists() and not _is_backup(path):
            raise ConfigError(f"{path} is there and no backup of Udup; name another file")
        write_whole(path, backup.to_bytes())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error


def _is_backup(path: Path) -> bool:
    with path.open("rb") as file:
        return path.is_file() and file.read(len(SIGN)) == SIGN


def _own_snapshot(folder: Path) -> Snapshot | None:
    try:
        return read_snapshot(folder / FILE_NAME)
    except SnapshotDamaged as error:
        raise ConfigError(f"{error}; take the backup at another node of the cluster, or start the node") from error


# ---- Restoring one ----


@dataclass(frozen=True)
class Restore:
    """What is to be done in `folder`, in `steps` that can all be done again. `keys`: the new file of keys, "" for none.

    `stays` are the paths that are moved aside; `brings`: several managers begin their store with it.
    """

    folder: Path
    backup: Backup
    keys: str
    stays: tuple[Path, ...]
    brings: bool

    def steps(self) -> Iterator[Callable[[], object]]:
        """Yield what is to be done, one after the other."""
        folder, nats_folder, aside = self.folder, self.folder / "nats", f".before-{time.strftime('%Y%m%d-%H%M%S')}"
        yield lambda: write_whole(folder / RESTORING, self.backup.to_bytes())
        for path in self.stays:
            yield lambda path=path: _move(path, folder / f"{_name(folder, path)}{aside}")  # type: ignore[misc]
        if self.keys:
            yield lambda: write_whole(folder / sealing.FILE_NAME, self.keys.encode())
        if self.backup.consumers is not None:
            yield lambda: write_whole(_made(nats_folder) / CONSUMERS, (self.backup.consumers or "").encode())
        if not (folder / "agent" / "node-id").exists():
            yield lambda: write_whole(_made(folder / "agent") / "node-id", self.backup.node_id.encode(), 0o644)
        place = nats_folder / BRINGS if self.brings else folder / FILE_NAME
        yield lambda: write_snapshot(_made(place.parent) / place.name, self.backup.snapshot)
        yield lambda: _end(folder)


def plan_restore(settings: Settings, backup: Backup, key_file: Path | None, *, replace_jobs: bool) -> Restore:
    """Return what is to be done; nothing is changed yet. `ConfigError` for what cannot be."""
    folder = settings.data_path
    if settings.cluster.role == "agent":
        raise ConfigError("an agent keeps no jobs: restore at a manager, and let this node join its cluster")
    if settings.nats.url:
        _check_external(settings)
    broken_off = (folder / RESTORING).exists()
    there = _jobs_there(folder)
    if there and not (replace_jobs or broken_off):
        raise ConfigError(
            f"{folder} has {there} already; nothing was changed. Restore into an empty data_dir, or give --replace:"
            " what is there is moved aside"
        )
    brings = bool(settings.cluster.role) and count_of_managers(settings) > 1
    newer = replace(backup, snapshot=_behind(backup.snapshot, folder))
    return Restore(folder, newer, _keys_to_write(settings, backup, key_file), tuple(_store_paths(folder)), brings)


def restore(plan: Restore) -> None:
    """Carry a plan out, step by step; what was broken off is done by another call."""
    with stopped(plan.folder):
        try:
            for step in plan.steps():
                step()
        except OSError as error:
            raise ConfigError(
                f"cannot restore into {plan.folder}: {error.strerror}; run the command again when that is over"
            ) from error


@contextmanager
def stopped(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; `ConfigError` if a server has it, or the folder is somebody else's."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0 and (owner := folder.stat().st_uid):
            raise ConfigError(
                f"{folder} belongs to another user, who could not read what root writes there; run this as that user:"
                f" sudo -u '#{owner}' udup restore …"
            )
        lock = (folder / "lock").open("a+")
    except OSError as error:
        raise ConfigError(f"data_dir: cannot use {folder}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(f"a server runs in {folder}; stop it first") from error
        yield


def backup_in(path: Path) -> Backup:
    """Return the backup in a file; `ConfigError` if there is none that this version can read."""
    try:
        return read_backup(path.read_bytes(), str(path), __version__)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def _keys_to_write(settings: Settings, backup: Backup, key_file: Path | None) -> str:
    """Return what the file of keys is to hold, "" if it stays as it is; `ConfigError` if a key is missing."""
    folder, setting = settings.data_path, _key_setting(settings)
    has = (folder / sealing.FILE_NAME).exists()
    known = load_keyring(folder, setting) if setting or has else Keyring({}, "no file")
    lacks = sorted(set(backup.needs) - set(known.keys))
    if not lacks and (setting or has):
        return ""
    given = _text(key_file, "--key") if key_file is not None else backup.key
    found = keyring_of(given.splitlines(), str(key_file or "the backup")) if given else Keyring({}, "no file")
    if absent := sorted(set(lacks) - set(found.keys)):
        raise ConfigError(
            f"the passwords of the backup's jobs are sealed with the key {', '.join(absent)}, which is not here; name"
            f" the copy of {sealing.FILE_NAME} of the node that made it with --key, or set secrets.key"
        )
    if setting:
        raise ConfigError(
            f"the setting secrets.key lacks the key {', '.join(lacks)} of the backup's passwords; add it to the"
            " setting, behind a comma"
        )
    return ((folder / sealing.FILE_NAME).read_text("ascii") if has else "") + given


def _key_setting(settings: Settings) -> str:
    return settings.secrets.key.get_secret_value()


def _text(file: Path, option: str) -> str:
    try:
        return file.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{option}: cannot read {file}: {error}") from error


def _jobs_there(folder: Path) -> str:
    """Return which jobs a folder has, for people, "" if it has none."""
    try:
        own = read_snapshot(folder / FILE_NAME)
    except SnapshotDamaged:
        return f"a job store ({folder / FILE_NAME} cannot be read)"
    count = 0 if own is None else sum(bool(JOB_KEY.fullmatch(key)) for key in own.values)
    if count:
        return f"{count} job{'' if count == 1 else 's'}"
    looked = _store_paths(folder) if own is None else iter([folder / "nats" / SEEN])
    stores = [each for each in looked if each.exists()]
    return f"a job store ({stores[0]})" if stores else ""


def _store_paths(folder: Path) -> Iterator[Path]:
    """Yield what holds jobs in a folder. Streams of subscriptions in a lone node's own JetStream are none of it."""
    nats_folder = folder / "nats"
    yield folder / FILE_NAME
    yield from sorted((nats_folder / ALONE / "jetstream").glob(f"*/streams/{_STREAM}"))
    yield from (nats_folder / SHARED, nats_folder / SEEN, nats_folder / BRINGS)


def _behind(snapshot: Snapshot, folder: Path) -> Snapshot:
    """Return what is restored, numbered behind what the folder held: the API's indexes do not go back."""
    try:
        own = read_snapshot(folder / FILE_NAME)
    except SnapshotDamaged:
        own = None
    back = 0 if own is None else own.position - snapshot.position
    return replace(snapshot, base=snapshot.base + back) if back > 0 else snapshot


def _check_external(settings: Settings) -> None:
    """Raise `ConfigError` if the NATS server that the settings name has a job store, which the node would go by."""
    url = with_files(settings.nats.url, {name: getattr(settings.nats, name) for name in FILES})

    async def quiet(_error: Exception) -> None:
        """Say nothing: what goes wrong is told once, at the end."""

    async def is_there() -> bool:
        server, options = connect_options(url)
        opening = nats.connect(server, connect_timeout=2, allow_reconnect=False, error_cb=quiet, **options)
        client = await asyncio.wait_for(opening, ASK_SECONDS)  # by itself it would try for two minutes
        try:
            await client.jetstream(timeout=ASK_SECONDS).stream_info(_STREAM)
        except NotFoundError:
            return False
        finally:
            await client.close()
        return True

    try:
        there = asyncio.run(is_there())
    except (NatsError, OSError, TimeoutError) as error:
        why = str(error) or "no answer"
        raise ConfigError(f"cannot ask NATS at {shown(url)} whether it has a job store: {why}") from error
    if there:
        raise ConfigError(
            f"NATS at {shown(url)} has a job store, which the node goes by whatever is restored; if it is to be"
            f" replaced, remove it first: nats stream rm {_STREAM}"
        )


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix().replace("/", "-")


def _move(path: Path, place: Path) -> None:
    if path.exists():
        path.rename(place)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _end(folder: Path) -> None:
    (folder / RESTORING).unlink()
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
