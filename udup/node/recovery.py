"""Beginning a job store again from what a node has in its own file, when the managers' one is lost for good.

Done while the server is stopped. Nothing is deleted: what was there is moved aside. What others had written after the
file was, is not in it; a job goes on from its checkpoint in the target all the same.
"""

from __future__ import annotations

import fcntl
import time
from pathlib import Path

from udup.base.errors import ConfigError
from udup.node.nats_cluster import ALONE, SHARED
from udup.node.shared_store import BRINGS, SEEN
from udup.store.snapshot import FILE_NAME, Snapshot, SnapshotDamaged, read_snapshot, write_snapshot


def look(data_dir: Path) -> tuple[Snapshot, float]:
    """Return what the node's file has, and when it was written; `ConfigError` if there is none."""
    path = data_dir / FILE_NAME
    try:
        found = read_snapshot(path)
    except SnapshotDamaged as error:
        raise ConfigError(f"{error}; recover by another manager") from error
    if found is None:
        raise ConfigError(f"there is no {path}, so this node knows no jobs; recover by another manager")
    return found, path.stat().st_mtime


def recover(data_dir: Path, *, bring: bool, alone: bool) -> list[Path]:
    """Have the next start begin a new store, `bring` with what this node's file has; return what was moved aside.

    `alone`: this node goes on without others, and its own store is made by the file as after any loss.
    """
    folder, aside = data_dir / "nats", f".lost-{time.strftime('%Y%m%d-%H%M%S')}"
    with (data_dir / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(f"a server runs in {data_dir}; stop it first") from error
        snapshot = look(data_dir)[0] if bring or alone else None
        moved = []
        for name in (SHARED, SEEN, BRINGS, *((ALONE,) if alone else ())):
            if (folder / name).exists():
                moved.append((folder / name).rename(folder / f"{name}{aside}"))
        if snapshot is not None and not alone:
            write_snapshot(folder / BRINGS, snapshot)
        elif not alone and (folder / ALONE).exists():
            # What it held before it joined others went along then, and is older than theirs.
            moved.append((folder / ALONE).rename(folder / f"{ALONE}{aside}"))
        return moved
